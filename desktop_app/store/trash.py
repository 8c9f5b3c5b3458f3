"""The trash: files moved aside with a manifest, so that they can come back after any crash."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.store import sidecar
from desktop_app.store.database import Database
from desktop_app.store.files import move, read_bounded, told, write_atomic, write_numbered
from desktop_app.store.marks import marks_in, marks_of
from desktop_app.store.record import Marks
from desktop_app.store.sidecar import UNMARKED, Marked

_MANIFEST_MAX = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What is known of one file in the trash.

    Attributes:
        token: the name of the file and of its manifest, without ending.
        path: where it was, relative to the pictures folder.
    """

    token: str
    path: str
    marked: Marked

    def file(self, trash: Path) -> Path:
        return trash / f"{self.token}{Path(self.path).suffix.lower()}"


def put(database: Database, folder: Path, trash: Path, ids: Sequence[int]) -> tuple[int, ...]:
    """Move pictures into the trash, as `Pictures.trash` says.

    Manifest first, then the move, then the row: killed in between, the file is in one of the two
    places and the next `reindex` says so.
    """
    rows = _rows(database, ids, "trashed = ''")
    if rows and not folder.is_dir():
        raise AppError(
            "folder-gone",
            f"The pictures cannot be moved: the folder “{folder}” cannot be reached.",
            hint="Connect its drive again and try again.",
            path=str(folder),
        )
    moved: list[tuple[int, Manifest]] = []
    gone: list[int] = []

    def one(number: int, row: Manifest) -> None:
        source = folder / row.path
        if not source.exists():
            gone.append(number)
            return
        manifest = Manifest(token=secrets.token_hex(8), path=row.path, marked=row.marked)
        write_manifest(trash, manifest)
        move(source, manifest.file(trash))
        moved.append((number, manifest))

    fault = _each(rows, one)
    with database.transaction() as connection:
        for number, manifest in moved:
            connection.execute(
                "UPDATE pictures SET trashed = ? WHERE id = ?", (manifest.token, number)
            )
        connection.executemany("DELETE FROM pictures WHERE id = ?", [(number,) for number in gone])
    _unmark(database, folder, [manifest for _, manifest in moved])
    done = tuple(number for number, _ in moved)
    if fault:
        raise _partly("trash-partly", "moved to the trash", done, len(rows), fault)
    return done


def take_back(database: Database, folder: Path, trash: Path, ids: Sequence[int]) -> tuple[int, ...]:
    """Bring pictures back, as `Pictures.restore` says."""
    rows = _rows(database, ids, "trashed != ''")
    back: list[tuple[int, Manifest, Path]] = []

    def one(number: int, manifest: Manifest) -> None:
        back.append((number, manifest, _bring(manifest, folder, trash)))

    fault = _each(rows, one)
    for number, manifest, path in back:
        marked = {path.name: manifest.marked}
        with database.transaction() as connection:
            connection.execute(
                "UPDATE pictures SET trashed = '', missing = 0, path = ? WHERE id = ?",
                (path.relative_to(folder).as_posix(), number),
            )
            if manifest.marked.marks != Marks():
                place = path.parent.relative_to(folder).as_posix().strip(".")
                sidecar.write(path.parent, marked, partial(marks_in, database, place))
        drop_manifest(trash, manifest.token)
    done = tuple(number for number, _, _ in back)
    if fault:
        raise _partly("restore-partly", "brought back", done, len(rows), fault)
    return done


def empty(database: Database, trash: Path) -> list[tuple[str, int]]:
    """Delete all in the trash for good; pixel hash and width of each picture."""
    rows = database.rows(
        "SELECT id, trashed, path, pixels_sha256, width FROM pictures WHERE trashed != ''"
    )
    for number, token, path, *_ in rows:
        manifest = Manifest(token=token, path=path, marked=UNMARKED)
        with told(manifest.file(trash)):
            manifest.file(trash).unlink(missing_ok=True)
        drop_manifest(trash, token)
        with database.transaction() as connection:
            connection.execute("DELETE FROM pictures WHERE id = ?", (number,))
    return [(pixels, width) for _, _, _, pixels, width in rows]


