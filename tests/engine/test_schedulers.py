"""Every sampler of the table works from one step to many, whatever the noise schedule."""

import inspect
import logging
from itertools import pairwise
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from diffusers.schedulers.scheduling_utils import AysSchedules

from desktop_app.engine.schedulers import (
    NO_PICTURES,
    Scheduler,
    SchedulerShelf,
    calls_of,
    make_scheduler,
    spacing_arguments,
)
from desktop_app.engine.tap import Look, levels_of, tapped
from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.samplers import SAMPLERS
from tests.engine.models import recipe_for

pytestmark = [
    pytest.mark.slow,
    # DEIS and DPM2 of diffusers call numpy's log on torch's tensors.
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]
PAIRS = [(sampler.key, sigmas) for sampler in SAMPLERS.values() for sigmas in sampler.sigmas]
STABLE_DIFFUSION: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
COSINE: dict[str, Any] = {
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
    "clip_sample": False,
}


@pytest.fixture(scope="module")
def configs() -> dict[str, dict[str, Any]]:
    capped = DDIMScheduler(**COSINE).betas.clamp(max=0.2).tolist()
    return {
        "stable diffusion": dict(EulerDiscreteScheduler(**STABLE_DIFFUSION).config),
        "capped cosine": dict(DDIMScheduler(**COSINE, trained_betas=capped).config),
    }


@pytest.fixture(scope="module")
def shelves() -> dict[str, SchedulerShelf]:
    return {"stable diffusion": SchedulerShelf(), "capped cosine": SchedulerShelf()}


def walk(scheduler: Scheduler, recipe: Recipe) -> tuple[torch.Tensor, list[Look]]:
    """Run the scheduler's loop, with a bounded function in the place of the network."""
    own: Any = scheduler
    own.set_timesteps(**spacing_arguments(scheduler, recipe))
    generator = torch.Generator().manual_seed(recipe.seed)
    named = inspect.signature(own.step).parameters
    more = {"generator": generator} if "generator" in named else {}
    sample = torch.randn(1, 4, 8, 8, generator=generator) * own.init_noise_sigma
    looks: list[Look] = []
    with tapped(scheduler, looks.append):
        for timestep in own.timesteps:
            output = torch.tanh(own.scale_model_input(sample, timestep))
            sample = own.step(output, timestep, sample, **more, return_dict=False)[0]
    return sample, looks


@pytest.mark.parametrize(("sampler", "sigmas"), PAIRS)
def test_any_number_of_steps(
    sampler: str,
    sigmas: str,
    configs: dict[str, dict[str, Any]],
    shelves: dict[str, SchedulerShelf],
    caplog: pytest.LogCaptureFixture,
) -> None:
    numbers = {"stable diffusion": (1, 2, 33), "capped cosine": (1, 3, 60)}
    for name, counts in numbers.items():
        for steps in counts:
            recipe = recipe_for("x", scheduler=sampler, sigmas=sigmas, num_inference_steps=steps)
            scheduler = shelves[name].take(configs[name], recipe)
            sample, looks = walk(scheduler, recipe)
            assert torch.isfinite(sample).all()
            assert [look.index for look in looks] == list(range(1, len(looks) + 1))
            assert {look.count for look in looks} == {len(looks)}
            assert steps <= len(looks) <= max(2 * steps, steps + 1)
            assert all(torch.isfinite(look.predicted_x0()).all() for look in looks)
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_the_table_offers_what_the_classes_have() -> None:
    flags = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas"}
    flags["beta"] = "use_beta_sigmas"
    for sampler in SAMPLERS.values():
        kind = getattr(diffusers, sampler.scheduler)
        known = inspect.signature(kind.__init__).parameters
        offered = {sigmas for sigmas in sampler.sigmas if sigmas in flags}
        assert offered == {sigmas for sigmas, flag in flags.items() if flag in known}
        assert {key for key, _ in sampler.config} <= set(known)
        if "ays" in sampler.sigmas:
            assert "timesteps" in inspect.signature(kind.set_timesteps).parameters


@pytest.mark.parametrize(
    ("sampler", "sigmas"), [(key, sigmas) for key, sigmas in PAIRS if sigmas != "default"]
)
def test_each_spacing_is_another_one(
    sampler: str,
    sigmas: str,
    configs: dict[str, dict[str, Any]],
    shelves: dict[str, SchedulerShelf],
) -> None:
    def levels(spacing: str) -> list[float]:
        recipe = recipe_for("x", scheduler=sampler, sigmas=spacing, num_inference_steps=10)
        scheduler: Any = shelves["stable diffusion"].take(configs["stable diffusion"], recipe)
        scheduler.set_timesteps(**spacing_arguments(scheduler, recipe))
        return scheduler.sigmas.tolist()

    assert not np.allclose(levels(sigmas)[:10], levels("default")[:10], rtol=0.01)


