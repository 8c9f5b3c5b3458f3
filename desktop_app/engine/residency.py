"""Which device computes, in which precision, and what to try when memory or numbers run out."""

import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from desktop_app.engine.backend import DeviceChoice, DeviceInfo
from desktop_app.engine.events import DecodeWay
from desktop_app.errors import AppError

log = logging.getLogger(__name__)

Trouble = Literal["memory", "numbers"]
KEEP_MODELS = 2
KEEP_SHARE = 0.25
"""Share of the memory that models waiting for their next use may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One way to decode.

    Attributes:
        cures: the troubles of the attempt before it that this one may help against.
    """

    way: DecodeWay
    device: torch.device
    dtype: torch.dtype
    tiled: bool
    cures: frozenset[Trouble]


def choose_device(wanted: str | None) -> torch.device:
    """The device asked for, or the best one there is."""
    if wanted:
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    if torch.xpu.is_available():
        return torch.device("xpu")
    return torch.device("cpu")


def choose_dtype(device: torch.device) -> torch.dtype:
    """Half precision where it is quick and sound: on GPUs with memory of their own."""
    return torch.float16 if device.type in ("cuda", "xpu") else torch.float32


def ladder(device: torch.device, dtype: torch.dtype, *, can_tile: bool) -> tuple[Attempt, ...]:
    """The ways to decode a latent, in the order to try them.

    Args:
        can_tile: whether the VAE can decode tile by tile. Tiles save memory but leave faint seams,
            and they do not help against numbers that half precision cannot hold.
    """
    cpu = torch.device("cpu")
    memory, numbers = frozenset[Trouble]({"memory"}), frozenset[Trouble]({"numbers"})
    rungs = [Attempt(way="plain", device=device, dtype=dtype, tiled=False, cures=memory | numbers)]
    if can_tile:
        rungs.append(Attempt(way="tiled", device=device, dtype=dtype, tiled=True, cures=memory))
    if dtype != torch.float32:
        rungs.append(
            Attempt(
                way="float32", device=device, dtype=torch.float32, tiled=can_tile, cures=numbers
            )
        )
    if device.type != "cpu":
        rungs.append(
            Attempt(
                way="cpu", device=cpu, dtype=torch.float32, tiled=can_tile, cures=memory | numbers
            )
        )
    return tuple(rungs)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception is one of the signs of memory running out.

    A GPU says torch.OutOfMemoryError or, from within a library, a plain RuntimeError; torch on the
    CPU says RuntimeError; numpy and Pillow say MemoryError.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    signs = ("can't allocate memory", "out of memory", "cublas_status_alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


@contextmanager
def refused_when_full(device: torch.device, what: str) -> Iterator[None]:
    """Turn a library's sign of memory running out into the sentence about it.

    Args:
        what: that there is not enough memory for.

    Raises:
        AppError: `out-of-memory`.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        log.warning("out of memory: %s", error)
        free_cached(device)
        raise out_of_memory(what) from error


def out_of_memory(what: str) -> AppError:
    """The refusal of what there is not enough memory for."""
    return AppError(
        "out-of-memory",
        f"There is not enough memory for {what}.",
        hint="Choose a smaller size or model, or close other programs.",
    )


def free_cached(device: torch.device) -> None:
    """Give memory that torch only keeps for later back to the device."""
    match device.type:
        case "cuda":
            torch.cuda.empty_cache()
        case "mps":
            torch.mps.empty_cache()
        case "xpu":
            torch.xpu.empty_cache()
        case _:
            pass


def usable_devices() -> tuple[DeviceChoice, ...]:
    """Every device that torch can compute on here, the processor last."""
    found = [
        DeviceChoice(key=f"cuda:{number}", name=torch.cuda.get_device_name(number))
        for number in range(torch.cuda.device_count())
    ]
    if torch.xpu.is_available():
        found += [
            DeviceChoice(key=f"xpu:{number}", name=torch.xpu.get_device_name(number))
            for number in range(torch.xpu.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append(DeviceChoice(key="mps", name="Apple GPU"))
    return (*found, DeviceChoice(key="cpu", name=_processor()))


def default_threads() -> int:
    """The processor's cores as torch counts them, as far as this process may use them."""
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    return max(1, min(torch.get_num_threads(), usable))


def describe(device: torch.device) -> DeviceInfo:
    """Name and memory of a device, as the artist sees it."""
    match device.type:
        case "cuda":
            free, total = torch.cuda.mem_get_info(device)
            name = torch.cuda.get_device_name(device)
            return DeviceInfo(kind="cuda", name=name, memory_total=total, memory_used=total - free)
        case "mps":
            total, used = int(torch.mps.recommended_max_memory()), _used_here()
            return DeviceInfo(kind="mps", name="Apple GPU", memory_total=total, memory_used=used)
        case "xpu":
            total = int(torch.xpu.get_device_properties(device).total_memory)
            used = int(torch.xpu.memory_allocated(device))
            name = torch.xpu.get_device_name(device)
            return DeviceInfo(kind="xpu", name=name, memory_total=total, memory_used=used)
        case _:
            return DeviceInfo(
                kind="cpu",
                name=_processor(),
                memory_total=_memory_total(),
                memory_used=_used_here(),
            )


def _processor() -> str:
    """The processor as its maker calls it."""
    if sys.platform.startswith("linux"):
        try:
            lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_total() -> int:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0


def _used_here() -> int:
    """Bytes of this process in memory; 0 where the system offers no plain way to ask."""
    if sys.platform == "win32":
        return 0
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        # The peak, not the present: macOS tells no more without a library. It counts in bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
