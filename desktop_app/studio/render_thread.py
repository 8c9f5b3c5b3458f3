"""The thread that owns the engine: one job at a time, events out, the picture into the store."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from desktop_app.engine.backend import Backend, Rendered, Report
from desktop_app.engine.events import Event, Frame, Latents, Loading, Step
from desktop_app.errors import AppError, Cancelled
from desktop_app.recipe.provenance import Origin
from desktop_app.studio.mailbox import Comparing, Mailbox, Saving, ThreadEvent
from desktop_app.studio.values import Job, bug

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.studio.storage import Storage

log = logging.getLogger(__name__)

_SEEN = 48
"""Pixels of the shorter side from which on the small picture of a step tells what it shows."""


class _Enough(Exception):
    """A rough picture is as far as it is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """Bring the engine into memory.

    Attributes:
        anew: also when it is there, with a new backend.
    """

    anew: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stop:
    """Let the thread end."""


class RenderThread(QThread):
    """Runs a Backend. The thread lives on whatever a job does; only `stop` ends it.

    Signals, all emitted in the thread:
        ready(DeviceInfo): the engine is in memory.
        engine_failed(AppError): it could not be brought there; `start_engine` tries again.
        device_changed(DeviceInfo): memory in use after a job.
        mail(): there are events to `take`; never twice before they were taken.
        stored(int, Record): the picture of this job is safe on the disk.
        peeked(int, NDArray): what a `peek` or a `look` shows, (H, W, 3) uint8 RGB.
        went(int): all `steps` of a stored picture were told again.
        filmed(int, Path): a `film` is written.
        verdict(int, Verdict): what making a picture again came to.
        failed(int, AppError): the job ended without a picture.
        cancelled(int): the job ended because it was asked to.
        done(int): always the last word about a job, however it ended.
    """

    ready = Signal(object)
    engine_failed = Signal(object)
    device_changed = Signal(object)
    mail = Signal()
    stored = Signal(object, object)
    peeked = Signal(object, object)
    went = Signal(object)
    filmed = Signal(object, object)
    verdict = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    done = Signal(object)

    def __init__(self, make_backend: Callable[[], Backend], parent: QObject | None = None) -> None:
        """Args:
        make_backend: called once, in the thread; may import torch.
        """
        super().__init__(parent)
        self._make_backend = make_backend
        self._orders: queue.SimpleQueue[Job | _Start | _Stop] = queue.SimpleQueue()
        self._cancel = threading.Event()
        self._closing = threading.Event()
        self._mailbox = Mailbox()
        self._storage: Storage | None = None
        self._previews = True
        self._backend: Backend | None = None

    def open(self, storage: "Storage") -> None:
        """Where pictures go; before the first `submit`."""
        self._storage = storage

    def set_previews(self, on: bool) -> None:
        """Whether the next jobs tell how the picture looks at each step."""
        self._previews = on

    def start_engine(self) -> None:
        """Ask for the engine; `ready` or `engine_failed` answers."""
        self._orders.put(_Start())

    def renew_engine(self) -> None:
        """Ask for a new engine, made with the settings of now, after the job that runs."""
        self._orders.put(_Start(anew=True))

    def submit(self, job: Job) -> None:
        """Hand over one job; the next only after `done`."""
        self._cancel.clear()
        self._orders.put(job)

    def cancel(self) -> None:
        """Stop the job that was submitted last, at its next word; it ends with `cancelled`."""
        self._cancel.set()

    def stop(self) -> None:
        """Cancel what runs and let the thread end; `wait` tells when it has.

        An import in the middle of a library cannot be interrupted.
        """
        self._closing.set()
        self._orders.put(_Stop())

    def take(self) -> list[tuple[int | None, ThreadEvent]]:
        """All events since the last call, in order, with the job each is about."""
        return self._mailbox.take()

    def _serve(self) -> None:
        while True:
            match self._orders.get():
                case _Stop():
                    break
                case _Start(anew=anew):
                    self._start_engine(anew)
                case Job() as job:
                    self._do(job)
        if self._backend is not None:
            self._backend.close()

    def _start_engine(self, anew: bool) -> None:
        try:
            if anew and self._backend is not None:
                self._backend.close()
                self._backend = None
            if self._backend is None:
                self._backend = self._make_backend()
            self._backend.start(self._engine_report)
            device = self._backend.device()
        except Cancelled:
            return
        except AppError as error:
            log.warning("the engine did not start: %s", error)
            self.engine_failed.emit(error)
        except Exception as fault:  # a door: the thread must live on
            log.exception("the engine did not start")
            self.engine_failed.emit(bug(fault))
        else:
            self.ready.emit(device)

    def _engine_report(self, event: Event) -> None:
        if self._closing.is_set():
            raise Cancelled
        self._post(None, event)

    def _do(self, job: Job) -> None:
        began = time.monotonic()
        try:
            self._work(job)
        except Cancelled:
            self.cancelled.emit(job.id)
        except AppError as error:
            log.warning("job %d: %s", job.id, error)
            self.failed.emit(job.id, error)
        except Exception as fault:
            log.exception("job %d failed", job.id)
            self.failed.emit(job.id, bug(fault))
        log.info("job %d took %.1f s", job.id, time.monotonic() - began)
        self._tell_device()
        self.done.emit(job.id)

    def _tell_device(self) -> None:
        if self._backend is None:
            return
        try:
            device = self._backend.device()
        except Exception:
            log.exception("the device does not answer")
        else:
            self.device_changed.emit(device)

    def _work(self, job: Job) -> None:
        storage, backend = self._storage, self._backend
        if storage is None or backend is None:
            raise AppError("not-ready", "The engine is not ready yet.", hint="Try again.")
        match job.kind:
            case "render":
                self._render(job, backend, storage)
            case "finish":
                self._finish(job, backend, storage)
            case "verify":
                self._verify(job, backend, storage)
            case "peek":
                self._peek(job, backend)
            case "steps":
                backend.render(job.recipe, self._reporter(job), previews=True)
                self.went.emit(job.id)
            case "film":
                self._film(job, backend)
            case "look":
                self._look(job, backend)

    def _render(self, job: Job, backend: Backend, storage: "Storage") -> None:
        token = ""

        def report(event: Event) -> None:
            nonlocal token
            self._check()
            if isinstance(event, Latents):
                token = storage.keep_latents(job.recipe, event, job.origin)
            else:
                self._post(job.id, event)

        try:
            rendered = backend.render(job.recipe, report, previews=self._previews)
            self._check()
        except Cancelled:
            # At the end of the program the finished latent stays, and is offered at the next start.
            if token and not self._closing.is_set():
                storage.drop_latents(token)
            raise
        self._save(job, rendered, storage, token)

    def _finish(self, job: Job, backend: Backend, storage: "Storage") -> None:
        latents = storage.latents(job.token)
        rendered = backend.decode(job.recipe, latents, self._reporter(job))
        self._save(job, rendered, storage, job.token)

    def _peek(self, job: Job, backend: Backend) -> None:
        last: NDArray[np.uint8] | None = None

        def report(event: Event) -> None:
            nonlocal last
            self._check()
            match event:
                case Step(preview=preview) if preview is not None:
                    last = preview
                case Loading():
                    self._post(job.id, event)
                case Latents() if last is not None and job.rough and min(last.shape[:2]) >= _SEEN:
                    raise _Enough
                case _:
                    pass

        try:
            last = backend.render(job.recipe, report, previews=job.rough).pixels
        except _Enough:
            pass
        self._check()
        self.peeked.emit(job.id, last)

    def _film(self, job: Job, backend: Backend) -> None:
        from desktop_app.store.animation import FilmWriter

        film, target = job.film, job.target
        assert film is not None
        assert target is not None

        def take(index: int, count: int, pixels: "NDArray[np.uint8]") -> None:
            self._check()
            writer.add(pixels)

        def report(event: Event) -> None:
            self._check()
            # Steps that are taken again for it are not those of a picture that forms.
            if isinstance(event, Frame | Loading):
                self._post(job.id, event)

        with FilmWriter(target, film) as writer:
            noisy = film.show == "noisy"
            backend.film(job.recipe, report, take, noisy=noisy, small=film.small)
            self._check()
            self._post(job.id, Saving())
            path = writer.finish()
        self.filmed.emit(job.id, path)

    def _look(self, job: Job, backend: Backend) -> None:
        """One step, decoded, if its latents are kept."""

        def take(index: int, count: int, pixels: "NDArray[np.uint8]") -> None:
            self._check()
            self.peeked.emit(job.id, pixels)

        noisy = job.film is not None and job.film.show == "noisy"
        backend.film(
            job.recipe, lambda _: self._check(), take, noisy=noisy, small=False, only=job.step
        )

    def _save(self, job: Job, rendered: Rendered, storage: "Storage", token: str) -> None:
        self._post(job.id, Saving())
        try:
            record = storage.save(_tied(rendered, job.origin))
        except AppError as error:
            # The latent is needed no more once the file is safe, listed or not.
            if token and error.code == "not-indexed":
                storage.drop_latents(token)
            raise
        if token:
            storage.drop_latents(token)
        self.stored.emit(job.id, record)

    def _verify(self, job: Job, backend: Backend, storage: "Storage") -> None:
        from desktop_app.engine.verify import compare
        from desktop_app.studio.originals import original

        first = original(storage, job)
        rendered = backend.render(
            first.recipe,
            self._reporter(job),
            previews=self._previews,
            like=first.provenance.fingerprint,
            device=job.device,
        )
        self._check()
        self._post(job.id, Comparing())
        verdict = compare(rendered, first.recipe, first.provenance, first.pixels)
        if job.picture is not None:
            storage.set_verified(job.picture, verdict.kind)
        self.verdict.emit(job.id, verdict)

    def _reporter(self, job: Job) -> Report:
        def report(event: Event) -> None:
            self._check()
            if not isinstance(event, Latents):
                self._post(job.id, event)

        return report

    def _check(self) -> None:
        if self._cancel.is_set() or self._closing.is_set():
            raise Cancelled

    def _post(self, job_id: int | None, event: ThreadEvent) -> None:
        if self._mailbox.post(job_id, event):
            self.mail.emit()

    def run(self) -> None:
        """Serve orders until `stop`; never call this, call `start`."""
        self._post(None, Loading(what="engine"))
        self._serve()


def _tied(rendered: Rendered, origin: Origin | None) -> Rendered:
    """The picture with what it was derived from; one that came out the same is no child."""
    made = rendered.provenance
    if origin is not None and origin.picture == made.pixels_sha256:
        origin = replace(origin, picture="") if origin.sheet else None
    if origin is None:
        return rendered
    return replace(rendered, provenance=replace(made, origin=origin))
