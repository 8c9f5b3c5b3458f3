"""Parameters of the prompt moved into the panels, with words about each; and given back."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.flags import AXES, RANGES, Flag, name_of, ratio_of, read
from desktop_app.recipe.recipe import GUIDANCE, SEED_MAX, STEPS, WIDTH
from desktop_app.recipe.samplers import find_sampler

STYLIZE_USUAL = 100
STYLIZE_HALF = 450
"""Above the usual 100, each 450 halve the guidance: 1000 is a quarter of the model's own."""

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
                text=f"{name_of(draft.prompt, flag)} {flag.value}".strip(),
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


def _effect(
    flag: Flag, draft: Draft, target: Target, styles: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """The fields that a parameter sets, and words about it."""
    value = flag.value
    match flag.name:
        case "ar":
            width, height = size_for(ratio_of(value) or 1.0, target)
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
            tiling = AXES.get(value.lower(), "both")
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
    return {_FIELDS[name]: number}, f"{RANGES[name].name} is {number:g}."


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
