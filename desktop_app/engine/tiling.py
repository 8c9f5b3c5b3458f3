"""Seamless tiling: convolutions that go on at the opposite edge, while one render lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from desktop_app.recipe.recipe import Tiling

_CONVOLVE = "_conv_forward"
MARGIN = 8
"""Latents that a decode in tiles sees beyond each edge, taken from the opposite one."""


@contextmanager
def seamless(module: torch.nn.Module, tiling: Tiling) -> Iterator[None]:
    """Let every 2-D convolution of a UNet or VAE wrap around instead of seeing zeros at the edge.

    Along an axis that is wrapped the padding is circular, as torch's `padding_mode="circular"`;
    along the other it stays zero. Everything else of these networks (normalisation over the whole
    picture, attention without places) treats all places alike, so the picture joins itself.
    Afterwards each convolution is as it was.

    Args:
        tiling: `x` joins left and right, `y` top and bottom.
    """
    if tiling == "none":
        yield
        return
    changed: list[tuple[torch.nn.Conv2d, object]] = []
    try:
        for part in module.modules():
            if isinstance(part, torch.nn.Conv2d) and _pads(part):
                changed.append((part, part.__dict__.get(_CONVOLVE)))
                part.__dict__[_CONVOLVE] = _wrapping(part, tiling)
        yield
    finally:
        for part, before in changed:
            if before is None:
                part.__dict__.pop(_CONVOLVE, None)
            else:
                part.__dict__[_CONVOLVE] = before


def padded(plane: torch.Tensor, width: int, height: int, tiling: Tiling, rest: str) -> torch.Tensor:
    """A tensor (B, C, H, W) grown by `width` on the left and right and `height` above and below.

    Along an axis that is wrapped it goes on at the opposite edge.

    Args:
        rest: torch's mode of padding along the other axis, such as `replicate`; `crop` leaves that
            axis as it is.
    """
    across = "circular" if tiling in ("x", "both") else rest
    down = "circular" if tiling in ("y", "both") else rest
    if across != "crop":
        plane = torch.nn.functional.pad(plane, (width, width, 0, 0), mode=across)
    if down != "crop":
        plane = torch.nn.functional.pad(plane, (0, 0, height, height), mode=down)
    return plane


def _pads(conv: torch.nn.Conv2d) -> bool:
    return not isinstance(conv.padding, str) and any(conv.padding) and conv.padding_mode == "zeros"


def _wrapping(conv: torch.nn.Conv2d, tiling: Tiling) -> Callable[..., torch.Tensor]:
    across, down = tiling in ("x", "both"), tiling in ("y", "both")
    high, wide = (int(side) for side in conv.padding)
    wrapped = (wide * across, wide * across, high * down, high * down)
    zeros = (high * (not down), wide * (not across))
    return partial(_convolve, conv, wrapped, zeros)


def _convolve(
    conv: torch.nn.Conv2d,
    wrapped: tuple[int, int, int, int],
    zeros: tuple[int, int],
    value: torch.Tensor,
    weight: torch.Tensor,
    bias: Any,
) -> torch.Tensor:
    grown = torch.nn.functional.pad(value, wrapped, mode="circular")
    return torch.nn.functional.conv2d(
        grown, weight, bias, conv.stride, zeros, conv.dilation, conv.groups
    )
