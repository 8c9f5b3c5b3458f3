"""The models as cards in a grid: picture, name, what it is, and why it cannot be used."""

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
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
    QHelpEvent,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from desktop_app.studio.assets import (
    AssetsModel,
    kind_words,
    short_title,
    size_words,
    source_words,
)
from desktop_app.ui import theme
from desktop_app.ui.canvas_paint import plate_colour
from desktop_app.ui.fields import plain_tip
from desktop_app.ui.gallery_delegate import star
from desktop_app.ui.icons import pixmap

if TYPE_CHECKING:
    from desktop_app.studio.assets import Asset

CARD = (196, 222)
"""Pixels of a card with its margin, at 100 % text size."""
_MARGIN = 6.0
_RADIUS = 8.0
_WORDS = 68.0
_STAR = 30.0
_Index = QModelIndex | QPersistentModelIndex
KIND_ICONS = {
    "checkpoint": "box",
    "refiner": "sparkles",
    "denoiser": "blocks",
    "prior": "blocks",
    "vae": "image",
    "text-encoder": "type",
    "image-encoder": "eye",
    "lora": "layers",
    "embedding": "type",
    "controlnet": "spline",
    "t2i-adapter": "spline",
    "ip-adapter": "image-plus",
    "upscaler": "image-upscale",
    "unknown": "circle-dashed",
}


