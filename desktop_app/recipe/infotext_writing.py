"""A recipe in the words of A1111's infotext, for other programs to read."""

import json
from collections.abc import Iterable, Iterator, Mapping

from desktop_app.recipe.blocks import listed
from desktop_app.recipe.foreign import (
    NO_FILES,
    SAMPLER_WORDS,
    SCHEDULES,
    Files,
    hash_name,
    number_words,
)
from desktop_app.recipe.infotext import NEGATIVE
from desktop_app.recipe.lora_tags import lora_tags, written
from desktop_app.recipe.names import LoraCall, tag_name
from desktop_app.recipe.recipe import EmbeddingUse, FromNoise, LoraUse, ModelRef, Recipe
from desktop_app.recipe.samplers import SAMPLERS

Row = tuple[str, str]
"""A field and its value, not yet quoted."""


def write(recipe: Recipe, *, app: str, files: Files = NO_FILES) -> str:
    """The recipe in A1111's words.

    A prompt with a line that begins `Negative prompt:` cannot be told apart on reading; it is
    written as it is, and our own record in the picture is what we read ourselves. Of several
    variations only the first has words, and of tiling only that along both axes. LoRAs are called
    in the prompt, as there.

    Args:
        app: what made the picture, such as `Mezzotint 0.1.0`.
        files: what other programs call the models; one that is not among them goes by our name for
            it. Its hash is then left out, but for the model's and the refiner's, where ours stands.
    """
    loras = _loras(recipe, files)
    rows: list[Row] = [
        *_settings(recipe),
        ("Model hash", _digits(recipe.model, files)),
        ("Model", _stem(recipe.model, files)),
        *_parts(recipe, files),
        *_clip_skip(recipe),
        ("RNG", "CPU"),
        *([("Tiling", "True")] if recipe.tiling == "both" else []),
        *_variation(recipe),
        *_refiner(recipe, files),
        *_hashes(recipe, loras, files),
        ("Version", app),
    ]
    settings = ", ".join(
        [*(f"{key}: {_quoted(value)}" for key, value in rows), *_resources(recipe, loras, files)]
    )
    tags = " ".join(written(_call(name, use)) for name, use in loras.items())
    gap = " " if tags and recipe.prompt and not recipe.prompt[-1].isspace() else ""
    prompt = f"{recipe.prompt}{gap}{tags}"
    negative = f"{NEGATIVE} {recipe.negative_prompt}" if recipe.negative_prompt else ""
    return "\n".join(part for part in (prompt, negative, settings) if part)


def _settings(recipe: Recipe) -> tuple[Row, ...]:
    sampler = SAMPLERS[recipe.scheduler]
    return (
        ("Steps", str(recipe.num_inference_steps)),
        ("Sampler", SAMPLER_WORDS.get(sampler.key, sampler.label)),
        ("Schedule type", SCHEDULES[recipe.sigmas]),
        ("CFG scale", number_words(recipe.guidance_scale)),
        ("Seed", str(recipe.seed)),
        ("Size", f"{recipe.width}x{recipe.height}"),
    )


def _loras(recipe: Recipe, files: Files) -> dict[str, LoraUse]:
    """By the name to call each by; without those whose name the prompt has already."""
    there = {tag.call.name for tag in lora_tags(recipe.prompt)}
    found: dict[str, LoraUse] = {}
    for use in recipe.adapters:
        name = tag_name(_stem(use.lora, files)) if isinstance(use, LoraUse) else ""
        if isinstance(use, LoraUse) and name and name not in there:
            found.setdefault(name, use)
    return found


def _words(recipe: Recipe) -> Iterator[tuple[str, ModelRef]]:
    """The textual inversions by the words that stand for them."""
    for use in recipe.adapters:
        if isinstance(use, EmbeddingUse):
            yield use.token, use.embedding


def _call(name: str, use: LoraUse) -> LoraCall:
    rest = f":lbw={listed(use.blocks)}" if use.blocks else ""
    return LoraCall(name=name, weight=use.weight, rest=rest)


def _parts(recipe: Recipe, files: Files) -> Iterator[Row]:
    """The VAE as A1111 names it; with text encoders both as Forge does, which has no other way to
    name these and reads none of them beside a `VAE`.
    """
    if recipe.vae is not None and recipe.vae.sha256 in files:
        yield "VAE hash", files[recipe.vae.sha256].short
    if recipe.vae is not None and not recipe.text_encoders:
        file = files.get(recipe.vae.sha256)
        yield "VAE", file.name if file is not None else recipe.vae.name
    if recipe.text_encoders:
        modules = (*([recipe.vae] if recipe.vae is not None else []), *recipe.text_encoders)
        for number, ref in enumerate(modules, 1):
            yield f"Module {number}", _stem(ref, files)


def _variation(recipe: Recipe) -> Iterator[Row]:
    if not isinstance(recipe.start, FromNoise):
        return
    for variation in recipe.start.variations[:1]:
        yield "Variation seed", str(variation.seed)
        yield "Variation seed strength", number_words(variation.weight)
        if recipe.start.method == "a1111":
            yield "Variation method", "A1111"


def _refiner(recipe: Recipe, files: Files) -> Iterator[Row]:
    if recipe.refiner is not None:
        ref = recipe.refiner.model
        yield "Refiner", f"{_stem(ref, files)} [{_digits(ref, files)}]"
        yield "Refiner switch at", number_words(recipe.refiner.start)


def _clip_skip(recipe: Recipe) -> Iterator[Row]:
    """A1111 counts the layer that is read, from the end: its 1 leaves none out."""
    if recipe.clip_skip:
        yield "Clip skip", str(recipe.clip_skip + 1)


def _hashes(recipe: Recipe, loras: Mapping[str, LoraUse], files: Files) -> Iterator[Row]:
    """`name: hash, name: hash` with the twelve digits that A1111 knows these by."""
    used = ((name, files.get(use.lora.sha256)) for name, use in loras.items())
    yield from _row("Lora hashes", ((name, one.lora_sha256) for name, one in used if one))
    used = ((word, files.get(ref.sha256)) for word, ref in _words(recipe))
    yield from _row("TI hashes", ((word, one.sha256) for word, one in used if one))


def _row(key: str, hashes: Iterable[tuple[str, str]]) -> Iterator[Row]:
    told = [f"{hash_name(name)}: {digits[:12]}" for name, digits in hashes if digits]
    if told:
        yield key, ", ".join(told)


def _resources(recipe: Recipe, loras: Mapping[str, LoraUse], files: Files) -> Iterator[str]:
    """The first digits of all files in JSON, by which Civitai knows what a picture was made of."""
    used = {"model": recipe.model}
    if recipe.vae is not None:
        used["vae"] = recipe.vae
    used |= {f"lora:{name}": use.lora for name, use in loras.items()}
    used |= {f"embed:{word}": ref for word, ref in _words(recipe)}
    known = {name: files[ref.sha256].short for name, ref in used.items() if ref.sha256 in files}
    if known:
        yield f"Hashes: {json.dumps(known, ensure_ascii=False)}"


def _stem(ref: ModelRef, files: Files) -> str:
    file = files.get(ref.sha256)
    return file.stem if file is not None else ref.name


def _digits(ref: ModelRef, files: Files) -> str:
    file = files.get(ref.sha256)
    return file.short if file is not None else ref.sha256[:10]


def _quoted(value: str) -> str:
    plain = not any(c in value for c in ',:\n"') and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)
