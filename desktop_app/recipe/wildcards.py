"""Alternatives and wildcards: `{a|b}` and `__name__` become one option, by the seed alone."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from desktop_app.recipe.names import (
    NO_WILDCARDS,
    PARAMETERS,
    WILDCARD,
    Wildcards,
    choose,
    options_of,
)

Role = Literal["open", "bar", "close", "escaped"]

DEPTH_MAX = 8
"""How many wildcards may stand in one another; a deeper one stays as it is written."""
CHOICES_MAX = 1_000
"""Wildcards that are resolved in one text, those inside of others included."""

TAG = re.compile(r"<(?P<kind>style|lora|lyco):(?P<words>[^<>{}|\\\n]{1,300})>", re.IGNORECASE)
FLAG = re.compile(
    r"(?:(?<=\s)|^|(?<=\\))(?:--|[\u2013\u2014])(?=(?i:" + "|".join(PARAMETERS) + r")(?![\w-]))",
    re.MULTILINE,
)
"""Where a parameter begins; phones make one long dash of two hyphens."""

_SIGNS = re.compile(r"[{}|]")
_SPECIAL = re.compile(
    rf"[{{}}|]|{WILDCARD.pattern}|(?i:{TAG.pattern})|{FLAG.pattern}", re.MULTILINE
)

Take = Callable[["Tag"], bool]
"""Told of each `<style:name>` or `<lora:name:weight>`; one that it takes leaves the text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """Something in angle brackets.

    Attributes:
        kind: `style` or `lora`.
        words: what follows the colon.
    """

    kind: Literal["style", "lora"]
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """Where the alternatives of a text stand.

    Attributes:
        roles: what a brace or bar does, by its place; one that is not here is an ordinary
            character.
        unclosed: places of braces that have options but no end.
    """

    roles: dict[int, Role]
    unclosed: tuple[int, ...]


@dataclass(slots=True)
class _Open:
    place: int
    bars: list[int] = field(default_factory=list[int])
    escaped: list[int] = field(default_factory=list[int])


def marks(text: str) -> Marks:
    """Find the alternatives: braces that hold at least one `|` of their own, to any depth.

    A backslash takes the meaning from a brace, and from a bar inside alternatives. Braces without
    a bar, and braces without a partner, are ordinary characters.
    """
    roles: dict[int, Role] = {}
    stack: list[_Open] = []
    for match in _SIGNS.finditer(text):
        place, sign = match.start(), match.group()
        escaped = _backslashes(text, place) % 2 == 1
        if sign == "|":
            if stack:
                (stack[-1].escaped if escaped else stack[-1].bars).append(place)
        elif escaped:
            roles[place] = "escaped"
        elif sign == "{":
            stack.append(_Open(place))
        elif stack:
            group = stack.pop()
            if group.bars:
                roles[group.place] = "open"
                roles[place] = "close"
                roles |= dict.fromkeys(group.bars, "bar")
                roles |= dict.fromkeys(group.escaped, "escaped")
    return Marks(roles=roles, unclosed=tuple(group.place for group in stack if group.bars))


def resolve(
    text: str,
    seed: int,
    role: str,
    wildcards: Wildcards = NO_WILDCARDS,
    take: Take = lambda tag: False,
) -> str:
    """The text with one option taken of every `{a|b|c}` and `__name__`; else it stays as it is.

    The rule, fixed for ever: alternatives are numbered from 0 in the order of their opening braces,
    those in options that are not taken included; number n takes option
    `sha256("mezzotint alternatives 1\\n" + role + "\\n" + seed + "\\n" + n)`, read as a big-endian
    whole number, modulo the number of options. Wildcards are numbered in the same way by
    themselves, with `mezzotint wildcards 1`; where their options have weights, modulo the sum of
    the weights. What wildcard n gives is resolved in turn, its role being `role + " > " + n`.
    Backslashes before a brace are halved, an odd one makes the brace an ordinary character;
    likewise before a bar inside alternatives, a wildcard, a tag and a parameter such as `--ar`.

    Args:
        seed: of the picture.
        role: which text this is, so that two texts of one picture choose independently.
        wildcards: a name that is not among them, or has no options, stays as it is written; so does
            what stands deeper than `DEPTH_MAX` or comes after `CHOICES_MAX` others.
        take: is told of each tag, in order.
    """
    return _Resolver(seed, wildcards, take).resolve(text, role, 0)


def escape(text: str) -> str:
    """A text that resolves to exactly this one, whatever the seed and the wildcards."""
    roles = marks(text).roles
    found = [match for match in _SPECIAL.finditer(text) if match.group() != "|"]
    if not roles and not re.search(r"\\[{}]", text) and all(m.group() in "{}" for m in found):
        return text
    parts: list[str] = []
    at = 0
    for match in found:
        place = match.start()
        run = _backslashes(text, place)
        parts += [text[at : place - run], "\\" * (2 * run + 1), match.group()]
        at = match.end()
    return "".join([*parts, text[at:]])


