"""The settings that a sweep can go through: their names and how each begins."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from desktop_app.errors import AppError
from desktop_app.recipe import axis_points
from desktop_app.recipe.axis_points import Known, Reader
from desktop_app.recipe.axis_values import alternatives, items, joined
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.names import WILDCARD
from desktop_app.recipe.recipe import CLIP_SKIP, GUIDANCE, HEIGHT, SEED, STEPS, LoraUse
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, label_of
from desktop_app.recipe.sweep import Axis

TEXT_MAX = 20_000
Line = Callable[[Draft, Known], str]


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
    times = Counter(point.label for point in points)
    twice = next((label for label, count in times.items() if count > 1), None)
    if twice is not None:
        raise AppError("sweep", f"{row.label}: “{twice[:60]}” stands there twice.")
    return Axis(name=_name(row, text), points=tuple(points))


def _name(row: Field, text: str) -> str:
    if row.key == "words":
        return f"{row.label}: {items(text)[0][:40]}"
    return row.label


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
        read=axis_points.numeric("seed", SEED),
        suggest=lambda draft, known: f"{draft.seed}, {(draft.seed + 1) % 2**64}",
    ),
    Field(
        key="preset",
        label="Seed preset",
        hint=f"{_NAMES}, or cards of the shelf dropped here",
        read=axis_points.presets,
        suggest=_first(lambda draft, known: tuple(known.presets), 4),
        listed=lambda draft, known: tuple(known.presets),
    ),
    Field(
        key="num_inference_steps",
        label="Steps",
        hint=_COUNTS,
        read=axis_points.numeric("num_inference_steps", STEPS),
        suggest=lambda draft, known: "10, 20, 30",
    ),
    Field(
        key="guidance_scale",
        label="Guidance",
        hint=_COUNTS,
        read=axis_points.numeric("guidance_scale", GUIDANCE, real=True),
        suggest=lambda draft, known: "3, 5, 7, 9",
    ),
    Field(
        key="sampler",
        label="Sampler",
        hint=_NAMES,
        read=axis_points.samplers,
        suggest=lambda draft, known: "Euler, DPM++ 2M, DDIM",
        listed=_all_samplers,
    ),
    Field(
        key="sigmas",
        label="Noise levels",
        hint=_NAMES,
        read=axis_points.spacings,
        suggest=_first(_all_spacings, 9),
        listed=_all_spacings,
    ),
    Field(
        key="size",
        label="Size",
        hint="512x768, 768x512 · another size is another picture",
        read=axis_points.sizes,
        suggest=_two_sizes,
    ),
    Field(
        key="model",
        label="Model",
        hint=_NAMES,
        read=axis_points.models,
        suggest=_first(lambda draft, known: tuple(known.models), 4),
        listed=lambda draft, known: tuple(known.models),
    ),
    Field(
        key="styles",
        label="Style",
        hint="names, with + for several together, none for none",
        read=axis_points.styles,
        suggest=lambda draft, known: joined(("none", *known.styles[:3])),
        listed=lambda draft, known: known.styles,
    ),
    Field(
        key="variation_strength",
        label="Variation",
        hint="0, 0.1, 0.2 · 0-0.5:0.1, of the variation seed in the sidebar",
        read=axis_points.strengths,
        suggest=lambda draft, known: "0-0.4:0.1",
    ),
    Field(
        key="words",
        label="Prompt words",
        hint="the words to replace first: fox, hen, ship",
        read=axis_points.words,
        suggest=_first_word,
    ),
    Field(
        key="options",
        label="Alternatives",
        hint="one {a|b|c} of the prompt, taken option by option",
        read=axis_points.options,
        suggest=_first(_groups, 1),
        listed=_groups,
    ),
    Field(
        key="wildcard",
        label="Wildcard",
        hint="one __name__ of the prompt, taken line by line",
        read=axis_points.lines,
        suggest=_first(_calls, 1),
        listed=_calls,
    ),
    Field(
        key="lora",
        label="LoRA weight",
        hint="0.4, 0.8, 1.2 · a name = 0.4-1.2:0.4",
        read=axis_points.weights,
        suggest=lambda draft, known: "0, 0.5, 1",
        listed=_loras,
    ),
    Field(
        key="clip_skip",
        label="CLIP skip",
        hint=_COUNTS,
        read=axis_points.numeric("clip_skip", CLIP_SKIP),
        suggest=lambda draft, known: "0-2",
    ),
    Field(
        key="refiner",
        label="Refiner from",
        hint="0.6, 0.8 · 0.5-0.9:0.1",
        read=axis_points.refiner_starts,
        suggest=lambda draft, known: "0.6, 0.7, 0.8, 0.9",
    ),
)
FIELDS: dict[str, Field] = {row.key: row for row in _ROWS}
