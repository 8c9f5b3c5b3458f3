"""SeedHistoryModel: the seeds that were used, newest first, read page by page."""

import enum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QByteArray, QObject, Qt, Signal
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.studio.background import Background
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names
from desktop_app.studio.small_pictures import SmallPictures

if TYPE_CHECKING:
    from desktop_app.store.seed_history import SeedHistory, SeedUse

PAGE = 200
LAST = 60
"""Seeds in a short list."""


class SeedHistoryModel(QAbstractListModel):
    """Either every use, searched and paged, or the last seeds, each of them once.

    Signals:
        failed(AppError): the history could not be read.
        count_changed(): `count` is another number.
    """

    class Role(enum.IntEnum):
        USE = FIRST_ROLE
        IMAGE = enum.auto()

    failed = Signal(object)
    count_changed = Signal()

    def __init__(
        self,
        reads: Background,
        pictures: SmallPictures,
        parent: QObject | None = None,
        *,
        each_once: bool = False,
    ) -> None:
        """Args:
        each_once: the last seeds, each once, in place of every use.
        """
        super().__init__(parent)
        self._reads = reads
        self._pictures = pictures
        self._each_once = each_once
        self._store: SeedHistory | None = None
        self._rows: list[SeedUse] = []
        self._words = ""
        self._whole = True
        self._asked = 0
        self.count = 0
        """Uses that the search finds."""
        pictures.arrived.connect(self._pictures_arrived)

    def open(self, store: "SeedHistory") -> None:
        """The store is open."""
        self._store = store

    def set_words(self, words: str) -> None:
        """Search the prompts, models and seeds; empty for all."""
        if words.strip() != self._words:
            self._words = words.strip()
            self.refresh()

    def refresh(self) -> None:
        """Read again, from the newest on."""
        store, words = self._store, self._words
        if store is None:
            return
        self._asked += 1
        asked = self._asked

        def read() -> "tuple[int, list[SeedUse]]":
            if self._each_once:
                rows = store.last(LAST)
                return len(rows), rows
            return store.count(words), store.page(words, 0, PAGE)

        def done(found: "tuple[int, list[SeedUse]]") -> None:
            if asked == self._asked:
                self._found(*found)

        self._reads.run(read, done=done, failed=self.failed.emit)

    def use(self, row: int) -> "SeedUse | None":
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _found(self, count: int, rows: "list[SeedUse]") -> None:
        self._whole = self._each_once or len(rows) < PAGE
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        self.count = count
        self.count_changed.emit()

    def _pictures_arrived(self) -> None:
        if self._rows:
            role = [int(self.Role.IMAGE)]
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), role)

    def _image(self, use: "SeedUse") -> QImage | None:
        hashes = (use.picture,) if use.picture else ()
        image = self._pictures.sample(hashes)
        if image is None and self._pictures.has_none(hashes):
            return self._pictures.noise((use.seed, use.start, use.width, use.height))
        return image

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and not self._whole

    def fetchMore(self, parent: Index) -> None:
        store, words, asked = self._store, self._words, self._asked
        if store is None or self._whole:
            return
        self._whole = True  # until this page is here

        def done(rows: "list[SeedUse]") -> None:
            if asked != self._asked:
                return
            self._whole = len(rows) < PAGE
            if rows:
                first = len(self._rows)
                self.beginInsertRows(NONE, first, first + len(rows) - 1)
                self._rows += rows
                self.endInsertRows()

        self._reads.run(
            store.page, words, len(self._rows), PAGE, done=done, failed=self._not_fetched
        )

    def _not_fetched(self, error: AppError) -> None:
        self._whole = False
        self.failed.emit(error)

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        use = self._rows[index.row()]
        names = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        match role:
            case self.Role.USE:
                return use
            case self.Role.IMAGE:
                return self._image(use)
            case _ if role in names:
                return f"{use.seed} {use.prompt}"
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)
