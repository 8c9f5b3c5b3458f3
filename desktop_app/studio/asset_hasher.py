"""AssetHasher: computes the hashes of models, one after the other, while nothing is rendered."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError, Cancelled
from desktop_app.library.identity import Asset
from desktop_app.studio.background import Background
from desktop_app.studio.library import LibraryModel

if TYPE_CHECKING:
    from desktop_app.library.catalog import Catalog

WAIT_MS = 2000
"""Until it is looked again whether a run has ended: it needs the processor and the disk more."""


@dataclass(kw_only=True, slots=True)
class _Word:
    """What the thread that reads is told, and tells.

    Attributes:
        stop: read no further.
        give_way: something is wanted more than what is read because it has no hash yet.
        reading: the last that was read for that reason.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    give_way: threading.Event = field(default_factory=threading.Event)
    reading: Path | None = None

    def leave_off(self) -> bool:
        return self.stop.is_set() or self.give_way.is_set()


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
        self._word = _Word()
        self._unreadable: set[Path] = set()
        self._working = False
        self._timer = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._timer.timeout.connect(self.go_on)

    @Slot()
    def go_on(self) -> None:
        """Hash what has no hash yet, models first; what cannot be read is passed over."""
        catalog = self._library.catalog
        if self._working or catalog is None or self._word.stop.is_set():
            return
        if self._rendering():
            self._timer.start()
            return
        self._working = True
        self._pool.run(
            _hash_next,
            catalog,
            self._unreadable,
            self._word,
            done=self._have_hashed,
            failed=self._broke,
        )

    def try_again(self) -> None:
        """Let what could not be read be tried once more."""
        self._unreadable.clear()

    def hash_now(self, asset: Asset, done: Callable[[Asset], None]) -> None:
        """Hash one asset before all others, because it is wanted; `done` gets it with its hash.

        What is being read gives way, for it may be large, and is read anew later.
        """
        catalog = self._library.catalog
        if catalog is None:
            return
        if asset.path != self._word.reading:
            self._word.give_way.set()
        self._pool.run(_hash, catalog, asset, self._word, done=done, failed=self.failed.emit)

    def stop(self, milliseconds: int) -> None:
        """End it, in the midst of a file too."""
        self._timer.stop()
        self._word.stop.set()
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
    catalog: "Catalog", unreadable: set[Path], word: _Word
) -> tuple[Asset | None, int] | None:
    """The next asset with its hashes, and how many are left; None when all have theirs.

    One that cannot be read stays without; the next look at the folders tells. One that gives way
    has its turn again.
    """
    waiting = [one for one in catalog.unhashed() if one.path not in unreadable]
    if not waiting:
        catalog.save()
        return None
    asset = waiting[0]
    word.reading = asset.path
    try:
        return catalog.hash(asset, stop=word.leave_off), len(waiting) - 1
    except Cancelled:
        return None, len(waiting)
    except (AppError, OSError):
        unreadable.add(asset.path)
        return None, len(waiting) - 1


def _hash(catalog: "Catalog", asset: Asset, word: _Word) -> Asset:
    word.give_way.clear()
    try:
        return catalog.hash(asset, stop=word.stop.is_set)
    except OSError as fault:
        raise AppError(
            "model-file",
            f"“{asset.name}” cannot be read: {fault.strerror or fault}.",
            path=str(asset.path),
        ) from fault
