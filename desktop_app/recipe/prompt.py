"""The prompt language: weights, escapes and BREAK as other programs write them; parse and print."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

EMPHASIS = 1.1
"""`(word)` multiplies by this, `[word]` divides by it (AUTOMATIC1111's values)."""
WEIGHT_MAX = 10.0
"""A weight is kept between minus this and this."""
PROBLEMS_MAX = 20

# One part at a time, left to right; together they cover any text. A weight belongs to its bracket.
_PARTS = re.compile(
    r"""
      \\(?P<escaped>[()\[\]\\]?)
    | (?P<open>[(\[])
    | (?P<close>(?: : \s* (?P<number>[+-]?[.0-9]+) \s* )? \) | \])
    | (?P<words>[^\\()\[\]:]+ | :)
    """,
    re.VERBOSE,
)
_BREAK = re.compile(r"\bBREAK\b")
_COMMA_WEIGHT = re.compile(r":\s*[+-]?[0-9]+,[0-9]+\s*$")
_STEP_EDIT = re.compile(r":\s*[0-9]*\.?[0-9]+\s*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Words that share a weight.

    Attributes:
        text: without the syntax; escapes are resolved.
        weight: 1 is plain; `-WEIGHT_MAX` ... `WEIGHT_MAX`.
        starts_chunk: whether a BREAK stands before it, which fills up the chunk before.
    """

    text: str
    weight: float = 1.0
    starts_chunk: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A place that probably does not mean what was meant; the prompt is used all the same.

    Attributes:
        start: index of the first character; `end` is the one after the last.
        sentence: for the artist.
    """

    start: int
    end: int
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A prompt in pieces, neighbours of equal weight joined; empty for an empty prompt."""

    pieces: tuple[Piece, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A sign or words of a prompt, with the factor of a bracket that opens."""

    kind: Literal["text", "escape", "open", "close", "break"]
    start: int
    end: int
    text: str = ""
    factor: float = 1.0
    round: bool = True


def parse(text: str) -> Parsed:
    """The pieces of a prompt, as AUTOMATIC1111 reads it; never raises and never recurses.

    `(word)` x 1.1, `[word]` / 1.1, `(word:1.3)` x 1.3, nested to any depth; a bracket that is never
    closed counts to the end, one that closes nothing is a character, as there. `BREAK` works inside
    brackets too.
    """
    parts, problems = read(text)
    pieces, out_of_range = _pieces(parts)
    if out_of_range is not None:
        problems.append(out_of_range)
    problems.sort(key=lambda problem: problem.start)
    return Parsed(pieces=pieces, problems=tuple(problems[:PROBLEMS_MAX]))


def show(pieces: Iterable[Piece]) -> str:
    """A prompt that parses to these pieces, if they came from `parse`."""
    row = list(pieces)
    out: list[str] = []
    for at, piece in enumerate(row):
        words = re.sub(r"([\\()\[\]])", r"\\\1", piece.text)
        # A lone backslash vanishes, so this one only keeps the word from being read as the command.
        words = _BREAK.sub(r"BR\\EAK", words)
        before_break = at + 1 < len(row) and row[at + 1].starts_chunk
        edges = (piece.starts_chunk and words[:1].isspace()) or (
            before_break and words[-1:].isspace()
        )
        if piece.weight != 1.0 or edges:
            words = f"({words}:{Decimal(repr(piece.weight)):f})"
        out.append(f" BREAK {words}" if piece.starts_chunk else words)
    return "".join(out)


def plain_text(text: str) -> str | None:
    """The prompt without escapes, if it asks for no weight and no BREAK; else None."""
    match parse(text).pieces:
        case ():
            return ""
        case (Piece(text=words, weight=1.0, starts_chunk=False),):
            return words
        case _:
            return None


def has_syntax(text: str) -> bool:
    """Whether the prompt says anything but its own characters."""
    return plain_text(text) != text


def read(text: str) -> tuple[list[Part], list[Problem]]:
    """The parts of a prompt with every bracket's factor known, and what is odd about them."""
    parts: list[Part] = []
    problems: list[Problem] = []
    stacks: dict[str, list[int]] = {"(": [], "[": []}
    for match in _PARTS.finditer(text):
        start, end, sign = match.start(), match.end(), match.group()
        match match.lastgroup:
            case "escaped":
                parts.append(Part("escape", start, end, sign[1:]))
            case "open":
                stacks[sign].append(len(parts))
                factor = EMPHASIS if sign == "(" else 1 / EMPHASIS
                parts.append(Part("open", start, end, factor=factor, round=sign == "("))
            case "close" if stack := stacks["(" if sign[-1] == ")" else "["]:
                problems += _close(text, parts, stack.pop(), match)
            case _:
                if match.group("close"):
                    problems.append(_nothing_to_close(end - 1, sign[-1]))
                parts += _words(text, start, end)
    for sign, stack in stacks.items():
        problems += [_never_closed(parts[at].start, sign) for at in stack[:PROBLEMS_MAX]]
    return parts, problems


def _close(text: str, parts: list[Part], opened: int, match: re.Match[str]) -> list[Problem]:
    """Take in the bracket that closes `parts[opened]`, with its weight."""
    start, end = match.start(), match.end()
    before = text[max(parts[opened].end, start - 40) : start]
    if match.group() == "]":
        parts.append(Part("close", start, end, round=False))
        return _step_edit(text, parts[opened].start, end)
    problems: list[Problem] = []
    number: str | None = match.group("number")
    if number is not None:
        try:
            parts[opened] = replace(parts[opened], factor=float(number))
        except ValueError:
            parts.append(Part("text", start, end - 1, text[start : end - 1]))
            problems.append(_problem(start, end - 1, "This weight is not a number, as in 1.3."))
            start = end - 1
    elif slip := _COMMA_WEIGHT.search(before):
        at = start - len(slip.group())
        problems.append(_problem(at, start, "Write this weight with a point, as in 1.3."))
    parts.append(Part("close", start, end))
    return problems


def _words(text: str, start: int, end: int) -> Iterator[Part]:
    """Plain words, cut at each BREAK; the white space around a BREAK belongs to it."""
    at = start
    fragment = text[start:end]
    for match in _BREAK.finditer(fragment):
        begin, stop = start + match.start(), start + match.end()
        words = text[at:begin].rstrip()
        if words:
            yield Part("text", at, at + len(words), words)
        yield Part("break", begin, stop)
        rest = text[stop:end]
        at = stop + len(rest) - len(rest.lstrip())
    if at < end:
        yield Part("text", at, end, text[at:end])


def _pieces(parts: list[Part]) -> tuple[tuple[Piece, ...], Problem | None]:
    """Neighbours of equal weight joined, and the first place where a weight had to be limited."""
    pieces: list[tuple[list[str], float, bool]] = []
    weights: dict[bool, list[float]] = {True: [1.0], False: [1.0]}
    limited: Problem | None = None
    new_chunk = False
    for part in parts:
        stack = weights[part.round]
        match part.kind:
            case "open":
                # Far beyond any weight that is used; keeps thousands of brackets finite.
                stack.append(max(-1e30, min(1e30, stack[-1] * part.factor)))
            case "close":
                stack.pop()
            case "break":
                if new_chunk:
                    pieces.append(([], 1.0, True))
                new_chunk = True
            case "text" | "escape" if part.text:
                asked = weights[True][-1] * weights[False][-1]
                weight = max(-WEIGHT_MAX, min(WEIGHT_MAX, asked))
                if weight != asked and limited is None:
                    limited = _problem(
                        part.start,
                        part.end,
                        f"A weight of more than {WEIGHT_MAX:g} counts as that.",
                    )
                if pieces and pieces[-1][1] == weight and not new_chunk:
                    pieces[-1][0].append(part.text)
                else:
                    pieces.append(([part.text], weight, new_chunk))
                new_chunk = False
            case _:
                pass
    if new_chunk:
        pieces.append(([], 1.0, True))
    return tuple(
        Piece(text="".join(words), weight=weight, starts_chunk=starts)
        for words, weight, starts in pieces
    ), limited


def _step_edit(text: str, start: int, end: int) -> list[Problem]:
    """AUTOMATIC1111's `[from:to:when]` and `[a|b]`, which change the prompt between steps."""
    inside = text[start + 1 : end - 1]
    if len(inside) <= 500 and (
        _STEP_EDIT.search(inside[-40:]) or ("|" in inside and "{" not in inside)
    ):
        sentence = "Words cannot change between steps: all of these are used at every step."
        return [_problem(start, end, sentence)]
    return []


def _nothing_to_close(place: int, sign: str) -> Problem:
    return _problem(
        place,
        place + 1,
        f"This {sign} closes nothing and is read as a character; write \\{sign} to say so.",
    )


def _never_closed(place: int, sign: str) -> Problem:
    return _problem(
        place,
        place + 1,
        f"This {sign} is never closed and counts to the end; write \\{sign} for the character.",
    )


def _problem(start: int, end: int, sentence: str) -> Problem:
    return Problem(start=start, end=end, sentence=sentence)
