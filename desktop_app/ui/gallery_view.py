"""A list of pictures of any length: selection as in a file manager, keys, menu, drag out."""

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QMetaType,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.qimage import without_text
from desktop_app.ui import theme
from desktop_app.ui.drop_overlay import OWN_PICTURES
from desktop_app.ui.gallery_delegate import GalleryDelegate
from desktop_app.ui.picture_menu import picture_menu

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_app.studio.studio import Studio
    from desktop_app.studio.values import Record

DRAG_PICTURE = 96
IMAGE_FORMAT = "application/x-qt-image"


class PictureData(QMimeData):
    """Files, and the first one's pixels; those are read only if a program asks for them."""

    def __init__(self, path: "Path | None") -> None:
        super().__init__()
        self._path = path

    def formats(self) -> list[str]:
        return [*super().formats(), IMAGE_FORMAT] if self._path is not None else super().formats()

    def hasFormat(self, mimetype: str) -> bool:
        return (mimetype == IMAGE_FORMAT and self._path is not None) or super().hasFormat(mimetype)

    def retrieveData(self, mimetype: str, preferredType: QMetaType | QMetaType.Type) -> object:
        if mimetype == IMAGE_FORMAT and self._path is not None:
            return without_text(QImage(str(self._path)))
        return super().retrieveData(mimetype, preferredType)


class GalleryView(QListView):
    """The gallery's pictures, in one row or in a grid.

    Signals:
        chosen(int): the picture that is current now.
        opened(int): it was double-clicked, or Enter was pressed.
        looked(int): a large view of it is wanted.
    """

    chosen = Signal(object)
    opened = Signal(object)
    looked = Signal(object)

    def __init__(
        self, studio: "Studio", parent: QWidget | None = None, *, one_row: bool = False
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._gallery = studio.gallery
        self._one_row = one_row
        self._painter = GalleryDelegate(self)
        self.setAccessibleName("Gallery")
        self.setObjectName("strip" if one_row else "grid")
        self.setItemDelegate(self._painter)
        # Uniform sizes, a grid and batches: without them Qt asks about every picture at once.
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(200)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(not one_row)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        if one_row:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setModel(self._gallery)
        self.set_size(132)
        self._gallery.total_changed.connect(self._repaint)
        # The current picture can be clicked again after the canvas went on to another one.
        self.clicked.connect(self._clicked)

    def set_size(self, size: int) -> None:
        """Cells of `size` pixels, the picture a little smaller."""
        self._painter.size = size
        self.setGridSize(QSize(size, size))
        self._painter.sizeHintChanged.emit(QModelIndex())

    def selected(self) -> list[int]:
        """The numbers of the selected pictures, the current one first."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        numbers = [self._gallery.id_at(row) for row in rows]
        current = self._gallery.id_at(self.currentIndex().row())
        return sorted((one for one in numbers if one is not None), key=lambda one: one != current)

    def records(self) -> "list[Record]":
        """The selected pictures, the current one first."""
        found = [self._gallery.record_of(number) for number in self.selected()]
        return [record for record in found if record is not None]

    def show_current(self, picture: int | None) -> None:
        """Make a picture the current and only selected one; None selects nothing."""
        current = self._gallery.id_at(self.currentIndex().row())
        if picture is None:
            self.selectionModel().clear()
            return
        index = self._gallery.index_of(picture)
        if not index.isValid():
            self.clearSelection()
        elif picture != current or picture not in self.selected():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def step(self, by: int) -> None:
        """Make the picture before (-1) or after (1) the current one."""
        row = self.currentIndex().row() + by
        if 0 <= row < self._gallery.rowCount():
            index = self._gallery.index(row)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def _clicked(self, index: QModelIndex) -> None:
        number = self._gallery.id_at(index.row())
        if number is not None:
            self.chosen.emit(number)

    def _repaint(self) -> None:
        self.viewport().update()

    def _empty_words(self) -> tuple[str, str]:
        if self._gallery.query:
            return "No picture matches the search.", "Clear the search to see them all."
        if not self._gallery.ready:
            return "Opening the gallery …", ""
        return "Pictures you make are kept here.", "Type a prompt and press Ctrl+Enter."

    def currentChanged(
        self,
        current: QModelIndex | QPersistentModelIndex,
        previous: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().currentChanged(current, previous)
        number = self._gallery.id_at(current.row())
        if number is not None:
            self.chosen.emit(number)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._gallery.rowCount():
            return
        painter = QPainter(self.viewport())
        words, hint = self._empty_words()
        line = theme.px(20)
        rect = self.viewport().rect()
        painter.setPen(theme.token("text.2"))
        painter.drawText(
            rect.adjusted(0, -line // 2, 0, -line // 2), Qt.AlignmentFlag.AlignCenter, words
        )
        painter.setPen(theme.token("text.3"))
        painter.drawText(rect.adjusted(0, line, 0, line), Qt.AlignmentFlag.AlignCenter, hint)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._key(event):
            super().keyPressEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        numbers, key = self.selected(), event.key()
        if not numbers:
            return False
        if event.matches(QKeySequence.StandardKey.Copy):
            self._studio.album.copy(numbers[0])
            return True
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        match key:
            case Qt.Key.Key_Space:
                self.looked.emit(numbers[0])
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.opened.emit(numbers[0])
            case Qt.Key.Key_F:
                records = self.records()
                self._studio.album.set_favourite(numbers, not all(one.favourite for one in records))
            case Qt.Key.Key_Delete:
                self._studio.album.trash(numbers)
            case _ if Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
                self._studio.album.set_rating(numbers, key - Qt.Key.Key_0)
            case _:
                return False
        return True

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        number = self._gallery.id_at(self.indexAt(event.position().toPoint()).row())
        if number is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(number)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        if self._one_row and delta.y() and not delta.x():
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - delta.y())
            event.accept()
        else:
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        records = self.records()
        if records:
            menu = picture_menu(self._studio, records, self, self.opened.emit)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(at)

    def drag_contents(self) -> QMimeData:
        """The selected pictures as files, the current one also as an image."""
        indexes = self.selectionModel().selectedIndexes()
        mime = PictureData(self._gallery.path_of(self.selected()[0]) if indexes else None)
        mime.setUrls(self._gallery.mimeData(indexes).urls())
        mime.setData(OWN_PICTURES, b"1")
        return mime

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        mime = self.drag_contents()
        if not mime.urls():
            return
        image = self.currentIndex().data(GalleryModel.Role.THUMBNAIL)
        drag = QDrag(self)
        drag.setMimeData(mime)
        if isinstance(image, QImage) and not image.isNull():
            small = image.scaled(
                DRAG_PICTURE,
                DRAG_PICTURE,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            drag.setPixmap(QPixmap.fromImage(small))
        drag.exec(Qt.DropAction.CopyAction)
