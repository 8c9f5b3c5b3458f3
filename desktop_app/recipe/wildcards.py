"""Alternatives: `{a|b|c}` becomes one of its options, chosen by the picture's seed alone."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["open", "bar", "close", "escaped"]

_SPECIAL = re.compile(r"[{}|]")


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
    for match in _SPECIAL.finditer(text):
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


def resolve(text: str, seed: int, role: str) -> str:
    """The text with one option taken of every `{a|b|c}`; without braces it stays as it is.

    The rule, fixed for ever: alternatives are numbered from 0 in the order of their opening braces,
    those in options that are not taken included; number n takes option
    `sha256("mezzotint alternatives 1\\n" + role + "\\n" + seed + "\\n" + n)`, read as a big-endian
    whole number, modulo the number of options. Backslashes before a brace are halved, an odd one
    makes the brace an ordinary character; likewise before a bar inside alternatives.

    Args:
        seed: of the picture.
        role: which text this is, so that two texts of one picture choose independently.
    """
    if "{" not in text and "}" not in text:
        return text
    tokens = _tokens(text, marks(text).roles)
    options, ends, numbers = _groups(tokens)
    out: list[str] = []
    ranges = [(0, len(tokens))]
    while ranges:
        at, end = ranges.pop()
        while at < end:
            kind, words = tokens[at]
            if kind == "open":
                edges = options[at]
                taken = _choice(role, seed, numbers[at], len(edges) - 1)
                ranges.append((ends[at] + 1, end))
                at, end = edges[taken] + 1, edges[taken + 1]
                continue
            out.append(words)
            at += 1
    return "".join(out)


def escape(text: str) -> str:
    """A text that resolves to exactly this one, whatever the seed."""
    roles = marks(text).roles
    if not roles and not re.search(r"\\[{}]", text):
        return text
    parts: list[str] = []
    at = 0
    for match in re.finditer(r"[{}]", text):
        place = match.start()
        run = _backslashes(text, place)
        parts += [text[at : place - run], "\\" * (2 * run + 1), match.group()]
        at = place + 1
    return "".join([*parts, text[at:]])


def _backslashes(text: str, place: int) -> int:
    """How many backslashes stand directly before a place."""
    start = place
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return place - start


def _tokens(text: str, roles: dict[int, Role]) -> list[tuple[str, str]]:
    """Kind ("text", "open", "bar", "close") and words; backslashes are halved already."""
    tokens: list[tuple[str, str]] = []
    at = 0
    for match in _SPECIAL.finditer(text):
        place, sign = match.start(), match.group()
        role = roles.get(place)
        if sign == "|" and role is None:
            continue
        run = _backslashes(text, place)
        before = text[at : place - run] + "\\" * (run // 2)
        if role is None or role == "escaped":
            tokens.append(("text", before + sign))
        else:
            tokens += [("text", before), (role, sign)]
        at = place + 1
    return [*tokens, ("text", text[at:])]


def _groups(
    tokens: list[tuple[str, str]],
) -> tuple[dict[int, list[int]], dict[int, int], dict[int, int]]:
    """By the opening token: the tokens around its options, its closing token, its number."""
    options: dict[int, list[int]] = {}
    ends: dict[int, int] = {}
    numbers: dict[int, int] = {}
    stack: list[int] = []
    for at, (kind, _) in enumerate(tokens):
        match kind:
            case "open":
                numbers[at] = len(numbers)
                options[at] = [at]
                stack.append(at)
            case "bar":
                options[stack[-1]].append(at)
            case "close":
                options[stack[-1]].append(at)
                ends[stack.pop()] = at
            case _:
                pass
    return options, ends, numbers


def _choice(role: str, seed: int, number: int, options: int) -> int:
    words = f"mezzotint alternatives 1\n{role}\n{seed}\n{number}"
    return int.from_bytes(hashlib.sha256(words.encode()).digest(), "big") % options
