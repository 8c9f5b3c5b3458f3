"""A list with a search field above it, from which one is taken by mouse or keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QListView, QVBoxLayout, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import plain_tip

_VALUE = Qt.ItemDataRole.UserRole + 1
_WORDS = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One row.

    Attributes:
        value: what is taken.
        words: that it is found by; those it shows where there are none.
    """

    text: str
    value: object
    words: str = ""
    tooltip: str = ""


class _Found(QSortFilterProxyModel):
    """Keeps what holds every word that was typed, in any order."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_words(self, text: str) -> None:
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: object) -> bool:
        text = str(self.sourceModel().index(source_row, 0).data(_WORDS))
        return all(word in text for word in self._words)


class SearchList(QWidget):
    """Choices, and a field that finds them by their words.

    Signals:
        taken(object): the value of the one that was chosen.
        filtered(): other rows are shown now.
    """

    taken = Signal(object)
    filtered = Signal()

    def __init__(
        self, choices: Sequence[Choice], *, search: str, name: str, height: int, wraps: bool = False
    ) -> None:
        """Args:
        search: what the empty field says.
        name: of the list, for screen readers.
        height: of the list in pixels at 100 % text size.
        wraps: whether a long row goes on in a second line.
        """
        super().__init__()
        self.search = QLineEdit()
        self.search.setPlaceholderText(search)
        self.search.setAccessibleName(search)
        self.search.setClearButtonEnabled(True)
        self.list = QListView()
        self.list.setObjectName("history")
        self.list.setAccessibleName(name)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setWordWrap(wraps)
        if wraps:
            self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(theme.px(height))
        self.rows = _Found(self)
        self.rows.setSourceModel(self._items(choices))
        self.list.setModel(self.rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(8))
        column.addWidget(self.search)
        column.addWidget(self.list)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self._take)
        self.list.activated.connect(self._take)
        self._filter("")

    def _items(self, choices: Sequence[Choice]) -> QStandardItemModel:
        made = QStandardItemModel(self)
        for choice in choices:
            item = QStandardItem(choice.text)
            item.setData(choice.value, _VALUE)
            item.setData((choice.words or choice.text).casefold(), _WORDS)
            item.setToolTip(plain_tip(choice.tooltip))
            made.appendRow(item)
        return made

    def _filter(self, text: str) -> None:
        self.rows.set_words(text)
        self.list.setCurrentIndex(self.rows.index(0, 0))
        self.filtered.emit()

    def _take(self) -> None:
        index = self.list.currentIndex()
        if index.isValid():
            self.taken.emit(index.data(_VALUE))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrow keys move in the list while the search field is typed in."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = self.list.currentIndex().row() + step
                row = min(max(0, row), self.rows.rowCount() - 1)
                self.list.setCurrentIndex(self.rows.index(row, 0))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take()
                return True
        return super().eventFilter(watched, event)