class AssetDelegate(QStyledItemDelegate):
    """Cards of one size; a click on the star is the view's to tell."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = theme.font(13)
        self._name.setWeight(self._name.Weight.DemiBold)
        self._small = theme.font(11)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(theme.px(CARD[0]), theme.px(CARD[1]))

    @staticmethod
    def star_place(cell: QRect) -> QRect:
        """Where the star of a card is pressed."""
        side = theme.px(_STAR)
        return QRect(cell.right() - side - 6, cell.top() + 8, side, side)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        asset: Asset = index.data(AssetsModel.Role.ASSET)
        card = QRectF(cell).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_plate(painter, card, state)
        top = QRectF(card.left(), card.top(), card.width(), card.height() - theme.px(_WORDS))
        usable = not (asset.unsupported or asset.missing)
        self._paint_picture(painter, top, index, asset, usable=usable)
        self._paint_marks(painter, top, cell, index, hover=bool(state & _HOVER))
        words = QRectF(card.left(), top.bottom(), card.width(), card.bottom() - top.bottom())
        self._paint_words(painter, words.adjusted(10, 6, -10, -6), asset, usable=usable)
        painter.restore()

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: _Index,
    ) -> bool:
        asset: Asset | None = index.data(AssetsModel.Role.ASSET)
        if event.type() != QEvent.Type.ToolTip or asset is None:
            return super().helpEvent(event, view, option, index)
        lines = [asset.name, card_line(asset), _last_line(asset)[0]]
        QToolTip.showText(event.globalPos(), plain_tip("\n".join(filter(None, lines))), view)
        return True

    def _paint_plate(self, painter: QPainter, card: QRectF, state: QStyle.StateFlag) -> None:
        selected, focused = state & _SELECTED, state & _FOCUSED
        line = theme.token("line")
        width = 1.0
        if focused:
            line, width = theme.token("focus"), 2.0
        elif selected:
            line, width = theme.token("accent"), 2.0
        elif state & _HOVER:
            line = theme.token("line.strong")
        painter.setPen(QPen(line, width))
        painter.setBrush(theme.token("accent.fill" if selected else "bg.2"))
        painter.drawRoundedRect(card, _RADIUS, _RADIUS)

    def _paint_picture(
        self, painter: QPainter, rect: QRectF, index: _Index, asset: "Asset", *, usable: bool
    ) -> None:
        inside = rect.adjusted(1, 1, -1, 0)
        image = index.data(AssetsModel.Role.PREVIEW)
        painter.setOpacity(1.0 if usable else 0.4)
        if isinstance(image, QImage):
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(inside.topLeft(), _plate(image, inside.size().toSize(), ratio))
        else:
            path = _round_top(inside, _RADIUS - 1)
            painter.fillPath(path, theme.token("bg.1"))
            size = 40
            mark = pixmap(
                KIND_ICONS[asset.identity.kind],
                "text.3",
                size,
                painter.device().devicePixelRatioF(),
            )
            half = theme.px(size) / 2
            painter.drawPixmap(inside.center() - QPointF(half, half), mark)
        painter.setOpacity(1.0)

    def _paint_marks(
        self, painter: QPainter, rect: QRectF, cell: QRect, index: _Index, *, hover: bool
    ) -> None:
        ratio = painter.device().devicePixelRatioF()
        favourite = index.data(AssetsModel.Role.FAVOURITE)
        place = QRectF(self.star_place(cell))
        if favourite:
            shape = star(place.center(), theme.px(8))
            painter.setPen(QPen(plate_colour(), 3.0, j=Qt.PenJoinStyle.RoundJoin))
            painter.setBrush(theme.token("accent.soft"))
            painter.drawPolygon(shape)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(shape)
        elif hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(plate_colour())
            painter.drawEllipse(place.center(), theme.px(13), theme.px(13))
            half = theme.px(16) / 2
            painter.drawPixmap(
                place.center() - QPointF(half, half), pixmap("star", "text.2", 16, ratio)
            )
        if index.data(AssetsModel.Role.IN_USE):
            self._pill(painter, rect.topLeft() + QPointF(8, 8), "In use", "ok")

    def _pill(self, painter: QPainter, place: QPointF, words: str, token: str) -> None:
        painter.setFont(self._small)
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(words) + theme.px(14), theme.px(20)
        rect = QRectF(place, QSize(width, height))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plate_colour())
        painter.drawRoundedRect(rect, height / 2, height / 2)
        painter.setPen(theme.token(token))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_words(
        self, painter: QPainter, rect: QRectF, asset: "Asset", *, usable: bool
    ) -> None:
        line = theme.px(17)
        right = Qt.TextElideMode.ElideRight
        painter.setFont(self._name)
        painter.setPen(theme.token("text" if usable else "text.2"))
        name = painter.fontMetrics().elidedText(
            asset.name, Qt.TextElideMode.ElideMiddle, int(rect.width())
        )
        painter.drawText(QRectF(rect.left(), rect.top(), rect.width(), line), 0, name)
        painter.setFont(self._small)
        metrics = painter.fontMetrics()
        painter.setPen(theme.token("text.2"))
        what = metrics.elidedText(card_line(asset), right, int(rect.width()))
        painter.drawText(QRectF(rect.left(), rect.top() + line + 2, rect.width(), line), 0, what)
        last, token = _last_line(asset)
        painter.setPen(theme.token(token))
        shown = metrics.elidedText(last, right, int(rect.width()))
        painter.drawText(QRectF(rect.left(), rect.top() + 2 * line, rect.width(), line), 0, shown)


_SELECTED = QStyle.StateFlag.State_Selected
_FOCUSED = QStyle.StateFlag.State_HasFocus
_HOVER = QStyle.StateFlag.State_MouseOver


def card_line(asset: "Asset") -> str:
    """What an asset is, in the few words that a card has room for."""
    identity = asset.identity
    # Most are checkpoints, a refiner's family says what it is, and a card has room for few words.
    kind = "" if identity.kind in ("checkpoint", "refiner") else kind_words(identity.kind)
    dtype = identity.quantisation or identity.dtype
    # A file that could not be read tells no size.
    size = size_words(identity.bytes) if identity.bytes else ""
    parts = (short_title(identity.family), kind, dtype, size)
    return "  ·  ".join(part for part in parts if part)


def _last_line(asset: "Asset") -> tuple[str, str]:
    """What matters most besides, and its colour."""
    if asset.missing:
        return "Not there now", "warn"
    if asset.unsupported:
        return asset.why_not, "warn"
    if asset.trigger_words:
        return ", ".join(asset.trigger_words), "text.3"
    return source_words(asset), "text.3"


def _round_top(rect: QRectF, radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    lower = QPainterPath()
    lower.addRect(rect.adjusted(0, radius, 0, 0))
    return path.united(lower)


def _plate(image: QImage, size: QSize, ratio: float) -> QPixmap:
    """The middle of a picture, filling the plate; kept by Qt so that scrolling only copies."""
    key = f"asset {image.cacheKey()} {size.width()}x{size.height()} {ratio}"
    kept = QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    device = size * ratio
    filled = image.scaled(
        device,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    plate = QPixmap(device)
    plate.fill(Qt.GlobalColor.transparent)
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipPath(_round_top(QRectF(plate.rect()), (_RADIUS - 1) * ratio))
    # Faces are in the upper part of an upright picture.
    across = (device.width() - filled.width()) // 2
    down = (device.height() - filled.height()) // 4
    painter.drawImage(across, down, filled)
    painter.end()
    plate.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, plate)
    return plate
