"""Generate, which is Cancel while pictures are made, and how many to make."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import COUNT
from desktop_app.studio.editor import Editor
from desktop_app.studio.run_state import RunState
from desktop_app.ui import icons, theme
from desktop_app.ui.fields import IconButton, Refusal, label, restyle
from desktop_app.ui.number_fields import NumberEdit

_HEIGHT = 46
_ARROWS = 22


class GenerateButton(QPushButton):
    """The one loud button. While work goes on it says Cancel and fills up with the progress."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._progress = -1.0
        self._stopping = False
        self.setObjectName("generate")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(_HEIGHT))
        self._render()

    def set_progress(self, progress: float, *, stopping: bool = False) -> None:
        """Say how far the work is.

        Args:
            progress: 0 ... 1 while something can be cancelled; below 0 when the button generates.
            stopping: it was cancelled, and the step under way is still being done.
        """
        # Repainted when a pixel of it changes, not with each event of the engine.
        shown = progress if progress < 0 else round(progress, 3)
        if (shown, stopping) == (self._progress, self._stopping):
            return
        changed = (shown < 0, stopping) != (self._progress < 0, self._stopping)
        self._progress, self._stopping = shown, stopping
        if changed:
            self._render()
        self.setAccessibleDescription("" if shown < 0 else f"{shown:.0%} done")
        self.update()

    @property
    def working(self) -> bool:
        return self._progress >= 0

    def _render(self) -> None:
        working = self.working
        name = ("Stopping…" if self._stopping else "Cancel") if working else "Generate"
        self.setText(f"  {name}")
        self.setAccessibleName(name)
        self.setToolTip(
            "Stop this run; pictures that are done stay (Esc)"
            if working
            else "Make the picture (Ctrl+Enter)"
        )
        token = "text" if working else "on.accent"
        self.setIcon(icons.icon("x" if working else "sparkles", token, 18))
        self.setIconSize(QSize(theme.px(18), theme.px(18)))
        restyle(self, "working", working)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.working:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = theme.px(9)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), radius, radius)
        painter.setClipPath(path)
        colour = theme.token("accent")
        thick = theme.px(3)
        wide = self.width() * self._progress
        painter.fillRect(QRectF(0, self.height() - thick, wide, thick), colour)
        colour.setAlphaF(0.22)
        painter.fillRect(QRectF(0, 0, wide, self.height() - thick), colour)
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._render()


class CountEdit(NumberEdit):
    """How many pictures: `×4`, with arrows to click."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(COUNT, parent, prefix="×")
        self.setObjectName("count")
        self.setFixedSize(theme.px(64), theme.px(_HEIGHT))
        self.setTextMargins(0, 0, theme.px(_ARROWS - 6), 0)
        self.setToolTip("How many pictures to make, each with the next seed: 1 to 64")

    def _over_arrows(self, event: QMouseEvent) -> bool:
        return event.position().x() >= self.width() - theme.px(_ARROWS)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        size = theme.px(14)
        left = self.width() - theme.px(_ARROWS)
        middle = self.height() / 2
        for name, top, end in (
            ("chevron-up", middle - size, COUNT.high),
            ("chevron-down", middle, COUNT.low),
        ):
            token = "line.strong" if self.value == end else "text.2"
            arrow = icons.pixmap(name, token, 14, self.devicePixelRatioF())
            painter.drawPixmap(QRectF(left, top, size, size), arrow, QRectF(arrow.rect()))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._over_arrows(event):
            self.step_by(1 if event.position().y() < self.height() / 2 else -1)
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._over_arrows(event):
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        shape = Qt.CursorShape
        if not event.buttons():
            over = self._over_arrows(event)
            self.setCursor(shape.ArrowCursor if over else shape.IBeamCursor)
        super().mouseMoveEvent(event)


class GenerateBar(QWidget):
    """Generate, the count, and the keys that do the same.

    Signals:
        generate_asked()
        cancel_asked()
        grid_asked(): a grid of settings instead of a count.
    """

    generate_asked = Signal()
    cancel_asked = Signal()
    grid_asked = Signal()

    def __init__(self, editor: Editor, run: RunState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._run = run
        self.button = GenerateButton()
        self.count = CountEdit()
        self.grid = IconButton("grid-3x3", "Grid", side=_HEIGHT)
        self.grid.set_name("Grid", "A grid of settings: X, Y, Z (Ctrl+G)")
        self.refusal = Refusal()
        self._build()
        self.button.clicked.connect(self._click)
        self.grid.clicked.connect(self.grid_asked)
        self.count.edited.connect(self._set_count)
        self.count.refused.connect(self.refusal.say)
        editor.changed.connect(self._show_draft)
        run.changed.connect(self._show_run)
        self._show_draft(editor.draft)
        self._show_run()

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        row.addWidget(self.button, 1)
        row.addWidget(self.count)
        row.addWidget(self.grid)
        hint = label("Ctrl+Enter generate   ·   Esc cancel   ·   Shift+Enter queue", "hint")
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(7))
        column.addLayout(row)
        column.addWidget(self.refusal)
        column.addWidget(hint)

    def _click(self) -> None:
        (self.cancel_asked if self.button.working else self.generate_asked).emit()

    def _set_count(self, count: int) -> None:
        self.refusal.attempt(lambda: self._editor.set(count=count))

    def _show_draft(self, draft: Draft) -> None:
        self.count.set_value(draft.count)

    def _show_run(self) -> None:
        run = self._run
        self.button.set_progress(run.run_progress if run.busy else -1.0, stopping=run.stopping)
