"""What of the models is shown: words, kind, family, favourites, and what can be used."""

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from desktop_app.studio.asset_order import ORDERS, ModelsOrder
from desktop_app.studio.assets import AssetFilter, AssetsModel, kind_words, title_of
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, IconButton, label
from desktop_app.ui.gallery_search import SearchField
from desktop_app.ui.icons import icon
from desktop_app.ui.words import counted

PAUSE_MS = 120
_ORDER_WORDS: dict[ModelsOrder, str] = {
    "kind": "By kind",
    "name": "By name",
    "newest": "Newest first",
    "size": "Largest first",
    "used": "Last used first",
    "family": "By family",
}


class AssetFilters(QWidget):
    """A row of controls over the cards.

    Signals:
        changed(): another filter is set.
        sorted(str): another order is wanted, one of `ORDERS`.
    """

    changed = Signal()
    sorted = Signal(str)

    def __init__(self, assets: AssetsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._assets = assets
        self.order = Combo("Sort by", self)
        self.count = label("", "hint", self)
        self.field = SearchField(self)
        self.kind = Combo("Kind of model", self)
        self.family = Combo("Family", self)
        self.star = IconButton("star", "Favourites only", self, checkable=True, flat=True)
        self.usable = IconButton(
            "circle-check", "Only what can be used", self, checkable=True, flat=True
        )
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._build()
        self._connect()
        self._fill()

    def _build(self) -> None:
        self.field.setAccessibleName("Search the models")
        self.field.setPlaceholderText("Search names, words, notes")
        self.field.setMaxLength(300)
        self.field.setClearButtonEnabled(True)
        self.field.addAction(icon("search", "text.3", 16), QLineEdit.ActionPosition.LeadingPosition)
        self.field.setMinimumWidth(theme.px(140))
        self.field.setMaximumWidth(theme.px(320))
        for combo in (self.kind, self.family):
            combo.setFixedWidth(theme.px(172))
        for order in ORDERS:
            self.order.addItem(_ORDER_WORDS[order], order)
        self.order.setCurrentIndex(ORDERS.index(self._assets.order))
        self.order.setToolTip("What the models are sorted by")
        self.order.setFixedWidth(theme.px(138))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(6))
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.field, 100)
        row.addWidget(self.kind)
        row.addWidget(self.family)
        row.addWidget(self.order)
        row.addWidget(self.usable)
        row.addWidget(self.star)

    def _connect(self) -> None:
        self._timer.timeout.connect(self._ask)
        self.field.textChanged.connect(lambda: self._timer.start())
        self.kind.activated.connect(self._ask)
        self.family.activated.connect(self._ask)
        self.order.activated.connect(lambda row: self.sorted.emit(ORDERS[row]))
        self.star.clicked.connect(self._ask)
        self.usable.clicked.connect(self._ask)
        self._assets.read.connect(self._fill)
        self._assets.filtered.connect(self._count)

    def clear(self) -> None:
        """Show everything again."""
        self.field.clear()
        self.kind.setCurrentIndex(0)
        self.family.setCurrentIndex(0)
        self.star.setChecked(False)
        self.usable.setChecked(False)
        self._ask()

    def _ask(self) -> None:
        self._timer.stop()
        self._assets.set_filter(
            replace(
                self._assets.filter,
                words=self.field.text().strip(),
                kind=self.kind.currentData(),
                family=self.family.currentData() or "",
                favourites=self.star.isChecked(),
                usable=self.usable.isChecked(),
            )
        )
        self.changed.emit()

    def _fill(self) -> None:
        """The kinds and families that there are; what is chosen stays chosen."""
        kinds = [(f"{_capital(kind_words(kind))}  {n}", kind) for kind, n in self._assets.kinds]
        families = [(f"{title_of(key)}  {n}", key) for key, n in self._assets.families]
        wanted = self._assets.filter
        gone = _refill(self.kind, "All kinds", kinds, wanted.kind)
        gone = _refill(self.family, "All families", families, wanted.family or None) or gone
        if gone:
            self._ask()
        self._count()

    def _count(self) -> None:
        shown, total = len(self._assets.shown), len(self._assets.all)
        if not total:
            words = ""
        elif shown == total and self._assets.filter == AssetFilter():
            words = "1 model" if total == 1 else f"{counted(total)} models"
        else:
            words = f"{counted(shown)} of {counted(total)}"
        self.count.setText(words)


def _refill(combo: Combo, first: str, rows: Iterable[tuple[str, object]], chosen: object) -> bool:
    """Put rows into a list; True when what was chosen is not among them any more."""
    wanted = [(first, None), *rows]
    combo.fill(wanted)
    at = next((row for row, (_, value) in enumerate(wanted) if value == chosen), -1)
    combo.setCurrentIndex(max(at, 0))
    return at < 0


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
