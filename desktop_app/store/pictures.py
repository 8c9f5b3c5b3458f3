"""The gallery: every picture a file first and a row second; its marks, thumbnails and trash."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from desktop_app.errors import AppError
from desktop_app.recipe.foreign import NO_FILES, Files
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import Recipe
from desktop_app.store import pixels as decoder
from desktop_app.store import sidecar, trash
from desktop_app.store.containers import FILE_MAX, parse_container
from desktop_app.store.database import Database
from desktop_app.store.files import read_bounded, safe_name, sweep, write_numbered
from desktop_app.store.marks import marks_in, marks_of, set_marks
from desktop_app.store.metadata import Imported, pixels_sha256, read_container, write_png
from desktop_app.store.record import (
    RATING_MAX,
    SELECT,
    VERDICTS,
    Marks,
    Record,
    entry_of,
    insert,
    record_of,
    row_of,
)
from desktop_app.store.reindex import Progress, Reindexed, reindex
from desktop_app.store.search import Query, conditions
from desktop_app.store.sidecar import Marked
from desktop_app.store.thumbnails import Thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
_MANY = 500
"""Ids in one statement; SQLite may have a limit of 999 values."""
SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}


class Pictures:
    """All pictures of one gallery. Safe to call from any thread.

    Attributes:
        folder: where the picture files lie, in one folder a day.
    """

    def __init__(self, database: Database, *, pictures: Path, trash: Path) -> None:
        self.folder = pictures
        self._database = database
        self._trash = trash
        self._moving = threading.Lock()
        self._thumbnails = Thumbnails(database.path.with_name("thumbnails.sqlite"))

    @property
    def needs_index(self) -> bool:
        """Whether the index is new, so that `rebuild_index` should run before the gallery shows."""
        return self._database.fresh

    def save(
        self,
        recipe: Recipe,
        provenance: Provenance,
        pixels: "NDArray[np.uint8]",
        *,
        compress_level: int = 1,
        files: Files = NO_FILES,
    ) -> Record:
        """Keep a rendered picture: when this returns, its file and its row are on the disk.

        Args:
            pixels: (H, W, 3) uint8 RGB, those that `provenance.pixels_sha256` was made of.
            compress_level: of the PNG, 0 (fast, large) ... 9 (slow, small).
            files: as in `write_png`.

        Raises:
            AppError: `disk-full`, `read-only`, `folder-gone` or `write-failed`, and nothing is at
                the final name; `not-indexed` when the file is safe but the index is not writable.
        """
        if pixels_sha256(pixels) != provenance.pixels_sha256:
            raise ValueError("the pixels are not those that the provenance speaks of")
        data = write_png(pixels, recipe, provenance, compress_level=compress_level, files=files)
        day = self.folder / _local_day(provenance.created)
        path = write_numbered(day, f"{recipe.seed}.png", data)
        height, width = pixels.shape[:2]
        imported = Imported(
            recipe=recipe,
            provenance=provenance,
            draft_changes=None,
            infotext=None,
            width=width,
            height=height,
        )
        return self._index(path, imported, provenance.pixels_sha256, pixels)

    def add_file(self, path: Path) -> Record:
        """Copy a picture of any program into the gallery, as it is; the one there is, if it is.

        Raises:
            AppError: `not-a-picture`, `picture-damaged`, `picture-size`, a `file-…` error, or as
                `save`.
        """
        data = read_bounded(path, FILE_MAX)
        container = parse_container(data, path.name)
        pixels = decoder.decode(data, path.name)
        key = pixels_sha256(pixels)
        found = self._database.rows(
            f"{SELECT} WHERE p.pixels_sha256 = ? AND p.trashed = '' AND p.missing = 0", (key,)
        )
        if found:
            return record_of(found[0], self.folder)
        imported = read_container(container)
        seed = _seed_of(imported)
        ending = f"{seed or safe_name(path.stem)}{SUFFIXES[container.kind]}"
        copy = write_numbered(self.folder / f"{datetime.now():%Y-%m-%d}", ending, data)
        return self._index(copy, imported, key, pixels)

    def record(self, number: int) -> Record:
        """One picture.

        Raises:
            AppError: `picture-unknown`.
        """
        found = self.records([number])
        if not found:
            raise AppError("picture-unknown", "This picture is no longer in the gallery.")
        return found[0]

    def records(self, ids: Sequence[int]) -> list[Record]:
        """The pictures with these ids, in this order; unknown ids are left out."""
        found: dict[int, Record] = {}
        for part in _parts(ids):
            rows = self._database.rows(f"{SELECT} WHERE p.id IN ({_places(part)})", part)
            found |= {int(row[0]): record_of(row, self.folder) for row in rows}
        return [found[number] for number in ids if number in found]

    def ids(self, query: Query | None = None) -> list[int]:
        """The ids of all pictures that a query finds, the newest first."""
        where, values = conditions(query or Query())
        rows = self._database.rows(
            f"SELECT id FROM pictures WHERE trashed = ''{where} ORDER BY id DESC", values
        )
        return [row[0] for row in rows]

    def ids_with(
        self, column: Literal["pixels_sha256", "parent", "sheet"], values: Sequence[str]
    ) -> list[int]:
        """The ids of all pictures that have one of these hashes, parents or grids."""
        found: list[int] = []
        for part in _parts(values):
            rows = self._database.rows(
                f"SELECT id FROM pictures WHERE trashed = '' AND {column} IN ({_places(part)})"
                " ORDER BY id",
                part,
            )
            found += [row[0] for row in rows]
        return found

    def count(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM pictures WHERE trashed = ''")[0][0])

    def pixels(self, number: int) -> "NDArray[np.uint8]":
        """The picture itself, (H, W, 3) uint8 RGB.

        Raises:
            AppError: `file-missing` and the like, `picture-damaged`.
        """
        return self._decoded(self.record(number))

    def thumbnail(self, number: int) -> bytes:
        """A JPEG of at most 400 pixels; made again from the file where the cache has none.

        Raises:
            AppError: as `pixels`.
        """
        record = self.record(number)
        jpeg = self._thumbnails.get(_key(record))
        if jpeg is None:
            jpeg = decoder.thumbnail_jpeg(self._decoded(record))
            self._thumbnails.put(_key(record), jpeg)
        return jpeg

    def set_favourite(self, ids: Sequence[int], on: bool) -> None:
        """Raises:
        AppError: when the marks cannot be written beside the pictures; nothing changed then.
        """
        self._mark(ids, lambda marks: replace(marks, favourite=on))

    def set_rating(self, ids: Sequence[int], rating: int) -> None:
        """Args:
            rating: 0 (none) ... 5.

        Raises:
            AppError: as `set_favourite`.
        """
        if not 0 <= rating <= RATING_MAX:
            raise AppError("rating", f"A rating is a number from 0 to {RATING_MAX}.")
        self._mark(ids, lambda marks: replace(marks, rating=rating))

    def set_verified(self, number: int, verdict: str) -> None:
        """Keep what reproducing the picture gave: `identical`, `similar` or `different`.

        Raises:
            AppError: as `set_favourite`.
        """
        if verdict not in VERDICTS:
            raise ValueError(f"{verdict!r} is no verdict")
        self._mark([number], lambda marks: replace(marks, verified=verdict))

    def trash(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Move pictures into the trash; the ids that are there now.

        A picture whose file is gone is forgotten instead, and its id is not returned.

        Raises:
            AppError: `trash-partly` when some could not be moved; parameter `done` has those that
                were.
        """
        with self._moving:
            return trash.put(self._database, self.folder, self._trash, ids)

    def restore(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Bring pictures back from the trash with their marks; the ids that are back.

        Raises:
            AppError: `restore-partly`, as `trash`.
        """
        with self._moving:
            return trash.take_back(self._database, self.folder, self._trash, ids)

    def trashed(self) -> list[int]:
        """The ids in the trash, the newest picture first."""
        rows = self._database.rows("SELECT id FROM pictures WHERE trashed != '' ORDER BY id DESC")
        return [row[0] for row in rows]

    def empty_trash(self) -> int:
        """Delete what is in the trash for good; how many pictures that were."""
        with self._moving:
            keys = trash.empty(self._database, self._trash)
        self._thumbnails.drop([f"{pixels}-{width}" for pixels, width in keys])
        return len(keys)

    def rebuild_index(
        self, progress: Progress | None = None, *, everything: bool = False
    ) -> Reindexed:
        """Make the index agree with the files: the pictures, their marks, the trash.

        May be stopped at any time (an exception of `progress`) and be called again; what was read
        stays.

        Args:
            progress: called with files done and files in all.
            everything: read also the files that look unchanged since they were indexed.
        """
        sweep(self.folder)
        sweep(self._database.path.parent)
        sweep(self._trash)
        found = reindex(
            self._database,
            self.folder,
            self._trash,
            moving=self._moving,
            progress=progress,
            everything=everything,
        )
        self._database.fresh = False
        return found

    def close(self) -> None:
        """Let go of the thumbnails; the database is its owner's to close."""
        self._thumbnails.close()

    def _index(
        self, path: Path, imported: Imported, key: str, pixels: "NDArray[np.uint8]"
    ) -> Record:
        about = path.stat()
        entry = entry_of(
            imported,
            path=path.relative_to(self.folder).as_posix(),
            created=now(),
            pixels_sha256=key,
            size=about.st_size,
            modified=about.st_mtime_ns,
        )
        try:
            with self._database.transaction() as connection:
                # A rebuild that runs meanwhile may have found the file already.
                number = row_of(connection, entry.path)
                if number is None:
                    number = insert(connection, entry)
        except AppError as refusal:
            raise AppError(
                "not-indexed",
                f"The picture is saved as “{path}”, but the gallery cannot list it yet:"
                f" {refusal.sentence}",
                hint=refusal.hint,
                path=str(path),
            ) from refusal
        record = self.record(number)
        self._thumbnails.put(_key(record), decoder.thumbnail_jpeg(pixels))
        return record

    def _decoded(self, record: Record) -> "NDArray[np.uint8]":
        try:
            pixels = decoder.read_pixels(record.path)
        except AppError as refusal:
            if refusal.code == "file-missing":
                self._set_missing(record.id, True)
            raise
        if record.missing:
            self._set_missing(record.id, False)
        return pixels

    def _set_missing(self, number: int, missing: bool) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE pictures SET missing = ? WHERE id = ?", (missing, number))

    def _mark(self, ids: Sequence[int], change: Callable[[Marks], Marks]) -> None:
        # Sidecars are written inside the transaction: it also keeps a second program from writing
        # the same sidecar, and what cannot be written beside the pictures is not in the index.
        with self._database.transaction() as connection:
            changes: dict[str, dict[str, Marked | None]] = {}
            for number, path, pixels, marks in self._marks(ids):
                changed = change(marks)
                place, _, name = path.rpartition("/")
                changes.setdefault(place, {})[name] = Marked(marks=changed, pixels_sha256=pixels)
                set_marks(connection, number, changed)
            for place, rows in changes.items():
                remembered = partial(marks_in, self._database, place)
                sidecar.write(self.folder / place, rows, remembered)

    def _marks(self, ids: Sequence[int]) -> list[tuple[int, str, str, Marks]]:
        found: list[tuple[int, str, str, Marks]] = []
        for part in _parts(ids):
            rows = self._database.rows(
                "SELECT id, path, pixels_sha256, favourite, rating, verified FROM pictures"
                f" WHERE trashed = '' AND id IN ({_places(part)})",
                part,
            )
            found += [(row[0], row[1], row[2], marks_of(row[3:])) for row in rows]
        return found


def now() -> str:
    """UTC, ISO 8601 with seconds."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _key(record: Record) -> str:
    return f"{record.pixels_sha256}-{record.width}"


def _seed_of(imported: Imported) -> str:
    if imported.recipe:
        return str(imported.recipe.seed)
    return str((imported.draft_changes or {}).get("seed", ""))


def _local_day(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return f"{datetime.now():%Y-%m-%d}"


def _parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))


def _places(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
