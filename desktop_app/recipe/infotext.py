"""Other programs' words for a recipe: reads and writes the infotext of A1111, reads plain JSON."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import (
    GUIDANCE,
    HEIGHT,
    PROMPT_MAX,
    REFINER_START,
    SEED,
    STEPS,
    STRENGTH,
    WIDTH,
    FromNoise,
    Range,
    Recipe,
    VariationMethod,
)
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, Sigmas, find_sampler

TEXT_MAX = 400_000
"""Characters: a longer text is no infotext."""
_LINES_MAX = 20_000
_NEGATIVE = "Negative prompt:"
_OWN = "Mezzotint"
"""What the name of our version begins with."""
_KEY = re.compile(r"\s*(\w[\w \-/]{0,60}):\s*")
_REFINER = re.compile(r"(.*?)\s*(?:\[([0-9a-f]{6,64})\])?")
_SIZE = re.compile(r"\s*\(?\s*(\d{1,6})\s*[x×,]\s*(\d{1,6})\s*\)?\s*")

# A1111's word where ours is another one. Its "Uniform" is our plain spacing; without a schedule
# type it would read DPM++ 2M as Karras.
_SAMPLER_WORDS = {"pndm": "PLMS"}
_SCHEDULES: dict[Sigmas, str] = {
    "default": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
    "beta": "Beta",
    "ays": "Align Your Steps",
}
_PLAIN_SCHEDULES = frozenset({"automatic", "uniform", "normal", "simple", "ddim", "sgm_uniform"})


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedRefiner:
    """A refiner as another program names it.

    Attributes:
        hash: the first digits of its file's sha256; empty where they are not told.
        start: as in `RefinerUse`.
    """

    name: str
    hash: str = ""
    start: float = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Infotext:
    """What a foreign text says.

    Attributes:
        changes: fields of a Draft with valid values, only those that the text names.
        fields: every `key: value` as it stands there, also those that mean nothing here.
        notes: one sentence for each thing that could not be taken as it was.
    """

    changes: Mapping[str, object]
    fields: Mapping[str, str]
    model_name: str = ""
    model_hash: str = ""
    refiner: NamedRefiner | None = None
    notes: tuple[str, ...] = ()


def write(recipe: Recipe, *, app: str) -> str:
    """The recipe in A1111's words.

    A prompt with a line that begins `Negative prompt:` cannot be told apart on reading; it is
    written as it is, and our own record in the picture is what we read ourselves. Of several
    variations only the first has words.

    Args:
        app: what made the picture, such as `Mezzotint 0.1.0`.
    """
    sampler = SAMPLERS[recipe.scheduler]
    rows = [
        ("Steps", str(recipe.num_inference_steps)),
        ("Sampler", _SAMPLER_WORDS.get(sampler.key, sampler.label)),
        ("Schedule type", _SCHEDULES[recipe.sigmas]),
        ("CFG scale", _number(recipe.guidance_scale)),
        ("Seed", str(recipe.seed)),
        ("Size", f"{recipe.width}x{recipe.height}"),
        ("Model hash", recipe.model.sha256[:10]),
        ("Model", recipe.model.name),
        ("RNG", "CPU"),
    ]
    variations = recipe.start.variations if isinstance(recipe.start, FromNoise) else ()
    for variation in variations[:1]:
        rows += [
            ("Variation seed", str(variation.seed)),
            ("Variation seed strength", _number(variation.weight)),
        ]
        if isinstance(recipe.start, FromNoise) and recipe.start.method == "a1111":
            rows.append(("Variation method", "A1111"))
    if recipe.refiner is not None:
        refiner = recipe.refiner.model
        rows += [
            ("Refiner", f"{refiner.name} [{refiner.sha256[:10]}]"),
            ("Refiner switch at", _number(recipe.refiner.start)),
        ]
    rows.append(("Version", app))
    settings = ", ".join(f"{key}: {_quoted(value)}" for key, value in rows)
    negative = f"{_NEGATIVE} {recipe.negative_prompt}" if recipe.negative_prompt else ""
    return "\n".join(part for part in (recipe.prompt, negative, settings) if part)


def read(text: str) -> Infotext | None:
    """What an infotext, or the plain JSON that some programs put in its place, says.

    Nothing in it is evaluated, fetched or opened. Values out of range are clamped or left out, and
    a note says so; the prompt is kept.

    Returns:
        None when the text is neither.
    """
    if len(text) > TEXT_MAX:
        return None
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if text.startswith("{"):
        found = _read_json(text)
        if found is not None:
            return found
    lines = text.split("\n")
    if len(lines) > _LINES_MAX:
        return None
    for number in range(len(lines) - 1, -1, -1):
        # Programs may add lines after the settings, and prompts hold words with colons before them.
        if "Steps" not in lines[number]:
            continue
        fields = _fields(lines[number])
        if "Steps" in fields and fields.keys() & {"Seed", "Sampler", "CFG scale"}:
            prompt, negative = _prompts(lines[:number])
            return _taken(prompt, negative, fields)
    return None


def _prompts(lines: list[str]) -> tuple[str, str]:
    for number, line in enumerate(lines):
        if line.lstrip().startswith(_NEGATIVE):
            first = line.lstrip().removeprefix(_NEGATIVE)
            negative = "\n".join([first, *lines[number + 1 :]])
            return "\n".join(lines[:number]).strip(), negative.strip()
    return "\n".join(lines).strip(), ""


def _fields(line: str) -> dict[str, str]:
    """`key: value` pairs; quoted texts and brackets are kept together, as are commas in names."""
    found: dict[str, str] = {}
    last = ""
    place = 0
    while place < len(line) and len(found) < 300:
        key = _KEY.match(line, place)
        if key is None:
            end = _comma(line, place)
            if last:
                found[last] += "," + line[place:end]
            place = end + 1
            continue
        last = key[1]
        place = key.end()
        value, place = _value(line, place)
        # Of two fields with one name the first is meant: later ones stand inside an unquoted text.
        found.setdefault(last, value)
    return {name: value.strip() for name, value in found.items()}


def _value(line: str, place: int) -> tuple[str, int]:
    """The value that begins at `place`, and where the next field does."""
    decoder = json.JSONDecoder()
    if place < len(line) and line[place] in '"[{':
        try:
            parsed, end = decoder.raw_decode(line, place)
        except (ValueError, RecursionError):
            pass
        else:
            text = cast(str, parsed) if line[place] == '"' else line[place:end]
            return text, _comma(line, end) + 1
    end = _comma(line, place)
    return line[place:end], end + 1


def _comma(line: str, place: int) -> int:
    found = line.find(",", place)
    return len(line) if found < 0 else found


class _Taker:
    """Draft fields as they are found good, and what was left out."""

    def __init__(self) -> None:
        self.changes: dict[str, object] = {}
        self.notes: list[str] = []

    def text(self, field: str, name: str, value: str) -> None:
        clean = "".join("�" if "\ud800" <= c <= "\udfff" else c for c in value.replace("\0", ""))
        if len(clean) > PROMPT_MAX:
            clean = clean[:PROMPT_MAX]
            self.notes.append(f"{name} was cut to {PROMPT_MAX:,} characters.")
        self.changes[field] = clean

    def number(self, field: str, kind: Range, value: object, *, clamp: bool) -> None:
        number = _parsed(value, whole=kind.multiple > 0)
        if number is None:
            self.notes.append(f"{kind.name} {_shown(value)} is no number and was left out.")
            return
        if clamp and not kind.low <= number <= kind.high:
            number = type(number)(min(max(number, kind.low), kind.high))
            self.notes.append(f"{kind.name} {_shown(value)} was changed to {_number(number)}.")
        try:
            kind.check(number)
        except AppError:
            self.notes.append(f"{kind.name} {_shown(value)} is out of range and was left out.")
            return
        self.changes[field] = number

    def size(self, value: object) -> None:
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        sides = [int(side) for side in found.groups()] if found else [0, 0]
        fitted = [max(8, (side + 4) // 8 * 8) for side in sides]
        try:
            WIDTH.check(fitted[0])
            HEIGHT.check(fitted[1])
        except AppError:
            self.notes.append(f"The size {_shown(value)} cannot be made here and was left out.")
            return
        if fitted != sides:
            self.notes.append(f"The size {_shown(value)} was changed to {fitted[0]}×{fitted[1]}.")
        self.changes["width"], self.changes["height"] = fitted

    def sampler(self, name: str, schedule: str) -> None:
        wanted = name.strip().removesuffix("_gpu")
        try:
            key, sigmas = find_sampler({"plms": "pndm"}.get(wanted.lower(), wanted))
        except AppError:
            self.notes.append(f"The sampler {_shown(name)} is not known here and was left out.")
            return
        if schedule:
            spacing = _spacing(schedule)
            if spacing is None or spacing not in SAMPLERS[key].sigmas:
                self.notes.append(
                    f"The noise levels {_shown(schedule)} are not known here for this sampler;"
                    " the usual ones are taken."
                )
            else:
                # Programs that name both mean the schedule; "Automatic" leaves it to the name.
                sigmas = sigmas if spacing == "default" else spacing
        self.changes["scheduler"], self.changes["sigmas"] = key, sigmas


def _taken(prompt: str, negative: str, fields: Mapping[str, str]) -> Infotext:
    taker = _Taker()
    taker.text("prompt", "The prompt", prompt)
    taker.text("negative_prompt", "The text to avoid", negative)
    take: dict[str, Callable[[str], None]] = {
        "Steps": lambda v: taker.number("num_inference_steps", STEPS, v, clamp=True),
        "CFG scale": lambda v: taker.number("guidance_scale", GUIDANCE, v, clamp=True),
        "Seed": lambda v: taker.number("seed", SEED, v, clamp=False),
        "Size": taker.size,
        "Sampler": lambda v: taker.sampler(v, fields.get("Schedule type", "")),
        "Variation seed": lambda v: taker.number("variation_seed", SEED, v, clamp=False),
        "Variation seed strength": lambda v: taker.number(
            "variation_strength", STRENGTH, v, clamp=True
        ),
    }
    for key, action in take.items():
        if key in fields:
            action(fields[key])
    if "variation_seed" not in taker.changes:
        taker.changes.pop("variation_strength", None)
    elif "variation_strength" in taker.changes:
        taker.changes["variation_method"] = _variation_method(fields)
    return Infotext(
        changes=taker.changes,
        fields=dict(fields),
        model_name=fields.get("Model", "")[:300],
        model_hash=fields.get("Model hash", "")[:64].lower(),
        refiner=_refiner(fields, taker),
        notes=tuple(taker.notes),
    )


def _refiner(fields: Mapping[str, str], taker: _Taker) -> NamedRefiner | None:
    """What A1111 says of the last steps: `name [hash]`, and the share where it switches."""
    if not fields.get("Refiner", "").strip():
        return None
    named = _REFINER.fullmatch(fields["Refiner"][:400].strip())
    name, digits = named.groups() if named else (fields["Refiner"].strip(), None)
    told = fields.get("Refiner switch at", "0.8")
    start = _parsed(told, whole=False)
    if start is None or not REFINER_START.allows(start):
        taker.notes.append(f"The refiner's start {_shown(told)} is out of range and was left out.")
        start = 0.8
    return NamedRefiner(name=name[:300], hash=digits or "", start=float(start))


def _variation_method(fields: Mapping[str, str]) -> VariationMethod:
    """How noises were mixed: our own pictures name A1111's way, all others that do mix know it."""
    own = fields.get("Version", "").startswith(_OWN)
    return "whole" if own and fields.get("Variation method") != "A1111" else "a1111"


