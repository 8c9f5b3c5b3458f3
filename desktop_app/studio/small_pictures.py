"""SmallPictures: what a preset or a seed looks like: a picture of the gallery, or the noise."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import FromNoise
from desktop_app.studio.background import Background
from desktop_app.studio.kept_images import KeptImages
from desktop_app.studio.local_engine import draw_noise
from desktop_app.studio.qimage import to_qimage

if TYPE_CHECKING:
    from desktop_app.studio.storage import Storage

log = logging.getLogger(__name__)
BYTES_MAX = 48 * 2**20
BATCH = 24
FILES_MAX = 2000
"""Pictures of noise that are kept on the disk."""

Noise = tuple[int, FromNoise, int, int]
"""Seed, what is mixed in, width and height in pixels."""


class SmallPictures(QObject):
    """Thumbnails by the hash of their picture's pixels, and pictures of noise; made when asked for.

    Signals:
        arrived(): something that was asked for is there now.
    """

    arrived = Signal()

    def __init__(self, reads: Background, cache: Path, parent: QObject | None = None) -> None:
        """Args:
        cache: folder for pictures of noise; it may be lost at any time.
        """
        super().__init__(parent)
        self._reads = reads
        self._cache = cache / "noise"
        self._storage: Storage | None = None
        self._drawing = False
        self._images = KeptImages[str | Noise](BYTES_MAX)
        self._absent: set[str] = set()
        self._wanted: OrderedDict[str | Noise, None] = OrderedDict()
        self._loading = False

    def open(self, storage: "Storage") -> None:
        """The store is open: thumbnails can be read."""
        self._storage = storage
        self._reads.run(_prune, self._cache)
        self.arrived.emit()

    def engine_ready(self, state: str) -> None:
        """The engine is in memory, so noise can be drawn."""
        if state == "ready" and not self._drawing:
            self._drawing = True
            self.arrived.emit()

    def look_again(self) -> None:
        """There are other pictures in the gallery now."""
        self._absent.clear()

    def sample(self, hashes: Sequence[str]) -> QImage | None:
        """The first of these pictures that the gallery has; None if it has none, or not yet."""
        for one in hashes:
            image = self._images.get(one)
            if image is not None:
                return image
            if one not in self._absent:
                if self._storage is not None:
                    self._want(one)
                return None
        return None

    def has_none(self, hashes: Sequence[str]) -> bool:
        """Whether it is known that the gallery has none of these pictures."""
        return all(one in self._absent for one in hashes)

    def noise(self, noise: Noise) -> QImage | None:
        """The noise that a seed begins with; None while it is not drawn."""
        image = self._images.get(noise)
        if image is None and self._drawing:
            self._want(noise)
        return image

    def _want(self, key: str | Noise) -> None:
        self._wanted[key] = None
        self._wanted.move_to_end(key)
        self._load()

    def _load(self) -> None:
        if self._loading or not self._wanted:
            return
        self._loading = True
        batch = [self._wanted.popitem()[0] for _ in range(min(BATCH, len(self._wanted)))]
        self._reads.run(
            _load, self._storage, self._cache, batch, done=self._loaded, failed=self._not_loaded
        )

    def _loaded(self, found: "list[tuple[str | Noise, QImage]]") -> None:
        self._loading = False
        for key, image in found:
            if image.isNull():
                if isinstance(key, str):
                    self._absent.add(key)
                continue
            self._images.put(key, image)
        self.arrived.emit()
        self._load()

    def _not_loaded(self, error: AppError) -> None:
        self._loading = False
        log.warning("small pictures: %s", error)


def _load(
    storage: "Storage | None", cache: Path, keys: "Iterable[str | Noise]"
) -> "list[tuple[str | Noise, QImage]]":
    found: list[tuple[str | Noise, QImage]] = []
    keys = [*keys]
    hashes = [key for key in keys if isinstance(key, str)]
    known = storage.pictures_with(hashes) if storage is not None and hashes else {}
    for key in keys:
        if not isinstance(key, str):
            found.append((key, _noise(cache, key)))
        elif storage is not None and key in known:
            try:
                found.append((key, QImage.fromData(storage.thumbnail(known[key]))))
            except AppError as error:
                log.info("no thumbnail: %s", error)
                found.append((key, QImage()))
        else:
            found.append((key, QImage()))
    return found


def _noise(cache: Path, noise: Noise) -> QImage:
    path = cache / f"{hashlib.sha256(repr(noise).encode()).hexdigest()[:32]}.png"
    image = QImage(str(path)) if path.exists() else QImage()
    if image.isNull() or max(image.width(), image.height()) > 512:
        image = to_qimage(draw_noise(*noise))
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError:
            return image  # drawn again at the next start
        image.save(str(path))
    return image


def _prune(cache: Path) -> None:
    """Keep the newest pictures of noise."""
    try:
        files = [(path.stat().st_mtime, path) for path in cache.glob("*.png")]
        for _, path in sorted(files)[:-FILES_MAX]:
            path.unlink(missing_ok=True)
    except OSError:
        return  # a cache that is in use or gone
