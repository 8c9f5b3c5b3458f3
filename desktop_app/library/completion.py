"""Which files complete a network that lies in a file of its own, and what is still missing."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.library.families import FAMILIES
from desktop_app.library.folders import OWN_FOLDERS
from desktop_app.library.identity import Asset, Identity
from desktop_app.recipe.completing import COMPONENTS, NEEDED, Needed
from desktop_app.recipe.family import Family
from desktop_app.recipe.recipe import ModelRef
from desktop_app.recipe.vocabularies import VOCABULARIES, vocabulary_for
from desktop_app.weights import headers

_INSIDE: Mapping[str, str] = {"clip-g": "text_encoder_2", "t5-xxl": "text_encoder_3"}
"""What identification calls these inside a checkpoint; all others it calls `text_encoder`."""
_CHANNELS: Mapping[str, int] = {"vae-sd": 4, "vae-sdxl": 4, "vae-sd3": 16, "vae-flux": 16}
_FAMILIES: Mapping[str, str] = {"vae-sana": "sana", "vae-qwen": "qwen-image"}
_MARKS: Mapping[str, tuple[str, ...]] = {
    "vae-sdxl": ("sdxl", "xl_vae", "xl-vae", "pony", "illustrious"),
    "vae-sd": ("ft-mse", "ft-ema", "ft_mse", "840000", "560000", "kl-f8", "sd15", "sd1", "sd2"),
    "vae-sd3": ("sd3", "sd35", "sd_3"),
    "vae-flux": ("flux", "ae", "lumina", "chroma", "z_image", "z-image"),
    "vae-qwen": ("qwen",),
    "vae-wan": ("wan",),
}
"""Words in the names of autoencoders that are built alike and yet were trained for one family."""
_EMBEDDED = "spiece_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What completes a network.

    Attributes:
        vae: None where its own file has one.
        text_encoders: only those that its own file lacks.
        missing: why it cannot be used yet, in one sentence; empty when it can.
    """

    vae: Asset | None = None
    text_encoders: tuple[Asset, ...] = ()
    missing: str = ""

    @property
    def assets(self) -> tuple[Asset, ...]:
        return (*self.text_encoders, *([self.vae] if self.vae is not None else []))


def lacks(identity: Identity) -> tuple[Needed, ...]:
    """The components that the file of a model has not inside; none for a folder, or no model."""
    family = FAMILIES.get(identity.family)
    row = family.row if family is not None else None
    known = identity.kind in ("checkpoint", "denoiser") and identity.format != "folder"
    if not known or row is None:
        return ()
    needed = NEEDED.get(row.key, ())
    if identity.kind == "denoiser":
        return needed
    return tuple(one for one in needed if _name_inside(one) not in identity.parts)


def completed(
    asset: Asset,
    others: Iterable[Asset],
    models: Path,
    words: Callable[[str], Path | None],
    words_folder: Path,
) -> Completion:
    """What of the other files completes this one.

    Args:
        models: the artist's own folder, where missing files are to be put.
        words: finds the vocabulary of a kind; None where there is none.
        words_folder: where vocabularies are put.
    """
    family = FAMILIES.get(asset.identity.family)
    row = family.row if family is not None else None
    if row is None or row.key not in NEEDED or asset.identity.format == "folder":
        return Completion()
    there = [one for one in others if not (one.missing or one.unsupported) and one != asset]
    found: dict[str, Asset] = {}
    for needed in lacks(asset.identity):
        best = _best(needed.component, asset, there)
        if best is not None:
            found[needed.part] = best
        elif not needed.optional:
            return Completion(missing=_ask(needed, family.title if family else "", models))
    for part, kind in _vocabularies(row):
        encoder = found.get(part)
        optional = any(one.part == part and one.optional for one in NEEDED[row.key])
        if words(kind) is not None or (encoder is not None and _carries_words(encoder)):
            continue
        if not optional:
            return Completion(missing=_ask_words(kind, words_folder))
        found.pop(part, None)
    return Completion(
        vae=found.get("vae"),
        text_encoders=tuple(one for part, one in found.items() if part != "vae"),
    )


