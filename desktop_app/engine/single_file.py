"""A checkpoint in one file turned into a pipeline, with the settings that the program ships."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.loaders import single_file_utils as converters
from safetensors import SafetensorError

from desktop_app.engine.checkpoint import Checkpoint, fill, without_memory
from desktop_app.engine.folder import assemble, check_fit, make_scheduler
from desktop_app.engine.model import Model, broken, guarded, read_json, word_for
from desktop_app.errors import AppError
from desktop_app.recipe.clip_words import clip_vocabulary
from desktop_app.recipe.families import FAMILIES, Family

UNET = "model.diffusion_model."
FIRST = "model.diffusion_model.input_blocks.0.0.weight"
VAE = "first_stage_model."
ENCODERS = {
    "sd1": "cond_stage_model.transformer.",
    "sd2": "cond_stage_model.model.",
    "sdxl": "conditioner.embedders.1.model.",
    "sdxl_refiner": "conditioner.embedders.0.model.",
}
"""The text encoder that only this family has, by the beginning of its tensors' names."""
V_SPREAD = 0.09
"""ComfyUI's measure: in Stable Diffusion 2 models that predict v, the numbers of one bias spread
further than this."""
V_BIAS = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
SIDECAR_MAX = 64 * 1024


def load_single_file(
    path: Path, name: str, configs: Path, *, device: torch.device, dtype: torch.dtype
) -> Model:
    """Read a checkpoint as the trainers of Stable Diffusion write it; see `loading.load_model`."""
    if path.suffix.lower() != ".safetensors":
        raise AppError(
            "model-kind",
            f"The model {name} is a {path.suffix or 'file without a name'}, and such files can "
            "hold code; only .safetensors is read.",
            hint="Let the program convert it first.",
        )
    try:
        checkpoint = Checkpoint(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise broken(name, path.name, error) from error
    family = family_of(checkpoint.tensors, name)
    folder = configs / family.key
    index = read_json(folder / "model_index.json", name)
    tensors = _usual_names(checkpoint.tensors)
    parts: dict[str, Any] = {}
    for part in family.parts:
        place = folder / part.name
        if part.name.startswith("tokenizer"):
            parts[part.name] = _tokenizer(place, configs, name)
            continue
        made = guarded(name, part.name, lambda place=place, part=part: _empty(place, part.classes))
        try:
            weights = _converted(made, part.name, family, tensors)
            fill(made, weights, device=device, dtype=dtype, checkpoint=checkpoint)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise broken(name, word_for(part.name), error) from error
        parts[part.name] = made.eval()
    check_fit(parts, family, name)
    changed = _prediction(path, checkpoint, family)
    parts["scheduler"] = make_scheduler(index, folder / "scheduler", name, changed)
    config = _settings_sha256(folder, changed)
    return assemble(index, family, parts, name, device, config)


def family_of(tensors: Mapping[str, torch.Tensor], name: str) -> Family:
    """What a checkpoint is, told by the names of its tensors.

    Raises:
        AppError: `model-kind` for what is known but cannot be loaded from one file, and why;
            `model-incomplete` when a part is not in the file.
    """
    if FIRST not in tensors:
        raise _other_kind(tensors, name)
    channels = tensors[FIRST].shape[1]
    if channels != 4:
        raise AppError(
            "model-kind",
            f"The model {name} is not for making pictures from text: its UNet takes "
            f"{channels} channels.",
            hint="Models for inpainting or for depth need a task of their own.",
        )
    found = [
        key for key, start in ENCODERS.items() if any(one.startswith(start) for one in tensors)
    ]
    if not found:
        raise _incomplete(name, "text encoder")
    if not any(one.startswith(VAE) for one in tensors):
        raise _incomplete(name, "picture decoder (VAE)")
    return FAMILIES[found[0]]


def _other_kind(tensors: Mapping[str, torch.Tensor], name: str) -> AppError:
    for kind in ("flux", "flux2", "sd3", "chroma", "z-image-turbo", "lumina2", "sana", "auraflow"):
        keys = converters.CHECKPOINT_KEY_NAMES[kind]
        if any(key in tensors for key in ([keys] if isinstance(keys, str) else keys)):
            return AppError(
                "model-kind",
                f"The model {name} is a {kind} file. Its text encoders read with a vocabulary "
                "that may not be shipped with this program, so the file alone is not enough.",
                hint="Use the same model as a folder in diffusers format: it has "
                "model_index.json, transformer, text_encoder, tokenizer, vae and scheduler.",
                kind=kind,
            )
    return AppError(
        "model-kind",
        f"The file of the model {name} is no checkpoint that this program knows.",
        hint="LoRAs, VAEs and embeddings are attached to a model, they are none.",
    )


def _incomplete(name: str, what: str) -> AppError:
    return AppError(
        "model-incomplete",
        f"The file of the model {name} holds no {what}.",
        hint="Use the complete checkpoint, or the model as a folder in diffusers format.",
        what=what,
    )


def _usual_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors by the names the converters know; some old mergers left a word out."""
    short = ENCODERS["sd1"]
    if any(key.startswith(short + "text_model.") for key in tensors):
        return dict(tensors)
    long = short + "text_model."
    return {
        long + key.removeprefix(short) if key.startswith(short) else key: tensor
        for key, tensor in tensors.items()
    }


def _empty(place: Path, classes: tuple[str, ...]) -> Any:
    """The component without weights; the config names its class, one of those."""
    config = json.loads((place / "config.json").read_text("utf-8"))
    kind = str(config.get("_class_name") or config["architectures"][0])
    if kind not in classes:
        raise ValueError(f"its settings name the class {kind}")
    with without_memory():
        if hasattr(diffusers, kind):
            return getattr(diffusers, kind).from_config(config)
        model: Any = getattr(transformers, kind)
        return model(model.config_class(**config))


def _converted(
    made: Any, part: str, family: Family, tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The component's own tensors by its own names, by diffusers' converters."""
    if part == "unet":
        own = {key: one for key, one in tensors.items() if key.startswith(UNET)}
        return converters.convert_ldm_unet_checkpoint(own, config=dict(made.config))
    if part == "vae":
        own = {key: one for key, one in tensors.items() if key.startswith(VAE)}
        return converters.convert_ldm_vae_checkpoint(own, config=dict(made.config))
    if part == "text_encoder" and family.key in ("sd1", "sdxl"):
        found = converters.convert_ldm_clip_checkpoint(tensors)
    else:
        start = ENCODERS[family.key]
        own = {key: one for key, one in tensors.items() if key.startswith(start)}
        found = converters.convert_open_clip_checkpoint(made, own, prefix=start)
    # transformers 5.6 made CLIPTextModel flat; the one with a projection still is not.
    if hasattr(made, "text_model"):
        return found
    return {key.removeprefix("text_model."): one for key, one in found.items()}


def _tokenizer(place: Path, configs: Path, name: str) -> Any:
    settings = read_json(place / "tokenizer_config.json", name)

    def load() -> Any:
        merges: Any
        vocabulary, merges = clip_vocabulary((configs / "clip" / "merges.txt.gz").read_bytes())
        return transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, **settings)

    return guarded(name, "tokenizer", load)


