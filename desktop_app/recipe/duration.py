"""How long pictures will take, told from those that were made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.samplers import SAMPLERS

_Key = tuple[str, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Seconds for each look of the network, by the model's hash and the picture's size."""

    seconds: Mapping[_Key, float]


def rates_of(made: Iterable[tuple[Recipe, float]]) -> Rates:
    """What pictures tell that were made on this machine.

    Args:
        made: recipes and the seconds that each took, from its first step to its last pixel.
    """
    found: dict[_Key, list[float]] = {}
    for recipe, seconds in made:
        if seconds > 0:
            key = recipe.model.sha256, recipe.width, recipe.height
            found.setdefault(key, []).append(seconds / _looks(recipe))
    return Rates(seconds={key: median(each) for key, each in found.items()})


def estimate(rates: Rates, recipes: Sequence[Recipe]) -> float | None:
    """Seconds that these pictures will take together; None when nothing is known of a model.

    A size that was not made yet is taken to cost in proportion to its pixels.
    """
    total = 0.0
    for recipe in recipes:
        rate = _rate(rates, recipe)
        if rate is None:
            return None
        total += rate * _looks(recipe)
    return total


def _rate(rates: Rates, recipe: Recipe) -> float | None:
    known = rates.seconds.get((recipe.model.sha256, recipe.width, recipe.height))
    if known is not None:
        return known
    area = recipe.width * recipe.height
    others = [
        seconds * area / (width * height)
        for (model, width, height), seconds in rates.seconds.items()
        if model == recipe.model.sha256
    ]
    return median(others) if others else None


def _looks(recipe: Recipe) -> int:
    return recipe.num_inference_steps * SAMPLERS[recipe.scheduler].order
