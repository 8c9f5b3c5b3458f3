"""The denoising timeline: one thumbnail a step, to be dragged over to look back."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
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
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.timeline import TimelineModel
from desktop_app.ui import theme
from desktop_app.ui.fields import ElidedLabel, IconButton, label
from desktop_app.ui.icons import icon
from desktop_app.ui.theme import token

CELL_MAX = 38
GAP = 3.0
RADIUS = 4.0
PLAY_MS = 140
NOISE = "Show the noisy state of each step instead of what is seen in it"


class TimelineFilm(QWidget):
    """The row of steps. Dragging over it looks back, letting go shows the picture again.

    Signals:
        branch_asked(int): go on from the state after a step.
    """

    branch_asked = Signal(int)

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Denoising timeline")
        self.setToolTip("Drag, or use the arrow keys, to look back at any step; B branches from it")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(CELL_MAX) + 4)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        model.modelReset.connect(self.update)
        model.rowsInserted.connect(self.update)
        model.dataChanged.connect(self._changed)
        model.step_chosen.connect(self._chosen)

    def sizeHint(self) -> QSize:
        return QSize(400, self.height())

    def cell(self, row: int) -> QRectF:
        """The place of a step; places overlap nothing and may be narrower than high."""
        count = max(self._model.rowCount(), 1)
        side = float(theme.px(CELL_MAX))
        pitch = min((self.width() - 4 + GAP) / count, side + GAP)
        return QRectF(2 + row * pitch, 2, max(pitch - (GAP if pitch > 8 else 0.5), 1.0), side)

    def row_at(self, x: float) -> int:
        """The step under a logical x, the nearest one where there is none."""
        count = self._model.rowCount()
        if not count:
            return -1
        pitch = self.cell(1).left() - self.cell(0).left()
        return min(max(int((x - 2) / pitch), 0), count - 1)

    def marked(self) -> int:
        """The step with the copper frame: the one looked at, else the newest; -1 for none."""
        model = self._model
        return model.chosen if model.chosen >= 0 else model.filled - 1

    def _changed(self) -> None:
        self.update()

    def _chosen(self, row: int) -> None:
        sigma = self._model.sigma(row)
        words = "" if sigma is None else f"Step {row + 1}, noise level {sigma:.2f}"
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        model = self._model
        ratio = self.devicePixelRatioF()
        for row in range(model.rowCount()):
            cell = self.cell(row)
            image = model.image(row)
            if image is not None:
                painter.drawPixmap(cell.topLeft(), _plate(image, cell, ratio))
                if model.is_shared(row):
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(_veil())
                    painter.drawRoundedRect(cell, RADIUS, RADIUS)
            elif row < model.filled:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(token("bg.3"))
                painter.drawRoundedRect(cell, RADIUS, RADIUS)
            else:
                painter.setPen(QPen(token("line"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        self._paint_branch(painter)
        marked = self.marked()
        if marked >= 0:
            painter.setPen(QPen(token("focus" if self.hasFocus() else "accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.cell(marked), RADIUS, RADIUS)
        elif self.hasFocus():
            painter.setPen(QPen(token("focus"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        painter.end()

    def _paint_branch(self, painter: QPainter) -> None:
        """A line where the branch leaves the steps that it shares."""
        shared = self._model.shared
        if 0 < shared < self._model.rowCount():
            x = (self.cell(shared - 1).right() + self.cell(shared).left()) / 2
            painter.setPen(QPen(token("accent"), 2))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        row = self._at(QPointF(event.pos())) if mouse else self.marked()
        if row < 0:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        line = menu.addAction(icon("git-branch", "text.2", 16), f"Branch from step {row + 1}\tB")
        line.triggered.connect(lambda: self.branch_asked.emit(row))
        line.setEnabled(row + 1 < self._model.rowCount())
        menu.popup(event.globalPos())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = True
            self._model.choose(self._at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._model.choose(self._at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._dragging:
            self._dragging = False
            if self.row_at(event.position().x()) >= self._model.filled - 1:
                self._model.choose(-1)

    def _at(self, point: QPointF) -> int:
        return min(self.row_at(point.x()), self._model.filled - 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        model = self._model
        last = model.filled - 1
        at = model.chosen if model.chosen >= 0 else last
        match event.key():
            case Qt.Key.Key_Left:
                model.choose(max(at - 1, 0) if model.chosen >= 0 else max(last - 1, 0))
            case Qt.Key.Key_Right:
                model.choose(at + 1 if model.chosen >= 0 and at < last else -1)
            case Qt.Key.Key_Home:
                model.choose(0)
            case Qt.Key.Key_End:
                model.choose(-1)
            case Qt.Key.Key_B if at >= 0:
                self.branch_asked.emit(at)
            case Qt.Key.Key_Escape if model.chosen >= 0:
                model.choose(-1)
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


class TimelineStrip(QWidget):
    """The film with its name, the noise level, and what can be done with its steps.

    Signals:
        branch_asked(int): go on from the state after a step.
        film_asked(): the steps as a moving picture.
        steps_asked(int): make this stored picture again for its steps.
    """

    branch_asked = Signal(int)
    film_asked = Signal()
    steps_asked = Signal(object)

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._timer = QTimer(self, interval=PLAY_MS)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._build()
        self._connect()
        self._refresh()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(16), theme.px(3), theme.px(16), theme.px(8))
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        self.play = IconButton("play", "Play the steps", self, flat=True, size=12)
        self.noise = IconButton("circle-dashed", NOISE, self, flat=True, size=14)
        self.noise.setCheckable(True)
        self.film_button = IconButton("film", "Export the steps…", self, flat=True, size=14)
        self.branch = IconButton("git-branch", "Branch from this step", self, flat=True, size=14)
        self.again = QPushButton("Show its steps", self)
        self.again.setToolTip("Makes the picture once more and keeps its steps; nothing is saved")
        self.title = label("Denoising timeline", "hint", self)
        self.words = ElidedLabel("", "hint", self)
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        # A sentence must not make the whole window wider.
        self.words.setMinimumWidth(theme.px(60))
        row.addWidget(self.title)
        for button in self._buttons():
            row.addWidget(button)
        row.addWidget(self.words, 1)
        row.addWidget(self.again)
        self.film = TimelineFilm(self._model, self)
        column.addLayout(row)
        column.addWidget(self.film)

    def _buttons(self) -> tuple[IconButton, ...]:
        # The one that comes and goes is the last, so that it leaves no gap.
        return self.play, self.noise, self.film_button, self.branch

    def _keep_places(self, on: bool) -> None:
        """Let the buttons stand still while others come and go, as long as there are steps."""
        for button in self._buttons():
            policy = button.sizePolicy()
            if policy.retainSizeWhenHidden() != on:
                policy.setRetainSizeWhenHidden(on)
                button.setSizePolicy(policy)

    def _connect(self) -> None:
        self.play.clicked.connect(self._toggle)
        self.noise.toggled.connect(self._set_view)
        self.branch.clicked.connect(lambda: self.branch_asked.emit(self.film.marked()))
        self.film.branch_asked.connect(self.branch_asked)
        self.film_button.clicked.connect(self.film_asked)
        self.again.clicked.connect(self._ask_steps)
        self._timer.timeout.connect(self._advance)
        self._model.step_chosen.connect(self._refresh)
        self._model.view_changed.connect(self._refresh)
        self._model.modelReset.connect(self._restart)
        self._model.dataChanged.connect(self._refresh)
        self._model.rowsInserted.connect(self._refresh)

    def _ask_steps(self) -> None:
        if self._model.picture is not None:
            self.steps_asked.emit(self._model.picture)

    def _set_view(self, noisy: bool) -> None:
        self._model.set_view("noisy" if noisy else "x0")

    def _restart(self) -> None:
        self._timer.stop()
        self._refresh()

    def _toggle(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self._model.choose(-1)
        elif self._model.filled > 1:
            self._model.choose(0)
            self._timer.start()
        self._refresh()

    def _advance(self) -> None:
        row = self._model.chosen + 1
        if row <= 0 or row >= self._model.filled:
            self._timer.stop()
            row = -1
        self._model.choose(row)
        self._refresh()

    def _refresh(self) -> None:
        model = self._model
        filled = model.filled > 1
        whole = filled and model.filled == model.rowCount()
        self._keep_places(model.rowCount() > 0)
        for button in (self.play, self.noise):
            button.setVisible(filled)
        self.film_button.setVisible(whole and model.recipe is not None)
        self.branch.setVisible(model.chosen >= 0 and model.chosen + 1 < model.rowCount())
        self.branch.set_name(f"Branch from step {model.chosen + 1}")
        playing = self._timer.isActive()
        self.play.set_icon("pause" if playing else "play")
        self.play.set_name("Stop" if playing else "Play the steps")
        self.noise.setChecked(model.view == "noisy")
        self.again.setVisible(model.rowCount() == 0 and model.picture is not None)
        self.words.set_text(self._words())

    def _words(self) -> str:
        model = self._model
        row = self.film.marked()
        sigma = model.sigma(row)
        if sigma is None and model.rowCount() == 0:
            if model.picture is not None:
                return "The steps of this picture are no longer kept"
            return "The steps of a picture appear here while it forms"
        if sigma is None:
            return ""
        if model.chosen < 0:
            return f"σ {sigma:.2f}  ·  drag to look back, branch from any step"
        what = "  ·  shared" if model.is_shared(row) else ""
        return f"Step {row + 1} / {model.rowCount()}  ·  σ {sigma:.2f}{what}"


def _veil() -> QColor:
    """Laid over the steps that belong to another picture."""
    colour = QColor(token("bg.1"))
    colour.setAlpha(150)
    return colour


def _plate(image: QImage, cell: QRectF, ratio: float) -> QPixmap:
    """The step cut to its cell, kept by Qt's cache."""
    width, height = max(1, round(cell.width() * ratio)), max(1, round(cell.height() * ratio))
    key = f"step {image.cacheKey()} {width} {height}"
    kept = QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    filled = image.scaled(
        width,
        height,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    plate = QPixmap(width, height)
    plate.fill(Qt.GlobalColor.transparent)
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QPainterPath()
    path.addRoundedRect(QRectF(plate.rect()), RADIUS * ratio, RADIUS * ratio)
    painter.setClipPath(path)
    painter.drawImage((width - filled.width()) // 2, (height - filled.height()) // 2, filled)
    painter.end()
    plate.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, plate)
    return plate
