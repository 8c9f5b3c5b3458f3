"""Looks over a scheduler's shoulder for one render: the state and the predicted x0 at each step."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from desktop_app.engine.schedulers import Scheduler, calls_of, warped

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")
FLOW = "flow"
"""The prediction type of flow matching, which its schedulers do not name in their config."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How noisy a sample is.

    Attributes:
        signal: share of the picture, sqrt(a) for a = cumulative alpha; 1 - s in flow matching.
        noise: share of the noise, sqrt(1 - a); s in flow matching.
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
        result: what it made of it, the next call's sample; not a copy.
        result_scale: `Level.scale` of that.
    """

    index: int
    count: int
    timestep: float
    level: Level
    prediction_type: str
    model_output: torch.Tensor
    sample: torch.Tensor
    result: torch.Tensor
    result_scale: float

    def noisy(self) -> torch.Tensor:
        """The state after the step as signal * x0 + noise * eps, (1, C, H/f, W/f) float32, new."""
        return self.result.float() * self.result_scale

    def predicted_x0(self) -> torch.Tensor:
        """The picture that the network sees in the noise, (1, C, H/f, W/f) float32, a new tensor.

        Epsilon: Ho et al. 2020 (arXiv 2006.11239, eq. 15); v: Salimans & Ho 2022 (arXiv
        2202.00512, appendix D); flow: Lipman et al. 2022 (arXiv 2210.02747).
        """
        # Where a network predicts the variance too, that comes after.
        channels = self.sample.shape[1]
        output, level = self.model_output[:, :channels].float(), self.level
        if self.prediction_type == "sample":
            return output.clone()
        sample = self.sample.float() * level.scale
        if self.prediction_type == FLOW:
            return sample - level.noise * output
        if self.prediction_type == "v_prediction":
            return level.signal * sample - level.noise * output
        return (sample - level.noise * output) / max(level.signal, 1e-6)


@contextmanager
def tapped(
    scheduler: Scheduler, seen: Callable[[Look], None], *, before: int = 0, count: int | None = None
) -> Iterator[None]:
    """Call `seen` after each step that a pipeline takes with this scheduler.

    An exception from `seen` leaves the pipeline through its own loop: that is how a render is
    cancelled. No random number is drawn and nothing is changed, so that the pixels are those of
    the plain call.

    Args:
        before: calls that were done for the picture already; the first look has the index after.
        count: calls for the whole picture; None for as many as the scheduler has timesteps.
    """
    step = scheduler.step
    begin_at = getattr(scheduler, "set_begin_index", None)
    kind = prediction_type(scheduler)
    index = before

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
                count=len(calls_of(scheduler)) if count is None else count,
                timestep=float(timestep),
                level=level,
                prediction_type=kind,
                model_output=model_output,
                sample=sample,
                result=result[0] if isinstance(result, tuple) else result.prev_sample,
                result_scale=_result_scale(scheduler),
            )
        )
        return result

    scheduler.step = watched
    try:
        yield
    finally:
        del scheduler.step


def prediction_type(scheduler: Any) -> str:
    """What the network predicts: one of `PREDICTION_TYPES`, or `FLOW`."""
    told = str(scheduler.config.get("prediction_type", "epsilon"))
    flows = "FlowMatch" in type(scheduler).__name__ or told == "flow_prediction"
    return FLOW if flows else told


def level_at(scheduler: Any, timestep: Any) -> Level:
    """The noise level of the sample that `scheduler.step` is about to be called with."""
    if not _has_sigmas(scheduler):
        return _cumulative_level(scheduler, timestep)
    between = getattr(scheduler, "sigmas_interpol", None)
    halfway = between is not None and not scheduler.state_in_first_order
    return _sigma_level(scheduler, scheduler.step_index or 0, halfway=halfway)


def levels_of(scheduler: Any) -> tuple[Level, ...]:
    """The noise level of each call, in order, of a scheduler whose timesteps are set."""
    if not _has_sigmas(scheduler):
        return tuple(_cumulative_level(scheduler, timestep) for timestep in calls_of(scheduler))
    twice = getattr(scheduler, "sigmas_interpol", None) is not None
    return tuple(
        _sigma_level(scheduler, index, halfway=twice and index % 2 == 1)
        for index in range(len(scheduler.timesteps))
    )


def _has_sigmas(scheduler: Any) -> bool:
    return getattr(scheduler, "sigmas", None) is not None and hasattr(scheduler, "step_index")


def _cumulative_level(scheduler: Any, timestep: Any) -> Level:
    if warped(scheduler.config):
        cumulative = float(scheduler._alpha_cumprod(timestep.reshape(-1)[:1], timestep.device))
    else:
        cumulative = float(scheduler.alphas_cumprod[int(timestep)])
    return Level(signal=cumulative**0.5, noise=(1 - cumulative) ** 0.5)


def _sigma_level(scheduler: Any, index: int, *, halfway: bool) -> Level:
    """Args:
    halfway: whether this call of DPM2 looks between two levels; its two classes store that one
        at different places.
    """
    if halfway:
        place = index - 1 if hasattr(scheduler, "sigmas_up") else index
        sigma = float(scheduler.sigmas_interpol[place])
    else:
        sigma = float(scheduler.sigmas[index])
    if prediction_type(scheduler) == FLOW:
        return Level(signal=1 - sigma, noise=sigma)
    signal = (1 + sigma**2) ** -0.5
    # The Karras family (Karras et al. 2022, arXiv 2206.00364) lets the variance explode: its
    # samples are x0 + sigma * eps. The solvers of the others keep signal and noise at one.
    exploding = not hasattr(scheduler, "_sigma_to_alpha_sigma_t")
    return Level(signal=signal, noise=sigma * signal, scale=signal if exploding else 1.0)


def _result_scale(scheduler: Any) -> float:
    """The scale of the sample that a call just made, told by the place it left the scheduler at."""
    return level_at(scheduler, None).scale if _has_sigmas(scheduler) else 1.0
