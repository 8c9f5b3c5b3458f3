"""The grid of models: choosing, using and marking them by pointer and keys."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QWidget

from desktop_app.studio.assets import AssetsModel
from desktop_app.ui import theme
from desktop_app.ui.library_cards import CARD, AssetDelegate

if TYPE_CHECKING:
    from desktop_app.studio.assets import Asset

_Index = QModelIndex | QPersistentModelIndex


class AssetsView(QListView):
    """The grid. Enter uses the model, F marks it as a favourite.

    Signals:
        chosen(Asset | None): it became the current one.
        used(Asset): it is wanted for the next picture.
        starred(Asset, bool): it shall be a favourite, or none any more.
        menu_wanted(Asset, QPoint): what can be done with it, at a place on the screen.
    """

    chosen = Signal(object)
    used = Signal(object)
    starred = Signal(object, bool)
    menu_wanted = Signal(object, object)

    def __init__(self, assets: AssetsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._assets = assets
        self._kept: Path | None = None
        self._empty = ("", "")
        self._hint = ""
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

    def set_hint(self, words: str) -> None:
        """What stands below the cards where there is room."""
        if words != self._hint:
            self._hint = words
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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        asset = self._assets.asset_at(index.row())
        if asset is not None:
            at = self.visualRect(index).center() if by_key else event.pos()
            self.menu_wanted.emit(asset, self.viewport().mapToGlobal(at))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._assets.rowCount():
            self._paint_hint()
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

    def _paint_hint(self) -> None:
        last = self.visualRect(self._assets.index(self._assets.rowCount() - 1))
        rect = self.viewport().rect().adjusted(theme.px(40), 0, -theme.px(40), -theme.px(24))
        rect.setTop(last.bottom() + theme.px(24))
        if self._hint and rect.height() >= theme.px(40):
            painter = QPainter(self.viewport())
            painter.setFont(theme.font(12))
            painter.setPen(theme.token("text.3"))
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(rect, flags | Qt.TextFlag.TextWordWrap, self._hint)
            painter.end()
