"""The search over the gallery: one filter, shown alike wherever the gallery is."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from desktop_app.studio.gallery import GalleryModel
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, label, restyle
from desktop_app.ui.icons import icon
from desktop_app.ui.words import counted

PAUSE_MS = 180
FAVOURITES = "is:favourite"


class GalleryFilter(QObject):
    """What is searched for; asks the gallery once typing pauses.

    Signals:
        changed(): the words, or whether only favourites are wanted.
    """

    changed = Signal()

    def __init__(self, gallery: GalleryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self.words = ""
        self.favourites = False
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._ask)

    def set_words(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self._timer.start()
            self.changed.emit()

    def set_favourites(self, on: bool) -> None:
        if on != self.favourites:
            self.favourites = on
            self._ask()
            self.changed.emit()

    def _ask(self) -> None:
        self._timer.stop()
        parts = (self.words.strip(), FAVOURITES if self.favourites else "")
        self._gallery.set_query(" ".join(part for part in parts if part))


class SearchField(QLineEdit):
    """Escape clears it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class GallerySearch(QWidget):
    """How many pictures, the search field and the star."""

    def __init__(self, gallery: GalleryModel, filter_: GalleryFilter, parent: QWidget) -> None:
        super().__init__(parent)
        self._gallery, self._filter = gallery, filter_
        self._problem = ""
        self._build()
        self._connect()
        self._render()
        self._count()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(6))
        self.count = label("", "hint", self)
        self.field = SearchField(self)
        self.field.setAccessibleName("Search the gallery")
        self.field.setPlaceholderText("Search words, seed:, model:, rating:>3")
        self.field.setToolTip(
            "Words of the prompt, or seed:7, model:name, size:512x512, rating:>3, "
            "date:2026-11-21, is:favourite"
        )
        self.field.setMaxLength(500)
        self.field.setClearButtonEnabled(True)
        self.field.addAction(icon("search", "text.3", 16), QLineEdit.ActionPosition.LeadingPosition)
        self.field.setMinimumWidth(theme.px(140))
        self.field.setMaximumWidth(theme.px(320))
        self.star = IconButton("star", "Favourites only", self, checkable=True, flat=True)
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.field, 100)
        row.addWidget(self.star)

    def _connect(self) -> None:
        self.field.textChanged.connect(self._filter.set_words)
        self.star.clicked.connect(self._filter.set_favourites)
        self._filter.changed.connect(self._render)
        self._gallery.total_changed.connect(self._count)
        self._gallery.query_problem.connect(self._say)

    def _render(self) -> None:
        if self.field.text() != self._filter.words:
            self.field.setText(self._filter.words)
        if self.star.isChecked() != self._filter.favourites:
            self.star.setChecked(self._filter.favourites)

    def _say(self, problem: str) -> None:
        self._problem = problem
        restyle(self.field, "refused", bool(problem))
        restyle(self.count, "role", "refusal" if problem else "hint")
        self._count()

    def _count(self) -> None:
        total = self._gallery.total
        if self._problem:
            words = self._problem
        elif not total and not self._gallery.query:
            words = ""
        else:
            found = " found" if self._gallery.query else ""
            words = f"{counted(total)} {'picture' if total == 1 else 'pictures'}{found}"
        self.count.setText(words)
