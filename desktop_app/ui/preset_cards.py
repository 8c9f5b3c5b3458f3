"""A preset as a card: its picture or its noise, its name, what it is, and its tags."""

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop_app.recipe.preset import NAME_MAX, Preset
from desktop_app.studio.preset_model import PresetModel
from desktop_app.ui import theme
from desktop_app.ui.icons import pixmap
from desktop_app.ui.preset_words import line_of

_Index = QModelIndex | QPersistentModelIndex
WIDTH, PICTURE = 156, 140
"""Pixels of a card and of its picture at 100 % text size."""
MARGIN = 8
RADIUS = 7.0
ROLE = PresetModel.Role


class CardDelegate(QStyledItemDelegate):
    """One card: its picture or the noise, name, second line and tags."""

    def __init__(self, icon: str, parent: QObject | None = None) -> None:
        """Args:
        icon: drawn where there is no picture.
        """
        super().__init__(parent)
        self._icon = icon

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(theme.px(WIDTH), theme.px(PICTURE + 64))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        card = QRectF(cell).adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.setBrush(theme.token("accent.fill" if selected else "bg.2"))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        side = card.width() - 2 * MARGIN
        picture = QRectF(card.left() + MARGIN, card.top() + MARGIN, side, theme.px(PICTURE - 14))
        self._paint_picture(painter, picture, index)
        self._paint_words(painter, picture, card, index)
        self._paint_border(painter, card, state)
        painter.restore()

    def _paint_picture(self, painter: QPainter, rect: QRectF, index: _Index) -> None:
        path = QPainterPath()
        path.addRoundedRect(rect, 5, 5)
        painter.setBrush(theme.token("bg.0"))
        painter.drawPath(path)
        image = index.data(ROLE.IMAGE)
        painter.save()
        painter.setClipPath(path)
        if isinstance(image, QImage) and not image.isNull():
            # Noise is shown as it is, cell by cell; a photograph is smoothed.
            smooth = min(image.width(), image.height()) > 100
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(rect, image, cut(image, rect))
        else:
            ratio = painter.device().devicePixelRatioF()
            mark = pixmap(self._icon, "text.3", 32, ratio)
            half = theme.px(16)
            painter.drawPixmap(rect.center().toPoint() - QPoint(half, half), mark)
        painter.restore()

    def _paint_words(self, painter: QPainter, picture: QRectF, card: QRectF, index: _Index) -> None:
        preset: Preset = index.data(ROLE.PRESET)
        left, width = picture.left() + 2, picture.width() - 4
        top = picture.bottom() + theme.px(5)
        lines = (
            (preset.name, "text", 13.0),
            (line_of(preset), "text.2", 11.0),
            ("  ".join(f"#{tag}" for tag in preset.tags), "text.3", 11.0),
        )
        for words, colour, size in lines:
            font = theme.font(size)
            font.setWeight(QFont.Weight.DemiBold if size > 12 else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(theme.token(colour))
            high = painter.fontMetrics().height() + theme.px(2)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(width))
            place = QRectF(left, top, width, high)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
            top += high
        if index.data(ROLE.ON):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.token("accent"))
            painter.drawEllipse(card.topRight() + QPoint(-12, 12), 4, 4)

    def _paint_border(self, painter: QPainter, card: QRectF, state: QStyle.StateFlag) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.token("focus"), 2))
        elif state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(theme.token("accent"), 1.5))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(theme.token("line.strong"), 1))
        else:
            return
        painter.drawRoundedRect(card, RADIUS, RADIUS)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        field = QLineEdit(parent)
        field.setMaxLength(NAME_MAX)
        field.setAccessibleName("Name of the preset")
        return field

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        """Only once: a picture that arrives must not write over what is typed meanwhile."""
        if not editor.property("filled"):
            editor.setProperty("filled", True)
            super().setEditorData(editor, index)

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        top = cell.top() + 3 + MARGIN + theme.px(PICTURE - 14)
        editor.setGeometry(cell.left() + 4, top, cell.width() - 8, theme.px(32))


def cut(image: QImage, rect: QRectF) -> QRect:
    """The middle of a picture, as wide and high as the place it goes to."""
    shape = rect.width() / rect.height()
    width = min(float(image.width()), image.height() * shape)
    height = min(float(image.height()), image.width() / shape)
    left, top = (image.width() - width) / 2, (image.height() - height) / 2
    return QRect(round(left), round(top), max(1, round(width)), max(1, round(height)))
