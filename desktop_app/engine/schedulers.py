"""The artists' sampler names turned into diffusers schedulers, ready for one render."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import diffusers
import numpy as np
import torch

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.samplers import SAMPLERS, Sigmas


class Scheduler(Protocol):
    """What the diffusers schedulers in the table share and their base class does not declare."""

    config: Any
    timesteps: torch.Tensor
    alphas_cumprod: torch.Tensor
    step: Callable[..., Any]
    set_timesteps: Callable[..., None]


SPACING_FLAGS: dict[Sigmas, str] = {
    "karras": "use_karras_sigmas",
    "exponential": "use_exponential_sigmas",
    "beta": "use_beta_sigmas",
}

AYS_SIGMAS = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152)
"""Noise levels for ten steps with Stable Diffusion 1.5 (Sabour et al. 2024, arXiv 2404.14507)."""


def make_scheduler(config: Mapping[str, Any], recipe: Recipe) -> Scheduler:
    """A fresh scheduler for a recipe.

    Args:
        config: of the scheduler that the model came with: its betas and its prediction type.

    Raises:
        AppError: `sampler-model` when the sampler cannot work with this model, `sampler-steps`
            when it cannot take that many steps.
    """
    sampler = SAMPLERS[recipe.scheduler]
    kind = getattr(diffusers, sampler.scheduler)
    settings = dict(sampler.config)
    # A model may come with one of the flags set, and two at once are refused by the classes.
    known = inspect.signature(kind.__init__).parameters
    settings |= {flag: False for flag in SPACING_FLAGS.values() if flag in known}
    if recipe.sigmas in SPACING_FLAGS:
        settings[SPACING_FLAGS[recipe.sigmas]] = True
    _check(config, recipe)
    if recipe.scheduler == "lcm":
        # Its steps are chosen among those of the training; more than 50 need a finer choice.
        settings["original_inference_steps"] = max(50, recipe.num_inference_steps)
    return kind.from_config(dict(config), **settings)


def _check(config: Mapping[str, Any], recipe: Recipe) -> None:
    label = SAMPLERS[recipe.scheduler].label
    prediction = config.get("prediction_type", "epsilon")
    if prediction == "sample" and recipe.scheduler in ("pndm", "heun", "dpm2", "dpm2_a"):
        raise AppError(
            "sampler-model",
            f"The sampler {label} cannot work with this model, which predicts the picture itself.",
            hint="Choose another sampler, such as Euler or DDIM.",
        )
    longest = int(config.get("num_train_timesteps", 1000))
    if recipe.num_inference_steps > longest // 2:
        raise AppError(
            "sampler-steps",
            f"This model can take at most {longest // 2} steps.",
            steps=recipe.num_inference_steps,
        )


def spacing_arguments(scheduler: Scheduler, recipe: Recipe) -> dict[str, Any]:
    """What `set_timesteps`, and so the pipeline, is told about the steps.

    Returns:
        `num_inference_steps`, or for AYS `timesteps`: its noise levels, interpolated in the
        logarithm to the wanted number of steps as its authors say, and looked up in the noise
        schedule that the model was trained with.
    """
    steps = recipe.num_inference_steps
    if recipe.sigmas != "ays":
        return {"num_inference_steps": steps}
    wanted = np.interp(
        np.linspace(0, 1, steps), np.linspace(0, 1, len(AYS_SIGMAS)), np.log(AYS_SIGMAS)
    )
    cumulative = np.asarray(scheduler.alphas_cumprod, dtype=np.float64)
    trained = 0.5 * np.log((1 - cumulative) / np.maximum(cumulative, 1e-12))
    timesteps = np.rint(np.interp(wanted, trained, np.arange(len(trained)))).astype(int)
    # Each timestep once, falling: many steps crowd together at the clean end.
    for place in range(1, steps):
        timesteps[place] = min(timesteps[place], timesteps[place - 1] - 1)
    floor = np.arange(steps)[::-1]
    return {"timesteps": np.maximum(timesteps, floor).tolist()}
