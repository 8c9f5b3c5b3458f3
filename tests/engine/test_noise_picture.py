"""The picture of a seed's noise: that noise and no other."""

import numpy as np
import torch

from desktop_app.engine.noise_picture import noise_picture
from desktop_app.recipe.recipe import SEED_MAX, FromNoise, Variation

PLAIN = FromNoise()


def test_it_has_an_eighth_of_the_size_and_is_the_same_each_time() -> None:
    first = noise_picture(SEED_MAX, PLAIN, 128, 64)
    assert first.shape == (8, 16, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, noise_picture(SEED_MAX, PLAIN, 128, 64))
    assert not np.array_equal(first, noise_picture(1, PLAIN, 128, 64))
    assert noise_picture(1, PLAIN, 4096, 4096).shape == (96, 96, 3)


def test_it_shows_what_a_plain_draw_gives() -> None:
    picture = noise_picture(7, PLAIN, 64, 64).astype(float)
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(7))[0]
    # The fourth channel darkens all colours, the second lightens them.
    light = (noise[1] * 0.65 - noise[3] * 0.93 + noise[0] * 0.71 + noise[2] * 0.3).numpy()
    assert np.corrcoef(light.ravel(), picture.mean(2).ravel())[0, 1] > 0.95


def test_variations_are_mixed_in_as_for_rendering() -> None:
    whole = FromNoise(variations=(Variation(seed=9, weight=1.0),))
    assert np.array_equal(noise_picture(7, whole, 64, 64), noise_picture(9, PLAIN, 64, 64))
    half = (Variation(seed=9, weight=0.5),)
    one = noise_picture(7, FromNoise(variations=half), 64, 64)
    other = noise_picture(7, FromNoise(variations=half, method="a1111"), 64, 64)
    assert not np.array_equal(one, other)


def test_drawing_it_takes_nothing_from_the_global_generator() -> None:
    before = torch.random.get_rng_state()
    noise_picture(7, PLAIN, 64, 64)
    assert torch.equal(before, torch.random.get_rng_state())
