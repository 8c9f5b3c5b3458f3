"""The identity of a model: one hash over all its tensors, whatever the files around them."""

import hashlib
import json
import os
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.library.reading import VOCABULARY_MAX, read_json
from desktop_app.library.safety import WEIGHTS

HEADER_MAX = 100_000_000
"""Bytes; what the safetensors library itself allows."""
_BLOCK = 4 * 1024 * 1024
_CACHE_MAX = 8 * 1024 * 1024
_BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4},
    **{"U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32},
    **{"U64": 64, "I64": 64, "F64": 64, "C64": 64, "F6_E2M3": 6, "F6_E3M2": 6},
}

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Hashes:
    """Hashes of model folders, remembered by the size, time and number of every file."""

    def __init__(self, cache: Path) -> None:
        """Args:
        cache: the file to remember them in; it may be lost at any time.
        """
        self._cache = cache
        self._lock = threading.Lock()
        self._known: dict[str, object] | None = None

    def tensor_sha256(self, folder: Path, progress: Progress | None = None) -> str:
        """The hash of a folder's tensors, 64 hex digits; files are read only when they changed.

        Raises:
            AppError: `model-damaged` or `model-file`.
        """
        files = weight_files(folder)
        marks = [_mark(folder, path) for _, path in files]
        key = str(folder.absolute())
        with self._lock:
            known = self._entries().get(key)
        if isinstance(known, dict):
            entry = cast(dict[str, object], known)
            digest = entry.get("sha256")
            if entry.get("files") == marks and isinstance(digest, str) and len(digest) == 64:
                return digest
        digest = tensor_sha256(folder, progress)
        if [_mark(folder, path) for _, path in files] == marks:
            self._keep(key, {"files": marks, "sha256": digest})
        return digest

    def _entries(self) -> dict[str, object]:
        if self._known is None:
            try:
                self._known = read_json(self._cache, _CACHE_MAX)
            except AppError:
                self._known = {}
        return self._known

    def _keep(self, key: str, entry: dict[str, object]) -> None:
        with self._lock:
            known = {name: old for name, old in self._entries().items() if Path(name).is_dir()}
            self._known = {**known, key: entry}
            try:
                write_atomically(self._cache, json.dumps(self._known).encode())
            except OSError:
                return  # the next start computes it again


def tensor_sha256(folder: Path, progress: Progress | None = None) -> str:
    """Hash every tensor of every part: name, type, shape and bytes.

    The order of the tensors in the files, how they are split over files, and the files' metadata
    make no difference.

    Raises:
        AppError: `model-damaged` for a file that is cut short or contradicts itself.
    """
    files = weight_files(folder)
    total = sum(path.stat().st_size for _, path in files)
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress(done, total)

    rows: dict[tuple[str, str], tuple[_Tensor, bytes]] = {}
    for part, path in files:
        for tensor, digest in _hash_file(path, count):
            if (part, tensor.name) in rows:
                raise _damaged(path, f"the tensor {tensor.name[:80]!r} stands in it twice")
            rows[part, tensor.name] = tensor, digest
    whole = hashlib.sha256()
    for (part, name), (tensor, digest) in sorted(rows.items(), key=lambda row: row[0]):
        about = json.dumps([part, name, tensor.dtype, tensor.shape], ensure_ascii=False)
        whole.update(about.encode() + b"\0" + digest)
    return whole.hexdigest()


def weight_files(folder: Path) -> list[tuple[str, Path]]:
    """The files that are loaded, each with its part: one for a part, or the pieces of its index.

    Raises:
        AppError: `model-damaged` when an index names files that are not there.
    """
    found: list[tuple[str, Path]] = []
    for part, name in WEIGHTS.items():
        whole = folder / part / name
        if whole.is_file():
            found.append((part, whole))
            continue
        index = whole.with_name(f"{name}.index.json")
        pieces = read_json(index, VOCABULARY_MAX).get("weight_map")
        if not isinstance(pieces, dict):
            raise _damaged(index, "it names no files")
        values = cast(dict[str, object], pieces).values()
        names = sorted({value for value in values if isinstance(value, str)})
        for piece in names:
            path = folder / part / piece
            if Path(piece).name != piece or not piece.endswith(".safetensors"):
                raise _damaged(index, f"it names {piece[:80]!r}, which is no file beside it")
            if not path.is_file():
                raise _damaged(index, f"its piece {piece[:80]!r} is missing")
            found.append((part, path))
    return found


def _mark(folder: Path, path: Path) -> list[object]:
    about = path.stat()
    return [
        path.relative_to(folder).as_posix(),
        about.st_size,
        about.st_mtime_ns,
        about.st_ino,
    ]


def _hash_file(path: Path, count: Callable[[int], None]) -> Iterable[tuple[_Tensor, bytes]]:
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            tensors, start = _header(path, stream.read(8), stream.read, size)
            count(start)
            for tensor in tensors:
                digest = hashlib.sha256()
                left = tensor.end - tensor.start
                while left:
                    block = stream.read(min(left, _BLOCK))
                    if not block:
                        raise _damaged(path, "it is cut short")
                    digest.update(block)
                    left -= len(block)
                    count(len(block))
                yield tensor, digest.digest()
    except OSError as fault:
        raise _damaged(path, fault.strerror or "the disk does not read it") from fault


def _header(
    path: Path, first: bytes, read: Callable[[int], bytes], size: int
) -> tuple[list[_Tensor], int]:
    """The tensors in the order of their bytes, and where the bytes begin."""
    if len(first) < 8:
        raise _damaged(path, "it is cut short")
    (length,) = struct.unpack("<Q", first)
    if length > min(HEADER_MAX, size - 8):
        raise _damaged(path, "it is cut short or no safetensors file")
    try:
        parsed: object = json.loads(read(length).decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        raise _damaged(path, "its header is no valid JSON") from fault
    if not isinstance(parsed, dict):
        raise _damaged(path, "its header lists no tensors")
    rows = cast(dict[str, object], parsed)
    tensors = [_tensor(path, name, row) for name, row in rows.items() if name != "__metadata__"]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    place = 0
    for tensor in tensors:
        if tensor.start != place:
            raise _damaged(path, f"the tensor {tensor.name[:80]!r} does not lie where it should")
        place = tensor.end
    if 8 + length + place != size:
        raise _damaged(path, "it is cut short" if 8 + length + place > size else "it is too long")
    return tensors, 8 + length


def _tensor(path: Path, name: str, row: object) -> _Tensor:
    fields = cast(dict[str, object], row) if isinstance(row, dict) else {}
    dtype, shape, ends = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    sides = _whole_numbers(shape)
    places = _whole_numbers(ends)
    if not isinstance(dtype, str) or sides is None or places is None or len(places) != 2:
        raise _damaged(path, f"the tensor {name[:80]!r} is not described")
    count = 1
    for side in sides:
        count *= side
    bits = _BITS.get(dtype)
    if bits is None or count * bits != (places[1] - places[0]) * 8:
        raise _damaged(path, f"the tensor {name[:80]!r} has not the size that it should have")
    return _Tensor(name=name, dtype=dtype, shape=sides, start=places[0], end=places[1])


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    numbers = cast(list[object], value)
    good = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)
    return tuple(cast(list[int], numbers)) if good and len(numbers) <= 16 else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping whose keys stand in the text once; safetensors itself takes the last of two."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _damaged(path: Path, reason: str) -> AppError:
    return AppError(
        "model-damaged",
        f"The model's file “{path}” is damaged: {reason}.",
        hint="Copy or download the model again.",
        path=str(path),
    )
