"""Seamless tiling: the picture goes on at its other edge, and the model is then as it was."""

import copy
from typing import Any, Literal

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from desktop_app.engine.decoding import decode_latents
from desktop_app.engine.preview import Factors
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.residency import Attempt
from desktop_app.engine.tiling import padded, seamless
from desktop_app.recipe.recipe import Tiling
from tests.engine.models import Events, final_latents, plain_call, recipe_for, render

Axis = Literal["x", "y", "both"]
AXES: tuple[Axis, ...] = ("x", "y", "both")


def convolutions(pipe: Any) -> list[torch.nn.Conv2d]:
    parts = [*pipe.unet.modules(), *pipe.vae.modules()]
    return [part for part in parts if isinstance(part, torch.nn.Conv2d)]


def state(pipe: Any) -> list[dict[str, Any]]:
    kept = ("padding_mode", "padding", "_conv_forward", "_reversed_padding_repeated_twice")
    return [{name: one.__dict__.get(name) for name in kept} for one in convolutions(pipe)]


def test_it_is_the_bits_of_a_plain_call_with_circular_convolutions(
    backend: LocalBackend, plain_tiny: StableDiffusionPipeline
) -> None:
    wrapped = copy.deepcopy(plain_tiny)
    for conv in convolutions(wrapped):
        conv.padding_mode = "circular"
    recipe = recipe_for("tiny", tiling="both", guidance_scale=5.0, width=96, height=64)
    told: dict[str, Any] = {"prompt": recipe.prompt, "guidance_scale": 5.0}
    told |= {"width": 96, "height": 64, "num_inference_steps": 3}
    latents, pixels = plain_call(wrapped, recipe.seed, **told)
    rendered, events = render(backend, recipe)
    assert np.array_equal(final_latents(events), latents)
    assert np.array_equal(rendered.pixels, pixels)


@pytest.mark.parametrize("tiling", AXES)
def test_afterwards_the_next_picture_is_the_one_it_would_have_been(
    tiling: Axis, backend: LocalBackend, plain_tiny: StableDiffusionPipeline
) -> None:
    plain = recipe_for("tiny")
    before, _ = render(backend, plain)
    tiled, _ = render(backend, recipe_for("tiny", tiling=tiling))
    after, _ = render(backend, plain)
    assert np.array_equal(before.pixels, after.pixels)
    assert not np.array_equal(before.pixels, tiled.pixels)


def test_the_convolutions_are_restored_also_when_the_render_ends_in_an_error(
    plain_tiny: StableDiffusionPipeline,
) -> None:
    untouched = state(plain_tiny)
    with pytest.raises(ValueError, match="on purpose"), seamless(plain_tiny.unet, "x"):
        assert state(plain_tiny) != untouched
        raise ValueError("on purpose")
    assert state(plain_tiny) == untouched
    with seamless(plain_tiny.unet, "x"), seamless(plain_tiny.unet, "y"):
        pass
    assert state(plain_tiny) == untouched


def picture(pipe: Any, noise: torch.Tensor, tiling: Axis) -> Any:
    """The decoded picture in floats, (H, W, 3), 0 ... 1, of a noise (1, 4, h, w)."""
    with seamless(pipe.unet, tiling), seamless(pipe.vae, tiling), torch.no_grad():
        return pipe("a fox", latents=noise, num_inference_steps=2, output_type="np").images[0]


@pytest.mark.parametrize(
    ("tiling", "rolls", "follows"),
    [
        ("both", (2, 4), True),
        ("x", (0, 4), True),
        ("y", (2, 0), True),
        ("x", (2, 0), False),
        ("y", (0, 4), False),
    ],
)
def test_a_rolled_noise_gives_the_rolled_picture_along_a_wrapped_axis_only(
    tiling: Axis, rolls: tuple[int, int], follows: bool, plain_tiny: StableDiffusionPipeline
) -> None:
    noise = torch.randn(1, 4, 8, 12, generator=torch.Generator().manual_seed(5))
    straight = picture(plain_tiny, noise, tiling)
    rolled = picture(plain_tiny, noise.roll(rolls, (2, 3)), tiling)
    moved = np.roll(straight, (8 * rolls[0], 8 * rolls[1]), (0, 1))
    largest = float(np.abs(moved - rolled).max())
    assert (largest < 1e-3) == follows


@pytest.mark.parametrize("always", [False, True])
def test_a_decode_in_tiles_joins_too(
    always: bool, plain_tiny: StableDiffusionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either because memory ran out, or because the model was placed so that it always does."""
    pipe = copy.deepcopy(plain_tiny)
    # Only one decode is left, with tiles far smaller than the picture.
    rungs = [
        Attempt(
            way="plain" if always else "tiled",
            device=torch.device("cpu"),
            dtype=torch.float32,
            tiled=not always,
            cures=frozenset(),
        )
    ]
    monkeypatch.setattr("desktop_app.engine.residency.ladder", lambda *_, **__: rungs)
    pipe.vae.use_tiling = always
    pipe.vae.tile_sample_min_size, pipe.vae.tile_latent_min_size = 64, 8
    # A tile steps on by 6 latents: two of them are once around.
    latents = torch.randn(1, 4, 12, 12, generator=torch.Generator().manual_seed(1))
    axes: tuple[tuple[Tiling, int], ...] = (("x", 1), ("y", 0))
    for tiling, axis in axes:
        ways: tuple[tuple[Tiling, bool], ...] = ((tiling, True), ("none", False))
        for asked, follows in ways:
            straight = decode_latents(pipe, latents, Events(), asked).pixels
            rolled = decode_latents(pipe, latents.roll(6, axis + 2), Events(), asked).pixels
            assert straight.shape == (96, 96, 3)
            off = np.abs(np.roll(straight, 48, axis).astype(int) - rolled).max()
            assert (off <= 1) == follows


def test_previews_join_as_the_picture_does() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 4, 3, 3)).astype(np.float32) * 20
    factors = Factors(weights=weights, bias=np.full(3, 128, np.float32))
    latents = torch.randn(1, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    axes: tuple[tuple[Tiling, int], ...] = (("x", 1), ("y", 0))
    for tiling, axis in axes:
        rolled = factors.rgb(latents.roll(3, axis + 2), tiling)
        assert np.array_equal(rolled, np.roll(factors.rgb(latents, tiling), 3, axis))
    assert not np.array_equal(factors.rgb(latents.roll(3, 3)), np.roll(factors.rgb(latents), 3, 1))


def test_padding_along_one_axis_leaves_the_other() -> None:
    plane = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert padded(plane, 1, 1, "x", "crop").tolist() == [[[[2, 0, 1, 2, 0], [5, 3, 4, 5, 3]]]]
    assert padded(plane, 1, 1, "both", "replicate").shape == (1, 1, 4, 5)
