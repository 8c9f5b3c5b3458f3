"""A checkpoint in one file, or a network in a file of its own, turned into a pipeline."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine import assembly
from desktop_app.engine.assembly import Source, class_of, config_of, open_weights, reads
from desktop_app.engine.folder import assemble, check_fit, make_scheduler
from desktop_app.engine.lent import NOTHING, Lent, LentFile
from desktop_app.engine.model import Model
from desktop_app.engine.reading import (
    TROUBLES,
    broken,
    encoders_of,
    guarded,
    no_reader,
    read_json,
    word_for,
)
from desktop_app.engine.recognising import recognised
from desktop_app.engine.residency import is_out_of_memory
from desktop_app.engine.tokenizer import make_tokenizer
from desktop_app.errors import AppError
from desktop_app.recipe.completing import named
from desktop_app.recipe.family import Family, Part
from desktop_app.recipe.vocabularies import vocabulary_for
from desktop_app.weights.vocabulary import (
    FILE_MAX,
    Vocabulary,
    read_vocabulary,
    vocabulary_of_pieces,
)

V_SPREAD = 0.09
"""ComfyUI's measure: in Stable Diffusion 2 models that predict v, the numbers of one bias spread
further than this."""
V_BIAS = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
SIDECAR_MAX = 64 * 1024
PIECES = "spiece_model"
"""The vocabulary inside a text encoder's file, as ComfyUI packs it."""


def load_single_file(
    path: Path,
    name: str,
    configs: Path,
    *,
    device: torch.device,
    dtype: torch.dtype,
    lent: Lent = NOTHING,
) -> Model:
    """Read a file as the trainers write it; see `loading.load_model`.

    What the file lacks is taken from what the recipe lends. Of a file that lacks something, what
    is lent also stands in place of what it has; one that is whole is loaded as it is.
    """
    whole = guarded(name, path.name, lambda: open_weights(path, f"model {name}"))
    found = guarded(name, path.name, lambda: recognised(whole, configs, name))
    maker = _Maker(
        family=found.family,
        folder=configs / found.family.key,
        name=name,
        device=device,
        dtype=dtype,
    )
    sources, complete = _sources(whole, found.network, maker, lent)
    parts: dict[str, Any] = {}
    read: dict[str, Vocabulary | None] = {}
    for part in found.family.parts:
        kind = vocabulary_for(part)
        if kind:
            reader = part.name.replace("tokenizer", "text_encoder")
            absent = reader not in sources
            if not absent and kind not in read:
                read[kind] = _words(kind, sources[reader], lent)
            place = maker.folder / part.name
            parts[part.name] = (
                None if absent else make_tokenizer(part, place, configs, read[kind], name)
            )
        else:
            source = sources.get(part.name)
            parts[part.name] = None if source is None else maker.make(part, source)
    check_fit(parts, found.family, name)
    changed = _scheduling(path, whole, found.network, parts, found.family)
    index = read_json(maker.folder / "model_index.json", name)
    parts["scheduler"] = make_scheduler(index, maker.folder / "scheduler", name, changed)
    config = _settings_sha256(maker.folder, changed, read)
    model = assemble(index, found.family, parts, name, device, config)
    words = {kind: one.stamp for kind, one in read.items() if one is not None and one.stamp}
    return replace(model, lent=None if complete else lent.hashes, words=words)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Maker:
    """Makes the components of a family from tensors, by the settings that are shipped."""

    family: Family
    folder: Path
    name: str
    device: torch.device
    dtype: torch.dtype

    def config(self, part: str) -> dict[str, Any]:
        return config_of(self.folder / part)

    def make(self, part: Part, source: Source) -> Any:
        """Raises:
        AppError: `model-broken`.
        """
        config = self.config(part.name)
        told: dict[str, Any] = {"device": self.device, "dtype": self.dtype}
        try:
            kind = class_of(config, part)
            match part.name:
                case "unet" | "transformer":
                    return assembly.network(source, kind, config, **told)
                case "vae":
                    return assembly.autoencoder(source, kind, config, **told)
                case _:
                    if self.family.key == "sd3" and part.name == "text_encoder":
                        # It was trained with CLIP-L's pooled words as they are, whatever
                        # projection the file has; diffusers reads it so as well.
                        told["projection"] = torch.eye(config["hidden_size"])
                    return assembly.text_encoder(source, kind, config, **told)
        except TROUBLES as error:
            if is_out_of_memory(error):
                raise
            raise broken(self.name, _words_for(part, source), error) from error


def _words_for(part: Part, source: Source) -> str:
    return f"{word_for(part.name)}, the {source.what}," if source.sha256 else word_for(part.name)


def _sources(
    whole: Source, network: Source, maker: _Maker, lent: Lent
) -> tuple[dict[str, Source], bool]:
    """Where each component comes from, and whether the file itself has all of them.

    Raises:
        AppError: `model-incomplete`, and what `open_weights` raises; `encoder-kind` for a text
            encoder that the family does not read with.
    """
    own = _own_sources(whole, maker)
    weighted = [part for part in maker.family.parts if part.has_weights]
    found = {part.name: network for part in weighted if part.name in ("unet", "transformer")}
    found |= own
    complete = all(part.name in found for part in weighted)
    if not complete:
        found |= _lent_sources(maker, lent)
    for part in weighted:
        if part.name not in found and part.needed:
            raise _incomplete(maker, part)
    return found, complete


