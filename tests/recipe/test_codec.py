"""Recipes and drafts survive JSON whole, and hostile JSON is refused in a sentence."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.recipe.codec import (
    canonical,
    digest,
    draft_from_json,
    draft_to_json,
    dumps,
    loads,
    recipe_from_json,
    recipe_to_json,
)
from desktop_app.recipe.draft import SEED_RULES, Draft
from desktop_app.recipe.recipe import SEED_MAX, FromNoise, ModelRef, Recipe, Variation
from desktop_app.recipe.samplers import all_labels

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
seeds = st.integers(0, SEED_MAX)
samplers = st.sampled_from(list(all_labels().values()))
sides = st.integers(8, 512).map(lambda n: n * 8)
models = st.builds(
    ModelRef, sha256=st.text("0123456789abcdef", min_size=64, max_size=64), name=text
)
variations = st.builds(Variation, seed=seeds, weight=st.floats(0, 1))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    scheduler, sigmas = draw(samplers)
    return Recipe(
        model=draw(models),
        prompt=draw(text),
        negative_prompt=draw(text),
        width=draw(sides),
        height=draw(sides),
        seed=draw(seeds),
        scheduler=scheduler,
        sigmas=sigmas,
        num_inference_steps=draw(st.integers(1, 500)),
        guidance_scale=draw(st.one_of(st.floats(0, 50), st.integers(0, 50))),
        start=FromNoise(variations=tuple(draw(st.lists(variations, max_size=3)))),
    )


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    scheduler, sigmas = draw(samplers)
    return Draft(
        prompt=draw(text),
        negative_prompt=draw(text),
        styles=tuple(draw(st.lists(text, max_size=3))),
        seed=draw(seeds),
        seed_rule=draw(st.sampled_from(SEED_RULES)),
        variation_seed=draw(seeds),
        variation_strength=draw(st.floats(0, 1)),
        model=draw(st.none() | models),
        width=draw(sides),
        height=draw(sides),
        scheduler=scheduler,
        sigmas=sigmas,
        count=draw(st.integers(1, 64)),
    )


@given(recipes())
def test_recipe_to_json_and_back_is_the_identity(recipe: Recipe) -> None:
    assert recipe_from_json(loads(dumps(recipe_to_json(recipe)))) == recipe


@given(drafts())
def test_draft_to_json_and_back_is_the_identity(draft: Draft) -> None:
    assert draft_from_json(loads(dumps(draft_to_json(draft)))) == draft


def sample() -> Recipe:
    return Recipe(model=ModelRef(sha256="a" * 64, name="A"), prompt="a fox", seed=SEED_MAX)


def test_seeds_travel_as_text() -> None:
    assert recipe_to_json(sample())["seed"] == "18446744073709551615"


def test_digest_ignores_the_models_name_and_nothing_else() -> None:
    recipe = sample()
    assert digest(recipe) == digest(replace(recipe, model=ModelRef(sha256="a" * 64, name="B")))
    assert digest(recipe) != digest(replace(recipe, seed=0))
    assert digest(replace(recipe, guidance_scale=7)) == digest(replace(recipe, guidance_scale=7.0))
    assert json.loads(canonical(recipe))["model"] == {"kind": "diffusers", "sha256": "a" * 64}


@pytest.mark.parametrize(
    "damage",
    [
        {"seed": "18446744073709551616"},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": "7; rm"},
        {"width": 8193},
        {"width": True},
        {"height": 0},
        {"num_inference_steps": 0},
        {"num_inference_steps": "20"},
        {"guidance_scale": 1e6},
        {"guidance_scale": None},
        {"scheduler": "magic"},
        {"scheduler": ["euler"]},
        {"scheduler": "ddim", "sigmas": "karras"},
        {"prompt": 5},
        {"prompt": "x" * 30_000},
        {"prompt": "\0"},
        {"model": None},
        {"model": {"sha256": "../x", "name": "n", "kind": "diffusers"}},
        {"start": {"kind": "image"}},
        {"start": {"kind": "noise", "variations": [{"seed": "1", "weight": 2}]}},
        {"start": {"kind": "noise", "variations": 7}},
        {"surprise": 1},
        {"version": 2},
        {"version": None},
    ],
)
def test_what_is_malformed_is_refused_in_a_sentence(damage: dict[str, object]) -> None:
    with pytest.raises(AppError) as refusal:
        recipe_from_json({**recipe_to_json(sample()), **damage})
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize("text", ["[" * 200_000, "NaN", "{", "", '{"a": Infinity}', "1" * 5000])
def test_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(AppError):
        recipe_from_json(loads(text))
