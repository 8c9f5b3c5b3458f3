"""A recipe made ready: its models, the shape of its latent, and the way from noise to pixels."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.engine.backend import Rendered, Report
from desktop_app.engine.branching import Leg
from desktop_app.engine.decoding import Decoded, decode_latents
from desktop_app.engine.denoising import cache_of, denoise, legs_of, ready_scheduler
from desktop_app.engine.events import Latents
from desktop_app.engine.fingerprint import fingerprint, sha256_of
from desktop_app.engine.model import Model
from desktop_app.engine.noise import initial_noise
from desktop_app.engine.refining import Ensemble
from desktop_app.engine.snapshots import Snapshots
from desktop_app.engine.walking import Cache, Watch
from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import FromNoise, Recipe
from desktop_app.recipe.unread import unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """See the module.

    Attributes:
        shape: of the latent, (1, C, H/f, W/f).
        legs: of the way, one where the recipe is no branch and has no refiner.
        cache: of the states after its steps.
    """

    recipe: Recipe
    ensemble: Ensemble
    device: torch.device
    shape: tuple[int, ...]
    legs: tuple[Leg, ...]
    cache: Cache

    @property
    def last(self) -> Model:
        """The one that takes the last step, and decodes what it made."""
        return self.ensemble.of(self.recipe)

    def begin(self) -> tuple[torch.Tensor, torch.Generator]:
        """The noise that the way begins with, float32, and the generator of the steps' noise."""
        root = self.legs[0].recipe
        assert isinstance(root.start, FromNoise)
        return initial_noise(root.seed, root.start, self.shape)

    def denoised(
        self, noise: torch.Tensor, generator: torch.Generator, watch: Watch, *, whole: bool = False
    ) -> torch.Tensor:
        """The final latent; see `denoising.denoise`.

        Args:
            whole: whether every step is computed, whatever is kept.
        """
        cache = self.cache.unread if whole else self.cache
        dtype = self.ensemble.base.dtype
        return denoise(self.ensemble, self.legs, noise.to(dtype), generator, cache, watch)

    def unpacked(self, latents: torch.Tensor) -> torch.Tensor:
        """What the pipeline works on, in the latent's shape."""
        return self.ensemble.base.unpacked(latents, self.shape)

    def shown(self, latents: torch.Tensor) -> torch.Tensor:
        """The same, in the form that the factors for previews take."""
        return self.ensemble.base.shown(latents, self.shape)

    def decoded(
        self, latents: torch.Tensor, report: Report, recipe: Recipe | None = None
    ) -> Decoded:
        """Pixels of a latent on any device; see `decoding.decode_latents`.

        Args:
            recipe: whose VAE and tiling they are decoded with; None for the work's own.
        """
        recipe = recipe or self.recipe
        moved = latents.to(self.device, self.last.dtype)
        with self.last.revised(recipe):
            return decode_latents(self.last.pipe, moved, report, recipe.tiling)

    def rendered(
        self, noise_sha256: str, latents: torch.Tensor, decoded: Decoded, seconds: float
    ) -> Rendered:
        """The finished picture with its provenance.

        Args:
            latents: the final ones, in the last model's dtype.
        """
        recipe, base = self.recipe, self.ensemble.base
        scheduler = ready_scheduler(base, recipe, self.device)
        notes = (note for model in self.ensemble.models for note in model.notes)
        foreign = unread(recipe.prompt, recipe.negative_prompt, base.family)
        provenance = Provenance(
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=seconds,
            noise_sha256=noise_sha256,
            latents_sha256=sha256_of(_bits(latents)),
            pixels_sha256=sha256_of(decoded.pixels),
            fingerprint=fingerprint(self.ensemble.models, scheduler, decoded.way),
            notes=(*notes, *decoded.notes, *foreign),
        )
        return Rendered(recipe=recipe, provenance=provenance, pixels=decoded.pixels)


def make_ready(
    recipe: Recipe,
    ensemble: Ensemble,
    device: torch.device,
    snapshots: Snapshots,
    *,
    reads: bool = True,
) -> Work:
    """Args:
        reads: whether kept states are taken for what they stand for.

    Raises:
        AppError: for what the models cannot do; see `Ensemble.check` and `Model.latent_shape`, and
            `branching.plan`.
    """
    ensemble.check(recipe)
    return Work(
        recipe=recipe,
        ensemble=ensemble,
        device=device,
        shape=ensemble.base.latent_shape(recipe.width, recipe.height),
        legs=legs_of(ensemble, recipe, device),
        cache=cache_of(ensemble, snapshots, device, reads=reads),
    )


def check_finite(latents: Latents, recipe: Recipe) -> None:
    """Raises:
    AppError: `not-finite` when a latent holds what is no number.
    """
    if not np.isfinite(latents.latents).all():
        raise AppError(
            "not-finite",
            f"The model {recipe.model.name} lost its numbers on the way: there is no picture.",
            hint="Try another sampler, fewer or more steps, or a lower guidance.",
        )


def _bits(latents: torch.Tensor) -> NDArray[Any]:
    """Numbers as numpy can hold them; those of bfloat16, which it does not know, as their bits."""
    plain = latents.cpu()
    return (plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy()