@pytest.mark.parametrize(("sampler", "sigmas"), [("euler", "default"), ("heun", "karras")])
def test_a_flag_of_the_models_own_config_does_not_win(
    sampler: str, sigmas: str, configs: dict[str, dict[str, Any]]
) -> None:
    config = configs["stable diffusion"] | {"use_exponential_sigmas": True}
    recipe = recipe_for("x", scheduler=sampler, sigmas=sigmas)
    made = make_scheduler(config, recipe)
    assert not made.config.use_exponential_sigmas
    assert made.config.use_karras_sigmas == (sigmas == "karras")


def test_ays_is_the_published_list_at_ten_steps(configs: dict[str, dict[str, Any]]) -> None:
    recipe = recipe_for("x", scheduler="dpmpp_2m", sigmas="ays", num_inference_steps=10)
    scheduler = make_scheduler(configs["stable diffusion"], recipe)
    published = AysSchedules["StableDiffusionTimesteps"]
    assert spacing_arguments(scheduler, recipe) == {"timesteps": published}


@pytest.mark.parametrize("steps", [1, 2, 11, 60, 250, 500])
@pytest.mark.parametrize("schedule", ["stable diffusion", "capped cosine"])
def test_ays_never_stands_still(
    steps: int, schedule: str, configs: dict[str, dict[str, Any]]
) -> None:
    recipe = recipe_for("x", scheduler="euler", sigmas="ays", num_inference_steps=steps)
    scheduler = make_scheduler(configs[schedule], recipe)
    timesteps = spacing_arguments(scheduler, recipe)["timesteps"]
    assert len(timesteps) == steps
    assert all(0 <= after < before <= 999 for before, after in pairwise(timesteps))


def test_more_lcm_steps_than_its_training_had(configs: dict[str, dict[str, Any]]) -> None:
    recipe = recipe_for("x", scheduler="lcm", num_inference_steps=77)
    assert len(walk(make_scheduler(configs["stable diffusion"], recipe), recipe)[1]) == 77


def test_refusals_come_before_the_work(configs: dict[str, dict[str, Any]]) -> None:
    short = configs["stable diffusion"] | {"num_train_timesteps": 100}
    with pytest.raises(AppError, match="at most 50 steps") as refused:
        make_scheduler(short, recipe_for("x", num_inference_steps=51))
    assert refused.value.code == "sampler-steps"
    picture = configs["stable diffusion"] | {"prediction_type": "sample"}
    for sampler in NO_PICTURES:
        with pytest.raises(AppError) as refused:
            make_scheduler(picture, recipe_for("x", scheduler=sampler))
        assert refused.value.code == "sampler-model"


@pytest.mark.parametrize("sampler", [key for key in SAMPLERS if key not in NO_PICTURES])
def test_the_others_do_predict_pictures(sampler: str, configs: dict[str, dict[str, Any]]) -> None:
    config = configs["stable diffusion"] | {"prediction_type": "sample"}
    recipe = recipe_for("x", scheduler=sampler, num_inference_steps=4)
    sample, _ = walk(make_scheduler(config, recipe), recipe)
    assert torch.isfinite(sample).all()


FLOWING = {
    "use_flow_sigmas": True,
    "flow_shift": 3.0,
    "prediction_type": "flow_prediction",
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
}


def test_euler_follows_the_flow_of_a_solver_that_the_model_came_with() -> None:
    made: Any = make_scheduler(FLOWING, recipe_for("m", scheduler="euler"))
    assert type(made) is diffusers.FlowMatchEulerDiscreteScheduler
    assert made.config["shift"] == 3.0
    solver: Any = make_scheduler(FLOWING, recipe_for("m", scheduler="unipc"))
    assert type(solver) is diffusers.UniPCMultistepScheduler
    made.set_timesteps(4)
    solver.set_timesteps(4)
    for one in (made, solver):
        levels = levels_of(one)
        assert levels[0].noise == pytest.approx(1, abs=1e-5)
        assert all(level.signal == pytest.approx(1 - level.noise) for level in levels)


def test_the_scheduler_of_stable_cascade_ends_in_the_picture_itself() -> None:
    config = dict(diffusers.DDPMWuerstchenScheduler().config)
    made: Any = make_scheduler(config, recipe_for("m", scheduler="ddpm"))
    assert type(made) is diffusers.DDPMWuerstchenScheduler
    made.set_timesteps(4)
    assert calls_of(made).tolist() == [1.0, 0.75, 0.5, 0.25]
    levels = levels_of(made)
    assert len(levels) == 4
    assert all(one.sigma > other.sigma for one, other in pairwise(levels))
    with pytest.raises(AppError, match="noise schedule") as refusal:
        make_scheduler(config, recipe_for("m", scheduler="euler"))
    assert refusal.value.code == "sampler-model"
    assert "DDPM" in (refusal.value.hint or "")


def test_a_shifted_noise_schedule_is_kept() -> None:
    config = dict(diffusers.CogVideoXDDIMScheduler(snr_shift_scale=4.0).config)
    made: Any = make_scheduler(config, recipe_for("m", scheduler="ddim"))
    own: Any = diffusers.CogVideoXDDIMScheduler.from_config(config)
    assert torch.equal(made.alphas_cumprod, own.alphas_cumprod)
    with pytest.raises(AppError, match="noise schedule"):
        make_scheduler(config, recipe_for("m", scheduler="euler"))
