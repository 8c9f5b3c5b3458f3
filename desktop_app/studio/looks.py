"""Looks: the step of the timeline that the artist rests at, decoded, in place of its preview."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from desktop_app.recipe.film import Film, FilmShow
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.orders import Orders
from desktop_app.studio.qimage import to_qimage
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REST_MS = 250
"""Longer than a step stands while the steps are played."""
KEPT = 24
QUICK_PIXELS = 256 * 256
"""On a processor a decode cannot be stopped and takes seconds: only small pictures are worth it."""

Place = tuple[Recipe, int, FilmShow]


class Looks(QObject):
    """Asks for a decode when nothing else is worked on; any job of the queue comes first.

    Signals:
        sharpened(int): the step that is looked at is there, decoded.
    """

    sharpened = Signal(int)

    def __init__(
        self,
        timeline: TimelineModel,
        orders: Orders,
        conductor: Conductor,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._orders = orders
        self._conductor = conductor
        self._known: OrderedDict[Place, QImage] = OrderedDict()
        self._asked: tuple[int, Place] | None = None
        self._missing: Place | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._ask)
        timeline.step_chosen.connect(self._chosen)
        conductor.peeked.connect(self._peeked)
        conductor.free.connect(self._freed)

    def sharp(self, row: int) -> QImage | None:
        """The decoded picture of a step of the shown timeline; None when it is not there."""
        place = self._place(row)
        return None if place is None else self._known.get(place)

    def _place(self, row: int) -> Place | None:
        recipe = self._timeline.recipe
        if recipe is None or not 0 <= row < self._timeline.filled:
            return None
        return recipe, row + 1, self._timeline.view

    def _worth(self, recipe: Recipe) -> bool:
        device = self._conductor.device
        quick = recipe.width * recipe.height <= QUICK_PIXELS
        return device is not None and (device.kind != "cpu" or quick)

    @Slot(int)
    def _chosen(self, row: int) -> None:
        self._missing = None
        self._timer.stop()
        if row >= 0:
            self._timer.start()

    @Slot()
    def _ask(self) -> None:
        place = self._place(self._timeline.chosen)
        if place is None or place in self._known or place == self._missing or self._asked:
            return
        recipe, step, view = place
        if not self._worth(recipe):
            return
        (number,) = self._orders.reserve(1)
        look = Job(id=number, run=0, kind="look", recipe=recipe, step=step, film=Film(show=view))
        if self._conductor.peek(look):
            self._asked = number, place

    @Slot(object, object)
    def _peeked(self, job: Job, pixels: "NDArray[np.uint8]") -> None:
        if self._asked is None or job.id != self._asked[0]:
            return
        place = self._asked[1]
        self._known[place] = to_qimage(pixels)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        row = self._timeline.chosen
        if self._place(row) == place:
            self.sharpened.emit(row)

    @Slot()
    def _freed(self) -> None:
        """What was asked for is over, whether it came or not; the artist may look elsewhere now."""
        if self._asked is not None:
            place = self._asked[1]
            # Its latents are not kept any more: asking again would not bring them back.
            self._missing = place if place not in self._known else None
            self._asked = None
        if not self._timer.isActive():
            self._ask()
