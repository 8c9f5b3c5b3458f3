"""Looks over a scheduler's shoulder for one render: the state and the predicted x0 at each step."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from desktop_app.engine.schedulers import Scheduler

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How noisy a sample is.

    Attributes:
        signal: share of the picture, sqrt(a) for a = cumulative alpha.
        noise: share of the noise, sqrt(1 - a).
        scale: what the sample must be multiplied with to be signal * x0 + noise * eps.
    """

    signal: float
    noise: float
    scale: float = 1.0

    @property
    def sigma(self) -> float:
        """Noise level sqrt((1 - a) / a), the measure that all samplers share."""
        return self.noise / max(self.signal, 1e-6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One call of `scheduler.step`, seen from inside the pipeline.

    Attributes:
        index: 1 ... count.
        model_output: what the network predicted, after guidance; (1, C, H/f, W/f), not a copy.
        sample: what it was given, before the scheduler's scaling of the input; not a copy.
    """

    index: int
    count: int
    timestep: float
    level: Level
    prediction_type: str
    model_output: torch.Tensor
    sample: torch.Tensor

    def predicted_x0(self) -> torch.Tensor:
        """The picture that the network sees in the noise, (1, C, H/f, W/f) float32, a new tensor.

        Epsilon: Ho et al. 2020 (arXiv 2006.11239, eq. 15); v: Salimans & Ho 2022 (arXiv
        2202.00512, appendix D).
        """
        output, level = self.model_output.float(), self.level
        if self.prediction_type == "sample":
            return output.clone()
        sample = self.sample.float() * level.scale
        if self.prediction_type == "v_prediction":
            return level.signal * sample - level.noise * output
        return (sample - level.noise * output) / max(level.signal, 1e-6)


@contextmanager
def tapped(scheduler: Scheduler, seen: Callable[[Look], None]) -> Iterator[None]:
    """Call `seen` after each step that a pipeline takes with this scheduler.

    An exception from `seen` leaves the pipeline through its own loop: that is how a render is
    cancelled. No random number is drawn and nothing is changed, so that the pixels are those of
    the plain call.
    """
    step = scheduler.step
    begin_at = getattr(scheduler, "set_begin_index", None)
    index = 0

    # Pipelines look for `generator` in the signature; without wraps() they would not hand it on.
    @functools.wraps(step)
    def watched(
        model_output: torch.Tensor, timestep: Any, sample: torch.Tensor, *more: Any, **named: Any
    ) -> Any:
        nonlocal index
        if begin_at is not None and getattr(scheduler, "step_index", None) is None:
            # Left to itself, a scheduler whose first timestep stands twice in its list (many beta
            # spaced steps do that) begins at the second one and runs over the end.
            begin_at(0)
        level = level_at(scheduler, timestep)
        result = step(model_output, timestep, sample, *more, **named)
        index += 1
        seen(
            Look(
                index=index,
                count=len(scheduler.timesteps),
                timestep=float(timestep),
                level=level,
                prediction_type=scheduler.config.prediction_type,
                model_output=model_output,
                sample=sample,
            )
        )
        return result

    scheduler.step = watched
    try:
        yield
    finally:
        del scheduler.step


def level_at(scheduler: Any, timestep: Any) -> Level:
    """The noise level of the sample that `scheduler.step` is about to be called with."""
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None or not hasattr(scheduler, "step_index"):
        cumulative = float(scheduler.alphas_cumprod[int(timestep)])
        return Level(signal=cumulative**0.5, noise=(1 - cumulative) ** 0.5)
    sigma = float(_sigma(scheduler, sigmas))
    signal = (1 + sigma**2) ** -0.5
    # The Karras family (Karras et al. 2022, arXiv 2206.00364) lets the variance explode: its
    # samples are x0 + sigma * eps. The solvers of the others keep signal and noise at one.
    exploding = not hasattr(scheduler, "_sigma_to_alpha_sigma_t")
    return Level(signal=signal, noise=sigma * signal, scale=signal if exploding else 1.0)


def _sigma(scheduler: Any, sigmas: torch.Tensor) -> torch.Tensor:
    index = scheduler.step_index or 0
    between = getattr(scheduler, "sigmas_interpol", None)
    if between is None or scheduler.state_in_first_order:
        return sigmas[index]
    # DPM2 looks a second time half-way; the two classes store that level at different places.
    return between[index - 1 if hasattr(scheduler, "sigmas_up") else index]
