"""Conductor: joins the queue, the render thread, the run on the canvas and the timeline."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.engine.backend import Backend
from desktop_app.engine.events import Frame, Loading, Step
from desktop_app.errors import AppError
from desktop_app.studio.mailbox import ThreadEvent
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.render_thread import RenderThread
from desktop_app.studio.run_state import RunState
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.engine.backend import DeviceInfo
    from desktop_app.engine.verify import Verdict
    from desktop_app.store.pictures import Record
    from desktop_app.studio.storage import Storage

log = logging.getLogger(__name__)
WORK_MS = 15_000
"""How long the end of the program waits for a decode or a save that is under way."""
IMPORT_MS = 1_500
"""How long it waits while libraries are imported, which nothing can stop and nothing is lost by."""
EngineState = Literal["starting", "ready", "failed"]


class Conductor(QObject):
    """Gives the thread one job at a time and tells everyone what becomes of it.

    Jobs are handed out once the engine is ready and the store is open.

    Signals:
        engine_state(str): `starting`, `ready` or `failed`.
        engine_failed(AppError): why it is `failed`.
        device_changed(DeviceInfo): where pictures are made, and its memory.
        stored(Job, Record): a picture is safe on the disk.
        judged(Job, Verdict): what making a picture again came to.
        filming(Frame): how far a film of the steps is.
        filmed(Job, Path): it is written.
        failed(Job, AppError): a job ended without its picture.
        peeked(Job, NDArray): what a `peek` looks like, (H, W, 3) uint8 RGB.
        peek_failed(Job, AppError): why a `peek` came to nothing.
        free(): nothing is worked on, so that a `peek` may be asked for.
    """

    engine_state = Signal(str)
    engine_failed = Signal(object)
    device_changed = Signal(object)
    stored = Signal(object, object)
    judged = Signal(object, object)
    filming = Signal(object)
    filmed = Signal(object, object)
    failed = Signal(object, object)
    peeked = Signal(object, object)
    peek_failed = Signal(object, object)
    free = Signal()

    def __init__(
        self,
        make_backend: Callable[[], Backend],
        queue: QueueModel,
        run: RunState,
        timeline: TimelineModel,
        parent: QObject | None = None,
    ) -> None:
        """Args:
        make_backend: called in the render thread; may import torch.
        """
        super().__init__(parent)
        self._queue = queue
        self._run = run
        self._timeline = timeline
        self._thread = RenderThread(make_backend, self)
        self._engine: EngineState = "starting"
        self._device: DeviceInfo | None = None
        self._storage: Storage | None = None
        self._paused = False
        self._closing = False
        self._peek: Job | None = None
        self._next: Job | None = None
        self._connect()

    def _connect(self) -> None:
        self._queue.submitted.connect(self._begin)
        self._queue.state_changed.connect(self._keep_state)
        self._thread.ready.connect(self._engine_ready)
        self._thread.engine_failed.connect(self._engine_lost)
        self._thread.device_changed.connect(self._set_device)
        self._thread.mail.connect(self._read_mail)
        self._thread.stored.connect(self._stored)
        self._thread.peeked.connect(self._peeked)
        self._thread.verdict.connect(self._judged)
        self._thread.went.connect(self._went)
        self._thread.filmed.connect(self._filmed)
        self._thread.failed.connect(self._failed)
        self._thread.cancelled.connect(self._cancelled)
        self._thread.done.connect(self._done)

    @property
    def device(self) -> "DeviceInfo | None":
        return self._device

    @property
    def engine(self) -> EngineState:
        return self._engine

    def start(self) -> None:
        """Start the thread and bring the engine into memory."""
        self._thread.start()
        self.start_engine()

    def start_engine(self) -> None:
        """Try to bring the engine into memory, again after it failed."""
        self._set_engine("starting")
        self._run.show_engine(True)
        self._thread.start_engine()

    def renew_engine(self) -> None:
        """Let the engine take up new settings, after the job that runs; `start` does so anyway."""
        if not self._thread.isRunning():
            return
        self._set_engine("starting")
        self._thread.renew_engine()

    def open(self, storage: "Storage") -> None:
        """The store is open: jobs can be handed out."""
        self._storage = storage
        self._thread.open(storage)
        self._release()
        if self._engine == "ready" and self._queue.running is None:
            self.free.emit()

    def set_previews(self, on: bool) -> None:
        self._thread.set_previews(on)

    def pause(self) -> None:
        """Hand out no further job until `resume`."""
        self._paused = True
        self._release()

    def resume(self) -> None:
        self._paused = False
        self._release()

    def cancel_run(self) -> None:
        """Stop the running job and drop the rest of its run; the next run goes on.

        All runs of a grid are one.
        """
        job = self._queue.running or next(
            (one for one in self._queue.jobs() if one.state == "waiting"), None
        )
        if job is None:
            return
        sheet = _sheet_of(job)
        grid = [one for one in self._queue.jobs() if sheet and _sheet_of(one) == sheet]
        self.drop(one.id for one in (*self._queue.run_of(job), *grid))
        if self._queue.running is not None:
            self._cancel_running()

    def cancel_job(self, job_id: int) -> None:
        """Stop a running job, drop a waiting one, forget a failed one."""
        running = self._queue.running
        if running is not None and running.id == job_id:
            self._cancel_running()
        else:
            self.drop([job_id])
            self._queue.dismiss(job_id)

    def drop(self, job_ids: Iterable[int]) -> None:
        """Take waiting jobs off the queue."""
        for job in self._queue.drop(job_ids):
            self._run.end(job.id)

    def peek(self, job: Job) -> bool:
        """Make a picture to look at, beside the queue; a job of the queue ends it at once.

        Returns:
            whether it is begun; while anything is worked on it is not.
        """
        ready = self._engine == "ready" and self._storage is not None and not self._closing
        if not ready or self._peek is not None or self._queue.running is not None:
            return False
        self._peek = job
        self._thread.submit(job)
        return True

    def drop_peek(self) -> None:
        """End the picture to look at, if one is being made."""
        if self._peek is not None:
            self._thread.cancel()

    def stop(self) -> None:
        """Cancel what runs; nothing more is told. `end` waits for it."""
        self._closing = True
        self._queue.hold(True)
        self._thread.stop()

    def end(self) -> bool:
        """Wait for the thread, after `stop`.

        Returns:
            whether it ended in time.
        """
        ended = self._thread.wait(IMPORT_MS if self._engine == "starting" else WORK_MS)
        running = self._queue.running
        if ended and running is not None and running.id > 0 and self._storage is not None:
            # Asked to stop, not stopped by a crash: it waits for the next start.
            self._storage.note_job(running.id, "waiting", "")
        return ended

    def wait(self, milliseconds: int) -> bool:
        """Whether the thread ends within this time; only after `stop`."""
        return self._thread.wait(milliseconds)

    def _cancel_running(self) -> None:
        self._run.stop()
        waiting, self._next = self._next, None
        if waiting is not None:
            self._cancelled(waiting.id)
            self._done(waiting.id)
        else:
            self._thread.cancel()

    def _release(self) -> None:
        ready = self._engine == "ready" and self._storage is not None
        self._queue.hold(not ready or self._paused or self._closing)

    def _set_engine(self, state: EngineState) -> None:
        self._engine = state
        self.engine_state.emit(state)
        self._release()

    @Slot(object)
    def _begin(self, job: Job) -> None:
        if job.kind != "film":
            self._run.begin(job, self._queue.run_of(job))
            self._timeline.begin(job.recipe.num_inference_steps, job.recipe)
        if self._peek is None:
            self._thread.submit(job)
        else:
            self._next = job
            self._thread.cancel()

    @Slot(object)
    def _keep_state(self, job: Job) -> None:
        if job.id > 0 and self._storage is not None and not self._closing:
            self._storage.note_job(job.id, job.state, job.error)

    @Slot(object)
    def _engine_ready(self, device: "DeviceInfo") -> None:
        self._set_device(device)
        self._run.show_engine(False)
        self._set_engine("ready")
        if self._queue.running is None:
            self.free.emit()

    @Slot(object)
    def _engine_lost(self, error: AppError) -> None:
        self._run.show_engine(False)
        self._set_engine("failed")
        self.engine_failed.emit(error)

    @Slot(object)
    def _set_device(self, device: "DeviceInfo") -> None:
        if device != self._device:
            self._device = device
            self.device_changed.emit(device)

    @Slot()
    def _read_mail(self) -> None:
        events: list[ThreadEvent] = []
        for job_id, event in self._thread.take():
            if isinstance(event, Loading):
                self._run.take_keeping(event)
            if job_id is None:
                self._run.show_engine(isinstance(event, Loading))
                continue
            if self._is_peek(job_id):
                continue
            if self._is_film(job_id):
                self._filming(event)
                continue
            events.append(event)
            if isinstance(event, Step):
                self._timeline.append(event)
        if events:
            self._run.show(events)
            self._queue.progress(self._run.progress)

    @Slot(object, object)
    def _stored(self, job_id: int, record: "Record") -> None:
        job = self._queue.job(job_id)
        self._timeline.keep(record.id)
        self._run.keep(job_id, record)
        self._queue.became(job_id, record.id)
        if job is not None:
            self.stored.emit(job, record)

    @Slot(object, object)
    def _peeked(self, job_id: int, pixels: "NDArray[np.uint8]") -> None:
        if self._peek is not None and self._is_peek(job_id):
            self.peeked.emit(self._peek, pixels)

    def _is_peek(self, job_id: int) -> bool:
        return self._peek is not None and self._peek.id == job_id

    def _is_film(self, job_id: int) -> bool:
        running = self._queue.running
        return running is not None and running.id == job_id and running.kind == "film"

    def _filming(self, event: ThreadEvent) -> None:
        """A film is made beside what is on the canvas."""
        if isinstance(event, Frame):
            self._queue.progress((event.index - 1) / event.count)
            self.filming.emit(event)

    @Slot(object)
    def _went(self, job_id: int) -> None:
        job = self._queue.job(job_id)
        if job is not None and job.picture is not None:
            self._timeline.keep(job.picture)

    @Slot(object, object)
    def _filmed(self, job_id: int, path: Path) -> None:
        job = self._queue.job(job_id)
        if job is not None:
            self.filmed.emit(job, path)

    @Slot(object, object)
    def _judged(self, job_id: int, verdict: "Verdict") -> None:
        job = self._queue.job(job_id)
        if job is None:
            return
        if job.picture is not None:
            self._timeline.keep(job.picture)
        self.judged.emit(job, verdict)

    @Slot(object, object)
    def _failed(self, job_id: int, error: AppError) -> None:
        if self._peek is not None and self._is_peek(job_id):
            self.peek_failed.emit(self._peek, error)
            return
        self._queue.fail(job_id, error)
        job = self._queue.job(job_id)
        if job is not None:
            self.failed.emit(job, error)

    @Slot(object)
    def _cancelled(self, job_id: int) -> None:
        self._queue.mark(job_id, "cancelled")

    @Slot(object)
    def _done(self, job_id: int) -> None:
        if self._is_peek(job_id):
            self._peek, waiting, self._next = None, self._next, None
            if waiting is not None:
                self._thread.submit(waiting)
            else:
                self.free.emit()
            return
        self._run.end(job_id)
        self._queue.ended(job_id)
        if self._queue.running is None:
            self._run.rest()
            self.free.emit()


def _sheet_of(job: Job) -> str:
    """The grid that a job is a cell of; empty for none."""
    return job.origin.sheet if job.origin is not None else ""
