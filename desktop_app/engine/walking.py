"""The way from noise to a final latent, leg by leg, from the last snapshot that there is."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from desktop_app.engine.branching import Leg, Steering, moved
from desktop_app.engine.schedulers import Scheduler
from desktop_app.engine.snapshots import Snapshot, Snapshots, state_of
from desktop_app.engine.tap import Look
from desktop_app.recipe.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """What the first leg begins with.

    Attributes:
        latents: noise, (1, C, H/f, W/f) in the pipeline's dtype, not scaled.
        generator: of the noise of the steps.
    """

    latents: torch.Tensor
    generator: torch.Generator


Denoise = Callable[[Recipe, Scheduler, Begin, Callable[[Look], None], int], torch.Tensor]
"""Calls the pipeline: recipe, scheduler, what it begins with, who is told, calls done before."""


class Watch(Protocol):
    """Is told of the steps in order; may raise to stop."""

    def seen(self, look: Look) -> None:
        """A step was computed."""
        ...

    def skipped(self, index: int, leg: Leg, snapshot: Snapshot | None) -> None:
        """A step was not; its snapshot is there or not."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """Where snapshots are kept, and what a recipe's are called there.

    Attributes:
        reads: whether they are taken for what they stand for; a proof takes none.
    """

    snapshots: Snapshots
    key: Callable[[Recipe], str]
    reads: bool = True

    @property
    def unread(self) -> "Cache":
        """The same, taking nothing for what it stands for: every step is computed."""
        return replace(self, reads=False)


def walk(
    legs: tuple[Leg, ...],
    begin: Begin,
    cache: Cache,
    *,
    fresh: Callable[[Recipe], Scheduler],
    denoise: Denoise,
    watch: Watch,
) -> torch.Tensor:
    """Go the whole way.

    Args:
        fresh: gives a scheduler that nobody has used.

    Returns:
        The final latent, (1, C, H/f, W/f) in the pipeline's dtype.
    """
    latents = begin.latents
    done, snapshot = _last_kept(legs, cache)
    _tell_skipped(legs, done, cache, watch)
    for leg, after in zip(legs, (*legs[1:], None), strict=True):
        until = leg.end if after is None else after.before
        if done >= until:
            continue
        steering = Steering(leg, done, until, snapshot.state if snapshot else None)
        scheduler = fresh(leg.recipe)
        begins = _begin_of(leg, done, begin, snapshot)
        keeper = _Keeper(leg, scheduler, steering, begins.generator, cache, watch)
        keeper.needed = None if after is None else until
        with steering.of(scheduler):
            latents = denoise(leg.recipe, scheduler, begins, keeper.look, done)
        done, snapshot = until, keeper.last
    return latents


def _last_kept(legs: tuple[Leg, ...], cache: Cache) -> tuple[int, Snapshot | None]:
    """The last snapshot before the last leg, and the calls that were done then."""
    if cache.reads and cache.snapshots.keeps:
        for leg, after in reversed(list(itertools.pairwise(legs))):
            steps = range(after.before, leg.before, -1)
            found = cache.snapshots.last(cache.key(leg.recipe), steps)
            if found is not None:
                return found
    return 0, None


def _tell_skipped(legs: tuple[Leg, ...], done: int, cache: Cache, watch: Watch) -> None:
    for leg, after in itertools.pairwise(legs):
        if leg.before < done:
            key = cache.key(leg.recipe)
            for step in range(leg.before + 1, min(after.before, done) + 1):
                watch.skipped(step, leg, cache.snapshots.find(key, step))


def _begin_of(leg: Leg, done: int, begin: Begin, snapshot: Snapshot | None) -> Begin:
    """What the pipeline is given for a leg, or for the rest of it."""
    if snapshot is None:
        return begin
    latents = snapshot.latents
    if done == leg.before and not leg.carried and leg.source is not None:
        latents = moved(latents, snapshot.x0, leg.source, leg.levels[0])
    generator = torch.Generator()
    if done == leg.before and leg.reseeded:
        # As after a draw of the initial noise, so that no step gets that.
        generator.manual_seed(leg.recipe.seed)
        torch.randn(tuple(latents.shape), generator=generator, dtype=torch.float32)
    else:
        generator.set_state(snapshot.generator)
    return Begin(latents=latents.to(begin.latents.device, copy=True), generator=generator)


class _Keeper:
    """Takes the snapshots of a leg, before the step is told of.

    Attributes:
        needed: the step whose snapshot the next leg needs; None for the last leg.
        last: that snapshot.
    """

    def __init__(
        self,
        leg: Leg,
        scheduler: Scheduler,
        steering: Steering,
        generator: torch.Generator,
        cache: Cache,
        watch: Watch,
    ) -> None:
        self.needed: int | None = None
        self.last: Snapshot | None = None
        self._scheduler = scheduler
        self._steering = steering
        self._generator = generator
        self._snapshots = cache.snapshots
        self._watch = watch
        self._key = cache.key(leg.recipe) if cache.snapshots.keeps else ""

    def look(self, look: Look) -> None:
        if self._key or look.index == self.needed:
            self.last = Snapshot(
                latents=look.result.detach().to("cpu", copy=True),
                x0=look.predicted_x0().cpu(),
                generator=self._generator.get_state(),
                state=state_of(self._scheduler, self._steering.constants),
            )
        if self._key and self.last is not None:
            self._snapshots.keep(self._key, look.index, self.last)
        self._watch.seen(look)
