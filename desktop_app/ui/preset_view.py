"""Presets in a grid: search, order, selection, renaming, dragging out, reordering by drag."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from desktop_app.recipe.preset import Preset
from desktop_app.studio.preset_model import PresetModel
from desktop_app.ui import theme
from desktop_app.ui.preset_cards import ROLE, CardDelegate, cut
from desktop_app.ui.preset_words import matches

_Index = QModelIndex | QPersistentModelIndex
SORTS = {"own": "My order", "name": "Name", "new": "Newest", "old": "Oldest"}


class PresetFilter(QSortFilterProxyModel):
    """The presets that a search finds, in the order that is wanted."""

    def __init__(self, model: "PresetModel[Any]", parent: QObject) -> None:
        super().__init__(parent)
        self.words = ""
        self.order = "own"
        self.setSourceModel(model)
        self.setDynamicSortFilter(True)

    def set_words(self, words: str) -> None:
        self.beginFilterChange()
        self.words = words.strip()
        self.endFilterChange()

    def set_order(self, order: str) -> None:
        """Args:
        order: a key of `SORTS`.
        """
        self.order = order
        self.invalidate()
        self.sort(-1 if order == "own" else 0)

    @property
    def as_kept(self) -> bool:
        """Whether all are shown in the artist's own order, so that they can be moved in it."""
        return self.order == "own" and not self.words

    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:
        preset = self.sourceModel().index(source_row, 0).data(ROLE.PRESET)
        return not self.words or matches(preset, self.words)

    def lessThan(self, source_left: _Index, source_right: _Index) -> bool:
        left: Preset = source_left.data(ROLE.PRESET)
        right: Preset = source_right.data(ROLE.PRESET)
        match self.order:
            case "name":
                return left.name.casefold() < right.name.casefold()
            case "new":
                return left.created > right.created
            case _:
                return left.created < right.created


