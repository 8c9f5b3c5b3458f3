"""Weights on disk turned into a pipeline: offline, safetensors only, no foreign code."""

from pathlib import Path

import torch

from desktop_app.engine.folder import load_folder
from desktop_app.engine.lent import NOTHING, Lent
from desktop_app.engine.model import Model
from desktop_app.engine.single_file import load_single_file
from desktop_app.errors import AppError


def load_model(
    place: Path,
    name: str,
    *,
    device: torch.device,
    dtype: torch.dtype,
    configs: Path | None = None,
    lent: Lent = NOTHING,
) -> Model:
    """Read a model: a folder in diffusers format, a checkpoint in a single file, or its network.

    Args:
        name: of the model, for the sentences.
        dtype: for every part, whatever the files hold.
        configs: folder of the settings that single files lack, one folder for each family.
        lent: what completes a file that lacks something.

    Raises:
        AppError: `model-missing`, `model-kind`, `model-incomplete`, `model-broken`; of what is
            lent `encoder-kind`, `tokenizer-missing` or `tokenizer-file`.
        RuntimeError, MemoryError: when memory runs out; see `residency.is_out_of_memory`.
    """
    if not place.is_file():
        return load_folder(place, name, device=device, dtype=dtype)
    if configs is None:
        raise AppError("model-kind", f"The model {name} is a single file; a folder is needed here.")
    return load_single_file(place, name, configs, device=device, dtype=dtype, lent=lent)
