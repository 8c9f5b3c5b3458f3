"""AssetHasher: computes the hashes of models, one after the other, while nothing is rendered."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.library.identity import Asset
from desktop_app.studio.background import Background
from desktop_app.studio.library import LibraryModel

if TYPE_CHECKING:
    from desktop_app.library.catalog import Catalog

WAIT_MS = 2000
"""Until it is looked again whether a run has ended: it needs the processor and the disk more."""


class AssetHasher(QObject):
    """Signals:
    hashed(Asset): it has its hashes now.
    left(int): so many assets still have none; 0 when all have one. After `hashed`.
    failed(AppError)
    """

    hashed = Signal(object)
    left = Signal(int)
    failed = Signal(object)

    def __init__(
        self, library: LibraryModel, rendering: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        """Args:
        rendering: whether a picture is being made.
        """
        super().__init__(parent)
        self._library, self._rendering = library, rendering
        self._pool = Background(self, threads=1)
        self._stop = threading.Event()
        self._unreadable: set[Path] = set()
        self._working = False
        self._timer = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._timer.timeout.connect(self.go_on)

    @Slot()
    def go_on(self) -> None:
        """Hash what has no hash yet, models first; what cannot be read is passed over."""
        catalog = self._library.catalog
        if self._working or catalog is None or self._stop.is_set():
            return
        if self._rendering():
            self._timer.start()
            return
        self._working = True
        self._pool.run(
            _hash_next,
            catalog,
            self._unreadable,
            self._stop,
            done=self._have_hashed,
            failed=self._broke,
        )

    def try_again(self) -> None:
        """Let what could not be read be tried once more."""
        self._unreadable.clear()

    def hash_now(self, asset: Asset, done: Callable[[Asset], None]) -> None:
        """Hash one asset before all others that wait; `done` gets it with its hash."""
        catalog = self._library.catalog
        if catalog is not None:
            self._pool.run(_hash, catalog, asset, self._stop, done=done, failed=self.failed.emit)

    def stop(self, milliseconds: int) -> None:
        """End it, in the midst of a file too."""
        self._timer.stop()
        self._stop.set()
        self._pool.close(milliseconds)

    def _have_hashed(self, done: tuple[Asset | None, int] | None) -> None:
        self._working = False
        if done is None:
            self.left.emit(0)
            return
        asset, count = done
        if asset is not None:
            self.hashed.emit(asset)
        self.left.emit(count)
        self.go_on()

    def _broke(self, error: AppError) -> None:
        self._working = False
        self.failed.emit(error)


def _hash_next(
    catalog: "Catalog", unreadable: set[Path], stop: threading.Event
) -> tuple[Asset | None, int] | None:
    """The next asset with its hashes, and how many are left; None when all have theirs.

    One that cannot be read stays without; the next look at the folders tells.
    """
    waiting = [one for one in catalog.unhashed() if one.path not in unreadable]
    if not waiting:
        catalog.save()
        return None
    asset = waiting[0]
    try:
        return catalog.hash(asset, stop=stop.is_set), len(waiting) - 1
    except (AppError, OSError):
        unreadable.add(asset.path)
        return None, len(waiting) - 1


def _hash(catalog: "Catalog", asset: Asset, stop: threading.Event) -> Asset:
    try:
        return catalog.hash(asset, stop=stop.is_set)
    except OSError as fault:
        raise AppError(
            "model-file",
            f"“{asset.name}” cannot be read: {fault.strerror or fault}.",
            path=str(asset.path),
        ) from fault
