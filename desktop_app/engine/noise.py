"""Seeded noise, and the spherical mix of the noise of two seeds."""

import math
from collections.abc import Sequence

import torch

from desktop_app.recipe.recipe import FromNoise

RNG = "torch-cpu-mt19937 float32"
NEARLY_PARALLEL = 0.9995


def initial_noise(
    seed: int, start: FromNoise, shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Generator]:
    """The noise that a picture begins with, and the generator for the noise of its steps.

    Drawn on the CPU in float32 whatever the device, so that a seed means the same everywhere. The
    generator is left as a plain diffusers call leaves it: seeded, and one draw of `shape` taken.

    Args:
        seed: 0 ... 2**64 - 1. torch's Mersenne Twister on the CPU takes the lower 32 bits only:
            seeds that differ by a multiple of 2**32 give the same noise, in plain diffusers too.
        shape: (1, C, H/f, W/f).

    Returns:
        Noise of `shape`, float32, standard normal; and the generator.
    """
    noise, generator = _drawn(seed, shape)
    mix = slerp_columns if start.method == "a1111" else slerp
    for variation in start.variations:
        noise = mix(noise, _drawn(variation.seed, shape)[0], variation.weight)
    return noise, generator


def _drawn(seed: int, shape: Sequence[int]) -> tuple[torch.Tensor, torch.Generator]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float32), generator


def slerp(first: torch.Tensor, second: torch.Tensor, weight: float) -> torch.Tensor:
    """Spherical interpolation of whole tensors (Shoemake 1985), with the norm going straight.

    A straight mix of two noises has less variance than either and gives dull pictures; this one
    keeps it.

    Args:
        weight: 0 gives `first`, 1 gives `second`, both bit for bit.

    Returns:
        A new tensor in the shape and dtype of `first`; its norm lies between the two norms.
    """
    if weight in (0.0, 1.0):
        return (second if weight else first).clone()
    a, b = first.double(), second.double()
    norm_a, norm_b = float(a.norm()), float(b.norm())
    if norm_a == 0.0 or norm_b == 0.0:
        return torch.lerp(a, b, weight).to(first.dtype)
    cosine = float((a * b).sum()) / (norm_a * norm_b)
    if abs(cosine) > NEARLY_PARALLEL:
        return torch.lerp(a, b, weight).to(first.dtype)
    angle = math.acos(cosine)
    share_a = math.sin((1 - weight) * angle) / math.sin(angle) / norm_a
    share_b = math.sin(weight * angle) / math.sin(angle) / norm_b
    norm = (1 - weight) * norm_a + weight * norm_b
    return ((share_a * a + share_b * b) * norm).to(first.dtype)


def slerp_columns(first: torch.Tensor, second: torch.Tensor, weight: float) -> torch.Tensor:
    """Spherical interpolation of each column by itself, as A1111 mixes its variation seed.

    There the angle is taken along the second axis of a tensor (C, H, W), which is the height: each
    column of each channel has an angle of its own, and is mixed with its own length. In float32
    throughout, because that decides the last bits.

    Args:
        first: (1, C, H, W); so is `second`.
        weight: 0 gives `first`, 1 gives `second`, both bit for bit.
    """
    if weight in (0.0, 1.0):
        return (second if weight else first).clone()
    height = -2
    straight = [one / one.norm(dim=height, keepdim=True) for one in (first, second)]
    cosine = (straight[0] * straight[1]).sum(height, keepdim=True)
    if float(cosine.mean()) > NEARLY_PARALLEL:
        return first * (1 - weight) + second * weight
    angle = torch.acos(cosine.clamp(-1, 1))
    share = [torch.sin(part * angle) / torch.sin(angle) for part in (1.0 - weight, weight)]
    # Columns of a few numbers can be parallel, and have no arc between them.
    straight_mix = first * (1 - weight) + second * weight
    return torch.where(torch.sin(angle) > 1e-6, share[0] * first + share[1] * second, straight_mix)