class PresetView(QListView):
    """The grid.

    Signals:
        chosen(): other cards are selected.
        opened(str): a card was double-clicked, or Enter was pressed.
        menu_wanted(QPoint): a menu for the selected cards, at a place on the screen.
        dropped(QMimeData): something that is not of this view was dropped.
        deleted(): the selected cards shall go.
    """

    chosen = Signal()
    opened = Signal(str)
    menu_wanted = Signal(object)
    dropped = Signal(object)
    deleted = Signal()

    def __init__(
        self,
        model: "PresetModel[Any]",
        icon: str,
        data: "Callable[[list[str]], QMimeData]",
        takes: "Callable[[QMimeData], bool]",
        empty: tuple[str, str],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        data: the QMimeData of a drag with the presets of these names.
        takes: whether a drag from elsewhere can be dropped here.
        empty: what stands here while there is no preset, in two lines.
        """
        super().__init__(parent)
        self._model, self._data, self._takes, self._empty = model, data, takes, empty
        self.rows = PresetFilter(model, self)
        self._gap = -1
        self._kept: list[str] = []
        self.setObjectName("grid")
        self.setAccessibleName(f"The shelf of {model.kind.words}")
        self.setItemDelegate(CardDelegate(icon, self))
        self.setUniformItemSizes(True)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        # A list of icons that stand still refuses drops for its viewport.
        self.viewport().setAcceptDrops(True)
        self.setSpacing(theme.px(4))
        self.setModel(self.rows)
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        model.kept.connect(self.select)
        self.selectionModel().selectionChanged.connect(lambda: self.chosen.emit())
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(ROLE.NAME)))

    def selected(self) -> list[str]:
        """The names of the selected presets, in the order in which they stand."""
        indexes = sorted(self.selectionModel().selectedIndexes(), key=lambda one: one.row())
        return [str(index.data(ROLE.NAME)) for index in indexes]

    def select(self, names: "tuple[str, ...] | list[str]") -> None:
        """Select these presets and show the first."""
        self.clearSelection()
        first = True
        for row in range(self.rows.rowCount()):
            index = self.rows.index(row, 0)
            if index.data(ROLE.NAME) in names:
                flag = self.selectionModel().SelectionFlag.Select
                if first:
                    self.selectionModel().setCurrentIndex(index, flag)
                    self.scrollTo(index)
                    first = False
                self.selectionModel().select(index, flag)
        self.chosen.emit()

    def _remember(self) -> None:
        self._kept = self.selected()

    def _restore(self) -> None:
        if self._kept:
            self.select(self._kept)
        self.chosen.emit()

    def _gap_at(self, at: QPoint) -> int:
        """Before which card something dropped at `at` goes."""
        for row in range(self.rows.rowCount()):
            cell = self.visualRect(self.rows.index(row, 0))
            if at.y() < cell.top() or (at.y() <= cell.bottom() and at.x() < cell.center().x()):
                return row
        return self.rows.rowCount()

    def move_selected(self, gap: int) -> None:
        """Move the selected cards before the one at `gap`."""
        names = self.selected()
        before = [self.rows.index(row, 0).data(ROLE.NAME) for row in range(gap)]
        self._model.move(names, sum(name not in names for name in before))

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        names = self.selected()
        if not names:
            return
        drag = QDrag(self)
        drag.setMimeData(self._data(names))
        image = self.currentIndex().data(ROLE.IMAGE)
        if isinstance(image, QImage) and not image.isNull():
            side = theme.px(72)
            drag.setPixmap(
                QPixmap.fromImage(
                    image.copy(cut(image, QRectF(0, 0, 1, 1))).scaled(
                        side, side, Qt.AspectRatioMode.KeepAspectRatio
                    )
                )
            )
        drag.exec(Qt.DropAction.CopyAction)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        own = event.source() is self
        if (own and self.rows.as_kept) or (not own and self._takes(event.mimeData())):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        gap = self._gap_at(event.position().toPoint()) if event.source() is self else -1
        if gap != self._gap:
            self._gap = gap
            self.viewport().update()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._gap = -1
        self.viewport().update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._gap = -1
        self.viewport().update()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.source() is self:
            self.move_selected(self._gap_at(event.position().toPoint()))
        else:
            self.dropped.emit(event.mimeData())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        if not self.rows.rowCount():
            self._paint_empty(painter)
        elif self._gap >= 0:
            last = self._gap == self.rows.rowCount()
            cell = self.visualRect(self.rows.index(self._gap - last, 0))
            x = cell.right() + 2 if last else cell.left() - 2
            painter.setPen(QPen(theme.token("accent"), 3))
            painter.drawLine(x, cell.top() + 6, x, cell.bottom() - 6)
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        found = "Nothing on the shelf matches the search.", "Clear the search to see all."
        words, hint = found if self.rows.words else self._empty
        rect, line = self.viewport().rect(), theme.px(20)
        for text, colour, down in ((words, "text.2", -line // 2), (hint, "text.3", line // 2)):
            painter.setPen(theme.token(colour))
            painter.drawText(rect.translated(0, down), Qt.AlignmentFlag.AlignCenter, text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        names = self.selected()
        if not names or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.opened.emit(names[0])
        elif event.matches(QKeySequence.StandardKey.Delete):
            self.deleted.emit()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and self.rows.as_kept:
            self._move_by_key(event)
        else:
            super().keyPressEvent(event)

    def _move_by_key(self, event: QKeyEvent) -> None:
        """Alt and an arrow move the selected cards, for hands without a mouse."""
        row = self.rows.index(self.currentIndex().row(), 0).row()
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                self.move_selected(max(0, row - 1))
            case Qt.Key.Key_Right | Qt.Key.Key_Down:
                self.move_selected(min(self.rows.rowCount(), row + 2))
            case _:
                super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.selected():
            at = event.globalPos()
            if event.reason() == QContextMenuEvent.Reason.Keyboard:
                at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
            self.menu_wanted.emit(at)
