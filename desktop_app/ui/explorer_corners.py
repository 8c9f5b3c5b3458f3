"""The corners of the explorer's map: each a seed, from the dice, the shelf, a file or a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.explore import CORNERS_MAX, CORNERS_MIN, Corner
from desktop_app.recipe.preset_file import SEEDS, parse_document
from desktop_app.recipe.presets import SeedPreset
from desktop_app.studio.explorer import Explorer
from desktop_app.studio.map_parts import corner_of_draft
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, IconTextButton, Refusal, Sentence, label, restyle
from desktop_app.ui.picture_menu import add
from desktop_app.ui.seed_field import SeedEdit

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

NAMES = ("Left, top", "Right, top", "Left, bottom", "Right, bottom")
LINE_NAMES = ("Left", "Right")


class CornerCard(QFrame):
    """One corner: its place, its seed, and where another one comes from.

    Signals:
        seed_typed(int), dice_thrown(), removed()
        menu_asked(QPoint): other sources, on the screen.
        preset_dropped(bytes), picture_dropped(Path)
    """

    seed_typed = Signal(object)
    dice_thrown = Signal()
    removed = Signal()
    menu_asked = Signal(object)
    preset_dropped = Signal(object)
    picture_dropped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAcceptDrops(True)
        self.name = label("")
        self.about = Sentence()
        self.seed = SeedEdit("Seed of the corner")
        self.dice = IconButton("dices", "New random seed for this corner", size=16)
        self.source = IconButton("bookmark", "Take it from the shelf or the draft", size=16)
        self.remove = IconButton("x", "Take this corner away", flat=True, size=14, side=22)
        self.refusal = Refusal()
        head = QHBoxLayout()
        head.addWidget(self.name, 1)
        head.addWidget(self.remove)
        row = QHBoxLayout()
        row.setSpacing(theme.px(5))
        row.addWidget(self.seed, 1)
        row.addWidget(self.dice)
        row.addWidget(self.source)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(10), theme.px(6), theme.px(8), theme.px(10))
        column.setSpacing(theme.px(4))
        column.addLayout(head)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addWidget(self.refusal)
        self.seed.edited.connect(self.seed_typed)
        self.seed.refused.connect(self.refusal.say)
        self.dice.clicked.connect(self.dice_thrown)
        self.source.clicked.connect(
            lambda: self.menu_asked.emit(
                self.source.mapToGlobal(QPoint(0, self.source.height() + 2))
            )
        )
        self.remove.clicked.connect(self.removed)

    def show_corner(self, name: str, corner: Corner, can_remove: bool) -> None:
        """Show a corner and where it lies."""
        self.name.setText(name)
        self.seed.setAccessibleName(f"Seed of the corner {name.lower()}")
        self.seed.set_value(corner.seed)
        self.remove.setVisible(can_remove)
        parts = [corner.name] if corner.name and corner.name != f"Seed {corner.seed}" else []
        if corner.variations:
            count = len(corner.variations)
            parts.append(f"with {count} variation" + ("s" if count > 1 else ""))
        if corner.picture:
            parts.append("of a picture")
        self.about.say(" · ".join(parts))
        self.refusal.say("")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if data.hasFormat(SEEDS.mime) or any(url.isLocalFile() for url in data.urls()):
            restyle(self, "drop", True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        restyle(self, "drop", False)

    def dropEvent(self, event: QDropEvent) -> None:
        restyle(self, "drop", False)
        data = event.mimeData()
        if data.hasFormat(SEEDS.mime):
            self.preset_dropped.emit(data.data(SEEDS.mime).data())
        elif data.urls():
            self.picture_dropped.emit(Path(data.urls()[0].toLocalFile()))
        event.acceptProposedAction()


class Corners(QWidget):
    """All corners of a map, as cards."""

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._explorer: Explorer = studio.explorer
        self.cards = tuple(CornerCard(self) for _ in range(CORNERS_MAX))
        self.more = IconTextButton("plus", "Another corner", self)
        self.anew = IconTextButton("refresh-cw", "Around the draft's seed", self)
        self.anew.setToolTip("The draft's noise at the first corner, new seeds at three others")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(8))
        for card in self.cards:
            column.addWidget(card)
        column.addWidget(self.more)
        column.addWidget(self.anew)
        self._connect()
        self._show()

    def _connect(self) -> None:
        explorer = self._explorer
        for number, card in enumerate(self.cards):
            card.seed_typed.connect(lambda seed, i=number: self._set(i, lambda: Corner(seed=seed)))
            card.dice_thrown.connect(lambda i=number: self._try(i, lambda: explorer.throw(i)))
            card.removed.connect(lambda i=number: explorer.remove_corner(i))
            card.menu_asked.connect(lambda at, i=number: self.menu(i).popup(at))
            card.preset_dropped.connect(lambda data, i=number: self._preset_dropped(i, data))
            card.picture_dropped.connect(lambda data, i=number: self._picture_dropped(i, data))
        self.more.clicked.connect(explorer.add_corner)
        self.anew.clicked.connect(explorer.start_anew)
        explorer.map_changed.connect(self._show)

    def _show(self) -> None:
        corners = self._explorer.corners
        names = LINE_NAMES if len(corners) == CORNERS_MIN else NAMES
        for number, card in enumerate(self.cards):
            card.setVisible(number < len(corners))
            if number < len(corners):
                can_remove = len(corners) > CORNERS_MIN
                card.show_corner(names[number], corners[number], can_remove)
        self.more.setVisible(len(corners) < CORNERS_MAX)

    def menu(self, number: int) -> QMenu:
        """Where a corner's noise can come from."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        draft = self._studio.editor.draft
        add(menu, "The draft's seed", lambda: self._set(number, lambda: corner_of_draft(draft)))
        shown = self._studio.focused
        if shown is not None and shown.recipe is not None:
            add(
                menu,
                "The picture on the canvas",
                lambda: self._try(number, lambda: self._explorer.set_picture(number, shown)),
            )
        presets = self._studio.shelf.presets()
        if presets:
            menu.addSeparator()
        for preset in presets[:40]:
            add(
                menu,
                preset.name,
                lambda one=preset: self._set(number, lambda: corner_of_preset(one)),
                "bookmark",
            )
        return menu

    def _preset_dropped(self, number: int, data: bytes) -> None:
        def take() -> None:
            presets = parse_document(SEEDS, data)
            if presets:
                self._explorer.set_corner(number, corner_of_preset(presets[0]))

        self._try(number, take)

    def _picture_dropped(self, number: int, path: Path) -> None:
        refusal = self.cards[number].refusal
        self._explorer.set_file(number, path, lambda error: refusal.say(str(error)))

    def _set(self, number: int, make: Callable[[], Corner]) -> None:
        self._try(number, lambda: self._explorer.set_corner(number, make()))

    def _try(self, number: int, edit: Callable[[], object]) -> None:
        self.cards[number].refusal.attempt(edit)


def corner_of_preset(preset: SeedPreset) -> Corner:
    """The noise of a seed preset.

    Raises:
        AppError: its noises are mixed in A1111's way, which cannot be mixed further.
    """
    if preset.variations and preset.method != "whole":
        raise AppError(
            "explore-method",
            f"The noises of “{preset.name}” are mixed column by column; the map cannot mix them"
            " further.",
        )
    return Corner(seed=preset.seed, variations=preset.variations, name=preset.name)
