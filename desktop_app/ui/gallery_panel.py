"""The gallery under the canvas: one row of the newest pictures, with its search."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, SectionTitle
from desktop_app.ui.gallery_search import GalleryFilter, GallerySearch
from desktop_app.ui.gallery_view import GalleryView

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

CELL_MIN, CELL_MAX = 80, 400


class GalleryPanel(QWidget):
    """A strip whose pictures are as high as the strip.

    Signals:
        page_wanted(): the gallery as a full page.
    """

    page_wanted = Signal()

    def __init__(
        self, studio: "Studio", filter_: GalleryFilter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(16), theme.px(6), theme.px(12), theme.px(4))
        column.setSpacing(theme.px(4))
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        self.search = GallerySearch(studio.gallery, filter_, self)
        self.page = IconButton("layout-grid", "Gallery page", self, flat=True)
        self.page.set_name("Gallery page", "The whole gallery (Ctrl+2)")
        self.page.clicked.connect(self.page_wanted)
        row.addWidget(SectionTitle("Gallery", self))
        row.addWidget(self.search, 1)
        row.addWidget(self.page)
        self.view = GalleryView(studio, self, one_row=True)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self.setMinimumHeight(theme.px(40) + CELL_MIN + theme.px(20))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        bar = self.view.horizontalScrollBar().sizeHint().height()
        size = min(max(self.view.height() - bar - 2, CELL_MIN - 16), CELL_MAX)
        self.view.set_size(size)
