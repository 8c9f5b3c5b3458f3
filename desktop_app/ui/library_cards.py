"""The models as cards in a grid: picture, name, what it is, and why it cannot be used."""

from pathlib import Path
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
    Signal,
)
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop_app.studio.assets import (
    AssetsModel,
    kind_words,
    short_title,
    size_words,
    source_words,
)
from desktop_app.ui import theme
from desktop_app.ui.canvas_paint import plate_colour
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


class AssetsView(QListView):
    """The grid. Enter uses the model, F marks it as a favourite.

    Signals:
        chosen(Asset | None): it became the current one.
        used(Asset): it is wanted for the next picture.
        starred(Asset, bool): it shall be a favourite, or none any more.
    """

    chosen = Signal(object)
    used = Signal(object)
    starred = Signal(object, bool)

    def __init__(self, assets: AssetsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._assets = assets
        self._kept: Path | None = None
        self._empty = ("", "")
        self.setAccessibleName("Models")
        self.setModel(assets)
        delegate = AssetDelegate(self)
        self.setItemDelegate(delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setGridSize(QSize(theme.px(CARD[0]), theme.px(CARD[1])))
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(theme.px(40))
        self.setMouseTracking(True)
        self.doubleClicked.connect(self._use)
        assets.modelAboutToBeReset.connect(self._keep)
        assets.modelReset.connect(self._bring_back)
        assets.dataChanged.connect(self._changed)

    @property
    def current(self) -> "Asset | None":
        return self._assets.asset_at(self.currentIndex().row())

    def choose(self, path: Path) -> None:
        """Make the asset at a place the current one and bring it into view, if it is shown."""
        row = self._assets.row_of(path)
        if row >= 0:
            index = self._assets.index(row)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def set_empty_words(self, words: str, hint: str) -> None:
        """What stands there while no card is shown."""
        self._empty = (words, hint)
        self.viewport().update()

    def _keep(self) -> None:
        current = self.current
        self._kept = current.path if current is not None else None

    def _bring_back(self) -> None:
        if self._kept is not None and self._assets.row_of(self._kept) >= 0:
            self.choose(self._kept)
        else:
            self.chosen.emit(None)

    def _changed(self, first: QModelIndex, last: QModelIndex, roles: list[int]) -> None:
        # The picture of a card alone says nothing new about the asset.
        at = self.currentIndex().row()
        if AssetsModel.Role.PREVIEW not in roles and first.row() <= at <= last.row():
            self.chosen.emit(self.current)

    def _use(self, index: QModelIndex) -> None:
        asset = self._assets.asset_at(index.row())
        if asset is not None:
            self.used.emit(asset)

    def _toggle_star(self, asset: "Asset") -> None:
        self.starred.emit(asset, not asset.favourite)

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(self._assets.asset_at(current.row()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        asset = self._assets.asset_at(index.row())
        place = AssetDelegate.star_place(self.visualRect(index))
        left = event.button() == Qt.MouseButton.LeftButton
        if left and asset is not None and place.contains(event.position().toPoint()):
            self._toggle_star(asset)
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = AssetDelegate.star_place(self.visualRect(self.indexAt(event.position().toPoint())))
        if not place.contains(event.position().toPoint()):
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        asset, plain = self.current, not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if asset is not None and plain:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.used.emit(asset)
                return
            if event.key() == Qt.Key.Key_F:
                self._toggle_star(asset)
                return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._assets.rowCount():
            return
        painter = QPainter(self.viewport())
        words, hint = self._empty
        rect, line = self.viewport().rect().adjusted(40, 0, -40, 0), theme.px(22)
        painter.setFont(theme.font(14))
        painter.setPen(theme.token("text.2"))
        painter.drawText(rect.adjusted(0, -line, 0, -line), Qt.AlignmentFlag.AlignCenter, words)
        painter.setFont(theme.font(12))
        painter.setPen(theme.token("text.3"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(rect.adjusted(0, 2 * line, 0, 2 * line), flags, hint)
        painter.end()


_SELECTED = QStyle.StateFlag.State_Selected
_FOCUSED = QStyle.StateFlag.State_HasFocus
_HOVER = QStyle.StateFlag.State_MouseOver


def card_line(asset: "Asset") -> str:
    """What an asset is, in the few words that a card has room for."""
    identity = asset.identity
    # Most are checkpoints, and a card has room for few words.
    kind = "" if identity.kind == "checkpoint" else kind_words(identity.kind)
    dtype = identity.quantisation or identity.dtype
    parts = (short_title(identity.family), kind, dtype, size_words(identity.bytes))
    return "  ·  ".join(part for part in parts if part)


def _last_line(asset: "Asset") -> tuple[str, str]:
    """What matters most besides, and its colour."""
    if asset.missing:
        return "Not there now", "warn"
    if asset.unsupported:
        return asset.unsupported, "warn"
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
