"""A file is either the old one or the new one, whatever happens while it is written."""

import os
import secrets
from pathlib import Path

PARTIAL_SUFFIX = ".part"
"""Ends the name of a file that is still being written; left behind only by a killed program."""


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, making the folder if need be.

    The bytes reach the disk under another name in the same folder first, so that a reader, a full
    disk or a kill finds the old file or the new one and nothing between.

    Raises:
        OSError: nothing was changed at `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


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
