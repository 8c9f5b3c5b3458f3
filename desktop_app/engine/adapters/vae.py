"""Another autoencoder in place of a model's own."""

from pathlib import Path
from typing import Any

import torch
from diffusers.loaders import single_file_utils as converters
from safetensors import SafetensorError

from desktop_app.engine.adapters.reading import broken, misfit
from desktop_app.engine.checkpoint import Checkpoint, fill, without_memory
from desktop_app.errors import AppError

PREFIXES = ("first_stage_model.", "vae.")


def load_vae(path: Path, name: str, own: Any, model: str) -> Any:
    """Read a VAE from one file, in diffusers' or the original names, built like the model's own.

    Args:
        own: the model's autoencoder, whose settings, device and dtype are taken.
        model: the model's name, for the sentences.

    Raises:
        AppError: `adapter-family`, `adapter-kind` or `adapter-broken`.
    """
    what = f"VAE {name}"
    if type(own).__name__ != "AutoencoderKL":
        raise misfit(what, model, f"that has a {type(own).__name__} of its own")
    if path.suffix.lower() != ".safetensors":
        raise AppError(
            "adapter-kind",
            f"The {what} is a {path.suffix or 'folder'}; only .safetensors is read.",
            hint="Let the program convert it first.",
        )
    try:
        checkpoint = Checkpoint(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise broken(what, error) from error
    tensors = _plain_names(checkpoint.tensors)
    first = tensors.get("encoder.conv_out.weight")
    wanted = own.state_dict()["encoder.conv_out.weight"]
    if first is None:
        raise broken(what, ValueError("it holds no encoder"))
    if first.shape[0] != wanted.shape[0]:
        channels = f"it gives {first.shape[0] // 2} channels and not {wanted.shape[0] // 2}"
        raise misfit(what, model, channels)
    with without_memory():
        vae = type(own).from_config(own.config)
    try:
        if not any(".down_blocks." in key for key in tensors):
            tensors = converters.convert_ldm_vae_checkpoint(tensors, config=dict(own.config))
        fill(vae, tensors, device=own.device, dtype=own.dtype, checkpoint=checkpoint)
    except (ValueError, LookupError) as error:
        raise broken(what, error) from error
    return vae.eval()


def _plain_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for prefix in PREFIXES:
        inside = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        if inside:
            return inside
    return tensors