def _own_sources(whole: Source, maker: _Maker) -> dict[str, Source]:
    found: dict[str, Source] = {}
    vae = whole.below(*assembly.VAE_STARTS)
    if vae is not None:
        found["vae"] = vae
    inside = assembly.encoders_in(whole)
    for part in encoders_of(maker.family):
        fitting = [one for one in inside if reads(one, maker.config(part.name))]
        if fitting:
            found[part.name] = fitting[0]
            inside.remove(fitting[0])
    return found


def _lent_sources(maker: _Maker, lent: Lent) -> dict[str, Source]:
    found: dict[str, Source] = {}
    if lent.vae is not None:
        what = f"VAE {lent.vae.ref.name}"
        vae = _opened(lent.vae, what)
        found["vae"] = vae.below(*assembly.VAE_STARTS) or vae
    for one in lent.text_encoders:
        what = f"text encoder {one.ref.name}"
        inside = assembly.encoders_in(_opened(one, what))
        parts = [
            (part, each)
            for part in encoders_of(maker.family)
            for each in inside
            if part.name not in found and reads(each, maker.config(part.name))
        ]
        if not parts:
            raise no_reader(what, maker.name, maker.family)
        found[parts[0][0].name] = parts[0][1]
    return found


def _opened(file: LentFile, what: str) -> Source:
    return guarded(
        file.ref.name,
        file.path.name,
        lambda: open_weights(file.path, what, sha256=file.ref.sha256),
    )


def _incomplete(maker: _Maker, part: Part) -> AppError:
    what = named(maker.family.key, part.name)
    return AppError(
        "model-incomplete",
        f"The file of the model {maker.name} holds no {word_for(part.name)}, and none is chosen "
        "for it.",
        hint=f"Put {what} into a folder that is looked through, and choose the model again.",
        what=word_for(part.name),
    )


def _words(kind: str, source: Source, lent: Lent) -> Vocabulary | None:
    """The vocabulary that a text encoder reads by: from its own file, or from where it lies."""
    if kind == "clip":
        return None
    packed = source.tensors.get(PIECES)
    if packed is not None and packed.dtype == torch.uint8:
        return vocabulary_of_pieces(packed.view(-1)[: FILE_MAX + 1].numpy().tobytes(), source.what)
    place = lent.words(kind)
    return None if place is None else read_vocabulary(place)


def _scheduling(
    path: Path, whole: Source, network: Source, parts: Mapping[str, Any], family: Family
) -> dict[str, Any]:
    """What the file says of its scheduler's settings, over those that are shipped."""
    if family.key == "flux" and not parts["transformer"].config.guidance_embeds:
        # Flux.1 schnell, which has no guidance, was published with evenly spaced levels.
        return {"shift": 1.0, "use_dynamic_shifting": False}
    return _prediction(path, whole, network, family) if "unet" in parts else {}


def _prediction(path: Path, whole: Source, network: Source, family: Family) -> dict[str, Any]:
    """v-prediction, and noise to the very end.

    Salimans & Ho 2022 (arXiv 2202.00512) for v; Lin et al. 2023 (arXiv 2305.08891) for a schedule
    that ends in pure noise. Looked at in turn: marks that trainers leave as tensors, the metadata,
    a settings file beside the checkpoint, and for version 2 the weights themselves.
    """
    tensors, said = whole.tensors, whole.file.metadata
    changed: dict[str, Any] = {}
    word = said.get("modelspec.prediction_type", said.get("modelspec.predict_key", "")).lower()
    if "v_pred" in tensors or word in ("v", "v_prediction", "v-prediction"):
        v = True
    elif word:
        v = False
    else:
        v = _sidecar_says_v(path) or (family.key == "sd2" and _looks_like_v(network.tensors))
    if v:
        changed["prediction_type"] = "v_prediction"
    if "ztsnr" in tensors:
        changed |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return changed


def _looks_like_v(tensors: Mapping[str, torch.Tensor]) -> bool:
    bias = tensors.get(V_BIAS)
    return bias is not None and float(bias.float().std(unbiased=False)) > V_SPREAD


def _sidecar_says_v(path: Path) -> bool:
    try:
        with path.with_suffix(".yaml").open("rb") as file:
            text = file.read(SIDECAR_MAX).decode("utf-8", "replace")
    except OSError:
        return False
    return re.search(r"^\s*parameterization:\s*[\"']?v[\"']?\s*$", text, re.MULTILINE) is not None


def _settings_sha256(
    folder: Path, changed: Mapping[str, Any], read: Mapping[str, Vocabulary | None]
) -> str:
    """Of the shipped settings of a family, what the file changes in them, and the words."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.json")):
        text = json.dumps(json.loads(path.read_text("utf-8")), sort_keys=True)
        digest.update(f"{path.relative_to(folder).as_posix()}\n{text}\n".encode())
    digest.update(json.dumps(dict(changed), sort_keys=True).encode())
    for kind, words in sorted(read.items()):
        if words is not None:
            rows = [kind, words.pieces, words.merges, words.added, words.charsmap.hex()]
            digest.update(json.dumps(rows, sort_keys=True).encode())
    return digest.hexdigest()
