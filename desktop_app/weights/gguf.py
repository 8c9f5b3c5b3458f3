"""The header of a GGUF file (version 2 and 3 of ggml's format), read within bounds."""

import os
import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import IO

from desktop_app.errors import AppError
from desktop_app.weights.headers import Header, Tensor, damaged

BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
"""ggml's number of a type -> its name, the numbers in a block, and the bytes of a block."""

_FILE_TYPES: Mapping[int, str] = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K"},
    **{11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S"},
    **{17: "Q5_K_M", 18: "Q6_K", 21: "Q2_K_S", 25: "IQ4_NL", 30: "IQ4_XS", 32: "BF16"},
}
_SCALARS: Mapping[int, str] = {
    **{0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i"},
    **{6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"},
}
_STRING, _ARRAY = 8, 9
_HEADER_MAX = 128 * 1024 * 1024
_VALUES_MAX = 20_000_000
_TEXT_KEPT = 20_000
_ROWS_MAX = 100_000
_ALIGNMENT_MAX = 1 << 20


def read_header(path: Path) -> Header:
    """The header of a GGUF file; its metadata has `quantisation` where the file names it.

    Raises:
        AppError: `model-damaged` for what is cut short or contradicts itself.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return _Reader(path, stream, size).header()
    except OSError as fault:
        raise damaged(path, fault.strerror or "the disk does not read it") from fault


class _Reader:
    """Walks a header; every length in it may be a lie."""

    def __init__(self, path: Path, stream: IO[bytes], size: int) -> None:
        self._path = path
        self._stream = stream
        self._size = size
        self._left = min(size, _HEADER_MAX)
        self._values = _VALUES_MAX
        self._metadata: dict[str, str] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def header(self) -> Header:
        if self._take(4) != b"GGUF":
            raise self._damaged("it is no GGUF file")
        version = self._number("I")
        if version not in (2, 3):
            raise self._damaged(f"its version {version} is unknown")
        count, pairs = self._number("Q"), self._number("Q")
        if count > _ROWS_MAX or pairs > _ROWS_MAX:
            raise self._damaged("it lists too much to be real")
        for _ in range(pairs):
            self._pair()
        rows = dict(self._row() for _ in range(count))
        if len(rows) != count:
            raise self._damaged("a name stands in it twice")
        return self._placed(rows)

    def _placed(self, rows: dict[str, Tensor]) -> Header:
        text = self._metadata.get("general.alignment", "32")
        step = int(text) if text.isdigit() and len(text) < 8 else 0
        if not 0 < step <= _ALIGNMENT_MAX:
            raise self._damaged("its alignment is not real")
        start = -(-self._stream.tell() // step) * step
        place = 0
        for name, row in sorted(rows.items(), key=lambda each: each[1].start):
            if row.start < place or start + row.end > self._size:
                raise self._damaged(f"the tensor {name[:80]!r} does not lie where it should")
            place = row.end
        kind = self._metadata.get("general.file_type", "")
        named = _FILE_TYPES.get(int(kind)) if kind.isdigit() and len(kind) < 6 else None
        told = {**self._metadata, "quantisation": named} if named else self._metadata
        return Header(tensors=rows, metadata=told, data_start=start, size=self._size)

    def _pair(self) -> None:
        key = self._text(1024)
        kind = self._number("I")
        if kind == _STRING:
            text = self._text(self._left)
            self._metadata[key] = text[:_TEXT_KEPT]
        elif kind == _ARRAY:
            self._array(key)
        else:
            self._metadata[key] = str(self._number(self._scalar(kind)))

    def _array(self, key: str) -> None:
        kind, count = self._number("I"), self._number("Q")
        self._values -= count
        if self._values < 0:
            raise self._damaged("it lists too much to be real")
        if kind == _STRING:
            for _ in range(count):
                self._skip(self._number("Q"))
            return
        letter = self._scalar(kind)
        if key.startswith("comfy.gguf.orig_shape.") and count <= 16 and letter in "Ii":
            self._shapes[key[22:]] = tuple(self._number(letter) for _ in range(count))
            return
        self._skip(count * struct.calcsize(letter))

    def _row(self) -> tuple[str, Tensor]:
        name = self._text(1024)
        dimensions = self._number("I")
        if dimensions > 8:
            raise self._damaged(f"the tensor {name[:80]!r} is not described")
        shape = tuple(reversed([self._number("Q") for _ in range(dimensions)]))
        kind, start = self._number("I"), self._number("Q")
        if kind not in BLOCKS:
            raise self._damaged(f"the tensor {name[:80]!r} has a type that is unknown")
        dtype, numbers, size = BLOCKS[kind]
        count = prod(shape)
        if count % numbers:
            raise self._damaged(f"the tensor {name[:80]!r} has not the size that it should have")
        told = self._shapes.get(name, shape)
        shown = told if prod(told) == count else shape
        return name, Tensor(dtype, shown, start, start + count // numbers * size)

    def _scalar(self, kind: int) -> str:
        letter = _SCALARS.get(kind)
        if letter is None:
            raise self._damaged("it holds a value of an unknown type")
        return letter

    def _number(self, letter: str) -> int:
        (value,) = struct.unpack(f"<{letter}", self._take(struct.calcsize(letter)))
        return value

    def _text(self, limit: int) -> str:
        size = self._number("Q")
        if size > limit:
            raise self._damaged("a name in it is too long to be real")
        return self._take(size).decode("utf-8", "replace")

    def _take(self, size: int) -> bytes:
        self._count(size)
        data = self._stream.read(size)
        if len(data) < size:
            raise self._damaged("it is cut short")
        return data

    def _skip(self, size: int) -> None:
        self._count(size)
        if size:
            # Reading keeps the place in the buffer, where seeking would throw it away.
            passes: Callable[[int], object] = self._stream.read
            passes(size) if size < 65_536 else self._stream.seek(size, os.SEEK_CUR)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self._damaged("it is cut short, or its header is too large to be real")

    def _damaged(self, reason: str) -> AppError:
        return damaged(self._path, reason)
