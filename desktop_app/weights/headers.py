"""The headers of safetensors and GGUF files, read within bounds and without their tensors."""

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from statistics import pstdev
from typing import IO, Any, NamedTuple, cast

from desktop_app.errors import AppError

HEADER_MAX = 100_000_000
"""Bytes; what the safetensors library itself allows."""
TENSORS_MAX = 1_000_000
BITS: Mapping[str, int] = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4},
    **{"U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32},
    **{"U64": 64, "I64": 64, "F64": 64, "C64": 64, "F6_E2M3": 6, "F6_E3M2": 6},
}
"""Bits of one number by the name that safetensors gives its type."""
_BRACKETS_MAX = 4 * TENSORS_MAX
_DIMENSIONS_MAX = 16
_SMALL = 65_536


class Tensor(NamedTuple):
    """One row of a header.

    Attributes:
        dtype: `F16` and so on; for GGUF its own names, such as `Q4_K`.
        shape: as torch has it, the slowest dimension first.
        start: of its bytes behind the header; so is `end`.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a file says before its tensors begin.

    Attributes:
        tensors: by name.
        metadata: texts that its maker put in; `general.architecture` and so on for GGUF.
        data_start: bytes before the first tensor.
        size: bytes of the whole file.
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    data_start: int
    size: int


def read_header(path: Path) -> Header:
    """The header of a safetensors file.

    Raises:
        AppError: `model-damaged` for what is cut short, contradicts itself or names a tensor twice.
    """
    try:
        with path.open("rb") as stream:
            return parse_header(path, stream, os.fstat(stream.fileno()).st_size)
    except OSError as fault:
        raise damaged(path, fault.strerror or "the disk does not read it") from fault


def parse_header(path: Path, stream: IO[bytes], size: int) -> Header:
    """The header of an open safetensors file; the stream stands at the first tensor afterwards.

    Args:
        path: for the sentences.
        size: bytes of the whole file.

    Raises:
        AppError: as `read_header`.
    """
    first = stream.read(8)
    if len(first) < 8:
        raise damaged(path, "it is cut short")
    (length,) = struct.unpack("<Q", first)
    if length > min(HEADER_MAX, size - 8):
        raise damaged(path, "it is cut short or no safetensors file")
    raw = stream.read(length)
    # A list or a mapping costs 20 times its two characters in memory.
    if len(raw) < length or raw.count(b"{") + raw.count(b"[") > _BRACKETS_MAX:
        raise damaged(path, "its header is cut short or too large to be real")
    rows = _parse(path, raw)
    told = rows.pop("__metadata__", None)
    tensors = _tensors(path, rows)
    end = max((tensor.end for tensor in tensors.values()), default=0)
    if 8 + length + end != size:
        raise damaged(path, "it is cut short" if 8 + length + end > size else "it is too long")
    return Header(tensors=tensors, metadata=_texts(told), data_start=8 + length, size=size)


def spread(path: Path, header: Header, name: str) -> float:
    """Standard deviation of a small tensor's numbers; 0 where it is not there, large or packed.

    The one look behind the header that identification takes: some kilobytes of one tensor.
    """
    row = header.tensors.get(name)
    if row is None or row.dtype not in ("F32", "F16", "BF16") or row.end - row.start > _SMALL:
        return 0.0
    try:
        with path.open("rb") as stream:
            stream.seek(header.data_start + row.start)
            data = stream.read(row.end - row.start)
    except OSError:
        return 0.0
    if row.dtype == "BF16":  # the upper half of a float32
        data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
    letter = "e" if row.dtype == "F16" else "f"
    numbers = struct.unpack(f"<{len(data) // struct.calcsize(letter)}{letter}", data)
    if len(numbers) < 2 or not all(map(isfinite, numbers)):
        return 0.0
    return pstdev(numbers)


def _parse(path: Path, raw: bytes) -> dict[str, object]:
    try:
        text = raw.decode()
        parsed: object = json.loads(text)
        # A hook for every mapping doubles the time. Names that stand once are as many as their
        # rows, unless some are written with escapes.
        once = b"\\u" not in raw and isinstance(parsed, dict)
        if not once or raw.count(b'"data_offsets"') != _rows(cast(dict[str, object], parsed)):
            parsed = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        raise damaged(path, "its header is no valid JSON, or names a tensor twice") from fault
    if not isinstance(parsed, dict):
        raise damaged(path, "its header lists no tensors")
    return cast(dict[str, object], parsed)


def _rows(parsed: Mapping[str, object]) -> int:
    return len(parsed) - ("__metadata__" in parsed)


def _tensors(path: Path, rows: Mapping[str, object]) -> dict[str, Tensor]:
    """Every row checked: known type, size and place, without gap or overlap."""
    if len(rows) > TENSORS_MAX:
        raise damaged(path, "it lists too many tensors to be real")
    found: dict[str, Tensor] = {}
    place, in_order = 0, True
    for name, row in rows.items():
        tensor = _tensor(row)
        if tensor is None:
            raise damaged(path, f"the tensor {name[:80]!r} is not described, or not as large")
        in_order = in_order and tensor[2] == place
        place = tensor[3]
        found[name] = tensor
    if in_order:
        return found
    found = dict(sorted(found.items(), key=lambda row: (row[1].start, row[1].end)))
    place = 0
    for name, tensor in found.items():
        if tensor.start != place:
            raise damaged(path, f"the tensor {name[:80]!r} does not lie where it should")
        place = tensor.end
    return found


def _tensor(row: Any) -> Tensor | None:
    """One row; None for any that is not what it should be.

    Plain steps, because this runs a million times where there are a thousand files.
    """
    try:
        dtype = row["dtype"]
        bits = BITS[dtype]
        shape: list[int] = row["shape"]
        start, end = row["data_offsets"]
    except (KeyError, TypeError, ValueError):
        return None
    if type(shape) is not list or len(shape) > _DIMENSIONS_MAX:
        return None
    for side in shape:
        if type(side) is not int or side < 0:
            return None
        bits *= side
    if type(start) is not int or type(end) is not int or start < 0 or bits != (end - start) * 8:
        return None
    return Tensor(dtype, tuple(shape), start, end)


def _texts(value: object) -> dict[str, str]:
    rows = cast(dict[str, object], value) if isinstance(value, dict) else {}
    return {name: text for name, text in rows.items() if isinstance(text, str)}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping whose keys stand in the text once; safetensors itself takes the last of two."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def damaged(path: Path, reason: str) -> AppError:
    """A file that contradicts itself."""
    return AppError(
        "model-damaged",
        f"The model's file “{path}” is damaged: {reason}.",
        hint="Copy or download the model again.",
        path=str(path),
    )
