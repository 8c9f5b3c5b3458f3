"""The shelf: presets of one kind, each a small file, so that one bad file costs one entry."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar, cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.preset import NAME_MAX, Preset, check_name, free_name, same
from desktop_app.recipe.preset_file import Kind, from_json, to_json
from desktop_app.store.files import read_bounded, safe_name, told, write_atomic

P = TypeVar("P", bound=Preset)
COUNT_MAX = 2000
_FILE_MAX = 1_000_000
_FIRST = -1e6
"""Where the program's own presets stand until the artist moves them: before all others."""
_NEAREST = 1e-6
"""Places closer than this leave no room between them; then all are numbered anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row(Generic[P]):
    """Attributes:
    path: its file; None for one of the program's own that stands where it always stood.
    own: whether the file holds a preset; else only the place of one of the program's own.
    placed: whether the file says where; those of earlier versions may not.
    """

    preset: P
    place: float
    path: Path | None = None
    own: bool = True
    placed: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken(Generic[P]):
    """A preset that was taken off the shelf, and where it stood."""

    preset: P
    place: float


@dataclass(kw_only=True, slots=True)
class _Read:
    """A file as it was when it was last read.

    Attributes:
        stamp: time and size that it had.
        row: None for one that is no preset.
        mark: where one of the program's own presets stands, if the file says that.
    """

    stamp: tuple[int, int] = (0, 0)
    row: "_Row[Preset] | None" = None
    mark: tuple[str, float] | None = None


class Shelf(Generic[P]):
    """All presets of a kind in the artist's order. Safe to call from any thread.

    Every change is one file replaced at once, so a kill leaves the old entry or the new one.

    Attributes:
        unreadable: the files that the last `list` skipped.
    """

    def __init__(self, folder: Path, kind: Kind[P], builtin: Sequence[P] = ()) -> None:
        """Args:
        folder: of the artist's own; it need not exist.
        builtin: the program's own, which one of the artist's with the same name replaces.
        """
        self.folder = folder
        self.kind = kind
        self._builtin = tuple(builtin)
        self._lock = threading.RLock()
        self._read: dict[Path, _Read] = {}
        self.unreadable: tuple[Path, ...] = ()

    def list(self) -> tuple[P, ...]:
        """All presets in the artist's order, the program's own first, new ones last."""
        return tuple(row.preset for row in self._rows())

    def own(self) -> frozenset[str]:
        """The names of those that have a file of their own."""
        return frozenset(row.preset.name for row in self._rows() if row.own and row.path)

    def save(self, preset: P, *, instead_of: str = "") -> None:
        """Keep a preset; one of the same name is replaced and keeps its place.

        Args:
            instead_of: the name of one that it takes the place and the file of.

        Raises:
            AppError: `preset-unknown`, `preset-exists`, `preset-builtin`, `preset-count`,
                `disk-full` and the like.
        """
        with self._lock:
            rows = self._rows()
            old = _find(rows, instead_of, self.kind) if instead_of else _named(rows, preset.name)
            renamed = old is not None and not same(old.preset.name, preset.name)
            if renamed and _named(rows, preset.name) is not None:
                raise AppError(
                    "preset-exists", f"There is a {self.kind.word} “{preset.name}” already."
                )
            if old is not None and renamed and not (old.own and old.path):
                _refuse_builtin(old.preset.name)
            place = old.place if old is not None else _last(rows) + 1
            self._write(preset, place, old.path if old is not None else None, rows)

    def add(self, presets: Iterable[P]) -> tuple[P, ...]:
        """Keep presets that come from elsewhere under names that are free.

        Returns:
            those that are new, as they are called now; what is there already is left out.

        Raises:
            AppError: as `save`; those before it are kept then.
        """
        with self._lock:
            added: list[P] = []
            for preset in presets:
                rows = self._rows()
                old = _named(rows, preset.name)
                if old is not None and old.preset == preset:
                    continue
                name = free_name(preset.name, (row.preset.name for row in rows))
                added.append(replace(preset, name=name))
                self._write(added[-1], _last(rows) + 1, None, rows)
            return tuple(added)

    def rename(self, name: str, new: str) -> None:
        """Give a preset another name; its place stays.

        Raises:
            AppError: as `save`, and `preset-name`.
        """
        check_name(new)
        with self._lock:
            preset = _find(self._rows(), name, self.kind).preset
            self.save(replace(preset, name=new), instead_of=name)

    def delete(self, names: Iterable[str]) -> tuple[Taken[P], ...]:
        """Take presets off the shelf; what is returned can be put back.

        Raises:
            AppError: `preset-unknown`, `preset-builtin`; nothing was deleted then.
        """
        with self._lock:
            rows = self._rows()
            found = [_find(rows, name, self.kind) for name in dict.fromkeys(names)]
            for row in found:
                if not (row.own and row.path):
                    _refuse_builtin(row.preset.name)
            for row in found:
                self._remove(row)
            return tuple(Taken(preset=row.preset, place=row.place) for row in found)

    def put_back(self, taken: Iterable[Taken[P]]) -> tuple[P, ...]:
        """Put presets back where they stood, under another name where theirs is taken by now."""
        with self._lock:
            back: list[P] = []
            for one in taken:
                rows = self._rows()
                known = [row.preset.name for row in rows if row.own and row.path]
                preset = replace(one.preset, name=free_name(one.preset.name, known))
                self._write(preset, one.place, None, rows)
                back.append(preset)
            return tuple(back)

    def merge(self, names: Sequence[str], merged: P) -> tuple[Taken[P], ...]:
        """Let one preset stand for several: it replaces the first, the others are taken off.

        Raises:
            AppError: as `save` and `delete`.
        """
        with self._lock:
            before = _find(self._rows(), names[0], self.kind)
            self.save(merged, instead_of=names[0])
            gone = self.delete(name for name in names[1:] if not same(name, names[0]))
            return (Taken(preset=before.preset, place=before.place), *gone)

    def move(self, names: Sequence[str], row: int) -> None:
        """Put presets at another place, counted from 0 in the list without them.

        Raises:
            AppError: `preset-unknown`.
        """
        with self._lock:
            rows = self._rows()
            found = [_find(rows, name, self.kind) for name in names]
            others = [one for one in rows if one not in found]
            row = max(0, min(row, len(others)))
            before = others[row - 1].place if row else None
            after = others[row].place if row < len(others) else None
            places = _between(before, after, len(found))
            if places is None:
                others[row:row] = found
                found, places = others, tuple(float(n) for n in range(1, len(others) + 1))
            for one, place in zip(found, places, strict=True):
                if one.place != place:
                    self._write(one.preset, place, one.path, rows, own=one.own and bool(one.path))

    def _rows(self) -> "tuple[_Row[P], ...]":
        with self._lock:
            rows: dict[str, _Row[P]] = {
                preset.name.casefold(): _Row(preset=preset, place=_FIRST + number, own=False)
                for number, preset in enumerate(self._builtin)
            }
            marks: list[tuple[Path, tuple[str, float]]] = []
            bad: list[Path] = []
            for path, read in self._files():
                if read.mark is not None:
                    marks.append((path, read.mark))
                elif read.row is None:
                    bad.append(path)
                else:
                    self._take(rows, cast("_Row[P]", read.row))
            for path, (name, place) in marks:
                row = rows.get(name.casefold())
                if row is not None and not row.own:
                    rows[name.casefold()] = replace(row, place=place, path=path)
            self.unreadable = tuple(bad)
            return tuple(
                sorted(
                    rows.values(),
                    key=lambda row: (row.place, row.preset.created, row.preset.name.casefold()),
                )
            )

    def _take(self, rows: "dict[str, _Row[P]]", row: "_Row[P]") -> None:
        """Add a row; one of a name that is there gets another, so that neither is hidden."""
        there = rows.get(row.preset.name.casefold())
        if there is not None and there.own:
            name = free_name(row.preset.name, (one.preset.name for one in rows.values()))
            row = replace(row, preset=replace(row.preset, name=name))
        elif there is not None and not row.placed:
            row = replace(row, place=there.place)
        rows[row.preset.name.casefold()] = row

    def _files(self) -> "list[tuple[Path, _Read]]":
        try:
            paths = sorted(self.folder.glob("*.json"))[:COUNT_MAX]
        except OSError:
            paths = []
        self._read = {path: self._known(path) for path in paths}
        return list(self._read.items())

    def _known(self, path: Path) -> _Read:
        try:
            about = path.stat()
            stamp = (about.st_mtime_ns, about.st_size)
        except OSError:
            return _Read()
        known = self._read.get(path)
        if known is not None and known.stamp == stamp:
            return known
        try:
            return self._parsed(path, stamp)
        except AppError:
            return _Read(stamp=stamp)

    def _parsed(self, path: Path, stamp: tuple[int, int]) -> _Read:
        data = codec.loads(read_bounded(path, _FILE_MAX).decode("utf-8-sig", "replace"))
        if not isinstance(data, dict):
            raise AppError("preset-file", f"“{path}” is not readable.")
        fields = dict(cast(dict[str, object], data))
        placed = "place" in fields
        place = fields.pop("place", 0)
        number = float(place) if isinstance(place, int | float) else 0.0
        if not abs(number) < 1e15:
            number = 0.0
        builtin = fields.get("builtin")
        if isinstance(builtin, str):
            return _Read(stamp=stamp, mark=(builtin, number))
        preset = from_json(self.kind, fields)
        row = _Row(preset=preset, place=number, path=path, placed=placed)
        return _Read(stamp=stamp, row=cast("_Row[Preset]", row))

    def _write(
        self,
        preset: P,
        place: float,
        path: Path | None,
        rows: "Sequence[_Row[P]]",
        *,
        own: bool = True,
    ) -> None:
        if path is None and len(rows) >= COUNT_MAX:
            raise AppError("preset-count", f"The shelf holds {COUNT_MAX:,} {self.kind.words}.")
        if own:
            data = {**to_json(self.kind, preset), "place": place}
        else:
            data: dict[str, object] = {"builtin": preset.name, "place": place}
        wanted = self._path(preset.name, path)
        for one in (path, wanted):
            self._read.pop(one or wanted, None)
        write_atomic(path or wanted, codec.dumps(data).encode())
        if path is not None and path != wanted:
            # The name of the file is for people only: the one inside counts.
            with told(wanted):
                path.replace(wanted)

    def _remove(self, row: "_Row[P]") -> None:
        if row.path is not None:
            with told(row.path):
                row.path.unlink(missing_ok=True)

    def _path(self, name: str, own: Path | None) -> Path:
        """A file for a name: never one that is there, readable or not, but the preset's own."""
        plain = safe_name(name.casefold())
        path, number = self.folder / f"{plain}.json", 1
        while path != own and path.exists():
            number += 1
            path = self.folder / f"{plain}-{number}.json"
        return path


