"""The shelf of seeds under names: a click takes one, the menu renames and deletes, + keeps one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.studio.shelf import ShelfModel
from desktop_app.ui import icons
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.popover import Popover, ask_name
from desktop_app.ui.seed_field import grouped

if TYPE_CHECKING:
    from desktop_app.studio.values import SeedPreset

SHOWN_MAX = 8
"""Presets that are chips; the others are in the menu of the chip after them."""

_ADD = "\0add"
_MORE = "\0more"


class SeedShelf(QWidget):
    """The seed presets as chips, the one in use marked."""

    def __init__(self, shelf: ShelfModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self.row = ChipRow("Kept seeds")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.row)
        self.row.clicked.connect(self._click)
        self.row.menu_asked.connect(self._menu)
        shelf.modelReset.connect(self._fill)
        shelf.active_changed.connect(self._mark)
        self._fill()

    def _presets(self) -> "list[SeedPreset]":
        rows = range(self._shelf.rowCount())
        return [self._shelf.index(row).data(ShelfModel.Role.PRESET) for row in rows]

    def _fill(self) -> None:
        presets = self._presets()
        chips = [Chip(key=one.name, tooltip=_about(one)) for one in presets[:SHOWN_MAX]]
        if len(presets) > SHOWN_MAX:
            more = len(presets) - SHOWN_MAX
            name = f"{more} more kept seeds"
            chips.append(
                Chip(key=_MORE, text=f"{more} more…", tooltip=name, name=name, checkable=False)
            )
        add = "Keep this seed under a name"
        text = "+" if presets else "+  Keep this seed"
        chips.append(Chip(key=_ADD, text=text, tooltip=add, name=add, checkable=False))
        self.row.set_chips(chips)
        self._mark()

    def _mark(self) -> None:
        self.row.set_checked([self._shelf.active])

    def _click(self, key: str) -> None:
        if key == _ADD:
            self.ask_to_keep(self.row.button(_ADD))
        elif key == _MORE:
            button = self.row.button(_MORE)
            menu = self.more_menu()
            menu.exec(button.mapToGlobal(QPoint(0, button.height())))
            menu.deleteLater()
        else:
            self._shelf.apply(key)

    def ask_to_keep(self, anchor: QWidget) -> Popover:
        """Ask beside `anchor` for a name, and keep the seed under it."""
        name = self._shelf.active or f"Seed {self._shelf.rowCount() + 1}"
        return ask_name(anchor, "Keep this seed as", name, "Keep", self._save)

    def _save(self, name: str) -> None:
        if name != self._shelf.active:
            self._refuse_taken(name)
        self._shelf.save(name)

    def _refuse_taken(self, name: str) -> None:
        if name.casefold() in {one.casefold() for one in self._shelf.names()}:
            raise AppError("preset-name", f"There is a seed called “{name}” already.")

    def more_menu(self) -> QMenu:
        """The presets that are no chips."""
        menu = QMenu(self)
        for preset in self._presets()[SHOWN_MAX:]:
            action = menu.addAction(preset.name.replace("&", "&&"))
            action.triggered.connect(lambda _=False, name=preset.name: self._shelf.apply(name))
        return menu

    def menu(self, key: str) -> QMenu | None:
        """What can be done with one preset; None for the chips that are no preset."""
        if key not in self._shelf.names():
            return None
        menu = QMenu(self)
        use = menu.addAction(icons.icon("check", "text.2", 16), "Use this seed")
        use.triggered.connect(lambda: self._shelf.apply(key))
        rename = menu.addAction(icons.icon("pencil", "text.2", 16), "Rename…")
        rename.triggered.connect(lambda: self.ask_to_rename(key))
        first = menu.addAction(icons.icon("arrow-left", "text.2", 16), "Move to the front")
        first.triggered.connect(lambda: self._shelf.move(key, 0))
        menu.addSeparator()
        delete = menu.addAction(icons.icon("trash-2", "text.2", 16), "Delete")
        delete.triggered.connect(lambda: self._shelf.delete(key))
        return menu

    def ask_to_rename(self, name: str) -> Popover:
        """Ask beside the chip of `name` for another name."""
        return ask_name(
            self.row.button(name),
            f"Rename “{name}” to",
            name,
            "Rename",
            lambda new: self._rename(name, new),
        )

    def _rename(self, old: str, new: str) -> None:
        if new.casefold() != old.casefold():
            self._refuse_taken(new)
        if new != old:
            self._shelf.rename(old, new)

    def _menu(self, key: str, at: QPoint) -> None:
        menu = self.menu(key)
        if menu is not None:
            menu.exec(at)
            menu.deleteLater()


def _about(preset: "SeedPreset") -> str:
    """What a preset holds, for its tooltip."""
    lines = [f"Seed {grouped(preset.seed)}"]
    lines += [f"Variation {one.weight:g} of seed {grouped(one.seed)}" for one in preset.variations]
    if preset.prompt:
        prompt = " ".join(preset.prompt.split())
        lines.append(prompt if len(prompt) <= 80 else prompt[:79] + "…")
    return "\n".join(lines)
