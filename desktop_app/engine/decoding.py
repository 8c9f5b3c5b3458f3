"""The final latent turned into pixels, by another way when memory or numbers run out."""

import gc
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.engine import residency
from desktop_app.engine.backend import Report
from desktop_app.engine.events import DecodeWay, Decoding
from desktop_app.engine.families import caller
from desktop_app.engine.residency import Attempt, Trouble
from desktop_app.engine.tiling import MARGIN, padded, seamless
from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Tiling

log = logging.getLogger(__name__)

REASONS: dict[Trouble, str] = {
    "memory": "memory ran out",
    "numbers": "the numbers were not finite",
}
NOTES: dict[DecodeWay, str] = {
    "plain": "",
    "tiled": "The picture was decoded in tiles because {0}.",
    "float32": "The picture was decoded in float32 because {0}.",
    "cpu": "The picture was decoded by the processor because {0}.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        notes: one sentence for each way that was tried after the plain one.
    """

    pixels: NDArray[np.uint8]
    way: DecodeWay
    notes: tuple[str, ...]


def decode_latents(
    pipe: Any, latents: torch.Tensor, report: Report, tiling: Tiling = "none"
) -> Decoded:
    """Decode as the pipeline itself does, and by the next way of the ladder where that fails.

    Args:
        latents: (1, C, H/f, W/f), as the pipeline gives them.
        tiling: along which axes the picture joins itself.

    Raises:
        AppError: `decode-memory` or `decode-numbers` when no way is left.
        Cancelled: when `report` raised it.
    """
    vae: Any = getattr(pipe, caller(pipe).decoder)
    rungs = residency.ladder(vae.device, vae.dtype, can_tile=hasattr(vae, "use_tiling"))
    if vae.dtype == torch.float16 and getattr(vae.config, "force_upcast", False):
        # Its numbers are known to be too large for half precision; the pipeline upcasts it too.
        rungs = tuple(rung for rung in rungs if rung.dtype == torch.float32)
    trouble: Trouble | None = None
    notes: list[str] = []
    for rung in rungs:
        if trouble is not None:
            if trouble not in rung.cures:
                continue
            notes.append(NOTES[rung.way].format(REASONS[trouble]))
            log.warning("%s", notes[-1])
        report(Decoding(way=rung.way))
        result = _attempt(pipe, latents, rung, tiling)
        if not isinstance(result, str):
            # A small plan, or the model itself, may have it decoded in tiles from the start.
            in_tiles = getattr(vae, "use_tiling", False) and _needs_tiles(vae, latents)
            way: DecodeWay = "tiled" if rung.way == "plain" and in_tiles else rung.way
            return Decoded(pixels=result, way=way, notes=tuple(notes))
        trouble = result
    raise AppError(
        f"decode-{trouble}",
        f"The picture is finished but cannot be decoded, because {REASONS[trouble or 'memory']}.",
        hint="It is kept, and can be decoded at the next start."
        if trouble == "memory"
        else "Another sampler or a lower guidance may help.",
    )


def _attempt(
    pipe: Any, latents: torch.Tensor, rung: Attempt, tiling: Tiling
) -> "NDArray[np.uint8] | Trouble":
    """One try; the VAE is afterwards as it was."""
    vae: Any = getattr(pipe, caller(pipe).decoder)
    device, dtype = vae.device, vae.dtype
    in_tiles = getattr(vae, "use_tiling", False)
    try:
        if (rung.device, rung.dtype) != (device, dtype):
            vae.to(rung.device, rung.dtype)
        if rung.tiled:
            vae.use_tiling = True
        moved = latents.to(rung.device, rung.dtype)
        if tiling != "none" and (rung.tiled or (in_tiles and _needs_tiles(vae, moved))):
            return _pixels_with_margin(pipe, moved, tiling)
        with seamless(vae, tiling):
            return _pixels(pipe, moved)
    except (RuntimeError, MemoryError) as error:
        if not residency.is_out_of_memory(error):
            raise
        log.warning("decoding the %s way: %s", rung.way, error)
    finally:
        if (rung.device, rung.dtype) != (device, dtype):
            vae.to(device, dtype)
        if rung.tiled:
            vae.use_tiling = in_tiles
    # Here the exception is gone, and with it the frames that held the big tensors.
    gc.collect()
    residency.free_cached(device)
    return "memory"


def _needs_tiles(vae: Any, latents: torch.Tensor) -> bool:
    """Whether a VAE that may work in tiles takes more than one for these latents."""
    return max(latents.shape[-2:]) > getattr(vae, "tile_latent_min_size", 0)


def _pixels_with_margin(
    pipe: Any, latents: torch.Tensor, tiling: Tiling
) -> "NDArray[np.uint8] | Trouble":
    """Decoded in tiles, each of which ends in zeros: the picture's own edges lie far inside."""
    wide = MARGIN if tiling in ("x", "both") else 0
    high = MARGIN if tiling in ("y", "both") else 0
    found = _pixels(pipe, padded(latents, wide, high, tiling, "crop"))
    if isinstance(found, str):
        return found
    factor = found.shape[1] // (latents.shape[-1] + 2 * wide)
    top, left = high * factor, wide * factor
    return found[top : found.shape[0] - top, left : found.shape[1] - left].copy()


@torch.no_grad()
def _pixels(pipe: Any, latents: torch.Tensor) -> "NDArray[np.uint8] | Trouble":
    """Exactly what the pipeline does after its last step."""
    call = caller(pipe)
    image = call.image(pipe, latents)
    if not bool(torch.isfinite(image).all()):
        return "numbers"
    return np.array(call.picture(pipe, image).convert("RGB"), dtype=np.uint8)
