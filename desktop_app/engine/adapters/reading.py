"""The file of an adapter as tensors, and the words for what is wrong with one."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from desktop_app.engine.checkpoint import check_format
from desktop_app.errors import AppError

Tensors = dict[str, torch.Tensor]


def read_tensors(path: Path, what: str) -> Tensors:
    """All tensors of a safetensors file, in memory.

    Args:
        what: it is, with its name, such as `LoRA ink`.

    Raises:
        AppError: `adapter-kind` for a file of another format, `adapter-broken`, `adapter-missing`.
    """
    if not path.is_file():
        raise AppError(
            "adapter-missing",
            f"The {what} is not where it was: there is no file {path}.",
            hint="Put the file back, or take it off.",
            path=str(path),
        )
    check_format(path, what, "adapter-kind")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise broken(what, error) from error
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise broken(what, ValueError(f"its {key[:80]} is not finite"))
    return tensors


def broken(what: str, error: Exception) -> AppError:
    """The refusal of an adapter that is damaged."""
    reason = f"{error}".splitlines()[0][:200] if str(error) else type(error).__name__
    return AppError(
        "adapter-broken",
        f"The {what} is damaged or of a form that is not known here: {reason}.",
        hint="Copy or download it again, or take it off.",
    )


def misfit(what: str, model: str, reason: str) -> AppError:
    """The refusal of an adapter that was made for another family."""
    return AppError(
        "adapter-family",
        f"The {what} was not made for a model like {model}: {reason}.",
        hint="Take it off, or choose a model of the family that it was made for.",
    )
