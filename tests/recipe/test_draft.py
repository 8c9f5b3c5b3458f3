"""A draft becomes one recipe for each picture, and a recipe becomes its draft again."""

from dataclasses import replace

import pytest
from hypothesis import given

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft, after_run, draft_of, expand
from desktop_app.recipe.recipe import SEED_MAX, FromNoise, ModelRef, Recipe, Variation
from desktop_app.recipe.samplers import SAMPLERS, all_labels, find_sampler, label_of
from desktop_app.recipe.styles import Style
from tests.recipe.test_codec import recipes

MODEL = ModelRef(sha256="0" * 64, name="Model")
STYLES = {
    "Watercolor": Style(name="Watercolor", prompt="watercolor", negative_prompt="photo"),
    "Ink": Style(name="Ink", prompt="an ink drawing of {prompt}"),
}


def test_each_picture_has_its_own_seed_around_the_end() -> None:
    draft = Draft(prompt="a fox", seed=SEED_MAX, count=3, model=MODEL)
    assert [recipe.seed for recipe in expand(draft, STYLES)] == [SEED_MAX, 0, 1]


def test_styles_are_written_into_the_prompt() -> None:
    draft = Draft(prompt="a fox, ", styles=("Watercolor", "Ink"), model=MODEL)
    (recipe,) = expand(draft, STYLES)
    assert recipe.prompt == "an ink drawing of a fox, watercolor"
    assert recipe.negative_prompt == "photo"


def test_a_variation_is_two_numbers_in_the_recipe() -> None:
    draft = Draft(prompt="a", variation_seed=9, variation_strength=0.2, model=MODEL)
    (recipe,) = expand(draft, STYLES)
    assert recipe.start == FromNoise(variations=(Variation(seed=9, weight=0.2),))


def test_in_a1111s_way_the_variation_seed_moves() -> None:
    draft = Draft(
        prompt="a",
        seed=5,
        variation_seed=SEED_MAX,
        variation_strength=0.2,
        variation_method="a1111",
        count=3,
        model=MODEL,
    )
    made = expand(draft, STYLES)
    assert [recipe.seed for recipe in made] == [5, 5, 5]
    starts = [recipe.start for recipe in made]
    assert starts == [
        FromNoise(variations=(Variation(seed=seed, weight=0.2),), method="a1111")
        for seed in (SEED_MAX, 0, 1)
    ]
    after = after_run(replace(draft, seed_rule="step"), lambda: 9)
    assert (after.seed, after.variation_seed) == (5, 2)
    # Without a strength nothing is mixed, and the seeds count up as ever.
    plain = replace(draft, variation_strength=0.0)
    assert [recipe.seed for recipe in expand(plain, STYLES)] == [5, 6, 7]
    assert after_run(replace(plain, seed_rule="step"), lambda: 9).seed == 8


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": None}, "no-model"),
        ({"prompt": " "}, "no-prompt"),
        ({"styles": ("Oil",)}, "unknown-style"),
    ],
)
def test_what_cannot_be_made_is_refused(change: dict[str, object], code: str) -> None:
    draft = replace(Draft(prompt="a", model=MODEL), **change)  # type: ignore[arg-type]
    with pytest.raises(AppError) as refusal:
        expand(draft, STYLES)
    assert refusal.value.code == code


def test_the_seed_rule_moves_the_seed() -> None:
    draft = Draft(seed=SEED_MAX, count=2)
    assert after_run(replace(draft, seed_rule="keep"), lambda: 5).seed == SEED_MAX
    assert after_run(replace(draft, seed_rule="step"), lambda: 5).seed == 1
    assert after_run(replace(draft, seed_rule="random"), lambda: 5).seed == 5


@given(recipes())
def test_a_recipes_draft_expands_to_the_recipe(recipe: Recipe) -> None:
    if not recipe.prompt.strip():
        return
    if isinstance(recipe.start, FromNoise):
        variations = tuple(v for v in recipe.start.variations if v.weight > 0)
        method = recipe.start.method if variations else "whole"
        recipe = replace(recipe, start=FromNoise(variations=variations, method=method))
    assert expand(draft_of(recipe), {}) == (recipe,)


@pytest.mark.parametrize("field", ["width", "height", "num_inference_steps", "count", "seed"])
def test_ranges_are_refused_with_a_sentence(field: str) -> None:
    with pytest.raises(AppError, match="must be a number from"):
        replace(Draft(), **{field: -8})  # type: ignore[arg-type]


def test_every_sampler_is_found_by_every_name_it_has() -> None:
    for label, pair in all_labels().items():
        assert find_sampler(label) == find_sampler(label.upper()) == pair
        assert label_of(*pair) == label
    assert find_sampler("dpmpp_2m_karras") == ("dpmpp_2m", "karras")
    assert find_sampler("k_euler_a") == ("euler_a", "default")
    assert find_sampler("EulerDiscreteScheduler") == ("euler", "default")
    assert len(SAMPLERS) == 15
    with pytest.raises(AppError, match="no sampler called"):
        find_sampler("magic")
