"""Random seeds: none of the last 10,000, within a session and across sessions."""

from collections import deque
from collections.abc import Callable

import pytest

from desktop_app.recipe.recipe import FromNoise, FromStep, ModelRef, Recipe, Variation
from desktop_app.studio.seeds import RECENT, Seeds, seeds_of
from tests.studio.conftest import Stage

Open = Callable[..., Stage]
MODEL = ModelRef(sha256="ab" * 32, name="A model")


def test_none_of_the_last_ten_thousand_is_drawn_again() -> None:
    # So few seeds to draw from that without the memory most draws would be among the last ones.
    seeds = Seeds(bits=15)
    last: deque[int] = deque(range(RECENT), maxlen=RECENT)
    seeds.take_up([*last][::-1])
    for _ in range(30_000):
        drawn = seeds.draw()
        assert drawn not in last
        seeds.note([drawn])
        last.append(drawn)


def test_drawn_seeds_that_were_never_used_are_not_drawn_again_either() -> None:
    seeds = Seeds(bits=15)
    drawn = [seeds.draw() for _ in range(RECENT)]
    assert len(set(drawn)) == RECENT
    assert all(map(seeds.drawn, drawn))
    assert not any(map(seeds.known, drawn))


def test_what_is_older_than_the_last_ones_may_come_again() -> None:
    seeds = Seeds(bits=8, recent=100)
    seeds.note(range(200))
    assert not seeds.known(99)
    assert seeds.known(100)
    with pytest.raises(ValueError, match="too few"):
        Seeds(bits=13)


def test_a_seed_with_the_same_noise_counts_as_the_same() -> None:
    seeds = Seeds()
    seeds.note([2**40 + 5])
    assert seeds.known(5)


def test_the_newest_of_earlier_sessions_outlast_the_oldest() -> None:
    seeds = Seeds(bits=10, recent=100)
    seeds.note([1000, 1001])
    seeds.take_up(range(150))
    assert seeds.known(1000)
    assert seeds.known(0)
    assert seeds.known(97)
    assert not seeds.known(98)


def test_all_seeds_of_a_recipe_count() -> None:
    mixed = FromNoise(variations=(Variation(seed=8, weight=0.5), Variation(seed=9, weight=0)))
    recipe = Recipe(model=MODEL, prompt="a fox", seed=7, start=mixed)
    assert seeds_of(recipe) == (7, 8, 9)
    assert seeds_of(Recipe(model=MODEL, prompt="", start=FromStep(parent=recipe, step=1))) == (0,)


def test_a_new_session_knows_the_seeds_of_the_last_one(stage: Stage, open_stage: Open) -> None:
    stage.order(seed=4711, seed_rule="keep", variation_seed=12, variation_strength=0.5)
    stage.made(1)
    assert stage.end()
    again = open_stage()
    again.start()
    orders = again.studio._orders  # pyright: ignore[reportPrivateUsage]
    seeds = orders._seeds  # pyright: ignore[reportPrivateUsage]
    again.until(lambda: seeds.known(4711))
    assert seeds.known(12)


def test_a_seed_that_was_drawn_too_early_is_drawn_again(stage: Stage) -> None:
    studio = stage.studio
    studio.dice()
    early = studio.editor.draft.seed
    orders = studio._orders  # pyright: ignore[reportPrivateUsage]
    orders.take_up([early, 3])
    assert studio.editor.draft.seed != early
    studio.editor.set(seed=3)
    orders.take_up([3])
    assert studio.editor.draft.seed == 3  # typed, so it stays
