"""Sweep: one draft with one to three of its settings taken through a list of values each."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from desktop_app.errors import AppError
from desktop_app.recipe.codec import digest
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import LoraUse, Recipe

AXES_MAX = 3
POINTS_MAX = 100
CELLS_MAX = 500
LABEL_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class SetFields:
    """Fields of the draft get these values."""

    fields: tuple[tuple[str, object], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceWords:
    """Words of the prompt, or of what is avoided, become others, wherever they stand.

    Attributes:
        once: only where they stand first.
    """

    words: str
    by: str
    once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WeighLora:
    """An attached LoRA gets another weight."""

    sha256: str
    weight: float


Edit = SetFields | ReplaceWords | WeighLora


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One value of an axis.

    Attributes:
        label: what the sheet says beside its row or column.
    """

    label: str
    edit: Edit


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One setting and the values it goes through.

    Attributes:
        name: the setting, in the artist's words.
    """

    name: str
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise AppError("sweep", f"{self.name}: there is no value.")
        if len(self.points) > POINTS_MAX:
            raise AppError("sweep", f"{self.name}: at most {POINTS_MAX} values in one direction.")

    @property
    def fields(self) -> frozenset[str]:
        """The draft's fields that it sets."""
        edits = (point.edit for point in self.points)
        return frozenset(
            name for edit in edits if isinstance(edit, SetFields) for name, _ in edit.fields
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """What the sheet says beside its rows or columns."""
        return tuple(point.label[:LABEL_MAX] for point in self.points)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What is made of a draft: every value of X with every one of Y and of Z.

    Attributes:
        draft: for all that no axis changes; its count is not used.
        axes: X, then Y, then Z.

    Raises:
        AppError: `sweep` for no axis, too many, or too many pictures.
    """

    draft: Draft
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.axes) <= AXES_MAX:
            raise AppError("sweep", "A grid has one to three directions.")
        if self.count > CELLS_MAX:
            raise AppError(
                "sweep",
                f"These are {self.count:,} pictures; a grid may have {CELLS_MAX}.",
                hint="Take fewer values.",
            )
        for one, other in itertools.combinations(self.axes, 2):
            # A sampler's name says its noise levels, unless another direction does.
            if (one.fields & other.fields) - {"sigmas"}:
                raise AppError(
                    "sweep",
                    f"{one.name} and {other.name} would change the same setting.",
                    hint="Take one of them.",
                )

    @property
    def count(self) -> int:
        """How many pictures it is."""
        count = 1
        for axis in self.axes:
            count *= len(axis.points)
        return count


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One picture of a grid.

    Attributes:
        at: its place along each axis, from 0, X first.
    """

    at: tuple[int, ...]
    recipe: Recipe


def cells(sweep: Sweep, expand: Callable[[Draft], Sequence[Recipe]]) -> tuple[Cell, ...]:
    """The pictures of a sweep: X runs fastest, then Y, then Z.

    Args:
        expand: makes the recipes of a draft, as `recipe.draft.expand` with the names of now.

    Raises:
        AppError: `sweep` when a value cannot be, named with the sentence; or when two cells would
            be the same picture.
    """
    found: list[Cell] = []
    known: dict[str, tuple[int, ...]] = {}
    reversed_axes = [list(enumerate(axis.points)) for axis in reversed(sweep.axes)]
    for places in itertools.product(*reversed_axes):
        chosen = tuple(reversed(places))
        draft = replace(sweep.draft, count=1)
        try:
            for edit in _ordered(point.edit for _, point in chosen):
                draft = edited(draft, edit)
            (recipe,) = expand(draft)
        except AppError as error:
            words = ", ".join(point.label[:40] for _, point in chosen)
            raise AppError("sweep", f"{words}: {error.sentence}", hint=error.hint) from error
        at = tuple(place for place, _ in chosen)
        twin = known.setdefault(digest(recipe), at)
        if twin != at:
            raise AppError(
                "sweep",
                f"“{_words(sweep, twin)}” and “{_words(sweep, at)}” would be the same picture.",
                hint="Take out what does not change it.",
            )
        found.append(Cell(at=at, recipe=recipe))
    return tuple(found)


def edited(draft: Draft, edit: Edit) -> Draft:
    """The draft after one edit.

    Raises:
        AppError: `sweep` when there is nothing to edit, or a range error.
    """
    match edit:
        case SetFields():
            return replace(draft, **dict(edit.fields))  # pyright: ignore[reportArgumentType]
        case ReplaceWords():
            return _replaced(draft, edit)
        case WeighLora():
            return _weighed(draft, edit)


def _ordered(edits: Iterable[Edit]) -> list[Edit]:
    """The noise levels after the sampler, which says some too."""
    return sorted(edits, key=lambda edit: isinstance(edit, SetFields) and len(edit.fields) == 1)


def _replaced(draft: Draft, edit: ReplaceWords) -> Draft:
    if edit.words not in draft.prompt and edit.words not in draft.negative_prompt:
        raise AppError("sweep", f"The prompt does not say “{edit.words[:60]}”.")
    if not edit.once:
        return replace(
            draft,
            prompt=draft.prompt.replace(edit.words, edit.by),
            negative_prompt=draft.negative_prompt.replace(edit.words, edit.by),
        )
    if edit.words in draft.prompt:
        return replace(draft, prompt=draft.prompt.replace(edit.words, edit.by, 1))
    return replace(draft, negative_prompt=draft.negative_prompt.replace(edit.words, edit.by, 1))


def _weighed(draft: Draft, edit: WeighLora) -> Draft:
    if not any(
        isinstance(one, LoraUse) and one.lora.sha256 == edit.sha256 for one in draft.adapters
    ):
        raise AppError("sweep", "That LoRA is not attached.")
    return replace(
        draft,
        adapters=tuple(
            replace(one, weight=edit.weight)
            if isinstance(one, LoraUse) and one.lora.sha256 == edit.sha256
            else one
            for one in draft.adapters
        ),
    )


def _words(sweep: Sweep, at: tuple[int, ...]) -> str:
    pairs = zip(sweep.axes, at, strict=True)
    return ", ".join(axis.points[place].label[:40] for axis, place in pairs)
