"""What other programs say of a picture, in values for a Draft; and what they call the models."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import HEIGHT, PROMPT_MAX, WIDTH, Range
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, Sigmas, find_sampler

# A1111's word where ours is another one. Its "Uniform" is our plain spacing; without a schedule
# type it would read DPM++ 2M as Karras.
SAMPLER_WORDS = {"pndm": "PLMS"}
SCHEDULES: dict[Sigmas, str] = {
    "default": "Uniform",
    "karras": "Karras",
    "exponential": "Exponential",
    "beta": "Beta",
    "ays": "Align Your Steps",
}
_PLAIN_SCHEDULES = frozenset({"automatic", "uniform", "normal", "simple", "ddim", "sgm_uniform"})
_SIZE = re.compile(r"\s*\(?\s*(\d{1,6})\s*[x×,]\s*(\d{1,6})\s*\)?\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """The file of a model here, for other programs call a model by it.

    Attributes:
        name: with its ending, without its folder.
        sha256: of the whole file, 64 lower-case hex digits.
        lora_sha256: of a LoRA, what A1111 takes for its hash: that of the tensors without the
            header, which trainers write into the header; empty where they did not.
    """

    name: str
    sha256: str
    lora_sha256: str = ""

    @property
    def stem(self) -> str:
        return PurePath(self.name).stem

    @property
    def short(self) -> str:
        """The first ten digits, which Civitai and A1111 know a file by."""
        return self.sha256[:10]


Files = Mapping[str, ModelFile]
"""By the hash of their tensors, as far as that of the file is known too."""
NO_FILES: Files = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedModel:
    """A model as another program names it.

    Attributes:
        name: empty where only its hash is told.
        hash: the first digits of its file's sha256, or of a LoRA's `ModelFile.lora_sha256`; empty
            where they are not told.
    """

    name: str
    hash: str = ""


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
class NamedModels:
    """The models that another program names beside the one that makes the picture.

    Attributes:
        modules: VAEs and text encoders, as Forge lists them without a word on which is which.
        loras: those that the prompt calls and whose hash is told.
        embeddings: those that a word of the prompts stands for, by that word.
    """

    refiner: NamedRefiner | None = None
    vae: NamedModel | None = None
    modules: tuple[NamedModel, ...] = ()
    loras: tuple[NamedModel, ...] = ()
    embeddings: tuple[NamedModel, ...] = ()


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
    named: NamedModels = field(default_factory=NamedModels)
    notes: tuple[str, ...] = ()


class Taker:
    """Draft fields as they are found good, and what was left out."""

    def __init__(self) -> None:
        self.changes: dict[str, object] = {}
        self.notes: list[str] = []

    def text(self, field: str, name: str, value: str) -> None:
        """Take a prompt, without the characters that are no text."""
        text = clean(value)
        if len(text) > PROMPT_MAX:
            text = text[:PROMPT_MAX]
            self.notes.append(f"{name} was cut to {PROMPT_MAX:,} characters.")
        self.changes[field] = text

    def number(self, field: str, kind: Range, value: object, *, clamp: bool) -> None:
        """Take a number of this kind; one out of range is changed to fit, or left out."""
        number = parsed(value, whole=kind.multiple > 0)
        if number is None:
            self.notes.append(f"{kind.name} {shown(value)} is no number and was left out.")
            return
        if clamp and not kind.low <= number <= kind.high:
            number = type(number)(min(max(number, kind.low), kind.high))
            self.notes.append(f"{kind.name} {shown(value)} was changed to {number_words(number)}.")
        try:
            kind.check(number)
        except AppError:
            self.notes.append(f"{kind.name} {shown(value)} is out of range and was left out.")
            return
        self.changes[field] = number

    def size(self, value: object) -> None:
        """Take a size such as `512x768`, in whole steps."""
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        sides = [int(side) for side in found.groups()] if found else [0, 0]
        fitted = [max(8, (side + 4) // 8 * 8) for side in sides]
        try:
            WIDTH.check(fitted[0])
            HEIGHT.check(fitted[1])
        except AppError:
            self.notes.append(f"The size {shown(value)} cannot be made here and was left out.")
            return
        if fitted != sides:
            self.notes.append(f"The size {shown(value)} was changed to {fitted[0]}×{fitted[1]}.")
        self.changes["width"], self.changes["height"] = fitted

    def sampler(self, name: str, schedule: str) -> None:
        """Take a sampler, and how its noise levels are spaced where a schedule is named."""
        wanted = name.strip().removesuffix("_gpu")
        try:
            key, sigmas = find_sampler({"plms": "pndm"}.get(wanted.lower(), wanted))
        except AppError:
            self.notes.append(f"The sampler {shown(name)} is not known here and was left out.")
            return
        if schedule:
            spacing = _spacing(schedule)
            if spacing is None or spacing not in SAMPLERS[key].sigmas:
                self.notes.append(
                    f"The noise levels {shown(schedule)} are not known here for this sampler;"
                    " the usual ones are taken."
                )
            else:
                # Programs that name both mean the schedule; "Automatic" leaves it to the name.
                sigmas = sigmas if spacing == "default" else spacing
        self.changes["scheduler"], self.changes["sigmas"] = key, sigmas


def hash_name(name: str) -> str:
    """The name of a model as it stands beside its hash: without the signs that part them."""
    return name.replace(":", "").replace(",", "").strip()


def clean(text: str) -> str:
    """The text without the characters that are none."""
    return "".join("�" if "\ud800" <= c <= "\udfff" else c for c in text.replace("\0", ""))


def _spacing(schedule: str) -> Sigmas | None:
    plain = schedule.strip().lower().replace(" ", "_")
    if plain in _PLAIN_SCHEDULES:
        return "default"
    for sigmas, word in SCHEDULES.items():
        if plain in (sigmas, word.lower().replace(" ", "_"), SIGMAS_LABELS[sigmas].lower()):
            return sigmas
    return None


def parsed(value: object, *, whole: bool) -> int | float | None:
    """The finite number that a value is; None for none, and for a fraction where a whole one is
    meant.
    """
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


def number_words(value: float) -> str:
    """As short as it can be without changing the value: `7`, not `7.0`."""
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def shown(value: object) -> str:
    """A value as a sentence quotes it, cut short."""
    return f"“{value!s:.40}”"
