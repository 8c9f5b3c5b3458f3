"""Branches: the legs from the first noise to a picture, and a scheduler's way in between two."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from desktop_app.engine.schedulers import Scheduler, calls_of
from desktop_app.engine.snapshots import State, constants, restore
from desktop_app.engine.tap import Level, levels_of
from desktop_app.errors import AppError
from desktop_app.recipe.branches import lineage
from desktop_app.recipe.recipe import Recipe, RefinerUse
from desktop_app.recipe.samplers import SAMPLERS

SAME_LEVEL = 1e-3
"""Share by which two noise levels may differ and still be the same one for finding a place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """The part of the way to a picture that one model goes with the settings of one recipe.

    Attributes:
        recipe: names a refiner where that is the model, and none where it is the recipe's own.
        before: calls of a scheduler that were done for the picture before this leg.
        timesteps: of its calls to its own end, not only to where the next leg begins; 1-D.
        levels: of the samples that those calls take.
        entry: the place among the scheduler's own calls at which it begins.
        carried: whether the scheduler's state goes on from the leg before; it begins anew if not.
        source: the level of the sample that the leg before leaves.
        reseeded: whether the noise of the steps is drawn anew.
    """

    recipe: Recipe
    before: int
    timesteps: torch.Tensor
    levels: tuple[Level, ...]
    entry: int = 0
    carried: bool = False
    source: Level | None = None
    reseeded: bool = False

    @property
    def end(self) -> int:
        """Calls for a picture that ends with this leg."""
        return self.before + len(self.timesteps)


def plan(recipe: Recipe, ready: Callable[[Recipe], Any]) -> tuple[Leg, ...]:
    """The way from noise to a picture; one leg where it is no branch and has no refiner.

    With the same sampler, spacing and number of steps as its parent, a branch goes on in the
    parent's schedule, and its scheduler in the parent's state. With another, its own schedule is
    entered at the first noise level at or below the one that the parent has come to, or at its
    last one where all are above; samplers that look twice are entered at a whole step. Levels are
    sigma = sqrt((1 - a) / a), which all samplers share.

    A refiner takes a recipe's calls from the first one on whose timestep is below its start, as in
    diffusers' two calls with `denoising_end` and `denoising_start`; but samplers that look twice
    hand over at a whole step, where those two would look twice at one noise level. Its scheduler
    begins anew, at its own first timestep below that.

    Every sampler of the table can be branched from: those that draw noise draw it from the one
    generator, whose state is kept. DPM++ SDE with its Brownian tree is not in the table.

    Args:
        ready: gives a scheduler with its timesteps set for a recipe.

    Raises:
        AppError: `branch-step` when a parent has no step left to branch from, `refiner-steps` when
            a model or its refiner would have none.
    """
    legs: list[Leg] = []
    line = lineage(recipe)
    for (one, before), after in zip(line, (*line[1:], None), strict=True):
        parent = legs[-1] if legs else None
        first = _next_leg(replace(one, refiner=None), before, parent, ready)
        if one.refiner is None:
            legs.append(first)
            continue
        handed = before + _calls_before(first, one.refiner, ready)
        if handed > before:
            legs.append(first)
        # A branch from before the refiner's part has nothing to do with that.
        if after is not None and after[1] <= handed:
            continue
        if handed > before:
            legs.append(_refined(first, handed, one, one.refiner, ready(one)))
        elif parent is not None:
            # Where the branch begins, the refiner is at work already.
            legs.append(_next_leg(one, before, parent, ready))
        else:
            raise _no_step(one.refiner, "the model itself", "later")
    return tuple(legs)


