"""Recipes and drafts survive JSON whole, and hostile JSON is refused in a sentence."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.recipe.blocks import NAMES, blocks_of
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
from desktop_app.recipe.recipe import (
    BRANCHES_MAX,
    MODEL_KINDS,
    SEED_MAX,
    TILINGS,
    VARIATION_METHODS,
    EmbeddingUse,
    FromNoise,
    FromStep,
    LoraUse,
    ModelRef,
    Recipe,
    RefinerUse,
    Variation,
)
from desktop_app.recipe.samplers import all_labels

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
seeds = st.integers(0, SEED_MAX)
samplers = st.sampled_from(list(all_labels().values()))
sides = st.integers(8, 512).map(lambda n: n * 8)
models = st.builds(
    ModelRef,
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    name=text,
    kind=st.sampled_from(MODEL_KINDS),
)
adapters = st.one_of(
    st.builds(
        LoraUse,
        lora=models,
        weight=st.floats(-4, 4),
        blocks=st.dictionaries(st.sampled_from(NAMES), st.floats(-4, 4)).map(blocks_of),
    ),
    st.builds(EmbeddingUse, embedding=models, token=text),
)
refiners = st.builds(RefinerUse, model=models, start=st.floats(0, 1))
variations = st.builds(Variation, seed=seeds, weight=st.floats(0, 1))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    recipe = draw(roots())
    for _ in range(draw(st.integers(0, 2))):
        before = recipe.start.step if isinstance(recipe.start, FromStep) else 0
        steps = st.integers(before + 1, before + recipe.num_inference_steps)
        start = FromStep(parent=recipe, step=draw(steps))
        recipe = replace(recipe, prompt=draw(text), seed=draw(seeds), start=start)
    return recipe


@st.composite
def roots(draw: st.DrawFn) -> Recipe:
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
        start=FromNoise(
            variations=tuple(draw(st.lists(variations, max_size=3))),
            method=draw(st.sampled_from(VARIATION_METHODS)),
        ),
        tiling=draw(st.sampled_from(TILINGS)),
        adapters=tuple(draw(st.lists(adapters, max_size=2))),
        vae=draw(st.none() | models),
        text_encoders=tuple(draw(st.lists(models, max_size=3))),
        clip_skip=draw(st.integers(0, 12)),
        refiner=draw(st.none() | refiners),
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
        more_variations=tuple(draw(st.lists(variations, max_size=3))),
        branch=draw(st.none() | st.builds(FromStep, parent=roots(), step=st.just(1))),
        model=draw(st.none() | models),
        width=draw(sides),
        height=draw(sides),
        scheduler=scheduler,
        sigmas=sigmas,
        refiner=draw(st.none() | refiners),
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


def test_a_recipe_of_the_first_version_has_the_values_of_its_day() -> None:
    data = recipe_to_json(sample())
    for name in ("tiling", "adapters", "vae", "clip_skip"):
        del data[name]
    assert recipe_from_json({**data, "version": 1}) == sample()


def test_what_does_not_use_a_later_field_has_the_json_and_the_digest_of_before() -> None:
    for field in ("text_encoders", "refiner"):
        assert field not in recipe_to_json(sample())
        assert field not in draft_to_json(Draft())
    assert digest(sample()) == "a29d70b80ebce0709ab6b427f7fbc0ca9cb4e78cfb656ed2bd5d19490c19e83c"
    encoder = ModelRef(sha256="b" * 64, name="Long", kind="text_encoder")
    read = replace(sample(), text_encoders=(encoder,))
    assert digest(read) != digest(sample())
    assert digest(replace(read, text_encoders=(replace(encoder, name="Other"),))) == digest(read)


def test_the_blocks_of_a_lora_are_written_by_their_names() -> None:
    use = LoraUse(lora=ModelRef(sha256="ab" * 32, name="Ink", kind="lora"), weight=0.5)
    plain = cast(Any, recipe_to_json(replace(sample(), adapters=(use,))))
    assert "blocks" not in plain["adapters"][0]
    weighed = replace(use, blocks=(("IN04", 0.5), ("M00", 0.0)))
    data = cast(Any, recipe_to_json(replace(sample(), adapters=(weighed,))))
    assert data["adapters"][0]["blocks"] == {"IN04": 0.5, "M00": 0.0}
    data["adapters"][0]["blocks"] = {"M00": 0, "IN04": 0.5}
    assert recipe_from_json(data).adapters == (weighed,)
    for wrong in ({"IN12": 1.0}, {"IN04": "1"}, {"IN04": True}, {"IN04": 9.0}, [1], None):
        data["adapters"][0]["blocks"] = wrong
        with pytest.raises(AppError):
            recipe_from_json(data)


def test_no_more_text_encoders_than_a_model_can_have() -> None:
    data = recipe_to_json(sample())
    row = {"sha256": "b" * 64, "name": "Long", "kind": "text_encoder"}
    for wrong in ([row] * 9, [row] * 200, "none", [3], [{**row, "sha256": "x"}]):
        with pytest.raises(AppError):
            recipe_from_json({**data, "text_encoders": wrong})


def test_a_refiner_is_a_part_of_the_picture_and_its_name_is_not() -> None:
    model = ModelRef(sha256="b" * 64, name="Refiner")
    refined = replace(sample(), refiner=RefinerUse(model=model))
    assert digest(refined) != digest(sample())
    assert digest(replace(refined, refiner=RefinerUse(model=model, start=0.7))) != digest(refined)
    other = RefinerUse(model=replace(model, name="Another name"))
    assert digest(replace(refined, refiner=other)) == digest(refined)
    data = recipe_to_json(refined)
    row = {"model": {"sha256": "b" * 64, "name": "", "kind": "single"}, "start": 0.8}
    for wrong in ("none", [], {}, {**row, "start": 1.5}, {**row, "start": "0.8"}, {"start": 0.8}):
        with pytest.raises(AppError):
            recipe_from_json({**data, "refiner": wrong})


def branched(times: int) -> Recipe:
    recipe = sample()
    for step in range(1, times + 1):
        recipe = replace(recipe, start=FromStep(parent=recipe, step=step))
    return recipe


def test_a_branch_too_many_is_refused_when_made_and_when_read() -> None:
    data = recipe_to_json(branched(BRANCHES_MAX))
    with pytest.raises(AppError):
        branched(BRANCHES_MAX + 1)
    inner = {name: value for name, value in data.items() if name != "version"}
    with pytest.raises(AppError):
        recipe_from_json({**data, "start": {"kind": "step", "step": 40, "parent": inner}})


def test_a_branch_of_another_size_or_model_is_refused() -> None:
    start = FromStep(parent=sample(), step=3)
    with pytest.raises(AppError, match="size"):
        replace(sample(), start=start, width=64)
    with pytest.raises(AppError, match="model"):
        replace(sample(), start=start, model=ModelRef(sha256="b" * 64, name="B"))


def test_digest_ignores_the_models_name_and_nothing_else() -> None:
    recipe = sample()
    assert digest(recipe) == digest(replace(recipe, model=ModelRef(sha256="a" * 64, name="B")))
    assert digest(recipe) != digest(replace(recipe, seed=0))
    assert digest(replace(recipe, guidance_scale=7)) == digest(replace(recipe, guidance_scale=7.0))
    renamed = replace(recipe, model=ModelRef(sha256="a" * 64, name="B"))
    assert digest(replace(recipe, start=FromStep(parent=recipe, step=2))) == digest(
        replace(renamed, start=FromStep(parent=renamed, step=2))
    )
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
        {"start": {"kind": "noise", "method": "other"}},
        {"start": {"kind": "step", "step": 1}},
        {"start": {"kind": "step", "step": 0, "parent": {}}},
        {"tiling": "z"},
        {"clip_skip": -1},
        {"adapters": [{"kind": "lora"}]},
        {"adapters": [{"kind": "spell"}]},
        {"vae": "best"},
        {"version": 3},
        {"version": True},
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
