"""QueueModel: the jobs and their states; hands the thread one job at a time."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QObject,
    Qt,
    Signal,
)

from desktop_app.errors import AppError
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names
from desktop_app.studio.values import Job, JobState

TITLE_MAX = 120


class QueueModel(QAbstractListModel):
    """Jobs in the order in which they are done: the running one, the waiting ones, failed ones.

    Those of low priority are done when no other waits.

    Pictures that are done leave the list; jobs that failed stay until they are dismissed.

    Signals:
        counts_changed(): how many jobs wait or run.
        submitted(Job): the thread should do this one now.
        state_changed(Job): a job has a new state; what is kept of the queue should follow.
    """

    class Role(enum.IntEnum):
        JOB = FIRST_ROLE
        TITLE = enum.auto()

    counts_changed = Signal()
    submitted = Signal(object)
    state_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []
        self._runs: dict[int, list[Job]] = {}
        self._running: Job | None = None
        self._held = True

    @property
    def active(self) -> int:
        """How many jobs wait or run."""
        return sum(job.state in ("waiting", "running") for job in self._jobs)

    @property
    def running(self) -> Job | None:
        """The job that the thread has; None while it is idle."""
        return self._running

    def jobs(self) -> list[Job]:
        return list(self._jobs)

    def job(self, job_id: int) -> Job | None:
        return next((job for job in self._jobs if job.id == job_id), None)

    def run_of(self, job: Job) -> tuple[Job, ...]:
        """All jobs of a job's run, in order, also those that are done."""
        return tuple(self._runs.get(job.run, (job,)))

    def add(self, jobs: Iterable[Job]) -> None:
        """Put jobs at the end, and start the first if the thread is idle."""
        new = list(jobs)
        if not new:
            return
        for job in new:
            self._runs.setdefault(job.run, []).append(job)
        at = len(self._jobs)
        self.beginInsertRows(NONE, at, at + len(new) - 1)
        self._jobs.extend(new)
        self.endInsertRows()
        self.counts_changed.emit()
        self._next()

    def hold(self, on: bool) -> None:
        """Hand out no more jobs (engine not ready, disk full), or go on."""
        self._held = on
        self._next()

    @property
    def held(self) -> bool:
        return self._held

    def progress(self, value: float) -> None:
        """Of the running job, 0 ... 1."""
        if self._running is not None:
            self._change(self._running.id, progress=value)

    def became(self, job_id: int, picture: int) -> None:
        """The job's picture is stored."""
        self._change(job_id, state="done", progress=1.0, picture=picture)

    def fail(self, job_id: int, error: AppError) -> None:
        """The job ended without a picture; it stays in the list with the reason."""
        self._change(job_id, state="failed", error=str(error))

    def mark(self, job_id: int, state: JobState) -> None:
        self._change(job_id, state=state)

    def ended(self, job_id: int) -> None:
        """The thread is free again: take the job off the list and start the next one."""
        if self._running is None or self._running.id != job_id:
            return
        self._running = None
        job = self.job(job_id)
        if job is not None and job.state == "running":
            self._change(job_id, state="done")
        self._sweep(lambda one: one.id == job_id and one.state != "failed")
        self._next()

    def drop(self, job_ids: Iterable[int]) -> list[Job]:
        """Take waiting jobs off the list; returns them, as cancelled ones."""
        ids = set(job_ids)
        gone = [job for job in self._jobs if job.id in ids and job.state == "waiting"]
        for job in gone:
            self._change(job.id, state="cancelled")
        self._sweep(lambda one: one.id in ids and one.state == "cancelled")
        return gone

    def dismiss(self, job_id: int) -> None:
        """Take a failed job off the list."""
        self._sweep(lambda one: one.id == job_id and one.state == "failed")

    def _next(self) -> None:
        if self._held or self._running is not None:
            return
        waiting = [one for one in self._jobs if one.state == "waiting"]
        if not waiting:
            return
        job = next((one for one in waiting if not one.low), waiting[0])
        self._change(job.id, state="running")
        self._running = self.job(job.id)
        self.submitted.emit(self._running)

    def _change(self, job_id: int, **fields: Any) -> None:
        for row, old in enumerate(self._jobs):
            if old.id != job_id:
                continue
            new = replace(old, **fields)
            if new == old:
                return
            self._jobs[row] = new
            run = self._runs.get(new.run, [])
            self._runs[new.run] = [new if one.id == job_id else one for one in run]
            if self._running is not None and self._running.id == job_id:
                self._running = new
            self.dataChanged.emit(self.index(row), self.index(row))
            if new.state != old.state:
                self.state_changed.emit(new)
                self.counts_changed.emit()
            return

    def _sweep(self, goes: Callable[[Job], bool]) -> None:
        for row in reversed(range(len(self._jobs))):
            if goes(self._jobs[row]):
                self.beginRemoveRows(NONE, row, row)
                del self._jobs[row]
                self.endRemoveRows()
        kept = {job.run for job in self._jobs}
        # The last run is still shown on the canvas when its jobs have left the list.
        for run in [run for run in self._runs if run not in kept][:-1]:
            del self._runs[run]

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._jobs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        job = self._jobs[index.row()]
        match role:
            case self.Role.JOB:
                return job
            case self.Role.TITLE | Qt.ItemDataRole.DisplayRole:
                return title(job)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{title(job)}, {job.state}"
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def title(job: Job) -> str:
    """The prompt on one line, cut at a length that a list can show."""
    words = " ".join(job.recipe.prompt.split())
    return words if len(words) <= TITLE_MAX else words[: TITLE_MAX - 1] + "…"
