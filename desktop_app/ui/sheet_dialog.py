"""The recipes of a contact sheet: one line for each cell, to be taken up or made again."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.changes import changes
from desktop_app.recipe.sheet import Sheet
from desktop_app.recipe.sweep import Cell
from desktop_app.ui import theme
from desktop_app.ui.fields import ElidedLabel, label

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

_WIDTH, _HEIGHT = 620, 520


class SheetDialog(QDialog):
    """Lists the cells of a grid; the window beside it stays in use."""

    def __init__(
        self,
        studio: "Studio",
        sheet: Sheet,
        find: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        find: shows what a search finds in the gallery.
        """
        super().__init__(parent)
        self._studio = studio
        self._sheet = sheet
        self._search = find
        self.setWindowTitle(f"Grid: {sheet.title}")
        self.resize(theme.px(_WIDTH), theme.px(_HEIGHT))
        self.cells = QListWidget(self)
        self.cells.setAccessibleName("Pictures of the grid")
        self.cells.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.cells.setUniformItemSizes(True)
        self.about = ElidedLabel("", "hint", self)
        self.restore = QPushButton("Use its settings", self)
        self.again = QPushButton("Make again", self)
        self.locate = QPushButton("Show in the gallery", self)
        self._build()
        self._connect()
        self.cells.setCurrentRow(0)

    def _build(self) -> None:
        count = len(self._sheet.cells)
        prompt = self._sheet.cells[0].recipe.prompt
        self.restore.setProperty("primary", True)
        for cell in self._sheet.cells:
            item = QListWidgetItem(self._sheet.words(cell), self.cells)
            item.setData(Qt.ItemDataRole.UserRole, cell.at)
        buttons = QHBoxLayout()
        buttons.addWidget(self.locate)
        buttons.addStretch(1)
        buttons.addWidget(self.again)
        buttons.addWidget(self.restore)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(18),) * 4)
        column.setSpacing(theme.px(10))
        words = "1 picture" if count == 1 else f"{count} pictures"
        column.addWidget(label(f"{words} · {self._sheet.title}", "title", self))
        column.addWidget(ElidedLabel(prompt, "label", self))
        column.addWidget(self.cells, 1)
        column.addWidget(self.about)
        column.addLayout(buttons)

    def _connect(self) -> None:
        self.cells.itemSelectionChanged.connect(self._show)
        self.cells.itemActivated.connect(lambda _: self._restore())
        self.restore.clicked.connect(self._restore)
        self.again.clicked.connect(self._again)
        self.locate.clicked.connect(self._find)

    def chosen(self) -> list[Cell]:
        """The cells whose lines are selected, in the order of the list."""
        rows = sorted(index.row() for index in self.cells.selectedIndexes())
        return [self._sheet.cells[row] for row in rows]

    def _show(self) -> None:
        chosen = self.chosen()
        self.restore.setEnabled(len(chosen) == 1)
        self.again.setEnabled(bool(chosen))
        self.again.setText("Make again" if len(chosen) < 2 else f"Make {len(chosen)} again")
        words = ""
        if len(chosen) == 1:
            found = changes(self._sheet.cells[0].recipe, chosen[0].recipe)
            words = ", ".join(found) or "As the first one"
        self.about.set_text(words)

    def _restore(self) -> None:
        chosen = self.chosen()
        if len(chosen) == 1:
            self._studio.restoring.take_recipe(chosen[0].recipe, self._sheet.words(chosen[0]))

    def _again(self) -> None:
        self._studio.sweeps.again(self._sheet, self.chosen())

    def _find(self) -> None:
        self._search(f"grid:{self._sheet.id}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enters = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enters and self.cells.hasFocus():
            self._restore()
        else:
            super().keyPressEvent(event)
