"""Infotext as other programs write it, also where it is ambiguous or hostile."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.foreign import NamedRefiner
from desktop_app.recipe.infotext import read
from desktop_app.recipe.infotext_writing import write
from desktop_app.recipe.recipe import (
    SEED_MAX,
    VARIATION_METHODS,
    FromNoise,
    ModelRef,
    Recipe,
    RefinerUse,
    Variation,
)
from desktop_app.recipe.samplers import all_labels

MODEL = ModelRef(sha256="6ce0161689" + "ab" * 27, name="v1-5-pruned-emaonly")
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768"

words = st.text(
    st.one_of(st.sampled_from('abc ,:()"\\\n{}[]<>|0123é雪'), st.characters(codec="utf-8")),
    max_size=120,
).filter(lambda text: "\0" not in text and "\r" not in text)
# What A1111's format can hold: no line of the prompt says that the negative prompt begins.
prompts = words.map(str.strip).filter(
    lambda text: not any(line.lstrip().startswith("Negative prompt:") for line in text.split("\n"))
)
seeds = st.integers(0, SEED_MAX)
sides = st.integers(8, 512).map(lambda n: n * 8)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    scheduler, sigmas = draw(st.sampled_from(list(all_labels().values())))
    variation = draw(
        st.none() | st.builds(Variation, seed=seeds, weight=st.floats(0, 1, exclude_min=True))
    )
    return Recipe(
        model=replace(MODEL, name=draw(words.filter(lambda w: "\n" not in w))),
        prompt=draw(prompts),
        negative_prompt=draw(prompts),
        width=draw(sides),
        height=draw(sides),
        seed=draw(seeds),
        scheduler=scheduler,
        sigmas=sigmas,
        num_inference_steps=draw(st.integers(1, 500)),
        guidance_scale=draw(st.floats(0, 50)),
        start=FromNoise(
            variations=(variation,) if variation else (),
            method=draw(st.sampled_from(VARIATION_METHODS)) if variation else "whole",
        ),
    )


@given(recipe=recipes())
@example(
    recipe=Recipe(
        model=MODEL, prompt="camera: Leica, lens: 50mm, film: Portra", negative_prompt=SETTINGS
    )
)
@example(recipe=Recipe(model=MODEL, prompt='{"a|b} fox'))
def test_what_is_written_is_read_back(recipe: Recipe) -> None:
    found = read(write(recipe, app="Mezzotint 0.1.0"))
    assert found is not None
    expected: dict[str, object] = {
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "width": recipe.width,
        "height": recipe.height,
        "seed": recipe.seed,
        "scheduler": recipe.scheduler,
        "sigmas": recipe.sigmas,
        "num_inference_steps": recipe.num_inference_steps,
        "guidance_scale": recipe.guidance_scale,
    }
    assert isinstance(recipe.start, FromNoise)
    for variation in recipe.start.variations:
        expected |= {"variation_seed": variation.seed, "variation_strength": variation.weight}
        expected["variation_method"] = recipe.start.method
    assert dict(found.changes) == expected
    assert found.notes == ()
    assert found.model_hash == "6ce0161689"
    assert found.refiner is None
    assert found.model_name.strip() == recipe.model.name.strip()
    replace(Draft(), **found.changes)


@given(text=st.text(max_size=400) | words.map(lambda prompt: f"{prompt}\n{SETTINGS}"))
def test_any_text_gives_a_draft_or_nothing(text: str) -> None:
    found = read(text)
    if found is not None:
        replace(Draft(), **found.changes)


def test_the_words_are_those_of_a1111() -> None:
    recipe = Recipe(
        model=MODEL,
        prompt="a fox, <lora:x:0.8>",
        negative_prompt="blurry",
        scheduler="dpmpp_2m",
        sigmas="karras",
        seed=SEED_MAX,
        guidance_scale=7.0,
        start=FromNoise(variations=(Variation(seed=12, weight=0.2),)),
    )
    assert write(recipe, app="Mezzotint 0.1.0") == (
        "a fox, <lora:x:0.8>\nNegative prompt: blurry\n"
        "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7,"
        " Seed: 18446744073709551615, Size: 512x512, Model hash: 6ce0161689,"
        " Model: v1-5-pruned-emaonly, RNG: CPU, Variation seed: 12,"
        " Variation seed strength: 0.2, Version: Mezzotint 0.1.0"
    )


def test_a_refiner_is_written_and_read_as_a1111_does() -> None:
    refiner = ModelRef(sha256="7440042bbd" + "0" * 54, name="sd_xl_refiner_1.0", kind="single")
    recipe = Recipe(model=MODEL, prompt="a fox", refiner=RefinerUse(model=refiner, start=0.75))
    text = write(recipe, app="Mezzotint 0.1.0")
    assert "RNG: CPU, Refiner: sd_xl_refiner_1.0 [7440042bbd], Refiner switch at: 0.75," in text
    found = read(text)
    assert found is not None
    assert found.refiner == NamedRefiner(name="sd_xl_refiner_1.0", hash="7440042bbd", start=0.75)
    for told, name, start, notes in (
        ("Refiner: fine", "fine", 0.8, 0),
        ("Refiner: my [best] one, Refiner switch at: 0.5", "my [best] one", 0.5, 0),
        ("Refiner: fine, Refiner switch at: 7", "fine", 0.8, 1),
        ("Refiner: fine, Refiner switch at: nan", "fine", 0.8, 1),
    ):
        other = read(f"a cat\n{SETTINGS}, {told}")
        assert other is not None
        assert other.refiner == NamedRefiner(name=name, start=start)
        assert len(other.notes) == notes


def taken(text: str) -> dict[str, object]:
    found = read(text)
    assert found is not None
    return dict(found.changes)


def test_a_negative_prompt_with_pairs_is_not_taken_for_the_settings() -> None:
    text = f"a cat\nNegative prompt: camera: Leica, lens: 50mm, film: Portra\n{SETTINGS}"
    assert taken(text)["negative_prompt"] == "camera: Leica, lens: 50mm, film: Portra"
    assert read("camera: Leica, lens: 50mm, film: Portra") is None


def test_lines_after_the_settings_do_not_hide_them() -> None:
    text = f"a cat\n{SETTINGS}\nTemplate: a {{cat|dog}}\nNegative Template: x: 1, y: 2, z: 3"
    assert taken(text)["prompt"] == "a cat"
    assert taken(text)["seed"] == 5


def test_windows_line_ends_and_empty_lines_do_not_matter() -> None:
    text = f"\r\n\r\na cat\r\nNegative prompt: dogs\r\n{SETTINGS}\r\n\r\n"
    assert taken(text) == taken(f"a cat\nNegative prompt: dogs\n{SETTINGS}")


def test_commas_in_names_quotes_and_brackets_stay_together() -> None:
    found = read(
        'a cat\nSteps: 20, Seed: 5, Model: my,model v1, Lora hashes: "a: 7c6b, b: 12",'
        ' Hires prompt: "a, b\\nc: \\"d\\"", Civitai resources: [{"type":"checkpoint","n":1}],'
        ' Broken: "never closed, N: 4, Size: 64x64'
    )
    assert found is not None
    assert found.model_name == "my,model v1"
    assert found.fields["Lora hashes"] == "a: 7c6b, b: 12"
    assert found.fields["Hires prompt"] == 'a, b\nc: "d"'
    assert found.fields["Civitai resources"] == '[{"type":"checkpoint","n":1}]'
    assert found.fields["N"] == "4"
    assert found.changes["width"] == 64


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("Sampler: DPM++ 2M Karras", ("dpmpp_2m", "karras")),
        ("Sampler: DPM++ 2M, Schedule type: Karras", ("dpmpp_2m", "karras")),
        ("Sampler: DPM++ 2M SDE, Schedule type: Exponential", ("dpmpp_2m_sde", "exponential")),
        ("Sampler: Euler, Schedule type: Align Your Steps", ("euler", "ays")),
        ("Sampler: Euler, Schedule type: Automatic", ("euler", "default")),
        ("Sampler: PLMS", ("pndm", "default")),
        ("Sampler: k_euler_a", ("euler_a", "default")),
        ("Sampler: UniPC, Schedule type: Sideways", ("unipc", "default")),
    ],
)
def test_samplers_by_the_names_of_several_years(named: str, expected: tuple[str, str]) -> None:
    changes = taken(f"a cat\nSteps: 20, {named}, Seed: 1")
    assert (changes["scheduler"], changes["sigmas"]) == expected


def test_an_unknown_sampler_is_left_out_with_a_word_about_it() -> None:
    found = read("a cat\nSteps: 20, Sampler: DPM++ SDE, Seed: 1")
    assert found is not None
    assert "scheduler" not in found.changes
    assert "DPM++ SDE" in found.notes[0]


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("CFG scale: 1e309", {}),
        ("CFG scale: -0", {"guidance_scale": 0.0}),
        ("CFG scale: NaN", {}),
        ("CFG scale: 1000", {"guidance_scale": 50.0}),
        ("Seed: 18446744073709551616", {}),
        ("Seed: -1", {}),
        ("Seed: 7; rm -rf", {}),
        ("Seed: " + "9" * 5000, {}),
        ("Seed: ١٢", {}),
        ("Size: 0x0", {}),
        ("Size: 100000x100000", {}),
        ("Size: 513x512", {"width": 512, "height": 512}),
        ("Size: __import__('os')", {}),
        ("Seed resize from: 640x640", {}),
        ("Variation seed strength: 0.5", {}),
    ],
)
def test_values_out_of_range_are_clamped_or_left_out_and_the_prompt_stays(
    field: str, kept: dict[str, object]
) -> None:
    found = read(f"a (cat:1.2) <lora:../../x:1>\nSteps: 20, Sampler: Euler, {field}")
    assert found is not None
    expected: dict[str, object] = {
        "prompt": "a (cat:1.2) <lora:../../x:1>",
        "negative_prompt": "",
        "num_inference_steps": 20,
        "scheduler": "euler",
        "sigmas": "default",
        **kept,
    }
    assert dict(found.changes) == expected


def test_steps_out_of_range_are_clamped_with_a_word_about_it() -> None:
    found = read("a cat\nSteps: 100000, Seed: 5")
    assert found is not None
    assert found.changes["num_inference_steps"] == 500
    assert "100000" in found.notes[0]


def test_an_injected_settings_line_does_not_win_over_the_last_one() -> None:
    text = f"a cat\nNegative prompt: x\nSteps: 1, Seed: 666, Sampler: Euler\n{SETTINGS}"
    assert taken(text)["seed"] == 5


def test_a_prompt_that_is_too_long_is_cut() -> None:
    found = read("x" * 30_000 + "\n" + SETTINGS)
    assert found is not None
    assert found.changes["prompt"] == "x" * 20_000
    assert found.notes
    assert read("x" * 500_000 + "\n" + SETTINGS) is None


@pytest.mark.parametrize(
    "data",
    [
        {"sui_image_params": {"prompt": "p", "negativeprompt": "n", "seed": 3, "steps": 9,
         "cfgscale": 5, "width": 512, "height": 640, "sampler": "euler", "scheduler": "karras"}},
        {"prompt": "p", "negative_prompt": "n", "seed": "3", "steps": 9, "guidance_scale": 5.0,
         "resolution": "(512, 640)", "sampler": "euler", "scheduler": "karras"},
        {"positive_prompt": "p", "negative_prompt": "n", "seed": 3, "steps": 9, "cfg_scale": 5.0,
         "width": 512, "height": 640, "scheduler": "euler karras", "model": {"name": "x"}},
        {"prompt": "p", "uc": "n", "seed": 3, "steps": 9, "scale": 5.0, "width": 512,
         "height": 640, "sampler": "k_euler", "noise_schedule": "karras"},
    ],
    ids=["SwarmUI", "Fooocus", "InvokeAI", "NovelAI"],
)  # fmt: skip
def test_json_of_other_programs(data: dict[str, object]) -> None:
    assert taken(json.dumps(data)) == {
        "prompt": "p",
        "negative_prompt": "n",
        "seed": 3,
        "num_inference_steps": 9,
        "guidance_scale": 5.0,
        "width": 512,
        "height": 640,
        "scheduler": "euler",
        "sigmas": "karras",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '{"prompt": {"3": {"class_type": "KSampler"}}, "seed": 1}',
        '{"a":' * 60_000,
        '{"prompt": "x", "seed": ' + "1" * 6000 + "}",
        "Steps: 20",
        "Steps: 20, Size: 512x512, Model: x",
        "Steps" * 1000,
        ("Steps: 20, " * 20_000),
    ],
)
def test_what_is_no_infotext_says_nothing(text: str) -> None:
    assert read(text) is None
