"""Wildcards and tags: the seed's choice for ever; what is missing never changes a prompt."""

import hashlib
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.recipe.draft import Draft, draft_of, expand
from desktop_app.recipe.marks import problems, spans
from desktop_app.recipe.names import (
    OPTION_LENGTH_MAX,
    LoraCall,
    Names,
    Option,
    Wildcards,
    options_of,
    read_lora,
    read_options,
    read_wildcard,
)
from desktop_app.recipe.recipe import LoraUse, ModelRef
from desktop_app.recipe.styles import Style
from desktop_app.recipe.wildcards import CHOICES_MAX, DEPTH_MAX, escape, resolve

pytestmark = pytest.mark.core
MODEL = ModelRef(sha256="0" * 64, name="Model")
INK = ModelRef(sha256="1" * 64, name="ink", kind="lora")


def known(**files: str) -> Wildcards:
    names = {name.replace("__", "/"): text for name, text in files.items()}
    return {name.casefold(): read_wildcard(name, text) for name, text in names.items()}


ANIMALS = known(cat="tabby\nsphynx\nmanx", animals__dog="pug\nborzoi", empty="# nothing\n")


def by_hand(role: str, seed: int, number: int, options: int) -> int:
    words = f"mezzotint wildcards 1\n{role}\n{seed}\n{number}".encode()
    return int(hashlib.sha256(words).hexdigest(), 16) % options


def test_a_wildcard_is_the_seeds_choice_by_the_rule_that_is_written_down() -> None:
    cats, dogs = ("tabby", "sphynx", "manx"), ("pug", "borzoi")
    for seed in (0, 1, 7, 2**64 - 1):
        first = cats[by_hand("prompt", seed, 0, 3)]
        second = dogs[by_hand("prompt", seed, 1, 2)]
        text = resolve("a __cat__ and a __Animals/Dog__", seed, "prompt", ANIMALS)
        assert text == f"a {first} and a {second}"


def test_options_that_are_not_taken_are_counted_so_that_the_others_stay() -> None:
    for seed in range(20):
        whole = resolve("{__cat__|none} __animals/dog__", seed, "prompt", ANIMALS)
        assert whole.endswith(("pug", "borzoi"))
        dog = ("pug", "borzoi")[by_hand("prompt", seed, 1, 2)]
        assert whole.endswith(dog)


def test_alternatives_keep_their_numbers_beside_wildcards() -> None:
    for seed in range(20):
        alone = resolve("{a|b|c} {d|e}", seed, "prompt")
        assert resolve("{a|b|c} __none__ {d|e}", seed, "prompt") == alone.replace(" ", " __none__ ")


def test_wildcards_call_others_and_stop_when_they_call_themselves() -> None:
    files = known(a="x __b__", b="{y|y} __c__", c="z", loop="o __loop__")
    assert resolve("__a__", 3, "prompt", files) == "x y z"
    assert resolve("__loop__", 3, "prompt", files) == "o " * DEPTH_MAX + "__loop__"
    wide = known(w="__w__ " * 30)
    assert resolve("__w__", 3, "prompt", wide).count("__w__") <= 30 * (CHOICES_MAX + 1)


def test_weights_say_how_often() -> None:
    options = read_options("3::often\nseldom\n0::never\n0.5::rare\n")
    assert [(one.text, one.weight) for one in options] == [
        ("often", 3000),
        ("seldom", 1000),
        ("rare", 500),
    ]
    files = known(w="3::often\nseldom\n0::never")
    picks = [resolve("__w__", seed, "prompt", files) for seed in range(400)]
    assert 260 < picks.count("often") < 340
    assert picks.count("often") + picks.count("seldom") == 400


def test_a_file_is_read_whatever_program_wrote_it() -> None:
    text = "# colours\r\n\r\n  red  \rblue\n\\#1\n" + "x" * (OPTION_LENGTH_MAX + 1) + "\nnu\0ll"
    assert [one.text for one in read_options(text)] == ["red", "blue", "#1", "null"]


