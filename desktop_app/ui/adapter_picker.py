"""The sheet that offers the LoRAs and textual inversions that fit the model."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QListView, QWidget

from desktop_app.studio.assets import Asset, kind_words
from desktop_app.ui import theme
from desktop_app.ui.fields import IconTextButton, label, plain_tip
from desktop_app.ui.popover import Popover

_ASSET = Qt.ItemDataRole.UserRole + 1
_TEXT = Qt.ItemDataRole.UserRole + 2


class _Words(QSortFilterProxyModel):
    """Keeps what holds every word that was typed, in any order."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []

    def set_words(self, text: str) -> None:
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: object) -> bool:
        text = str(self.sourceModel().index(source_row, 0).data(_TEXT))
        return all(word in text for word in self._words)


class AdapterPicker(Popover):
    """Choose something to attach to the model.

    Signals:
        chosen(Asset)
        models_wanted(): show the page with all models.
    """

    chosen = Signal(object)
    models_wanted = Signal()

    def __init__(self, anchor: QWidget, assets: Sequence[Asset]) -> None:
        """Args:
        assets: what is offered, in this order.
        """
        super().__init__(anchor, "Add a LoRA", 300)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search what can be added")
        self.search.setClearButtonEnabled(True)
        self.list = QListView()
        self.list.setObjectName("history")
        self.list.setAccessibleName("What can be added")
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(theme.px(200))
        self.rows = _Words(self)
        self.rows.setSourceModel(self._items(assets))
        self.list.setModel(self.rows)
        self.empty = label(
            "There is none here that fits this model. On the page with the models, watch a folder "
            "that has some, or drop a file on the window.",
            "hint",
        )
        self.empty.setWordWrap(True)
        self.models = IconTextButton("layers", "Show the models")
        for part in (self.search, self.list):
            part.setVisible(bool(assets))
        self.empty.setVisible(not assets)
        self.column.addWidget(label("Add a LoRA or a textual inversion", "title"))
        for part in (self.search, self.list, self.empty, self.models):
            self.column.addWidget(part)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self._take)
        self.list.activated.connect(self._take)
        self.models.clicked.connect(self.close)
        self.models.clicked.connect(self.models_wanted)
        self._filter("")

    def show_it(self) -> None:
        """Open with the focus in the search field."""
        self.open(self.search if self.rows.sourceModel().rowCount() else self.models)

    def _items(self, assets: Sequence[Asset]) -> QStandardItemModel:
        made = QStandardItemModel(self)
        for asset in assets:
            kind = kind_words(asset.identity.kind)
            own = "" if asset.identity.kind == "lora" else f"   ·   {kind}"
            item = QStandardItem(f"{asset.name}{own}")
            words = ", ".join(asset.trigger_words[:6])
            item.setToolTip(plain_tip("\n".join(one for one in (asset.path.name, words) if one)))
            item.setData(asset, _ASSET)
            parts = (asset.name, asset.path.name, kind, *asset.trigger_words)
            item.setData("\n".join(parts).casefold(), _TEXT)
            made.appendRow(item)
        return made

    def _filter(self, text: str) -> None:
        self.rows.set_words(text)
        self.list.setCurrentIndex(self.rows.index(0, 0))

    def _take(self) -> None:
        index = self.list.currentIndex()
        if index.isValid():
            self.chosen.emit(index.data(_ASSET))
            self.close()

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