def write_manifest(trash: Path, manifest: Manifest) -> None:
    """Write down where a file comes from, before it is moved."""
    data = {"version": 1, "path": manifest.path, "marks": sidecar.plain(manifest.marked)}
    write_atomic(trash / f"{manifest.token}.json", codec.dumps(data).encode())


def drop_manifest(trash: Path, token: str) -> None:
    """Forget a manifest whose file is no longer in the trash."""
    path = trash / f"{token}.json"
    with told(path):
        path.unlink(missing_ok=True)


def manifests(trash: Path) -> list[Manifest]:
    """All manifests that can be read, whether or not their file is there."""
    try:
        paths = sorted(trash.glob("*.json"))
    except OSError:
        return []
    found = [_manifest(path) for path in paths]
    return [manifest for manifest in found if manifest is not None]


def _manifest(path: Path) -> Manifest | None:
    try:
        data = codec.loads(read_bounded(path, _MANIFEST_MAX).decode("utf-8", "replace"))
    except AppError:
        return None
    if not isinstance(data, dict):
        return None
    fields = cast(dict[str, object], data)
    origin = fields.get("path")
    marked = sidecar.marked_from(fields.get("marks"))
    if not isinstance(origin, str) or marked is None or not _inside(origin):
        return None
    return Manifest(token=path.stem, path=origin, marked=marked)


def _inside(origin: str) -> bool:
    """Whether a path from a file leads nowhere but below the pictures folder."""
    parts = Path(origin).parts
    return (
        bool(parts) and not Path(origin).is_absolute() and ".." not in parts and "\0" not in origin
    )


def _bring(manifest: Manifest, folder: Path, trash: Path) -> Path:
    source = manifest.file(trash)
    target = folder / manifest.path
    if not source.exists():
        raise AppError("file-missing", f"“{target.name}” is no longer in the trash.")
    if target.exists():
        ending = target.name.partition("-")[2] or target.name
        target = write_numbered(target.parent, ending, source.read_bytes())
        source.unlink()
    else:
        move(source, target)
    return target


def _rows(database: Database, ids: Sequence[int], where: str) -> list[tuple[int, Manifest]]:
    found: list[tuple[int, Manifest]] = []
    for number in dict.fromkeys(ids):
        rows = database.rows(
            "SELECT trashed, path, pixels_sha256, favourite, rating, verified FROM pictures"
            f" WHERE id = ? AND {where}",
            (number,),
        )
        for token, path, pixels, *values in rows:
            marked = Marked(marks=marks_of(values), pixels_sha256=pixels)
            found.append((number, Manifest(token=token, path=path, marked=marked)))
    return found


def _each(
    rows: list[tuple[int, Manifest]], action: Callable[[int, Manifest], None]
) -> AppError | None:
    """Do all that can be done; the first refusal."""
    first: AppError | None = None
    for number, manifest in rows:
        try:
            action(number, manifest)
        except AppError as refusal:
            first = first or refusal
    return first


def _unmark(database: Database, folder: Path, gone: list[Manifest]) -> None:
    by_folder: dict[str, dict[str, Marked | None]] = {}
    for manifest in gone:
        if manifest.marked.marks != Marks():
            place, _, name = manifest.path.rpartition("/")
            by_folder.setdefault(place, {})[name] = None
    for place, names in by_folder.items():
        try:
            sidecar.write(folder / place, names, partial(marks_in, database, place))
        except AppError:
            continue  # a mark without a file says nothing


def _partly(code: str, what: str, done: tuple[int, ...], count: int, fault: AppError) -> AppError:
    return AppError(
        code,
        f"{len(done)} of {count} pictures were {what}: {fault.sentence}",
        hint=fault.hint,
        done=done,
    )
