"""Downloads: what is being fetched from the model hub, and what waits to be."""

import enum
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QByteArray, QObject, Qt, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.library import fetch_order
from desktop_app.library.fetch_disk import free_bytes
from desktop_app.library.fetch_order import Order, Progress
from desktop_app.library.hub_files import Pick
from desktop_app.studio.background import Background
from desktop_app.studio.download_job import Download, DownloadJob, DownloadState
from desktop_app.studio.hub_desk import HubDesk
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names

if TYPE_CHECKING:
    from desktop_app.library.hub import Offer

__all__ = ["Download", "DownloadState", "Downloads", "Offer", "Pick", "Progress"]

AT_ONCE = 2
"""Downloads that run at the same time; each fetches some files side by side."""
POLL_MS = 250
END_MS = 4000


class Downloads(QAbstractListModel):
    """The downloads, oldest first. Nothing goes to the network before a verb is called.

    Signals:
        changed(): a row came, went or has another state.
        arrived(Download): a model is here.
        found_unfinished(int): so many downloads of the last session can go on.
        failed(AppError): one of them ended with this.
    """

    class Role(enum.IntEnum):
        DOWNLOAD = FIRST_ROLE
        TITLE = enum.auto()

    changed = Signal()
    arrived = Signal(object)
    found_unfinished = Signal(int)
    failed = Signal(object)

    def __init__(self, hub: HubDesk, models: Path, parent: QObject | None = None) -> None:
        """Args:
        hub: knows where models are fetched from.
        models: the folder that models are brought to.
        """
        super().__init__(parent)
        self.hub = hub
        self._models = models
        # One more than there are transfers: to keep or drop an order must not wait for them.
        self._pool = Background(self, threads=AT_ONCE + 1)
        self._pool.failed.connect(self.failed)
        self._rows: list[Download] = []
        self._transfers: dict[str, DownloadJob] = {}
        self._dropping: set[str] = set()
        self._closed = False
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    # What there is.

    @property
    def rows(self) -> tuple[Download, ...]:
        return tuple(self._rows)

    @property
    def active(self) -> int:
        """How many run or wait for their turn."""
        return sum(one.state in ("running", "waiting") for one in self._rows)

    def room(self) -> int:
        """Bytes that are free where models are put."""
        return free_bytes(self._models)

    # Verbs.

    def start(self) -> None:
        """List what the last session left; nothing of it goes on by itself."""
        self._pool.run(_kept, self._models, done=self._take_up)

    def stop(self) -> None:
        """Break off everything before the program ends; all of it can go on later."""
        self._closed = True
        self._timer.stop()
        for transfer in self._transfers.values():
            transfer.pause()
        self.hub.stop()
        self._pool.close(END_MS)

    def order(self, offer: "Offer", pick: Pick) -> None:
        """Fetch one pick of an offer; one that was begun before goes on."""
        made = fetch_order.make_order(offer, pick)
        for one in self._rows:
            same = (one.order.repo, one.order.commit, one.order.files)
            if one.state != "done" and same == (made.repo, made.commit, made.files):
                self.resume(one.id)
                return
        self._pool.run(
            fetch_order.keep_order,
            made,
            self._models,
            done=lambda _: self._add([Download(order=made, state="waiting", progress=_none(made))]),
        )

    def pause(self, number: str) -> None:
        """Break one off; what has come is kept."""
        row = self._row(number)
        if row is None:
            return
        if self._rows[row].state == "running":
            self._transfers[number].pause()
            self._set(row, state="pausing")
        elif self._rows[row].state == "waiting":
            self._set(row, state="paused")

    def resume(self, number: str) -> None:
        """Go on with one that was paused or has failed."""
        row = self._row(number)
        if row is not None and self._rows[row].state in ("paused", "failed"):
            self._set(row, state="waiting", error="")
            self._next()

    @Slot()
    def resume_all(self) -> None:
        """Go on with everything that is paused."""
        for one in self.rows:
            if one.state == "paused":
                self.resume(one.id)

    def cancel(self, number: str) -> None:
        """Forget one, with all that has come; a model that is here stays and only its row goes."""
        row = self._row(number)
        if row is None:
            return
        one = self._rows[row]
        if number in self._transfers:
            self._dropping.add(number)
            self._transfers[number].pause()
            self._set(row, state="pausing")
            return
        self._remove(row)
        if one.state != "done":
            self._pool.run(fetch_order.drop_order, one.order, self._models)

    # What comes of them.

    def _take_up(self, orders: tuple[Order, ...]) -> None:
        known = {one.id for one in self._rows}
        kept = [order for order in orders if order.id not in known]
        if not kept:
            return
        rows = [Download(order=one, state="paused", progress=_none(one)) for one in kept]
        self._add(rows)
        self._pool.run(
            lambda: {one.id: fetch_order.bytes_here(one, self._models) for one in kept},
            done=self._measured,
        )
        self.found_unfinished.emit(len(kept))

    def _measured(self, sizes: dict[str, int]) -> None:
        for number, done in sizes.items():
            row = self._row(number)
            if row is not None and self._rows[row].state == "paused":
                self._set(row, progress=replace(self._rows[row].progress, done=done))

    def _next(self) -> None:
        """Give the free places to those that wait longest."""
        for row, one in enumerate(self._rows):
            if self._closed or len(self._transfers) >= AT_ONCE:
                return
            if one.state == "waiting":
                self._begin(row)

    def _begin(self, row: int) -> None:
        order = self._rows[row].order
        try:
            way = self.hub.way()
        except AppError as error:
            self._set(row, state="failed", error=str(error))
            return
        job = DownloadJob(order, self._models, way)
        self._transfers[order.id] = job
        self._set(row, state="running", error="")
        self._pool.run(
            job.carry_out,
            done=lambda target: self._ended(order.id, target),
            failed=lambda error: self._broke(order.id, error),
        )
        self._timer.start()

    def _ended(self, number: str, target: Path | None) -> None:
        row = self._close(number)
        if row is None:
            return
        if target is not None:
            self._set(row, state="done", target=target, progress=_all(self._rows[row].order))
            self.arrived.emit(self._rows[row])
        else:
            self._set(row, state="paused")
        self._next()

    def _broke(self, number: str, error: AppError) -> None:
        row = self._close(number)
        if row is not None:
            self._set(row, state="failed", error=str(error))
            self.failed.emit(error)
            self._next()

    def _close(self, number: str) -> int | None:
        """Take a transfer's last numbers; None when its row is to go, and went."""
        transfer = self._transfers.pop(number)
        if not self._transfers:
            self._timer.stop()
        row = self._row(number)
        if row is None:
            return None
        last = replace(transfer.progress(), rate=0.0, left=None, waiting="")
        self._set(row, progress=last)
        if number in self._dropping:
            self._dropping.discard(number)
            order = self._rows[row].order
            self._remove(row)
            self._pool.run(fetch_order.drop_order, order, self._models)
            self._next()
            return None
        return row

    @Slot()
    def _poll(self) -> None:
        for number, transfer in self._transfers.items():
            row = self._row(number)
            if row is not None:
                self._set(row, progress=transfer.progress())

    # The rows.

    def _row(self, number: str) -> int | None:
        return next((i for i, one in enumerate(self._rows) if one.id == number), None)

    def _add(self, rows: list[Download]) -> None:
        first = len(self._rows)
        self.beginInsertRows(NONE, first, first + len(rows) - 1)
        self._rows += rows
        self.endInsertRows()
        self.changed.emit()
        self._next()

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(NONE, row, row)
        del self._rows[row]
        self.endRemoveRows()
        self.changed.emit()

    def _set(self, row: int, **fields: Any) -> None:
        before = self._rows[row]
        self._rows[row] = replace(before, **fields)
        if self._rows[row] == before:
            return
        index = self.index(row)
        self.dataChanged.emit(index, index)
        if self._rows[row].state != before.state:
            self.changed.emit()

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        one = self._rows[index.row()]
        match role:
            case self.Role.DOWNLOAD:
                return one
            case self.Role.TITLE | Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return one.order.title
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def _kept(models: Path) -> tuple[Order, ...]:
    fetch_order.sweep(models)
    return fetch_order.kept_orders(models)


def _none(order: Order) -> Progress:
    return Progress(done=0, total=order.size)


def _all(order: Order) -> Progress:
    return Progress(done=order.size, total=order.size, files_done=len(order.files))
