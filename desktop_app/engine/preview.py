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

from desktop_app.engine.tiling import padded
from desktop_app.recipe.recipe import Tiling

VERSION = 1
FILE_MAX = 64 * 1024
FACTOR_MAX = 1e6
LATENT_MAX = 1e4
PICTURES = 8
SIDE = 96
"""Pixels; eight such pictures give 1152 equations at 8 pixels to a latent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """The linear map: each colour from a latent and its eight neighbours.

    Alone, a latent says too little: what a VAE of few channels decodes it to depends on those
    around it, and with them the error on the built-in model is a quarter smaller.

    Attributes:
        weights: (3, C, 3, 3) float32, the kernel of a convolution to R, G, B.
        bias: (3,) float32. Both scaled so that the result is 0 ... 255.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def rgb(self, latents: torch.Tensor, tiling: Tiling = "none") -> NDArray[np.uint8]:
        """Latents (1, C, h, w), as the UNet sees them, to pixels (h, w, 3) uint8, a new array.

        Args:
            tiling: along which axes the picture joins itself.
        """
        plain = latents.detach().to("cpu", torch.float32)
        bounded = plain.nan_to_num(0.0, LATENT_MAX, -LATENT_MAX).clamp(-LATENT_MAX, LATENT_MAX)
        colours = torch.nn.functional.conv2d(
            padded(bounded, 1, 1, tiling, "replicate"),
            torch.from_numpy(self.weights),
            torch.from_numpy(self.bias),
        )
        whole = colours[0].clamp(0, 255).round().to(torch.uint8)
        return whole.permute(1, 2, 0).contiguous().numpy()


def factors_for(vae: Any, cache: Path) -> Factors:
    """The factors for a VAE: from the cache, or fitted now and kept there.

    Args:
        vae: an autoencoder of diffusers.
        cache: the folder of the cache; it need not exist. One that cannot be written to costs a
            fit at the next start and nothing else.
    """
    path = cache / f"preview-{_identity(vae)}.json"
    known = _read(path, _channels(vae))
    if known is not None:
        return known
    factors = fit(vae)
    _write(path, factors)
    return factors


def fit(vae: Any) -> Factors:
    """Least squares from latents to the mean colour of the pixels that each one decodes to.

    The latents are those of seeded synthetic pictures, from flat to speckled and from dark to
    bright; what they decode to counts, not what was encoded.
    """
    pictures = _pictures().to(vae.device, vae.dtype)
    with torch.no_grad():
        latents, decoded = both_ways(vae, pictures)
        small = torch.nn.functional.adaptive_avg_pool2d(
            decoded.float(), (latents.shape[-2], latents.shape[-1])
        )
    scaled = latents.float().cpu()
    windows = padded(scaled.double(), 1, 1, "none", "replicate").unfold(2, 3, 1).unfold(3, 3, 1)
    known = windows.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2).numpy()
    known = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    colours = (small.cpu().double() / 2 + 0.5).clamp(0, 1) * 255
    wanted = colours.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    solved = np.linalg.lstsq(known, wanted, rcond=None)[0].astype(np.float32)
    kernel = np.ascontiguousarray(solved[:-1].T).reshape(3, -1, 3, 3)
    return Factors(weights=kernel, bias=solved[-1])


def _channels(vae: Any) -> int:
    config = vae.config
    return int(getattr(config, "z_dim", 0) or config.latent_channels)


def both_ways(vae: Any, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures' latents as the network sees them, (N, C, h, w), and what they decode to."""
    if hasattr(vae, "vquantizer"):
        # Stable Cascade's takes and gives pictures from 0 to 1.
        latents = vae.encode(pictures * 0.5 + 0.5).latents
        return latents / vae.config.scale_factor, vae.decode(latents).sample * 2 - 1
    film = hasattr(vae.config, "z_dim")
    encoded = vae.encode(pictures.unsqueeze(2) if film else pictures)
    if "latent_dist" in encoded:
        latents = encoded.latent_dist.mode()
    else:
        latents = encoded.latent if "latent" in encoded else encoded.latents
    if hasattr(vae, "quantize"):
        # Kandinsky scales nothing, and decodes what lies between the words of its codebook.
        return latents, vae.decode(latents, force_not_quantize=True, return_dict=False)[0]
    decoded = vae.decode(latents, return_dict=False)[0]
    if film:
        rows = (1, vae.config.z_dim, 1, 1, 1)
        mean = torch.tensor(vae.config.latents_mean).view(rows).to(latents)
        std = torch.tensor(vae.config.latents_std).view(rows).to(latents)
        return ((latents - mean) / std)[:, :, 0], decoded[:, :, 0]
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return (latents - shift) * (getattr(vae.config, "scaling_factor", None) or 1.0), decoded


def _pictures() -> torch.Tensor:
    """Coloured clouds of all contrasts around all colours, in [-1, 1], (N, 3, SIDE, SIDE)."""
    generator = torch.Generator().manual_seed(0)
    pictures: list[torch.Tensor] = []
    for number in range(PICTURES):
        colour = torch.rand(1, 3, 1, 1, generator=generator) * 2.4 - 1.2
        contrast = torch.rand(1, generator=generator)
        clouds = torch.zeros(1, 3, SIDE, SIDE)
        for octave in range(1 + number % 4):
            cells = 2 ** (octave + 1)
            coarse = torch.rand(1, 3, cells, cells, generator=generator) * 2 - 1
            clouds += torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear")
        pictures.append((colour + clouds * contrast).clamp(-1, 1))
    return torch.cat(pictures)


def _identity(vae: Any) -> str:
    """Hash of the VAE's settings and weights, 32 hex digits."""
    settings = {k: v for k, v in dict(vae.config).items() if not k.startswith("_")}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(vae.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def _read(path: Path, channels: int) -> Factors | None:
    """The factors in a cache file; None when it is missing or not what this version writes."""
    try:
        with path.open("rb") as file:
            stored = json.loads(file.read(FILE_MAX))
        if stored["version"] != VERSION:
            return None
        weights = np.array(stored["weights"], dtype=np.float64)
        bias = np.array(stored["bias"], dtype=np.float64)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    if weights.shape != (3, channels, 3, 3) or bias.shape != (3,):
        return None
    # Written this way round, NaN is refused too.
    if not all(abs(value) <= FACTOR_MAX for value in [*weights.flat, *bias]):
        return None
    return Factors(weights=weights.astype(np.float32), bias=bias.astype(np.float32))


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
