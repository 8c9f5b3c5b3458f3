"""Parameters typed into the prompt, as in `--ar 3:2`: found, and moved into the panels."""

import math
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.names import PARAMETERS
from desktop_app.recipe.prompt import Problem
from desktop_app.recipe.recipe import COUNT, GUIDANCE, HEIGHT, SEED, SEED_MAX, STEPS, WIDTH, Range
from desktop_app.recipe.samplers import find_sampler

STYLIZE_USUAL = 100
STYLIZE_HALF = 450
"""Above the usual 100, each 450 halve the guidance: 1000 is a quarter of the model's own."""
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
_RANGES: dict[str, Range] = {
    "seed": SEED, "repeat": COUNT, "steps": STEPS, "cfg": GUIDANCE, "w": WIDTH, "h": HEIGHT,
    "stylize": Range(name="Stylize", low=0, high=1000),
    "quality": Range(name="Quality", low=0.05, high=10, multiple=0),
}  # fmt: skip
_FIELDS = {
    "seed": "seed", "repeat": "count", "steps": "num_inference_steps", "w": "width", "h": "height",
    "cfg": "guidance_scale",
}  # fmt: skip

NO_EQUAL = {
    "chaos": "every picture of a run has a seed of its own, so they differ as far as they can",
    "weird": "no setting makes a model stranger",
    "stop": "a picture is always finished, and its steps can be looked at on the timeline",
    "iw": "the prompt holds no picture to weigh",
    "sref": "no style is read from a picture", "sw": "no style is read from a picture",
    "cref": "no figure is read from a picture", "cw": "no figure is read from a picture",
    "oref": "no object is read from a picture", "ow": "no object is read from a picture",
    "niji": "the model is chosen in the sidebar", "v": "the model is chosen in the sidebar",
    "profile": "there are no personal profiles", "exp": "no setting adds detail by itself",
    "style": "styles are the chips below the prompt", "raw": "nothing is added to a prompt anyway",
    "video": "the steps can be saved as a film from the timeline",
    "hd": "the size is set in the sidebar", "draft": "fewer steps make a draft",
    "public": "pictures stay on this computer", "stealth": "pictures stay on this computer",
}  # fmt: skip
_RENDERS_HERE = "pictures are made on this computer, as fast as it can"
_STYLES_ELSEWHERE = frozenset({"raw", "cute", "expressive", "scenic", "original", "4a", "4b", "4c"})

_START = re.compile(r"(?:(?<=\s)|^)(?P<dash>--|[\u2013\u2014])(?P<name>[A-Za-z][\w-]{0,30})", re.M)
_VALUE = re.compile(r"(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>[^\s=][^\s]{0,399})")
_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)\s*[:x/×]\s*([0-9]{1,5}(?:\.[0-9]{1,4})?)")
_AXES = {"x": "x", "y": "y", "xy": "both", "both": "both"}


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What a parameter that speaks of the model means for this one.

    Attributes:
        native_size: width and height in pixels that it was trained on.
        sizes: the shapes that are offered for it.
    """

    native_size: tuple[int, int] = (512, 512)
    sizes: tuple[tuple[int, int], ...] = ()
    default_steps: int = 25
    default_guidance: float = 7.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A parameter that went into the panels.

    Attributes:
        text: as it was typed, with one space before the value.
        words: what it came to, for the artist.
        before: the draft's fields that it changed, as they were.
        after: as they are now; empty for one that has no equal here.
    """

    text: str
    words: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


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


def take(
    draft: Draft, target: Target, styles: Iterable[str] = ()
) -> tuple[Draft, tuple[Taken, ...]]:
    """Move the parameters of a draft's prompt into its fields; the rest of the prompt stays.

    Returns:
        The draft, and what was taken in the order of the prompt; none where there is nothing to
        take, and the draft is the same one then.
    """
    names = tuple(styles)
    found = read(draft.prompt, names).flags
    taken: list[Taken] = []
    cut: list[Flag] = []
    now = draft
    for flag in found:
        try:
            changes, words = _effect(flag, now, target, names)
            after = replace(now, **changes)
        except AppError:
            continue
        cut.append(flag)
        taken.append(
            Taken(
                text=f"{_name_of(draft.prompt, flag)} {flag.value}".strip(),
                words=words,
                before={name: getattr(now, name) for name in changes},
                after=changes,
            )
        )
        now = after
    if not taken:
        return draft, ()
    return replace(now, prompt=_without(draft.prompt, cut)), tuple(taken)


def give_back(draft: Draft, taken: Taken) -> Draft:
    """The draft without what a parameter set; a field that was changed since stays as it is."""
    back: dict[str, Any] = {}
    for name, value in taken.after.items():
        current = getattr(draft, name)
        if current == value:
            back[name] = taken.before[name]
        elif name == "negative_prompt":
            added = str(value).removeprefix(str(taken.before[name])).lstrip(", ")
            back[name] = _less(current, added)
    return replace(draft, **back)


def holds(draft: Draft, taken: Taken) -> bool:
    """Whether what a parameter set is still so in the draft."""
    for name, value in taken.after.items():
        current = getattr(draft, name)
        if name == "negative_prompt":
            added = str(value).removeprefix(str(taken.before[name])).lstrip(", ")
            if added not in current:
                return False
        elif name == "styles":
            if not set(value) - set(taken.before[name]) <= set(current):
                return False
        elif current != value:
            return False
    return True


