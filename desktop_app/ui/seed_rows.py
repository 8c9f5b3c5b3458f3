"""Seeds that were used, as rows: picture or noise, number, age and prompt."""

from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
)
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop_app.studio.seed_history import SeedHistoryModel
from desktop_app.ui import theme
from desktop_app.ui.preset_cards import cut
from desktop_app.ui.preset_words import age
from desktop_app.ui.words import grouped

_Index = QModelIndex | QPersistentModelIndex
HEIGHT, SIDE = 56, 46
"""Pixels of a row and its picture at 100 % text size."""
ROLE = SeedHistoryModel.Role


class SeedRowDelegate(QStyledItemDelegate):
    """One use of a seed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(theme.px(200), theme.px(HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        cell: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
        row = QRectF(cell).adjusted(2, 1, -2, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.token("accent.fill" if selected else "bg.3"))
            painter.drawRoundedRect(row, 6, 6)
        side = theme.px(SIDE)
        picture = QRectF(row.left() + 5, row.center().y() - side / 2, side, side)
        self._paint_picture(painter, picture, index.data(ROLE.IMAGE))
        self._paint_words(painter, row.adjusted(side + theme.px(14), 0, -8, 0), index)
        painter.restore()

    def _paint_picture(self, painter: QPainter, rect: QRectF, image: Any) -> None:
        path = QPainterPath()
        path.addRoundedRect(rect, 5, 5)
        painter.fillPath(path, theme.token("bg.0"))
        if isinstance(image, QImage) and not image.isNull():
            painter.save()
            painter.setClipPath(path)
            smooth = min(image.width(), image.height()) > 100
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(rect, image, cut(image, rect))
            painter.restore()

    def _paint_words(self, painter: QPainter, rect: QRectF, index: _Index) -> None:
        use = index.data(ROLE.USE)
        half = rect.height() / 2
        upper, lower = rect.adjusted(0, 5, 0, -half), rect.adjusted(0, half, 0, -5)
        more = f" + {len(use.start.variations)}" if use.start.variations else ""
        painter.setFont(theme.mono())
        painter.setPen(theme.token("text"))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(upper, left, f"{grouped(use.seed)}{more}")
        painter.setFont(theme.font(11))
        painter.setPen(theme.token("text.2"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(upper, right, age(use.used))
        words = painter.fontMetrics().elidedText(
            " ".join(use.prompt.split()), Qt.TextElideMode.ElideRight, int(lower.width())
        )
        painter.drawText(lower, left, words)


class SeedList(QListView):
    """Uses of seeds, the newest first.

    Signals:
        opened(SeedUse): a row was clicked twice, or Enter was pressed.
        menu_wanted(SeedUse, QPoint): a menu for a row, at a place on the screen.
    """

    opened = Signal(object)
    menu_wanted = Signal(object, object)

    def __init__(self, model: SeedHistoryModel, empty: str, parent: QWidget | None = None) -> None:
        """Args:
        empty: what stands here while there is no row.
        """
        super().__init__(parent)
        self._model, self._empty = model, empty
        self.setAccessibleName("Seeds used before")
        self.setObjectName("grid")
        self.setItemDelegate(SeedRowDelegate(self))
        self.setUniformItemSizes(True)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setModel(model)
        self.doubleClicked.connect(self._open)

    def current(self) -> Any:
        """The SeedUse of the current row; None when there is none."""
        return self._model.use(self.currentIndex().row())

    def _open(self) -> None:
        use = self.current()
        if use is not None:
            self.opened.emit(use)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        use = self.current()
        if use is not None:
            at = event.globalPos()
            if event.reason() == QContextMenuEvent.Reason.Keyboard:
                at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
            self.menu_wanted.emit(use, at)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._model.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(theme.token("text.3"))
            painter.drawText(
                self.viewport().rect(),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                self._empty,
            )
            painter.end()
