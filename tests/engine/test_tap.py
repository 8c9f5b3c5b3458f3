"""The tap sees what the scheduler itself would say, changes nothing, and goes away."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler

from desktop_app.engine.schedulers import make_scheduler, spacing_arguments
from desktop_app.engine.tap import Look, tapped
from desktop_app.errors import Cancelled
from desktop_app.recipe.samplers import SAMPLERS
from tests.engine.models import recipe_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]
TOLD = ("ddim", "ddpm", "euler", "euler_a", "heun", "dpm2", "dpm2_a", "lms")
KEPT = ("dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "unipc")
PREDICTIONS = ("epsilon", "v_prediction", "sample")
NO_PICTURES = ("euler_a", "dpm2", "dpm2_a")
SETTINGS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}


def network(sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    return torch.tanh(sample + torch.sin(timestep.float()))


def looks_and_truth(sampler: str, prediction: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Our predicted x0 and the scheduler's own, step by step."""
    recipe = recipe_for("x", scheduler=sampler, num_inference_steps=4)
    config = dict(EulerDiscreteScheduler(**SETTINGS, prediction_type=prediction).config)
    if sampler in ("ddim", "ddpm"):
        # Made for pixels, they would clip x0 to [-1, 1].
        config["clip_sample"] = False
    scheduler: Any = make_scheduler(config, recipe)
    scheduler.set_timesteps(**spacing_arguments(scheduler, recipe))
    generator = torch.Generator().manual_seed(1)
    sample = torch.randn(1, 4, 4, 4, generator=generator) * scheduler.init_noise_sigma
    pairs: list[tuple[torch.Tensor, torch.Tensor]] = []
    looks: list[Look] = []
    with tapped(scheduler, looks.append):
        for timestep in scheduler.timesteps:
            output = network(scheduler.scale_model_input(sample, timestep), timestep)
            result = scheduler.step(output, timestep, sample)
            truth = result.pred_original_sample if sampler in TOLD else scheduler.model_outputs[-1]
            pairs.append((looks[-1].predicted_x0(), truth))
            sample = result.prev_sample
    return pairs


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("sampler", TOLD + KEPT)
def test_predicted_x0_is_the_schedulers_own(sampler: str, prediction: str) -> None:
    if prediction == "sample" and sampler in NO_PICTURES:
        return
    for ours, theirs in looks_and_truth(sampler, prediction):
        scale = float(theirs.abs().max())
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_a_perfect_network_shows_the_picture_at_every_step(sampler: str, prediction: str) -> None:
    """With the noise known exactly, x0 must be the picture, for all families alike."""
    recipe = recipe_for("x", scheduler=sampler, num_inference_steps=6)
    config = dict(EulerDiscreteScheduler(**SETTINGS, prediction_type=prediction).config)
    scheduler: Any = make_scheduler(config | {"clip_sample": False}, recipe)
    scheduler.set_timesteps(**spacing_arguments(scheduler, recipe))
    generator = torch.Generator().manual_seed(3)
    picture = torch.randn(1, 4, 4, 4, generator=generator)
    looks: list[Look] = []
    with tapped(scheduler, looks.append):
        for timestep in scheduler.timesteps:
            a = float(np.interp(float(timestep), np.arange(1000), scheduler.alphas_cumprod))
            noise = torch.randn(1, 4, 4, 4, generator=generator)
            seen = a**0.5 * picture + (1 - a) ** 0.5 * noise
            output = noise if prediction == "epsilon" else a**0.5 * noise - (1 - a) ** 0.5 * picture
            # The Karras family is handed x0 + sigma * eps and scales it itself.
            scaled = scheduler.scale_model_input(seen, timestep)
            ratio = float((scaled / seen).mean())
            scheduler.step(output, timestep, seen / ratio)
    for look in looks:
        # Fractional timesteps meet interpolated noise levels.
        assert torch.allclose(look.predicted_x0(), picture, atol=0.05), look.index


def test_zero_signal_is_no_division_by_zero() -> None:
    config = dict(EulerDiscreteScheduler(**SETTINGS, rescale_betas_zero_snr=True).config)
    for prediction in PREDICTIONS:
        recipe = recipe_for("x", scheduler="ddim", num_inference_steps=2)
        settings = {"prediction_type": prediction, "timestep_spacing": "trailing"}
        scheduler: Any = make_scheduler(config | settings, recipe)
        scheduler.set_timesteps(2)
        looks: list[Look] = []
        with tapped(scheduler, looks.append):
            sample = torch.ones(1, 4, 4, 4)
            scheduler.step(sample * 0.5, scheduler.timesteps[0], sample)
        assert torch.isfinite(looks[0].predicted_x0()).all()
        assert looks[0].level.sigma <= 1e6


def test_the_scheduler_is_left_as_it_was() -> None:
    recipe = recipe_for("x", scheduler="euler_a")
    scheduler: Any = make_scheduler(EulerDiscreteScheduler(**SETTINGS).config, recipe)
    scheduler.set_timesteps(3)

    def stop(look: Look) -> None:
        raise Cancelled

    sample = torch.ones(1, 4, 4, 4)
    with pytest.raises(Cancelled), tapped(scheduler, stop):
        assert "generator" in scheduler.step.__wrapped__.__code__.co_varnames
        scheduler.step(sample, scheduler.timesteps[0], sample)
    assert "step" not in vars(scheduler)


def test_what_is_seen_belongs_to_the_receiver() -> None:
    recipe = recipe_for("x", scheduler="ddim")
    config = dict(EulerDiscreteScheduler(**SETTINGS, prediction_type="sample").config)
    scheduler: Any = make_scheduler(config, recipe)
    scheduler.set_timesteps(3)
    looks: list[Look] = []
    output = torch.full((1, 4, 4, 4), 0.5)
    state = torch.random.get_rng_state()
    with tapped(scheduler, looks.append):
        scheduler.step(output, scheduler.timesteps[0], torch.ones(1, 4, 4, 4))
    looks[0].predicted_x0().zero_()
    assert float(output.mean()) == 0.5
    assert torch.equal(state, torch.random.get_rng_state())
