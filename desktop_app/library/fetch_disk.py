"""Room on the disk for what is fetched, and what its refusals mean."""

import errno
import shutil
from pathlib import Path

from desktop_app.errors import AppError

RESERVE = 256 * 1024 * 1024
"""Bytes that a download leaves free on the disk, for pictures and for the system."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def check_room(folder: Path, wanted: int) -> None:
    """Look whether `wanted` bytes fit below `folder` and something stays free.

    Raises:
        AppError: `disk-full`.
    """
    free = free_bytes(folder)
    if free < wanted + RESERVE:
        raise AppError(
            "disk-full",
            f"The disk with “{folder}” has {free / 1e9:,.1f} GB free; "
            f"{(wanted + RESERVE) / 1e9:,.1f} GB are needed.",
            hint="Make room, then go on; what is here is kept.",
            free=free,
            wanted=wanted,
        )


def free_bytes(folder: Path) -> int:
    """Bytes that are free on the disk where `folder` is, or will be."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def disk_problem(fault: OSError, folder: Path) -> AppError:
    """What a refusal of the disk means for a download into `folder`."""
    if fault.errno in _FULL:
        return AppError(
            "disk-full",
            f"The disk with “{folder}” is full.",
            hint="Make room, then go on; what is here is kept.",
        )
    return AppError(
        "download-folder",
        f"The folder “{folder}” cannot be written to: {fault.strerror or fault}.",
        hint="Look whether the drive is there and may be written to, then go on.",
        path=str(folder),
    )
