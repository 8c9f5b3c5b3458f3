"""Turns a pickled checkpoint into safetensors, once, without running what may be hidden in it."""

import hashlib
import json
import pickle
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from desktop_app.engine.checkpoint import DTYPES
from desktop_app.errors import AppError, Cancelled
from desktop_app.files import replacing

SOURCE = "mezzotint.converted_from"
"""In the metadata of what is written: the sha256 of the file that it was made from; as
`library.convert` looks for it."""
_INERT = (
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
    "lightning_fabric.utilities.data.AttributeDict",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.dtypes.Float64DType",
    "numpy.dtypes.Float32DType",
    "numpy.dtypes.Int64DType",
)
"""What trainers leave in checkpoints beside the weights. Stands for nothing when it is read."""
_INSIDE = ("state_dict", "model", "params_ema", "params", "module", "model_state_dict", "ema")
_LEFT_OUT = ("model_ema.", "loss.", "optimizer")
_DEPTH_MAX = 6
_TENSORS_MAX = 1_000_000
_BLOCK = 4 * 1024 * 1024
_NAMES = {dtype: name for name, dtype in DTYPES.items()}

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


class _Nothing:
    """Takes the place of an object that is no weight; whatever it is given is forgotten."""

    def __new__(cls, *arguments: Any, **named: Any) -> "_Nothing":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def convert(
    path: Path, target: Path, progress: Progress | None = None, stop: Stop | None = None
) -> int:
    """Write the tensors of a pickle as safetensors; how many there are.

    torch reads it with `weights_only=True`: tensors and plain values, and no function is called.
    The artist must have agreed before, for that lock was broken once (CVE-2025-32434).

    Args:
        path: a .ckpt, .pt, .pth or .bin file.
        target: the file to write; it stands there whole or not at all.
        progress: bytes written and bytes in all.

    Raises:
        AppError: `pickle-unsafe` when it holds more than weights, `model-damaged`, `model-empty`,
            or `disk-full` and `write-failed`.
        Cancelled: `stop` said so; nothing stays.
    """
    tensors = dict(_named(_load(path)))
    if not tensors:
        raise AppError("model-empty", f"“{path.name}” holds no weights.", path=str(path))
    told = {SOURCE: _sha256(path, stop), "format": "pt"}
    try:
        with replacing(target) as file:
            _write(file, tensors, told, progress, stop)
    except OSError as fault:
        raise AppError(
            "write-failed",
            f"“{target}” could not be written: {fault.strerror or fault}.",
            hint="Make room there, and try again.",
            path=str(target),
        ) from fault
    return len(tensors)


def _load(path: Path) -> Any:
    inert = torch.serialization.safe_globals([(_Nothing, name) for name in _INERT])
    with inert, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the age of the file's format
        for mapped in (True, False):
            try:
                return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
            except pickle.UnpicklingError as fault:
                raise AppError(
                    "pickle-unsafe",
                    f"“{path.name}” holds more than weights and was not opened: {_reason(path)}.",
                    hint="Look for the same model with .safetensors.",
                    path=str(path),
                ) from fault
            except (RuntimeError, ValueError, OSError, EOFError, LookupError, TypeError) as fault:
                # Files of torch before 1.6 cannot be mapped.
                if mapped and "mmap" in str(fault):
                    continue
                raise _damaged(path, fault) from fault
            except (AttributeError, AssertionError, ArithmeticError, RecursionError) as fault:
                raise _damaged(path, fault) from fault
    raise _damaged(path, ValueError("it is no file of torch"))


def _damaged(path: Path, fault: Exception) -> AppError:
    reason = (str(fault).splitlines() or [type(fault).__name__])[0][:200]
    return AppError(
        "model-damaged",
        f"“{path.name}” cannot be read: {reason}.",
        hint="Copy or download it again.",
        path=str(path),
    )


def _reason(path: Path) -> str:
    """What in it is no weight, by its name."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except (RuntimeError, ValueError, OSError, pickle.UnpicklingError, LookupError, TypeError):
        names = []
    foreign = [name for name in names if name not in _INERT]
    if foreign:
        return f"it wants to call {foreign[0][:80]}"
    return "it is no plain file of torch"


def _named(value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors by the names that programs look for."""
    if not isinstance(value, Mapping):
        return
    for _ in range(_DEPTH_MAX):
        inner = next((value[name] for name in _INSIDE if _has_tensors(value.get(name))), None)
        if inner is None:
            break
        value = inner
    embedding = value.get("string_to_param")
    if isinstance(embedding, Mapping):
        # As A1111 trains a textual inversion; the name of its word is the file's.
        for tensor in embedding.values():
            if isinstance(tensor, torch.Tensor):
                yield "emb_params", tensor.detach()
                return
    for count, (name, tensor) in enumerate(value.items()):
        if count >= _TENSORS_MAX:
            return
        named = isinstance(name, str) and not name.startswith(_LEFT_OUT)
        if named and isinstance(tensor, torch.Tensor) and _is_plain(tensor):
            yield name, tensor.detach()


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.dtype in _NAMES and not tensor.is_meta


def _has_tensors(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return any(
        isinstance(one, torch.Tensor) or (isinstance(one, Mapping) and one)
        for one in value.values()
    )


def _sha256(path: Path, stop: Stop | None) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            if stop is not None and stop():
                raise Cancelled
    return digest.hexdigest()


def _write(
    file: BinaryIO,
    tensors: Mapping[str, torch.Tensor],
    told: Mapping[str, str],
    progress: Progress | None,
    stop: Stop | None,
) -> None:
    """One tensor after the other, so that memory holds the largest and not all of them."""
    rows: dict[str, Any] = {"__metadata__": dict(told)}
    place = 0
    for name, tensor in tensors.items():
        end = place + tensor.numel() * tensor.element_size()
        rows[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [place, end],
        }
        place = end
    header = json.dumps(rows, ensure_ascii=True).encode()
    header += b" " * (-len(header) % 8)
    file.write(struct.pack("<Q", len(header)) + header)
    done = 0
    for tensor in tensors.values():
        if stop is not None and stop():
            raise Cancelled
        if tensor.numel():
            flat: Any = tensor.contiguous().flatten().view(torch.uint8).numpy()
            file.write(memoryview(flat))
        done += tensor.numel() * tensor.element_size()
        if progress is not None:
            progress(done, place)
