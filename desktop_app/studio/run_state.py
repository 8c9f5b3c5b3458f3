"""What the canvas shows while the engine works: stage, step, speed and one preview a picture."""

from collections import deque
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from desktop_app.engine.events import Decoding, Encoding, Frame, Latents, Loading, Step
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.mailbox import Comparing, Saving, ThreadEvent
from desktop_app.studio.qimage import to_qimage
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    from desktop_app.engine.plan import Keeping
    from desktop_app.store.pictures import Record

Stage = Literal["idle", "engine", "loading", "encoding", "step", "decoding", "saving", "verifying"]
_WINDOW = 8
"""Steps that the speed is averaged over: long enough to be calm, short enough to be true."""


class RunState(QObject):
    """One press of the button: the pictures it makes, and how far the running one is.

    Signals:
        changed(): at most once in a turn of the event loop.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stage: Stage = "idle"
        self.run = 0
        self.jobs: tuple[Job, ...] = ()
        self.previews: list[QImage | None] = []
        self.results: list[Record | None] = []
        self.ended: list[bool] = []
        self.index = 0
        self.step = 0
        self.count = 0
        self.way = "plain"
        self.model = ""
        self.keepings: dict[str, Keeping] = {}
        """How each model that was loaded is kept, by name."""
        self.stopping = False
        """Whether the running job was asked to stop and has not yet."""
        self._seconds: deque[float] = deque(maxlen=_WINDOW)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.changed)

    @property
    def job(self) -> Job | None:
        """The running job, or None."""
        return self.jobs[self.index] if self.stage != "idle" and self.jobs else None

    @property
    def size(self) -> int:
        """How many pictures the run makes."""
        return len(self.jobs)

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        return tuple(job.recipe for job in self.jobs)

    @property
    def busy(self) -> bool:
        """Whether a job is being worked on."""
        return self.stage not in ("idle", "engine")

    @property
    def rate(self) -> float:
        """Steps a second over the last few; 0 before the first."""
        spent = sum(self._seconds)
        return len(self._seconds) / spent if spent > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """For the steps of the whole run; None while the speed is not known."""
        if self.rate <= 0 or not self.jobs:
            return None
        later = sum(
            job.recipe.num_inference_steps
            for i, job in enumerate(self.jobs)
            if i > self.index and not self.ended[i]
        )
        return (max(0, self.count - self.step) + later) / self.rate

    @property
    def progress(self) -> float:
        """Of the running picture, 0 ... 1."""
        match self.stage:
            case "step":
                return self.step / self.count if self.count else 0.0
            case "decoding" | "saving" | "verifying":
                return 1.0
            case _:
                return 0.0

    @property
    def run_progress(self) -> float:
        """Of the whole run, 0 ... 1."""
        if not self.jobs:
            return 0.0
        part = self.progress if self.busy and not self.ended[self.index] else 0.0
        return min(1.0, (sum(self.ended) + part) / len(self.jobs))

    @property
    def text(self) -> str:
        """The words on the pill; empty when nothing is going on."""
        if self.stopping and self.stage != "idle":
            return "Stopping"
        match self.stage:
            case "idle":
                return ""
            case "engine":
                return "Starting the engine"
            case "loading":
                return f"Loading {self.model}" if self.model else "Loading the model"
            case "encoding":
                words = "Reading the prompt"
            case "step":
                words = self._step_words()
            case "decoding":
                tried = {"tiled": " in tiles", "float32": " once more", "cpu": " on the processor"}
                words = f"Finishing{tried.get(self.way, '')}"
            case "saving":
                words = "Saving"
            case "verifying":
                words = "Comparing"
        return f"{self.index + 1} of {self.size} · {words}" if self.size > 1 else words

    def show_engine(self, starting: bool) -> None:
        """Say that the engine is being brought into memory, or that this is over."""
        if starting and self.stage == "idle":
            self._set_stage("engine")
        elif not starting and self.stage == "engine":
            self._set_stage("idle")

    def begin(self, job: Job, jobs: tuple[Job, ...]) -> None:
        """A job starts; `jobs` are all of its run, in order."""
        if job.run != self.run or len(jobs) != len(self.jobs):
            self.run = job.run
            self.previews = [None] * len(jobs)
            self.results = [None] * len(jobs)
            self.ended = [False] * len(jobs)
        self.jobs = jobs
        self.index = next((i for i, one in enumerate(jobs) if one.id == job.id), 0)
        self.step, self.count, self.way = 0, job.recipe.num_inference_steps, "plain"
        self.stopping = False
        self._seconds.clear()
        self.model = job.recipe.model.name
        self._set_stage("loading")

    def show(self, events: list[ThreadEvent]) -> None:
        """Follow the running job; of several previews only the newest is made into a picture."""
        newest = None
        for event in events:
            match event:
                case Loading():
                    if event.what != "engine":
                        self.model = event.what
                        self.stage = "loading"
                case Encoding():
                    self.stage = "encoding"
                case Step():
                    self.stage = "step"
                    self.step, self.count = event.index, event.count
                    self._seconds.append(event.seconds)
                    newest = newest if event.preview is None else event.preview
                case Decoding():
                    self.stage, self.way = "decoding", event.way
                case Saving():
                    self.stage = "saving"
                case Comparing():
                    self.stage = "verifying"
                case Latents() | Frame():
                    pass
        if newest is not None and self.jobs:
            self.previews[self.index] = to_qimage(newest)
        self._tell()

    def take_keeping(self, event: Loading) -> None:
        """A model is kept otherwise, whatever it was loaded for."""
        if event.keeping is not None and event.keeping != self.keepings.get(event.what):
            self.keepings[event.what] = event.keeping
            self._tell()

    def keep(self, job_id: int, record: "Record") -> None:
        """A picture of this run is stored."""
        for i, job in enumerate(self.jobs):
            if job.id == job_id:
                self.results[i] = record
        self._tell()

    def end(self, job_id: int) -> None:
        """A job of this run is over, however it ended."""
        for i, job in enumerate(self.jobs):
            if job.id == job_id:
                self.ended[i] = True

    def stop(self) -> None:
        """The running job was asked to stop."""
        self.stopping = True
        self._tell()

    def rest(self) -> None:
        """Nothing is worked on any more; what was made stays to be looked at."""
        self._set_stage("idle")

    def replace_result(self, record: "Record") -> None:
        """A stored picture of this run changed (a star, a rating, a badge)."""
        for i, one in enumerate(self.results):
            if one is not None and one.id == record.id:
                self.results[i] = record
                self._tell()

    def forget(self, ids: set[int]) -> None:
        """Pictures went to the trash: show them no longer."""
        for i, one in enumerate(self.results):
            if one is not None and one.id in ids:
                self.results[i] = self.previews[i] = None
                self._tell()

    def _step_words(self) -> str:
        words = [f"Step {self.step} / {self.count}"]
        rate, left = self.rate, self.seconds_left
        if rate >= 1:
            words.append(f"{rate:.1f} it/s")
        elif rate > 0:
            words.append(f"{1 / rate:.1f} s/it")
        if left is not None:
            words.append(f"{duration(left)} left")
        return " · ".join(words)

    def _set_stage(self, stage: Stage) -> None:
        self.stage = stage
        self._tell()

    def _tell(self) -> None:
        if not self._timer.isActive():
            self._timer.start(0)


def duration(seconds: float) -> str:
    """A length of time in the fewest words: `2 s`, `3 min 20 s`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s" if seconds > 0.5 else "under 1 s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10 and rest:
        return f"{minutes} min {rest} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
