"""KeptImages: pictures that were read or made once, as many as fit into so much memory."""

from collections import OrderedDict
from typing import Generic, TypeVar

from PySide6.QtGui import QImage

K = TypeVar("K")


class KeptImages(Generic[K]):
    """Images by key. Those that were not asked for the longest make room; the newest always stays.

    Args:
        limit: bytes of all of them together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._images: OrderedDict[K, QImage] = OrderedDict()
        self._bytes = 0

    def get(self, key: K) -> QImage | None:
        """None for one that is not kept, or not any more."""
        image = self._images.get(key)
        if image is not None:
            self._images.move_to_end(key)
        return image

    def put(self, key: K, image: QImage) -> None:
        """Keep an image; an earlier one of this key goes."""
        self.drop(key)
        self._images[key] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > self._limit and len(self._images) > 1:
            self.drop(next(iter(self._images)))

    def drop(self, key: K) -> None:
        """Keep it no longer."""
        image = self._images.pop(key, None)
        if image is not None:
            self._bytes -= image.sizeInBytes()
