"""The tensors of one component: found in a file, and given the names that its class has."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.loaders import single_file_utils as converters
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES

from desktop_app.engine.assembly_shapes import told_by
from desktop_app.engine.checkpoint import (
    Checkpoint,
    MappedFile,
    check_format,
    fill,
    without_memory,
)
from desktop_app.engine.gguf_weights import GgufFile, numbers_of, shapes_of, take_packed
from desktop_app.recipe.family import Part

Tensors = dict[str, torch.Tensor]
VAE_STARTS = ("first_stage_model.", "vae.")
_OLD_CLIP = "cond_stage_model.transformer."
_ENCODERS = re.compile(
    r"cond_stage_model\.(transformer|model)\."
    r"|conditioner\.embedders\.\d\.(transformer|model)\."
    r"|text_encoders\.\w{1,40}\.(transformer\.)?"
)
"""The beginnings of the names of a text encoder's tensors inside a checkpoint."""
_WORDS = (
    "text_model.embeddings.token_embedding.weight",
    "embeddings.token_embedding.weight",
    "token_embedding.weight",
    "shared.weight",
    "encoder.embed_tokens.weight",
    "model.embed_tokens.weight",
    "model.language_model.embed_tokens.weight",
    "embed_tokens.weight",
)
"""What text encoders call the table of their words' vectors."""
_BLOCK = re.compile(r"\.\d+\.")
ALIKE = 0.8
"""Share of a class's names that a file has which is written by them."""
_SCALES = (".scale_weight", ".weight_scale")
"""Behind a weight's name: by how much its eight bits are to be multiplied, as ComfyUI writes it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """Some tensors of a file, by their names below whatever the file calls their component.

    Attributes:
        what: the file is, with its name, for the sentences.
        file: which the tensors are views of.
        sha256: by which a recipe names the file; empty for the model's own.
    """

    what: str
    tensors: Tensors
    file: MappedFile
    sha256: str = ""

    def below(self, *starts: str) -> "Source | None":
        """The part of it whose names begin with the first of these that there is."""
        for start in starts:
            inside = {k[len(start) :]: v for k, v in self.tensors.items() if k.startswith(start)}
            if inside:
                return Source(what=self.what, tensors=inside, file=self.file, sha256=self.sha256)
        return None


def open_weights(path: Path, what: str, *, code: str = "model-kind", sha256: str = "") -> Source:
    """The tensors of a file as views, whatever it is; the one place where files of weights open.

    Args:
        what: it is, with its name, such as `VAE sharp`.
        code: of the refusal of another format.

    Raises:
        AppError: `code`, and what `GgufFile` raises.
        SafetensorError, OSError, ValueError: when it is damaged.
    """
    if path.suffix.lower() == ".gguf":
        packed = GgufFile(path, what)
        return Source(what=what, tensors=_usual_names(packed.tensors), file=packed, sha256=sha256)
    check_format(path, what, code)
    file = Checkpoint(path)
    return Source(what=what, tensors=_usual_names(file.tensors), file=file, sha256=sha256)


def encoders_in(source: Source) -> list[Source]:
    """The text encoders in a checkpoint; the file itself where it is nothing but one."""
    found: dict[str, Tensors] = {}
    for key, tensor in source.tensors.items():
        match = _ENCODERS.match(key)
        if match is not None:
            found.setdefault(match[0], {})[key[match.end() :]] = tensor
    inside = [replace(source, tensors=tensors) for tensors in found.values()]
    return inside or ([source] if words_of(source.tensors) is not None else [])


def words_of(tensors: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
    """The table of the words' vectors, (words, width); None where there is none."""
    return next((tensors[name] for name in _WORDS if name in tensors), None)


def reads(source: Source, config: Mapping[str, Any]) -> bool:
    """Whether a text encoder is the one of these settings, told by the table of its words."""
    words = words_of(source.tensors)
    told = config.get("text_config", config)
    width = told.get("hidden_size", told.get("d_model"))
    return words is not None and tuple(words.shape) == (told.get("vocab_size"), width)


def config_of(place: Path) -> dict[str, Any]:
    """The settings of a component that are shipped."""
    return json.loads((place / "config.json").read_text("utf-8"))


def class_of(config: Mapping[str, Any], part: Part) -> str:
    """The class that settings name, one that the component may have.

    Raises:
        ValueError: for another.
    """
    kind = str(config.get("_class_name") or config["architectures"][0])
    if kind not in part.classes:
        raise ValueError(f"its settings name the class {kind}")
    return kind


def empty(kind: str, config: Mapping[str, Any]) -> Any:
    """A component of that class without weights."""
    with without_memory():
        if hasattr(diffusers, kind):
            return getattr(diffusers, kind).from_config(dict(config))
        model: Any = getattr(transformers, kind)
        return model(model.config_class(**config))


