"""The artists' sampler names turned into diffusers schedulers, ready for one render."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.samplers import SAMPLERS, Sampler, Sigmas


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

AYS_TIMESTEPS = (999, 850, 736, 645, 545, 455, 343, 233, 124, 24)
"""Ten steps for Stable Diffusion 1.5 (Sabour et al. 2024, arXiv 2404.14507)."""
AYS_BETAS = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
"""Of the noise schedule that those timesteps belong to, scaled linear."""

FLOWS = {"euler": "FlowMatchEulerDiscreteScheduler"}
"""What the samplers are called for models of flow matching (Lipman et al. 2022, arXiv 2210.02747).
"""

WARPED = {"ddpm": "DDPMWuerstchenScheduler"}
"""What they are called for Stable Cascade (Pernias et al. 2023, arXiv 2306.00637)."""

SHIFTED = {"ddim": "CogVideoXDDIMScheduler"}
"""What they are called for noise schedules that are shifted by a factor, as CogView 3's is."""

NO_PICTURES = ("pndm", "euler_a", "dpm2", "dpm2_a")
"""Samplers whose classes know no network that predicts the picture itself."""


def make_scheduler(config: Mapping[str, Any], recipe: Recipe) -> Scheduler:
    """A fresh scheduler for a recipe.

    Args:
        config: of the scheduler that the model came with: its betas and its prediction type.

    Raises:
        AppError: `sampler-model` when the sampler cannot work with this model, `sampler-steps`
            when it cannot take that many steps.
    """
    _check(config, recipe)
    sampler = SAMPLERS[recipe.scheduler]
    name = _class_for(config, sampler)
    kind = getattr(diffusers, name)
    settings = dict(sampler.config) if name == sampler.scheduler else {}
    if name in FLOWS.values() and "flow_shift" in config:
        settings["shift"] = config["flow_shift"]
    # A model may come with one of the flags set, and two at once are refused by the classes.
    known = inspect.signature(kind.__init__).parameters
    if config.get("use_flow_sigmas") and name in FLOWS.values():
        # Nothing of a solver's settings but their count is a flow's.
        config = {key: value for key, value in config.items() if key in known}
    settings |= {flag: False for flag in SPACING_FLAGS.values() if flag in known}
    if recipe.sigmas in SPACING_FLAGS:
        settings[SPACING_FLAGS[recipe.sigmas]] = True
    if recipe.scheduler == "lcm":
        # Its steps are chosen among those of the training; more than 50 need a finer choice.
        usual = int(config.get("original_inference_steps", 50))
        settings["original_inference_steps"] = max(usual, recipe.num_inference_steps)
    return kind.from_config(dict(config), **settings)


def _class_for(config: Mapping[str, Any], sampler: Sampler) -> str:
    """The class in diffusers that a sampler is for a model with this scheduler."""
    if flows(config) or (config.get("use_flow_sigmas") and sampler.key in FLOWS):
        return FLOWS[sampler.key]
    if warped(config):
        return WARPED[sampler.key]
    if "snr_shift_scale" in config:
        return SHIFTED[sampler.key]
    return sampler.scheduler


def flows(config: Mapping[str, Any]) -> bool:
    """Whether a scheduler's settings are those of flow matching, which has no betas."""
    return "beta_start" not in config and "shift" in config


def warped(config: Mapping[str, Any]) -> bool:
    """Whether a scheduler's settings are those of Stable Cascade: a cosine of its own."""
    return "scaler" in config and "s" in config


def calls_of(scheduler: Any) -> torch.Tensor:
    """The timesteps that a pipeline calls `step` with: one each, but for what stands after them.

    The list of Stable Cascade's scheduler goes on to 0, which is the picture itself.
    """
    return scheduler.timesteps[:-1] if warped(scheduler.config) else scheduler.timesteps


class SchedulerShelf:
    """Schedulers that were made before, kept as they came.

    Making one costs up to half a second: DPM2 goes through all training timesteps.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, int], Scheduler] = {}

    def take(self, config: Mapping[str, Any], recipe: Recipe) -> Scheduler:
        """A scheduler that nobody has used; see `make_scheduler`."""
        _check(config, recipe)
        fine = recipe.num_inference_steps if recipe.scheduler == "lcm" else 0
        key = recipe.scheduler, recipe.sigmas, fine
        if key not in self._made:
            self._made[key] = make_scheduler(config, recipe)
        return copy.deepcopy(self._made[key])


def _check(config: Mapping[str, Any], recipe: Recipe) -> None:
    label = SAMPLERS[recipe.scheduler].label
    prediction = config.get("prediction_type", "epsilon")
    if prediction == "sample" and recipe.scheduler in NO_PICTURES:
        raise AppError(
            "sampler-model",
            f"The sampler {label} cannot work with this model, which predicts the picture itself.",
            hint="Choose another sampler, such as Euler or DDIM.",
        )
    if flows(config) and (recipe.scheduler not in FLOWS or recipe.sigmas == "ays"):
        known = ", ".join(SAMPLERS[key].label for key in FLOWS)
        raise AppError(
            "sampler-model",
            f"The sampler {label} cannot work with this model, which was trained on flows.",
            hint=f"Choose {known} without AYS.",
        )
    for special, known in ((warped(config), WARPED), ("snr_shift_scale" in config, SHIFTED)):
        if special and recipe.scheduler not in known:
            raise AppError(
                "sampler-model",
                f"The sampler {label} cannot work with the noise schedule of this model.",
                hint=f"Choose {', '.join(SAMPLERS[key].label for key in known)}.",
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
    levels = _log_sigmas(np.cumprod(1 - AYS_BETAS))[list(AYS_TIMESTEPS)]
    wanted = np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, len(levels)), levels)
    trained = _log_sigmas(np.asarray(scheduler.alphas_cumprod, dtype=np.float64))
    timesteps = np.rint(np.interp(wanted, trained, np.arange(len(trained)))).astype(int)
    # Each timestep once, falling: many steps crowd together at the clean end.
    for place in range(1, steps):
        timesteps[place] = min(timesteps[place], timesteps[place - 1] - 1)
    floor = np.arange(steps)[::-1]
    return {"timesteps": np.maximum(timesteps, floor).tolist()}


def _log_sigmas(alphas_cumprod: NDArray[np.float64]) -> NDArray[np.float64]:
    """log sqrt((1 - a) / a) for each training timestep, rising."""
    return 0.5 * np.log((1 - alphas_cumprod) / np.maximum(alphas_cumprod, 1e-12))