def _prediction(path: Path, checkpoint: Checkpoint, family: Family) -> dict[str, Any]:
    """What the file says about its scheduler's settings: v-prediction, and noise to the very end.

    Salimans & Ho 2022 (arXiv 2202.00512) for v; Lin et al. 2023 (arXiv 2305.08891) for a schedule
    that ends in pure noise. Looked at in turn: marks that trainers leave as tensors, the metadata,
    a settings file beside the checkpoint, and for version 2 the weights themselves.
    """
    tensors, said = checkpoint.tensors, checkpoint.metadata
    changed: dict[str, Any] = {}
    word = said.get("modelspec.prediction_type", said.get("modelspec.predict_key", "")).lower()
    if "v_pred" in tensors or word in ("v", "v_prediction", "v-prediction"):
        v = True
    elif word:
        v = False
    else:
        v = _sidecar_says_v(path) or (family.key == "sd2" and _looks_like_v(tensors))
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


def _settings_sha256(folder: Path, changed: Mapping[str, Any]) -> str:
    """Of the shipped settings of a family and what the file changes in them."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.json")):
        text = json.dumps(json.loads(path.read_text("utf-8")), sort_keys=True)
        digest.update(f"{path.relative_to(folder).as_posix()}\n{text}\n".encode())
    digest.update(json.dumps(dict(changed), sort_keys=True).encode())
    return digest.hexdigest()
