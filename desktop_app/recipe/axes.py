"""The settings that a sweep can go through, and how a line of values for each is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from desktop_app.errors import AppError
from desktop_app.recipe.axis_values import alternatives, items, joined, numbers, one_of, shown
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.names import NO_WILDCARDS, WILDCARD, Wildcards, options_of
from desktop_app.recipe.recipe import (
    ADAPTER_WEIGHT,
    CLIP_SKIP,
    GUIDANCE,
    HEIGHT,
    REFINER_START,
    SEED,
    STEPS,
    STRENGTH,
    WIDTH,
    LoraUse,
    Range,
)
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, find_sampler, label_of
from desktop_app.recipe.sweep import (
    POINTS_MAX,
    Axis,
    Edit,
    Point,
    ReplaceWords,
    SetFields,
    WeighLora,
)

TEXT_MAX = 20_000
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


Line = Callable[[Draft, Known], str]
Reader = Callable[[str, Draft, Known], list[Point]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A setting that a sweep can go through.

    Attributes:
        key: of the table.
        label: in the artist's words.
        hint: how its values are written.
        suggest: the line to begin with.
        listed: what can be chosen from, if that can be listed.
    """

    key: str
    label: str
    hint: str
    read: Reader
    suggest: Line
    listed: Callable[[Draft, Known], tuple[str, ...]] = lambda draft, known: ()


def read_axis(key: str, text: str, draft: Draft, known: Known) -> Axis:
    """The axis that a line of values says.

    Numbers are listed, `3, 5, 7`, or counted: `1-9`, `1-9:2` in steps of 2, `1-9 [3]` three of
    them. Other values stand between commas, in quotes where they have a comma themselves.

    Args:
        key: of `FIELDS`.

    Raises:
        AppError: `sweep` with the sentence to show at the field.
    """
    row = FIELDS.get(key)
    if row is None:
        raise AppError("sweep", f"There is no setting {key[:40]!r}.")
    if len(text) > TEXT_MAX:
        raise AppError("sweep", f"{row.label}: this is too long for a list of values.")
    points = row.read(text, draft, known)
    labels = [point.label for point in points]
    twice = next((label for i, label in enumerate(labels) if label in labels[:i]), None)
    if twice is not None:
        raise AppError("sweep", f"{row.label}: “{twice[:60]}” stands there twice.")
    return Axis(name=_name(row, text), points=tuple(points))


def _name(row: Field, text: str) -> str:
    if row.key == "words":
        return f"{row.label}: {items(text)[0][:40]}"
    return row.label


def _set(label: str, **fields: object) -> Point:
    return Point(label=label, edit=SetFields(fields=tuple(fields.items())))


def _numeric(name: str, limits: Range, *, real: bool = False) -> Reader:
    def read(text: str, draft: Draft, known: Known) -> list[Point]:
        values = numbers(text, limits)
        return [_set(shown(value), **{name: float(value) if real else value}) for value in values]

    return read


def _strengths(text: str, draft: Draft, known: Known) -> list[Point]:
    if draft.branch is not None:
        raise AppError("sweep", "A branch has no variation of its own.")
    return _numeric("variation_strength", STRENGTH, real=True)(text, draft, known)


def _samplers(text: str, draft: Draft, known: Known) -> list[Point]:
    pairs = [find_sampler(item) for item in items(text)]
    return [_set(label_of(key, sigmas), scheduler=key, sigmas=sigmas) for key, sigmas in pairs]


def _spacings(text: str, draft: Draft, known: Known) -> list[Point]:
    allowed = SAMPLERS[draft.scheduler].sigmas
    labels = {(SIGMAS_LABELS[one] or "Usual"): one for one in allowed}
    names = {label.casefold(): label for label in labels}
    found = [one_of(item, names, "spacing of noise levels") for item in items(text)]
    return [_set(label, sigmas=labels[label]) for label in found]


def _sizes(text: str, draft: Draft, known: Known) -> list[Point]:
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


def _refiner_starts(text: str, draft: Draft, known: Known) -> list[Point]:
    used = draft.refiner
    if used is None:
        raise AppError("sweep", "There is no refiner chosen.", hint="Choose one under Advanced.")
    starts = numbers(text, REFINER_START)
    return [_set(shown(one), refiner=replace(used, start=float(one))) for one in starts]


def _models(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.models}
    found = [one_of(item, names, "model") for item in items(text)]
    return [_set(name, **known.models[name]) for name in found]


def _presets(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.presets}
    found = [one_of(item, names, "seed preset") for item in items(text)]
    return [_set(name, **known.presets[name]) for name in found]


def _styles(text: str, draft: Draft, known: Known) -> list[Point]:
    names = {name.casefold(): name for name in known.styles}
    found: list[Point] = []
    for item in items(text):
        if item.casefold() == "none":
            found.append(_set("None", styles=()))
            continue
        parts = [one_of(part.strip(), names, "style") for part in item.split("+")]
        found.append(_set(" + ".join(parts), styles=tuple(parts)))
    return found


def _words(text: str, draft: Draft, known: Known) -> list[Point]:
    parts = items(text)
    if len(parts) < 2:
        raise AppError(
            "sweep",
            "Write the words to replace first, then what stands in their place: fox, hen, ship.",
        )
    if parts[0] not in draft.prompt and parts[0] not in draft.negative_prompt:
        raise AppError("sweep", f"The prompt does not say “{parts[0][:60]}”.")
    return [Point(label=part, edit=ReplaceWords(words=parts[0], by=part)) for part in parts]


def _options(text: str, draft: Draft, known: Known) -> list[Point]:
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


