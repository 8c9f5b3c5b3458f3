"""PresetModel: the presets of one kind as a list, and everything that can be done with them."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QByteArray, QObject, Qt, Signal
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.preset import Preset, free_name
from desktop_app.recipe.preset_file import FILE_MAX, Kind, document, parse_document
from desktop_app.recipe.presets import merged_notes
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names
from desktop_app.studio.small_pictures import SmallPictures
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.store.shelf import Shelf, Taken

P = TypeVar("P", bound=Preset)


class PresetModel(QAbstractListModel, Generic[P]):
    """Presets in the artist's order. Files are written in the background.

    Signals:
        failed(AppError): a preset could not be kept; the list says what is on the disk.
        notice(Notice): what was done, with a way back where there is one.
        kept(tuple[str, ...]): presets with these names are new.
    """

    class Role(enum.IntEnum):
        PRESET = FIRST_ROLE
        NAME = enum.auto()
        IMAGE = enum.auto()
        BUILT_IN = enum.auto()
        ON = enum.auto()

    failed = Signal(object)
    notice = Signal(object)
    kept = Signal(object)

    def __init__(
        self,
        kind: Kind[P],
        disk: Background,
        pictures: SmallPictures,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.kind = kind
        self._disk = disk
        self._pictures = pictures
        self._store: Shelf[P] | None = None
        self._rows: tuple[P, ...] = ()
        self._own: frozenset[str] = frozenset()
        pictures.arrived.connect(self._pictures_arrived)

    def open(self, store: "Shelf[P]") -> None:
        """The store is open: show its presets."""
        self._store = store
        self._do(lambda _: None)

    def names(self) -> tuple[str, ...]:
        return tuple(row.name for row in self._rows)

    def presets(self) -> tuple[P, ...]:
        return self._rows

    def preset(self, name: str) -> P | None:
        return next((row for row in self._rows if row.name == name), None)

    def row_of(self, name: str) -> int:
        """-1 when there is none of that name."""
        return next((at for at, row in enumerate(self._rows) if row.name == name), -1)

    def put(self, preset: P, *, instead_of: str = "") -> None:
        """Keep a preset; one of the same name, or the one named, is replaced."""
        self._do(lambda store: store.save(preset, instead_of=instead_of))

    def add(self, presets: Sequence[P], source: str = "") -> None:
        """Keep presets under names that are free.

        Args:
            source: where they come from, for the notice.
        """
        self._add(lambda: tuple(presets), source)

    def edit(self, name: str, **fields: Any) -> None:
        """Change tags, notes and the like.

        Raises:
            AppError: for what a preset cannot have; nothing is changed then.
        """
        preset = self.preset(name)
        if preset is not None and replace(preset, **fields) != preset:
            self.change(name, lambda one: replace(one, **fields))

    def change(self, name: str, how: Callable[[P], P]) -> None:
        """Change a preset as it is on the disk, so that of two changes at once none is lost.

        Args:
            how: called in another thread.
        """

        def work(store: "Shelf[P]") -> None:
            preset = next((one for one in store.list() if one.name == name), None)
            if preset is not None:
                store.save(how(preset), instead_of=name)

        self._do(work)

    def rename(self, old: str, new: str) -> None:
        """Give a preset another name."""
        if new.strip() != old:
            self._do(lambda store: store.rename(old, new.strip()))

    def delete(self, *names: str) -> None:
        """Take presets off the shelf; the notice takes it back."""

        def done(taken: "tuple[Taken[P], ...]") -> None:
            what = f"“{names[0]}”" if len(names) == 1 else f"{len(names)} {self.kind.words}"
            self._offer_undo(f"Deleted {what}.", taken)

        self._do(lambda store: store.delete(names), done)

    def duplicate(self, name: str) -> None:
        """Put a copy beside a preset."""
        preset = self.preset(name)
        if preset is None:
            return
        copy = replace(preset, name=free_name(name, self.names()), created=now())

        def work(store: "Shelf[P]") -> tuple[str, ...]:
            store.save(copy)
            store.move([copy.name], [one.name for one in store.list()].index(name) + 1)
            return (copy.name,)

        self._do(work, self.kept.emit)

    def merge(self, names: Sequence[str]) -> None:
        """Unite presets in the first of them: its numbers stay, and it gets the tags, the notes
        and the sample pictures of all. The notice takes it back.
        """
        presets = [one for one in map(self.preset, names) if one is not None]
        if len(presets) < 2:
            return
        try:
            merged = replace(presets[0], **merged_notes(presets))
        except AppError as error:
            self.failed.emit(error)
            return

        def done(taken: "tuple[Taken[P], ...]") -> None:
            self.kept.emit((merged.name,))
            text = f"Merged {len(presets)} {self.kind.words} into “{merged.name}”."
            self._offer_undo(text, taken, instead=merged.name)

        self._do(lambda store: store.merge([one.name for one in presets], merged), done)

    def move(self, names: str | Sequence[str], row: int) -> None:
        """Put presets at another place, counted in the list without them."""
        wanted = [names] if isinstance(names, str) else [*names]
        self._do(lambda store: store.move(wanted, row))

    def to_bytes(self, names: Sequence[str]) -> bytes:
        """A file of these presets."""
        return document(self.kind, [one for one in self._rows if one.name in set(names)])

    def export(self, names: Sequence[str], target: Path) -> None:
        """Write presets to a file that can be handed on."""
        data = self.to_bytes(names)
        self._disk.run(
            _write,
            target,
            data,
            done=lambda _: self.notice.emit(Notice(text=f"Saved {target.name}.", kind="ok")),
            failed=self.failed.emit,
        )

    def import_file(self, source: Path) -> None:
        """Take in the presets of a file, all of them or none."""
        self._add(lambda: parse_document(self.kind, _read(source)), source.name)

    def import_bytes(self, data: bytes, source: str) -> None:
        """Take in the presets of a drag or of the clipboard, all of them or none."""
        self._add(lambda: parse_document(self.kind, data), source)

    def note_picture(self, recipe: Recipe, pixels_sha256: str) -> None:
        """A picture was made: presets that it shows get it as a sample."""

    def image_of(self, preset: P) -> QImage | None:
        """What a preset looks like; None while that is not known."""
        return self._pictures.sample(preset.samples)

    def _add(self, find: Callable[[], tuple[P, ...]], source: str) -> None:
        def work(store: "Shelf[P]") -> tuple[int, tuple[P, ...]]:
            found = find()
            return len(found), store.add(found)

        def done(result: tuple[int, tuple[P, ...]]) -> None:
            count, added = result
            self._tell_added(count, added, source)
            if added:
                self.kept.emit(tuple(one.name for one in added))

        self._do(work, done)

    def _tell_added(self, count: int, added: tuple[P, ...], source: str) -> None:
        whence = f" from {source}" if source else ""
        if not added:
            text, kind = f"The {self.kind.words}{whence} are on the shelf already.", "info"
        elif len(added) == 1:
            text, kind = f"Kept “{added[0].name}”{whence}.", "ok"
        else:
            text, kind = f"Kept {len(added)} {self.kind.words}{whence}.", "ok"
        if added and len(added) < count:
            text += f" {count - len(added)} were there already."
        self.notice.emit(Notice(text=text, kind="ok" if kind == "ok" else "info"))

    def _offer_undo(self, text: str, taken: "tuple[Taken[P], ...]", instead: str = "") -> None:
        def undo() -> None:
            def work(store: "Shelf[P]") -> None:
                if instead:
                    store.delete([instead])
                store.put_back(taken)

            self._do(work)

        self.notice.emit(Notice(text=text, action="Undo", act=undo, seconds=15))

    def _do(
        self, change: "Callable[[Shelf[P]], Any]", done: Callable[[Any], object] | None = None
    ) -> None:
        """Change the store in the background, then show what it holds."""
        store = self._store
        if store is None:
            self.failed.emit(AppError("not-ready", "The shelf is still being opened. Try again."))
            return

        def work() -> tuple[Any, tuple[P, ...], frozenset[str]]:
            result = change(store)
            return result, store.list(), store.own()

        def shown(found: tuple[Any, tuple[P, ...], frozenset[str]]) -> None:
            result, rows, own = found
            self._show(rows, own)
            if done is not None:
                done(result)

        self._disk.run(work, done=shown, failed=self._refused)

    def _refused(self, error: AppError) -> None:
        self.failed.emit(error)
        store = self._store
        if store is not None:
            self._disk.run(
                lambda: (store.list(), store.own()),
                done=lambda found: self._show(*found),
                failed=self.failed.emit,
            )

    def _show(self, rows: tuple[P, ...], own: frozenset[str]) -> None:
        if tuple(row.name for row in rows) == self.names() and rows:
            changed = [
                at
                for at, (new, old) in enumerate(zip(rows, self._rows, strict=True))
                if new != old or (new.name in own) != (old.name in self._own)
            ]
            self._rows, self._own = rows, own
            for at in changed:
                self.dataChanged.emit(self.index(at), self.index(at))
        elif (rows, own) != (self._rows, self._own):
            self.beginResetModel()
            self._rows, self._own = rows, own
            self.endResetModel()

    def _pictures_arrived(self) -> None:
        if self._rows:
            role = [int(self.Role.IMAGE)]
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), role)

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        preset = self._rows[index.row()]
        names = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        match role:
            case self.Role.PRESET:
                return preset
            case self.Role.NAME | Qt.ItemDataRole.EditRole:
                return preset.name
            case _ if role in names:
                return preset.name
            case self.Role.IMAGE:
                return self.image_of(preset)
            case self.Role.BUILT_IN:
                return preset.name not in self._own
            case self.Role.ON:
                return self.is_on(preset)
            case _:
                return None

    def is_on(self, preset: P) -> bool:
        """Whether the draft has what the preset keeps."""
        return False

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename in place; a name that is refused leaves the old one, with a notice."""
        if role != Qt.ItemDataRole.EditRole or not str(value).strip():
            return False
        self.rename(self._rows[index.row()].name, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if not index.isValid():
            return flags
        flags |= Qt.ItemFlag.ItemIsDragEnabled
        own = self._rows[index.row()].name in self._own
        return flags | Qt.ItemFlag.ItemIsEditable if own else flags

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def now() -> str:
    """UTC, ISO 8601 with seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: Path) -> bytes:
    from desktop_app.store.files import read_bounded

    return read_bounded(path, FILE_MAX)


def _write(path: Path, data: bytes) -> None:
    from desktop_app.store.files import write_atomic

    write_atomic(path, data)
