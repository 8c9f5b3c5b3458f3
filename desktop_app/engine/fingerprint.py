"""What could change a pixel, and the hashes that prove that none did."""

import hashlib
import json
import platform
from collections.abc import Sequence
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from desktop_app import __version__
from desktop_app.engine import noise
from desktop_app.engine.events import DecodeWay
from desktop_app.engine.families import caller
from desktop_app.engine.loading import Model
from desktop_app.engine.residency import describe
from desktop_app.engine.schedulers import Scheduler
from desktop_app.recipe.provenance import Fingerprint
from desktop_app.recipe.wishes import Wishes, wishes_in

_FLOAT8 = "stored in float8"
_REFINED = ", refined in "


def sha256_of(array: NDArray[Any]) -> str:
    """Hash of an array's values in order, little-endian."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return hashlib.sha256(plain.data).hexdigest()


def fingerprint(models: Sequence[Model], scheduler: Scheduler, decode: DecodeWay) -> Fingerprint:
    """The setting of a finished render.

    Args:
        models: that took its steps, the picture's own first, then its refiner.
        scheduler: as it was used, its timesteps set.
    """
    networks: list[Any] = [getattr(one.pipe, caller(one.pipe).denoiser) for one in models]
    device = networks[0].device
    attention = [getattr(network, "attn_processors", {}) for network in networks]
    processors = sorted({type(one).__name__ for each in attention for one in each.values()})
    return Fingerprint(
        app=__version__,
        python=platform.python_version(),
        torch=str(torch.__version__),
        diffusers=diffusers.__version__,
        transformers=transformers.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        device=device.type,
        device_name=describe(device).name,
        dtype=_REFINED.join(dict.fromkeys(_dtype(one) for one in models)),
        threads=torch.get_num_threads(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        attention=", ".join(processors),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        batch_size=1,
        rng=noise.RNG,
        decode=decode,
        scheduler_class=type(scheduler).__name__,
        scheduler_config_sha256=_config_sha256(scheduler),
        timesteps_sha256=_timesteps_sha256(scheduler),
        model_config_sha256=_together([one.config_sha256 for one in models]),
    )


def wishes_then(like: Fingerprint) -> Wishes:
    """How a model has to be kept for a picture to come out as it did."""
    dtype, _, stored = like.dtype.partition(_REFINED)[0].partition(" ")
    tiled = {"plain": False, "tiled": True}.get(like.decode)
    return wishes_in({"dtype": dtype, "float8": stored == _FLOAT8, "tiled": tiled})


def _together(hashes: list[str]) -> str:
    """The hash of a model alone as it is, and one of all where there are several."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _dtype(model: Model) -> str:
    """What numbers are computed with, and how the weights are stored where that is otherwise."""
    stored = _FLOAT8 if model.plan.float8 else f"with {model.stored}" if model.stored else ""
    return f"{model.plan.dtype} {stored}".strip()


def _config_sha256(scheduler: Scheduler) -> str:
    config = {k: v for k, v in dict(scheduler.config).items() if not k.startswith("_")}
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _timesteps_sha256(scheduler: Scheduler) -> str:
    used = [np.asarray(scheduler.timesteps.cpu(), dtype=np.float64)]
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None:
        used.append(np.asarray(sigmas.cpu(), dtype=np.float64))
    return sha256_of(np.concatenate(used))
