"""One picture over the whole window, to look at it without anything beside it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app.ui import canvas_paint
from desktop_app.ui.canvas_view import View
from desktop_app.ui.gallery_view import GalleryView
from desktop_app.ui.picture_source import Levels, PictureSource
from desktop_app.ui.theme import px
from desktop_app.ui.words import grouped

if TYPE_CHECKING:
    from desktop_app.studio.values import Record

CLOSING = (Qt.Key.Key_Space, Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class LargeView(QWidget):
    """Comes up over its parent; arrow keys walk through the list it was opened from."""

    def __init__(self, source: PictureSource, parent: QWidget) -> None:
        super().__init__(parent)
        self._source = source
        self._record: Record | None = None
        self._view: GalleryView | None = None
        self._last: Levels | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Large view")
        self.hide()
        parent.installEventFilter(self)
        source.loaded.connect(self.update)

    def open(self, record: "Record", view: GalleryView) -> None:
        """Show a picture of `view`."""
        if self._view is not view:
            if self._view is not None:
                self._view.chosen.disconnect(self._walked)
            view.chosen.connect(self._walked)
        self._view = view
        self._show(record)
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.raise_()
        self.show()
        self.setFocus()

    def dismiss(self) -> None:
        """Go away; the list has the focus again."""
        self.hide()
        self._last = None
        if self._view is not None:
            self._view.setFocus()

    def _show(self, record: "Record") -> None:
        self._record = record
        words = record.recipe.prompt if record.recipe is not None else record.path.name
        self.setAccessibleDescription(words)
        self.update()

    def _walked(self, _: object) -> None:
        if self.isVisible() and self._view is not None:
            records = self._view.records()
            if records:
                self._show(records[0])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(12, 12, 12))
        record = self._record
        if record is None:
            return
        foot = float(px(44))
        area = QRectF(self.rect()).adjusted(24, 24, -24, -foot)
        rect = View().rect(QSizeF(record.width, record.height), area, self.devicePixelRatioF())
        levels = self._source.levels(record) or self._last
        if levels is not None:
            self._last = levels
            ratio = self.devicePixelRatioF()
            canvas_paint.draw_picture(painter, levels, rect, crisp=False, ratio=ratio)
        line = QRectF(24, self.height() - foot, self.width() - 48, foot)
        metrics = QFontMetricsF(self.font())
        words = metrics.elidedText(_words(record), Qt.TextElideMode.ElideRight, line.width())
        painter.setPen(QColor("#a8a49f"))
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismiss()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in CLOSING:
            self.dismiss()
        elif self._view is not None:
            QApplication.sendEvent(self._view, QKeyEvent(event))
            if not self._view.selected():
                self.dismiss()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            parent = self.parentWidget()
            if parent is not None:
                self.setGeometry(parent.rect())
        return False


def _words(record: "Record") -> str:
    parts = [f"{record.width} × {record.height}"]
    if record.recipe is not None:
        parts = [record.recipe.prompt, f"seed {grouped(record.recipe.seed)}", *parts]
    if record.rating:
        parts.append("★" * record.rating)
    return "  ·  ".join(" ".join(part.split()) for part in parts if part)
