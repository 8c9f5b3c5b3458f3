"""The files of the store: whole or not there, under names of their own, refused in words."""

import errno
import hashlib
import os
import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from desktop_app.errors import AppError
from desktop_app.files import PARTIAL_SUFFIX, sync_folder, write_atomically

_PARTIAL = re.compile(r"(\d{5,9}|\.[0-9a-f]{16})\.part")
_SETTLED = 60
"""Seconds after which a partial file that no lock protects is nobody's."""
_NUMBERED = re.compile(r"(\d{5,9})[-.]")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
_NAME_BYTES = 80
_DEPTH_MAX = 8


def write_atomic(path: Path, data: bytes) -> None:
    """Write `path`, replacing what was there; afterwards it holds the old or the new bytes, whole.

    Raises:
        AppError: `disk-full`, `read-only`, `folder-gone` or `write-failed`; the old file stays.
    """
    with told(path):
        write_atomically(path, data)


def write_numbered(folder: Path, ending: str, data: bytes) -> Path:
    """Write a new file `{counter:05}-{ending}` in `folder` and return its path.

    The counter is one that no other file there has, also when several programs write at once: who
    creates the temporary file of a number owns that number.

    Raises:
        AppError: as `write_atomic`; nothing stands at the final name then.
    """
    with told(folder / ending):
        _make_folder(folder)
        number = 1 + max(_numbers(folder), default=0)
        while True:
            part = folder / f"{number:05}{PARTIAL_SUFFIX}"
            try:
                handle = _create(part)
            except FileExistsError:
                number += 1
                continue
            # Another program may have finished this very number since the folder was listed.
            taken = max((n for n in _numbers(folder, but=part.name) if n >= number), default=0)
            if taken:
                os.close(handle)
                part.unlink(missing_ok=True)
                number = taken + 1
                continue
            path = folder / f"{number:05}-{ending}"
            _finish(handle, part, path, data)
            return path


def move(source: Path, target: Path) -> None:
    """Move a file, also to another disk; at every moment one of the two names holds it whole.

    Raises:
        AppError: as `write_atomic`; the file is still at `source` then.
    """
    with told(target):
        _make_folder(target.parent)
        try:
            source.rename(target)
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
            write_atomic(target, source.read_bytes())
            source.unlink()
        sync_folder(target.parent)
        sync_folder(source.parent)


