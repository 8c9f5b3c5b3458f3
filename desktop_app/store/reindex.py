"""Makes the index agree with the files: new, changed and gone ones, their marks, the trash."""

import filecmp
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from desktop_app.errors import AppError
from desktop_app.store import sidecar, trash
from desktop_app.store.containers import open_container
from desktop_app.store.database import Database
from desktop_app.store.marks import marks_in, marks_of, set_marks
from desktop_app.store.metadata import pixels_sha256, read_container
from desktop_app.store.pixels import read_pixels
from desktop_app.store.record import Entry, Marks, entry_of, insert, update
from desktop_app.store.sidecar import UNMARKED, Marked

Progress = Callable[[int, int], None]
ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_DEPTH_MAX = 8
_BATCH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Reindexed:
    """What was found.

    Attributes:
        pictures: in the gallery now, missing ones included.
        added: not known before, among them those from the trash's manifests.
        missing: known, but not there.
        damaged: files that look like pictures and cannot be read, with the sentence that says why.
    """

    pictures: int
    added: int
    missing: int
    damaged: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    path: str
    size: int
    modified: int


def reindex(
    database: Database,
    folder: Path,
    trash_folder: Path,
    *,
    moving: AbstractContextManager[object],
    progress: Progress | None = None,
    everything: bool = False,
) -> Reindexed:
    """As `Pictures.rebuild_index` says.

    Args:
        moving: held while files are moved into the trash and out of it.
    """
    # Pictures may be saved and trashed meanwhile. Rows are read before files, so that a picture
    # saved in between is not taken for missing.
    rows = database.rows(
        "SELECT id, path, size, modified, missing FROM pictures WHERE trashed = ''"
    )
    before = database.rows("SELECT count(*) FROM pictures")[0][0]
    # The names begin with the day and a counter, so this is the order in which they were made.
    files = sorted(_files(folder), key=lambda file: file.path)
    with moving:
        _note_missing(database, folder, rows, {file.path for file in files})
    known = {path: (size, modified) for _, path, size, modified, _ in rows}
    wanted = [
        file for file in files if everything or known.get(file.path) != (file.size, file.modified)
    ]
    damaged: list[tuple[Path, str]] = []
    done = len(files) - len(wanted)
    for start in range(0, len(wanted), _BATCH):
        entries: list[Entry] = []
        for file in wanted[start : start + _BATCH]:
            try:
                entries.append(read_entry(folder, file.path, file.size, file.modified))
            except AppError as refusal:
                if refusal.code != "file-missing":
                    damaged.append((folder / file.path, refusal.sentence))
            done += 1
            if progress:
                progress(done, len(files))
        with moving:
            _take_in(database, folder, trash_folder, entries)
    with moving:
        _settle_trash(database, folder, trash_folder)
    _settle_marks(database, folder, files)
    return _counted(database, before, damaged)


def _take_in(database: Database, folder: Path, trash_folder: Path, entries: list[Entry]) -> None:
    with database.transaction() as connection:
        for entry in entries:
            number = _same(database, trash_folder, entry)
            if number is not None:
                update(connection, number, entry)
            elif (folder / entry.path).exists():  # it may have been trashed since it was read
                insert(connection, entry)


def _counted(database: Database, before: int, damaged: list[tuple[Path, str]]) -> Reindexed:
    counts = database.rows(
        "SELECT count(*), coalesce(sum(missing), 0) FROM pictures WHERE trashed = ''"
    )
    after = database.rows("SELECT count(*) FROM pictures")[0][0]
    return Reindexed(
        pictures=counts[0][0],
        added=max(0, after - before),
        missing=counts[0][1],
        damaged=tuple(damaged),
    )


def read_entry(folder: Path, path: str, size: int, modified: int) -> Entry:
    """What the index should hold of a file.

    The pixels of our own pictures are not decoded, for their record has the hash.

    Raises:
        AppError: when it is no whole picture.
    """
    where = folder / path
    container = open_container(where)
    imported = read_container(container)
    if not container.whole:
        raise AppError("picture-damaged", f"“{where.name}” is cut short.")
    if imported.recipe and imported.provenance and not imported.problem:
        key = imported.provenance.pixels_sha256
    else:
        key = pixels_sha256(read_pixels(where))
    return entry_of(
        imported,
        path=path,
        created=_time(modified),
        pixels_sha256=key,
        size=size,
        modified=modified,
    )


