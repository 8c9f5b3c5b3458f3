"""The identity of a model: one hash over all its tensors, whatever the files around them."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, cast

from desktop_app.errors import AppError, Cancelled
from desktop_app.files import write_atomically
from desktop_app.library.identify import SAFE
from desktop_app.library.reading import VOCABULARY_MAX, read_json
from desktop_app.library.safety import weight_parts
from desktop_app.weights import gguf
from desktop_app.weights.headers import Header, Tensor, damaged, parse_header
from desktop_app.weights.variants import variant_in, with_variant

_BLOCK = 4 * 1024 * 1024
_SMALL = 65_536
"""Bytes below which handing a block to another thread costs more than hashing it."""
_CACHE_MAX = 8 * 1024 * 1024

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


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
        found = self._found(folder, marks)
        if found is not None:
            return found
        digest = tensor_sha256(folder, progress)
        if [_mark(folder, path) for _, path in files] == marks:
            self._keep(str(folder.absolute()), {"files": marks, "sha256": digest})
        return digest

    def known(self, folder: Path) -> str | None:
        """The hash, where it is remembered and the files are as they were; nothing is computed."""
        try:
            return self._found(folder, [_mark(folder, path) for _, path in weight_files(folder)])
        except (AppError, OSError):
            return None

    def _found(self, folder: Path, marks: list[list[object]]) -> str | None:
        with self._lock:
            known = self._entries().get(str(folder.absolute()))
        entry = cast(dict[str, object], known) if isinstance(known, dict) else {}
        digest = entry.get("sha256")
        good = entry.get("files") == marks and isinstance(digest, str) and len(digest) == 64
        return digest if good and isinstance(digest, str) else None

    def _entries(self) -> dict[str, object]:
        if self._known is None:
            try:
                self._known = read_json(self._cache, _CACHE_MAX)
            except AppError:
                self._known = {}
        return self._known

    def _keep(self, key: str, entry: dict[str, object]) -> None:
        with self._lock:
            known = {name: old for name, old in self._entries().items() if _may_return(Path(name))}
            self._known = {**known, key: entry}
            try:
                write_atomically(self._cache, json.dumps(self._known).encode())
            except OSError:
                return  # the next start computes it again


def _may_return(folder: Path) -> bool:
    """Whether it is there, or everything around it is gone as well, as with a drive."""
    return folder.is_dir() or not folder.parent.is_dir()


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

    rows: dict[tuple[str, str], tuple[Tensor, bytes]] = {}
    for part, path in files:
        for name, tensor, digest in _hash_file(path, count):
            if (part, name) in rows:
                raise damaged(path, f"the tensor {name[:80]!r} stands in it twice")
            rows[part, name] = tensor, digest
    return _together(rows)


def weight_files(folder: Path) -> list[tuple[str, Path]]:
    """The files that are loaded, each with its part: one for a part, or the pieces of its index.

    Raises:
        AppError: `model-damaged` when an index names files that are not there.
    """
    found: list[tuple[str, Path]] = []
    index = read_json(folder / "model_index.json")
    for part, name in weight_parts(index).items():
        variant = variant_in(folder / part, name) or ""
        whole = folder / part / with_variant(name, variant)
        if whole.is_file():
            found.append((part, whole))
            continue
        index = folder / part / with_variant(f"{name}.index.json", variant)
        pieces = read_json(index, VOCABULARY_MAX).get("weight_map")
        if not isinstance(pieces, dict):
            raise damaged(index, "it names no files")
        values = cast(dict[str, object], pieces).values()
        names = sorted({value for value in values if isinstance(value, str)})
        for piece in names:
            path = folder / part / piece
            if Path(piece).name != piece or not piece.endswith(".safetensors"):
                raise damaged(index, f"it names {piece[:80]!r}, which is no file beside it")
            if not path.is_file():
                raise damaged(index, f"its piece {piece[:80]!r} is missing")
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


def file_sha256(
    path: Path, progress: Progress | None = None, stop: Callable[[], bool] | None = None
) -> tuple[str | None, str]:
    """The hash of a single file's tensors, and that of the whole file, in one reading.

    The first is made as a folder's is, with no part's name; a pickle has none, because it is not
    opened. The second is what other programs and Civitai know the file by.

    Args:
        stop: asked between blocks; true breaks off.

    Raises:
        AppError: `model-damaged`.
        Cancelled: when `stop` said so.
    """
    rows: dict[str, tuple[Tensor, bytes]] = {}
    done = 0
    try:
        with path.open("rb") as stream, ThreadPoolExecutor(1) as helper:
            whole = _Beside(helper)
            size = os.fstat(stream.fileno()).st_size
            header = _header_of(path, stream, size)

            def read(length: int) -> bytes:
                nonlocal done
                block = stream.read(length)
                if len(block) < length:
                    raise damaged(path, "it is cut short")
                whole.update(block)
                done += length
                if stop is not None and stop():
                    raise Cancelled
                if progress is not None:
                    progress(done, size)
                return block

            for name, tensor in _in_order(header):
                _pass(read, header.data_start + tensor.start - done)
                rows[name] = tensor, _digest(read, tensor.end - tensor.start)
            _pass(read, size - done)
            digest = whole.hexdigest()
    except OSError as fault:
        raise damaged(path, fault.strerror or "the disk does not read it") from fault
    if path.suffix.lower() not in SAFE:
        return None, digest
    return _together({("", name): row for name, row in rows.items()}), digest


class _Beside:
    """A hash that is computed in another thread, one block behind at most."""

    def __init__(self, helper: ThreadPoolExecutor) -> None:
        self._helper = helper
        self._hash = hashlib.sha256()
        self._last: Future[None] | None = None

    def update(self, block: bytes) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None
        if len(block) < _SMALL:
            self._hash.update(block)
        else:
            self._last = self._helper.submit(self._hash.update, block)

    def hexdigest(self) -> str:
        self.update(b"")
        return self._hash.hexdigest()


def _header_of(path: Path, stream: IO[bytes], size: int) -> Header:
    """What lies where; one without tensors for a pickle. The stream stands at the beginning."""
    suffix = path.suffix.lower()
    if suffix == ".gguf":
        header = gguf.read_header(path)
    elif suffix in SAFE:
        header = parse_header(path, stream, size)
    else:
        header = Header(tensors={}, data_start=0, size=size)
    stream.seek(0)
    return header


def _in_order(header: Header) -> list[tuple[str, Tensor]]:
    return sorted(header.tensors.items(), key=lambda row: (row[1].start, row[1].end))


def _pass(read: Callable[[int], bytes], length: int) -> None:
    while length > 0:
        length -= len(read(min(length, _BLOCK)))


def _digest(read: Callable[[int], bytes], length: int) -> bytes:
    digest = hashlib.sha256()
    while length > 0:
        block = read(min(length, _BLOCK))
        digest.update(block)
        length -= len(block)
    return digest.digest()


def _hash_file(path: Path, count: Callable[[int], None]) -> Iterable[tuple[str, Tensor, bytes]]:
    try:
        with path.open("rb") as stream:
            header = parse_header(path, stream, os.fstat(stream.fileno()).st_size)
            count(header.data_start)

            def read(length: int) -> bytes:
                block = stream.read(length)
                if len(block) < length:
                    raise damaged(path, "it is cut short")
                count(length)
                return block

            for name, tensor in header.tensors.items():
                yield name, tensor, _digest(read, tensor.end - tensor.start)
    except OSError as fault:
        raise damaged(path, fault.strerror or "the disk does not read it") from fault


def _together(rows: Mapping[tuple[str, str], tuple[Tensor, bytes]]) -> str:
    whole = hashlib.sha256()
    for (part, name), (tensor, digest) in sorted(rows.items(), key=lambda row: row[0]):
        about = json.dumps([part, name, tensor.dtype, tensor.shape], ensure_ascii=False)
        whole.update(about.encode("utf-8", "surrogatepass") + b"\0" + digest)
    return whole.hexdigest()
