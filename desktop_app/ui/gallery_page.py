"""The gallery as a full page, at any size of picture."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, label
from desktop_app.ui.gallery_search import GalleryFilter, GallerySearch
from desktop_app.ui.gallery_view import GalleryView

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

SIZE_MIN, SIZE_MAX = 80, 400


class GalleryPage(QWidget):
    """Every picture in a grid; the size of the thumbnails is remembered.

    Signals:
        opened(int): a picture is wanted on the canvas.
        audit_asked(): many pictures are to be verified, or the report on them to be seen.
    """

    opened = Signal(object)
    audit_asked = Signal()

    def __init__(
        self, studio: "Studio", filter_: GalleryFilter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._build(filter_)
        self._connect()
        self._set_size(studio.settings.values.thumbnail_size)

    def _build(self, filter_: GalleryFilter) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(20), theme.px(10), theme.px(16), theme.px(10))
        row.setSpacing(theme.px(8))
        row.addWidget(label("Gallery", "heading", self))
        self.search = GallerySearch(self._studio.gallery, filter_, self)
        row.addWidget(self.search, 1)
        self.folder = IconButton("folder-open", "Open the pictures folder", self, flat=True)
        self.audit = IconButton("badge-check", "Verify pictures", self, flat=True)
        self.audit.set_name("Verify pictures", "Verify a folder of pictures, and see the report")
        row.addWidget(self.audit)
        row.addWidget(self.folder)
        row.addSpacing(theme.px(8))
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(SIZE_MIN, SIZE_MAX)
        self.slider.setSingleStep(10)
        self.slider.setPageStep(40)
        self.slider.setFixedWidth(theme.px(130))
        self.slider.setAccessibleName("Size of the thumbnails")
        self.slider.setToolTip("Size of the thumbnails")
        row.addWidget(self.slider)
        self.view = GalleryView(self._studio, self)
        column.addLayout(row)
        column.addWidget(self.view, 1)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._size_moved)
        self.folder.clicked.connect(self._studio.open_pictures_folder)
        self.audit.clicked.connect(self.audit_asked)
        self.view.opened.connect(self.opened)

    def _size_moved(self, size: int) -> None:
        self.view.set_size(size)
        self._studio.settings.set(thumbnail_size=size)

    def _set_size(self, size: int) -> None:
        self.slider.setValue(size)
        self.view.set_size(size)