def size_for(ratio: float, target: Target) -> tuple[int, int]:
    """Width and height of a shape with about the model's own area.

    One of the shapes that are offered for the model, where one is within 2 % of the ratio.

    Args:
        ratio: width / height.
    """
    near = [size for size in target.sizes if abs(size[0] / size[1] / ratio - 1) <= 0.02]
    area = target.native_size[0] * target.native_size[1]
    if near:
        return min(near, key=lambda size: abs(math.log(size[0] * size[1] / area)))
    least = min(target.native_size)
    step = 64 if least >= 512 else 32 if least >= 256 else 8

    def off(size: tuple[int, int]) -> float:
        shape = abs(math.log(size[0] / size[1] / ratio))
        return shape + 0.3 * abs(math.log(size[0] * size[1] / area))

    lowest, highest = int(WIDTH.low), int(WIDTH.high)
    ideal = math.sqrt(area / ratio)
    heights = range(max(lowest, int(ideal / 2) // step * step), int(ideal * 2) + step, step)
    sizes = [
        (max(lowest, min(highest, round(high * ratio / step) * step)), max(lowest, high // 8 * 8))
        for high in heights
        if high <= highest
    ]
    return min(sizes, key=off) if sizes else target.native_size


def stylized(amount: float, guidance: float) -> float:
    """Guidance for a `--stylize`: the model's own at 100, half of it for each 450 more.

    A low guidance leaves the model more freedom, which is what a high stylize asks for.
    """
    scale = 2.0 ** ((STYLIZE_USUAL - amount) / STYLIZE_HALF)
    return round(max(1.0, min(GUIDANCE.high, guidance * scale)), 1)


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
        fits = takes == "word" or (takes == "axis" and typed.lower() in _AXES)
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
            shape = _ratio(value)
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
    allowed = _RANGES[flag.name]
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


def _ratio(value: str) -> float | None:
    found = _RATIO.fullmatch(value)
    if found is None or not float(found[1]) or not float(found[2]):
        return None
    return float(found[1]) / float(found[2])


def _effect(
    flag: Flag, draft: Draft, target: Target, styles: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """The fields that a parameter sets, and words about it."""
    value = flag.value
    match flag.name:
        case "ar":
            width, height = size_for(_ratio(value) or 1.0, target)
            return {"width": width, "height": height}, f"The size is {width} × {height} pixels."
        case "no":
            words = ", ".join(part for part in (draft.negative_prompt.strip(" ,"), value) if part)
            return {"negative_prompt": words}, f"“{value}” went to what to avoid."
        case "seed" if value == "-1":
            return {"seed_rule": "random"}, "A new random seed for each run."
        case "seed":
            seed = {"seed": int(value) % (SEED_MAX + 1), "seed_rule": "keep"}
            return seed, f"The seed is {value}, and is kept."
        case "tile":
            tiling = _AXES.get(value.lower(), "both")
            words = {"x": "left and right", "y": "top and bottom", "both": "on all sides"}[tiling]
            return {"tiling": tiling}, f"The picture can be laid side by side: it joins {words}."
        case "sampler":
            scheduler, sigmas = find_sampler(value)
            return {"scheduler": scheduler, "sigmas": sigmas}, f"The sampler is {value}."
        case "style" if value in styles:
            added = draft.styles if value in draft.styles else (*draft.styles, value)
            return {"styles": added}, f"The style “{value}” is on."
        case "stylize":
            guidance = stylized(float(value), target.default_guidance)
            return {"guidance_scale": guidance}, (
                f"Guidance is {guidance:g}: at stylize {STYLIZE_USUAL} it is the model's own"
                f" {target.default_guidance:g}, and each {STYLIZE_HALF} above halve it, for a low"
                " guidance leaves the model more freedom."
            )
        case "quality":
            steps = round(max(STEPS.low, min(STEPS.high, target.default_steps * float(value))))
            return {"num_inference_steps": steps}, (
                f"Steps are {steps}: {value} times the model's own {target.default_steps}."
            )
        case name if name in _FIELDS:
            return _plain_number(name, value)
        case name:
            return {}, f"This has no equal here: {NO_EQUAL.get(name, _RENDERS_HERE)}."


def _plain_number(name: str, value: str) -> tuple[dict[str, Any], str]:
    number: int | float = float(value) if name == "cfg" else int(value)
    if name in ("w", "h"):
        number = int(number / 8 + 0.5) * 8
    return {_FIELDS[name]: number}, f"{_RANGES[name].name} is {number:g}."


def _name_of(text: str, flag: Flag) -> str:
    found = _START.match(text, flag.start)
    return f"--{found['name']}" if found else f"--{flag.name}"


def _without(text: str, flags: Iterable[Flag]) -> str:
    """The text without the parameters, and without the white space that led to each."""
    out: list[str] = []
    at = 0
    for flag in flags:
        out.append(text[at : flag.start].rstrip(" \t"))
        at = flag.end
    rest = text[at:]
    return "".join([*out, rest if rest.strip() else ""]).strip() if out else text


def _less(text: str, words: str) -> str:
    """A text without some words that were added to it, and their comma."""
    at = text.find(words)
    if not words or at < 0:
        return text
    before, after = text[:at].rstrip(" ,"), text[at + len(words) :].lstrip(" ,")
    return ", ".join(part for part in (before, after) if part)


assert {field.name for field in fields(Draft)} >= set(_FIELDS.values())
assert set(_TAKES) | set(_ALIASES) == set(PARAMETERS)
