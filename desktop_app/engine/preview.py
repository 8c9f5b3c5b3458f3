"""Latents turned into a small RGB picture by a linear map that is fitted to the loaded VAE."""

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

VERSION = 1
FILE_MAX = 64 * 1024
FACTOR_MAX = 1e6
SAMPLE_PIXELS = 128
"""Side of the synthetic pictures; four of them give 1024 equations at 8 pixels to a latent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """The linear map.

    Attributes:
        weights: (C, 3) float32, latent channels to R, G, B.
        bias: (3,) float32. Both scaled so that the result is 0 ... 255.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def rgb(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """Latents (1, C, h, w), as the UNet sees them, to pixels (h, w, 3) uint8, a new array."""
        seen = latents[0].detach().to("cpu", torch.float32).numpy()
        channels, height, width = seen.shape
        colours = self.weights.T @ seen.reshape(channels, -1) + self.bias[:, None]
        # A comparison with NaN is false, so that fmin and fmax make a colour of it as well.
        bounded = np.fmin(np.fmax(colours, 0.0), 255.0).round().astype(np.uint8)
        return np.ascontiguousarray(bounded.T).reshape(height, width, 3)


def factors_for(vae: Any, cache: Path) -> Factors:
    """The factors for a VAE: from the cache, or fitted now and kept there.

    Args:
        vae: an AutoencoderKL or AutoencoderTiny.
        cache: the folder of the cache; it need not exist. One that cannot be written to costs a
            fit at the next start and nothing else.
    """
    path = cache / f"preview-{_identity(vae)}.json"
    channels = int(vae.config.latent_channels)
    known = _read(path, channels)
    if known is not None:
        return known
    factors = fit(vae)
    _write(path, factors)
    return factors


def fit(vae: Any) -> Factors:
    """Least squares from latents to the mean colour of the pixels that each one decodes to.

    The latents are those of seeded synthetic pictures, from smooth to speckled, and each a second
    time drawn half-way to its mean, as the predictions of the first steps are.
    """
    generator = torch.Generator().manual_seed(0)
    pictures = torch.cat([_picture(octaves, generator) for octaves in (1, 2, 3, 4)])
    pictures = pictures.to(vae.device, vae.dtype)
    equations: list[NDArray[np.float64]] = []
    colours: list[NDArray[np.float64]] = []
    with torch.no_grad():
        for picture in pictures.split(1):
            encoded = vae.encode(picture)
            latents = encoded.latent_dist.mode() if "latent_dist" in encoded else encoded.latents
            calm = (latents + latents.mean(dim=(2, 3), keepdim=True)) / 2
            for one in (latents, calm):
                decoded = vae.decode(one, return_dict=False)[0]
                small = torch.nn.functional.adaptive_avg_pool2d(decoded.float(), one.shape[-2:])
                scaled = (one * vae.config.scaling_factor).float()
                equations.append(_rows(scaled))
                colours.append(_rows((small / 2 + 0.5).clamp(0, 1)))
    known = np.concatenate(equations)
    known = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    solved = np.linalg.lstsq(known, np.concatenate(colours) * 255, rcond=None)[0]
    return Factors(weights=solved[:-1].astype(np.float32), bias=solved[-1].astype(np.float32))


def _rows(images: torch.Tensor) -> NDArray[np.float64]:
    """(1, C, h, w) to (h * w, C)."""
    return images[0].flatten(1).T.cpu().double().numpy()


def _picture(octaves: int, generator: torch.Generator) -> torch.Tensor:
    """Coloured clouds in [-1, 1], (1, 3, SAMPLE_PIXELS, SAMPLE_PIXELS); more octaves, finer."""
    size = (SAMPLE_PIXELS, SAMPLE_PIXELS)
    picture = torch.zeros(1, 3, *size)
    for octave in range(octaves):
        side = 3 * 2**octave
        coarse = torch.rand(1, 3, side, side, generator=generator) * 2 - 1
        picture += torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
    return picture.clamp(-1, 1)


def _identity(vae: Any) -> str:
    """Hash of the VAE's settings and weights, 32 hex digits."""
    settings = {k: v for k, v in dict(vae.config).items() if not k.startswith("_")}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(vae.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def _read(path: Path, channels: int) -> Factors | None:
    """The factors in a cache file; None when it is missing or not what this version writes."""
    try:
        with path.open("rb") as file:
            stored = json.loads(file.read(FILE_MAX))
        if stored["version"] != VERSION:
            return None
        weights = np.array(stored["weights"], dtype=np.float32)
        bias = np.array(stored["bias"], dtype=np.float32)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if weights.shape != (channels, 3) or bias.shape != (3,):
        return None
    # Written this way round, NaN is refused too.
    if not all(abs(value) <= FACTOR_MAX for value in [*weights.flat, *bias]):
        return None
    return Factors(weights=weights, bias=bias)


def _write(path: Path, factors: Factors) -> None:
    values = [*factors.weights.flat, *factors.bias]
    if not all(math.isfinite(value) for value in values):
        return
    stored = {
        "version": VERSION,
        "weights": factors.weights.tolist(),
        "bias": factors.bias.tolist(),
    }
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(stored), "utf-8")
        part.replace(path)
    except OSError:
        # Without a cache the factors are fitted anew at the next start; nothing is lost.
        return
