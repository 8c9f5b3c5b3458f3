"""Explorer: the map between two to four noises, and the small pictures of its places."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.recipe.codec import digest
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.explore import (
    CORNERS_MAX,
    CORNERS_MIN,
    Corner,
    Window,
    corner_of,
    nearest,
    noise_at,
    recipe_at,
    rough,
)
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.editor import Editor
from desktop_app.studio.kept_images import KeptImages
from desktop_app.studio.map_parts import (
    Known,
    Look,
    Making,
    Place,
    corner_of_draft,
    settings_of,
    with_noise,
)
from desktop_app.studio.orders import Orders
from desktop_app.studio.originals import said_by
from desktop_app.studio.qimage import to_qimage
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.store.metadata import Imported
    from desktop_app.store.pictures import Record

ROUGH_STEPS = 8
"""Enough to see what a picture will be; what it is exactly shows when it is refined."""
KEPT_BYTES = 128 * 2**20
COLUMNS_OF_LINE, COLUMNS_OF_MAP = 7, 5


class Explorer(QObject):
    """Makes rough pictures of the places that are seen while nothing else is worked on.

    They are jobs beside the queue: a press of Generate ends the one that is being made, and they go
    on after it. Nothing of them is kept but in memory.

    Signals:
        map_changed(): other corners, another part of the map, or other settings.
        looked(object): the Place that has a picture now.
        progress(): what is being made, or how much is left.
        failed(AppError): why no picture can be made.
        asked(): the map shall be shown.
    """

    map_changed = Signal()
    looked = Signal(object)
    progress = Signal()
    failed = Signal(object)
    asked = Signal()

    def __init__(
        self,
        editor: Editor,
        orders: Orders,
        conductor: Conductor,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._orders, self._conductor = editor, orders, conductor
        self._reads = reads
        self._corners: tuple[Corner, ...] = ()
        self._window = Window()
        self._base: Recipe | None = None
        self._active = False
        self._problem: AppError | None = None
        self._kept = KeptImages[tuple[str, bool]](KEPT_BYTES)
        self._known: dict[Place, Known] = {}
        self._fine: list[Place] = []
        self._now: Making | None = None
        self._numbers = itertools.count(-1_000_000_001, -1)
        editor.changed.connect(self._draft_changed)
        conductor.free.connect(self._freed)
        conductor.peeked.connect(self._peeked)
        conductor.peek_failed.connect(self._peek_failed)

    @property
    def corners(self) -> tuple[Corner, ...]:
        return self._corners

    @property
    def window(self) -> Window:
        return self._window

    @property
    def columns(self) -> int:
        return COLUMNS_OF_LINE if self.is_line else COLUMNS_OF_MAP

    @property
    def rows(self) -> int:
        return 1 if self.is_line else COLUMNS_OF_MAP

    @property
    def is_line(self) -> bool:
        """Whether there are two corners, with one row between them."""
        return len(self._corners) == CORNERS_MIN

    @property
    def problem(self) -> AppError | None:
        """Why there is no map, such as a prompt that is missing."""
        return self._problem

    @property
    def left(self) -> int:
        """How many of the places that are seen, or that shall be refined, have no picture yet."""
        if self._base is None:
            return 0
        making = self._now is not None and self._now.fine
        missing = sum(self.look(place) is None for place in self._places())
        return len(self._fine) + making + missing

    def open(self) -> None:
        """Make the pictures that are seen; around the draft's seed if there are no corners yet."""
        self._active = True
        if self._corners:
            self._renew()
        else:
            self.start_anew()

    def start_anew(self) -> None:
        """The draft's noise and three new seeds as corners."""
        others = (Corner(seed=self._orders.random_seed()) for _ in range(CORNERS_MAX - 1))
        self._take((corner_of_draft(self._editor.draft), *others))

    def rest(self) -> None:
        """Nobody looks: make no more pictures until `open`."""
        self._active = False
        self._fine.clear()
        self._conductor.drop_peek()
        self.progress.emit()

    def around(self, record: "Record") -> None:
        """A stored picture's noise and three new seeds as corners, and show the map.

        Raises:
            AppError: as `set_picture`.
        """
        self.start_anew()
        self.set_picture(0, record)
        self.asked.emit()

    def set_corner(self, number: int, corner: Corner) -> None:
        """Put another noise at a corner, or at the first that is not there yet.

        Raises:
            AppError: `variations` when the corners have too many seeds together.
        """
        corners = list(self._corners)
        corners[number : number + 1] = [corner]
        noise_at(corners, 0.5, 0.5)
        self._take(tuple(corners[:CORNERS_MAX]))

    def set_picture(self, number: int, record: "Record") -> None:
        """Put the noise of a stored picture at a corner.

        Raises:
            AppError: it does not say how it was made, or its noise cannot be mixed further.
        """
        if record.recipe is None:
            raise AppError("no-recipe", "This picture does not say how it was made.")
        name = f"Seed {record.recipe.seed}"
        self.set_corner(number, corner_of(record.recipe, name, record.pixels_sha256))

    def set_file(self, number: int, path: Path, refused: Callable[[AppError], None]) -> None:
        """Put the noise of a picture's file at a corner, once it is read.

        Args:
            refused: told why it is not taken.
        """

        def read(imported: "Imported") -> None:
            try:
                if imported.recipe is None or imported.provenance is None:
                    raise AppError("no-recipe", f"{path.name} does not say how it was made.")
                name, pixels = f"Seed {imported.recipe.seed}", imported.provenance.pixels_sha256
                self.set_corner(number, corner_of(imported.recipe, name, pixels))
            except AppError as error:
                refused(error)

        self._reads.run(said_by, path, done=read, failed=refused)

    def throw(self, number: int) -> None:
        """A new random seed for one corner."""
        self.set_corner(number, Corner(seed=self._orders.random_seed()))

    def remove_corner(self, number: int) -> None:
        """Take a corner away; two stay."""
        if len(self._corners) > CORNERS_MIN:
            self._take(self._corners[:number] + self._corners[number + 1 :])

    def add_corner(self) -> None:
        """A fourth or third corner, with a new seed."""
        if len(self._corners) < CORNERS_MAX:
            self.throw(len(self._corners))

    def recentre(self, place: Place) -> None:
        """Bring a place into the middle, as far as the map goes."""
        self._look_at(self._window.around(*self.place(place), self._window.side))

    def zoom(self, factor: float, place: Place | None = None) -> None:
        """Show a smaller part of the map (factor above 1), or a larger one, around a place."""
        middle = self.columns // 2, self.rows // 2
        side = self._window.side / factor
        self._look_at(self._window.around(*self.place(place or middle), side))

    def whole(self) -> None:
        """Show all of the map."""
        self._look_at(Window())

    def place(self, place: Place) -> tuple[float, float]:
        """Where a cell lies on the map, 0 ... 1 across and down."""
        return self._window.at(*place, self.columns, self.rows)

    def recipe(self, place: Place) -> Recipe | None:
        """How the picture of a place is made; None while there is no map."""
        known = self._at(place)
        return known.recipe if known is not None else None

    def look(self, place: Place) -> Look | None:
        """How a place looks, as well as it is known."""
        known = self._at(place)
        if known is None:
            return None
        for fine in (True, False):
            image = self._kept.get((known.key(fine), fine))
            if image is not None:
                return Look(image=image, fine=fine)
        return None

    def _at(self, place: Place) -> Known | None:
        if self._base is None:
            return None
        if place not in self._known:
            recipe = recipe_at(self._base, self._corners, *self.place(place))
            small = digest(rough(recipe, ROUGH_STEPS))
            self._known[place] = Known(recipe=recipe, rough=small, fine=digest(recipe))
        return self._known[place]

    def refine(self, places: Sequence[Place]) -> None:
        """Make the pictures of these places as they will be kept."""
        for place in places:
            look = self.look(place)
            if (look is None or not look.fine) and place not in self._fine:
                self._fine.append(place)
        self.progress.emit()
        self._go_on()

    def keep(self, place: Place) -> None:
        """Make a real picture of a place, for the gallery."""
        recipe = self.recipe(place)
        if recipe is None:
            return
        corner = nearest(self._corners, *self.place(place))
        origin = Origin(picture=corner.picture, kind="explorer") if corner.picture else None
        self._orders.recipes([recipe], origin)

    def draft(self, place: Place) -> Draft | None:
        """The draft with the noise of a place, its seed locked; None while there is no map."""
        recipe = self.recipe(place)
        return None if recipe is None else with_noise(self._editor.draft, recipe)

    def use(self, place: Place) -> None:
        """Put the noise of a place into the draft."""
        draft = self.draft(place)
        if draft is not None:
            self._editor.replace(draft, "Seed of a place on the map")

    def _take(self, corners: tuple[Corner, ...]) -> None:
        self._corners = corners
        self._window = Window()
        self._renew()

    def _look_at(self, window: Window) -> None:
        if window != self._window:
            self._window = window
            self._restart()

    @Slot(object, object)
    def _draft_changed(self, draft: Draft, before: Draft) -> None:
        if self._active and settings_of(draft) != settings_of(before):
            self._renew()

    @Slot()
    def names_changed(self) -> None:
        """What the prompt calls may be known by now."""
        if self._active and self._problem is not None and self._problem.code == "lora-unread":
            self._renew()

    def _renew(self) -> None:
        """Take the settings of the draft as they are now."""
        draft = replace(
            settings_of(self._editor.draft), seed=self._corners[0].seed if self._corners else 0
        )
        try:
            (self._base,) = self._orders.expanded(draft)
            self._problem = None
        except AppError as error:
            self._base, self._problem = None, error
        self._restart()

    def _restart(self) -> None:
        self._known.clear()
        self._fine.clear()
        if self._now is not None and self._where(self._now) is None:
            self._conductor.drop_peek()
        self.map_changed.emit()
        self.progress.emit()
        self._go_on()

    def _where(self, now: Making) -> Place | None:
        """Where the picture that is being made belongs by now."""
        for place in self._places():
            known = self._at(place)
            if known is not None and known.key(now.fine) == now.key:
                return place
        return None

    def _places(self) -> list[Place]:
        """All places, in the order in which the map is understood soonest: from its corners on."""
        columns, rows = self.columns, self.rows
        found: dict[Place, None] = {}
        step = max(columns, rows) - 1
        while step >= 1:
            for row in range(0, rows, step):
                for column in range(0, columns, step):
                    found[column, row] = None
            step //= 2
        return [
            *found,
            *((c, r) for r in range(rows) for c in range(columns) if (c, r) not in found),
        ]

    @Slot()
    def _freed(self) -> None:
        now, self._now = self._now, None
        if now is not None and now.fine and (place := self._where(now)) is not None:
            self._fine.insert(0, place)  # ended by a picture that was ordered meanwhile
        self._go_on()

    def _go_on(self) -> None:
        """Ask for the next picture, if nothing else is worked on."""
        if not self._active or self._base is None or self._now is not None:
            return
        fine = bool(self._fine)
        missing = (one for one in self._places() if self.look(one) is None)
        place = self._fine[0] if fine else next(missing, None)
        known = self._at(place) if place is not None else None
        if place is not None and known is not None:
            shown = known.recipe if fine else rough(known.recipe, ROUGH_STEPS)
            job = Job(id=next(self._numbers), run=0, kind="peek", recipe=shown, rough=not fine)
            if self._conductor.peek(job):
                self._now = Making(job=job.id, place=place, key=known.key(fine), fine=fine)
                del self._fine[:1]
        self.progress.emit()

    @Slot(object, object)
    def _peeked(self, job: Job, pixels: "NDArray[np.uint8]") -> None:
        now = self._now
        if now is None or job.id != now.job:
            return
        self._now = None
        self._kept.put((now.key, now.fine), to_qimage(pixels))
        place = self._where(now)
        if place is not None:
            self.looked.emit(place)

    @Slot(object, object)
    def _peek_failed(self, job: Job, error: AppError) -> None:
        if self._now is not None and job.id == self._now.job:
            # The next place would fail in the same way; a change of the settings tries again.
            self._now, self._base, self._problem = None, None, error
            self._known.clear()
            self.map_changed.emit()
            self.failed.emit(error)
