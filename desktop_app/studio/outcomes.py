"""Outcomes: what becomes known when a job has ended: where it is shown, and what is said."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from desktop_app.errors import AppError
from desktop_app.studio.album import Album
from desktop_app.studio.audit import Audit
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.focus import Focus
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.herald import Herald
from desktop_app.studio.proofs import Proofs
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.studio.session import Session
from desktop_app.studio.values import Job
from desktop_app.studio.verdict import verdict_words

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict
    from desktop_app.store.pictures import Record

# Reasons for which the next picture would fail in the same way.
_HOLDS = frozenset({"disk-full", "read-only", "folder-gone", "write-failed", "database-gone"})


class Outcomes(QObject):
    """Listens to the conductor and tells everyone whom the end of a job is about."""

    def __init__(
        self,
        conductor: Conductor,
        queue: QueueModel,
        album: Album,
        gallery: GalleryModel,
        focus: Focus,
        proofs: Proofs,
        audit: Audit,
        seeds: SeedDesk,
        session: Session,
        herald: Herald,
        models: Callable[[], Path],
        parent: QObject | None = None,
    ) -> None:
        """Args:
        models: the folder in which models are looked for.
        """
        super().__init__(parent)
        self._conductor = conductor
        self._queue = queue
        self._album = album
        self._gallery = gallery
        self._focus = focus
        self._proofs = proofs
        self._audit = audit
        self._seeds = seeds
        self._session = session
        self._herald = herald
        self._models = models
        queue.state_changed.connect(self._show_again)
        conductor.stored.connect(self._stored)
        conductor.judged.connect(self._judged)
        conductor.failed.connect(self._failed)
        conductor.engine_failed.connect(self._engine_failed)

    @Slot(object)
    def _engine_failed(self, error: AppError) -> None:
        self._herald.hold(str(error), self._conductor.start_engine)

    @Slot(object, object)
    def _stored(self, job: Job, record: "Record") -> None:
        self._gallery.add(record)
        self._seeds.made(job, record)

    @Slot(object, object)
    def _judged(self, job: Job, verdict: "Verdict") -> None:
        if job.picture is not None:
            self._album.reload(job.picture)
            self._proofs.add(job, verdict)
        if self._audit.owns(job):
            self._audit.judged(job, verdict)
            return
        self._herald.say(*verdict_words(verdict), seconds=15)

    @Slot(object)
    def _show_again(self, job: Job) -> None:
        # What was made to compare is not kept: the canvas goes back to the picture it was about.
        over = job.kind in ("verify", "steps") and job.state in ("done", "failed", "cancelled")
        if over and not job.low and job.picture is not None and self._focus.record is None:
            self._focus.show(job.picture)

    @Slot(object, object)
    def _failed(self, job: Job, error: AppError) -> None:
        if self._audit.owns(job):
            self._queue.dismiss(job.id)
            self._audit.refused(job, error)
            return
        if error.code == "model-missing":
            act = partial(self._album.open_folder, self._models())
            self._herald.offer(str(error), "Show where models are looked for", act)
        elif error.code in _HOLDS:
            self._conductor.pause()
            self._herald.hold(f"{error} The queue waits.", partial(self._try_again, job))
        else:
            self._herald.tell(error)

    def _try_again(self, job: Job) -> None:
        def go_on() -> None:
            self._queue.dismiss(job.id)
            self._conductor.resume()

        self._session.finish(job, go_on)
