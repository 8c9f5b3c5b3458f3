"""The canvas: shows pictures as they form and when they are done, and follows hand and keyboard."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QStyle, QWidget

from desktop_app.ui.canvas_scene import Scene
from desktop_app.ui.canvas_show import CanvasShow
from desktop_app.ui.canvas_view import View
from desktop_app.ui.theme import token

WHEEL_STEP = 1.2
KEY_STEP = 1.25
PAN_STEP = 64.0
SWEEP_MS = 40
SWEEP_STAGES = ("loading", "encoding", "decoding", "saving", "verifying")


class Canvas(QWidget):
    """Paints a CanvasShow, and reports what the hand does.

    Signals:
        moved(): the picture lies elsewhere; what floats over it should follow.
        cell_changed(): another picture of the contact sheet is under the pointer or the keyboard.
        neighbour_wanted(int): the picture before (-1) or after (1) this one in the gallery.
        follow_asked(): the run that is worked on should be shown.
        panels_toggled(): everything beside the canvas should go, or come back.
    """

    moved = Signal()
    cell_changed = Signal()
    neighbour_wanted = Signal(int)
    panels_toggled = Signal()
    follow_asked = Signal()

    def __init__(self, show: CanvasShow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.showing = show
        self.view = View()
        self._space = False
        self._grab: QPointF | None = None
        self._pressed_at: QPointF | None = None
        self._sliding = False
        self._hover: int | None = None
        self._phase = 0.0
        self._sweep = QTimer(self, interval=SWEEP_MS)
        self.setObjectName("canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 160)
        self.setAccessibleName("Canvas")
        show.changed.connect(self._changed)
        self._sweep.timeout.connect(self._advance)

    @property
    def scene(self) -> Scene:
        """What is where at this moment."""
        return Scene(
            show=self.showing,
            view=self.view,
            bounds=QRectF(self.rect()),
            ratio=self.devicePixelRatioF(),
            metrics=QFontMetricsF(self.font()),
            focused=self.hasFocus(),
            hover=self._hover,
            phase=self._phase if self._sweep.isActive() else None,
        )

    @property
    def cell(self) -> int | None:
        """The picture of the contact sheet that the hand is at, or else the keyboard."""
        if self.showing.kind != "sheet":
            return None
        return self.showing.current if self._hover is None and self.hasFocus() else self._hover

    @property
    def fitted(self) -> bool:
        """Whether the whole picture is shown, as large as it goes."""
        return self.view.zoom is None

    def fit(self) -> None:
        """Show the whole picture, as large as it goes."""
        self._set_view(View())

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Show `zoom` device pixels for each picture pixel; what lies under `at` stays there."""
        scene = self.scene
        at = at or scene.stage.center()
        size = self.showing.size()
        self._set_view(self.view.zoomed_to(zoom, at, size, scene.stage, scene.ratio))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom in (above 1) or out; what lies under `at` stays there."""
        self.zoom_to(self.scene.scale * factor, at)

    def toggle_fit(self, at: QPointF | None = None) -> None:
        """Change between the whole picture and its exact pixels."""
        if self.fitted:
            self.zoom_to(1.0, at)
        else:
            self.fit()

    def _pan(self, by: QPointF) -> None:
        scene, size = self.scene, self.showing.size()
        self._set_view(self.view.panned(by, size, scene.stage, scene.ratio))

    def _set_view(self, view: View) -> None:
        if self.showing.kind in ("sheet", "empty"):
            view = View()
        if view != self.view:
            self.view = view
            self.update()
            self.moved.emit()

    def _changed(self) -> None:
        show = self.showing
        if show.kind in ("sheet", "empty") and not self.fitted:
            self.view = View()
        moves = self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0
        if show.shows_run and show.run.stage in SWEEP_STAGES and moves and self.isVisible():
            if not self._sweep.isActive():
                self._sweep.start()
        else:
            self._sweep.stop()
        self._describe()
        self._set_cursor()
        self.update()
        self.moved.emit()

    def _describe(self) -> None:
        show = self.showing
        match show.kind:
            case "empty":
                words = "No picture yet."
            case "sheet":
                number = show.cells.index(show.current) + 1
                words = f"{len(show.cells)} pictures, number {number} is chosen."
            case "compare":
                words = "Two pictures compared."
            case "single":
                picture = show.picture
                words = "" if picture is None or picture.recipe is None else picture.recipe.prompt
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)

    def _advance(self) -> None:
        self._phase = (self._phase + 0.02) % 1.0
        self.update(self.scene.progress_line.toAlignedRect().adjusted(-1, -1, 1, 1))

    def _slide(self, at: QPointF) -> None:
        comparison = self.showing.comparison
        if comparison is not None:
            comparison.slide_to(at.x(), self.scene.picture)
            self.update()

    def _can_pan(self) -> bool:
        return not self.fitted and not QRectF(self.rect()).contains(self.scene.picture)

    def _leads_back(self) -> bool:
        """Whether the pill is a way to the run that goes on elsewhere."""
        return not self.showing.shows_run and not self.showing.looking_back

    def _splits(self) -> bool:
        comparison = self.showing.comparison
        return comparison is not None and comparison.mode == "split"

    def _set_cursor(self) -> None:
        if self._grab is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._splits():
            shape = Qt.CursorShape.SplitHCursor
        elif self.showing.kind == "sheet" and self._hover is not None:
            shape = Qt.CursorShape.PointingHandCursor
        elif self.showing.kind == "single" and self._can_pan():
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        if shape != self.cursor().shape():
            self.setCursor(shape)

    def _key(self, key: int, shift: bool) -> bool:
        """Do what a key asks for; False when the canvas has no use for it."""
        show = self.showing
        arrows = {
            Qt.Key.Key_Left: QPointF(1, 0),
            Qt.Key.Key_Right: QPointF(-1, 0),
            Qt.Key.Key_Up: QPointF(0, 1),
            Qt.Key.Key_Down: QPointF(0, -1),
        }
        if Qt.Key.Key_1 <= key <= Qt.Key.Key_9 and show.shows_run and len(show.cells) > 1:
            show.enlarge(next(iter(show.cells[key - Qt.Key.Key_1 :]), show.cell))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(KEY_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / KEY_STEP)
        elif key == Qt.Key.Key_Z:
            self.toggle_fit()
        elif key == Qt.Key.Key_Backspace:
            return show.back()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and show.kind == "sheet":
            show.enlarge(show.current)
        elif key in arrows:
            return self._arrow(arrows[Qt.Key(key)], shift)
        else:
            return False
        return True

    def _arrow(self, way: QPointF, shift: bool) -> bool:
        show, comparison = self.showing, self.showing.comparison
        if show.kind == "sheet":
            return self._walk_sheet(way)
        if comparison is not None and self._splits() and way.x():
            step = 0.10 if shift else 0.02
            comparison.split = min(max(comparison.split - way.x() * step, 0.0), 1.0)
            self.update()
            return True
        if self._can_pan():
            self._pan(way * PAN_STEP * (4 if shift else 1))
            return True
        if way.x():
            self._neighbour(-1 if way.x() > 0 else 1)
            return True
        return False

    def _neighbour(self, by: int) -> None:
        show = self.showing
        if show.shows_run and len(show.cells) > 1:
            at = show.cells.index(show.cell)
            show.enlarge(show.cells[(at + by) % len(show.cells)])
        else:
            self.neighbour_wanted.emit(by)

    def _walk_sheet(self, way: QPointF) -> bool:
        show, cells = self.showing, self.scene.cells
        columns = max(1, sum(cell.top() == cells[0].top() for cell in cells))
        at = show.cells.index(show.current)
        to = at - round(way.x()) - round(way.y()) * columns
        if not 0 <= to < len(cells):
            return False
        show.current = show.cells[to]
        self._hover = None
        self._describe()
        self.update()
        self.cell_changed.emit()
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), token("bg.0"))
        scene = self.scene
        scene.paint(painter)
        if scene.focused and self.showing.kind != "empty":
            painter.setPen(token("line.strong"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        if turns and self.showing.kind in ("single", "compare"):
            self.zoom_by(WHEEL_STEP**turns, event.position())
            event.accept()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed_at = at if left else None
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space):
            self._grab = at
        elif left and self._leads_back() and self.scene.pill.contains(at):
            self.follow_asked.emit()
            self._pressed_at = None
        elif left and self._splits():
            self._sliding = True
            self._slide(at)
        elif left and self._can_pan():
            self._grab = at
        self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._grab is not None:
            self._pan(at - self._grab)
            self._grab = at
        elif self._sliding:
            self._slide(at)
        elif self.showing.kind == "sheet":
            hover = self.scene.cell_at(at)
            if hover != self._hover:
                self._hover = hover
                self.update()
                self.cell_changed.emit()
        self._set_cursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed_at = self._pressed_at, None
        self._grab, self._sliding = None, False
        if pressed is not None and self.showing.kind == "sheet":
            cell = self.scene.cell_at(event.position())
            if cell is not None and cell == self.scene.cell_at(pressed):
                self._hover = None
                self.showing.enlarge(cell)
        self._set_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.showing.kind == "single":
            self.toggle_fit(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        if self._hover is not None:
            self._hover = None
            self.update()
            self.cell_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._set_cursor()
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if not plain or not self._key(event.key(), shift):
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._set_cursor()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab hides the panels, as in other programs for pictures; Shift+Tab and F6 lead away."""
        if next:
            self.panels_toggled.emit()
            return True
        return super().focusNextPrevChild(next)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._space = False
        self._set_cursor()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.moved.emit()
