"""Previews look like the decoded picture, cost nothing that matters, and are fitted once."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from PIL import Image

from desktop_app.engine import preview
from desktop_app.engine.families import caller
from desktop_app.engine.preview import Factors, both_ways, factors_for, fit
from desktop_app.engine.render import LocalBackend
from tests.engine.models import recipe_for, render, steps_of
from tests.engine.tiny_further import MAKERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vae() -> Any:
    """A real VAE that is quicker still than that of the tiny model."""
    blocks: dict[str, Any] = {
        "encoder_block_out_channels": (8,) * 4,
        "decoder_block_out_channels": (8,) * 4,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoencoderTiny(**blocks).eval()


def test_the_last_preview_looks_like_the_picture(backend: LocalBackend) -> None:
    """On the trained model; what it paints is soft, so the bound on the colours is too."""
    recipe = recipe_for(
        "starter",
        prompt="a watercolor of a red fox in snow",
        width=128,
        height=128,
        scheduler="ddim",
        num_inference_steps=12,
        guidance_scale=4.0,
    )
    rendered, events = render(backend, recipe)
    last = steps_of(events)[-1].preview
    assert last is not None
    small = np.asarray(Image.fromarray(rendered.pixels).resize((16, 16), Image.Resampling.BOX))
    assert last.shape == small.shape == (16, 16, 3)
    assert np.corrcoef(last.ravel(), small.ravel())[0, 1] > 0.7
    assert np.abs(last.astype(float) - small).mean() < 40


def test_previews_are_the_receivers_own(backend: LocalBackend) -> None:
    _, events = render(backend, recipe_for("tiny"))
    previews = [step.preview for step in steps_of(events)]
    assert len(previews) == 3
    for one in previews:
        assert one is not None
        assert (one.shape, one.dtype) == ((8, 8, 3), np.uint8)
        assert one.flags.writeable
        assert one.flags.c_contiguous
    assert not any(np.shares_memory(previews[0], other) for other in previews[1:])


def test_previews_off_are_none(backend: LocalBackend) -> None:
    _, events = render(backend, recipe_for("tiny"), previews=False)
    assert [step.preview for step in steps_of(events)] == [None] * 3


def test_numbers_that_are_none_give_a_colour_all_the_same() -> None:
    weights = np.zeros((3, 4, 3, 3), dtype=np.float32)
    weights[:, :3, 1, 1] = np.eye(3)
    factors = Factors(weights=weights, bias=np.zeros(3, dtype=np.float32))
    latents = torch.full((1, 4, 2, 2), float("nan"))
    latents[0, :, 0, 0] = torch.tensor([1e30, -1e30, float("inf"), 0])
    pixels = factors.rgb(latents)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [255, 0, 255]


def test_fitted_once_for_each_vae(vae: Any, tmp_path: Path) -> None:
    first = factors_for(vae, tmp_path / "new")
    (path,) = (tmp_path / "new").iterdir()
    stored = json.loads(path.read_text("utf-8"))
    stored["bias"] = [1.0, 2.0, 3.0]
    path.write_text(json.dumps(stored), "utf-8")
    again = factors_for(vae, tmp_path / "new")
    assert again.bias.tolist() == [1.0, 2.0, 3.0]
    assert np.array_equal(again.weights, first.weights)
    other = copy.deepcopy(vae)
    next(other.parameters()).data += 0.25
    factors_for(other, tmp_path / "new")
    assert len(list((tmp_path / "new").iterdir())) == 2


@pytest.mark.parametrize("kind", ["tiny", "kl"])
def test_fitting_gives_the_same_twice_and_draws_nothing(
    kind: str, vae: Any, plain_tiny: StableDiffusionPipeline
) -> None:
    fitted = vae if kind == "tiny" else plain_tiny.vae
    before = torch.random.get_rng_state()
    first, second = fit(fitted), fit(fitted)
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.bias, second.bias)
    assert torch.equal(before, torch.random.get_rng_state())


GOOD = {
    "version": preview.VERSION,
    "weights": np.zeros((3, 4, 3, 3)).tolist(),
    "bias": [1.0, 2.0, 3.0],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        "\x00\xff",
        json.dumps(GOOD | {"version": 0}),
        json.dumps(GOOD | {"weights": np.zeros((3, 5, 3, 3)).tolist()}),
        json.dumps(GOOD | {"weights": [[0.0] * 3] * 4}),
        json.dumps(GOOD | {"bias": ["a", "b", "c"]}),
        json.dumps(GOOD | {"bias": [1.0, 2.0, float("nan")]}),
        json.dumps(GOOD | {"bias": [1e300, 0, 0]}),
        json.dumps({"version": preview.VERSION}),
        json.dumps(GOOD | {"bias": {}}),
    ],
)
def test_a_damaged_cache_is_fitted_anew(text: str, vae: Any, tmp_path: Path) -> None:
    truth = factors_for(vae, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(text, "latin-1")
    again = factors_for(vae, tmp_path)
    assert np.array_equal(again.bias, truth.bias)
    assert json.loads(path.read_text("utf-8"))["bias"] == truth.bias.tolist()


def test_a_cache_that_cannot_be_written_does_no_harm(vae: Any, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder", "utf-8")
    assert factors_for(vae, occupied).weights.shape == (3, 4, 3, 3)
    assert occupied.read_text("utf-8") == "not a folder"


def test_what_flux_2_works_on_is_shown_as_its_vae_was_fitted() -> None:
    pipe = MAKERS["flux2"]()
    call = caller(pipe)
    raw = torch.randn(1, 8, 8, 12, generator=torch.Generator().manual_seed(3))
    norm = pipe.vae.bn
    rows = (1, -1, 1, 1)
    spread = (norm.running_var.view(rows) + pipe.vae.config.batch_norm_eps).sqrt()
    kept = (pipe._patchify_latents(raw) - norm.running_mean.view(rows)) / spread
    assert kept.shape == call.shape(pipe, 96, 64)
    assert torch.allclose(call.shown(pipe, kept), raw, atol=1e-5)
    packed = call.packed(pipe, kept)
    assert torch.equal(call.unpacked(pipe, packed, tuple(kept.shape)), kept)


def test_the_vqgan_of_stable_cascade_is_fitted_in_its_own_range() -> None:
    pipe = MAKERS["cascade"]()
    with torch.no_grad():
        latents, decoded = both_ways(pipe.vqgan, torch.rand(2, 3, 32, 32) * 2 - 1)
        image = caller(pipe).image(pipe, latents)
    assert latents.shape == (2, 4, 8, 8)
    assert torch.allclose(image * 2 - 1, decoded.clamp(-1, 1), atol=1e-5)
