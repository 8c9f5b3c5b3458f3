"""ShelfModel and StyleModel: the seed presets and the style chips."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QObject,
    Qt,
    Signal,
    Slot,
)

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.styles import Style
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names

if TYPE_CHECKING:
    from desktop_app.store.presets import SeedPreset, SeedPresets, Styles


class ShelfModel(QAbstractListModel):
    """Seeds under names, in the artist's order. Files are written in the background.

    Signals:
        active_changed(): another preset, or none, has the draft's seed.
        failed(AppError): a preset could not be kept; the list says what is on the disk.
    """

    class Role(enum.IntEnum):
        PRESET = FIRST_ROLE
        NAME = enum.auto()

    active_changed = Signal()
    failed = Signal(object)

    def __init__(self, editor: Editor, disk: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._disk = disk
        self._store: SeedPresets | None = None
        self._rows: tuple[SeedPreset, ...] = ()
        self._active = ""
        editor.changed.connect(self._follow)

    @property
    def active(self) -> str:
        """The preset that the draft's seed is from; empty for none."""
        return self._active

    def names(self) -> tuple[str, ...]:
        return tuple(row.name for row in self._rows)

    def open(self, store: "SeedPresets") -> None:
        """The store is open: show its presets."""
        self._store = store
        self._reload()

    def save(self, name: str, picture: str = "") -> None:
        """Keep the draft's seed, with what makes it that picture, under a name.

        Args:
            picture: hash of the pixels of the picture it stands for; may be empty.
        """
        self._do(_save_preset, name.strip(), self._editor.draft, picture)

    def apply(self, name: str) -> None:
        """Put a preset's seed into the draft and lock it there."""
        preset = next((row for row in self._rows if row.name == name), None)
        if preset is None:
            return
        self._editor.replace(
            replace(
                self._editor.draft,
                seed=preset.seed,
                seed_rule="keep",
                variation_seed=preset.variation_seed,
                variation_strength=preset.variation_strength,
            ),
            f"Seed of “{name}”",
        )

    def rename(self, old: str, new: str) -> None:
        self._do(lambda store: store.rename(old, new.strip()))

    def delete(self, name: str) -> None:
        self._do(lambda store: store.delete(name))

    def move(self, name: str, row: int) -> None:
        """Put a preset at another place of the shelf."""
        self._do(lambda store: store.move(name, row))

    def _do(self, change: "Callable[..., object]", *arguments: object) -> None:
        store = self._store
        if store is None:
            self.failed.emit(AppError("not-ready", "The shelf is still being opened. Try again."))
            return

        def work() -> "tuple[SeedPreset, ...]":
            change(store, *arguments)
            return tuple(store.list())

        self._disk.run(work, done=self._show, failed=self._refused)

    def _reload(self) -> None:
        if self._store is not None:
            store = self._store
            self._disk.run(lambda: tuple(store.list()), done=self._show, failed=self.failed.emit)

    def _refused(self, error: AppError) -> None:
        self.failed.emit(error)
        self._reload()

    def _show(self, rows: "tuple[SeedPreset, ...]") -> None:
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        self._find_active(self._editor.draft)

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        if _seeds(draft) != _seeds(before):
            self._find_active(draft)

    def _find_active(self, draft: Draft) -> None:
        active = next((row.name for row in self._rows if _seeds(row) == _seeds(draft)), "")
        if active != self._active:
            self._active = active
            self.active_changed.emit()

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        preset = self._rows[index.row()]
        match role:
            case self.Role.PRESET:
                return preset
            case self.Role.NAME | Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return preset.name
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


class StyleModel(QAbstractListModel):
    """The style chips: those of the program and the artist's own, which may replace them.

    Signals:
        failed(AppError): a style could not be kept.
    """

    class Role(enum.IntEnum):
        STYLE = FIRST_ROLE
        NAME = enum.auto()
        ON = enum.auto()
        BUILT_IN = enum.auto()

    failed = Signal(object)

    def __init__(self, editor: Editor, disk: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._disk = disk
        self._store: Styles | None = None
        self._rows: tuple[Style, ...] = ()
        self._own: frozenset[str] = frozenset()
        editor.changed.connect(self._follow)

    @property
    def by_name(self) -> Mapping[str, Style]:
        return {style.name: style for style in self._rows}

    def open(self, store: "Styles") -> None:
        """The store is open: show its styles."""
        self._store = store
        self._do(lambda _: None)

    def toggle(self, name: str) -> None:
        """Put a style on the draft, or take it off."""
        styles = self._editor.draft.styles
        on = name in styles
        self._editor.set(
            styles=tuple(one for one in styles if one != name) if on else (*styles, name)
        )

    def none(self) -> None:
        """Take all styles off the draft."""
        self._editor.set(styles=())

    def save(self, style: Style) -> None:
        """Keep a style of the artist's own; one of the same name is replaced."""
        self._do(lambda store: store.save(style))

    def delete(self, name: str) -> None:
        """Forget one of the artist's own styles; the program's own of that name comes back."""
        self._do(lambda store: store.delete(name))

    def _do(self, change: "Callable[[Styles], object]") -> None:
        store = self._store
        if store is None:
            self.failed.emit(AppError("not-ready", "The styles are still being read. Try again."))
            return

        def work() -> tuple[tuple[Style, ...], frozenset[str]]:
            change(store)
            return tuple(store.list()), frozenset(store.own())

        self._disk.run(work, done=self._show, failed=self.failed.emit)

    def _show(self, found: tuple[tuple[Style, ...], frozenset[str]]) -> None:
        if found == (self._rows, self._own):
            return
        self.beginResetModel()
        self._rows, self._own = found
        self.endResetModel()
        # A chip that no longer exists must not stay switched on where no one can see it.
        known = self.by_name
        styles = tuple(name for name in self._editor.draft.styles if name in known)
        self._editor.adjust(styles=styles)

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        for row, style in enumerate(self._rows):
            if (style.name in draft.styles) != (style.name in before.styles):
                self.dataChanged.emit(self.index(row), self.index(row), [self.Role.ON])

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        style = self._rows[index.row()]
        match role:
            case self.Role.STYLE:
                return style
            case self.Role.NAME | Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return style.name
            case self.Role.ON:
                return style.name in self._editor.draft.styles
            case self.Role.BUILT_IN:
                return style.name not in self._own
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def _seeds(value: "Draft | SeedPreset") -> tuple[int, int, float]:
    strength = value.variation_strength
    return value.seed, value.variation_seed if strength > 0 else 0, strength


def _save_preset(store: "SeedPresets", name: str, draft: Draft, picture: str) -> None:
    from desktop_app.store.presets import SeedPreset

    store.save(
        SeedPreset(
            name=name,
            seed=draft.seed,
            variation_seed=draft.variation_seed,
            variation_strength=draft.variation_strength,
            width=draft.width,
            height=draft.height,
            prompt=draft.prompt,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            picture=picture,
        )
    )
