"""The explorer's map: its corners are exact, and what lies between them is where it should be."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from desktop_app.engine.noise import initial_noise, slerp
from desktop_app.errors import AppError
from desktop_app.recipe.explore import (
    Corner,
    Window,
    corner_of,
    nearest,
    noise_at,
    recipe_at,
    rough,
)
from desktop_app.recipe.recipe import FromNoise, FromStep, Recipe, RefinerUse, Variation
from tests.store.samples import recipe_of

SHAPE = (1, 4, 16, 16)
PLACES = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
shares = st.floats(0, 1, allow_subnormal=False)
seeds = st.integers(0, 2**32 - 1)
variations = st.lists(st.builds(Variation, seed=seeds, weight=shares), max_size=3).map(tuple)
corners = st.lists(
    st.builds(Corner, seed=seeds, variations=variations), min_size=2, max_size=4
).map(tuple)


def noise_of(seed: int, start: FromNoise) -> torch.Tensor:
    return initial_noise(seed, start, SHAPE)[0]


@given(corners)
@settings(max_examples=40)
def test_a_corner_is_its_noise_bit_for_bit(given_corners: tuple[Corner, ...]) -> None:
    for corner, (u, v) in zip(given_corners, PLACES, strict=False):
        found = noise_of(*noise_at(given_corners, u, v))
        own = noise_of(corner.seed, FromNoise(variations=corner.variations))
        assert torch.equal(found, own)


@given(st.lists(seeds, min_size=4, max_size=4, unique=True), shares, shares)
@settings(max_examples=40)
def test_a_place_is_the_slerp_of_the_corners(numbers: list[int], u: float, v: float) -> None:
    found = noise_of(*noise_at([Corner(seed=seed) for seed in numbers], u, v))
    a, b, c, d = (noise_of(seed, FromNoise()) for seed in numbers)
    wanted = slerp(slerp(a, b, u), slerp(c, d, u), v)
    cosine = float((found * wanted).sum() / found.norm() / wanted.norm())
    # 1,024 numbers of two seeds are orthogonal to some hundredths only.
    assert cosine > 0.98
    assert abs(float(found.norm() / wanted.norm()) - 1) < 0.05


@given(corners, st.floats(0.001, 0.999), shares)
@settings(max_examples=60)
def test_every_place_between_has_plain_numbers_on_the_first_seed(
    given_corners: tuple[Corner, ...], u: float, v: float
) -> None:
    seed, start = noise_at(given_corners, u, v)
    assert seed == given_corners[0].seed
    assert start.method == "whole"
    for one in start.variations:
        assert 0 < one.weight <= 1
        assert one.weight == round(one.weight, 6)


@given(shares)
def test_two_corners_are_a_line_whose_weight_is_the_place(u: float) -> None:
    assume(u == 0 or u > 1e-5)
    _, start = noise_at([Corner(seed=1), Corner(seed=2)], u, 0.7)
    weights = [one.weight for one in start.variations]
    assert weights == pytest.approx([u] if u > 0 else [], abs=1e-6)


def test_the_fourth_corner_of_three_lies_between_the_second_and_the_third() -> None:
    three = [Corner(seed=1), Corner(seed=2), Corner(seed=3)]
    _, start = noise_at(three, 1.0, 1.0)
    assert [(one.seed, one.weight) for one in start.variations] == [(2, 1.0), (3, 0.5)]


def test_variations_of_one_picture_span_a_small_map() -> None:
    def near(seed: int) -> Corner:
        return Corner(seed=1, variations=(Variation(seed=seed, weight=0.1),))

    seed, start = noise_at([Corner(seed=1), near(2), near(3), near(4)], 0.5, 0.5)
    kept = math.prod(math.cos(one.weight * math.pi / 2) for one in start.variations)
    assert seed == 1
    assert kept > 0.99
    assert {one.seed for one in start.variations} == {2, 3, 4}


def test_a_recipe_at_a_place_changes_nothing_but_the_noise() -> None:
    base = recipe_of(7)
    found = recipe_at(base, [Corner(seed=7), Corner(seed=8)], 0.25, 0)
    assert found.start == FromNoise(variations=(Variation(seed=8, weight=0.25),))
    assert (found.prompt, found.width, found.seed) == (base.prompt, base.width, 7)
    assert rough(found, 6).num_inference_steps == 6
    assert rough(found, 60) == found
    refined = replace(found, refiner=RefinerUse(model=found.model))
    assert rough(refined, 6) == rough(found, 6)
    assert rough(refined, 60) == refined


def test_corners_of_pictures() -> None:
    mixed = (Variation(seed=5, weight=0.3), Variation(seed=6, weight=0.0))
    base = recipe_of(7)
    varied = Recipe(model=base.model, prompt="", seed=7, start=FromNoise(variations=mixed))
    assert corner_of(varied, "a").variations == mixed[:1]
    branch = Recipe(model=base.model, prompt="", seed=9, start=FromStep(parent=varied, step=2))
    assert corner_of(branch).seed == 7
    other = Recipe(model=base.model, prompt="", start=FromNoise(variations=mixed, method="a1111"))
    with pytest.raises(AppError, match="A1111"):
        corner_of(other)


def test_the_nearest_corner() -> None:
    four = [Corner(seed=seed) for seed in range(4)]
    found = [nearest(four, u, v).seed for u, v in ((0.1, 0.2), (0.9, 0.2), (0.2, 0.9), (0.6, 0.7))]
    assert found == [0, 1, 2, 3]
    assert nearest(four[:2], 0.6, 1.0).seed == 1


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_map_has_two_to_four_corners(count: int) -> None:
    with pytest.raises(AppError, match="two to four"):
        noise_at([Corner(seed=1)] * count, 0.5, 0.5)


def test_too_many_seeds_are_refused_in_words() -> None:
    many = [
        Corner(
            seed=10 * n,
            variations=tuple(Variation(seed=10 * n + i, weight=0.5) for i in range(1, 9)),
        )
        for n in range(4)
    ]
    with pytest.raises(AppError, match="16 seeds"):
        noise_at(many, 0.5, 0.5)


@given(shares, shares, st.floats(0, 3))
def test_a_window_stays_on_the_map(u: float, v: float, side: float) -> None:
    window = Window().around(u, v, side)
    assert 0 <= window.left <= 1
    assert 0 <= window.top <= 1
    for column, row in ((0, 0), (4, 4)):
        across, down = window.at(column, row, 5, 5)
        assert 0 <= across <= 1
        assert 0 <= down <= 1
    assert Window().at(4, 4, 5, 5) == (1.0, 1.0)
    assert Window().at(0, 0, 1, 1) == (0.0, 0.0)