def network(
    source: Source,
    kind: str,
    config: Mapping[str, Any],
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> Any:
    """The network that denoises, of the class `kind`.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: when it is damaged.
    """
    weights = unscaled(source.tensors)
    if kind == "UNet2DConditionModel":
        if "conv_in.weight" not in weights:
            start = converters.LDM_UNET_KEY
            named = {start + key: tensor for key, tensor in weights.items()}
            weights = converters.convert_ldm_unet_checkpoint(named, config=dict(config))
        made = empty(kind, config)
    else:
        if not _has_names_of(empty(kind, config), weights):
            convert = SINGLE_FILE_LOADABLE_CLASSES[kind]["checkpoint_mapping_fn"]
            weights = convert(checkpoint=weights, config=dict(config))
        made = empty(kind, {**config, **told_by(kind, shapes_of(weights), config)})
    take_packed(made, weights, device=device, dtype=dtype, forget=source.file.forget)
    fill(made, weights, device=device, dtype=dtype, forget=source.file.forget)
    return made.eval()


def autoencoder(
    source: Source,
    kind: str,
    config: Mapping[str, Any],
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> Any:
    """The component that makes pixels, of the class `kind`; see `network`."""
    weights = unscaled(numbers_of(source.tensors))
    if not any(".down_blocks." in key for key in weights):
        match kind:
            case "AutoencoderKL":
                weights = converters.convert_ldm_vae_checkpoint(weights, config=dict(config))
            case "AutoencoderDC":
                weights = converters.convert_autoencoder_dc_checkpoint_to_diffusers(weights)
            case "AutoencoderKLQwenImage":
                # The autoencoder of Wan 2.1, tensor by tensor, with another decoder's numbers.
                weights = converters.convert_wan_vae_to_diffusers(weights)
            case _:
                raise ValueError(f"a {kind} is only read with the names that diffusers gives it")
    made = empty(kind, config)
    fill(made, weights, device=device, dtype=dtype, forget=source.file.forget)
    return made.eval()


def text_encoder(
    source: Source,
    kind: str,
    config: Mapping[str, Any],
    *,
    device: torch.device,
    dtype: torch.dtype,
    projection: torch.Tensor | None = None,
) -> Any:
    """The component that reads, of the class `kind`; see `network`.

    Args:
        projection: of the pooled words, in place of the file's own.
    """
    made = empty(kind, config)
    weights = _encoder_names(made, kind, unscaled(numbers_of(source.tensors)))
    if projection is not None:
        weights["text_projection.weight"] = projection
    if kind == "Qwen2_5_VLForConditionalGeneration" and not any(
        key.startswith("model.visual.") for key in weights
    ):
        # What sees pictures is often left out of the file, and never used for text.
        made.model.visual = torch.nn.Identity()
    fill(made, weights, device=device, dtype=dtype, forget=source.file.forget)
    return made.eval()


def unscaled(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """The same as plain numbers: weights of eight bits that have a scale are multiplied by it.

    Raises:
        ValueError: for a scale that is neither one number nor one for each row.
    """
    scales = {
        key.removesuffix(end) + ".weight": key
        for key in tensors
        for end in _SCALES
        if key.endswith(end)
    }
    ends = (*_SCALES, ".scale_input", ".input_scale", ".comfy_quant")
    found: Tensors = {}
    for key, tensor in tensors.items():
        if key.endswith(ends) or key == "scaled_fp8":
            continue
        scale = tensors[scales[key]].float() if key in scales else None
        if scale is not None and tensor.dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
            if scale.numel() not in (1, tensor.shape[0]):
                raise ValueError(f"its {key[:80]} has a scale of the shape {tuple(scale.shape)}")
            rows = scale.view(-1, *[1] * (tensor.ndim - 1)) if scale.numel() > 1 else scale.view(())
            found[key] = tensor.to(torch.bfloat16) * rows.to(torch.bfloat16)
        else:
            found[key] = tensor
    return found


def _encoder_names(made: Any, kind: str, tensors: Tensors) -> Tensors:
    if kind.startswith("CLIP"):
        return _clip_names(made, tensors)
    if kind == "Qwen2_5_VLForConditionalGeneration":
        return {_vision_name(key): tensor for key, tensor in tensors.items()}
    if not kind.endswith("ForCausalLM") and not kind.startswith(("T5", "UMT5")):
        return {key.removeprefix("model."): tensor for key, tensor in tensors.items()}
    return tensors


def _clip_names(made: Any, tensors: Tensors) -> Tensors:
    if "token_embedding.weight" in tensors:
        found = converters.convert_open_clip_checkpoint(made, tensors, prefix="")
    else:
        flat = {key.removeprefix("text_model."): tensor for key, tensor in tensors.items()}
        found = {
            k if k.startswith("text_projection") else f"text_model.{k}": v for k, v in flat.items()
        }
    # transformers 5.6 made CLIPTextModel flat; the one with a projection still is not.
    if hasattr(made, "text_model"):
        return found
    return {key.removeprefix("text_model."): one for key, one in found.items()}


def _vision_name(key: str) -> str:
    """As transformers 5 names the halves of a model that reads and sees."""
    if key.startswith("visual."):
        return f"model.{key}"
    if key.startswith("model.") and not key.startswith(("model.visual.", "model.language_model.")):
        return f"model.language_model.{key.removeprefix('model.')}"
    return key


def _has_names_of(made: Any, tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether the names are those of the class already, whatever the number of its blocks.

    The two ways to name have some names in common; sisters of a model have a few more or less.
    """
    known, found = (
        {_BLOCK.sub(".#.", key) for key in keys} for keys in (made.state_dict(), tensors)
    )
    return len(known & found) > ALIKE * len(known)


def _usual_names(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """The tensors by the names that all know; some old mergers left a word out."""
    if any(key.startswith(_OLD_CLIP + "text_model.") for key in tensors):
        return dict(tensors)
    long = _OLD_CLIP + "text_model."
    return {
        long + key.removeprefix(_OLD_CLIP) if key.startswith(_OLD_CLIP) else key: tensor
        for key, tensor in tensors.items()
    }
