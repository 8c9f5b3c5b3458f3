"""The prompts that were used before, in a sheet with a search field."""

from collections.abc import Sequence
from textwrap import shorten

from PySide6.QtCore import QEvent, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QListView, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import label, plain_tip
from desktop_app.ui.popover import Popover

_PROMPT = Qt.ItemDataRole.UserRole + 1
SHOWN_MAX, TIP_MAX = 110, 600
"""Characters of a prompt in the list, and in its tooltip."""


class _Words(QSortFilterProxyModel):
    """Keeps the prompts that hold every word that was typed, in any order."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_words(self, text: str) -> None:
        self.beginFilterChange()
        self._words = text.lower().split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: object) -> bool:
        index = self.sourceModel().index(source_row, 0)
        prompt = str(index.data(_PROMPT)).lower()
        return all(word in prompt for word in self._words)


class PromptHistory(Popover):
    """Choose one of the prompts used before.

    Signals:
        chosen(str): the prompt to take.
    """

    chosen = Signal(str)

    def __init__(self, anchor: QWidget, prompts: Sequence[str]) -> None:
        super().__init__(anchor, "Prompts used before", 340)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search the prompts used before")
        self._search.setAccessibleName("Search the prompts used before")
        self._search.setClearButtonEnabled(True)
        self._list = QListView()
        self._list.setObjectName("history")
        self._list.setAccessibleName("Prompts used before")
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.setWordWrap(True)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFixedHeight(theme.px(230))
        self._rows = _Words(self)
        self._rows.setSourceModel(self._items(prompts))
        self._list.setModel(self._rows)
        self._empty = label("Prompts you make pictures with are kept here.", "hint")
        self._empty.setVisible(not prompts)
        self.column.addWidget(self._search)
        self.column.addWidget(self._list)
        self.column.addWidget(self._empty)
        self._search.textChanged.connect(self._filter)
        self._search.installEventFilter(self)
        self._list.clicked.connect(self._take)
        self._list.activated.connect(self._take)
        self._filter("")

    def show_it(self) -> None:
        """Open with the focus in the search field."""
        self.open(self._search)
        # Its rows were measured before the stylesheet reached them.
        self._list.scheduleDelayedItemsLayout()

    def _items(self, prompts: Sequence[str]) -> QStandardItemModel:
        made = QStandardItemModel(self)
        for prompt in dict.fromkeys(prompts):
            item = QStandardItem(shorten(prompt, SHOWN_MAX, placeholder=" …"))
            item.setData(prompt, _PROMPT)
            item.setToolTip(plain_tip(shorten(prompt, TIP_MAX, placeholder=" …")))
            made.appendRow(item)
        return made

    def _filter(self, text: str) -> None:
        self._rows.set_words(text)
        self._list.setCurrentIndex(self._rows.index(0, 0))
        if self._rows.sourceModel().rowCount():
            self._empty.setText("No prompt holds these words.")
            self._empty.setVisible(not self._rows.rowCount())

    def _take(self) -> None:
        index = self._list.currentIndex()
        if index.isValid():
            self.chosen.emit(index.data(_PROMPT))
            self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrow keys move in the list while the search field is typed in."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                row = self._list.currentIndex().row() + step
                row = min(max(0, row), self._rows.rowCount() - 1)
                self._list.setCurrentIndex(self._rows.index(row, 0))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take()
                return True
        return super().eventFilter(watched, event)