def carry(source: Path, target: Path) -> bool:
    """Copy a shelf's files to where there is no shelf yet, all of them or none.

    Returns:
        whether something was copied.

    Raises:
        AppError: the new place cannot be written to.
    """
    if target.exists() or not source.is_dir() or source == target:
        return False
    part = target.with_name(f"{target.name}.new")
    with told(target):
        for path in sorted(source.glob("*.json"))[:COUNT_MAX]:
            write_atomic(part / path.name, read_bounded(path, _FILE_MAX))
        if part.is_dir():
            part.rename(target)
    return target.is_dir()


def _find(rows: "Sequence[_Row[P]]", name: str, kind: Kind[P]) -> "_Row[P]":
    found = _named(rows, name)
    if found is None:
        raise AppError("preset-unknown", f"There is no {kind.word} “{name[:NAME_MAX]}”.")
    return found


def _named(rows: "Sequence[_Row[P]]", name: str) -> "_Row[P] | None":
    return next((row for row in rows if same(row.preset.name, name)), None)


def _last(rows: "Sequence[_Row[P]]") -> float:
    return max(0.0, max((row.place for row in rows), default=0.0))


def _between(before: float | None, after: float | None, count: int) -> tuple[float, ...] | None:
    """So many places between two, in order; None where there is no room for them."""
    if after is None:
        start = max(0.0, before or 0.0)
        return tuple(start + number for number in range(1, count + 1))
    low = after - count - 1 if before is None else before
    step = (after - low) / (count + 1)
    if step < _NEAREST:
        return None
    return tuple(low + step * number for number in range(1, count + 1))


def _refuse_builtin(name: str) -> None:
    raise AppError(
        "preset-builtin",
        f"“{name[:NAME_MAX]}” comes with the program and stays as it is.",
        hint="Duplicate it, and change the copy.",
    )