class _Resolver:
    """One text being resolved, with all that its wildcards bring in."""

    def __init__(self, seed: int, wildcards: Wildcards, take: Take) -> None:
        self._seed, self._wildcards, self._take = seed, wildcards, take
        self._choices = 0

    def resolve(self, text: str, role: str, depth: int) -> str:
        if not _SPECIAL.search(text):
            return text
        tokens = _tokens(text, marks(text).roles)
        options, ends, numbers = _groups(tokens)
        out: list[str | None] = []
        ranges = [(0, len(tokens))]
        while ranges:
            at, end = ranges.pop()
            while at < end:
                kind, words = tokens[at]
                if kind == "open":
                    edges = options[at]
                    number = _number("alternatives", role, self._seed, numbers[at])
                    taken = number % (len(edges) - 1)
                    ranges.append((ends[at] + 1, end))
                    at, end = edges[taken] + 1, edges[taken + 1]
                    continue
                out += self._put(kind, words, role, numbers.get(at, 0), depth)
                at += 1
        return _joined(out)

    def _put(
        self, kind: str, words: str, role: str, number: int, depth: int
    ) -> tuple[str | None, ...]:
        match kind:
            case "wildcard":
                return (self._chosen(words, role, number, depth),)
            case "tag":
                tag = _tag(words)
                if self._take(tag):
                    return (None,) if tag.kind == "style" else ()
            case _:
                pass
        return (words,)

    def _chosen(self, words: str, role: str, number: int, depth: int) -> str:
        options = options_of(words[2:-2], self._wildcards)
        if not options or depth == DEPTH_MAX or self._choices == CHOICES_MAX:
            return words
        self._choices += 1
        option = choose(options, _number("wildcards", role, self._seed, number))
        return self.resolve(option.text, f"{role} > {number}", depth + 1)


def _tag(words: str) -> Tag:
    kind, _, rest = words[1:-1].partition(":")
    return Tag(kind="style" if kind.lower() == "style" else "lora", words=rest.strip())


def _joined(parts: list[str | None]) -> str:
    """The parts in one; None stands for a style that left, and takes its comma with it."""
    text = ""
    gone = False
    for part in parts:
        if part is None:
            gone = True
            continue
        if gone and part.strip():
            gone = False
            before, after = text.rstrip(" "), part.lstrip(" ")
            if after.startswith(",") and (not before or before.endswith(",")):
                after = after[1:].lstrip(" ")
            space = " " if before and (text != before or part != after) else ""
            text, part = before, ("" if after.startswith(",") else space) + after
        text += part
    return text.rstrip().rstrip(",").rstrip() if gone else text


def _backslashes(text: str, place: int) -> int:
    """How many backslashes stand directly before a place."""
    start = place
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return place - start


def _tokens(text: str, roles: dict[int, Role]) -> list[tuple[str, str]]:
    """Kind (`text`, `open`, `bar`, `close`, `wildcard`, `tag`) and words, backslashes halved."""
    tokens: list[tuple[str, str]] = []
    at = 0
    for match in _SPECIAL.finditer(text):
        place, sign = match.start(), match.group()
        role = roles.get(place)
        if sign == "|" and role is None:
            continue
        run = _backslashes(text, place)
        before = text[at : place - run] + "\\" * (run // 2)
        if sign in "{}|":
            kind = "text" if role is None or role == "escaped" else role
        elif run % 2:
            kind = "text"
        else:
            kind = "wildcard" if match["name"] else "tag" if match["kind"] else "text"
        tokens += [("text", before + sign)] if kind == "text" else [("text", before), (kind, sign)]
        at = match.end()
    return [*tokens, ("text", text[at:])]


def _groups(
    tokens: list[tuple[str, str]],
) -> tuple[dict[int, list[int]], dict[int, int], dict[int, int]]:
    """By the opening token: the tokens around its options, its closing token, its number.

    Wildcards have numbers of their own.
    """
    options: dict[int, list[int]] = {}
    ends: dict[int, int] = {}
    numbers: dict[int, int] = {}
    wildcards = 0
    stack: list[int] = []
    for at, (kind, _) in enumerate(tokens):
        match kind:
            case "open":
                numbers[at] = len(options)
                options[at] = [at]
                stack.append(at)
            case "bar":
                options[stack[-1]].append(at)
            case "close":
                options[stack[-1]].append(at)
                ends[stack.pop()] = at
            case "wildcard":
                numbers[at] = wildcards
                wildcards += 1
            case _:
                pass
    return options, ends, numbers


def _number(what: str, role: str, seed: int, number: int) -> int:
    words = f"mezzotint {what} 1\n{role}\n{seed}\n{number}"
    return int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
