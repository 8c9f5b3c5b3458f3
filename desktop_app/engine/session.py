"""The engine at work: recipes made ready, rendered, decoded and filmed on one device."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import torch.utils.deterministic
import transformers
from numpy.typing import NDArray

from desktop_app.engine import residency
from desktop_app.engine.adapters.attachments import Attachments
from desktop_app.engine.backend import DeviceInfo, Rendered, Report, Take
from desktop_app.engine.branching import Leg
from desktop_app.engine.denoising import Teller
from desktop_app.engine.events import Encoding, Latents, Loading
from desktop_app.engine.families import caller
from desktop_app.engine.filming import Filmer
from desktop_app.engine.fingerprint import sha256_of, wishes_then
from desktop_app.engine.keeping import Models
from desktop_app.engine.lent import no_words
from desktop_app.engine.model import Model
from desktop_app.engine.preview import Factors, factors_for
from desktop_app.engine.snapshots import Snapshots
from desktop_app.engine.work import Work, check_finite, make_ready
from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Fingerprint
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.wishes import Wishes

THREADS_MAX = 256
DISK_TIMES = 4
"""How much more room snapshots have on the disk than in memory."""


class Session:
    """What a LocalBackend is once torch is in memory. Lives in one thread.

    Attributes:
        models: those in memory.
    """

    def __init__(
        self,
        weights: Callable[[ModelRef], Path],
        *,
        cache: Path,
        threads: int | None,
        device: str | None,
        snapshot_bytes: int = 0,
        configs: Path | None = None,
        words: Callable[[str], Path | None] = no_words,
        wishes: Callable[[ModelRef], Wishes] | None = None,
    ) -> None:
        self._cache = cache
        self._attachments = Attachments(weights)
        self._factors: dict[tuple[str, str], Factors] = {}
        self._snapshots = Snapshots(
            cache / "snapshots", memory=snapshot_bytes, disk=snapshot_bytes * DISK_TIMES
        )
        self._device = _usable_device(device)
        self._choices = residency.usable_devices()
        self.models = Models(
            weights,
            self._device,
            configs=configs,
            words=words,
            wishes=wishes,
            attachments=self._attachments,
        )
        _make_deterministic(threads or residency.default_threads())
        _quiet_libraries()

    def device(self) -> DeviceInfo:
        here = residency.describe(self._device)
        return replace(here, place=self.models.place, choices=self._choices)

    @contextmanager
    def as_then(self, like: Fingerprint | None) -> Iterator[None]:
        """Compute in the precision and with as many CPU threads as a picture was made with.

        Args:
            like: None for the usual.
        """
        usual = torch.get_num_threads()
        wanted = usual if like is None or like.device != "cpu" else like.threads
        # Bounded, because the number may come from anybody's file.
        torch.set_num_threads(wanted if 1 <= wanted <= THREADS_MAX else usual)
        self.models.then = Wishes() if like is None else wishes_then(like)
        try:
            yield
        finally:
            torch.set_num_threads(usual)
            self.models.then = Wishes()

    def render(
        self, recipe: Recipe, report: Report, *, previews: bool, anew: bool = False
    ) -> Rendered:
        """See `Backend.render`; when memory runs out, a second time by a smaller plan.

        Args:
            anew: from the first step on, whatever snapshots are kept.
        """
        try:
            return self._attempt(recipe, report, previews=previews, anew=anew)
        except AppError as full:
            if full.code != "out-of-memory" or not self.models.smaller(recipe, report):
                raise
        # Out of the handler, so that the frames that hold the big tensors are gone.
        gc.collect()
        residency.free_cached(self._device)
        return self._attempt(recipe, report, previews=previews, anew=anew)

    def _attempt(self, recipe: Recipe, report: Report, *, previews: bool, anew: bool) -> Rendered:
        work = self._ready(recipe, report, reads=not anew)
        factors = self._preview_factors(work, report) if previews else {}
        with residency.refused_when_full(self._device, _picture(recipe)):
            report(Encoding())
            noise, generator = work.begin()
            began = time.monotonic()
            watch = Teller(work.legs, report, factors, work.shown)
            latents = work.denoised(noise, generator, watch)
            kept = Latents(
                latents=latents.float().cpu().numpy().copy(), noise_sha256=sha256_of(noise.numpy())
            )
            check_finite(kept, recipe)
            report(kept)
            decoded = work.decoded(latents, report)
        seconds = time.monotonic() - began
        return work.rendered(kept.noise_sha256, latents, decoded, seconds)

    def decode(self, recipe: Recipe, latents: Latents, report: Report) -> Rendered:
        """See `Backend.decode`."""
        work = self._ready(recipe, report)
        if latents.latents.shape != work.shape:
            raise AppError(
                "latents-shape",
                f"The kept latent does not fit the model {recipe.model.name}.",
                shape=latents.latents.shape,
            )
        check_finite(latents, recipe)
        began = time.monotonic()
        with residency.refused_when_full(self._device, _picture(recipe)):
            tensor = torch.from_numpy(latents.latents.copy()).to(self._device, work.last.dtype)
            decoded = work.decoded(tensor, report)
        seconds = time.monotonic() - began
        return work.rendered(latents.noise_sha256, tensor, decoded, seconds)

    def film(
        self,
        recipe: Recipe,
        report: Report,
        take: Take,
        *,
        noisy: bool,
        small: bool,
        only: int = 0,
    ) -> None:
        """See `Backend.film`."""
        work = self._ready(recipe, report)
        factors = self._preview_factors(work, report) if small else {}

        def develop(latents: torch.Tensor, leg: Leg, told: Report) -> NDArray[np.uint8]:
            if small:
                return factors[leg.before].rgb(latents, leg.recipe.tiling)
            return work.decoded(latents, told, leg.recipe).pixels

        filmer = Filmer(
            legs=work.legs,
            noisy=noisy,
            develop=develop,
            unpack=work.shown if small else work.unpacked,
            take=take,
            report=report,
        )
        with residency.refused_when_full(self._device, _picture(recipe)):
            if not filmer.kept(work.cache, only) and not only:
                noise, generator = work.begin()
                work.denoised(noise, generator, filmer, whole=True)

    def close(self) -> None:
        """Free all models."""
        self.models.clear()
        self._factors.clear()
        self._attachments.clear()
        self._snapshots.clear()
        gc.collect()
        residency.free_cached(self._device)

    def _ready(self, recipe: Recipe, report: Report, *, reads: bool = True) -> Work:
        ensemble = self.models.ensemble(recipe, report)
        return make_ready(recipe, ensemble, self._device, self._snapshots, reads=reads)

    def _preview_factors(self, work: Work, report: Report) -> dict[int, Factors]:
        """By what was done before a leg: the factors for the VAE that decodes it."""
        return {leg.before: self._factors_for(work, leg.recipe, report) for leg in work.legs}

    def _factors_for(self, work: Work, leg: Recipe, report: Report) -> Factors:
        recipe, model = work.recipe, work.last
        # One that is built in decodes every leg.
        vae = leg.vae if model.lent is None else recipe.vae
        ref = vae or (recipe.refiner.model if recipe.refiner else recipe.model)
        # The scale of the latents is in the model's settings, not in the file of a VAE.
        key = model.config_sha256, ref.sha256
        factors = self._factors.get(key)
        if factors is None:
            # Fitting takes seconds on a slow machine, once for each VAE: still a part of loading.
            report(Loading(what=ref.name))
            with model.revised(leg):
                factors = factors_for(decoder_of(model), self._cache)
            self._factors[key] = factors
        return factors


def decoder_of(model: Model) -> Any:
    """The component that makes pixels."""
    return getattr(model.pipe, caller(model.pipe).decoder)


def _picture(recipe: Recipe) -> str:
    return f"a picture of {recipe.width} × {recipe.height} pixels"


def _usable_device(wanted: str | None) -> torch.device:
    try:
        device = residency.choose_device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise AppError(
            "device",
            f"There is no usable device {str(wanted)[:40]!r}.",
            hint="Choose another device in the settings, or `cpu`.",
        ) from error
    return device


def _make_deterministic(threads: int) -> None:
    """Set what torch keeps for the whole process; on the CPU most of it is so anyway."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Deterministic mode would also fill each new tensor with NaN to find reads of unset memory.
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _quiet_libraries() -> None:
    """Let the libraries speak through our log instead of writing to the terminal."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_default_handler()
        library.enable_propagation()
        library.disable_progress_bar()
