"""Session: opens the store in the background, and offers what the last session left undone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError, Cancelled
from desktop_app.paths import Paths
from desktop_app.studio import leftovers
from desktop_app.studio.background import Background
from desktop_app.studio.leftovers import Leftovers
from desktop_app.studio.orders import Orders
from desktop_app.studio.storage import Storage
from desktop_app.studio.values import Job, Notice

if TYPE_CHECKING:
    from desktop_app.store.reindex import Reindexed


class Session(QObject):
    """From the first paint to the end: the store, and the notices about how it was found.

    Signals:
        opened(Storage): the store can be used.
        indexed(): files were found, or found gone, that the index did not know of.
        notice(Notice): what the artist should know or may take up again.
    """

    opened = Signal(object)
    indexed = Signal()
    notice = Signal(object)

    def __init__(
        self,
        paths: Paths,
        pictures: Callable[[], Path],
        orders: Orders,
        disk: Background,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        """Args:
        pictures: where new pictures go, asked when the store is opened.
        """
        super().__init__(parent)
        self._paths = paths
        self._pictures = pictures
        self._orders = orders
        self._disk = disk
        self._reads = reads
        self._storage: Storage | None = None
        self._closing = False

    @Slot()
    def start(self) -> None:
        """Open the store, in the background; a notice offers to try again when it fails."""
        self._disk.run(
            Storage, self._paths, self._pictures(), done=self._opened, failed=self._not_opened
        )

    def stop(self) -> None:
        """Let go of reading the pictures folder; it goes on where it was at the next start."""
        self._closing = True

    def close(self) -> None:
        """Close the store; only when no thread uses it any more."""
        if self._storage is not None:
            self._storage.close()
            self._storage = None

    def finish(self, job: Job, done: Callable[[], None]) -> None:
        """Take up the latent of a picture that could not be saved, if it was kept; then `done`."""
        storage = self._storage
        if storage is None:
            return

        def found(left: Leftovers) -> None:
            token = next((name for name, recipe, _ in left.latents if recipe == job.recipe), "")
            if token:
                self._orders.finish(job.recipe, token, job.origin)
            done()

        self._disk.run(leftovers.find, storage, done=found)

    def _opened(self, storage: Storage) -> None:
        self._storage = storage
        if storage.put_aside is not None:
            self.notice.emit(
                Notice(
                    text="The gallery's index was damaged and is made anew from the pictures. "
                    f"The old one is kept as {storage.put_aside}",
                    kind="warn",
                    seconds=0,
                )
            )
        self.opened.emit(storage)
        self._disk.run(leftovers.find, storage, done=self._offer)
        self._reads.run(self._index, storage, done=self._indexed)

    def _not_opened(self, error: AppError) -> None:
        self.notice.emit(
            Notice(text=str(error), kind="bad", action="Try again", act=self.start, seconds=0)
        )

    def _index(self, storage: Storage) -> "Reindexed":
        return storage.rebuild_index(self._progress)

    def _progress(self, done: int, count: int) -> None:
        if self._closing:
            raise Cancelled

    def _indexed(self, found: "Reindexed") -> None:
        self.indexed.emit()

    def _offer(self, left: Leftovers) -> None:
        # The disk's tasks answer in their order, so the styles are known by now.
        if self._storage is not None:
            self._orders.open(self._storage)

        def finish() -> None:
            for token, recipe, origin in left.latents:
                self._orders.finish(recipe, token, origin)
            for number in left.covered:
                if self._storage is not None:
                    self._storage.note_job(number, "done", "")

        def go_on() -> None:
            self._orders.again(left.waiting)

        for notice in leftovers.offers(left, go_on, finish, self._forget):
            self.notice.emit(notice)

    def _forget(self, left: Leftovers) -> None:
        if self._storage is not None:
            self._disk.run(leftovers.drop, self._storage, left)
