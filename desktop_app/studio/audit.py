"""Audit: verifies many pictures in one go, when nothing else waits, and keeps the report."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.recipe.causes import causes
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.orders import Orders
from desktop_app.studio.originals import proof_in, proof_of
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict
    from desktop_app.store.report import ReportRow
    from desktop_app.studio.storage import Storage

FILES_MAX = 20_000
ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp"})
WAITING, RUNNING = "waiting", "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One picture of an audit.

    Attributes:
        picture: its number in the gallery; None for a file elsewhere.
        result: `waiting`, `running`, or a key of `store.report.RESULTS`.
        largest: difference of a channel, 0 ... 255; -1 where it is not known.
        cause: why it differs or could not be made.
        job: the number of its job; 0 for none.
    """

    path: Path
    picture: int | None = None
    result: str = WAITING
    largest: int = -1
    cause: str = ""
    model: str = ""
    job: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    rows: tuple[Row, ...]
    jobs: tuple[Job | None, ...]


class Audit(QObject):
    """One audit at a time; a new one takes the place of one that is over.

    Signals:
        changed(): rows have other results, or there are other rows.
        begun(): there is a new one.
        finished(): nothing of it is left to do.
        failed(AppError): it could not be begun, or the report not written.
    """

    changed = Signal()
    begun = Signal()
    finished = Signal()
    failed = Signal(object)

    def __init__(
        self, orders: Orders, queue: QueueModel, disk: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._orders = orders
        self._queue = queue
        self._disk = disk
        self._storage: Storage | None = None
        self._rows: list[Row] = []
        self._reading = False
        self._places: dict[int, int] = {}
        self._asked = itertools.count(1)
        self._current = 0
        queue.state_changed.connect(self._follow)

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def done(self) -> int:
        """How many pictures have a result."""
        return sum(row.result not in (WAITING, RUNNING) for row in self._rows)

    @property
    def busy(self) -> bool:
        """Whether it is under way."""
        return self._reading or self.done < len(self._rows)

    def open(self, storage: "Storage") -> None:
        self._storage = storage

    def owns(self, job: Job) -> bool:
        """Whether a job is one of this audit's."""
        return job.id in self._places

    def pictures(self, ids: Iterable[int]) -> None:
        """Verify pictures of the gallery, in this order."""
        storage = self._storage
        if storage is not None:
            self._begin(lambda: _of_gallery(storage, tuple(dict.fromkeys(ids))))

    def folder(self, folder: Path) -> None:
        """Verify the pictures in a folder and in the folders inside of it."""
        self._begin(lambda: _of_folder(folder))

    @Slot()
    def cancel(self) -> None:
        """Leave what is not done yet; what is done stays in the report."""
        self._current = next(self._asked)
        self._reading = False
        for place, row in enumerate(self._rows):
            if row.result in (WAITING, RUNNING):
                self._rows[place] = replace(row, result="cancelled")
        self._queue.drop(list(self._places))
        self.changed.emit()
        self.finished.emit()

    def report(self) -> "tuple[ReportRow, ...]":
        """The rows as they are written and counted."""
        from desktop_app.store.report import ReportRow

        return tuple(
            ReportRow(
                path=str(row.path),
                result="cancelled" if row.result in (WAITING, RUNNING) else row.result,
                largest=row.largest,
                cause=row.cause,
                model=row.model,
            )
            for row in self._rows
        )

    def summary(self) -> str:
        """One sentence about what is done so far."""
        from desktop_app.store.report import summary

        rows = [
            one
            for one, row in zip(self.report(), self._rows, strict=True)
            if row.result not in (WAITING, RUNNING)
        ]
        return summary(rows)

    def save(self, path: Path, here: str) -> None:
        """Write the report as its ending says: `.html`, `.csv` or `.txt`.

        Args:
            here: what verified the pictures, in one line.
        """
        from desktop_app.store import report

        made = datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        rows = self.report()
        self._disk.run(
            lambda: report.write(path, rows, made=made, here=here), failed=self.failed.emit
        )

    def judged(self, job: Job, verdict: "Verdict") -> None:
        """A picture was made again."""
        place = self._places.get(job.id)
        if place is None:
            return
        evidence = verdict.evidence
        found = causes(evidence.then, evidence.now) if evidence is not None else ()
        cause = f"{found[0].sentence} {found[0].remedy}" if found else ""
        if verdict.kind == "identical" and verdict.file_changed:
            cause = "It can be made again, but its file no longer holds the pixels it had."
        changed = verdict.kind == "identical" and verdict.file_changed
        result = "changed" if changed else verdict.kind
        self._set(place, result=result, largest=verdict.largest, cause=cause)

    def refused(self, job: Job, error: AppError) -> None:
        """A picture could not be made again."""
        place = self._places.get(job.id)
        if place is not None:
            self._set(place, result="failed", cause=str(error))

    def _begin(self, find: Callable[[], _Found]) -> None:
        if self.busy:
            self.cancel()
        self._current = asked = next(self._asked)
        self._reading = True
        self._rows, self._places = [], {}
        self.changed.emit()
        self.begun.emit()

        def found(what: _Found) -> None:
            if asked == self._current:
                self._order(what)

        def failed(error: AppError) -> None:
            if asked == self._current:
                self._reading = False
                self.failed.emit(error)
                self.changed.emit()
                self.finished.emit()

        self._disk.run(find, done=found, failed=failed)

    def _order(self, found: _Found) -> None:
        self._reading = False
        self._rows = list(found.rows)
        places = [place for place, job in enumerate(found.jobs) if job is not None]
        numbers = self._orders.reserve(len(places))
        jobs: list[Job] = []
        for place, number in zip(places, numbers, strict=True):
            job = found.jobs[place]
            assert job is not None
            self._places[number] = place
            self._rows[place] = replace(self._rows[place], job=number)
            jobs.append(replace(job, id=number))
        self.changed.emit()
        self._orders.audit(jobs)
        if not self.busy:
            self.finished.emit()

    @Slot(object)
    def _follow(self, job: Job) -> None:
        place = self._places.get(job.id)
        if place is None or self._rows[place].result not in (WAITING, RUNNING):
            return
        if job.state == "running":
            self._set(place, result=RUNNING)
        elif job.state == "cancelled" and self._rows[place].result == RUNNING:
            # Who stops the work does not want the next picture to begin.
            self.cancel()
        elif job.state == "cancelled":
            self._set(place, result="cancelled")

    def _set(self, place: int, **fields: Any) -> None:
        was = self.busy
        self._rows[place] = replace(self._rows[place], **fields)
        self.changed.emit()
        if was and not self.busy:
            self.finished.emit()


def _of_gallery(storage: "Storage", pictures: tuple[int, ...]) -> _Found:
    rows: list[Row] = []
    jobs: list[Job | None] = []
    for record in storage.records(pictures):
        row = Row(path=record.path, picture=record.id)
        try:
            recipe, _ = proof_of(record.recipe, record.provenance)
        except AppError as error:
            rows.append(replace(row, result="unproved", cause=error.sentence))
            jobs.append(None)
        else:
            rows.append(replace(row, model=recipe.model.name))
            jobs.append(_job(recipe, picture=record.id))
    return _Found(rows=tuple(rows), jobs=tuple(jobs))


def _of_folder(folder: Path) -> _Found:
    paths = sorted(
        path
        for path in itertools.islice(folder.rglob("*"), FILES_MAX)
        if path.suffix.lower() in ENDINGS and path.is_file()
    )
    if not paths:
        raise AppError("no-pictures", f"There are no pictures in {folder.name or folder}.")
    rows: list[Row] = []
    jobs: list[Job | None] = []
    for path in paths:
        row = Row(path=path)
        try:
            recipe, _ = proof_in(path)
        except AppError as error:
            rows.append(replace(row, result="unproved", cause=error.sentence))
            jobs.append(None)
        else:
            rows.append(replace(row, model=recipe.model.name))
            jobs.append(_job(recipe, path=path))
    return _Found(rows=tuple(rows), jobs=tuple(jobs))


def _job(recipe: Recipe, *, picture: int | None = None, path: Path | None = None) -> Job:
    return Job(id=0, run=0, kind="verify", recipe=recipe, picture=picture, path=path, low=True)
