"""The oracle: every sampler gives the bits of a plain diffusers call, with and without previews."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import diffusers
import numpy as np
import pytest
from diffusers import StableDiffusionPipeline
from diffusers.schedulers.scheduling_utils import AysSchedules

from desktop_app.engine.render import LocalBackend
from desktop_app.recipe.samplers import SAMPLERS
from tests.engine.models import final_latents, plain_call, recipe_for, render

pytestmark = [
    pytest.mark.slow,
    # DEIS and DPM2 of diffusers call numpy's log on torch's tensors.
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]

# Written out here a second time, on purpose: what a person would write for each name.
ORDINARY: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2_a": ("KDPM2AncestralDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2s": ("DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}
SPACINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "ays": {},
}
PAIRS = [(sampler.key, sigmas) for sampler in SAMPLERS.values() for sigmas in sampler.sigmas]


@contextmanager
def ordinary_scheduler(pipe: Any, sampler: str, sigmas: str) -> Iterator[None]:
    name, settings = ORDINARY[sampler]
    own = pipe.scheduler
    pipe.scheduler = getattr(diffusers, name).from_config(
        own.config, **settings, **SPACINGS[sigmas]
    )
    try:
        yield
    finally:
        pipe.scheduler = own


@pytest.mark.parametrize(("sampler", "sigmas"), PAIRS)
def test_every_sampler_gives_the_bits_of_the_plain_call(
    sampler: str, sigmas: str, backend: LocalBackend, plain_tiny: StableDiffusionPipeline
) -> None:
    steps = 10 if sigmas == "ays" else 4
    recipe = recipe_for(
        "tiny",
        scheduler=sampler,
        sigmas=sigmas,
        num_inference_steps=steps,
        negative_prompt="blurry",
        guidance_scale=5.0,
    )
    told: dict[str, Any] = {"num_inference_steps": steps}
    if sigmas == "ays":
        told = {"timesteps": AysSchedules["StableDiffusionTimesteps"]}
    with ordinary_scheduler(plain_tiny, sampler, sigmas):
        latents, pixels = plain_call(
            plain_tiny,
            recipe.seed,
            prompt=recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            guidance_scale=5.0,
            width=64,
            height=64,
            **told,
        )
    for previews in (True, False):
        rendered, events = render(backend, recipe, previews=previews)
        assert np.array_equal(final_latents(events), latents)
        assert np.array_equal(rendered.pixels, pixels)


@pytest.mark.parametrize("sampler", ["ddim", "euler_a", "dpmpp_2m"])
def test_the_starter_gives_the_bits_of_the_plain_call(
    sampler: str, backend: LocalBackend, plain_starter: StableDiffusionPipeline
) -> None:
    recipe = recipe_for(
        "starter", scheduler=sampler, width=128, height=64, seed=2**64 - 1, guidance_scale=4.0
    )
    with ordinary_scheduler(plain_starter, sampler, "default"):
        latents, pixels = plain_call(
            plain_starter,
            recipe.seed,
            prompt=recipe.prompt,
            guidance_scale=4.0,
            width=128,
            height=64,
            num_inference_steps=3,
        )
    rendered, events = render(backend, recipe)
    assert np.array_equal(final_latents(events), latents)
    assert np.array_equal(rendered.pixels, pixels)


def test_without_guidance_too(backend: LocalBackend, plain_tiny: StableDiffusionPipeline) -> None:
    recipe = recipe_for("tiny", guidance_scale=1.0, negative_prompt="never seen")
    latents, pixels = plain_call(
        plain_tiny,
        recipe.seed,
        prompt=recipe.prompt,
        guidance_scale=1.0,
        width=64,
        height=64,
        num_inference_steps=3,
    )
    rendered, events = render(backend, recipe)
    assert np.array_equal(final_latents(events), latents)
    assert np.array_equal(rendered.pixels, pixels)
