"""Parameters typed into the prompt, as in `--ar 3:2`: found, and the slips among them told."""

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from desktop_app.errors import AppError
from desktop_app.recipe.names import PARAMETERS
from desktop_app.recipe.prompt import Problem
from desktop_app.recipe.recipe import COUNT, GUIDANCE, HEIGHT, SEED, STEPS, WIDTH, Range
from desktop_app.recipe.samplers import find_sampler

RATIO_MAX = 8.0
VALUE_MAX = 400

Takes = Literal["nothing", "word", "axis", "number", "words"]

_ALIASES = {
    "aspect": "ar", "neg": "no", "negative": "no", "r": "repeat", "count": "repeat",
    "guidance": "cfg", "width": "w", "height": "h", "s": "stylize", "q": "quality",
    "version": "v", "c": "chaos", "p": "profile",
}  # fmt: skip
_TAKES: dict[str, Takes] = {
    "ar": "word", "seed": "word", "no": "words", "repeat": "word", "steps": "word", "cfg": "word",
    "w": "word", "h": "word", "sampler": "words", "stylize": "word", "style": "words",
    "quality": "word", "tile": "axis", "chaos": "word", "weird": "word", "stop": "word",
    "iw": "word", "sref": "words", "sw": "word", "cref": "words", "cw": "word", "oref": "words",
    "ow": "word", "niji": "number", "v": "word", "profile": "words", "exp": "word",
    "video": "nothing", "fast": "nothing", "relax": "nothing", "turbo": "nothing",
    "draft": "nothing", "raw": "nothing", "hd": "nothing", "test": "nothing", "testp": "nothing",
    "public": "nothing", "stealth": "nothing",
}  # fmt: skip
RANGES: dict[str, Range] = {
    "seed": SEED, "repeat": COUNT, "steps": STEPS, "cfg": GUIDANCE, "w": WIDTH, "h": HEIGHT,
    "stylize": Range(name="Stylize", low=0, high=1000),
    "quality": Range(name="Quality", low=0.05, high=10, multiple=0),
}  # fmt: skip
"""Of the parameters that are numbers."""
_STYLES_ELSEWHERE = frozenset({"raw", "cute", "expressive", "scenic", "original", "4a", "4b", "4c"})

_START = re.compile(r"(?:(?<=\s)|^)(?P<dash>--|[\u2013\u2014])(?P<name>[A-Za-z][\w-]{0,30})", re.M)
_VALUE = re.compile(r"(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>[^\s=][^\s]{0,399})")
_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)\s*[:x/×]\s*([0-9]{1,5}(?:\.[0-9]{1,4})?)")
AXES = {"x": "x", "y": "y", "xy": "both", "both": "both"}
"""What `--tile` may be followed by, and the tiling that it means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """One parameter in a prompt.

    Attributes:
        start: of its first character; `end` is the one after the last.
        name: in its one form, such as `ar` for `--aspect`.
        value: as it was typed; empty for none.
    """

    start: int
    end: int
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """The parameters of a prompt that can be taken, and those that cannot, with the reason."""

    flags: tuple[Flag, ...]
    problems: tuple[Problem, ...]


def read(text: str, styles: Container[str] = ()) -> Read:
    """Find the parameters of a prompt; each is two hyphens and a name, after white space.

    A long dash counts where a known name follows it. A backslash before it makes it plain words.

    Args:
        styles: names that `--style` may call.
    """
    flags: list[Flag] = []
    problems: list[Problem] = []
    for match in _START.finditer(text):
        typed = match["name"].lower()
        if typed not in PARAMETERS:
            if match["dash"] == "--":
                sentence = f"There is no parameter --{match['name']}: it is read as plain words."
                problems.append(Problem(start=match.start(), end=match.end(), sentence=sentence))
            continue
        flag = _flag(text, match, _ALIASES.get(typed, typed), styles)
        sentence = _slip(flag, styles)
        if sentence:
            problems.append(Problem(start=flag.start, end=flag.end, sentence=sentence))
        else:
            flags.append(flag)
    return Read(flags=tuple(flags), problems=tuple(problems))


def _flag(text: str, match: re.Match[str], name: str, styles: Container[str]) -> Flag:
    end, value = match.end(), ""
    takes = _TAKES[name]
    found = _VALUE.match(text, end)
    following = _START.search(text, end)
    if takes == "words":
        stop = following.start() if following else len(text)
        line = text.find("\n", end, stop)
        stop = min(stop if line < 0 else line, end + VALUE_MAX)
        value = text[end:stop].strip().removeprefix("=").strip()
        end = match.end() + len(text[match.end() : stop].rstrip())
        if name == "style" and value not in styles and found is not None:
            # Other programs' styles are one word; what follows them is the prompt again.
            value, end = found["value"].rstrip(",;"), found.end()
    elif (
        found is not None
        and takes != "nothing"
        and not (following and following.start() < found.end())
    ):
        typed = found["value"].rstrip(",;")
        fits = takes == "word" or (takes == "axis" and typed.lower() in AXES)
        if fits or (takes == "number" and re.fullmatch(r"[0-9.]+", typed)):
            value, end = typed, found.end()
    return Flag(start=match.start(), end=end, name=name, value=value)


def _slip(flag: Flag, styles: Container[str]) -> str:
    """Why a parameter cannot be taken; empty when it can."""
    value = flag.value
    if _TAKES[flag.name] in ("word", "words") and not value:
        return f"--{flag.name} needs a value after it; it is read as plain words."
    match flag.name:
        case "ar":
            shape = ratio_of(value)
            if shape is None:
                return "Write the shape as --ar 3:2, width before height."
            if not 1 / RATIO_MAX <= shape <= RATIO_MAX:
                return f"A shape can be {RATIO_MAX:g}:1 or 1:{RATIO_MAX:g} at the most."
        case "seed" | "repeat" | "steps" | "cfg" | "w" | "h" | "stylize" | "quality":
            return _range_slip(flag)
        case "sampler":
            try:
                find_sampler(value)
            except AppError as error:
                return str(error)
        case "style" if value not in styles and value.lower() not in _STYLES_ELSEWHERE:
            return f"There is no style called “{value[:60]}”: this is read as plain words."
        case _:
            pass
    return ""


def _range_slip(flag: Flag) -> str:
    allowed = RANGES[flag.name]
    number = _number(flag.value, whole=allowed.multiple > 0)
    if flag.name == "seed" and flag.value == "-1":
        return ""
    if flag.name in ("w", "h") and isinstance(number, int):
        number = int(number / 8 + 0.5) * 8
    try:
        allowed.check(number if number is not None else flag.value)
    except AppError as error:
        return error.sentence
    return ""


def _number(text: str, *, whole: bool) -> int | float | None:
    if whole and re.fullmatch(r"[0-9]{1,20}", text):
        return int(text)
    if not whole and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}", text):
        return float(text)
    return None


def ratio_of(value: str) -> float | None:
    """Width / height of a shape such as `3:2`; None for what is none."""
    found = _RATIO.fullmatch(value)
    if found is None or not float(found[1]) or not float(found[2]):
        return None
    return float(found[1]) / float(found[2])


def name_of(text: str, flag: Flag) -> str:
    """The name of a parameter as it stands in its prompt."""
    found = _START.match(text, flag.start)
    return f"--{found['name']}" if found else f"--{flag.name}"


assert set(_TAKES) | set(_ALIASES) == set(PARAMETERS)
