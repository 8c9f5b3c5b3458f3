"""Paints one picture of the gallery: thumbnail, selection, star, rating and verified badge."""

import math

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPixmapCache,
    QPolygonF,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_app.studio.gallery import GalleryModel
from desktop_app.ui.canvas_paint import plate_colour
from desktop_app.ui.icons import pixmap
from desktop_app.ui.theme import token

MARGIN = 4
RADIUS = 6.0
VERDICTS = {
    "identical": ("badge-check", "ok"),
    "similar": ("badge-check", "warn"),
    "different": ("triangle-alert", "bad"),
}


def star(centre: QPointF, radius: float) -> QPolygonF:
    """A five-pointed star, one point up."""
    points: list[QPointF] = []
    for i in range(10):
        reach = radius if i % 2 == 0 else radius * 0.45
        angle = math.pi * (i / 5 - 0.5)
        points.append(centre + QPointF(math.cos(angle) * reach, math.sin(angle) * reach))
    return QPolygonF(points)


class GalleryDelegate(QStyledItemDelegate):
    """Square cells of one size; the whole picture is shown, never cut."""

    def __init__(self, parent: QObject | None = None, *, size: int = 132) -> None:
        super().__init__(parent)
        self.size = size

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(self.size, self.size)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        rect = QRectF(cell).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        image = index.data(GalleryModel.Role.THUMBNAIL)
        if isinstance(image, QImage) and not image.isNull():
            ratio = painter.device().devicePixelRatioF()
            plate = self._plate(image, rect.size().toSize(), ratio)
            painter.drawPixmap(rect.topLeft(), plate)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(token("bg.2"))
            painter.drawRoundedRect(rect, RADIUS, RADIUS)
        self._paint_marks(painter, rect, index)
        self._paint_border(painter, rect, state)
        painter.restore()

    def _paint_border(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = state & QStyle.StateFlag.State_HasFocus
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(token("focus" if focused else "accent"), 3 if focused else 2))
            painter.drawRoundedRect(rect.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
        elif focused:
            painter.setPen(QPen(token("focus"), 1))
            painter.drawRoundedRect(rect.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(token("text.3"), 1))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def _paint_marks(
        self, painter: QPainter, rect: QRectF, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        ratio = painter.device().devicePixelRatioF()
        if index.data(GalleryModel.Role.FAVOURITE):
            shape = star(rect.topRight() + QPointF(-15, 15), 7.5)
            painter.setPen(QPen(plate_colour(), 3.0, j=Qt.PenJoinStyle.RoundJoin))
            painter.setBrush(token("accent.soft"))
            painter.drawPolygon(shape)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(shape)
        verdict = VERDICTS.get(index.data(GalleryModel.Role.VERIFIED) or "")
        if verdict is not None:
            place = rect.bottomLeft() + QPointF(6, -24)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(plate_colour())
            painter.drawEllipse(place + QPointF(9, 9), 11, 11)
            painter.drawPixmap(place + QPointF(1, 1), pixmap(*verdict, 16, ratio))
        rating = index.data(GalleryModel.Role.RATING) or 0
        if rating:
            self._paint_rating(painter, rect, rating)

    def _paint_rating(self, painter: QPainter, rect: QRectF, rating: int) -> None:
        step, radius = 10.0, 4.0
        width = step * rating + 8
        plate = QRectF(rect.right() - width - 6, rect.bottom() - 22, width, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plate_colour())
        painter.drawRoundedRect(plate, 8, 8)
        painter.setBrush(token("text"))
        for i in range(rating):
            centre = QPointF(plate.left() + 4 + step * (i + 0.5), plate.center().y())
            painter.drawPolygon(star(centre, radius))

    @staticmethod
    def _plate(image: QImage, size: QSize, ratio: float) -> QPixmap:
        """The thumbnail in a rounded plate, kept by Qt's cache so that scrolling only copies."""
        key = f"plate {image.cacheKey()} {size.width()} {ratio} {token('bg.2').rgb()}"
        kept = QPixmap()
        if QPixmapCache.find(key, kept):
            return kept
        device = size * ratio
        plate = QPixmap(device)
        plate.fill(Qt.GlobalColor.transparent)
        fitted = image.scaled(
            device,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter = QPainter(plate)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(token("bg.2"))
        radius = RADIUS * ratio
        painter.drawRoundedRect(plate.rect(), radius, radius)
        path = QPainterPath()
        path.addRoundedRect(QRectF(plate.rect()), radius, radius)
        painter.setClipPath(path)
        painter.drawImage(
            (device.width() - fitted.width()) // 2, (device.height() - fitted.height()) // 2, fitted
        )
        painter.end()
        plate.setDevicePixelRatio(ratio)
        QPixmapCache.insert(key, plate)
        return plate
