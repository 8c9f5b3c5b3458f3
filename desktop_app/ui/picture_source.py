"""Full pictures for the canvas: read from their files in the background, the last few kept."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QImageReader

from desktop_app.errors import AppError
from desktop_app.studio.background import Background
from desktop_app.ui.canvas_paint import halves

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_app.studio.values import Record

KEPT_BYTES = 400_000_000
MEGABYTES_MAX = 1024
"""What one file may take when unpacked: a small file can claim to be of any size."""

Levels = tuple[QImage, ...]


def read_levels(path: "Path") -> Levels:
    """The picture in a file with its halves; runs in a thread.

    Raises:
        AppError: `picture-unreadable`.
    """
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setAllocationLimit(MEGABYTES_MAX)
    image = reader.read()
    if image.isNull():
        raise AppError(
            "picture-unreadable",
            f"{path.name} cannot be shown: {reader.errorString()}.",
            hint="It may have been moved or changed by another program.",
            path=str(path),
        )
    return halves(image.convertToFormat(QImage.Format.Format_RGB32))


class PictureSource(QObject):
    """Pictures by record; what is asked for and not there yet arrives later.

    Signals:
        loaded(int): the number of a picture that `levels` has now, or that cannot be read.
    """

    loaded = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Its own pool: a picture must not wait behind thumbnails. One thread keeps the disk calm.
        self._pool = Background(self)
        self._kept: OrderedDict[int, Levels] = OrderedDict()
        self._asked: set[int] = set()
        self._broken: dict[int, str] = {}

    def levels(self, record: "Record") -> Levels | None:
        """The picture and its halves; None while it is being read or when it cannot be."""
        found = self._kept.get(record.id)
        if found is not None:
            self._kept.move_to_end(record.id)
        elif record.id not in self._asked and record.id not in self._broken:
            self._asked.add(record.id)
            self._pool.run(
                read_levels,
                record.path,
                done=lambda levels, number=record.id: self._arrived(number, levels),
                failed=lambda error, number=record.id: self._refused(number, error),
            )
        return found

    def problem(self, record: "Record") -> str:
        """Why its file cannot be shown; empty when it can, or when that is not known yet."""
        return self._broken.get(record.id, "")

    def forget(self, pictures: Iterable[int]) -> None:
        """These went away; should they come back, they are read anew."""
        for number in pictures:
            self._kept.pop(number, None)
            self._broken.pop(number, None)

    def close(self) -> None:
        """Wait for what is being read; nothing arrives any more."""
        self._pool.close()

    def _arrived(self, number: int, levels: Levels) -> None:
        self._asked.discard(number)
        self._kept[number] = levels
        size = sum(level.sizeInBytes() for each in self._kept.values() for level in each)
        while size > KEPT_BYTES and len(self._kept) > 2:
            _, dropped = self._kept.popitem(last=False)
            size -= sum(level.sizeInBytes() for level in dropped)
        self.loaded.emit(number)

    def _refused(self, number: int, error: AppError) -> None:
        self._asked.discard(number)
        self._broken[number] = str(error)
        self.loaded.emit(number)
