"""TimelineModel: the denoising steps of one picture, kept for as long as the session can afford."""

import enum
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QObject,
    Qt,
    Signal,
)
from PySide6.QtGui import QImage

from desktop_app.engine.events import Step
from desktop_app.recipe.film import FilmShow
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.items import FIRST_ROLE, NONE, Index, role_names
from desktop_app.studio.qimage import to_qimage

BUDGET = 192 * 2**20
"""Bytes that the steps of earlier pictures may take: some 150 pictures of 20 steps at 1024 px."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineStep:
    """One denoising step, as `events.Step` tells it.

    Attributes:
        image: predicted x0 at the size of the latent; None when previews were off.
        noisy: the state after the step likewise.
        shared: whether it is a step of the picture that this one is branched from.
    """

    image: QImage | None
    noisy: QImage | None
    shared: bool
    timestep: float
    sigma: float
    seconds: float


@dataclass(kw_only=True, slots=True)
class _Film:
    count: int
    recipe: Recipe | None = None
    steps: list[TimelineStep] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        images = (one for step in self.steps for one in (step.image, step.noisy))
        return sum(image.sizeInBytes() for image in images if image is not None)


class TimelineModel(QAbstractListModel):
    """One row for each step that is planned; those to come have no image yet.

    It follows the running picture until `show_picture` asks for another one.

    Signals:
        step_chosen(int): the row that is looked back at; -1 for the finished picture.
        view_changed(): steps are shown the other way.
    """

    class Role(enum.IntEnum):
        IMAGE = FIRST_ROLE
        SIGMA = enum.auto()
        TIMESTEP = enum.auto()
        SECONDS = enum.auto()
        FILLED = enum.auto()
        SHARED = enum.auto()

    step_chosen = Signal(int)
    view_changed = Signal()

    def __init__(self, parent: QObject | None = None, *, budget: int = BUDGET) -> None:
        super().__init__(parent)
        self._budget = budget
        self._live = _Film(count=0)
        self._shown = self._live
        self._kept: OrderedDict[int, _Film] = OrderedDict()
        self._chosen = -1
        self._picture: int | None = None
        self._view: FilmShow = "x0"

    @property
    def filled(self) -> int:
        """How many steps are there."""
        return len(self._shown.steps)

    @property
    def chosen(self) -> int:
        return self._chosen

    @property
    def picture(self) -> int | None:
        """The stored picture whose steps are shown; None for the running one."""
        return self._picture

    @property
    def recipe(self) -> Recipe | None:
        """Of the picture whose steps are shown; None when it is not known."""
        return self._shown.recipe

    @property
    def shared(self) -> int:
        """How many steps are those of the picture that this one is branched from."""
        return sum(step.shared for step in self._shown.steps)

    @property
    def view(self) -> FilmShow:
        """What is shown of a step: `x0`, what the network sees in it, or the `noisy` state."""
        return self._view

    def set_view(self, view: FilmShow) -> None:
        """Show the steps this way; the one that is looked at too."""
        if view != self._view:
            self._view = view
            self.view_changed.emit()
            if self.filled:
                self.dataChanged.emit(self.index(0), self.index(self.filled - 1))
            if self._chosen >= 0:
                self.step_chosen.emit(self._chosen)

    def image(self, row: int) -> QImage | None:
        """What the picture looked like after a step, at the size of the latent."""
        if not 0 <= row < self.filled:
            return None
        step = self._shown.steps[row]
        return step.image if self._view == "x0" else step.noisy

    def seen(self, row: int) -> QImage | None:
        """What the network saw at a step, whichever view is shown."""
        return self._shown.steps[row].image if 0 <= row < self.filled else None

    def is_shared(self, row: int) -> bool:
        """Whether a step is one of the picture that this one is branched from."""
        return 0 <= row < self.filled and self._shown.steps[row].shared

    def sigma(self, row: int) -> float | None:
        """The noise level that a step started from."""
        return self._shown.steps[row].sigma if 0 <= row < self.filled else None

    def begin(self, count: int, recipe: Recipe | None = None) -> None:
        """A picture of so many steps starts; it is shown unless another was asked for."""
        follows = self._shown is self._live
        self._live = _Film(count=count, recipe=recipe)
        if follows:
            self._show(self._live, None)

    def append(self, step: Step) -> None:
        """The next step of the running picture."""
        row = len(self._live.steps)
        shown = self._shown is self._live
        if step.count != self._live.count:
            # Samplers that look twice know their number of steps only once they run.
            self._live.count = max(step.count, row + 1)
            if shown:
                self._reset()
        grows = shown and row >= self._live.count
        if grows:
            self.beginInsertRows(NONE, row, row)
            self._live.count = row + 1
        self._live.steps.append(
            TimelineStep(
                image=None if step.preview is None else to_qimage(step.preview),
                noisy=None if step.noisy is None else to_qimage(step.noisy),
                shared=step.shared,
                timestep=step.timestep,
                sigma=step.sigma,
                seconds=step.seconds,
            )
        )
        if grows:
            self.endInsertRows()
        elif shown:
            self.dataChanged.emit(self.index(row), self.index(row))

    def keep(self, picture: int) -> None:
        """The running picture was stored under this number: its steps can be looked at again."""
        self._kept[picture] = self._live
        self._kept.move_to_end(picture)
        if self._shown is self._live and self._picture is None:
            self._picture = picture
        used = sum(film.bytes for film in self._kept.values())
        while used > self._budget and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            used -= oldest.bytes

    def has(self, picture: int) -> bool:
        return picture in self._kept

    def show_picture(self, picture: int) -> None:
        """Show the steps of a stored picture; none when they are not kept any more."""
        film = self._kept.get(picture)
        if film is not None:
            self._kept.move_to_end(picture)
        if film is not self._shown or self._picture != picture:
            self._show(film or _Film(count=0), picture)

    def show_live(self) -> None:
        """Follow the running picture again, or the last one that ran."""
        if self._shown is not self._live:
            number = next((key for key, film in self._kept.items() if film is self._live), None)
            self._show(self._live, number)

    def choose(self, row: int) -> None:
        """Look back at a step; -1, or a step that is not there yet, shows the picture itself."""
        row = row if 0 <= row < self.filled else -1
        if row != self._chosen:
            self._chosen = row
            self.step_chosen.emit(row)

    def _show(self, film: _Film, picture: int | None) -> None:
        self.choose(-1)
        self.beginResetModel()
        self._shown, self._picture = film, picture
        self.endResetModel()

    def _reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: Index = NONE) -> int:
        return 0 if parent.isValid() else max(self._shown.count, self.filled)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        row = index.row()
        step = self._shown.steps[row] if row < self.filled else None
        match role:
            case self.Role.FILLED:
                return step is not None
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"Step {row + 1} of {self.rowCount()}"
            case self.Role.IMAGE:
                return self.image(row)
            case self.Role.SHARED:
                return self.is_shared(row)
            case self.Role.SIGMA:
                return step.sigma if step else None
            case self.Role.TIMESTEP:
                return step.timestep if step else None
            case self.Role.SECONDS:
                return step.seconds if step else None
            case _:
                return None

    def roleNames(self) -> dict[int, QByteArray]:
        return super().roleNames() | role_names(self.Role)
