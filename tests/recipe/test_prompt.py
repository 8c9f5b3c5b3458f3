"""The prompt language: pasted prompts mean what they meant, and nothing typed can break it."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.recipe.draft import Draft, draft_of, expand
from desktop_app.recipe.marks import problems, spans
from desktop_app.recipe.prompt import (
    PROBLEMS_MAX,
    WEIGHT_MAX,
    Piece,
    has_syntax,
    parse,
    plain_text,
    show,
)
from desktop_app.recipe.recipe import PROMPT_MAX, ModelRef
from desktop_app.recipe.styles import Style
from desktop_app.recipe.wildcards import escape, resolve

pytestmark = pytest.mark.core
MODEL = ModelRef(sha256="0" * 64, name="Model")
typed = st.text(alphabet="()[]{}|\\:<> ,.019abéBREAK\n", max_size=60) | st.lists(
    st.sampled_from(
        [
            *("(", ")", "[", "]", ":1.3)", ":0.5]", "\\", " BREAK ", "fox", ":", "{", "|}", "\n"),
            *(
                "__a__",
                "_",
                "<style:Ink>",
                "<lora:ink:0.5>",
                " --ar 3:2",
                " --no x",
                "\u2014seed 7",
            ),
        ]
    )
).map("".join)


def pieces(text: str) -> list[tuple[str, float]]:
    return [(piece.text, round(piece.weight, 4)) for piece in parse(text).pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", [("a fox", 1)]),
        ("a (red) fox", [("a ", 1), ("red", 1.1), (" fox", 1)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 0.9091)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red: 0.5 )", [("red", 0.5)]),
        ("(a (b:2) c:1.5)", [("a ", 1.5), ("b", 3), (" c", 1.5)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1), (" c", 0.9091)]),
        (r"\(a\) \[b\] \\", [("(a) [b] \\", 1)]),
        (r"a\b", [("ab", 1)]),
        ("16:9", [("16:9", 1)]),
        ("smile :)", [("smile :)", 1)]),
        ("(a", [("a", 1.1)]),
        ("(:-1)", []),
        ("(a:-1)", [("a", -1)]),
        ("", []),
        ("()", []),
    ],
)
def test_weights_mean_what_they_mean_elsewhere(
    text: str, expected: list[tuple[str, float]]
) -> None:
    assert pieces(text) == expected


def test_break_starts_a_chunk_and_takes_the_space_around_it() -> None:
    assert parse("a fox \n BREAK  snow").pieces == (
        Piece(text="a fox"),
        Piece(text="snow", starts_chunk=True),
    )
    assert parse("(a BREAK b:1.5)").pieces == (
        Piece(text="a", weight=1.5),
        Piece(text="b", weight=1.5, starts_chunk=True),
    )
    assert [piece.text for piece in parse("BREAKFAST at a LUNCHBREAK").pieces] == [
        "BREAKFAST at a LUNCHBREAK"
    ]
    assert parse("a BREAK").pieces == (Piece(text="a"), Piece(text="", starts_chunk=True))


def slow_weights(text: str) -> list[tuple[str, float]]:
    """Every character with its weight, by multiplying ranges as each bracket closes."""
    row: list[tuple[str, float]] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def multiply(start: int, factor: float) -> None:
        row[start:] = [(sign, weight * factor) for sign, weight in row[start:]]

    at = 0
    while at < len(text):
        sign = text[at]
        weight = re.match(r":\s*([+-]?[.0-9]+)\s*\)", text[at:])
        if sign == "\\":
            if text[at + 1 : at + 2] in tuple("()[]\\"):
                at += 1
                row.append((text[at], 1.0))
        elif sign in "([":
            opened[sign].append(len(row))
        elif weight and opened["("] and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", weight.group(1)):
            multiply(opened["("].pop(), float(weight.group(1)))
            at += len(weight.group()) - 1
        elif sign == ")" and opened["("]:
            multiply(opened["("].pop(), 1.1)
        elif sign == "]" and opened["["]:
            multiply(opened["["].pop(), 1 / 1.1)
        else:
            row.append((sign, 1.0))
        at += 1
    for start in opened["("]:
        multiply(start, 1.1)
    for start in opened["["]:
        multiply(start, 1 / 1.1)
    return row


@given(typed)
@example("(a:1.2.3)")
@example("((a:1.3)[b")
def test_a_slow_independent_reading_agrees(text: str) -> None:
    if re.search(r"\bBREAK\b", text):
        return
    ours = [(sign, piece.weight) for piece in parse(text).pieces for sign in piece.text]
    theirs = [(sign, max(-WEIGHT_MAX, min(WEIGHT_MAX, w))) for sign, w in slow_weights(text)]
    assert [sign for sign, _ in ours] == [sign for sign, _ in theirs]
    assert [w for _, w in ours] == pytest.approx([w for _, w in theirs])


@given(typed)
@example("(a :1)BREAK(b:1)")
@example("BR\\EAK")
def test_what_is_printed_parses_to_the_same_pieces(text: str) -> None:
    found = parse(text).pieces
    assert parse(show(found)).pieces == found


@given(typed)
def test_problems_and_colours_lie_inside_the_text(text: str) -> None:
    for problem in problems(text):
        assert 0 <= problem.start < problem.end <= len(text)
        assert problem.sentence.endswith(".")
    end = 0
    for span in spans(text):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@given(st.text(alphabet=st.characters(exclude_characters="()[]\\", codec="utf-8"), max_size=60))
def test_a_prompt_without_signs_has_no_syntax(text: str) -> None:
    if not re.search(r"\bBREAK\b", text):
        assert plain_text(text) == text
        assert not has_syntax(text)


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("a (fox", "(", "never closed"),
        ("a [fox", "[", "never closed"),
        ("a fox :)", ")", "closes nothing"),
        ("a fox:1.3)", ")", "closes nothing"),
        ("(fox:1,3)", ":1,3", "with a point"),
        ("(fox:1.2.3)", ":1.2.3", "not a number"),
        ("(fox:99)", "fox", "more than 10"),
        ("[cat:dog:0.5]", "[cat:dog:0.5]", "between steps"),
        ("[cat|dog]", "[cat|dog]", "between steps"),
        ("<lora:ink:0.8>", "<lora:ink:0.8>", "plain words"),
        ("{cat|dog", "{", "never closed"),
    ],
)
def test_malformed_input_is_a_marked_place_and_a_sentence(
    text: str, marked: str, words: str
) -> None:
    (problem,) = problems(text)
    assert text[problem.start : problem.end] == marked
    assert words in problem.sentence
    assert any(span.kind == "problem" for span in spans(text))


def test_colours_of_a_prompt() -> None:
    text = r"(red:1.3) \( {a|b} BREAK"
    assert [(text[span.start : span.end], span.kind) for span in spans(text)] == [
        ("(", "emphasis"),
        (":1.3", "weight"),
        (")", "emphasis"),
        (r"\(", "escape"),
        ("{", "alternative"),
        ("|", "alternative"),
        ("}", "alternative"),
        ("BREAK", "break"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "fox" + ")" * 5000,
        "[" * 5000 + "fox" + "]" * 5000,
        "(a" * 6000,
        "(" * 9000 + "a:0)" + ":99)" * 2000,
        "{a|" * 5000 + "}" * 5000,
        "\\" * PROMPT_MAX,
        ":" + " " * (PROMPT_MAX - 1),
        " " * PROMPT_MAX,
    ],
)
def test_thousands_of_brackets_are_read_without_recursion(text: str) -> None:
    found = parse(text)
    assert all(math.isfinite(piece.weight) for piece in found.pieces)
    assert len(problems(text)) <= PROBLEMS_MAX
    assert parse(show(found.pieces)).pieces == found.pieces
    assert resolve(escape(text), 0, "prompt") == text
    spans(text)


def test_alternatives_are_the_seeds_choice_for_ever() -> None:
    text = "a {red|green|blue} {fox|{small|big} cat}"
    assert [resolve(text, seed, "prompt") for seed in (0, 1, 2, 7, 2**64 - 1)] == [
        "a blue big cat",
        "a blue fox",
        "a green fox",
        "a red fox",
        "a blue small cat",
    ]


def test_every_option_comes_up_and_texts_choose_independently() -> None:
    picks = [resolve("{a|b|c}", seed, "prompt") for seed in range(300)]
    assert all(70 < picks.count(option) < 130 for option in "abc")
    assert picks != [resolve("{a|b|c}", seed, "avoid") for seed in range(300)]
    first, second = zip(*(resolve("{a|b}{a|b}", seed, "prompt") for seed in range(99)), strict=True)
    assert first != second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", "a fox"),
        ("{fox}", "{fox}"),
        ("{}", "{}"),
        ("a|b", "a|b"),
        ("{a|b", "{a|b"),
        ("a|b}", "a|b}"),
        (r"\{a|b\}", "{a|b}"),
        (r"{x\|y|x\|y}", "x|y"),
        ("{same|same}", "same"),
        ("{{a}|{a}}", "{a}"),
        (r"a\b \(c\)", r"a\b \(c\)"),
        (r"\\{a|a}", "\\a"),
    ],
)
def test_braces_without_options_are_characters(text: str, expected: str) -> None:
    assert resolve(text, 7, "prompt") == expected


@given(typed, st.integers(0, 2**64 - 1))
def test_an_escaped_text_resolves_to_itself(text: str, seed: int) -> None:
    assert resolve(escape(text), seed, "prompt") == text


@given(typed, st.integers(0, 2**64 - 1))
def test_without_signs_nothing_is_ever_resolved(text: str, seed: int) -> None:
    if not set(text) & set("{}_<—-"):
        assert resolve(text, seed, "prompt") == escape(text) == text


def test_each_picture_of_a_run_chooses_for_itself_and_styles_change_nothing() -> None:
    styles = {
        "Ink": Style(name="Ink", prompt="{fine|rough} ink of {prompt}", negative_prompt="{c|d}")
    }
    draft = Draft(prompt="a {red|blue} fox", negative_prompt="{x|y}", count=12, model=MODEL)
    plain = expand(draft, styles)
    assert {recipe.prompt for recipe in plain} == {"a red fox", "a blue fox"}
    inked = expand(replace(draft, styles=("Ink",)), styles)
    for before, after in zip(plain, inked, strict=True):
        assert after.prompt in (f"fine ink of {before.prompt}", f"rough ink of {before.prompt}")
        assert after.negative_prompt in (f"{before.negative_prompt}, {x}" for x in "cd")
        assert expand(draft_of(after), {}) == (after,)
