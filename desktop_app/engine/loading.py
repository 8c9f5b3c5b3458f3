"""A model folder on disk turned into a pipeline: offline, safetensors only, no foreign code."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import SchedulerMixin, StableDiffusionPipeline
from safetensors import SafetensorError

from desktop_app.engine.residency import is_out_of_memory
from desktop_app.engine.schedulers import Scheduler, SchedulerShelf
from desktop_app.engine.tap import PREDICTION_TYPES
from desktop_app.errors import AppError

INDEX_MAX = 1024 * 1024
CONFIG_MAX = 64 * 1024 * 1024
PARTS: dict[str, tuple[Any, dict[str, tuple[str, ...]]]] = {
    "tokenizer": (transformers, {"transformers": ("CLIPTokenizer", "CLIPTokenizerFast")}),
    "text_encoder": (transformers, {"transformers": ("CLIPTextModel",)}),
    "unet": (diffusers, {"diffusers": ("UNet2DConditionModel",)}),
    "vae": (diffusers, {"diffusers": ("AutoencoderKL", "AutoencoderTiny")}),
}
WORDS = {
    "tokenizer": "tokenizer",
    "text_encoder": "text encoder",
    "unet": "image network (UNet)",
    "vae": "picture decoder (VAE)",
    "scheduler": "scheduler",
}
TROUBLES = (
    SafetensorError,
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    ImportError,
)
"""What diffusers and transformers were seen to raise on damaged folders; all of it means one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A pipeline in memory.

    Attributes:
        size: bytes of all weights.
        config_sha256: of the configs and the vocabulary, not the weights.
    """

    pipe: StableDiffusionPipeline
    name: str
    size: int
    config_sha256: str
    schedulers: SchedulerShelf = field(default_factory=SchedulerShelf)

    @property
    def factor(self) -> int:
        """Pixels to a latent."""
        return int(self.pipe.vae_scale_factor)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(1, C, H/f, W/f) for a picture of these pixels.

        Raises:
            AppError: `size-model` when the size is no multiple of the model's.
        """
        if width % self.factor or height % self.factor:
            raise AppError(
                "size-model",
                f"The model {self.name} makes pictures in steps of {self.factor} pixels, "
                f"not {width} × {height}.",
                width=width,
                height=height,
            )
        channels = int(self.pipe.unet.config.in_channels)
        return 1, channels, height // self.factor, width // self.factor


def load_model(folder: Path, name: str, *, device: torch.device, dtype: torch.dtype) -> Model:
    """Read a Stable Diffusion folder in diffusers format.

    Args:
        name: of the model, for the sentences.
        dtype: for every part, whatever the files hold.

    Raises:
        AppError: `model-missing`, `model-kind` or `model-broken`.
        RuntimeError, MemoryError: when memory runs out; see `residency.is_out_of_memory`.
    """
    index = _index(folder, name)
    parts: dict[str, Any] = {}
    for part in PARTS:
        _check_class(index, part, name)
        parts[part] = _part(folder, part, index[part][1], name, dtype)
    _check_fit(parts, name)
    parts["scheduler"] = _scheduler(folder, index, name)
    none: Any = None
    pipe = StableDiffusionPipeline(
        **parts, safety_checker=none, feature_extractor=none, requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)
    size = sum(
        tensor.numel() * tensor.element_size()
        for part in (pipe.unet, pipe.vae, pipe.text_encoder)
        for tensor in part.state_dict().values()
    )
    return Model(pipe=pipe, name=name, size=size, config_sha256=_config_sha256(folder, name))


def _index(folder: Path, name: str) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise AppError(
            "model-missing",
            f"The model {name} is not where it was: {folder} holds no model_index.json.",
            hint="Put the folder back, or choose another model.",
            path=str(folder),
        )
    index = _json(path, name, INDEX_MAX)
    kind = index.get("_class_name")
    if kind != "StableDiffusionPipeline":
        raise AppError(
            "model-kind",
            f"The model {name} is a {str(kind)[:60]}, and only StableDiffusionPipeline is known.",
            kind=str(kind)[:60],
        )
    return index


def _json(path: Path, name: str, limit: int) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(limit + 1)[:limit])
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(name, path.parent.name + "/" + path.name, error) from error
    if not isinstance(value, dict):
        raise _broken(name, path.parent.name + "/" + path.name, None)
    return value


def _check_class(index: dict[str, Any], part: str, name: str) -> None:
    library, kind = _named(index, part, name)
    if kind not in PARTS[part][1].get(library, ()):
        raise AppError(
            "model-kind",
            f"The {WORDS[part]} of the model {name} is a {library}.{kind}, "
            "which this program does not know.",
            part=part,
            kind=kind,
        )


