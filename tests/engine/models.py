"""Recipes, backends and plain diffusers calls that the tests of the engine share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from desktop_app.engine.backend import Rendered
from desktop_app.engine.events import Event, Latents, Step
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import Cancelled
from desktop_app.recipe.recipe import ModelRef, Recipe

Kind = TypeVar("Kind")


@dataclass(slots=True)
class Events:
    """A report that remembers, and stops the work at an event if it is asked to."""

    stop_at: Callable[[Event], bool] = field(default=lambda event: False)
    seen: list[Event] = field(default_factory=list[Event])

    def __call__(self, event: Event) -> None:
        self.seen.append(event)
        if self.stop_at(event):
            raise Cancelled

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.seen if isinstance(event, kind)]


def recipe_for(model: str, **changes: Any) -> Recipe:
    """A small quick recipe for one of the folders that `backend_for` was given."""
    usual = {"width": 64, "height": 64, "num_inference_steps": 3, "seed": 7, "prompt": "a fox"}
    return Recipe(model=ref(model), **{**usual, **changes})


def ref(model: str) -> ModelRef:
    return ModelRef(sha256=model.encode().hex().ljust(64, "0"), name=model)


def backend_for(cache: Path, **folders: Path) -> LocalBackend:
    """A backend on the CPU with one thread that finds models by their names."""
    known = {ref(name): folder for name, folder in folders.items()}
    return LocalBackend(known.__getitem__, cache=cache, threads=1, device="cpu")


def render(
    backend: LocalBackend, recipe: Recipe, *, previews: bool = True
) -> tuple[Rendered, Events]:
    events = Events()
    return backend.render(recipe, events, previews=previews), events


def final_latents(events: Events) -> NDArray[np.float32]:
    (latents,) = events.of(Latents)
    return latents.latents


def steps_of(events: Events) -> list[Step]:
    return events.of(Step)


def plain_pipeline(folder: Path) -> StableDiffusionPipeline:
    """The model as anybody would load it."""
    pipe: Any = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_call(pipe: Any, seed: int, **arguments: Any) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Final latents and pixels of the plain diffusers call."""
    last: list[torch.Tensor] = []

    def remember(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        last[:] = [values["latents"].clone()]
        return {}

    generator = torch.Generator().manual_seed(seed)
    picture = pipe(generator=generator, callback_on_step_end=remember, **arguments).images[0]
    return last[0].numpy(), np.array(picture)
