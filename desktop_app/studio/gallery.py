"""GalleryModel: the pictures, newest first; numbers in memory, records and thumbnails on demand."""

import enum
import logging
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.studio.background import Background
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names
from desktop_app.studio.kept_images import KeptImages
from desktop_app.studio.values import Found

if TYPE_CHECKING:
    from desktop_app.store.pictures import Record
    from desktop_app.studio.storage import Storage

log = logging.getLogger(__name__)
THUMBNAIL_BYTES = 96 * 2**20
RECORDS_MAX = 5000
BATCH = 24
"""Pictures that one task in the background loads: about a row of the gallery."""
WANTED_MAX = 240
MOVES_MAX = 400
"""Above this many changes at once a reset is quicker than telling every row."""


class GalleryModel(QAbstractListModel):
    """The pictures that a search finds; all of them without one.

    `data` never touches the disk: it answers with what is there and orders the rest, which
    arrives with `dataChanged`.

    Signals:
        total_changed(int): how many rows there are.
        query_problem(str): which filters of the search mean nothing; empty when all do.
        failed(AppError): the store could not be read.
    """

    class Role(enum.IntEnum):
        ID = FIRST_ROLE
        RECORD = enum.auto()
        THUMBNAIL = enum.auto()
        FAVOURITE = enum.auto()
        RATING = enum.auto()
        VERIFIED = enum.auto()
        TITLE = enum.auto()

    total_changed = Signal(int)
    query_problem = Signal(str)
    failed = Signal(object)

    def __init__(self, reads: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reads = reads
        self._storage: Storage | None = None
        # Ascending, so that a new picture is appended and every other one is found by halving;
        # row r is the number at -1 - r.
        self._ids: list[int] = []
        self._records: OrderedDict[int, Record] = OrderedDict()
        self._images = KeptImages[int](THUMBNAIL_BYTES)
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._loading = False
        self._absent: set[int] = set()
        self._query = ""
        self._asked = 0
        self._answered = 0
        self.count_all = 0
        """Pictures in the store, whatever is searched for; as of the last time it was read."""

    @property
    def ready(self) -> bool:
        """Whether it is known which pictures there are."""
        return self._answered > 0

    @property
    def query(self) -> str:
        return self._query

    @property
    def total(self) -> int:
        return len(self._ids)

    def open(self, storage: "Storage") -> None:
        """The store is open: show what is in it."""
        self._storage = storage
        self.refresh()

    def set_query(self, text: str) -> None:
        """Search; an empty text shows everything."""
        if text.strip() != self._query:
            self._query = text.strip()
            self.refresh()

    def refresh(self) -> None:
        """Read again which pictures there are; rows that stay keep their place and selection."""
        if self._storage is None:
            return
        self._asked += 1
        asked = self._asked

        def done(found: Found) -> None:
            if asked == self._asked:
                self._answered = asked
                self._found(found)

        self._reads.run(self._storage.search, self._query, done=done, failed=self.failed.emit)

    def _refresh_if_asked(self) -> None:
        """Ask anew when an answer is on its way, for it may be from before the last change."""
        if self._asked != self._answered:
            self.refresh()

    def id_at(self, row: int) -> int | None:
        return self._ids[-1 - row] if 0 <= row < len(self._ids) else None

    def index_of(self, picture: int) -> QModelIndex:
        """The place of a picture; an invalid index when the search does not find it."""
        place = bisect_left(self._ids, picture)
        there = place < len(self._ids) and self._ids[place] == picture
        return self.index(len(self._ids) - 1 - place) if there else QModelIndex()

    def record_of(self, picture: int) -> "Record | None":
        """One picture's record, read from the store if it is not at hand; None if it is gone."""
        record = self._records.get(picture)
        if record is not None or self._storage is None:
            return record
        try:
            record = self._storage.record(picture)
        except AppError as error:
            self.failed.emit(error)
            return None
        self._remember(record)
        return record

    def path_of(self, picture: int) -> Path | None:
        record = self.record_of(picture)
        return record.path if record is not None else None

    def add(self, record: "Record") -> None:
        """A picture was stored: show it first, or where the search has it."""
        self._remember(record)
        if self._query or self.index_of(record.id).isValid():
            self.refresh()
            return
        self.count_all += 1
        self._insert_rows([record.id])
        self.total_changed.emit(self.total)
        self._refresh_if_asked()

    def bring_back(self, pictures: Sequence[int]) -> None:
        """Pictures came out of the trash."""
        if self._query:
            self.refresh()
            return
        self.count_all += len(pictures)
        self._insert_rows(one for one in pictures if not self.index_of(one).isValid())
        self.total_changed.emit(self.total)
        self._refresh_if_asked()

    def update(self, records: Sequence["Record"]) -> None:
        """Pictures have another star, rating or badge."""
        for record in records:
            self._remember(record)
            index = self.index_of(record.id)
            if index.isValid():
                self.dataChanged.emit(index, index)
        if self._query and records:
            # The search may be about what was changed.
            self.refresh()

    def remove(self, pictures: Sequence[int]) -> None:
        """Pictures are gone; take their rows away."""
        self._remove_rows(one for one in set(pictures) if self.index_of(one).isValid())
        self.count_all -= len(set(pictures))
        self.total_changed.emit(self.total)
        for picture in pictures:
            self._records.pop(picture, None)
            self._images.drop(picture)
        self._refresh_if_asked()

    def _found(self, found: Found) -> None:
        self.count_all = found.count_all
        ignored = ", ".join(found.ignored)
        self.query_problem.emit(f"Not understood: {ignored}" if ignored else "")
        self._absent.clear()
        self._apply(sorted(found.ids))

    def _apply(self, ids: list[int]) -> None:
        """Make the rows those of `ids` (ascending) with as few words to the views as can be."""
        if ids != self._ids:
            wanted, had = set(ids), set(self._ids)
            gone, new = had - wanted, wanted - had
            if not self._ids or len(gone) + len(new) > MOVES_MAX:
                self.beginResetModel()
                self._ids = ids
                self.endResetModel()
            else:
                self._remove_rows(gone)
                self._insert_rows(new)
        self.total_changed.emit(self.total)

    def _remove_rows(self, gone: Iterable[int]) -> None:
        for picture in sorted(gone):
            place = bisect_left(self._ids, picture)
            row = len(self._ids) - 1 - place
            self.beginRemoveRows(NONE, row, row)
            del self._ids[place]
            self.endRemoveRows()

    def _insert_rows(self, new: Iterable[int]) -> None:
        for picture in sorted(new):
            place = bisect_left(self._ids, picture)
            row = len(self._ids) - place
            self.beginInsertRows(NONE, row, row)
            self._ids.insert(place, picture)
            self.endInsertRows()

    def _want(self, picture: int) -> None:
        if self._storage is None or picture in self._absent:
            return
        # The last ones asked for are those on the screen now.
        self._wanted[picture] = None
        self._wanted.move_to_end(picture)
        while len(self._wanted) > WANTED_MAX:
            self._wanted.popitem(last=False)
        self._load()

    def _load(self) -> None:
        if self._loading or not self._wanted or self._storage is None:
            return
        self._loading = True
        batch = [self._wanted.popitem()[0] for _ in range(min(BATCH, len(self._wanted)))]
        self._reads.run(_load, self._storage, batch, done=self._loaded, failed=self._not_loaded)

    def _loaded(self, rows: "list[tuple[int, Record | None, QImage]]") -> None:
        self._loading = False
        for picture, record, image in rows:
            if record is None:
                self._absent.add(picture)
                continue
            self._remember(record)
            self._images.put(picture, image)
            index = self.index_of(picture)
            if index.isValid():
                self.dataChanged.emit(index, index)
        self._load()

    def _not_loaded(self, error: AppError) -> None:
        self._loading = False
        self._wanted.clear()
        self.failed.emit(error)

    def _remember(self, record: "Record") -> None:
        self._records[record.id] = record
        self._records.move_to_end(record.id)
        while len(self._records) > RECORDS_MAX:
            self._records.popitem(last=False)

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        picture = self._ids[-1 - index.row()]
        match role:
            case self.Role.ID:
                return picture
            case self.Role.THUMBNAIL:
                return self._thumbnail(picture)
            case (
                self.Role.RECORD
                | self.Role.FAVOURITE
                | self.Role.RATING
                | self.Role.VERIFIED
                | self.Role.TITLE
                | Qt.ItemDataRole.AccessibleTextRole
            ):
                return self._of_record(picture, role)
            case _:
                return None

    def _thumbnail(self, picture: int) -> QImage | None:
        image = self._images.get(picture)
        if image is None:
            self._want(picture)
        return image

    def _of_record(self, picture: int, role: int) -> Any:
        record = self._records.get(picture)
        if record is None:
            self._want(picture)
        match role:
            case self.Role.RECORD:
                return record
            case self.Role.FAVOURITE:
                return record is not None and record.favourite
            case self.Role.RATING:
                return record.rating if record is not None else 0
            case self.Role.VERIFIED:
                return record.verified if record is not None else ""
            case _:
                return _title(record)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        paths = [self.path_of(self._ids[-1 - index.row()]) for index in indexes]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths if path is not None])
        return data

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)


def _title(record: "Record | None") -> str:
    if record is None:
        return ""
    return record.recipe.prompt if record.recipe is not None else record.path.stem


def _load(storage: "Storage", pictures: list[int]) -> "list[tuple[int, Record | None, QImage]]":
    found = {record.id: record for record in storage.records(pictures)}
    rows: list[tuple[int, Record | None, QImage]] = []
    for picture in pictures:
        record = found.get(picture)
        image = QImage()
        if record is not None:
            try:
                image = QImage.fromData(storage.thumbnail(picture))
            except AppError as error:
                # One file that is gone or damaged must not keep its neighbours from showing.
                log.info("no thumbnail of picture %d: %s", picture, error)
                record = next(iter(storage.records([picture])), None)
        rows.append((picture, record, image))
    return rows
