"""A pipeline in memory, and what it can be asked for."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from diffusers import DiffusionPipeline

from desktop_app.engine.families import caller
from desktop_app.engine.plan import Plan
from desktop_app.engine.schedulers import SchedulerShelf
from desktop_app.errors import AppError
from desktop_app.recipe.family import Family
from desktop_app.recipe.recipe import FromStep, Recipe
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS
from desktop_app.weights.counting import Held
from desktop_app.weights.vocabulary import Stamp


class Attaching(Protocol):
    """Lets a model's pipeline work with what a recipe attaches, for as long as each lasts."""

    def of(self, model: "Model", recipe: Recipe) -> AbstractContextManager[None]:
        """With its LoRAs, embeddings and text encoders."""
        ...

    def vae(self, model: "Model", recipe: Recipe) -> AbstractContextManager[None]:
        """With its VAE."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A pipeline in memory.

    Attributes:
        pipe: a pipeline of the family.
        size: bytes of all weights.
        config_sha256: of the configs and the vocabulary, not the weights.
        attachments: finds what recipes attach; None where nothing can be.
        lent: the hashes of the files that complete a model whose own file lacks something; None
            for one that is whole.
        words: the stamps of the vocabularies that were read from files of their own, by kind.
        plan: how it is kept.
        first: how it was to be kept, before memory ran out.
        held: what its files hold.
        stored: how its network's weights are packed, such as `Q8_0`; empty for plain numbers.
        notes: what was done because memory ran out, one sentence each.
    """

    pipe: Any
    name: str
    family: Family
    size: int
    config_sha256: str
    schedulers: SchedulerShelf = field(default_factory=SchedulerShelf)
    attachments: Attaching | None = None
    lent: frozenset[str] | None = None
    words: Mapping[str, Stamp] = field(default_factory=dict[str, Stamp])
    plan: Plan = field(default_factory=lambda: Plan(dtype="float32"))
    first: Plan = field(default_factory=lambda: Plan(dtype="float32"))
    held: Held = field(default_factory=Held)
    stored: str = ""
    notes: tuple[str, ...] = ()

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        """(1, C, H/f, W/f) for a picture of these pixels.

        Raises:
            AppError: `size-model` when the size is no multiple of the model's.
        """
        call = caller(self.pipe)
        _check_listed(self, width, height)
        step = call.multiple(self.pipe)
        if width % step or height % step:
            raise AppError(
                "size-model",
                f"The model {self.name} makes pictures in steps of {step} pixels, "
                f"not {width} × {height}.",
                width=width,
                height=height,
            )
        return call.shape(self.pipe, width, height)

    def unpacked(self, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """What the pipeline works on, in the shape (1, C, H/f, W/f)."""
        return caller(self.pipe).unpacked(self.pipe, latents, shape)

    def shown(self, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """What the pipeline works on, in the form that the factors for previews take."""
        return caller(self.pipe).shown(self.pipe, self.unpacked(latents, shape))

    @property
    def dtype(self) -> torch.dtype:
        """That it computes with."""
        return getattr(torch, self.plan.dtype)

    def attached(self, recipe: Recipe) -> AbstractContextManager[None]:
        """The pipeline works with a recipe's LoRAs, embeddings and text encoders meanwhile."""
        if self.attachments is None:
            return nullcontext()
        return self.attachments.of(self, recipe)

    def revised(self, recipe: Recipe) -> AbstractContextManager[None]:
        """The pipeline decodes with a recipe's own VAE for as long as this lasts."""
        if self.attachments is None or self.lent is not None:
            return nullcontext()
        return self.attachments.vae(self, recipe)

    def check(self, recipe: Recipe) -> None:
        """See whether the family can do what a recipe asks for, before anything is computed.

        Raises:
            AppError: `sampler-family`, `family-tiling`, `family-branch` or `family-clip-skip`.
        """
        family = self.family
        if recipe.scheduler not in family.schedulers:
            known = ", ".join(SAMPLERS[one].label for one in family.schedulers)
            raise AppError(
                "sampler-family",
                f"{family.label} models cannot be sampled with {SAMPLERS[recipe.scheduler].label}.",
                hint=f"Choose {known}.",
            )
        if recipe.sigmas not in family.spacings:
            raise AppError(
                "sampler-family",
                f"{family.label} models cannot be sampled at the timesteps of "
                f"{SIGMAS_LABELS[recipe.sigmas]}.",
                hint=f"Choose {SAMPLERS[recipe.scheduler].label} by itself.",
            )
        if recipe.tiling != "none" and "tiling" not in family.controls:
            raise AppError(
                "family-tiling",
                f"{family.label} models know where each place of a picture is, so that it cannot "
                "be made to join itself.",
                hint="Switch tiling off.",
            )
        if isinstance(recipe.start, FromStep) and not family.branches:
            raise AppError(
                "family-branch",
                f"{family.label} models imagine the whole picture before the first step; a branch "
                "would imagine another.",
                hint="Make the picture anew instead.",
            )
        if recipe.clip_skip and "clip_skip" not in family.controls:
            raise AppError(
                "family-clip-skip",
                f"{family.label} models have no CLIP layers to skip.",
                hint="Set CLIP skip to 0.",
            )


def _check_listed(model: Model, width: int, height: int) -> None:
    """Raises:
    AppError: `size-model` where the family makes pictures of other sizes alone.
    """
    sizes = model.family.sizes
    if not sizes or (width, height) in sizes:
        return
    near = min(sizes, key=lambda size: abs(math.log(size[0] / size[1] * height / width)))
    raise AppError(
        "size-model",
        f"{model.family.label} models make pictures of a few sizes only, not {width} × {height}.",
        hint=f"Choose {near[0]} × {near[1]}, which is nearest in shape; all are "
        + ", ".join(f"{one[0]} × {one[1]}" for one in sizes)
        + ".",
        width=width,
        height=height,
    )


def weights_size(pipe: DiffusionPipeline) -> int:
    """Bytes of all weights of a pipeline."""
    parts = [part for part in pipe.components.values() if hasattr(part, "state_dict")]
    return sum(
        tensor.numel() * tensor.element_size()
        for part in parts
        if hasattr(part, "parameters")
        for tensor in part.state_dict().values()
    )