def with_text_encoder(
    refs: Iterable[ModelRef], asset: Asset, others: Iterable[Asset]
) -> tuple[ModelRef, ...]:
    """Text encoders with this one in the place of another of its kind.

    They stand in the order of `COMPONENTS`, what is not among the others last: in which order they
    were chosen makes no other recipe.
    """
    kinds = {one.sha256: one.identity.variant for one in (*others, asset)}
    same = {sha256 for sha256, kind in kinds.items() if kind == asset.identity.variant}
    order = {kind: place for place, kind in enumerate(COMPONENTS)}

    def place(ref: ModelRef) -> int:
        return order.get(kinds.get(ref.sha256, ""), len(order))

    return tuple(sorted(in_place(refs, asset.ref, same), key=place))


def in_place(
    refs: Iterable[ModelRef], new: ModelRef | None, gone: Container[str]
) -> tuple[ModelRef, ...]:
    """What is in use with another one where the first of those that go was, or last.

    Args:
        gone: hashes of those that go.
    """
    before = tuple(refs)
    at = next((at for at, ref in enumerate(before) if ref.sha256 in gone), len(before))
    ahead = before[:at]
    behind = tuple(ref for ref in before[at:] if ref.sha256 not in gone)
    return (*ahead, *([new] if new is not None else []), *behind)


def _name_inside(needed: Needed) -> str:
    if needed.part == "vae":
        return "vae"
    return _INSIDE.get(needed.component, "text_encoder")


def _best(component: str, model: Asset, there: Iterable[Asset]) -> Asset | None:
    """The file that serves best: named for the family, or known to be its; whole numbers of it;
    near the model.
    """
    fitting = [one for one in there if _serves(one, component)]

    def worth(one: Asset) -> tuple[bool, bool, bool, bool, str, str]:
        named = _marked(one, component)
        known = one.identity.variant != ""
        packed = bool(one.identity.quantisation)
        far = one.path.parent.parent not in (*model.path.parents,)
        return not named, not known, packed, far, one.name.casefold(), str(one.path)

    return min(fitting, key=worth, default=None)


def _serves(asset: Asset, component: str) -> bool:
    identity = asset.identity
    if identity.format != "safetensors" or identity.quantisation not in ("", "fp8"):
        return False
    if not component.startswith("vae-"):
        return identity.kind == "text-encoder" and identity.variant == component
    if identity.kind != "vae":
        return False
    if identity.variant:
        return component == f"vae-{identity.variant}"
    if component in _FAMILIES:
        fits = identity.family == _FAMILIES[component]
    else:
        fits = not identity.family and identity.latent_channels == _CHANNELS[component]
    others = (one for one in _MARKS if one != component)
    return fits and (_marked(asset, component) or not any(_marked(asset, one) for one in others))


def _marked(asset: Asset, component: str) -> bool:
    """Whether a file, or the folder that it lies in, is named for that component."""
    for name in (asset.path.stem, asset.path.parent.name):
        lower = name.casefold()
        words = lower.replace("-", "_").replace(".", "_").replace(" ", "_").split("_")
        for mark in _MARKS.get(component, ()):
            if mark in words or (len(mark) > 3 and mark in lower):
                return True
    return False


def _vocabularies(row: Family) -> list[tuple[str, str]]:
    """Text encoders, each with the vocabulary that it reads by and that is not shipped."""
    kinds = [(part.name.replace("tokenizer", "text_encoder"), part) for part in row.parts]
    return [
        (reader, vocabulary_for(part))
        for reader, part in kinds
        if vocabulary_for(part) not in ("", "clip")
    ]


def _carries_words(asset: Asset) -> bool:
    """Whether a text encoder's file holds its vocabulary, as ComfyUI packs it."""
    try:
        return _EMBEDDED in headers.read_header(asset.path).tensors
    except (AppError, OSError):
        return False


def _ask(needed: Needed, title: str, models: Path) -> str:
    component = COMPONENTS[needed.component]
    kind = "vae" if needed.part == "vae" else "text-encoder"
    return (
        f"It is a part of {title} alone: add {component.title}, such as {component.file}, to"
        f" “{models / OWN_FOLDERS[kind]}” or to any folder that is looked through."
    )


def _ask_words(kind: str, folder: Path) -> str:
    words = VOCABULARIES[kind]
    return (
        f"It reads with the words of {words.title}, which may not be shipped: add {words.files},"
        f" to “{folder / kind}” or by dropping it on the window."
    )