def _calls_before(first: Leg, refiner: RefinerUse, ready: Callable[[Recipe], Any]) -> int:
    """The calls of a leg that are done before a refiner takes over."""
    order = SAMPLERS[first.recipe.scheduler].order
    high = first.timesteps >= _cutoff(ready(first.recipe), refiner)
    # A step of two calls is not parted.
    return max((first.entry + int(high.sum())) // order * order - first.entry, 0)


def _refined(first: Leg, before: int, recipe: Recipe, refiner: RefinerUse, scheduler: Any) -> Leg:
    """The refiner's leg after a recipe's own one."""
    order = SAMPLERS[recipe.scheduler].order
    entry = int((scheduler.timesteps >= _cutoff(scheduler, refiner)).sum()) // order * order
    if before >= first.end or entry >= len(scheduler.timesteps):
        raise _no_step(refiner, "the refiner", "earlier")
    return _entered(scheduler, entry, recipe, before, first.levels[before - first.before])


def _cutoff(scheduler: Any, refiner: RefinerUse) -> int:
    """The timestep below which a refiner is at work, as diffusers' pipelines reckon it."""
    trained = int(scheduler.config.num_train_timesteps)
    return round(trained - refiner.start * trained)


def _no_step(refiner: RefinerUse, who: str, when: str) -> AppError:
    return AppError(
        "refiner-steps",
        f"With so few steps and the refiner from {refiner.start:g} on, {who} would take none.",
        hint=f"Let the refiner begin {when}, or take more steps.",
    )


def _next_leg(
    recipe: Recipe, before: int, parent: Leg | None, ready: Callable[[Recipe], Any]
) -> Leg:
    if parent is None:
        scheduler = ready(recipe)
        return Leg(
            recipe=recipe,
            before=0,
            timesteps=calls_of(scheduler),
            levels=levels_of(scheduler),
        )
    done = before - parent.before
    if done >= len(parent.timesteps):
        raise AppError(
            "branch-step",
            f"The picture to branch from has {parent.end} steps: after step {before} nothing"
            " is left to change.",
        )
    level = parent.levels[done]
    reseeded = recipe.seed != parent.recipe.seed
    if _schedule_of(recipe) == _schedule_of(parent.recipe):
        return Leg(
            recipe=recipe,
            before=before,
            timesteps=parent.timesteps[done:],
            levels=parent.levels[done:],
            entry=parent.entry + done,
            carried=True,
            source=level,
            reseeded=reseeded,
        )
    scheduler = ready(recipe)
    entry = entry_for(level, levels_of(scheduler), SAMPLERS[recipe.scheduler].order)
    return replace(_entered(scheduler, entry, recipe, before, level), reseeded=reseeded)


def _entered(scheduler: Any, entry: int, recipe: Recipe, before: int, source: Level) -> Leg:
    """A leg whose scheduler begins anew, at a later one of its calls."""
    timesteps = enter(scheduler, entry)
    return Leg(
        recipe=recipe,
        before=before,
        timesteps=timesteps,
        levels=levels_of(scheduler)[-len(timesteps) :],
        entry=entry,
        source=source,
    )


def _schedule_of(recipe: Recipe) -> tuple[str, str, int, str]:
    """What a scheduler's state can go on in: its settings, and the model that they are of."""
    refiner = recipe.refiner.model.sha256 if recipe.refiner else ""
    return recipe.scheduler, recipe.sigmas, recipe.num_inference_steps, refiner


def entry_for(level: Level, levels: tuple[Level, ...], order: int) -> int:
    """Where a schedule is entered with a sample of that level; see `plan`.

    Args:
        order: calls in a step; a schedule is entered at a multiple of that.
    """
    places = range(0, len(levels), order)
    at_or_below = (i for i in places if levels[i].sigma <= level.sigma * (1 + SAME_LEVEL))
    return next(at_or_below, places[-1])


def moved(latents: torch.Tensor, x0: torch.Tensor, source: Level, target: Level) -> torch.Tensor:
    """A sample brought to another noise level, in the form that the other scheduler takes it in.

    x' = signal' * x0 + noise' * eps, with the eps that, together with x0, makes up the sample: a
    step of DDIM (Song et al. 2020, arXiv 2010.02502, eq. 12, sigma 0). Nothing is computed where
    level and form are the same.

    Args:
        latents: of `source`'s level, (1, C, H/f, W/f).
        x0: what the network saw in the noise before that; the same shape.

    Returns:
        The same shape, in the dtype of `latents`.
    """
    if source == target:
        return latents
    plain = latents.double() * source.scale
    seen = x0.double()
    eps = (plain - source.signal * seen) / max(source.noise, 1e-12)
    there = target.signal * seen + target.noise * eps
    return (there / target.scale).to(latents.dtype)


def enter(scheduler: Any, entry: int) -> torch.Tensor:
    """Let a scheduler whose timesteps are set begin at a later one of its calls.

    Returns:
        The timesteps of its calls from there on.
    """
    name = type(scheduler).__name__
    if name == "PNDMScheduler":
        # It begins by looking twice at its second timestep, wherever it begins.
        later = scheduler.timesteps[entry:]
        once = torch.cat([later[:1], later[1:][later[1:] != later[:-1]]])
        scheduler.timesteps = torch.cat([once[:1], once[1:2].repeat(2), once[2:]])
        return scheduler.timesteps
    if name == "LMSDiscreteScheduler":
        # Its order is the number of the step, whatever it has to look back on.
        scheduler.sigmas = scheduler.sigmas[entry:]
        scheduler.timesteps = scheduler.timesteps[entry:]
        entry = 0
    if hasattr(scheduler, "step_index"):
        # set_begin_index() is what pipelines of flow matching call themselves, with 0.
        scheduler._step_index = entry
    return calls_of(scheduler)[entry:]


class Steering:
    """Lets a pipeline's own call take some of a scheduler's steps, from any state.

    Args:
        leg: whose steps.
        done: calls that were done for the picture.
        until: calls that shall be done.
        state: of the scheduler after the calls that were done; None to begin with noise.
    """

    def __init__(self, leg: Leg, done: int, until: int, state: State | None) -> None:
        self.constants: dict[str, object] = {}
        self._leg = leg
        self._state = state
        self._inside = done > leg.before or leg.carried
        self._part = slice(done - leg.before, until - leg.before)
        self._whole: torch.Tensor | None = None

    @contextmanager
    def of(self, scheduler: Scheduler) -> Iterator[None]:
        """Steer the next call of a pipeline with this scheduler, which nobody has used yet."""
        kind = type(scheduler)
        plain: Any = scheduler
        plain.steering = self
        plain.__class__ = _steered(kind, self._state is not None)
        try:
            yield
        finally:
            plain.__class__ = kind
            self.go_on(plain)
            del plain.steering

    def begin(self, scheduler: Any) -> None:
        """After `set_timesteps`: bring the scheduler into its state, show the pipeline its part."""
        self.constants = constants(scheduler)
        if self._state is not None and self._inside:
            restore(scheduler, self._state, scheduler.timesteps.device)
        elif self._state is not None:
            enter(scheduler, self._leg.entry)
        whole = self._whole = scheduler.timesteps
        after = whole[len(calls_of(scheduler)) :]
        scheduler.timesteps = torch.cat([self._leg.timesteps[self._part].to(whole), after])

    def go_on(self, scheduler: Any) -> None:
        """Before a step: show the scheduler all of its timesteps, in which it looks around."""
        if self._whole is not None:
            scheduler.timesteps, self._whole = self._whole, None


@functools.cache
def _steered(kind: type[Any], neutral: bool) -> type[Any]:
    """The same kind of scheduler, asking its `steering` where to begin.

    Args:
        neutral: whether what it begins with is no noise to be scaled.
    """

    # Pipelines read both signatures: without wraps() they would not hand everything on.
    @functools.wraps(kind.set_timesteps)
    def set_timesteps(self: Any, *given: Any, **named: Any) -> None:
        kind.set_timesteps(self, *given, **named)
        self.steering.begin(self)

    @functools.wraps(kind.step)
    def step(self: Any, *given: Any, **named: Any) -> Any:
        self.steering.go_on(self)
        return kind.step(self, *given, **named)

    body: dict[str, object] = {
        "__module__": kind.__module__,
        "set_timesteps": set_timesteps,
        "step": step,
    }
    if not hasattr(kind, "scale_model_input"):
        # Bria's pipeline scales the input for all classes but the very one of flow matching.
        body["scale_model_input"] = lambda self, sample, timestep=None: sample
    if neutral:
        body["init_noise_sigma"] = 1.0
    return type(kind.__name__, (kind,), body)
