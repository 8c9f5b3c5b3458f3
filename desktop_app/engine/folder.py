"""A model folder in diffusers format turned into a pipeline; nothing in it is ever executed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import SchedulerMixin
from diffusers.pipelines.deprecated.wuerstchen import modeling_paella_vq_model
from diffusers.pipelines.stable_diffusion import stable_unclip_image_normalizer

from desktop_app.engine.model import Model, weights_size
from desktop_app.engine.reading import broken, config_sha256, guarded, read_json, word_for
from desktop_app.engine.schedulers import Scheduler
from desktop_app.engine.tap import PREDICTION_TYPES
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES, families_of, present_name, stable_family
from desktop_app.recipe.family import Family, Part, is_setting
from desktop_app.weights import packing
from desktop_app.weights.variants import WEIGHTS, variant_in

LIBRARIES: dict[str, Any] = {"diffusers": diffusers, "transformers": transformers}
NAMED: dict[str, Any] = {
    "stable_diffusion": stable_unclip_image_normalizer,
    "wuerstchen": modeling_paella_vq_model,
}
"""Where the classes are whose library goes by another name in an index."""
TASKED = "StableDiffusionPipeline"
"""The pipeline class that two families share."""


def load_folder(folder: Path, name: str, *, device: torch.device, dtype: torch.dtype) -> Model:
    """Read a folder in diffusers format; see `loading.load_model`."""
    index, family = index_of(folder, name)
    parts: dict[str, Any] = {}
    for part in family.parts:
        kind = _named(index, part, name)
        parts[part.name] = None if kind is None else _part(folder, part, kind, name, dtype)
    check_fit(parts, family, name)
    parts["scheduler"] = make_scheduler(index, folder / "scheduler", name)
    read = [part for part, one in parts.items() if one is not None]
    return assemble(index, family, parts, name, device, config_sha256(folder, _ordered(read), name))


def assemble(
    index: dict[str, Any],
    family: Family,
    parts: dict[str, Any],
    name: str,
    device: torch.device,
    config: str,
) -> Model:
    """A pipeline of the class that the index names, of these parts, on the device."""
    kind = getattr(diffusers, present_name(index["_class_name"]))
    known, settings = kind._get_signature_keys(kind)
    # A picture is the artist's own business: no checker, and no picture to be read.
    told = {key: index[key] for key in settings if is_setting(index.get(key)) and key in index}
    for key in ("requires_safety_checker", "add_watermarker"):
        if key in settings:
            told[key] = False
    missing = {key: None for key in known if key not in parts}
    pipe = guarded(name, "unet", lambda: kind(**missing, **parts, **told))
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)
    return Model(pipe=pipe, name=name, family=family, size=weights_size(pipe), config_sha256=config)


def index_of(folder: Path, name: str) -> tuple[dict[str, Any], Family]:
    """The index of a folder, and the family of its pipeline.

    Raises:
        AppError: `model-missing`, `model-broken`, or `model-kind` for a pipeline that is not known.
    """
    path = folder / "model_index.json"
    if not path.is_file():
        raise AppError(
            "model-missing",
            f"The model {name} is not where it was: {folder} holds no model_index.json.",
            hint="Put the folder back, or choose another model.",
            path=str(folder),
        )
    index = read_json(path, name)
    kind = index.get("_class_name")
    found = families_of(kind) if isinstance(kind, str) else ()
    if not found:
        labels = ", ".join(family.label for family in FAMILIES.values())
        raise AppError(
            "model-kind",
            f"The model {name} is a {str(kind)[:60]}, which this program does not know.",
            hint=f"It knows {labels}.",
            kind=str(kind)[:60],
        )
    if kind == TASKED:
        unet = read_json(folder / "unet" / "config.json", name)
        return index, stable_family(unet.get("cross_attention_dim"))
    return index, found[0]


def _named(index: dict[str, Any], part: Part, name: str) -> str | None:
    """The class that the index names for a component; None where it can be done without."""
    match index.get(part.name):
        case [str() as library, str() as kind]:
            if part.is_of(library) and kind in part.classes:
                return kind
            raise AppError(
                "model-kind",
                f"The {word_for(part.name)} of the model {name} is a {library[:60]}.{kind[:60]}, "
                "which this program does not know.",
                part=part.name,
                kind=kind[:60],
            )
        case _ if part.needed:
            raise AppError(
                "model-kind", f"The model {name} has no {word_for(part.name)}.", part=part.name
            )
        case _:
            return None


def _part(folder: Path, part: Part, kind: str, name: str, dtype: torch.dtype) -> Any:
    library = NAMED[part.named] if part.named else LIBRARIES[part.library]
    kind = part.read_as or kind
    if part.library == "diffusers" and not part.has_weights:
        config = read_json(folder / part.name / "scheduler_config.json", name)
        return guarded(name, part.name, lambda: getattr(library, kind).from_config(config))
    if not part.has_weights:
        return guarded(
            name,
            part.name,
            lambda: getattr(library, kind).from_pretrained(
                folder / part.name, local_files_only=True, trust_remote_code=False
            ),
        )
    config = read_json(folder / part.name / "config.json", name)
    if config.get(packing.KEY):
        raise packing.refusal(name, part.name, packing.packing_of(config[packing.KEY]))
    variant = variant_in(folder / part.name, WEIGHTS[part.library])
    weights, told = guarded(
        name,
        part.name,
        lambda: getattr(library, kind).from_pretrained(
            folder / part.name,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            variant=variant or None,
        ),
    )
    # Both libraries fill what is missing with random numbers and only log that they did.
    missing = sorted(str(key) for key in [*told["missing_keys"], *told["mismatched_keys"]])
    if missing:
        raise broken(name, f"{word_for(part.name)} (it lacks {missing[0][:80]})", None)
    for key, tensor in weights.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float().sum())):
            raise broken(name, f"{word_for(part.name)} (its {key[:80]} is not finite)", None)
    # Some layers are kept in float32 by their makers: in half precision their numbers overflow.
    exact = getattr(weights, "_keep_in_fp32_modules", None)
    if not exact and any(one.dtype != dtype for one in weights.parameters()):
        weights.to(dtype)
    return weights.eval()


def make_scheduler(
    index: dict[str, Any], folder: Path, name: str, changed: Mapping[str, Any] | None = None
) -> Scheduler:
    """The scheduler that a model came with.

    Args:
        changed: what the weights say of its settings, over those in the folder.

    Raises:
        AppError: `model-kind` for one that is not known, `model-broken`.
    """
    match index.get("scheduler"):
        case ["diffusers", str() as kind]:
            known: Any = getattr(diffusers, kind[:60], None)
        case other:
            known, kind = None, str(other)
    if SchedulerMixin not in getattr(known, "__mro__", ()):
        raise AppError("model-kind", f"The model {name} has an unknown scheduler {kind[:60]}.")
    config = read_json(folder / "scheduler_config.json", name) | dict(changed or {})
    flow = config.get("use_flow_sigmas") is True
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in PREDICTION_TYPES and not (flow and prediction == "flow_prediction"):
        raise AppError(
            "model-kind",
            f"The model {name} predicts {str(prediction)[:40]!r}, which is not known here.",
        )
    # What the pipeline would change by itself with a deprecation warning: without it, the first
    # Stable Diffusion models run one timestep off, and clip latents as if they were pixels.
    if index.get("_class_name") == TASKED:
        changes = {"steps_offset": 1, "clip_sample": False}
        config |= {key: value for key, value in changes.items() if key in config}
    return guarded(name, "scheduler", lambda: known.from_config(config))


def check_fit(parts: dict[str, Any], family: Family, name: str) -> None:
    """See whether the parts were made for each other, as far as their numbers tell.

    Raises:
        AppError: `model-kind`.
    """
    if "unet" not in parts or "vae" not in parts:
        return
    unet, vae = parts["unet"].config, parts["vae"].config
    if unet.in_channels != vae.latent_channels or unet.out_channels != vae.latent_channels:
        raise AppError(
            "model-kind",
            f"The model {name} is not for making pictures from text: its UNet takes "
            f"{unet.in_channels} channels and its VAE gives {vae.latent_channels}.",
            hint="Models for inpainting or for depth need a task of their own.",
        )
    encoders = [one for key, one in parts.items() if key.startswith("text_encoder")]
    width = sum(one.config.hidden_size for one in encoders)
    if unet.cross_attention_dim != width:
        raise AppError(
            "model-kind",
            f"The text encoder of the model {name} does not fit its UNet: "
            f"{width} numbers a word against {unet.cross_attention_dim}.",
        )


def _ordered(parts: list[str]) -> list[str]:
    """The parts in the order in which their settings were always hashed."""
    first = ["tokenizer", "text_encoder", "unet", "vae"]
    known = [part for part in first if part in parts]
    return [*known, *sorted(set(parts) - {*known, "scheduler"}), "scheduler"]
