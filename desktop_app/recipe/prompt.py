"""The prompt language: weights, escapes and BREAK as other programs write them; parse and print."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from desktop_app.recipe import wildcards

EMPHASIS = 1.1
"""`(word)` multiplies by this, `[word]` divides by it (AUTOMATIC1111's values)."""
WEIGHT_MAX = 10.0
"""A weight is kept between minus this and this."""
PROBLEMS_MAX = 20

SpanKind = Literal["weight", "emphasis", "alternative", "escape", "break", "problem"]

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
_FOREIGN = re.compile(r"<(lora|lyco|hypernet):[^<>]{0,200}>", re.IGNORECASE)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters to colour, by index as Python counts them (Qt counts UTF-16 units instead)."""

    start: int
    end: int
    kind: SpanKind


@dataclass(frozen=True, slots=True)
class _Part:
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
    parts, problems = _read(text)
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


def spans(text: str) -> tuple[Span, ...]:
    """What to colour in a prompt, in order and without overlaps; problems win over the rest."""
    marked = [
        Span(start=problem.start, end=problem.end, kind="problem") for problem in problems(text)
    ]
    out: list[Span] = []
    for span in sorted(
        [*marked, *_weight_spans(text), *_alternative_spans(text)],
        key=lambda span: (span.start, span.kind != "problem", -span.end),
    ):
        inside = span.kind != "problem" and any(
            span.start < other.end and other.start < span.end for other in marked
        )
        if not inside and (not out or span.start >= out[-1].end):
            out.append(span)
    return tuple(out)


def problems(text: str) -> tuple[Problem, ...]:
    """All problems of a prompt as it is typed: those of `parse` and of its alternatives."""
    both = [*parse(text).problems, *_unclosed(text)]
    return tuple(sorted(both, key=lambda problem: problem.start)[:PROBLEMS_MAX])


def _read(text: str) -> tuple[list[_Part], list[Problem]]:
    """The parts of a prompt with every bracket's factor known, and what is odd about them."""
    parts: list[_Part] = []
    problems: list[Problem] = []
    stacks: dict[str, list[int]] = {"(": [], "[": []}
    for match in _PARTS.finditer(text):
        start, end, sign = match.start(), match.end(), match.group()
        match match.lastgroup:
            case "escaped":
                parts.append(_Part("escape", start, end, sign[1:]))
            case "open":
                stacks[sign].append(len(parts))
                factor = EMPHASIS if sign == "(" else 1 / EMPHASIS
                parts.append(_Part("open", start, end, factor=factor, round=sign == "("))
            case "close" if stack := stacks["(" if sign[-1] == ")" else "["]:
                problems += _close(text, parts, stack.pop(), match)
            case _:
                if match.group("close"):
                    problems.append(_nothing_to_close(end - 1, sign[-1]))
                parts += _words(text, start, end)
    for sign, stack in stacks.items():
        problems += [_never_closed(parts[at].start, sign) for at in stack[:PROBLEMS_MAX]]
    for match in _FOREIGN.finditer(text):
        sentence = "This is read as plain words: extra networks are not loaded from the prompt."
        problems.append(_problem(match.start(), match.end(), sentence))
    return parts, problems


def _close(text: str, parts: list[_Part], opened: int, match: re.Match[str]) -> list[Problem]:
    """Take in the bracket that closes `parts[opened]`, with its weight."""
    start, end = match.start(), match.end()
    before = text[max(parts[opened].end, start - 40) : start]
    if match.group() == "]":
        parts.append(_Part("close", start, end, round=False))
        return _step_edit(text, parts[opened].start, end)
    problems: list[Problem] = []
    number: str | None = match.group("number")
    if number is not None:
        try:
            parts[opened] = replace(parts[opened], factor=float(number))
        except ValueError:
            parts.append(_Part("text", start, end - 1, text[start : end - 1]))
            problems.append(_problem(start, end - 1, "This weight is not a number, as in 1.3."))
            start = end - 1
    elif slip := _COMMA_WEIGHT.search(before):
        at = start - len(slip.group())
        problems.append(_problem(at, start, "Write this weight with a point, as in 1.3."))
    parts.append(_Part("close", start, end))
    return problems


def _words(text: str, start: int, end: int) -> Iterator[_Part]:
    """Plain words, cut at each BREAK; the white space around a BREAK belongs to it."""
    at = start
    fragment = text[start:end]
    for match in _BREAK.finditer(fragment):
        begin, stop = start + match.start(), start + match.end()
        words = text[at:begin].rstrip()
        if words:
            yield _Part("text", at, at + len(words), words)
        yield _Part("break", begin, stop)
        rest = text[stop:end]
        at = stop + len(rest) - len(rest.lstrip())
    if at < end:
        yield _Part("text", at, end, text[at:end])


def _pieces(parts: list[_Part]) -> tuple[tuple[Piece, ...], Problem | None]:
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


def _weight_spans(text: str) -> Iterator[Span]:
    for part in _read(text)[0]:
        match part.kind:
            case "open":
                yield Span(start=part.start, end=part.end, kind="emphasis")
            case "close":
                if part.end - part.start > 1:
                    yield Span(start=part.start, end=part.end - 1, kind="weight")
                yield Span(start=part.end - 1, end=part.end, kind="emphasis")
            case "escape":
                yield Span(start=part.start, end=part.end, kind="escape")
            case "break":
                yield Span(start=part.start, end=part.end, kind="break")
            case "text":
                pass


def _alternative_spans(text: str) -> Iterator[Span]:
    for place, role in wildcards.marks(text).roles.items():
        if role == "escaped":
            yield Span(start=place - 1, end=place + 1, kind="escape")
        else:
            yield Span(start=place, end=place + 1, kind="alternative")


def _unclosed(text: str) -> list[Problem]:
    sentence = "This { is never closed: its options are read as plain words."
    places = wildcards.marks(text).unclosed[:PROBLEMS_MAX]
    return [_problem(place, place + 1, sentence) for place in places]


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
