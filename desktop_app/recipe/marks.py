"""What to show in a prompt as it is typed: its syntax in parts, and the places that are odd."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from desktop_app.recipe import flags, prompt, wildcards
from desktop_app.recipe.names import WILDCARD, Names, Wildcard, called, options_of, read_lora
from desktop_app.recipe.prompt import PROBLEMS_MAX, Problem

SpanKind = Literal[
    "weight", "emphasis", "alternative", "wildcard", "tag", "flag", "escape", "break", "problem"
]
NO_NAMES = Names()
_HYPERNET = "<hypernet:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters to colour, by index as Python counts them (Qt counts UTF-16 units instead)."""

    start: int
    end: int
    kind: SpanKind


def spans(text: str, names: Names = NO_NAMES, *, avoid: bool = False) -> tuple[Span, ...]:
    """What to colour in a prompt, in order and without overlaps; problems win over the rest.

    Args:
        names: what it can call.
        avoid: whether it is the text of what to avoid, which takes no tags and no parameters.
    """
    marked = [
        Span(start=one.start, end=one.end, kind="problem")
        for one in problems(text, names, avoid=avoid)
    ]
    calls = list(_call_spans(text, names, avoid))
    out: list[Span] = []
    for span in sorted(
        [*marked, *calls, *_weight_spans(text), *_alternative_spans(text)],
        key=lambda span: (span.start, span.kind != "problem", -span.end),
    ):
        inside = span.kind != "problem" and any(
            span.start < other.end and other.start < span.end for other in marked
        )
        if not inside and (not out or span.start >= out[-1].end):
            out.append(span)
    return tuple(out)


def problems(text: str, names: Names = NO_NAMES, *, avoid: bool = False) -> tuple[Problem, ...]:
    """All problems of a prompt as it is typed, in order; for the arguments see `spans`."""
    found = [*prompt.parse(text).problems, *_unclosed(text), *_wildcard_problems(text, names)]
    found += _tag_problems(text, names, avoid)
    if not avoid:
        found += flags.read(text, names.styles).problems
    return tuple(sorted(found, key=lambda problem: problem.start)[:PROBLEMS_MAX])


def _weight_spans(text: str) -> Iterator[Span]:
    for part in prompt.read(text)[0]:
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


def _call_spans(text: str, names: Names, avoid: bool) -> Iterator[Span]:
    for match in called(text, WILDCARD):
        yield Span(start=match.start(), end=match.end(), kind="wildcard")
    if avoid:
        return
    for match in called(text, wildcards.TAG):
        yield Span(start=match.start(), end=match.end(), kind="tag")
    for flag in flags.read(text, names.styles).flags:
        yield Span(start=flag.start, end=flag.end, kind="flag")


def _unclosed(text: str) -> list[Problem]:
    sentence = "This { is never closed: its options are read as plain words."
    places = wildcards.marks(text).unclosed[:PROBLEMS_MAX]
    return [Problem(start=place, end=place + 1, sentence=sentence) for place in places]


def _wildcard_problems(text: str, names: Names) -> Iterator[Problem]:
    for match in called(text, WILDCARD):
        name = match["name"]
        if sentence := _wildcard_slip(name, names):
            yield Problem(start=match.start(), end=match.end(), sentence=sentence)


def _wildcard_slip(name: str, names: Names) -> str:
    known = names.wildcards
    if name.casefold() not in known and not options_of(name, known):
        return f"There is no wildcard file “{name}.txt”: this is read as plain words."
    if not options_of(name, known):
        return f"The wildcard “{name}” has no lines: this is read as plain words."
    root = known.get(name.casefold())
    return _deeper_slip(root, names) if root is not None else ""


def _deeper_slip(root: Wildcard, names: Names) -> str:
    """What is odd in what a wildcard calls, and in what those call."""
    seen = {root.name.casefold()}
    waiting = [root]
    while waiting:
        current = waiting.pop()
        for name in current.calls:
            key = name.casefold()
            if key == root.name.casefold():
                depth = wildcards.DEPTH_MAX
                return f"The wildcard “{root.name}” calls itself, and stops after {depth} times."
            if not options_of(name, names.wildcards):
                return f"The wildcard “{current.name}” calls “{name}”, which is not there."
            found = names.wildcards.get(key)
            if found is not None and key not in seen:
                seen.add(key)
                waiting.append(found)
    return ""


def _tag_problems(text: str, names: Names, avoid: bool) -> Iterator[Problem]:
    for match in called(text, wildcards.TAG):
        kind, words = match["kind"].lower(), match["words"].strip()
        if avoid:
            sentence = "This is called from the prompt, not from here: it is read as plain words."
        elif kind == "style":
            sentence = _style_slip(words, names)
        else:
            sentence = _lora_slip(words, names)
        if sentence:
            yield Problem(start=match.start(), end=match.end(), sentence=sentence)
    at = text.lower().find(_HYPERNET)
    if at >= 0:
        sentence = "Hypernetworks are not used here: this is read as plain words."
        yield Problem(start=at, end=at + len(_HYPERNET), sentence=sentence)


def _style_slip(words: str, names: Names) -> str:
    if words in names.styles:
        return ""
    return f"There is no style called “{words[:60]}”: this is read as plain words."


def _lora_slip(words: str, names: Names) -> str:
    found = read_lora(words)
    if found is None:
        return (
            "Write a LoRA as <lora:name:0.8>, with a weight from -4 to 4, or with weights for its "
            "12, 17, 20 or 26 blocks after “:lbw=”; these are plain words."
        )
    if found.name in names.loras or found.name in names.unread:
        return ""
    return f"There is no LoRA called “{found.name[:60]}” here: this is read as plain words."
