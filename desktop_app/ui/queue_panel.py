"""The queue: what is made now, what waits, what failed; each can be taken out."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.queue_model import QueueModel, title
from desktop_app.studio.values import Job
from desktop_app.ui import theme
from desktop_app.ui.fields import ElidedLabel, IconButton, label, restyle
from desktop_app.ui.popover import Popover
from desktop_app.ui.words import grouped

MOST = 60
"""Rows on show; a queue of thousands is told as a number."""
WIDTH = 380
PREFIXES = {"verify": "Verify: ", "steps": "Steps of: ", "film": "Film of: "}
"""What is done with a picture that is there already."""


class QueueRow(QWidget):
    """One job."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.px(4), 0, theme.px(4))
        row.setSpacing(theme.px(8))
        words = QVBoxLayout()
        words.setSpacing(theme.px(3))
        prefix = PREFIXES.get(job.kind, "")
        self.name = ElidedLabel(f"{prefix}{title(job)}", "text", self)
        self.state = ElidedLabel("", "hint", self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {title(job)}")
        words.addWidget(self.name)
        words.addWidget(self.state)
        words.addWidget(self.bar)
        row.addLayout(words, 1)
        self.stop = IconButton("x", f"Cancel: {title(job)}", self, flat=True, size=15)
        row.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignTop)
        self.show_job(job)

    def show_job(self, job: Job) -> None:
        """Show another state of the same job."""
        self.job = job
        recipe = job.recipe
        what = f"seed {grouped(recipe.seed)}  ·  {recipe.width} × {recipe.height}"
        match job.state:
            case "running":
                words = f"Now  ·  {what}"
            case "waiting":
                words = f"Waits  ·  {what}"
            case "failed":
                words = job.error or "Failed"
            case _:
                words = job.state.capitalize()
        self.state.set_text(words)
        failed = job.state == "failed"
        restyle(self.state, "role", "refusal" if failed else "hint")
        self.bar.setVisible(job.state == "running")
        self.bar.setValue(round(job.progress * 1000))
        verb = "Dismiss" if failed else "Cancel"
        self.stop.set_name(f"{verb}: {title(job)}", verb)


class QueuePanel(Popover):
    """A sheet below the queue button.

    Args:
        cancel: takes one job out, by its id.
        clear: takes everything out that waits.
    """

    def __init__(
        self,
        anchor: QWidget,
        queue: QueueModel,
        *,
        cancel: Callable[[int], None],
        clear: Callable[[], None],
    ) -> None:
        super().__init__(anchor, "Queue", WIDTH)
        self._queue, self._cancel, self._clear = queue, cancel, clear
        self._rows: list[QueueRow] = []
        self._build()
        queue.rowsInserted.connect(self._rebuild)
        queue.rowsRemoved.connect(self._rebuild)
        queue.modelReset.connect(self._rebuild)
        queue.dataChanged.connect(self._refresh)
        self._rebuild()

    def _build(self) -> None:
        head = QHBoxLayout()
        self.title = label("Queue", "title", self)
        self.clear = QPushButton("Clear waiting", self)
        self.clear.setProperty("quiet", True)
        self.clear.setToolTip("Take out everything that waits; the running picture goes on")
        self.clear.clicked.connect(self._clear_all)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.clear)
        self.column.addLayout(head)
        self.empty = label("Nothing is waiting.\nShift+Enter adds a picture to the queue.", "hint")
        self.column.addWidget(self.empty)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._area.setWidget(inside)
        self.column.addWidget(self._area)
        self.more = label("", "hint", self)
        self.column.addWidget(self.more)

    @property
    def rows(self) -> tuple[QueueRow, ...]:
        return tuple(self._rows)

    def _rebuild(self) -> None:
        jobs = self._queue.jobs()
        shown = jobs[:MOST]
        kept = {row.job.id: row for row in self._rows}
        wanted = {job.id for job in shown}
        for number, row in kept.items():
            if number not in wanted:
                row.hide()
                self._list.removeWidget(row)
                row.deleteLater()
        self._rows = []
        for place, job in enumerate(shown):
            row = kept.get(job.id)
            if row is None:
                row = QueueRow(job)
                row.stop.clicked.connect(lambda _=False, number=job.id: self._cancel(number))
                self._list.insertWidget(place, row)
            self._rows.append(row)
        self.empty.setVisible(not jobs)
        self._area.setVisible(bool(jobs))
        rest = len(jobs) - len(shown)
        self.more.setText(f"and {rest} more")
        self.more.setVisible(rest > 0)
        waiting = sum(job.state != "running" for job in jobs)
        self.clear.setVisible(waiting > 1)
        self._area.setFixedHeight(min(len(shown) * theme.px(58), theme.px(360)) if shown else 0)
        self._refresh()
        self.adjustSize()

    def _clear_all(self) -> None:
        self._clear()

    def _refresh(self) -> None:
        jobs = {job.id: job for job in self._queue.jobs()}
        for row in self._rows:
            job = jobs.get(row.job.id)
            if job is not None and job != row.job:
                row.show_job(job)