def _files(folder: Path, within: str = "", depth: int = 0) -> Iterator[_File]:
    """The picture files below a folder; links are not followed, hidden names left out."""
    try:
        with os.scandir(folder / within) as rows:
            entries = [entry for entry in rows if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in entries:
        path = f"{within}{entry.name}"
        try:
            path.encode()
            if entry.is_dir(follow_symlinks=False) and depth < _DEPTH_MAX:
                yield from _files(folder, f"{path}/", depth + 1)
            elif entry.name.lower().endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                about = entry.stat(follow_symlinks=False)
                yield _File(path=path, size=about.st_size, modified=about.st_mtime_ns)
        except (OSError, UnicodeEncodeError):
            continue  # gone since it was listed, or a name that is no text


def _note_missing(
    database: Database, folder: Path, rows: list[tuple[Any, ...]], there: set[str]
) -> None:
    """Set who is missing: whose path was not `there` and is not there now."""
    changed = [
        (path not in there, number, path)
        for number, path, _, _, missing in rows
        if bool(missing) != (path not in there) and (path in there or not (folder / path).exists())
    ]
    with database.transaction() as connection:
        connection.executemany(
            "UPDATE pictures SET missing = ? WHERE id = ? AND path = ? AND trashed = ''", changed
        )


def _same(database: Database, trash_folder: Path, entry: Entry) -> int | None:
    """The row that a file belongs to: the one of its path, or one whose own file is gone."""
    rows = database.rows("SELECT id FROM pictures WHERE trashed = '' AND path = ?", (entry.path,))
    if rows:
        return rows[0][0]
    for number, token, path in database.rows(
        "SELECT id, trashed, path FROM pictures"
        " WHERE pixels_sha256 = ? AND (missing = 1 OR trashed != '') ORDER BY id",
        (entry.pixels_sha256,),
    ):
        if not token:
            return number
        manifest = trash.Manifest(token=token, path=path, marked=UNMARKED)
        if not manifest.file(trash_folder).exists():  # killed while it was brought back
            with database.transaction() as connection:
                connection.execute("UPDATE pictures SET trashed = '' WHERE id = ?", (number,))
            return number
    return None


def _settle_trash(database: Database, folder: Path, trash_folder: Path) -> None:
    """Finish what a killed program began, and take up manifests that the index does not know."""
    rows = database.rows("SELECT trashed, id FROM pictures WHERE trashed != ''")
    known: dict[str, int] = dict(rows)
    there = {manifest.token: manifest for manifest in trash.manifests(trash_folder)}
    for token, manifest in there.items():
        file = manifest.file(trash_folder)
        if not file.exists():
            trash.drop_manifest(trash_folder, token)
        elif token not in known:
            _take_up(database, folder, trash_folder, manifest)
    for token, number in known.items():
        manifest = there.get(token)
        if manifest is None or not manifest.file(trash_folder).exists():
            with database.transaction() as connection:
                connection.execute(
                    "DELETE FROM pictures WHERE id = ? AND trashed = ?", (number, token)
                )


def _take_up(
    database: Database, folder: Path, trash_folder: Path, manifest: trash.Manifest
) -> None:
    file = manifest.file(trash_folder)
    original = folder / manifest.path
    if original.exists() and filecmp.cmp(original, file, shallow=False):
        # Killed while moving to another disk: the original was not yet removed.
        file.unlink()
        trash.drop_manifest(trash_folder, manifest.token)
        return
    about = file.stat()
    try:
        entry = read_entry(trash_folder, file.name, about.st_size, about.st_mtime_ns)
    except AppError:
        return
    marks = manifest.marked.marks
    with database.transaction() as connection:
        rows = database.rows(
            "SELECT id FROM pictures WHERE trashed = '' AND path = ? AND pixels_sha256 = ?",
            (manifest.path, entry.pixels_sha256),
        )
        # A row whose own file stands at the old place is another picture's, however alike.
        number = rows[0][0] if rows and not original.exists() else insert(connection, entry)
        connection.execute(
            "UPDATE pictures SET trashed = ?, path = ?, missing = 0, favourite = ?, rating = ?,"
            " verified = ? WHERE id = ?",
            (manifest.token, manifest.path, marks.favourite, marks.rating, marks.verified, number),
        )


def _settle_marks(database: Database, folder: Path, files: list[_File]) -> None:
    """Make the marks in the index those of the sidecars.

    A picture that was moved or renamed brings its marks along by the hash of its pixels. A folder
    whose sidecar is gone or garbled gets it again from the index; one whose sidecar cannot be read
    now is left as it is.
    """
    paths = {file.path for file in files}
    repairs: dict[str, dict[str, Marked | None]] = {}
    with database.transaction() as connection:
        sidecars = _sidecars(folder, {path.rpartition("/")[0] for path in paths})
        strays = {
            marked.pixels_sha256: marked
            for place, rows in sidecars.items()
            for name, marked in (rows or {}).items()
            if f"{place}/{name}".lstrip("/") not in paths and marked.pixels_sha256
        }
        for number, path, pixels, *values in database.rows(
            "SELECT id, path, pixels_sha256, favourite, rating, verified FROM pictures"
            " WHERE trashed = '' AND missing = 0"
        ):
            place, _, name = path.rpartition("/")
            if place not in sidecars:
                continue
            before = Marked(marks=marks_of(values), pixels_sha256=pixels)
            marked, known = _marked(sidecars[place], name, before, strays)
            if not known and marked.marks != Marks():
                repairs.setdefault(place, {})[name] = marked
            if marked.marks != before.marks:
                set_marks(connection, number, marked.marks)
        for place, repaired in repairs.items():
            try:
                sidecar.write(folder / place, repaired, partial(marks_in, database, place))
            except AppError:
                continue  # a folder that cannot be written keeps its marks in the index


def _marked(
    rows: dict[str, Marked] | None, name: str, before: Marked, strays: dict[str, Marked]
) -> tuple[Marked, bool]:
    """The marks that hold for a file, and whether its sidecar has them already.

    Args:
        before: what the index says.
        strays: marks of files that are no longer where they were, by the hash of their pixels.
    """
    own = (rows or {}).get(name)
    if own and own.pixels_sha256 in ("", before.pixels_sha256):
        return own, True
    stray = strays.get(before.pixels_sha256)
    if stray:
        return stray, False
    return (before if rows is None else UNMARKED), False


def _sidecars(folder: Path, places: set[str]) -> dict[str, dict[str, Marked] | None]:
    """The sidecars of the folders, without those that cannot be read now."""
    found: dict[str, dict[str, Marked] | None] = {}
    for place in sorted(places):
        try:
            found[place] = sidecar.read(folder / place)
        except AppError:
            continue
    return found


def _time(modified: int) -> str:
    try:
        return f"{datetime.fromtimestamp(modified / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
