"""Lineage: the family of a picture and its thumbnails, read in the background."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.changes import changes
from desktop_app.studio.background import Background

if TYPE_CHECKING:
    from desktop_app.store.lineage import Family, Member
    from desktop_app.studio.storage import Storage

__all__ = ["KIND_WORDS", "Family", "Lineage", "Member", "change_words"]

KIND_WORDS = {
    "variation": "varied",
    "branch": "branched",
    "explorer": "from the map",
    "grid": "cell of a grid",
    "settings": "altered",
}
_BATCH = 12


class Lineage(QObject):
    """One family at a time.

    Signals:
        loaded(Family): the family that was asked for last.
        arrived(str): the pixels' hash of a member whose thumbnail is there now.
        failed(AppError): the picture is gone.
        asked(int): the family of this picture shall be shown.
    """

    loaded = Signal(object)
    arrived = Signal(str)
    failed = Signal(object)
    asked = Signal(object)

    def __init__(self, reads: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reads = reads
        self._storage: Storage | None = None
        self._asked = 0
        self._images: dict[str, QImage] = {}

    def open(self, storage: "Storage") -> None:
        self._storage = storage

    def show(self, picture: int) -> None:
        """Read the family of a stored picture; `loaded` follows."""
        storage = self._storage
        if storage is None:
            return
        self._asked += 1
        asked = self._asked

        def done(found: "Family") -> None:
            if asked == self._asked:
                kept = {one.picture for one in found.members}
                self._images = {key: one for key, one in self._images.items() if key in kept}
                self.loaded.emit(found)
                self._read_images(found.members, asked)

        self._reads.run(_family, storage, picture, done=done, failed=self.failed.emit)

    def image(self, picture: str) -> QImage | None:
        """The thumbnail of a member; None while it is not read."""
        return self._images.get(picture)

    def _read_images(self, members: "Sequence[Member]", asked: int) -> None:
        storage = self._storage
        missing = [one for one in members if one.record and one.picture not in self._images]
        if storage is None or not missing or asked != self._asked:
            return

        def done(found: dict[str, QImage]) -> None:
            self._images |= found
            for picture in found:
                self.arrived.emit(picture)
            self._read_images(missing[_BATCH:], asked)

        self._reads.run(_thumbnails, storage, missing[:_BATCH], done=done)


def change_words(family: "Family", member: "Member") -> tuple[str, ...]:
    """What a member changed of its parent, as clauses; empty where one of them is not known."""
    parent = family.member(member.parent)
    before = parent.record.recipe if parent is not None and parent.record is not None else None
    after = member.record.recipe if member.record is not None else None
    return changes(before, after) if before is not None and after is not None else ()


def _family(storage: "Storage", picture: int) -> "Family":
    from desktop_app.store.lineage import family

    return family(storage.pictures, picture)


def _thumbnails(storage: "Storage", members: "Sequence[Member]") -> dict[str, QImage]:
    found: dict[str, QImage] = {}
    for one in members:
        if one.record is None:
            continue
        try:
            found[one.picture] = QImage.fromData(storage.thumbnail(one.record.id))
        except AppError:
            found[one.picture] = QImage()  # its file is gone; the tree says so
    return found
