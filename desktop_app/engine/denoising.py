"""A recipe's final latent: each leg through the pipeline's own call, told step by step."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import torch

from desktop_app.engine.backend import Report
from desktop_app.engine.branching import Leg, plan
from desktop_app.engine.events import Step
from desktop_app.engine.families import caller
from desktop_app.engine.fingerprint import fingerprint
from desktop_app.engine.loading import Model
from desktop_app.engine.preview import Factors
from desktop_app.engine.refining import Ensemble
from desktop_app.engine.schedulers import Scheduler, spacing_arguments
from desktop_app.engine.snapshots import Snapshot, Snapshots
from desktop_app.engine.tap import Level, Look, tapped
from desktop_app.engine.tiling import seamless
from desktop_app.engine.walking import Begin, Cache, Watch, walk
from desktop_app.recipe.codec import digest
from desktop_app.recipe.recipe import FromStep, Recipe


def ready_scheduler(model: Model, recipe: Recipe, device: torch.device) -> Scheduler:
    """A scheduler for a recipe with its timesteps set; see `make_scheduler` for what it raises."""
    scheduler = fresh_scheduler(model, recipe)
    timing = caller(model.pipe).timing(model.pipe, scheduler, recipe)
    scheduler.set_timesteps(**timing, device=device)
    return scheduler


def fresh_scheduler(model: Model, recipe: Recipe) -> Scheduler:
    return model.schedulers.take(model.pipe.scheduler.config, recipe)


def legs_of(ensemble: Ensemble, recipe: Recipe, device: torch.device) -> tuple[Leg, ...]:
    """The way of a recipe; see `branching.plan`."""
    return plan(recipe, lambda one: ready_scheduler(ensemble.of(one), one, device))


def cache_of(
    ensemble: Ensemble, snapshots: Snapshots, device: torch.device, *, reads: bool = True
) -> Cache:
    """The snapshots that are good for these models in this setting.

    A state belongs to its recipe, with all it was branched from, and to what changes bits: the
    fingerprint of the setting it was computed in. The states before a refiner begins are those of
    the same recipe without it.
    """

    def key(recipe: Recipe) -> str:
        scheduler = ready_scheduler(ensemble.of(recipe), recipe, device)
        setting = asdict(fingerprint(ensemble.part_of(recipe), scheduler, "plain"))
        words = json.dumps([digest(recipe), setting], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()

    return Cache(snapshots=snapshots, key=key, reads=reads)


def denoise(
    ensemble: Ensemble,
    legs: tuple[Leg, ...],
    noise: torch.Tensor,
    generator: torch.Generator,
    cache: Cache,
    watch: Watch,
) -> torch.Tensor:
    """Go the whole way of a recipe.

    Args:
        legs: of `legs_of`.
        noise: that the way begins with, in the model's dtype, not scaled.
        generator: of the noise of the steps.

    Returns:
        The final latent, (1, C, H/f, W/f) in the last model's dtype, scaled as it sees it.
    """

    def call(
        recipe: Recipe, scheduler: Scheduler, begin: Begin, seen: Callable[[Look], None], done: int
    ) -> torch.Tensor:
        last = begin.latents

        def look(one: Look) -> None:
            nonlocal last
            last = one.result
            seen(one)

        watched = tapped(scheduler, look, before=done, count=legs[-1].end)
        with watched, ensemble.attached(recipe):
            return form.final(_call(ensemble.of(recipe), recipe, scheduler, begin), last)

    base = ensemble.base
    form = caller(base.pipe)
    latents = walk(
        legs,
        Begin(latents=form.packed(base.pipe, noise), generator=generator),
        cache,
        fresh=lambda one: fresh_scheduler(ensemble.of(one), one),
        denoise=call,
        watch=watch,
    )
    return form.unpacked(base.pipe, latents, tuple(noise.shape))


def _call(model: Model, recipe: Recipe, scheduler: Scheduler, begin: Begin) -> Any:
    """The pipeline's own call, with the settings of a recipe; what it gives."""
    pipe = model.pipe
    form = caller(pipe)
    runner = form.runner(pipe)
    own = runner.scheduler
    arguments: dict[str, Any] = {
        **form.prompts(pipe, recipe),
        **spacing_arguments(scheduler, recipe),
        **form.size(recipe),
        **form.options(pipe, recipe),
        "latents": form.given(pipe, begin.latents.to(model.dtype), recipe),
        "generator": begin.generator,
    }
    runner.scheduler = scheduler
    try:
        with seamless(getattr(pipe, form.denoiser), recipe.tiling):
            return runner(**arguments, output_type="latent", return_dict=False)
    finally:
        runner.scheduler = own
        runner.maybe_free_model_hooks()


class Teller(Watch):
    """Makes `Step` events of the steps, computed or not.

    Args:
        factors: for the small pictures, by what was done before a leg; empty for none.
        unpack: from the form that the pipeline works on to the one that the factors take.
    """

    def __init__(
        self,
        legs: tuple[Leg, ...],
        report: Report,
        factors: Mapping[int, Factors],
        unpack: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        self._legs = legs
        self._report = report
        self._factors = factors
        self._unpack = unpack
        self._last = time.perf_counter()
        start = legs[-1].recipe.start
        self._shared = start.step if isinstance(start, FromStep) else 0

    def seen(self, look: Look) -> None:
        x0 = look.predicted_x0() if self._factors else None
        noisy = look.noisy() if self._factors else None
        self._tell(look.index, look.timestep, look.level, x0, noisy)

    def skipped(self, index: int, leg: Leg, snapshot: Snapshot | None) -> None:
        place = index - leg.before - 1
        timestep, level = float(leg.timesteps[place]), leg.levels[place]
        if snapshot is None:
            self._tell(index, timestep, level, None, None)
            return
        scale = leg.levels[place + 1].scale if place + 1 < len(leg.levels) else 1.0
        self._tell(index, timestep, level, snapshot.x0, snapshot.latents.float() * scale)

    def _tell(
        self,
        index: int,
        timestep: float,
        level: Level,
        x0: torch.Tensor | None,
        noisy: torch.Tensor | None,
    ) -> None:
        leg = next(leg for leg in reversed(self._legs) if leg.before < index)
        tiling, small = leg.recipe.tiling, self._factors.get(leg.before)
        preview = None if small is None or x0 is None else small.rgb(self._unpack(x0), tiling)
        state = None if small is None or noisy is None else small.rgb(self._unpack(noisy), tiling)
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self._report(
            Step(
                index=index,
                count=self._legs[-1].end,
                timestep=timestep,
                sigma=level.sigma,
                preview=preview,
                seconds=seconds,
                noisy=state,
                shared=index <= self._shared,
            )
        )
