"""Another autoencoder in place of a model's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine import assembly
from desktop_app.engine.adapters.reading import broken, misfit
from desktop_app.engine.reading import TROUBLES
from desktop_app.engine.residency import is_out_of_memory


def load_vae(path: Path, name: str, own: Any, model: str) -> Any:
    """Read a VAE from one file, in diffusers' or the original names, built like the model's own.

    Args:
        own: the model's autoencoder, whose settings, device and dtype are taken.
        model: the model's name, for the sentences.

    Raises:
        AppError: `adapter-family`, `adapter-kind` or `adapter-broken`.
    """
    what = f"VAE {name}"
    try:
        source = assembly.open_weights(path, what, code="adapter-kind")
        source = source.below(*assembly.VAE_STARTS) or source
        _check_channels(source.tensors, own, what, model)
        kind = type(own).__name__
        return assembly.autoencoder(source, kind, own.config, device=own.device, dtype=own.dtype)
    except TROUBLES as error:
        if is_out_of_memory(error):
            raise
        raise broken(what, error) from error


def _check_channels(tensors: Mapping[str, torch.Tensor], own: Any, what: str, model: str) -> None:
    """Raises:
    AppError: `adapter-family` when it decodes other latents than the model makes.
    ValueError: when it is no autoencoder of the kind.
    """
    name = "encoder.conv_out.weight"
    wanted = own.state_dict().get(name)
    if wanted is None:
        return
    first = tensors.get(name)
    if first is None:
        raise ValueError("it holds no encoder")
    if first.shape[0] != wanted.shape[0]:
        channels = f"it gives {first.shape[0] // 2} channels and not {wanted.shape[0] // 2}"
        raise misfit(what, model, channels)