def _named(index: dict[str, Any], part: str, name: str) -> tuple[str, str]:
    value = index.get(part)
    match value:
        case [str() as library, str() as kind]:
            return library[:60], kind[:60]
        case _:
            raise AppError("model-kind", f"The model {name} has no {WORDS[part]}.", part=part)


def _part(folder: Path, part: str, kind: str, name: str, dtype: torch.dtype) -> Any:
    library = PARTS[part][0]
    if part == "tokenizer":
        return _guarded(
            name,
            part,
            lambda: getattr(library, kind).from_pretrained(
                folder / part, local_files_only=True, trust_remote_code=False
            ),
        )
    _json(folder / part / "config.json", name, INDEX_MAX)
    weights, told = _guarded(
        name,
        part,
        lambda: getattr(library, kind).from_pretrained(
            folder / part,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        ),
    )
    # Both libraries fill what is missing with random numbers and only log that they did.
    missing = sorted(str(key) for key in [*told["missing_keys"], *told["mismatched_keys"]])
    if missing:
        raise _broken(name, f"{WORDS[part]} (it lacks {missing[0][:80]})", None)
    for key, tensor in weights.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float().sum())):
            raise _broken(name, f"{WORDS[part]} (its {key[:80]} is not finite)", None)
    if any(one.dtype != dtype for one in weights.parameters()):
        weights.to(dtype)
    return weights.eval()


def _guarded(name: str, part: str, load: Any) -> Any:
    try:
        return load()
    except TROUBLES as error:
        if is_out_of_memory(error):
            raise
        raise _broken(name, WORDS[part], error) from error


def _broken(name: str, what: str, error: Exception | None) -> AppError:
    reason = f": {error}".splitlines()[0][:200] if error else ""
    return AppError(
        "model-broken",
        f"The model {name} is damaged or incomplete; its {what} cannot be read{reason}.",
        hint="Copy or download the model again.",
        what=what,
    )


def _scheduler(folder: Path, index: dict[str, Any], name: str) -> Scheduler:
    library, kind = _named(index, "scheduler", name)
    known: Any = getattr(diffusers, kind, None) if library == "diffusers" else None
    if SchedulerMixin not in getattr(known, "__mro__", ()):
        raise AppError("model-kind", f"The model {name} has an unknown scheduler {kind}.")
    config = _json(folder / "scheduler" / "scheduler_config.json", name, INDEX_MAX)
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in PREDICTION_TYPES:
        raise AppError(
            "model-kind",
            f"The model {name} predicts {str(prediction)[:40]!r}, which is not known here.",
        )
    # What the pipeline would change by itself with a deprecation warning: without it, the first
    # Stable Diffusion models run one timestep off, and clip latents as if they were pixels.
    if "steps_offset" in config:
        config["steps_offset"] = 1
    if "clip_sample" in config:
        config["clip_sample"] = False
    return _guarded(name, "scheduler", lambda: known.from_config(config))


def _check_fit(parts: dict[str, Any], name: str) -> None:
    unet, vae, text_encoder = parts["unet"].config, parts["vae"].config, parts["text_encoder"]
    if unet.in_channels != vae.latent_channels or unet.out_channels != vae.latent_channels:
        raise AppError(
            "model-kind",
            f"The model {name} is not for making pictures from text: its UNet takes "
            f"{unet.in_channels} channels and its VAE gives {vae.latent_channels}.",
            hint="Models for inpainting or for depth need a task of their own.",
        )
    if unet.cross_attention_dim != text_encoder.config.hidden_size:
        raise AppError(
            "model-kind",
            f"The text encoder of the model {name} does not fit its UNet: "
            f"{text_encoder.config.hidden_size} numbers a word against {unet.cross_attention_dim}.",
        )


def _config_sha256(folder: Path, name: str) -> str:
    """Of all settings and vocabularies in the folder, whatever library version wrote them."""
    digest = hashlib.sha256()
    for part in (*PARTS, "scheduler"):
        for path in sorted((folder / part).iterdir()):
            if path.suffix == ".json" and not path.name.endswith(".index.json"):
                config = _json(path, name, CONFIG_MAX)
                kept = {k: v for k, v in config.items() if k == "_class_name" or k[:1] != "_"}
                text = json.dumps(kept, sort_keys=True)
            elif path.name == "merges.txt":
                text = path.read_text("utf-8", "replace")
            else:
                continue
            digest.update(f"{part}/{path.name}\n{text}\n".encode())
    return digest.hexdigest()
