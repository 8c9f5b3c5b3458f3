"""What the options of the command line ask for: a draft, and the recipes of it."""

import argparse
import secrets
from collections.abc import Iterable
from dataclasses import replace

from desktop_app.errors import AppError
from desktop_app.library.called import loras_by_name
from desktop_app.library.catalog import Catalog, ModelInfo
from desktop_app.library.completion import with_text_encoder
from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.lora_tags import lora_tags
from desktop_app.recipe.names import Names
from desktop_app.recipe.recipe import SEED, SEED_MAX, ModelRef, Recipe, RefinerUse
from desktop_app.recipe.samplers import find_sampler


def draft_of(chosen: argparse.Namespace, model: ModelInfo, catalog: Catalog) -> Draft:
    """What `render` was asked for, on the model's defaults.

    Raises:
        AppError: `arguments` for what is no number or size, `range`, `unknown-sampler`,
            `model-unknown` or `model-kind`.
    """
    draft = _with_parts(_plain(chosen, model), chosen, catalog)
    return replace(draft, refiner=_refiner(chosen, catalog))


def recipes_of(draft: Draft, names: Names, catalog: Catalog) -> tuple[Recipe, ...]:
    """The recipes of a draft, with the LoRAs that its wildcards call as well.

    Raises:
        AppError: as `recipe.draft.expand` and `Catalog.hash`.
    """
    recipes = expand(draft, names.styles, names.wildcards, names.loras)
    # What was not taken stands in the words that the wildcards gave.
    further = loras_called((recipe.prompt for recipe in recipes), catalog)
    loras = {**further, **names.loras}
    return expand(draft, names.styles, names.wildcards, loras) if further else recipes


def loras_called(texts: Iterable[str], catalog: Catalog) -> dict[str, ModelRef]:
    """Those that texts call and that are here; only they are hashed."""
    called = {tag.call.name for text in texts for tag in lora_tags(text)}
    if not called:
        return {}
    catalog.scan(hashing=False)
    there = loras_by_name(catalog.assets())
    hashed = {name: catalog.hash(there[name]) for name in sorted(called & there.keys())}
    catalog.save()
    return {name: asset.ref for name, asset in hashed.items() if asset.ref is not None}


def _plain(chosen: argparse.Namespace, model: ModelInfo) -> Draft:
    width, height = _size(chosen.size) if chosen.size else model.native_size
    scheduler, sigmas = model.default_scheduler, model.default_sigmas
    if chosen.sampler:
        scheduler, sigmas = find_sampler(chosen.sampler)
    draft = Draft(
        prompt=chosen.prompt,
        negative_prompt=chosen.negative,
        seed=_seed(chosen.seed),
        seed_rule="keep",
        model=model.ref,
        width=width,
        height=height,
        num_inference_steps=model.default_steps,
        guidance_scale=model.default_guidance,
        scheduler=scheduler,
        sigmas=sigmas,
        vae=model.own_vae,
        text_encoders=model.own_text_encoders,
        count=chosen.count,
    )
    if chosen.steps is not None:
        draft = replace(draft, num_inference_steps=chosen.steps)
    if chosen.guidance is not None:
        draft = replace(draft, guidance_scale=_number("--guidance", chosen.guidance))
    return draft


def _with_parts(draft: Draft, chosen: argparse.Namespace, catalog: Catalog) -> Draft:
    """The draft with the VAE and the text encoders that the options ask for."""
    if chosen.vae is not None:
        draft = replace(draft, vae=catalog.open_other(chosen.vae, "vae"))
    for name in chosen.text_encoder or ():
        ref = catalog.open_other(name, "text-encoder")
        asset = replace(catalog.look(catalog.path(ref)), sha256=ref.sha256, name=ref.name)
        refs = with_text_encoder(draft.text_encoders, asset, catalog.assets())
        draft = replace(draft, text_encoders=refs)
    return draft


def _refiner(chosen: argparse.Namespace, catalog: Catalog) -> RefinerUse | None:
    """The refiner that the options ask for."""
    start = chosen.refiner_start
    if chosen.refiner is None:
        if start is not None:
            raise AppError("arguments", "--refiner-start goes with --refiner NAME.")
        return None
    use = RefinerUse(model=catalog.open_other(chosen.refiner, "refiner"))
    return use if start is None else replace(use, start=_number("--refiner-start", start))


def _seed(text: str | None) -> int:
    """The seed that was asked for; a new one for none and for -1, as elsewhere."""
    if text is None or text.strip() == "-1":
        return secrets.randbelow(SEED_MAX + 1)
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 40):
        SEED.check(text)
    return int(digits)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    sides = width.strip(), height.strip()
    if not all(side.isascii() and side.isdigit() and len(side) <= 9 for side in sides):
        raise AppError("arguments", f"--size is WIDTHxHEIGHT, as 512x768, not {text[:40]!r}.")
    return int(sides[0]), int(sides[1])


def _number(option: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError as fault:
        raise AppError("arguments", f"{option} is a number, not {text[:40]!r}.") from fault
