"""Values of the explorer's map, and what it takes of a draft and gives back to it."""

from dataclasses import dataclass, replace

from PySide6.QtGui import QImage

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.explore import Corner
from desktop_app.recipe.presets import start_of
from desktop_app.recipe.recipe import FromNoise, Recipe

Place = tuple[int, int]
"""Column and row of the grid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a place of the map looks.

    Attributes:
        fine: whether it is the picture itself, not a rough one.
    """

    image: QImage
    fine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a place is: its recipe, and what its rough and its fine picture are kept under."""

    recipe: Recipe
    rough: str
    fine: str

    def key(self, fine: bool) -> str:
        return self.fine if fine else self.rough


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """The picture that is being made."""

    job: int
    place: Place
    key: str
    fine: bool


def corner_of_draft(draft: Draft) -> Corner:
    """The noise that a draft asks for; mixed in A1111's way, only its seed."""
    start = start_of(draft)
    variations = start.variations if start.method == "whole" else ()
    return Corner(seed=draft.seed, variations=variations)


def with_noise(draft: Draft, recipe: Recipe) -> Draft:
    """The draft with a recipe's noise, its seed locked."""
    start = recipe.start if isinstance(recipe.start, FromNoise) else FromNoise()
    first, rest = start.variations[:1], start.variations[1:]
    return replace(
        draft,
        seed=recipe.seed,
        seed_rule="keep",
        variation_seed=first[0].seed if first else draft.variation_seed,
        variation_strength=first[0].weight if first else 0.0,
        more_variations=rest,
        variation_method="whole",
        branch=None,
    )


def settings_of(draft: Draft) -> Draft:
    """What of a draft the map depends on: all but the noise and the count."""
    return replace(
        draft,
        seed=0,
        seed_rule="keep",
        variation_seed=0,
        variation_strength=0.0,
        more_variations=(),
        variation_method="whole",
        branch=None,
        count=1,
    )