# SwarmUI, Fooocus, InvokeAI and NovelAI, in this order where names differ.
_ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "positive_prompt", "Prompt"),
    "negative": ("negativeprompt", "negative_prompt", "Negative Prompt", "uc"),
    "seed": ("seed", "Seed"),
    "steps": ("steps", "Steps"),
    "guidance": ("cfgscale", "guidance_scale", "cfg_scale", "scale", "Guidance Scale"),
    "sampler": ("sampler", "Sampler"),
    "schedule": ("scheduler", "Scheduler", "noise_schedule"),
    "model": ("model", "base_model", "Base Model", "Model"),
    "hash": ("base_model_hash", "model_hash"),
    "size": ("resolution", "Resolution"),
}


def _read_json(text: str) -> Infotext | None:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    data = cast(dict[str, object], parsed)
    nested = data.get("sui_image_params")
    if isinstance(nested, dict):
        data = cast(dict[str, object], nested)
    found: dict[str, object] = {}
    for name, keys in _ALIASES.items():
        value = next((data[key] for key in keys if key in data), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found[name] = value
    if not isinstance(found.get("prompt"), str) or len(found) < 2:
        return None
    return _taken_from_json(data, found)


def _taken_from_json(data: Mapping[str, object], found: Mapping[str, object]) -> Infotext:
    taker = _Taker()
    taker.text("prompt", "The prompt", str(found["prompt"]))
    taker.text("negative_prompt", "The text to avoid", str(found.get("negative", "")))
    for name, field, kind, clamp in (
        ("seed", "seed", SEED, False),
        ("steps", "num_inference_steps", STEPS, True),
        ("guidance", "guidance_scale", GUIDANCE, True),
    ):
        if name in found:
            taker.number(field, kind, found[name], clamp=clamp)
    if "width" in data and "height" in data:
        taker.size(f"{data['width']!s:.12}x{data['height']!s:.12}")
    elif "size" in found:
        taker.size(str(found["size"]))
    sampler = found.get("sampler", found.get("schedule"))
    if sampler is not None:
        schedule = str(found["schedule"]) if "sampler" in found and "schedule" in found else ""
        taker.sampler(str(sampler), schedule)
    return Infotext(
        changes=taker.changes,
        fields={name: str(value)[:1000] for name, value in found.items() if name != "prompt"},
        model_name=str(found.get("model", ""))[:300],
        model_hash=str(found.get("hash", ""))[:64].lower(),
        notes=tuple(taker.notes),
    )


def _spacing(schedule: str) -> Sigmas | None:
    plain = schedule.strip().lower().replace(" ", "_")
    if plain in _PLAIN_SCHEDULES:
        return "default"
    for sigmas, word in _SCHEDULES.items():
        if plain in (sigmas, word.lower().replace(" ", "_"), SIGMAS_LABELS[sigmas].lower()):
            return sigmas
    return None


def _parsed(value: object, *, whole: bool) -> int | float | None:
    if isinstance(value, str):
        value = value.strip()
        if len(value) > 40 or not value.isascii():
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = int(value) if whole else float(value)
    except (ValueError, OverflowError):
        try:
            number = float(value)
            number = int(number) if whole and number.is_integer() else number
        except (ValueError, OverflowError):
            return None
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return int(number) if whole and isinstance(number, int) else (None if whole else number)


def _number(value: float) -> str:
    """As short as it can be without changing the value: `7`, not `7.0`."""
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _quoted(value: str) -> str:
    plain = not any(c in value for c in ',:\n"') and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def _shown(value: object) -> str:
    return f"“{value!s:.40}”"
