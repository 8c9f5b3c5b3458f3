"""What a prompt may call by name: wildcards, styles, LoRAs; and how a wildcard file is read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from desktop_app.recipe.blocks import Blocks, read_blocks
from desktop_app.recipe.recipe import ADAPTER_WEIGHT, ModelRef
from desktop_app.recipe.styles import Style

PARAMETERS = (
    "ar", "aspect", "seed", "no", "neg", "negative", "repeat", "r", "count", "steps", "cfg",
    "guidance", "w", "width", "h", "height", "sampler", "stylize", "s", "style", "quality", "q",
    "tile", "chaos", "c", "weird", "stop", "iw", "sref", "sw", "cref", "cw", "oref", "ow",
    "niji", "version", "v", "fast", "relax", "turbo", "draft", "raw", "hd", "test", "testp",
    "video", "profile", "p", "exp", "public", "stealth",
)  # fmt: skip
"""What can be asked for inline, as in `--ar 3:2`; `recipe.flags_taken` says what each does."""
OPTIONS_MAX = 50_000
OPTION_LENGTH_MAX = 4_000
WEIGHT_UNIT = 1000
"""A weight is kept in thousandths, so that the choice is made in whole numbers."""
WEIGHT_MAX = 10_000

CALLS_MAX = 200
PARTS_MAX = 8
"""Of a LoRA's tag, after the name."""
_SIGNS = re.compile(r"[<>:{}|\\\n]")
"""What a name in a tag cannot hold."""

WILDCARD = re.compile(r"__(?P<name>[\w*](?:[\w\-./* ]{0,118}?[\w*])?)__")
_WEIGHT = re.compile(r"[+-]?(?:[0-9]{1,4}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")
_WEIGHTED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)::(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One line of a wildcard.

    Attributes:
        text: may hold whatever a prompt may.
        weight: how often it is taken, in thousandths; 1 or more.
    """

    text: str
    weight: int = WEIGHT_UNIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Wildcard:
    """A list of words to choose from.

    Attributes:
        name: as the prompt says it between two underscores on each side, such as `animals/cats`.
        calls: the names of the wildcards that its options call.
    """

    name: str
    options: tuple[Option, ...]
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraCall:
    """What a tag asks for.

    Attributes:
        rest: what follows the weight, as it was written, from the colon on.
    """

    name: str
    weight: float = 1.0
    blocks: Blocks = ()
    rest: str = ""


Wildcards = Mapping[str, Wildcard]
"""Wildcards by their name, casefolded."""
NO_WILDCARDS: Wildcards = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What can be called by name at this moment; styles and LoRAs by their exact name.

    Attributes:
        unread: LoRAs that are here too, but whose files have yet to be read.
    """

    wildcards: Wildcards = field(default_factory=lambda: NO_WILDCARDS)
    styles: Mapping[str, Style] = field(default_factory=lambda: MappingProxyType({}))
    loras: Mapping[str, ModelRef] = field(default_factory=lambda: MappingProxyType({}))
    unread: frozenset[str] = frozenset()


def read_options(text: str) -> tuple[Option, ...]:
    """The options in a wildcard's file: one on each line.

    Blank lines and lines that begin with `#` do not count; `\\#` begins a line with that sign.
    `2::cat` is taken twice as often as `cat`, `0::cat` never. What is beyond `OPTIONS_MAX` lines or
    `OPTION_LENGTH_MAX` characters is left out.
    """
    found: list[Option] = []
    for raw in re.split(r"\r\n|\r|\n", text):
        line = raw.replace("\0", "").strip()
        if not line or line.startswith("#") or len(line) > OPTION_LENGTH_MAX:
            continue
        option = _option(line.removeprefix("\\") if line.startswith("\\#") else line)
        if option is not None:
            found.append(option)
        if len(found) == OPTIONS_MAX:
            break
    return tuple(found)


def options_of(name: str, wildcards: Wildcards) -> tuple[Option, ...]:
    """All that a name stands for; empty when there is no such wildcard.

    A `*` in the name stands for any characters: `animals/*` is everything in that folder.
    """
    key = name.casefold()
    if "*" not in key:
        found = wildcards.get(key)
        return found.options if found is not None else ()
    return tuple(
        option
        for each in sorted(wildcards)
        # The other signs of fnmatch are none in a name.
        if fnmatchcase(each, key.replace("[", "[[]").replace("?", "[?]"))
        for option in wildcards[each].options
    )


def choose(options: tuple[Option, ...], number: int) -> Option:
    """The option that a whole number takes: each as often as its weight says.

    Where all weights are equal it is `options[number % len(options)]`.
    """
    if len({option.weight for option in options}) == 1:
        return options[number % len(options)]
    place = number % sum(option.weight for option in options)
    for option in options:
        place -= option.weight
        if place < 0:
            return option
    raise AssertionError("the weights add up to their sum")


def called(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The matches of `pattern` that no backslash takes the meaning from."""
    for match in pattern.finditer(text):
        before = text[: match.start()]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            yield match


def read_wildcard(name: str, text: str) -> Wildcard:
    """The wildcard in a file's text; see `read_options`."""
    options = read_options(text)
    found = {match["name"]: None for option in options for match in WILDCARD.finditer(option.text)}
    return Wildcard(name=name, options=options, calls=tuple(found)[:CALLS_MAX])


def tag_name(name: str) -> str:
    """The name as a tag can say it: without the signs that have a meaning there."""
    return _SIGNS.sub("", name).strip()


def read_lora(words: str) -> LoraCall | None:
    """What `name`, `name:0.8` or `name:0.8:0.6` calls; None when it is none of them.

    Of two weights, for the text encoder and for the UNet, the first counts for both. After them may
    stand `lbw=` and what `blocks.read_blocks` reads, as A1111's extension has it; it need not say
    `lbw=` there.
    """
    name, *told = words.strip().split(":")
    weight = told[0].strip() if told else "1"
    if not name.strip() or len(told) > PARTS_MAX or not _WEIGHT.fullmatch(weight):
        return None
    blocks: Blocks = ()
    for place, part in enumerate(told[1:]):
        mark, equals, listed = part.strip().rpartition("=")
        named = mark.strip().lower() == "lbw"
        found = read_blocks(listed) if named or not equals else None
        if found is None and (named or (place and not equals)):
            return None
        blocks = blocks if found is None else found
    if not ADAPTER_WEIGHT.low <= float(weight) <= ADAPTER_WEIGHT.high:
        return None
    rest = "".join(f":{part}" for part in told[1:])
    return LoraCall(name=name.strip(), weight=float(weight), blocks=blocks, rest=rest)


def _option(line: str) -> Option | None:
    weighted = _WEIGHTED.fullmatch(line)
    if weighted is None:
        return Option(text=line)
    weight = round(min(float(weighted[1]), WEIGHT_MAX) * WEIGHT_UNIT)
    return Option(text=weighted[2].strip(), weight=weight) if weight > 0 else None
