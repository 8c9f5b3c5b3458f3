"""What the tests of branches share: a backend with snapshots, branches, and a perfect network."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine.branching import Leg, plan
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.schedulers import Scheduler, SchedulerShelf, spacing_arguments
from desktop_app.engine.snapshots import Snapshot, Snapshots
from desktop_app.engine.tap import FLOW, Level, Look, level_at, prediction_type, tapped
from desktop_app.engine.walking import Begin, Cache, walk
from desktop_app.recipe.branches import from_step
from desktop_app.recipe.codec import digest
from desktop_app.recipe.recipe import Recipe
from tests.engine.models import Events, final_latents, ref, render

MEMORY = 64 * 2**20


def keeping_backend(cache: Path, *, memory: int = MEMORY, **folders: Path) -> LocalBackend:
    """As `backend_for`, with room for snapshots."""
    known = {ref(name): folder for name, folder in folders.items()}
    return LocalBackend(
        known.__getitem__, cache=cache, threads=1, device="cpu", snapshot_bytes=memory
    )


def branch(parent: Recipe, step: int, **changes: Any) -> Recipe:
    return replace(parent, start=from_step(parent, step), **changes)


def bits(backend: LocalBackend, recipe: Recipe) -> tuple[bytes, bytes]:
    """Final latent and pixels."""
    rendered, events = render(backend, recipe, previews=False)
    return final_latents(events).tobytes(), rendered.pixels.tobytes()


def rendered_events(backend: LocalBackend, recipe: Recipe) -> Events:
    return render(backend, recipe)[1]


@dataclass(kw_only=True)
class Watcher:
    """Remembers the steps.

    Attributes:
        computed, taken: their numbers.
    """

    computed: list[int] = field(default_factory=list[int])
    taken: list[int] = field(default_factory=list[int])

    def seen(self, look: Look) -> None:
        self.computed.append(look.index)

    def skipped(self, index: int, leg: Leg, snapshot: Snapshot | None) -> None:
        self.taken.append(index)


class Perfect:
    """A network that knows the picture: whatever the way, it ends there.

    Args:
        config: of the scheduler that the model would come with.
        folder: for snapshots; `memory` bytes of them are kept.
    """

    def __init__(self, config: dict[str, Any], folder: Path, memory: int = 0) -> None:
        self.picture = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(99))
        self.snapshots = Snapshots(folder, memory=memory, disk=memory)
        self.watcher = Watcher()
        self._config = config
        self._shelf = SchedulerShelf()

    def fresh(self, recipe: Recipe) -> Scheduler:
        return self._shelf.take(self._config, recipe)

    def ready(self, recipe: Recipe) -> Scheduler:
        scheduler = self.fresh(recipe)
        scheduler.set_timesteps(**spacing_arguments(scheduler, recipe))
        return scheduler

    def legs(self, recipe: Recipe) -> tuple[Leg, ...]:
        return plan(recipe, self.ready)

    def walk(self, recipe: Recipe) -> torch.Tensor:
        """The final latent of a recipe."""
        self.watcher = Watcher()
        generator = torch.Generator().manual_seed(7)
        noise = torch.randn(1, 4, 8, 8, generator=generator)
        return walk(
            self.legs(recipe),
            Begin(latents=noise, generator=generator),
            Cache(snapshots=self.snapshots, key=digest),
            fresh=self.fresh,
            denoise=self._denoise,
            watch=self.watcher,
        )

    def _denoise(
        self,
        recipe: Recipe,
        scheduler: Any,
        begin: Begin,
        seen: Callable[[Look], None],
        done: int,
    ) -> torch.Tensor:
        with tapped(scheduler, seen, before=done):
            return loop(
                scheduler, spacing_arguments(scheduler, recipe), begin, lambda at: self.picture
            )


def loop(
    scheduler: Any,
    spacing: dict[str, Any],
    begin: Begin,
    picture: Callable[[Level], torch.Tensor],
) -> torch.Tensor:
    """A pipeline's loop with a network that sees this picture at a noise level."""
    scheduler.set_timesteps(**spacing)
    named = inspect.signature(scheduler.step).parameters
    more = {"generator": begin.generator} if "generator" in named else {}
    flows = prediction_type(scheduler) == FLOW
    sample = begin.latents * (1.0 if flows else scheduler.init_noise_sigma)
    for timestep in scheduler.timesteps:
        if not flows:
            scheduler.scale_model_input(sample, timestep)
        elif scheduler.step_index is None:
            scheduler.set_begin_index(0)
        level = level_at(scheduler, timestep)
        output = _output(scheduler, level, sample * level.scale, picture(level))
        sample = scheduler.step(output, timestep, sample, **more, return_dict=False)[0]
    return sample


def _output(
    scheduler: Any, level: Level, sample: torch.Tensor, picture: torch.Tensor
) -> torch.Tensor:
    kind = prediction_type(scheduler)
    if kind == "sample":
        return picture
    if kind == "v_prediction":
        return (level.signal * sample - picture) / max(level.noise, 1e-6)
    eps = (sample - level.signal * picture) / max(level.noise, 1e-6)
    return eps - picture if kind == FLOW else eps
