"""Inline parameters: what Midjourney users type means what the panels say, and nothing is lost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.flags import read
from desktop_app.recipe.flags_taken import (
    NO_EQUAL,
    Target,
    give_back,
    holds,
    size_for,
    stylized,
    take,
)
from desktop_app.recipe.names import PARAMETERS
from desktop_app.recipe.recipe import HEIGHT, WIDTH

pytestmark = pytest.mark.core
TARGET = Target(sizes=((512, 512), (640, 448)), default_steps=20, default_guidance=8.0)


@pytest.mark.parametrize(
    ("typed", "changes"),
    [
        ("--ar 1:1", {"width": 512, "height": 512}),
        ("--ar 10:7", {"width": 640, "height": 448}),
        ("--aspect 2:1", {"width": 704, "height": 352}),
        ("--seed 7", {"seed": 7, "seed_rule": "keep"}),
        ("--seed 18446744073709551615", {"seed": 2**64 - 1, "seed_rule": "keep"}),
        ("--no text, hands", {"negative_prompt": "blur, text, hands"}),
        ("--repeat 4", {"count": 4}),
        ("--r 4", {"count": 4}),
        ("--steps 30", {"num_inference_steps": 30}),
        ("--cfg 4.5", {"guidance_scale": 4.5}),
        ("--w 500 --h 770", {"width": 504, "height": 768}),
        ("--sampler euler a", {"scheduler": "euler_a", "sigmas": "default"}),
        ("--sampler DPM++ 2M Karras", {"scheduler": "dpmpp_2m", "sigmas": "karras"}),
        ("--stylize 100", {"guidance_scale": 8.0}),
        ("--s 550", {"guidance_scale": 4.0}),
        ("--q 0.5", {"num_inference_steps": 10}),
        ("--tile", {"tiling": "both"}),
        ("--tile x", {"tiling": "x"}),
        ("--style Oil paint", {"styles": ("Oil paint",)}),
        ("--style raw", {}),
        ("--v 6.1", {}),
        ("--niji 6", {}),
        ("--chaos 30", {}),
        ("\u2014seed=7", {"seed": 7, "seed_rule": "keep"}),
        ("--SEED 7,", {"seed": 7, "seed_rule": "keep"}),
    ],
)
def test_a_parameter_goes_into_the_panels_and_out_of_the_prompt(
    typed: str, changes: dict[str, object]
) -> None:
    draft = Draft(prompt=f"a fox, snow {typed}", negative_prompt="blur")
    after, taken = take(draft, TARGET, ["Oil paint"])
    if changes.get("height") == 352:
        # Any legal size of that shape near the native area will do.
        assert after.width / after.height == pytest.approx(2, rel=0.05)
        changes = {"width": after.width, "height": after.height}
    assert after == replace(draft, prompt="a fox, snow", **changes)  # pyright: ignore[reportArgumentType]
    assert taken
    assert all(one.words.endswith(".") for one in taken)
    back = after
    for one in reversed(taken):
        assert holds(back, one)
        back = give_back(back, one)
    assert back == replace(draft, prompt="a fox, snow")


def test_many_at_once_and_in_the_middle() -> None:
    draft = Draft(prompt="a fox --ar 1:1 --seed 7 --no text, hands --repeat 4 --tile --v 6")
    after, taken = take(draft, TARGET)
    assert after.prompt == "a fox"
    assert [one.text for one in taken] == [
        "--ar 1:1",
        "--seed 7",
        "--no text, hands",
        "--repeat 4",
        "--tile",
        "--v 6",
    ]
    assert (after.seed, after.count, after.negative_prompt, after.tiling) == (
        7,
        4,
        "text, hands",
        "both",
    )
    middle, _ = take(Draft(prompt="a fox --seed 7 in the snow"), TARGET)
    assert middle.prompt == "a fox in the snow"


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("a fox --foo 3", "--foo", "no parameter --foo"),
        ("a fox --ar 3", "--ar 3", "--ar 3:2"),
        ("a fox --ar 0:1", "--ar 0:1", "--ar 3:2"),
        ("a fox --ar 99:1", "--ar 99:1", "at the most"),
        ("a fox --ar", "--ar", "needs a value"),
        ("a fox --seed x", "--seed x", "Seed must be"),
        ("a fox --seed 18446744073709551616", "--seed 18446744073709551616", "Seed must be"),
        ("a fox --steps 0", "--steps 0", "Steps must be"),
        ("a fox --steps 9999", "--steps 9999", "Steps must be"),
        ("a fox --repeat 500", "--repeat 500", "Count must be"),
        ("a fox --w 9999", "--w 9999", "Width must be"),
        ("a fox --stylize 5000", "--stylize 5000", "Stylize must be"),
        ("a fox --sampler best", "--sampler best", "no sampler"),
        ("a fox --style Oil", "--style Oil", "no style called"),
        ("a fox --no --seed 7", "--no", "needs a value"),
    ],
)
def test_what_cannot_be_taken_stays_in_the_words_and_is_marked(
    text: str, marked: str, words: str
) -> None:
    (problem,) = read(text).problems
    assert text[problem.start : problem.end] == marked
    assert words in problem.sentence
    assert marked in take(Draft(prompt=text), TARGET)[0].prompt


@pytest.mark.parametrize(
    "text",
    [
        "a well--known fox",
        "a fox \u2014 red",
        "a fox \u2014red",
        r"a fox \--seed 7",
        "--",
        "--7",
        "a --",
    ],
)
def test_dashes_that_are_none_of_ours_are_words(text: str) -> None:
    draft = Draft(prompt=text)
    assert take(draft, TARGET) == (draft, ())
    assert not read(text).problems


def test_every_known_name_is_taken_or_said_to_have_no_equal() -> None:
    values = {"ar": "3:2", "aspect": "3:2", "sampler": "euler", "style": "raw", "no": "text"}
    values |= {"q": "1", "quality": "1"}
    for name in PARAMETERS:
        for value in (values.get(name), "100", "64", "7", ""):
            _, taken = take(Draft(prompt=f"a fox --{name} {value or ''}"), TARGET)
            if taken:
                break
        assert taken, name
    assert all(name in PARAMETERS for name in NO_EQUAL)


def test_giving_back_leaves_what_was_changed_since() -> None:
    draft = Draft(prompt="a fox --no text --steps 30", negative_prompt="blur")
    after, (no, steps) = take(draft, TARGET)
    edited = replace(after, negative_prompt="blur, text, more", num_inference_steps=12)
    assert not holds(edited, steps)
    assert holds(edited, no)
    assert give_back(edited, no).negative_prompt == "blur, more"
    assert give_back(edited, steps) == edited


@given(
    st.floats(1 / 8, 8),
    st.sampled_from([(128, 128), (256, 256), (512, 512), (768, 768), (1024, 1024), (512, 768)]),
)
def test_every_shape_gets_a_legal_size_of_about_the_models_area(
    ratio: float, native: tuple[int, int]
) -> None:
    width, height = size_for(ratio, Target(native_size=native))
    WIDTH.check(width)
    HEIGHT.check(height)
    if native[0] >= 256 and 1 / 4 <= ratio <= 4:
        assert width / height == pytest.approx(ratio, rel=0.2)
        assert width * height == pytest.approx(native[0] * native[1], rel=0.35)


@given(st.text(alphabet="-\u2014 =:,.ar3seednoxst2\n\\", max_size=60))
def test_any_text_is_read_and_only_parameters_leave_it(text: str) -> None:
    found = read(text)
    for one in (*found.flags, *found.problems):
        assert 0 <= one.start < one.end <= len(text)
    after, taken = take(Draft(prompt=text), TARGET)
    if not taken:
        assert after.prompt == text
    assert len(after.prompt) <= len(text)


def test_stylize_falls_as_guidance() -> None:
    assert [stylized(amount, 8.0) for amount in (0, 100, 550, 1000)] == [9.3, 8.0, 4.0, 2.0]
