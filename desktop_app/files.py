"""A file is either the old one or the new one, whatever happens while it is written."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

PARTIAL_SUFFIX = ".part"
"""Ends the name of a file that is still being written; left behind only by a killed program."""


@contextmanager
def replacing(path: Path, *, partial: Path | None = None, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a stream whose bytes take the place of `path` when the block ends, and not if it raises.

    The bytes reach the disk under another name in the same folder first, so that a reader, a full
    disk or a kill finds the old file or the new one and nothing between. The folder is made if need
    be.

    Args:
        partial: that other name, where what a killed program left is known and overwritten by it;
            one that no other program can guess if it is not given.
        mode: the rights of a new file, from its first byte on.

    Raises:
        OSError: nothing was changed at `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if partial is None:
        partial = path.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
    else:
        partial.unlink(missing_ok=True)
    with ExitStack() as undo:
        undo.callback(partial.unlink, missing_ok=True)
        with open(partial, "xb", opener=_opener(mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        undo.pop_all()
    sync_folder(path.parent)


def _opener(mode: int) -> Callable[[str, int], int]:
    return lambda name, flags: os.open(name, flags, mode)


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, making the folder if need be.

    Raises:
        OSError: nothing was changed at `path`.
    """
    with replacing(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Ask the disk to keep the names in `folder`, where the system can.

    A refusal is no failed save: the file is complete under its name and only a power cut within
    seconds could still take it.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        return