def test_a_star_calls_a_folder() -> None:
    files = known(animals__dog="pug", animals__cat="manx", tree="oak")
    assert options_of("animals/*", files) == (Option(text="manx"), Option(text="pug"))
    assert resolve("__animals/*__", 1, "prompt", files) in ("manx", "pug")
    assert options_of("[a-z]*", files) == ()


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("a __dgo__", "__dgo__", "no wildcard file “dgo.txt”"),
        ("a __empty__", "__empty__", "has no lines"),
        ("a __lost__", "__lost__", "calls “gone”"),
        ("a __loop__", "__loop__", "calls itself"),
        ("<style:Oil>", "<style:Oil>", "no style called “Oil”"),
        ("<lora:chalk:1>", "<lora:chalk:1>", "no LoRA called “chalk”"),
        ("<lora:ink:9>", "<lora:ink:9>", "from -4 to 4"),
        ("<lora:ink:much>", "<lora:ink:much>", "from -4 to 4"),
        ("<hypernet:x:1>", "<hypernet:", "not used"),
        ("a fox --foo 3", "--foo", "no parameter --foo"),
        ("a fox --ar wide", "--ar wide", "--ar 3:2"),
    ],
)
def test_what_is_missing_is_marked_and_stays_as_it_is_written(
    text: str, marked: str, words: str
) -> None:
    files = {**ANIMALS, **known(lost="__gone__", loop="__loop__")}
    styles = {"Ink": Style(name="Ink", prompt="ink")}
    (problem,) = problems(text, Names(wildcards=files, styles=styles, loras={"ink": INK}))
    assert text[problem.start : problem.end] == marked
    assert words in problem.sentence
    if "__l" not in text:
        draft = Draft(prompt=text, model=MODEL)
        assert expand(draft, styles, files, {"ink": INK})[0].prompt == text


def test_what_is_known_is_coloured_and_no_problem() -> None:
    names = Names(
        wildcards=ANIMALS,
        styles={"Ink": Style(name="Ink", prompt="ink")},
        loras={"ink": INK},
    )
    text = r"__cat__ <style:Ink> <lora:ink:0.5> --ar 3:2 \__cat__"
    assert not problems(text, names)
    assert [(text[one.start : one.end], one.kind) for one in spans(text, names)] == [
        ("__cat__", "wildcard"),
        ("<style:Ink>", "tag"),
        ("<lora:ink:0.5>", "tag"),
        ("--ar 3:2", "flag"),
        ("\\", "escape"),
    ]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a fox <style:Ink>", "a fox, fine ink"),
        ("a fox, <style:Ink>, snow", "a fox, snow, fine ink"),
        ("<style:Ink> a fox", "a fox, fine ink"),
        ("a <style:Ink>fox", "a fox, fine ink"),
        ("<style:Ink>", "fine ink"),
        (r"a fox \<style:Ink>", "a fox <style:Ink>"),
        ("a fox <style:Around>", "[a fox]"),
    ],
)
def test_a_style_in_the_prompt_is_the_chip(prompt: str, expected: str) -> None:
    styles = {
        "Ink": Style(name="Ink", prompt="fine ink", negative_prompt="oil"),
        "Around": Style(name="Around", prompt="[{prompt}]"),
    }
    (recipe,) = expand(Draft(prompt=prompt, model=MODEL), styles)
    assert recipe.prompt == expected
    assert (recipe.negative_prompt == "oil") == ("ink" in expected)
    assert expand(draft_of(recipe), styles) == (recipe,)


def test_a_lora_in_the_prompt_is_attached_once_with_its_last_weight() -> None:
    draft = Draft(
        prompt="a fox <lora:ink:0.4> in <LORA:ink:-0.5> snow",
        model=MODEL,
        adapters=(LoraUse(lora=INK, weight=1.0),),
    )
    (recipe,) = expand(draft, {}, loras={"ink": INK})
    assert recipe.prompt == "a fox  in  snow"
    assert recipe.adapters == (LoraUse(lora=INK, weight=-0.5),)
    assert read_lora("ink:0.8:0.6") == LoraCall(name="ink", weight=0.8, rest=":0.6")
    assert read_lora("ink") == LoraCall(name="ink", weight=1.0)


def test_each_picture_of_a_run_chooses_and_a_recipe_holds_no_wildcard() -> None:
    draft = Draft(prompt="a __cat__ <style:Ink>", negative_prompt="__cat__", count=30, model=MODEL)
    styles = {"Ink": Style(name="Ink", prompt="__animals/dog__ ink")}
    recipes = expand(draft, styles, ANIMALS)
    assert len({recipe.prompt for recipe in recipes}) == 6
    assert not any("__" in recipe.prompt + recipe.negative_prompt for recipe in recipes)


words = st.lists(
    st.sampled_from(["__cat__", "\\", "_", "<style:Ink>", " ", "{", "|", "}", "--ar 3:2", "a", "<"])
).map("".join)


@given(words, st.integers(0, 2**64 - 1))
def test_an_escaped_text_is_safe_from_every_name(text: str, seed: int) -> None:
    styles = MappingProxyType({"Ink": Style(name="Ink", prompt="ink")})
    draft = Draft(prompt=escape(text) + " x", seed=seed, model=MODEL)
    assert expand(draft, styles, ANIMALS)[0].prompt == text + " x"
