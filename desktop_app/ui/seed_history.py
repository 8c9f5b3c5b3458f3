"""The seeds used before: a sheet with the last ones, and a page with all of them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.ui import theme
from desktop_app.ui.fields import IconTextButton, label
from desktop_app.ui.gallery_search import PAUSE_MS, SearchField
from desktop_app.ui.icons import icon
from desktop_app.ui.picture_menu import add
from desktop_app.ui.popover import Popover
from desktop_app.ui.seed_rows import SeedList
from desktop_app.ui.words import counted

if TYPE_CHECKING:
    from desktop_app.studio.values import SeedUse

SHEET_WIDTH, SHEET_ROWS = 340, 330
EMPTY = "Every seed that you make a picture with is noted here."


class LastSeeds(Popover):
    """The seeds used last, each once; a click takes one.

    Signals:
        all_wanted(): the page with all of them.
    """

    all_wanted = Signal()

    def __init__(self, anchor: QWidget, desk: SeedDesk) -> None:
        super().__init__(anchor, "The last seeds", SHEET_WIDTH)
        self._desk = desk
        self.list = SeedList(desk.last_seeds, EMPTY, self)
        self.list.setFixedHeight(theme.px(SHEET_ROWS))
        self.all = IconTextButton("history", "All seeds ever used")
        self.column.addWidget(label("The last seeds", "title"))
        self.column.addWidget(self.list)
        self.column.addWidget(self.all)
        self.list.clicked.connect(self._take)
        self.list.opened.connect(self._take)
        self.all.clicked.connect(self._show_all)
        desk.last_seeds.modelReset.connect(self._first)
        desk.last_seeds.refresh()

    def show_it(self) -> None:
        """Open with the focus in the list."""
        self.open(self.list)
        self._first()

    def _first(self) -> None:
        if not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._desk.last_seeds.index(0))

    def _take(self) -> None:
        use = self.list.current()
        if use is not None:
            self.close()
            self._desk.use_again(use)

    def _show_all(self) -> None:
        self.close()
        self.all_wanted.emit()


class HistoryTab(QWidget):
    """Every use of a seed, searched as it is typed.

    Signals:
        used(): a seed was put into the draft.
    """

    used = Signal()

    def __init__(self, desk: SeedDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.search = SearchField(self)
        self.search.setAccessibleName("Search the seeds used before")
        self.search.setPlaceholderText("Search prompts, seeds, models")
        self.search.setMaxLength(200)
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(theme.px(300))
        self.search.addAction(
            icon("search", "text.3", 16), QLineEdit.ActionPosition.LeadingPosition
        )
        self.count = label("", "hint", self)
        self.list = SeedList(desk.history, EMPTY, self)
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(20), theme.px(8), theme.px(16), theme.px(8))
        row.setSpacing(theme.px(8))
        row.addWidget(self.search, 100)
        row.addWidget(self.count)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        inner = QHBoxLayout()
        inner.setContentsMargins(theme.px(20), 0, theme.px(16), 0)
        inner.addWidget(self.list)
        column.addLayout(inner, 1)
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        self.search.textChanged.connect(self._timer.start)
        self.list.opened.connect(self._use)
        self.list.menu_wanted.connect(self._open_menu)
        desk.history.count_changed.connect(self._counted)

    def refresh(self) -> None:
        """Read what is new."""
        self._desk.history.refresh()

    def menu(self, use: "SeedUse") -> QMenu:
        """What can be done with one use of a seed."""
        desk, menu = self._desk, QMenu(self)
        add(menu, "Use the seed", lambda: self._use(use), "dices", "Enter")
        add(menu, "Use seed, prompt and size", lambda: self._use(use, everything=True), "check")
        menu.addSeparator()
        add(menu, "Keep it on the shelf", lambda: desk.keep_use(use), "bookmark")
        if use.picture:
            add(menu, "Show its picture", lambda: desk.show_pixels(use.picture), "image")
        add(menu, "Copy the seed", lambda: _copy(use.seed), "copy")
        return menu

    def _open_menu(self, use: "SeedUse", at: QPoint) -> None:
        menu = self.menu(use)
        menu.exec(at)
        menu.deleteLater()

    def _use(self, use: "SeedUse", *, everything: bool = False) -> None:
        self._desk.use_again(use, everything=everything)
        self.used.emit()

    def _ask(self) -> None:
        self._desk.history.set_words(self.search.text())

    def _counted(self) -> None:
        count = self._desk.history.count
        self.count.setText(f"{counted(count)} use{'s' if count != 1 else ''}" if count else "")

    def focus(self) -> None:
        """Put the focus into the search field."""
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)


def _copy(seed: int) -> None:
    QGuiApplication.clipboard().setText(str(seed))
