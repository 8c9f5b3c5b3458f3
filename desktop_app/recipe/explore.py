"""The explorer's map: between two to four noises, each place a list of seeds and weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import (
    SEED,
    VARIATIONS_MAX,
    FromNoise,
    FromStep,
    Recipe,
    Variation,
)

CORNERS_MIN, CORNERS_MAX = 2, 4
ZOOM_MIN = 1 / 1024
"""The smallest part of the map that is shown, as a share of its side."""
DIGITS = 6
"""Weights are kept to this many decimals, so that a recipe stays readable."""

Mix = dict[int, float]
"""Seeds and how much of their noises is in a mix: a unit vector, for the noises of two seeds are
all but orthogonal (16,384 normal numbers: cosine 0 ± 0.008)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corner:
    """A noise that the map begins at: a seed, and what is mixed into it.

    Attributes:
        name: for people, such as the preset's.
        picture: sha256 of the pixels of the picture that has it; may be empty.
    """

    seed: int
    variations: tuple[Variation, ...] = ()
    name: str = ""
    picture: str = ""

    def __post_init__(self) -> None:
        SEED.check(self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The part of the map that is looked at.

    Attributes:
        left: 0 ... 1, of its left edge; so is `top` of its upper one.
        side: of the part, 1 for the whole map.
    """

    left: float = 0.0
    top: float = 0.0
    side: float = 1.0

    def at(self, column: int, row: int, columns: int, rows: int) -> tuple[float, float]:
        """The place of a cell; the outer cells lie on the window's edges."""
        across = self.left + self.side * _share(column, columns)
        down = self.top + self.side * _share(row, rows)
        return min(across, 1.0), min(down, 1.0)

    def around(self, u: float, v: float, side: float) -> "Window":
        """The window of that side with a place in its middle, as far as the map goes."""
        side = min(max(side, ZOOM_MIN), 1.0)
        return Window(
            left=min(max(u - side / 2, 0.0), 1.0 - side),
            top=min(max(v - side / 2, 0.0), 1.0 - side),
            side=side,
        )


def corner_of(recipe: Recipe, name: str = "", picture: str = "") -> Corner:
    """The noise of a picture as a corner; a branch has its first parent's.

    Args:
        picture: sha256 of its pixels.

    Raises:
        AppError: `explore-method` when its noises are mixed in A1111's way.
    """
    start = recipe.start
    if isinstance(start, FromStep):
        return corner_of(start.parent, name, picture)
    variations = tuple(one for one in start.variations if one.weight > 0)
    if variations and start.method != "whole":
        raise AppError(
            "explore-method",
            "This picture's noises are mixed column by column, as A1111 does; the map cannot"
            " mix them further.",
            hint="Take a picture with one seed, or one that was varied here.",
        )
    return Corner(seed=recipe.seed, variations=variations, name=name, picture=picture)


def nearest(corners: Sequence[Corner], u: float, v: float) -> Corner:
    """The corner that a place is most like."""
    places = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    if len(corners) == CORNERS_MIN:
        v = 0.0
    pairs = zip(corners, places, strict=False)
    return min(pairs, key=lambda pair: math.hypot(pair[1][0] - u, pair[1][1] - v))[0]


def noise_at(corners: Sequence[Corner], u: float, v: float) -> tuple[int, FromNoise]:
    """The noise of a place on the map, as a seed and what is mixed into it in turn.

    The corners are the unit vectors a (left, top), b (right, top), c (left, bottom), d (right,
    bottom) over the noises of all seeds in them; with two there is one row, with three d lies
    midway between b and c. The place is slerp(slerp(a, b, u), slerp(c, d, u), v). A vector
    (c1 ... cn) is reached from the first seed by mixing seed k in with the weight

        w_k = 2 / pi * atan2(c_k, sqrt(c_1² + ... + c_(k-1)²)),

    since slerp with weight w turns by w * pi / 2 where noises are orthogonal. The seed is always
    the first corner's, so that samplers that draw noise in each step draw the same one everywhere.

    Args:
        u: 0 (left) ... 1 (right); so is `v` from the top down.

    Returns:
        At a corner, that corner's noise bit for bit.

    Raises:
        AppError: `explore-corners`, or `variations` where the corners have too many seeds.
    """
    if not CORNERS_MIN <= len(corners) <= CORNERS_MAX:
        raise AppError("explore-corners", "A map has two to four corners.")
    base = corners[0].seed
    exact = _corner_at(corners, u, v)
    if exact is not None:
        own = () if exact.seed == base else (Variation(seed=exact.seed, weight=1.0),)
        return base, FromNoise(variations=(*own, *exact.variations))
    mix = _mix_at([_mix_of(one) for one in corners], u, v)
    seeds = [base, *(seed for seed in mix if seed != base)]
    variations: list[Variation] = []
    before = abs(mix.get(base, 0.0))
    for seed in seeds[1:]:
        weight = round(math.atan2(mix[seed], before) / (math.pi / 2), DIGITS)
        before = math.hypot(before, mix[seed])
        if weight > 0:
            variations.append(Variation(seed=seed, weight=weight))
    if len(variations) > VARIATIONS_MAX:
        raise AppError(
            "variations",
            f"The corners have more than {VARIATIONS_MAX} seeds together.",
            hint="Take corners with fewer variations.",
        )
    return base, FromNoise(variations=tuple(variations))


def recipe_at(base: Recipe, corners: Sequence[Corner], u: float, v: float) -> Recipe:
    """The recipe of a place: `base` with that place's noise.

    Raises:
        AppError: as `noise_at`.
    """
    seed, start = noise_at(corners, u, v)
    return replace(base, seed=seed, start=start)


def rough(recipe: Recipe, steps: int) -> Recipe:
    """The same picture in fewer steps, too few to be worth a refiner's.

    Its size stays, for at another one a seed is another noise.

    Args:
        steps: at most so many.
    """
    if recipe.num_inference_steps <= steps:
        return recipe
    return replace(recipe, num_inference_steps=steps, refiner=None)


def _share(place: int, count: int) -> float:
    return place / (count - 1) if count > 1 else 0.0


def _corner_at(corners: Sequence[Corner], u: float, v: float) -> Corner | None:
    if len(corners) == CORNERS_MIN:
        v = 0.0
    if u not in (0.0, 1.0) or v not in (0.0, 1.0):
        return None
    number = int(u) + 2 * int(v)
    return corners[number] if number < len(corners) else None


def _mix_of(corner: Corner) -> Mix:
    mix = {corner.seed: 1.0}
    for variation in corner.variations:
        mix = _slerp(mix, {variation.seed: 1.0}, variation.weight)
    return mix


def _mix_at(corners: list[Mix], u: float, v: float) -> Mix:
    a, b, *rest = corners
    above = _slerp(a, b, u)
    match rest:
        case []:
            return above
        case [c]:
            return _slerp(above, _slerp(c, _slerp(b, c, 0.5), u), v)
        case _:
            return _slerp(above, _slerp(rest[0], rest[1], u), v)


def _slerp(first: Mix, second: Mix, weight: float) -> Mix:
    """Spherical interpolation of unit vectors (Shoemake 1985)."""
    cosine = sum(share * second.get(seed, 0.0) for seed, share in first.items())
    angle = math.acos(min(max(cosine, -1.0), 1.0))
    if angle < 1e-9:
        return dict(first)
    one, two = math.sin((1 - weight) * angle), math.sin(weight * angle)
    seeds = dict.fromkeys((*first, *second))
    mixed = {seed: one * first.get(seed, 0.0) + two * second.get(seed, 0.0) for seed in seeds}
    norm = math.sqrt(sum(share * share for share in mixed.values()))
    return {seed: share / norm for seed, share in mixed.items()}
