"""A safetensors file as a table of tensors that stay on the disk until they are copied."""

import contextlib
import json
import mmap
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import accelerate
import torch
from safetensors import safe_open

from desktop_app.errors import AppError

SUFFIXES = (".safetensors", ".sft")
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
FORGET_EVERY = 128 * 1024 * 1024
"""Bytes that may be copied before the pages they came from are given back."""


class MappedFile:
    """A file in the address space; only what is touched is read.

    Pages are private: what a converter writes into them never reaches the file.

    Attributes:
        metadata: what the file says about itself; text, from anybody.
    """

    metadata: Mapping[str, str]

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def view(self, dtype: torch.dtype, start: int, end: int) -> torch.Tensor:
        """The bytes from `start` to `end` as a row of numbers."""
        if start == end:
            return torch.empty(0, dtype=dtype)
        count = (end - start) // dtype.itemsize
        return torch.frombuffer(self._map, dtype=dtype, count=count, offset=start)

    def forget(self) -> None:
        """Give the pages back that were read; touched again, they are read again."""
        # Windows has no madvise; there the pages count as cache and go when memory is short.
        if hasattr(self._map, "madvise"):
            with contextlib.suppress(OSError):
                self._map.madvise(mmap.MADV_DONTNEED)


class Checkpoint(MappedFile):
    """The tensors of a safetensors file, mapped and not read.

    Attributes:
        tensors: views of the file; none may outlive a change of the file, so copy what is kept.
    """

    def __init__(self, path: Path) -> None:
        """Raises:
        SafetensorError, OSError, ValueError: when it is no sound safetensors file.
        """
        # The library checks the header: its size, and that no tensor reaches out of the file.
        with safe_open(path, framework="pt") as file:
            self.metadata = file.metadata() or {}
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        super().__init__(path)
        header.pop("__metadata__", None)
        self.tensors: dict[str, torch.Tensor] = {
            name: self._tensor(row, 8 + length) for name, row in header.items()
        }

    def _tensor(self, row: dict[str, Any], start: int) -> torch.Tensor:
        dtype = DTYPES.get(row["dtype"])
        if dtype is None:
            raise ValueError(f"numbers of type {row['dtype']} are not known")
        begin, end = row["data_offsets"]
        return self.view(dtype, start + begin, start + end).view(row["shape"])


def fill(
    module: torch.nn.Module,
    tensors: MutableMapping[str, torch.Tensor],
    *,
    device: torch.device,
    dtype: torch.dtype,
    forget: Callable[[], None],
) -> None:
    """Give a module that was made without memory its weights, one tensor at a time.

    Args:
        module: on the device `meta`, see `without_memory`; weights that are not stay.
        tensors: by the module's own names; what it does not know is left out. Each is taken out as
            it is copied, so that what a converter made of it is not held beside the copy.
        dtype: of every weight that is no whole number.
        forget: gives the pages back that the tensors lie in.

    Raises:
        ValueError: when a weight is missing, has another shape, or is not finite.
    """
    copied = 0
    tied: dict[str, str] = getattr(module, "all_tied_weights_keys", None) or {}
    for name, wanted in list(module.state_dict(keep_vars=True).items()):
        there = isinstance(wanted, torch.nn.Parameter) and wanted.device.type != "meta"
        if there or name in tied:
            continue
        tensor = tensors.pop(name, None)
        if tensor is None:
            raise ValueError(f"it lacks {name[:80]}")
        if tensor.shape != wanted.shape:
            shapes = f"{tuple(tensor.shape)} and not {tuple(wanted.shape)}"
            raise ValueError(f"its {name[:80]} has the shape {shapes}")
        kind = dtype if wanted.is_floating_point() else wanted.dtype
        own = torch.empty(tensor.shape, dtype=kind, device=device).copy_(tensor)
        if own.is_floating_point() and not bool(torch.isfinite(own.float().sum())):
            raise ValueError(f"its {name[:80]} is not finite")
        # Whether it could be trained decides between kernels, and so over the last bits: it stays
        # as the libraries themselves leave it.
        kept = isinstance(wanted, torch.nn.Parameter)
        trains = wanted.requires_grad
        _put(module, name, torch.nn.Parameter(own, requires_grad=trains) if kept else own)
        copied += tensor.numel() * tensor.element_size()
        if copied >= FORGET_EVERY:
            forget()
            copied = 0
    forget()
    for name, source in tied.items():
        _put(module, name, module.get_parameter(source))
    # Buffers that no file holds, such as the numbers of the positions.
    module.to(device)


def _put(module: torch.nn.Module, name: str, value: torch.Tensor) -> None:
    owner, _, last = name.rpartition(".")
    place = module.get_submodule(owner)
    if isinstance(value, torch.nn.Parameter):
        place.register_parameter(last, value)
    else:
        place.register_buffer(last, value)


def check_format(path: Path, what: str, code: str) -> None:
    """Refuse a file that could hold code.

    Args:
        what: it is, with its name, such as `LoRA ink`.
        code: of the refusal.

    Raises:
        AppError: `code`, for any file that is not safetensors.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise AppError(
            code,
            f"The {what} is a {path.suffix or 'file without a name'}, and such files can hold "
            "code; only .safetensors is read.",
            hint="Let the program convert it first.",
        )


def without_memory() -> Any:
    """A context in which modules are made whose weights take no memory and have no values."""
    return accelerate.init_empty_weights()
