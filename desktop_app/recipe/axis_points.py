"""The points of an axis as a line of values says them, for each setting in its own way."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from desktop_app.errors import AppError
from desktop_app.recipe.axis_values import alternatives, items, numbers, one_of, shown
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.names import NO_WILDCARDS, WILDCARD, Wildcards, options_of
from desktop_app.recipe.recipe import (
    ADAPTER_WEIGHT,
    HEIGHT,
    REFINER_START,
    STRENGTH,
    WIDTH,
    LoraUse,
    Range,
)
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, find_sampler, label_of
from desktop_app.recipe.sweep import POINTS_MAX, Edit, Point, ReplaceWords, SetFields, WeighLora

_SIZE = re.compile(r"(\d{2,5})\s*[x×*]\s*(\d{2,5})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What can be named on an axis.

    Attributes:
        models: fields of the draft by the name of a model: itself, and what completes it.
        presets: fields of the draft by the name of a seed preset.
        styles: names.
    """

    models: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict[str, Mapping[str, object]]
    )
    presets: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict[str, Mapping[str, object]]
    )
    styles: tuple[str, ...] = ()
    wildcards: Wildcards = field(default_factory=lambda: NO_WILDCARDS)


Reader = Callable[[str, Draft, Known], list[Point]]
"""Makes points of a line of values; raises AppError with the sentence to show at the field."""


def _set(label: str, **fields: object) -> Point:
    return Point(label=label, edit=SetFields(fields=tuple(fields.items())))


def numeric(name: str, limits: Range, *, real: bool = False) -> Reader:
    def read(text: str, draft: Draft, known: Known) -> list[Point]:
        values = numbers(text, limits)
        return [_set(shown(value), **{name: float(value) if real else value}) for value in values]

    return read


def strengths(text: str, draft: Draft, known: Known) -> list[Point]:
    if draft.branch is not None:
        raise AppError("sweep", "A branch has no variation of its own.")
    return numeric("variation_strength", STRENGTH, real=True)(text, draft, known)


def samplers(text: str, draft: Draft, known: Known) -> list[Point]:
    pairs = [find_sampler(item) for item in items(text)]
    return [_set(label_of(key, sigmas), scheduler=key, sigmas=sigmas) for key, sigmas in pairs]


def spacings(text: str, draft: Draft, known: Known) -> list[Point]:
    allowed = SAMPLERS[draft.scheduler].sigmas
    labels = {(SIGMAS_LABELS[one] or "Usual"): one for one in allowed}
    names = {label.casefold(): label for label in labels}
    found = [one_of(item, names, "spacing of noise levels") for item in items(text)]
    return [_set(label, sigmas=labels[label]) for label in found]


def sizes(text: str, draft: Draft, known: Known) -> list[Point]:
    found: list[Point] = []
    for item in items(text):
        match = _SIZE.fullmatch(item)
        if match is None:
            raise AppError("sweep", f"Size: “{item[:40]}” is no size; write 512x768.")
        width, height = int(match[1]), int(match[2])
        WIDTH.check(width)
        HEIGHT.check(height)
        found.append(_set(f"{width} × {height}", width=width, height=height))
    return found


def refiner_starts(text: str, draft: Draft, known: Known) -> list[Point]:
    used = draft.refiner
    if used is None:
        raise AppError("sweep", "There is no refiner chosen.", hint="Choose one under Advanced.")
    starts = numbers(text, REFINER_START)
    return [_set(shown(one), refiner=replace(used, start=float(one))) for one in starts]


def models(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.models}
    found = [one_of(item, names, "model") for item in items(text)]
    return [_set(name, **known.models[name]) for name in found]


def presets(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.presets}
    found = [one_of(item, names, "seed preset") for item in items(text)]
    return [_set(name, **known.presets[name]) for name in found]


def styles(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.styles}
    found: list[Point] = []
    for item in items(text):
        if item.casefold() == "none":
            found.append(_set("None", styles=()))
            continue
        parts = [one_of(part.strip(), names, "style") for part in item.split("+")]
        found.append(_set(" + ".join(parts), styles=tuple(parts)))
    return found


def words(text: str, draft: Draft, known: Known) -> list[Point]:
    parts = items(text)
    if len(parts) < 2:
        raise AppError(
            "sweep",
            "Write the words to replace first, then what stands in their place: fox, hen, ship.",
        )
    if parts[0] not in draft.prompt and parts[0] not in draft.negative_prompt:
        raise AppError("sweep", f"The prompt does not say “{parts[0][:60]}”.")
    return [Point(label=part, edit=ReplaceWords(words=parts[0], by=part)) for part in parts]


def options(text: str, draft: Draft, known: Known) -> list[Point]:
    groups = alternatives(draft.prompt)
    if not groups:
        raise AppError("sweep", "The prompt has no alternatives; write them as {cat|fox|hen}.")
    whole, options = one_of(
        text, {words.casefold(): (words, rest) for words, rest in groups}, "set of alternatives"
    )
    return [
        Point(
            label=option.strip() or "(nothing)",
            edit=ReplaceWords(words=whole, by=option, once=True),
        )
        for option in dict.fromkeys(options)
    ]


def lines(text: str, draft: Draft, known: Known) -> list[Point]:
    match = WILDCARD.fullmatch(text.strip())
    if match is None or text.strip() not in draft.prompt + draft.negative_prompt:
        raise AppError("sweep", "Name a wildcard of the prompt, such as __animal__.")
    options = dict.fromkeys(option.text for option in options_of(match["name"], known.wildcards))
    if not options:
        raise AppError("sweep", f"There is no wildcard {text.strip()[:60]}.")
    if len(options) > POINTS_MAX:
        raise AppError(
            "sweep",
            f"{text.strip()[:60]} has {len(options):,} lines; a grid takes {POINTS_MAX}.",
            hint="Take “Prompt words” and list some of them.",
        )
    return [
        Point(label=option, edit=ReplaceWords(words=text.strip(), by=option)) for option in options
    ]


def weights(text: str, draft: Draft, known: Known) -> list[Point]:
    name, colon, values = text.partition("=")
    attached = [one.lora for one in draft.adapters if isinstance(one, LoraUse)]
    if not attached:
        raise AppError("sweep", "There is no LoRA attached.")
    if not colon:
        name, values = attached[0].name, text
    lora = one_of(name.strip(), {one.name.casefold(): one for one in attached}, "LoRA")
    found: list[Point] = []
    for value in numbers(values, ADAPTER_WEIGHT):
        edit: Edit = WeighLora(sha256=lora.sha256, weight=float(value))
        found.append(Point(label=shown(value), edit=edit))
    return found