def sweep(folder: Path) -> int:
    """Remove the temporary files that a killed program left below `folder`; how many there were.

    A file that a running program is writing is left alone, and so is any `.part` of others.
    """
    removed = 0
    depth = len(folder.parts)
    for place, folders, names in os.walk(folder):
        if len(Path(place).parts) - depth >= _DEPTH_MAX:
            folders.clear()
        for name in names:
            if _PARTIAL.fullmatch(name) and _remove_orphan(Path(place, name)):
                removed += 1
    return removed


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a plain file.

    Raises:
        AppError: as `opened`, or `file-size`.
    """
    with opened(path) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise AppError("file-size", f"“{path}” is too large to be real.", path=str(path))
    return data


@contextmanager
def opened(path: Path) -> Generator[BinaryIO]:
    """Open a file for reading, and say in words what goes wrong.

    Raises:
        AppError: `file-missing`, `file-kind` (a folder) or `file-unreadable`.
    """
    if "\0" in str(path):
        raise AppError("file-unreadable", "The file has no usable name.")
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as fault:
        raise AppError("file-missing", f"“{path}” is not there.", path=str(path)) from fault
    except IsADirectoryError as fault:
        raise AppError("file-kind", f"“{path}” is a folder.", path=str(path)) from fault
    except OSError as fault:
        reason = fault.strerror or "the disk does not give it"
        raise AppError(
            "file-unreadable", f"“{path}” cannot be read: {reason}.", path=str(path)
        ) from fault


def safe_name(text: str) -> str:
    """A file name without ending for any text: readable, good on every system, up to 94 bytes.

    Texts that differ get names that differ, also where upper and lower case are the same.
    """
    plain = unicodedata.normalize("NFC", text)
    kept = "".join(c if c.isalnum() or c in "-_" else " " for c in plain)
    words = "-".join(kept.split()).encode()[:_NAME_BYTES].decode(errors="ignore") or "unnamed"
    mark = hashlib.sha256(plain.encode(errors="replace")).hexdigest()[:12]
    return f"x{words}-{mark}" if words.lower() in _RESERVED else f"{words}-{mark}"


@contextmanager
def told(path: Path) -> Generator[None]:
    """Say an OSError about `path` in words.

    Raises:
        AppError: `disk-full`, `read-only`, `folder-gone` or `write-failed`.
    """
    try:
        yield
    except OSError as fault:
        raise _refusal(path, fault) from fault


def free_space(path: Path) -> int:
    """Bytes free on the disk of `path`, which need not exist; -1 when it cannot be known."""
    for folder in (path, *path.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return -1


def _refusal(path: Path, fault: OSError) -> AppError:
    folder = path.parent
    free = free_space(folder)
    facts: dict[str, Any] = {"path": str(path), "free": free}
    match fault.errno:
        case errno.ENOSPC | errno.EDQUOT:
            shown = f" ({free / 1e6:,.0f} MB free)" if free >= 0 else ""
            return AppError(
                "disk-full",
                f"Nothing could be saved in “{folder}”: the disk is full{shown}.",
                hint="Free some space, or choose another folder, and try again.",
                **facts,
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return AppError(
                "read-only",
                f"Nothing could be saved in “{folder}”: the folder may not be written to.",
                hint="Choose another folder, or change its permissions, and try again.",
                **facts,
            )
        case errno.ENOENT | errno.ENOTDIR | errno.EEXIST | errno.ENODEV | errno.ESTALE | errno.EIO:
            return AppError(
                "folder-gone",
                f"Nothing could be saved in “{folder}”: the folder cannot be reached.",
                hint="Connect its drive again, or choose another folder, and try again.",
                **facts,
            )
        case _:
            reason = fault.strerror or str(fault)
            return AppError(
                "write-failed", f"Nothing could be saved in “{folder}”: {reason}.", **facts
            )


def _create(part: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(part, flags, 0o666)
    _hold(handle)
    return handle


def _finish(handle: int, part: Path, path: Path, data: bytes) -> None:
    opened = True
    try:
        with ExitStack() as undo:
            undo.callback(_drop, part)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
            if sys.platform == "win32":  # which cannot rename an open file
                opened = False
                os.close(handle)
            part.replace(path)
            undo.pop_all()
    finally:
        if opened:
            _close_whole(handle)
    sync_folder(path.parent)


def _close_whole(handle: int) -> None:
    try:
        os.close(handle)
    except OSError:
        pass  # after the fsync all is on the disk: this cannot undo the save


def _drop(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        pass  # the sweep at the next start takes it


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def _numbers(folder: Path, but: str = "") -> Iterator[int]:
    for path in folder.iterdir():
        found = _NUMBERED.match(path.name)
        if found and path.name != but:
            yield int(found[1])


def _hold(handle: int) -> None:
    """Mark the file as being written, for the sweep of another program; gone with the process."""
    if sys.platform != "win32":
        import fcntl

        try:
            # Waits for a sweep that looks at the file this very moment.
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            pass  # some network disks have no locks


def _remove_orphan(part: Path) -> bool:
    """Remove a partial file unless a program is writing it, as its lock or its age says."""
    try:
        numbered = not part.name.startswith(".")
        if not numbered and time.time() - part.stat().st_mtime < _SETTLED:
            return False
        if sys.platform == "win32" or not numbered:
            part.unlink()  # Windows refuses while another program has it open
            return True
        import fcntl

        handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(handle)
            if not found.st_size and time.time() - found.st_mtime < _SETTLED:
                return False  # its writer locks it first and writes then: perhaps it is about to
            part.unlink()
        finally:
            os.close(handle)
    except OSError:
        return False
    return True