def _lines(text: str, draft: Draft, known: Known) -> list[Point]:
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


def _weights(text: str, draft: Draft, known: Known) -> list[Point]:
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


def _all_samplers(draft: Draft, known: Known) -> tuple[str, ...]:
    return tuple(label_of(row.key) for row in SAMPLERS.values())


def _all_spacings(draft: Draft, known: Known) -> tuple[str, ...]:
    return tuple(SIGMAS_LABELS[one] or "Usual" for one in SAMPLERS[draft.scheduler].sigmas)


def _calls(draft: Draft, known: Known) -> tuple[str, ...]:
    text = f"{draft.prompt}\n{draft.negative_prompt}"
    return tuple(dict.fromkeys(match[0] for match in WILDCARD.finditer(text)))


def _groups(draft: Draft, known: Known) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words for words, _ in alternatives(draft.prompt)))


def _loras(draft: Draft, known: Known) -> tuple[str, ...]:
    uses = (one.lora.name for one in draft.adapters if isinstance(one, LoraUse))
    return tuple(f"{name} = " for name in uses)


def _first(listed: Callable[[Draft, Known], tuple[str, ...]], count: int) -> Line:
    def line(draft: Draft, known: Known) -> str:
        return joined(listed(draft, known)[:count])

    return line


def _two_sizes(draft: Draft, known: Known) -> str:
    width, height = draft.width, draft.height
    if width == height:
        height = int(min(height * 3 // 2 // 64 * 64 or height, HEIGHT.high))
        return f"{width}x{width}, {width}x{height}" if height != width else f"{width}x{width}"
    return f"{width}x{height}, {height}x{width}"


def _first_word(draft: Draft, known: Known) -> str:
    words = re.findall(r"\w{3,}", draft.prompt)
    return f"{words[0]}, " if words else ""


_COUNTS = "3, 5, 7 · 1-9:2 · 1-9 [3]"
_NAMES = "names, with commas between them"
_ROWS = (
    Field(
        key="seed",
        label="Seed",
        hint="7, 8, 9 · 7-12",
        read=_numeric("seed", SEED),
        suggest=lambda draft, known: f"{draft.seed}, {(draft.seed + 1) % 2**64}",
    ),
    Field(
        key="preset",
        label="Seed preset",
        hint=f"{_NAMES}, or cards of the shelf dropped here",
        read=_presets,
        suggest=_first(lambda draft, known: tuple(known.presets), 4),
        listed=lambda draft, known: tuple(known.presets),
    ),
    Field(
        key="num_inference_steps",
        label="Steps",
        hint=_COUNTS,
        read=_numeric("num_inference_steps", STEPS),
        suggest=lambda draft, known: "10, 20, 30",
    ),
    Field(
        key="guidance_scale",
        label="Guidance",
        hint=_COUNTS,
        read=_numeric("guidance_scale", GUIDANCE, real=True),
        suggest=lambda draft, known: "3, 5, 7, 9",
    ),
    Field(
        key="sampler",
        label="Sampler",
        hint=_NAMES,
        read=_samplers,
        suggest=lambda draft, known: "Euler, DPM++ 2M, DDIM",
        listed=_all_samplers,
    ),
    Field(
        key="sigmas",
        label="Noise levels",
        hint=_NAMES,
        read=_spacings,
        suggest=_first(_all_spacings, 9),
        listed=_all_spacings,
    ),
    Field(
        key="size",
        label="Size",
        hint="512x768, 768x512 · another size is another picture",
        read=_sizes,
        suggest=_two_sizes,
    ),
    Field(
        key="model",
        label="Model",
        hint=_NAMES,
        read=_models,
        suggest=_first(lambda draft, known: tuple(known.models), 4),
        listed=lambda draft, known: tuple(known.models),
    ),
    Field(
        key="styles",
        label="Style",
        hint="names, with + for several together, none for none",
        read=_styles,
        suggest=lambda draft, known: joined(("none", *known.styles[:3])),
        listed=lambda draft, known: known.styles,
    ),
    Field(
        key="variation_strength",
        label="Variation",
        hint="0, 0.1, 0.2 · 0-0.5:0.1, of the variation seed in the sidebar",
        read=_strengths,
        suggest=lambda draft, known: "0-0.4:0.1",
    ),
    Field(
        key="words",
        label="Prompt words",
        hint="the words to replace first: fox, hen, ship",
        read=_words,
        suggest=_first_word,
    ),
    Field(
        key="options",
        label="Alternatives",
        hint="one {a|b|c} of the prompt, taken option by option",
        read=_options,
        suggest=_first(_groups, 1),
        listed=_groups,
    ),
    Field(
        key="wildcard",
        label="Wildcard",
        hint="one __name__ of the prompt, taken line by line",
        read=_lines,
        suggest=_first(_calls, 1),
        listed=_calls,
    ),
    Field(
        key="lora",
        label="LoRA weight",
        hint="0.4, 0.8, 1.2 · a name = 0.4-1.2:0.4",
        read=_weights,
        suggest=lambda draft, known: "0, 0.5, 1",
        listed=_loras,
    ),
    Field(
        key="clip_skip",
        label="CLIP skip",
        hint=_COUNTS,
        read=_numeric("clip_skip", CLIP_SKIP),
        suggest=lambda draft, known: "0-2",
    ),
    Field(
        key="refiner",
        label="Refiner from",
        hint="0.6, 0.8 · 0.5-0.9:0.1",
        read=_refiner_starts,
        suggest=lambda draft, known: "0.6, 0.7, 0.8, 0.9",
    ),
)
FIELDS: dict[str, Field] = {row.key: row for row in _ROWS}
