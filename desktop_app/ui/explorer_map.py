"""The map of the explorer: a grid of small pictures that hand, wheel and keyboard move through."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from desktop_app.studio.explorer import Explorer
from desktop_app.studio.map_parts import Place
from desktop_app.ui import theme
from desktop_app.ui.contact_sheet import GAP, cell_at

ZOOM_STEP = 2.0


class ExplorerMap(QWidget):
    """Paints the places of an Explorer.

    Signals:
        chosen(): another place is chosen.
        refine_asked(), keep_asked(), use_asked(), preset_asked(): for the chosen place.
        menu_asked(QPoint): the menu of the chosen place, on the screen.
    """

    chosen = Signal()
    refine_asked = Signal()
    keep_asked = Signal()
    use_asked = Signal()
    preset_asked = Signal()
    menu_asked = Signal(object)

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._hover: Place | None = None
        self.current: Place = (2, 2)
        self.setObjectName("canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(theme.px(320), theme.px(240))
        self.setAccessibleName("Map of noises")
        explorer.map_changed.connect(self._map_changed)
        explorer.looked.connect(self._looked)
        self._map_changed()

    def places(self) -> list[QRectF]:
        """Where the cells are, row by row."""
        explorer = self._explorer
        columns, rows = explorer.columns, explorer.rows
        recipe = explorer.recipe((0, 0))
        shape = QSizeF(recipe.width, recipe.height) if recipe is not None else QSizeF(1, 1)
        gap, edge = GAP / 2, theme.px(16)
        room = QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)
        across = (room.width() - gap * (columns - 1)) / columns
        down = (room.height() - gap * (rows - 1)) / rows
        size = shape.scaled(
            QSizeF(max(across, 1), max(down, 1)), Qt.AspectRatioMode.KeepAspectRatio
        )
        wide, high = max(1, int(size.width())), max(1, int(size.height()))
        left = room.center().x() - (columns * (wide + gap) - gap) / 2
        top = room.center().y() - (rows * (high + gap) - gap) / 2
        return [
            QRectF(round(left + c * (wide + gap)), round(top + r * (high + gap)), wide, high)
            for r in range(rows)
            for c in range(columns)
        ]

    def place_at(self, point: QPointF) -> Place | None:
        """The cell under a point."""
        number = cell_at(point, self.places())
        if number is None:
            return None
        return number % self._explorer.columns, number // self._explorer.columns

    def choose(self, place: Place) -> None:
        """Make a cell the one that the buttons and keys act on."""
        explorer = self._explorer
        column = min(max(place[0], 0), explorer.columns - 1)
        row = min(max(place[1], 0), explorer.rows - 1)
        if (column, row) != self.current:
            self.current = (column, row)
            self._describe()
            self.update()
            self.chosen.emit()

    def recentre(self, place: Place) -> None:
        """Bring a cell into the middle; it stays the chosen one wherever it comes to lie."""
        u, v = self._explorer.place(place)
        self._explorer.recentre(place)
        self._choose_nearest(u, v)

    def zoom(self, factor: float, place: Place | None = None) -> None:
        """Show a smaller part of the map (factor above 1), or a larger one."""
        kept = self._explorer.place(place or self.current)
        self._explorer.zoom(factor, place or self.current)
        self._choose_nearest(*kept)

    def whole(self) -> None:
        """Show all of the map."""
        kept = self._explorer.place(self.current)
        self._explorer.whole()
        self._choose_nearest(*kept)

    def _choose_nearest(self, u: float, v: float) -> None:
        explorer = self._explorer
        cells = ((c, r) for r in range(explorer.rows) for c in range(explorer.columns))

        def distance(place: Place) -> float:
            across, down = explorer.place(place)
            return abs(across - u) + (0 if explorer.is_line else abs(down - v))

        self.choose(min(cells, key=distance))

    def _map_changed(self) -> None:
        column = min(self.current[0], self._explorer.columns - 1)
        row = min(self.current[1], self._explorer.rows - 1)
        self.current = (column, row)
        self._hover = None
        self._describe()
        self.update()
        self.chosen.emit()

    def _looked(self, place: Place) -> None:
        self.update()
        if place == self.current:
            self._describe()
            self.chosen.emit()

    def _describe(self) -> None:
        recipe = self._explorer.recipe(self.current)
        if recipe is None:
            self.setAccessibleDescription("There is no map yet.")
            return
        column, row = self.current
        look = self._explorer.look(self.current)
        state = "not made yet" if look is None else "refined" if look.fine else "rough"
        self.setAccessibleDescription(f"Column {column + 1}, row {row + 1}, {state}.")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), theme.token("bg.0"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        columns = self._explorer.columns
        if self._explorer.problem is None:
            for number, rect in enumerate(self.places()):
                self._paint_cell(painter, (number % columns, number // columns), rect)
        painter.end()

    def _paint_cell(self, painter: QPainter, place: Place, rect: QRectF) -> None:
        look = self._explorer.look(place)
        if look is None:
            painter.fillRect(rect, theme.token("bg.2"))
        else:
            ratio = self.devicePixelRatioF()
            small = look.image
            if small.width() > 2 * rect.width() * ratio:
                small = small.scaled(
                    (rect.size() * ratio).toSize(),
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            painter.drawImage(rect, small)
            if look.fine:
                side = theme.px(6)
                dot = QRectF(rect.right() - 2 * side, rect.top() + side, side, side)
                painter.setPen(QPen(theme.token("bg.0"), 1))
                painter.setBrush(theme.token("ok"))
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.drawEllipse(dot)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if place == self.current:
            colour = theme.token("accent" if self.hasFocus() else "accent.soft")
            painter.setPen(QPen(colour, theme.px(2)))
            painter.drawRect(rect.adjusted(-1, -1, 1, 1))
        elif place == self._hover:
            painter.setPen(QPen(theme.token("line.strong"), 1))
            painter.drawRect(rect.adjusted(-1, -1, 0, 0))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position())
        if place is None:
            return
        if event.button() == Qt.MouseButton.LeftButton and self._explorer.window.side < 1:
            self.recentre(place)
        else:
            self.choose(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.zoom(ZOOM_STEP, place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self.place_at(event.position())
        if hover != self._hover:
            self._hover = hover
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y()
        if turns:
            factor = ZOOM_STEP if turns > 0 else 1 / ZOOM_STEP
            self.zoom(factor, self.place_at(event.position()))
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_asked.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if not plain or not self._key(event.key()):
            super().keyPressEvent(event)

    def _key(self, key: int) -> bool:
        column, row = self.current
        moves = {
            Qt.Key.Key_Left: (column - 1, row),
            Qt.Key.Key_Right: (column + 1, row),
            Qt.Key.Key_Up: (column, row - 1),
            Qt.Key.Key_Down: (column, row + 1),
        }
        acts = {
            Qt.Key.Key_Return: lambda: self.recentre(self.current),
            Qt.Key.Key_Enter: lambda: self.recentre(self.current),
            Qt.Key.Key_Plus: lambda: self.zoom(ZOOM_STEP),
            Qt.Key.Key_Equal: lambda: self.zoom(ZOOM_STEP),
            Qt.Key.Key_Minus: lambda: self.zoom(1 / ZOOM_STEP),
            Qt.Key.Key_0: self.whole,
            Qt.Key.Key_R: self.refine_asked.emit,
            Qt.Key.Key_K: self.keep_asked.emit,
            Qt.Key.Key_S: self.use_asked.emit,
            Qt.Key.Key_B: self.preset_asked.emit,
        }
        if key in moves:
            self.choose(moves[Qt.Key(key)])
        elif key in acts:
            acts[Qt.Key(key)]()
        else:
            return False
        return True

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
