"""Whether a model can be used here, and if not, exactly why."""

from dataclasses import replace

from desktop_app.library.families import FAMILIES, Family
from desktop_app.library.identity import KIND_WORDS, Identity
from desktop_app.library.part_keys import VAE_SCALES
from desktop_app.recipe.completing import COMPONENTS, NEEDED

PICKLE = (
    "It is a pickle, which can run any code when it is opened; it can be converted to safetensors"
    " once, if you trust its maker."
)
_TASKS = {
    "inpaint": "for filling in parts of a picture",
    "edit": "for editing a picture by words",
    "depth": "for following the depth or the edges of a picture",
    "upscale": "for enlarging pictures",
}
_FOREIGN_PACKINGS = ("IQ1", "IQ2", "IQ3", "TQ", "MXFP4", "Q8_K", "Q8_1")
"""Beginnings of the packings of GGUF files that diffusers does not unpack."""


def judged(identity: Identity) -> Identity:
    """The same with the reason why it cannot be used, where there is one and none was found yet.

    A checkpoint that only takes the last steps of another one's pictures is a refiner here.
    """
    family = FAMILIES.get(identity.family)
    row = family.row if family is not None else None
    if identity.kind == "checkpoint" and row is not None and "text" not in row.tasks:
        identity = replace(identity, kind="refiner")
    if identity.unsupported:
        return identity
    return replace(identity, unsupported=_why_not(identity))


def based(identity: Identity, family: str) -> Identity:
    """The same with what the family of its base model tells, of what its header tells too little.

    Args:
        family: that its maker names, as a key of the table of families; empty for none.
    """
    if identity.family or family not in FAMILIES:
        return identity
    if identity.kind in ("lora", "embedding"):
        return judged(replace(identity, family=family))
    if identity.kind == "vae" and not identity.variant:
        return replace(identity, variant=_vae_of(FAMILIES[family], identity.latent_channels))
    return identity


def _vae_of(family: Family, channels: int) -> str:
    """Whose of the VAEs that are built alike a family decodes with; empty for none of them."""
    needed = NEEDED.get(family.row.key, ()) if family.row is not None else ()
    component = next((one.component for one in needed if one.part == "vae"), "")
    return next(
        (name for name, has, _ in VAE_SCALES if (f"vae-{name}", has) == (component, channels)), ""
    )


def _why_not(identity: Identity) -> str:
    family = FAMILIES.get(identity.family)
    if identity.format == "pickle":
        return PICKLE
    if family is not None and family.why_not:
        return f"It is for {family.title}: {family.why_not}."
    match identity.kind:
        case "checkpoint" | "denoiser" | "refiner":
            return _why_no_checkpoint(identity, family)
        case "prior":
            title = family.title if family is not None else "an unknown family"
            return (
                f"It is the {KIND_WORDS[identity.kind]} of {title} alone; use the complete model"
                " as a folder in diffusers format."
            )
        case "lora":
            return _no_adapter("lora", "LoRAs", family)
        case "embedding":
            return _no_adapter("embedding", "textual inversions", family)
        case "vae":
            return ""
        case "text-encoder":
            return _why_no_text_encoder(identity)
        case _:
            words = KIND_WORDS[identity.kind]
            return f"It is {_article(words)} {words}, which cannot be used here yet."


def _why_no_checkpoint(identity: Identity, family: Family | None) -> str:
    row = family.row if family is not None else None
    if family is None or row is None:
        return "Its family is not known."
    if identity.variant:
        task = _TASKS.get(identity.variant, "for another task")
        return f"It is {task}, not for making pictures from words alone."
    if identity.format == "folder":
        return ""
    if "text" not in row.tasks:
        for needed in NEEDED.get(row.key, ()):
            if needed.part not in identity.parts:
                what = COMPONENTS[needed.component].title
                return f"It takes over other models' pictures, and lacks {what} for that."
    if row.key not in NEEDED:
        return (
            f"Single files of {family.title} cannot be put together here: get the whole model as a"
            " folder in diffusers format, such as Hugging Face has it."
        )
    return _why_not_unpacked(identity)


def _why_not_unpacked(identity: Identity) -> str:
    packing = identity.quantisation
    if identity.format == "gguf":
        if packing.startswith(_FOREIGN_PACKINGS):
            return (
                f"Its weights are packed as {packing}, which is not read here; use the same model"
                " packed as Q8_0, Q6_K, Q5_K_M, Q4_K_M or another of their kind."
            )
    elif packing not in ("", "fp8"):
        return f"Weights packed as {packing} cannot be loaded from a single file."
    return ""


def _why_no_text_encoder(identity: Identity) -> str:
    if identity.format == "gguf":
        return "Text encoders in GGUF cannot be read here; add it as .safetensors."
    if packed := _why_not_unpacked(identity):
        return packed
    known = {needed.component for row in NEEDED.values() for needed in row}
    if identity.variant not in known:
        return "It is a text encoder that no model here reads with."
    return ""


def _no_adapter(kind: str, words: str, family: Family | None) -> str:
    row = family.row if family is not None else None
    if family is not None and row is not None and kind not in row.adapters:
        return f"It is for {family.title}, to which {words} cannot be attached here yet."
    return ""


def _article(word: str) -> str:
    return "an" if word[0] in "aeiouAEIOU" else "a"
