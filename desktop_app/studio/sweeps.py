"""Sweeps: orders the pictures of a grid, says how long they take, and makes its contact sheet."""

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.axes import read_axis
from desktop_app.recipe.axis_points import Known
from desktop_app.recipe.codec import digest
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.duration import Rates, estimate, rates_of
from desktop_app.recipe.preset_file import SEEDS, parse_document
from desktop_app.recipe.presets import SEED_FIELDS, SeedPreset
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.sheet import Direction, Sheet, of_cells
from desktop_app.recipe.sweep import Axis, Cell, Sweep, cells
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import fields_to_swap
from desktop_app.studio.names import PromptNames
from desktop_app.studio.orders import Orders
from desktop_app.studio.qimage import from_qimage
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.sheet_image import draw
from desktop_app.studio.shelf import ShelfModel
from desktop_app.studio.values import Job, Notice

if TYPE_CHECKING:
    from desktop_app.store.pictures import Record
    from desktop_app.studio.storage import Storage

RECENT = 300
"""Pictures that tell how long a step takes."""


class Sweeps(QObject):
    """What the windows ask for about grids.

    Signals:
        notice(Notice): a grid is done, or what stands in its way.
        rates_changed(): how long pictures take is known, or known better.
        sheet_made(Record): a contact sheet is in the gallery.
        sheet_read(Sheet): the recipes of a contact sheet that was opened.
        wanted(int): this picture shall be shown.
        ordered(): the pictures of a grid are ordered, and may be looked at.
        asked(): the artist wants to set up a grid.
        search_asked(str): the gallery shall show what this search finds.
    """

    notice = Signal(object)
    rates_changed = Signal()
    sheet_made = Signal(object)
    sheet_read = Signal(object)
    wanted = Signal(object)
    ordered = Signal()
    asked = Signal()
    search_asked = Signal(str)

    def __init__(
        self,
        editor: Editor,
        orders: Orders,
        queue: QueueModel,
        library: LibraryModel,
        names: PromptNames,
        shelf: ShelfModel,
        disk: Background,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._orders, self._queue = editor, orders, queue
        self._library, self._names, self._shelf = library, names, shelf
        self._disk, self._reads = disk, reads
        self._storage: Storage | None = None
        self._rates = Rates(seconds={})
        self._due: set[str] = set()
        queue.state_changed.connect(self._job_changed)

    def open(self, storage: "Storage") -> None:
        self._storage = storage

    @property
    def draft(self) -> Draft:
        """What a grid is made of."""
        return self._editor.draft

    def known(self) -> Known:
        """What can be named on an axis at this moment."""
        draft, library = self.draft, self._library
        models: dict[str, Mapping[str, object]] = {}
        for info in library.models:
            if info.title not in models:
                models[info.title] = fields_to_swap(draft, library.current, info)
        names = self._names.names
        return Known(
            models=models,
            presets={preset.name: _seed_fields(preset) for preset in self._shelf.presets()},
            styles=tuple(names.styles),
            wildcards=names.wildcards,
        )

    def read_axis(self, key: str, text: str) -> Axis:
        """The axis that a line of values says.

        Raises:
            AppError: `sweep`, to be shown at the field.
        """
        return read_axis(key, text, self.draft, self.known())

    def cells(self, axes: Sequence[Axis]) -> tuple[Cell, ...]:
        """The pictures of a grid.

        Raises:
            AppError: `sweep`, or what is missing in the draft.
        """
        return cells(Sweep(draft=self.draft, axes=tuple(axes)), self._orders.expanded)

    def seconds(self, found: Sequence[Cell]) -> float | None:
        """How long these will take; None while it is not known."""
        return estimate(self._rates, [cell.recipe for cell in found])

    def measure(self) -> None:
        """Look at the last pictures for how long a step takes; `rates_changed` follows."""
        storage = self._storage
        if storage is not None:
            self._reads.run(_rates, storage, done=self._measured)

    def preset_names(self, data: bytes) -> tuple[str, ...]:
        """The names of seed presets that were dropped; those the shelf lacks are put on it.

        Raises:
            AppError: it is no list of seed presets.
        """
        presets = parse_document(SEEDS, data)
        here = {name.casefold() for name in self._shelf.names()}
        new = [one for one in presets if one.name.casefold() not in here]
        if new:
            self._shelf.add(new)
        return tuple(one.name for one in presets)

    def start(self, axes: Sequence[Axis]) -> None:
        """Order the pictures of a grid; the grid is on the disk before the first is made.

        Raises:
            AppError: as `cells`, or the grid is too large to be kept.
        """
        storage = self._opened()
        source = self._editor.origin_of(self.draft)
        directions = tuple(Direction(name=axis.name, labels=axis.labels) for axis in axes)
        picture = source.picture if source is not None else ""
        sheet = of_cells(secrets.token_hex(8), directions, self.cells(axes), picture)

        def kept(_: None) -> None:
            self._order(sheet, sheet.cells)

        self._disk.run(storage.sheets.keep, sheet, done=kept, failed=self._tell)

    def finish(self, number: str) -> None:
        """Order those pictures of a grid that are not in the gallery."""
        storage = self._opened()

        def found(what: "_Grid") -> None:
            missing = [cell for cell in what.sheet.cells if cell.at not in what.pictures]
            if missing:
                self._order(what.sheet, missing)
            else:
                self.make_sheet(number)

        self._reads.run(_grid, storage, number, done=found, failed=self._tell)

    def make_sheet(self, number: str) -> None:
        """Make the contact sheet of the pictures that there are, and put it into the gallery."""
        storage = self._opened()

        def made(found: "tuple[Record, int, int]") -> None:
            record, there, count = found
            self.sheet_made.emit(record)
            self._tell_sheet(record, number, there, count)

        self._reads.run(_make_sheet, storage, number, done=made, failed=self._tell)

    def read(self, path: Path, otherwise: Callable[[], None]) -> None:
        """Show the recipes of a contact sheet, or do what is done with other pictures."""

        def found(sheet: Sheet | None) -> None:
            if sheet is None:
                otherwise()
            else:
                self.sheet_read.emit(sheet)

        self._reads.run(_read_sheet, path, done=found, failed=lambda _: otherwise())

    def again(self, sheet: Sheet, found: Sequence[Cell]) -> None:
        """Make pictures of a contact sheet once more; it may be of another computer."""
        storage = self._opened()

        def kept(_: None) -> None:
            self._order(sheet, found)

        self._disk.run(_keep_new, storage, sheet, done=kept, failed=self._tell)

    def _order(self, sheet: Sheet, found: Sequence[Cell]) -> None:
        self.ordered.emit()
        self._orders.recipes([cell.recipe for cell in found], sheet.origin)

    @Slot(object)
    def _job_changed(self, job: Job) -> None:
        number = job.origin.sheet if job.origin is not None else ""
        if number and job.state in ("done", "failed", "cancelled") and number not in self._due:
            # Of a run that is dropped every picture tells so, one after the other.
            self._due.add(number)
            QTimer.singleShot(0, self, lambda: self._settle(number))

    def _settle(self, number: str) -> None:
        self._due.discard(number)
        active = any(
            job.origin is not None
            and job.origin.sheet == number
            and job.state in ("waiting", "running")
            for job in self._queue.jobs()
        )
        if not active and self._storage is not None:
            self._reads.run(_grid, self._storage, number, done=self._ended)

    def _ended(self, what: "_Grid") -> None:
        number, there, count = what.sheet.id, len(what.pictures), len(what.sheet.cells)
        if there == count:
            self.make_sheet(number)
        elif there:
            self.notice.emit(
                Notice(
                    text=f"{there} of the {count} pictures of the grid are made.",
                    action="Make the rest",
                    act=lambda: self.finish(number),
                    other="Sheet of these",
                    other_act=lambda: self.make_sheet(number),
                    seconds=0,
                )
            )

    def _tell_sheet(self, record: "Record", number: str, there: int, count: int) -> None:
        words = f"The grid of {count} pictures is done."
        if there < count:
            words = f"The sheet shows {there} of {count} pictures."
        self.notice.emit(
            Notice(
                text=words,
                kind="ok",
                action="Show the sheet",
                act=lambda: self.wanted.emit(record.id),
                seconds=20,
            )
        )

    def _measured(self, rates: Rates) -> None:
        if rates != self._rates:
            self._rates = rates
            self.rates_changed.emit()

    def _opened(self) -> "Storage":
        if self._storage is None:
            raise AppError("not-ready", "The gallery is still being opened. Try again.")
        return self._storage

    def _tell(self, error: AppError) -> None:
        self.notice.emit(Notice(text=str(error), kind="bad", seconds=15))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grid:
    """A grid and which of its pictures are in the gallery, by their place."""

    sheet: Sheet
    pictures: "dict[tuple[int, ...], Record]"


def _grid(storage: "Storage", number: str) -> _Grid:
    sheet = storage.sheets.find(number)
    records = storage.records(storage.pictures.ids_with("sheet", [number]))
    by_recipe = {
        digest(record.recipe): record
        for record in records
        if record.recipe is not None and not record.missing
    }
    places = ((cell.at, by_recipe.get(digest(cell.recipe))) for cell in sheet.cells)
    there = {at: record for at, record in places if record is not None}
    return _Grid(sheet=sheet, pictures=there)


def _make_sheet(storage: "Storage", number: str) -> "tuple[Record, int, int]":
    from desktop_app.store.sheets import write_sheet_png

    found = _grid(storage, number)

    def picture(cell: Cell) -> QImage | None:
        record = found.pictures.get(cell.at)
        return QImage(str(record.path)) if record is not None else None

    data = write_sheet_png(from_qimage(draw(found.sheet, picture)), found.sheet)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "contact-sheet.png")
        path.write_bytes(data)
        record, _ = storage.add_file(path)
    return record, len(found.pictures), len(found.sheet.cells)


def _keep_new(storage: "Storage", sheet: Sheet) -> None:
    """Keep a grid that came in a file; one that is known here stays as it is."""
    try:
        storage.sheets.find(sheet.id)
    except AppError as error:
        if error.code != "sheet-unknown":
            raise
        storage.sheets.keep(sheet)


def _read_sheet(path: Path) -> Sheet | None:
    from desktop_app.store.sheets import read_sheet

    return read_sheet(path)


def _rates(storage: "Storage") -> Rates:
    made: list[tuple[Recipe, float]] = []
    for record in storage.records(storage.pictures.ids()[:RECENT]):
        if record.recipe is not None and record.provenance is not None:
            made.append((record.recipe, record.provenance.seconds))
    return rates_of(made)


def _seed_fields(preset: SeedPreset) -> dict[str, object]:
    return {name: getattr(preset.draft, name) for name in SEED_FIELDS}
