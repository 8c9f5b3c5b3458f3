"""What using an asset changes in a draft."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop_app.library.completion import with_text_encoder
from desktop_app.library.families import FAMILIES, fits, title_of
from desktop_app.library.identity import Asset, Kind
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.families import FAMILIES as MADE
from desktop_app.recipe.recipe import (
    ADAPTER_WEIGHT,
    EmbeddingUse,
    LoraUse,
    ModelRef,
    Recipe,
    RefinerUse,
)

if TYPE_CHECKING:
    from desktop_app.library.info import ModelInfo

USABLE = frozenset(
    {"checkpoint", "denoiser", "refiner", "lora", "embedding", "vae", "text-encoder"}
)
"""The kinds of assets that can be taken for a picture."""
_PLURALS = {"lora": "LoRAs", "embedding": "textual inversions"}


def misfit(asset: Asset, model: "ModelInfo | None") -> str:
    """Why an adapter, a VAE, a text encoder or a refiner does not fit a model, in one sentence.

    Returns:
        Nothing where it fits, or where it cannot be told before both are loaded.
    """
    made = MADE.get(model.family_key) if model is not None else None
    if model is None or made is None:
        return ""
    identity = asset.identity
    if identity.kind in _PLURALS and identity.kind not in made.adapters:
        return f"{made.label} models take no {_PLURALS[identity.kind]}."
    family = FAMILIES.get(identity.family)
    if identity.kind == "refiner":
        fitting = family is not None and family.made_as == made.refiner
        return "" if fitting else f"{refines(asset)} “{model.title}” is {made.label}."
    if identity.kind == "text-encoder":
        known = identity.variant in model.reads_with
        return "" if known else f"It is none that “{model.title}” reads with."
    channels = identity.latent_channels, made.latent_channels
    if identity.kind == "vae" and all(channels) and channels[0] != channels[1]:
        return f"It decodes {channels[0]} channels; {made.label} models have {channels[1]}."
    kin = [one.key for one in FAMILIES.values() if one.made_as == made.key]
    if kin and not any(fits(identity.family, one) for one in kin):
        return f"It was made for {title_of(identity.family)}; “{model.title}” is {made.label}."
    return ""


def fitting(assets: Iterable[Asset], model: "ModelInfo | None", *kinds: Kind) -> tuple[Asset, ...]:
    """The assets of some kinds that are here, can be used, and fit a model; copies included."""
    return tuple(
        one
        for one in assets
        if one.identity.kind in kinds and not (one.missing or one.unsupported or misfit(one, model))
    )


def fields_to_use(
    draft: Draft, asset: Asset, others: Iterable[Asset] = ()
) -> dict[str, Any] | None:
    """The fields of a draft that take in an adapter, a VAE, a text encoder or a refiner; None for
    what cannot be used by itself.

    Using what is in use already changes nothing.

    Args:
        others: all assets, of which a text encoder takes the place of its like.
    """
    if asset.sha256 is None:
        return None
    name = asset.name[:300]
    used = {
        use.lora.sha256 if isinstance(use, LoraUse) else use.embedding.sha256
        for use in draft.adapters
    }
    match asset.identity.kind:
        case "lora":
            ref = ModelRef(sha256=asset.sha256, name=name, kind="lora")
            new = LoraUse(lora=ref, weight=_weight(asset))
            return {} if ref.sha256 in used else {"adapters": (*draft.adapters, new)}
        case "embedding":
            ref = ModelRef(sha256=asset.sha256, name=name, kind="embedding")
            token = token_of(asset)
            fields: dict[str, Any] = {"prompt": with_words(draft.prompt, (token,))}
            if ref.sha256 not in used:
                more = EmbeddingUse(embedding=ref, token=token)
                fields["adapters"] = (*draft.adapters, more)
            return fields
        case "vae":
            return {"vae": ModelRef(sha256=asset.sha256, name=name, kind="vae")}
        case "text-encoder":
            return {"text_encoders": with_text_encoder(draft.text_encoders, asset, others)}
        case "refiner":
            ref = asset.ref
            assert ref is not None
            new = RefinerUse(model=ref)
            return {"refiner": replace(draft.refiner, model=ref) if draft.refiner else new}
        case _:
            return None


def refines(asset: Asset) -> str:
    """What a refiner is for, in one sentence; empty for anything else."""
    family = FAMILIES.get(asset.identity.family)
    if asset.identity.kind != "refiner" or family is None:
        return ""
    begun = [row.label for row in MADE.values() if row.refiner == family.made_as]
    return f"It takes the last steps of pictures by {' and '.join(begun)} models."


def hashes_in(draft: Draft | Recipe) -> frozenset[str]:
    """The hashes of all models that a draft or a recipe uses."""
    refs = [draft.model, draft.vae, *draft.text_encoders]
    if draft.refiner is not None:
        refs.append(draft.refiner.model)
    for use in draft.adapters:
        refs.append(use.lora if isinstance(use, LoraUse) else use.embedding)
    return frozenset(ref.sha256 for ref in refs if ref is not None)


def token_of(asset: Asset) -> str:
    """The word that stands for a textual inversion: its file's name, as other programs have it."""
    return "_".join(asset.path.stem.split())[:200] or "embedding"


def with_words(prompt: str, words: tuple[str, ...]) -> str:
    """The prompt with words at its end, those that it does not have yet."""
    text = prompt.rstrip()
    for word in words:
        if word.casefold() not in text.casefold():
            text = f"{text.rstrip(', ')}, {word}" if text else word
    return text


def _weight(asset: Asset) -> float:
    wanted = asset.facts.defaults.weight
    if wanted is None:
        return 1.0
    return min(max(float(wanted), ADAPTER_WEIGHT.low), ADAPTER_WEIGHT.high)
