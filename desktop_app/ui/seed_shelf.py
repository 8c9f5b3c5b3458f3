"""The shelf of seeds in short: a click takes one, a drag carries it, the menu does the rest."""

from collections.abc import Callable, Collection

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QVBoxLayout, QWidget

from desktop_app.recipe.preset import free_name
from desktop_app.recipe.presets import SEED_PARTS, Part, SeedPreset
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.studio.seed_files import refuse_taken
from desktop_app.ui import icons
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.keep_sheet import KeepSheet
from desktop_app.ui.popover import Popover, ask_name
from desktop_app.ui.preset_drag import preset_data
from desktop_app.ui.words import grouped

SHOWN_MAX = 8
"""Presets that are chips; the others are in the menu of the chip after them."""

_ADD = "\0add"
_MORE = "\0more"
_OPEN = "\0open"


class SeedShelf(QWidget):
    """The seed presets as chips, the one in use marked.

    Signals:
        shelf_asked(): the whole shelf is wanted.
    """

    shelf_asked = Signal()

    def __init__(
        self,
        desk: SeedDesk,
        save: Callable[[str, Collection[Part]], object],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        save: keeps the draft's seed under a name, with some parts of the draft.
        """
        super().__init__(parent)
        self._desk, self._shelf, self._keep = desk, desk.shelf, save
        self._pressed: tuple[str, QPointF] | None = None
        shelf = desk.shelf
        self.row = ChipRow("Kept seeds")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.row)
        self.row.clicked.connect(self._click)
        self.row.menu_asked.connect(self._menu)
        shelf.modelReset.connect(self._fill)
        shelf.dataChanged.connect(self._fill)
        shelf.active_changed.connect(self._mark)
        self._fill()

    def _fill(self) -> None:
        presets = self._shelf.presets()
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
        whole = "Open the shelf: every kept seed with its picture, settings and styles"
        chips.append(
            Chip(key=_OPEN, text="Shelf…", tooltip=whole, name="Open the shelf", checkable=False)
        )
        self.row.set_chips(chips)
        for key in self.row.shown():
            button = self.row.button(key)
            button.setProperty("preset", key)
            button.installEventFilter(self)
        self._mark()

    def _mark(self) -> None:
        self.row.set_checked([self._shelf.active])

    def _click(self, key: str) -> None:
        if key == _ADD:
            self.ask_to_keep(self.row.button(_ADD))
        elif key == _OPEN:
            self.shelf_asked.emit()
        elif key == _MORE:
            button = self.row.button(_MORE)
            menu = self.more_menu()
            menu.exec(button.mapToGlobal(QPoint(0, button.height())))
            menu.deleteLater()
        else:
            self._shelf.apply(key)

    def ask_to_keep(self, anchor: QWidget) -> KeepSheet:
        """Ask beside `anchor` for a name and what to keep with it, and keep the seed."""
        free = free_name(f"Seed {self._shelf.rowCount() + 1}", self._shelf.names())
        name = self._shelf.active or free
        sheet = KeepSheet(anchor, "Keep this seed as", name, SEED_PARTS, self._save)
        sheet.show_it()
        return sheet

    def _save(self, name: str, parts: tuple[Part, ...]) -> None:
        if name != self._shelf.active:
            refuse_taken(name, self._shelf.names())
        self._keep(name, parts)

    def more_menu(self) -> QMenu:
        """The presets that are no chips."""
        menu = QMenu(self)
        for preset in self._shelf.presets()[SHOWN_MAX:]:
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
        whole = menu.addAction(icons.icon("sliders-horizontal", "text.2", 16), "Use all it keeps")
        whole.triggered.connect(lambda: self._use(key, self._desk.use))
        make = menu.addAction(icons.icon("sparkles", "text.2", 16), "Generate with it")
        make.triggered.connect(lambda: self._use(key, self._desk.use_and_generate))
        show = menu.addAction(icons.icon("image", "text.2", 16), "Show its newest picture")
        show.triggered.connect(lambda: self._use(key, self._desk.show_sample))
        menu.addSeparator()
        rename = menu.addAction(icons.icon("pencil", "text.2", 16), "Rename…")
        rename.triggered.connect(lambda: self.ask_to_rename(key))
        first = menu.addAction(icons.icon("arrow-left", "text.2", 16), "Move to the front")
        first.triggered.connect(lambda: self._shelf.move(key, 0))
        menu.addSeparator()
        delete = menu.addAction(icons.icon("trash-2", "text.2", 16), "Delete")
        delete.triggered.connect(lambda: self._shelf.delete(key))
        return menu

    def _use(self, name: str, verb: Callable[[SeedPreset], object]) -> None:
        preset = self._shelf.preset(name)
        if preset is not None:
            verb(preset)

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
            refuse_taken(new, self._shelf.names())
        if new != old:
            self._shelf.rename(old, new)

    def _menu(self, key: str, at: QPoint) -> None:
        menu = self.menu(key)
        if menu is not None:
            menu.exec(at)
            menu.deleteLater()

    def _drag(self, button: QPushButton, name: str) -> None:
        data = self._shelf.to_bytes([name])
        file = self._desk.drag_file(self._shelf, [name], data)
        drag = QDrag(self)
        drag.setMimeData(preset_data(self._shelf.kind, data, file))
        drag.setPixmap(button.grab())
        button.setDown(False)
        drag.exec(Qt.DropAction.CopyAction)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A chip that is pulled goes along with the pointer."""
        if not isinstance(watched, QPushButton) or not isinstance(event, QMouseEvent):
            return super().eventFilter(watched, event)
        name = str(watched.property("preset"))
        if event.type() == QEvent.Type.MouseButtonPress:
            kept = name in self._shelf.names() and event.button() == Qt.MouseButton.LeftButton
            self._pressed = (name, event.position()) if kept else None
        elif event.type() == QEvent.Type.MouseMove and self._pressed is not None:
            far = (event.position() - self._pressed[1]).manhattanLength()
            if far >= QApplication.startDragDistance():
                self._pressed = None
                self._drag(watched, name)
                return True
        return super().eventFilter(watched, event)


def _about(preset: SeedPreset) -> str:
    """What a preset holds, for its tooltip."""
    lines = [f"Seed {grouped(preset.seed)}"]
    lines += [f"Variation {one.weight:g} of seed {grouped(one.seed)}" for one in preset.variations]
    if preset.prompt:
        prompt = " ".join(preset.prompt.split())
        lines.append(prompt if len(prompt) <= 80 else prompt[:79] + "…")
    return "\n".join(lines)
