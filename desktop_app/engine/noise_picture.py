"""The noise of a seed as a small picture, so that seeds can be told apart before they are used."""

import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.engine.noise import initial_noise
from desktop_app.recipe.recipe import FromNoise

CHANNELS = 4
LATENT = 8
"""Pixels to a latent; four channels and eight pixels are what most models have."""
SIDE_MAX = 96

# What the four latent channels of Stable Diffusion 1 look like, roughly, as R, G and B: a linear
# fit (https://discuss.huggingface.co/t/23204). One map for all, so that a seed looks the same.
_COLOURS = torch.tensor(
    [
        [0.298, 0.207, 0.208],
        [0.187, 0.286, 0.173],
        [-0.158, 0.189, 0.264],
        [-0.184, -0.271, -0.473],
    ]
)
_CONTRAST = 100.0
"""Steps of 0 ... 255 for one standard deviation of a channel of weight 1."""


def noise_picture(seed: int, start: FromNoise, width: int, height: int) -> NDArray[np.uint8]:
    """The noise that a picture of this size begins with, drawn as for rendering.

    Args:
        seed: 0 ... 2**64 - 1.
        start: what is mixed into it.
        width: pixels of the picture; so is `height`.

    Returns:
        (h, w, 3) uint8, an eighth of the picture's size; of a larger one the upper left
        96 x 96 latents.
    """
    shape = (1, CHANNELS, height // LATENT, width // LATENT)
    noise = initial_noise(seed, start, shape)[0][0, :, :SIDE_MAX, :SIDE_MAX]
    colours = torch.einsum("chw,cr->hwr", noise, _COLOURS) * _CONTRAST + 128.0
    return np.ascontiguousarray(colours.clamp(0, 255).round().to(torch.uint8).numpy())
