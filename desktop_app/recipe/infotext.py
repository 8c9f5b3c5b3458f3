"""A1111's infotext, and what other programs write in its place: reads how a picture was made."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from desktop_app.recipe.foreign import (
    Infotext,
    NamedModel,
    NamedModels,
    NamedRefiner,
    Taker,
    clean,
    hash_name,
    parsed,
    shown,
)
from desktop_app.recipe.foreign_json import read_json
from desktop_app.recipe.recipe import (
    ADAPTERS_MAX,
    CLIP_SKIP,
    GUIDANCE,
    REFINER_START,
    SEED,
    STEPS,
    STRENGTH,
    TEXT_ENCODERS_MAX,
    VariationMethod,
)

TEXT_MAX = 400_000
"""Characters: a longer text is no infotext."""
NEGATIVE = "Negative prompt:"
"""What the words to avoid begin with."""
_LINES_MAX = 20_000
_OWN = "Mezzotint"
"""What the name of our version begins with."""
_KEY = re.compile(r"\s*(\w[\w \-/]{0,60}):\s*")
_HASH = re.compile(r"[0-9a-f]{4,64}")
_TILINGS = {"true": "both", "false": "none"}
_NO_VAE = frozenset({"", "none", "automatic"})
_REFINER = re.compile(r"(.*?)\s*(?:\[([0-9a-f]{6,64})\])?")


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
        found = read_json(text)
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
        if line.lstrip().startswith(NEGATIVE):
            first = line.lstrip().removeprefix(NEGATIVE)
            negative = "\n".join([first, *lines[number + 1 :]])
            return "\n".join(lines[:number]).strip(), negative.strip()
    return "\n".join(lines).strip(), ""


def _fields(line: str) -> dict[str, str]:
    """`key: value` pairs; quoted texts and brackets are kept together, as are commas in names."""
    found: dict[str, list[str]] = {}
    parts: list[str] = []
    place = 0
    while place < len(line) and len(found) < 300:
        key = _KEY.match(line, place)
        if key is None:
            end = _comma(line, place)
            parts.append(line[place:end])
            place = end + 1
            continue
        value, place = _value(line, key.end())
        parts = [value]
        # Of two fields with one name the first is meant: later ones stand inside an unquoted text.
        found.setdefault(key[1], parts)
    return {name: clean(",".join(parts)).strip() for name, parts in found.items()}


def _value(line: str, place: int) -> tuple[str, int]:
    """The value that begins at `place`, and where the next field does."""
    decoder = json.JSONDecoder()
    if place < len(line) and line[place] in '"[{':
        try:
            parsed, end = decoder.raw_decode(line, place)
        except (ValueError, RecursionError):
            pass
        else:
            comma = _comma(line, end)
            # A name may begin with a bracket too, and goes on behind the one that closes it.
            if line[place] == '"' or not line[end:comma].strip():
                text = cast(str, parsed) if line[place] == '"' else line[place:end]
                return text, comma + 1
    end = _comma(line, place)
    return line[place:end], end + 1


def _comma(line: str, place: int) -> int:
    found = line.find(",", place)
    return len(line) if found < 0 else found


def _taken(prompt: str, negative: str, fields: Mapping[str, str]) -> Infotext:
    taker = Taker()
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
        "Clip skip": lambda v: _clip_skip(v, fields, taker),
        "Tiling": lambda v: _tiling(v, taker),
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
        named=NamedModels(
            refiner=_refiner(fields, taker),
            vae=_vae(fields),
            modules=_modules(fields),
            loras=_hashed(fields, "Lora hashes", "lora:"),
            embeddings=_hashed(fields, "TI hashes", "embed:"),
        ),
        notes=tuple(taker.notes),
    )


def _refiner(fields: Mapping[str, str], taker: Taker) -> NamedRefiner | None:
    """What A1111 says of the last steps: `name [hash]`, and the share where it switches."""
    if not fields.get("Refiner", "").strip():
        return None
    named = _REFINER.fullmatch(fields["Refiner"][:400].strip())
    name, digits = named.groups() if named else (fields["Refiner"].strip(), None)
    told = fields.get("Refiner switch at", "0.8")
    start = parsed(told, whole=False)
    if start is None or not REFINER_START.allows(start):
        taker.notes.append(f"The refiner's start {shown(told)} is out of range and was left out.")
        start = 0.8
    return NamedRefiner(name=name[:300], hash=digits or "", start=float(start))


def _vae(fields: Mapping[str, str]) -> NamedModel | None:
    """The VAE; where Forge lists it among its modules, only its hash is told here."""
    name, digits = fields.get("VAE", ""), fields.get("VAE hash", "").lower()
    known = digits if _HASH.fullmatch(digits) else ""
    if name.casefold() in _NO_VAE and ("VAE" in fields or not known):
        return None
    return NamedModel(name=name[:300], hash=known)


def _modules(fields: Mapping[str, str]) -> tuple[NamedModel, ...]:
    """What Forge lists from `Module 1` on: the VAE, and the text encoders."""
    told = (fields.get(f"Module {number}", "") for number in range(1, TEXT_ENCODERS_MAX + 2))
    return tuple(NamedModel(name=name[:300]) for name in dict.fromkeys(told) if name)


def _hashed(fields: Mapping[str, str], key: str, kind: str) -> tuple[NamedModel, ...]:
    """What is told as `name: hash, name: hash` and in Civitai's JSON, at most as many as a recipe
    can hold. Of two hashes the JSON's counts, which is the file's; A1111 may name one twice.
    """
    parts = (part.rpartition(":") for part in fields.get(key, "").split(","))
    told = [(name, digits) for name, _, digits in parts]
    told += [
        (name.removeprefix(kind), digits)
        for name, digits in _resources(fields.get("Hashes", ""))
        if name.startswith(kind)
    ]
    found: dict[str, str] = {}
    for name, digits in told:
        name, digits = hash_name(name)[:300], digits.strip().lower()
        room = len(found) < ADAPTERS_MAX or name in found
        if name and room and _HASH.fullmatch(digits):
            found[name] = digits
    return tuple(NamedModel(name=name, hash=digits) for name, digits in found.items())


def _resources(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of `{"lora:name": "hash", "model": "hash"}`."""
    try:
        rows: object = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return
    for name, digits in cast(dict[str, object], rows).items() if isinstance(rows, dict) else ():
        if isinstance(digits, str):
            yield clean(name), digits


def _clip_skip(told: str, fields: Mapping[str, str], taker: Taker) -> None:
    """A1111 counts the layer that is read, from the end: its 1 leaves none out."""
    layer = parsed(told, whole=True)
    skipped = told if layer is None else max(layer - 1, 0)
    taker.number("clip_skip", CLIP_SKIP, skipped, clamp=True)
    if taker.changes.get("clip_skip") and not _is_own(fields):
        taker.notes.append(
            f"Clip skip {layer} leaves out {taker.changes['clip_skip']} here; for Stable Diffusion"
            " XL set it to 0, as most programs pass it over there."
        )


def _tiling(told: str, taker: Taker) -> None:
    tiling = _TILINGS.get(told.lower())
    if tiling is not None:
        taker.changes["tiling"] = tiling


def _variation_method(fields: Mapping[str, str]) -> VariationMethod:
    """How noises were mixed: our own pictures name A1111's way, all others that do mix know it."""
    whole = _is_own(fields) and fields.get("Variation method") != "A1111"
    return "whole" if whole else "a1111"


def _is_own(fields: Mapping[str, str]) -> bool:
    return fields.get("Version", "").startswith(_OWN)
