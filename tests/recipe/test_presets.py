"""Presets: what is kept and applied, and files of them that come from anyone."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft, draft_of, expand
from desktop_app.recipe.preset import NAME_MAX, free_name, tags_in
from desktop_app.recipe.preset_file import (
    KINDS,
    PARAMETERS,
    PRESETS_MAX,
    SEEDS,
    STYLES,
    document,
    kind_of,
    parse_document,
)
from desktop_app.recipe.presets import (
    FIELDS,
    PARTS,
    SEED_FIELDS,
    applied,
    merged_notes,
    name_for,
    noise_of,
    parameter_preset,
    seed_preset,
    seed_preset_of,
    shows,
    with_sample,
)
from desktop_app.recipe.recipe import SEED_MAX, FromStep, ModelRef, Recipe, Variation
from desktop_app.recipe.styles import Style

MODEL = ModelRef(sha256="ab" * 32, name="A model")
FOUND = Draft(
    prompt="a fox",
    negative_prompt="dogs",
    styles=("Ink",),
    seed=SEED_MAX,
    variation_seed=3,
    variation_strength=0.25,
    more_variations=(Variation(seed=9, weight=0.5),),
    variation_method="a1111",
    model=MODEL,
    width=512,
    height=768,
    num_inference_steps=33,
    guidance_scale=3.5,
    scheduler="ddim",
    tiling="both",
    clip_skip=1,
    count=4,
)
OTHER = Draft(prompt="a boat", seed=1, seed_rule="random", variation_seed=77, count=2)


def test_every_field_of_a_draft_is_kept_by_one_part_or_left_out_on_purpose() -> None:
    kept = [*SEED_FIELDS, *(name for part in PARTS for name in FIELDS[part])]
    assert len(kept) == len(set(kept))
    assert {field.name for field in fields(Draft)} - set(kept) == {"seed_rule", "branch"}


def test_a_seed_preset_gives_back_all_that_it_kept() -> None:
    preset = seed_preset("Fox", FOUND)
    assert preset.variations == (
        Variation(seed=3, weight=0.25),
        Variation(seed=9, weight=0.5),
    )
    assert (preset.method, preset.width, preset.height) == ("a1111", 512, 768)
    draft = applied(preset, OTHER)
    assert draft == replace(FOUND, seed_rule="keep", count=2)
    alone = replace(draft, styles=(), count=1)
    assert expand(alone, {}) == expand(replace(FOUND, styles=(), count=1), {})


def test_what_is_not_ticked_is_not_in_the_preset() -> None:
    preset = seed_preset("Fox", FOUND, ("size",))
    assert b"a fox" not in document(SEEDS, [preset])
    assert b"A model" not in document(SEEDS, [preset])
    assert applied(preset, OTHER).prompt == "a boat"
    assert applied(preset, OTHER).width == 512
    seed_only = applied(seed_preset("Fox", FOUND), OTHER, ())
    assert (seed_only.seed, seed_only.width, seed_only.prompt) == (SEED_MAX, 512, "a boat")
    assert seed_only.num_inference_steps == OTHER.num_inference_steps


def test_a_preset_without_variations_leaves_the_second_seed_alone() -> None:
    plain = replace(FOUND, variation_strength=0.0, more_variations=(), variation_method="whole")
    draft = applied(seed_preset("Fox", plain), OTHER)
    assert (draft.variation_seed, draft.variation_strength) == (77, 0.0)
    mixed = replace(OTHER, variation_strength=0.5, more_variations=(Variation(seed=1, weight=1),))
    assert applied(seed_preset("Fox", plain), mixed).more_variations == ()


def test_settings_are_everything_but_the_seed_and_the_words() -> None:
    draft = applied(parameter_preset("Final", FOUND), OTHER)
    assert (draft.seed, draft.seed_rule, draft.prompt) == (1, "random", "a boat")
    assert draft == replace(
        FOUND,
        prompt="a boat",
        negative_prompt="",
        styles=(),
        seed_rule="random",
        **{name: getattr(OTHER, name) for name in SEED_FIELDS},
    )


def test_a_branch_ends_where_another_size_or_model_is_taken() -> None:
    parent = Recipe(model=MODEL, prompt="a fox", width=64, height=64)
    branch = replace(OTHER, branch=FromStep(parent=parent, step=2))
    assert applied(seed_preset("Fox", FOUND), branch).branch is None
    assert applied(seed_preset("Fox", FOUND), branch, ()).branch == branch.branch


def test_the_seed_of_a_branch_is_the_one_it_began_with() -> None:
    parent = Recipe(model=MODEL, prompt="a fox", seed=5, width=64, height=64)
    child = replace(parent, seed=6, prompt="a cat", start=FromStep(parent=parent, step=2))
    preset = seed_preset_of("Fox", child)
    assert (preset.seed, preset.prompt) == (5, "a fox")


def test_a_picture_shows_the_presets_that_it_was_made_with() -> None:
    recipe = expand(replace(FOUND, styles=(), count=1), {})[0]
    seed, settings = seed_preset("Fox", FOUND), parameter_preset("Final", FOUND)
    assert shows(seed, recipe)
    assert shows(settings, recipe)
    assert shows(seed, replace(recipe, prompt="another", num_inference_steps=5))
    assert not shows(seed, replace(recipe, width=64))
    assert not shows(seed, replace(recipe, seed=4))
    assert not shows(settings, replace(recipe, num_inference_steps=5))
    assert not shows(parameter_preset("Count", FOUND, ("count",)), recipe)


def test_samples_are_bounded_and_the_newest_is_first() -> None:
    preset = seed_preset("Fox", FOUND)
    for number in range(40):
        preset = replace(preset, samples=with_sample(preset, f"{number:064x}"))
    preset = replace(preset, samples=with_sample(preset, f"{30:064x}"))
    assert len(preset.samples) == 24
    assert preset.samples[:2] == (f"{30:064x}", f"{39:064x}")


def test_merging_unites_tags_notes_and_samples() -> None:
    one = seed_preset("a", FOUND, tags=("Fox", "snow"), notes="one", samples=("aa" * 32,))
    two = seed_preset("b", FOUND, tags=("fox", "night"), notes="two", samples=("bb" * 32,))
    assert merged_notes([one, two, one]) == {
        "tags": ("Fox", "snow", "night"),
        "notes": "one\n\ntwo",
        "samples": ("aa" * 32, "bb" * 32),
    }


def test_names_are_made_free_and_short() -> None:
    assert free_name("Fox", ["FOX", "fox 2"]) == "Fox 3"
    assert free_name("", []) == "Unnamed"
    assert len(free_name("x" * 200, ["x" * NAME_MAX])) == NAME_MAX
    assert name_for("", 7, []) == "Seed 7"
    assert name_for("a fox in the snow, very detailed, sharp focus, golden", 7, []) == (
        "a fox in the snow, very detailed, sharp"
    )
    assert tags_in(" fox , Snow,,FOX,  deep   blue") == ("fox", "Snow", "deep blue")


STYLE = Style(name="Ink", prompt="ink on {prompt}", negative_prompt="x", tags=("dark",))
ALL: list[tuple[Any, Any]] = [
    (SEEDS, seed_preset("Fox", FOUND, tags=("a",), notes="n", samples=("ab" * 32,))),
    (PARAMETERS, parameter_preset("Final", FOUND)),
    (STYLES, STYLE),
]


@pytest.mark.parametrize(("kind", "preset"), ALL)
def test_a_file_gives_back_what_was_put_in(kind: Any, preset: Any) -> None:
    data = document(kind, [preset, replace(preset, name="Another")])
    assert parse_document(kind, data) == (preset, replace(preset, name="Another"))
    assert kind_of(data) is kind
    for other in KINDS:
        if other is not kind:
            with pytest.raises(AppError) as refusal:
                parse_document(other, data)
            assert refusal.value.sentence == f"The file holds {kind.words}, not {other.words}."


def changed(**changes: object) -> bytes:
    data = json.loads(document(SEEDS, [seed_preset("Fox", FOUND)]))
    data["presets"][0] |= changes
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe{}",
        b"[]",
        b"{}",
        b'{"mezzotint":"seeds"}',
        b'{"mezzotint":"seeds","presets":[]}',
        b'{"mezzotint":"seeds","presets":[7]}',
        b'{"mezzotint":"seeds","presets":[{}]}',
        b"[" * 100_000,
        json.dumps({"mezzotint": "seeds", "presets": [{}] * (PRESETS_MAX + 1)}).encode(),
        b" " * 4_000_001,
        changed(version=3),
        changed(version=True),
        changed(name="new\nline"),
        changed(name=""),
        changed(tags=["x"] * 33),
        changed(tags="fox"),
        changed(samples=["../../etc/passwd"]),
        changed(parts=["prompt", "prompt"]),
        changed(parts=["everything"]),
        changed(parts=[["prompt"]]),
        changed(draft={"version": 1, "seed": "18446744073709551616"}),
        changed(draft={"version": 1, "width": 1e300}),
        changed(draft={"version": 99}),
        changed(draft=None),
        changed(file="/etc/passwd"),
        changed(notes="x" * 20_001),
    ],
)
def test_what_is_malformed_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(AppError) as refusal:
        parse_document(SEEDS, data)
    assert refusal.value.sentence.endswith(".")
    assert len(refusal.value.sentence) < 400


def test_one_bad_preset_refuses_the_file_and_is_named() -> None:
    data = json.loads(document(SEEDS, [seed_preset("a", FOUND), seed_preset("b", FOUND)]))
    data["presets"][1]["name"] = " "
    with pytest.raises(AppError, match="Nothing was taken, for preset 2 in the file"):
        parse_document(SEEDS, json.dumps(data).encode())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
KEYS = ["version", "name", "draft", "parts", "tags", "notes", "created", "samples", "seed", "x"]
DRAFT_KEYS = [*(field.name for field in fields(Draft)), "version", "kind"]


@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING),
    st.dictionaries(st.sampled_from(DRAFT_KEYS), ANYTHING),
)
def test_hostile_presets_are_read_or_refused_and_nothing_else(
    kind: Any, changes: dict[str, object], inner: dict[str, object]
) -> None:
    good = next(preset for one, preset in ALL if one is kind)
    data = json.loads(document(kind, [good]))
    row: dict[str, Any] = data["presets"][0]
    if "draft" in row:
        row["draft"] |= inner
    row |= changes
    try:
        found = parse_document(kind, json.dumps(data).encode())
    except AppError as refusal:
        assert refusal.sentence
    else:
        assert parse_document(kind, document(kind, found)) == found


@given(st.binary(max_size=300))
def test_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(AppError):
        parse_document(SEEDS, data)


@example(seed=0, weights=[0.0], name="0")
@given(
    seed=st.integers(0, SEED_MAX),
    weights=st.lists(st.floats(0, 1), max_size=4),
    name=st.text(min_size=1, max_size=NAME_MAX),
)
def test_any_seed_survives_the_file(seed: int, weights: list[float], name: str) -> None:
    mixed = tuple(Variation(seed=at, weight=weight) for at, weight in enumerate(weights))
    draft = replace(FOUND, seed=seed, variation_strength=0.0, more_variations=mixed)
    try:
        preset = seed_preset(free_name(name, []), draft)
    except AppError as refusal:
        assert refusal.code == "text-characters"
        return
    (again,) = parse_document(SEEDS, document(SEEDS, [preset]))
    assert again == preset
    assert again.start.variations == tuple(one for one in mixed if one.weight > 0)
    made = expand(replace(draft, styles=(), count=1), {})[0]
    assert noise_of(made) == (seed, again.start)
    assert draft_of(expand(replace(applied(again, OTHER), styles=(), count=1), {})[0]).seed == seed
