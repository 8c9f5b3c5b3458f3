"""What one recipe changed of another, in words."""

import re
from difflib import SequenceMatcher

from desktop_app.recipe.blocks import Blocks, words_of
from desktop_app.recipe.recipe import (
    EmbeddingUse,
    FromNoise,
    FromStep,
    LoraUse,
    Recipe,
)
from desktop_app.recipe.samplers import label_of

WORDS_MAX = 400
"""Words of a prompt that are compared; of longer ones it is only said that they changed."""
_SHOWN = 80
_NUMBERS = (
    ("num_inference_steps", "steps"),
    ("guidance_scale", "guidance"),
    ("clip_skip", "CLIP skip"),
)
_TILING = {"none": "no tiling", "x": "tiling across", "y": "tiling down", "both": "tiling"}


def changes(before: Recipe, after: Recipe) -> tuple[str, ...]:
    """Each change as a clause, such as `guidance 3 → 5` or `prompt + foggy`; empty for none."""
    found = [
        *_noise(before, after),
        *_words("prompt", before.prompt, after.prompt),
        *_words("avoid", before.negative_prompt, after.negative_prompt),
    ]
    for name, word in _NUMBERS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(f"{word} {old:g} → {new:g}")
    old_sampler, new_sampler = (label_of(one.scheduler, one.sigmas) for one in (before, after))
    if old_sampler != new_sampler:
        found.append(f"sampler {old_sampler} → {new_sampler}")
    if (before.width, before.height) != (after.width, after.height):
        sizes = (f"{one.width} × {one.height}" for one in (before, after))
        found.append("size " + " → ".join(sizes))
    if before.model.sha256 != after.model.sha256:
        found.append(f"model {before.model.name[:_SHOWN]} → {after.model.name[:_SHOWN]}")
    if before.tiling != after.tiling:
        found.append(_TILING[after.tiling])
    if _sha(before) != _sha(after):
        found.append(f"VAE {after.vae.name[:_SHOWN]}" if after.vae else "the model's own VAE")
    parts = (*_text_encoders(before, after), *_refiner(before, after))
    return (*found, *parts, *_adapters(before, after))


def _sha(recipe: Recipe) -> str:
    return recipe.vae.sha256 if recipe.vae else ""


def _text_encoders(before: Recipe, after: Recipe) -> list[str]:
    old, new = ({ref.sha256: ref.name for ref in one.text_encoders} for one in (before, after))
    if old.keys() == new.keys():
        return []
    if not new:
        return ["the model's own text encoders"]
    added = [f"text encoder {name[:_SHOWN]}" for key, name in new.items() if key not in old]
    gone = [f"\u2212 text encoder {name[:_SHOWN]}" for key, name in old.items() if key not in new]
    return added or gone


def _refiner(before: Recipe, after: Recipe) -> list[str]:
    old, new = before.refiner, after.refiner
    if new is None:
        return [] if old is None else ["no refiner"]
    if old is None or old.model.sha256 != new.model.sha256:
        return [f"refiner {new.model.name[:_SHOWN]} from {new.start:g}"]
    return [] if old.start == new.start else [f"refiner from {old.start:g} → {new.start:g}"]


def _noise(before: Recipe, after: Recipe) -> list[str]:
    found: list[str] = []
    if before.seed != after.seed:
        found.append(f"seed {before.seed} → {after.seed}")
    old, new = before.start, after.start
    if old == new:
        return found
    match new:
        case FromStep():
            found.append(f"from step {new.step}")
        case FromNoise():
            if isinstance(old, FromStep):
                found.append("from the noise again")
            had = old.variations if isinstance(old, FromNoise) else ()
            added = [one for one in new.variations if one not in had]
            gone = [one for one in had if one not in new.variations]
            found += [f"+ {one.weight:.3g} of seed {one.seed}" for one in added]
            found += [f"\u2212 {one.weight:.3g} of seed {one.seed}" for one in gone]
            if isinstance(old, FromNoise) and old.method != new.method and new.variations:
                found.append("mixed column by column" if new.method == "a1111" else "mixed whole")
    return found


def _words(name: str, before: str, after: str) -> list[str]:
    if before == after:
        return []
    old, new = (re.findall(r"\w+(?:['’.-]\w+)*|[^\w\s]", text) for text in (before, after))
    if max(len(old), len(new)) > WORDS_MAX:
        return [f"another {name}"]
    added: list[str] = []
    gone: list[str] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            gone.append(_phrase(old[a:b]))
            added.append(_phrase(new[c:d]))
    parts = [f"{name} + {_cut(one)}" for one in added if one]
    parts += [f"{name} \u2212 {_cut(one)}" for one in gone if one]
    return parts or [f"{name} written otherwise"]


def _phrase(words: list[str]) -> str:
    """Words as they are read, without the commas that parted them from the rest."""
    text = re.sub(r"\s+([,.:;!?)\]}|])", r"\1", " ".join(words))
    return re.sub(r"([(\[{|])\s+", r"\1", text).strip(" ,.;")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _adapters(before: Recipe, after: Recipe) -> list[str]:
    old, new = _named(before), _named(after)
    found: list[str] = []
    for name, weight in new.items():
        if name not in old:
            found.append(f"+ {name}" + (f" {weight:g}" if weight is not None else ""))
        elif weight is not None and (then := old[name]) is not None and then != weight:
            found.append(f"{name} {then:g} → {weight:g}")
    blocks = _blocks(before)
    found += [
        f"{name} in blocks: {_cut(words_of(one)) or 'all alike'}"
        for name, one in _blocks(after).items()
        if one != blocks.get(name, ())
    ]
    return found + [f"\u2212 {name}" for name in old if name not in new]


def _blocks(recipe: Recipe) -> dict[str, Blocks]:
    loras = (one for one in recipe.adapters if isinstance(one, LoraUse))
    return {one.lora.name[:_SHOWN]: one.blocks for one in loras}


def _named(recipe: Recipe) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for one in recipe.adapters:
        match one:
            case LoraUse():
                found[one.lora.name[:_SHOWN]] = one.weight
            case EmbeddingUse():
                found[one.embedding.name[:_SHOWN]] = None
    return found
