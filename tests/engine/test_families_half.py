"""In half precision too, pictures are those of a plain diffusers call."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from desktop_app.engine.families import caller
from desktop_app.engine.render import LocalBackend
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.wishes import Wishes
from tests.engine.models import recipe_for, ref, render
from tests.engine.tiny_families import save_tiny_family

pytestmark = pytest.mark.slow
TOLD = {"flux": (), "flux2": (), "krea2": ("negative_prompt",), "cogview4": ("negative_prompt",)}
"""Families that keep some of their numbers in float32, and what they read beside the prompt."""


def plain(key: str, folder: Path, recipe: Recipe) -> Any:
    """The pixels of a plain call that begins with the noise of the seed."""
    kind: Any = getattr(diffusers, FAMILIES[key].pipelines[0])
    pipe = kind.from_pretrained(folder, dtype=torch.bfloat16, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(recipe.seed)
    call = caller(pipe)
    shape = call.shape(pipe, recipe.width, recipe.height)
    noise = torch.randn(shape, generator=generator).to(torch.bfloat16)
    latents = noise if key == "flux2" else call.packed(pipe, noise)
    told = dict.fromkeys(TOLD[key], "fog")
    return pipe(
        prompt=recipe.prompt,
        width=recipe.width,
        height=recipe.height,
        num_inference_steps=recipe.num_inference_steps,
        guidance_scale=recipe.guidance_scale,
        latents=latents,
        generator=generator,
        **told,
    ).images[0]


@pytest.mark.parametrize("key", TOLD)
def test_the_pixels_are_those_of_the_plain_call(key: str, tmp_path: Path) -> None:
    folder = tmp_path / key
    save_tiny_family(key, folder)
    backend = LocalBackend(
        {ref(key): folder}.__getitem__,
        cache=tmp_path / "cache",
        threads=1,
        device="cpu",
        wishes=lambda _: Wishes(dtype="bfloat16"),
    )
    recipe = recipe_for(
        key,
        scheduler="euler",
        guidance_scale=2.0,
        negative_prompt="fog" if TOLD[key] else "",
    )
    rendered = render(backend, recipe)[0]
    backend.close()
    assert rendered.provenance.fingerprint.dtype == "bfloat16"
    assert np.array_equal(rendered.pixels, np.array(plain(key, folder, recipe)))


def test_layers_that_their_makers_keep_exact_stay_so(tmp_path: Path) -> None:
    from desktop_app.engine.loading import load_model

    folder = tmp_path / "flux"
    save_tiny_family("flux", folder)
    cpu = torch.device("cpu")
    model = load_model(folder, "flux", device=cpu, dtype=torch.float16)
    weights = dict(model.pipe.text_encoder_2.named_parameters())
    exact = {name for name, one in weights.items() if one.dtype == torch.float32}
    assert exact
    assert all(name.endswith("wo.weight") for name in exact)
    assert model.pipe.transformer.dtype == torch.float16
