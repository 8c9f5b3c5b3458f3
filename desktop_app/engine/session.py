"""The engine at work: models kept warm, and the way of a recipe through the pipeline."""

import gc
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
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
from desktop_app.engine.decoding import Decoded, decode_latents
from desktop_app.engine.denoising import Teller, cache_of, denoise, legs_of, ready_scheduler
from desktop_app.engine.events import Encoding, Latents, Loading
from desktop_app.engine.families import caller
from desktop_app.engine.filming import Filmer
from desktop_app.engine.fingerprint import fingerprint, sha256_of
from desktop_app.engine.loading import Model, load_model
from desktop_app.engine.noise import initial_noise
from desktop_app.engine.placing import DTYPES, carry_out, parameters_of, place_of
from desktop_app.engine.plan import Plan, Wishes, expected, in_words, make_plan, step_down
from desktop_app.engine.preview import Factors, factors_for
from desktop_app.engine.schedulers import Scheduler
from desktop_app.engine.snapshots import Snapshots
from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import FromNoise, ModelRef, Recipe
from desktop_app.recipe.unread import unread

log = logging.getLogger(__name__)
THREADS_MAX = 256
USUAL_PIXELS = 1024 * 1024
"""Of the pictures that a model must have room for beside its weights."""
DISK_TIMES = 4
"""How much more room snapshots have on the disk than in memory."""


class Session:
    """What a LocalBackend is once torch is in memory. Lives in one thread."""

    def __init__(
        self,
        weights: Callable[[ModelRef], Path],
        *,
        cache: Path,
        threads: int | None,
        device: str | None,
        snapshot_bytes: int = 0,
        configs: Path | None = None,
        wishes: Wishes | None = None,
    ) -> None:
        self._weights = weights
        self._cache = cache
        self._configs = configs
        self._wishes = wishes
        self._attachments = Attachments(weights)
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._factors: dict[str, Factors] = {}
        self._snapshots = Snapshots(
            cache / "snapshots", memory=snapshot_bytes, disk=snapshot_bytes * DISK_TIMES
        )
        self._device = _usable_device(device)
        self._place = place_of(self._device)
        _make_deterministic(threads or residency.default_threads())
        _quiet_libraries()

    def device(self) -> DeviceInfo:
        return residency.describe(self._device)

    @contextmanager
    def threads_of(self, like: Fingerprint | None) -> Iterator[None]:
        """Compute with as many CPU threads as a picture was made with; None for the usual."""
        usual = torch.get_num_threads()
        wanted = usual if like is None or like.device != "cpu" else like.threads
        # Bounded, because the number may come from anybody's file.
        torch.set_num_threads(wanted if 1 <= wanted <= THREADS_MAX else usual)
        try:
            yield
        finally:
            torch.set_num_threads(usual)

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
            note = self._smaller(recipe.model, report) if full.code == "out-of-memory" else ""
            if not note:
                raise
        # Out of the handler, so that the frames that hold the big tensors are gone.
        gc.collect()
        residency.free_cached(self._device)
        return self._attempt(recipe, report, previews=previews, anew=anew, note=note)

    def _attempt(
        self, recipe: Recipe, report: Report, *, previews: bool, anew: bool, note: str = ""
    ) -> Rendered:
        model = self._model(recipe.model, report)
        model.check(recipe)
        shape = model.latent_shape(recipe.width, recipe.height)
        factors = self._preview_factors(recipe, model, report) if previews else None
        legs = legs_of(model, recipe, self._device)
        cache = cache_of(model, self._snapshots, self._device, reads=not anew)
        root = legs[0].recipe
        try:
            report(Encoding())
            assert isinstance(root.start, FromNoise)
            noise, generator = initial_noise(root.seed, root.start, shape)
            began = time.monotonic()
            watch = Teller(legs, report, factors, partial(model.unpacked, shape=shape))
            latents = denoise(model, legs, noise.to(model.dtype), generator, cache, watch)
            kept = Latents(
                latents=latents.float().cpu().numpy().copy(), noise_sha256=sha256_of(noise.numpy())
            )
            _check_finite(kept, recipe)
            report(kept)
            with model.revised(recipe):
                decoded = decode_latents(model.pipe, latents, report, recipe.tiling)
        except (RuntimeError, MemoryError) as error:
            self._refuse_if_full(error, _picture(recipe))
            raise
        seconds = time.monotonic() - began
        scheduler = ready_scheduler(model, recipe, self._device)
        if note:
            decoded = replace(decoded, notes=(note, *decoded.notes))
        return _rendered(model, scheduler, recipe, kept.noise_sha256, latents, decoded, seconds)

    def decode(self, recipe: Recipe, latents: Latents, report: Report) -> Rendered:
        """See `Backend.decode`."""
        model = self._model(recipe.model, report)
        shape = model.latent_shape(recipe.width, recipe.height)
        if latents.latents.shape != shape:
            raise AppError(
                "latents-shape",
                f"The kept latent does not fit the model {recipe.model.name}.",
                shape=latents.latents.shape,
            )
        _check_finite(latents, recipe)
        scheduler = ready_scheduler(model, recipe, self._device)
        began = time.monotonic()
        try:
            tensor = torch.from_numpy(latents.latents.copy()).to(self._device, model.dtype)
            with model.revised(recipe):
                decoded = decode_latents(model.pipe, tensor, report, recipe.tiling)
        except (RuntimeError, MemoryError) as error:
            self._refuse_if_full(error, _picture(recipe))
            raise
        seconds = time.monotonic() - began
        return _rendered(model, scheduler, recipe, latents.noise_sha256, tensor, decoded, seconds)

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
        model = self._model(recipe.model, report)
        model.check(recipe)
        shape = model.latent_shape(recipe.width, recipe.height)
        factors = self._preview_factors(recipe, model, report) if small else None
        legs = legs_of(model, recipe, self._device)
        cache = cache_of(model, self._snapshots, self._device)
        root = legs[0].recipe

        def develop(latents: torch.Tensor, leg: Recipe, told: Report) -> NDArray[np.uint8]:
            if factors is not None:
                return factors.rgb(latents, leg.tiling)
            moved = latents.to(self._device, model.dtype)
            with model.revised(leg):
                return decode_latents(model.pipe, moved, told, leg.tiling).pixels

        filmer = Filmer(
            legs=legs,
            noisy=noisy,
            develop=develop,
            unpack=partial(model.unpacked, shape=shape),
            take=take,
            report=report,
        )
        try:
            if not filmer.kept(cache, only) and not only:
                assert isinstance(root.start, FromNoise)
                noise, generator = initial_noise(root.seed, root.start, shape)
                denoise(model, legs, noise.to(model.dtype), generator, cache.unread, filmer)
        except (RuntimeError, MemoryError) as error:
            self._refuse_if_full(error, _picture(recipe))
            raise

    def warm(self, ref: ModelRef, report: Report) -> None:
        """Bring a model into memory, where it stays until others push it out.

        Raises:
            AppError: as `loading.load_model`, or `out-of-memory`.
        """
        self._model(ref, report)

    def close(self) -> None:
        """Free all models."""
        self._models.clear()
        self._factors.clear()
        self._attachments.clear()
        self._snapshots.clear()
        gc.collect()
        residency.free_cached(self._device)

    def _model(self, ref: ModelRef, report: Report) -> Model:
        """The model of a reference, from memory or from the disk."""
        known = self._models.get(ref.sha256)
        if known is not None:
            self._models.move_to_end(ref.sha256)
            return known
        report(Loading(what=ref.name))
        path = self._weights(ref)
        self._evict(residency.KEEP_MODELS - 1)
        sizes = parameters_of(path)
        # Transformers were trained in bfloat16, and their numbers can be too large for float16.
        wide = "transformer" in sizes
        plan = make_plan(sizes, self._place, USUAL_PIXELS, self._wishes, wide=wide)
        words = in_words(plan, self._place)
        log.info("%s: %s", ref.name, words)
        report(Loading(what=ref.name, plan=words))
        try:
            model = self._loaded(path, ref, plan)
        except (RuntimeError, MemoryError) as error:
            self._refuse_if_full(error, f"the model {ref.name}")
            raise
        self._models[ref.sha256] = model
        limit = self.device().memory_total * residency.KEEP_SHARE
        if limit and sum(one.size for one in self._models.values()) > limit:
            self._evict(1)
        return model

    def _loaded(self, path: Path, ref: ModelRef, plan: Plan) -> Model:
        whole = plan.offload == "none" and not plan.float8
        model = load_model(
            path,
            ref.name,
            device=self._device if whole else torch.device("cpu"),
            dtype=DTYPES[plan.dtype],
            configs=self._configs,
        )
        carry_out(model.pipe, plan, self._device)
        return replace(model, attachments=self._attachments, plan=plan)

    def _smaller(self, ref: ModelRef, report: Report) -> str:
        """Keep a model by the next smaller plan, and alone; what was done, for people.

        Returns:
            Nothing where the model is not the reason, or no smaller plan is left.
        """
        model = self._models.get(ref.sha256)
        down = None if model is None else step_down(model.plan, self._place)
        if model is None or down is None:
            return ""
        plan, words = down
        sizes = parameters_of(self._weights(ref))
        plan = replace(plan, expected=expected(plan, sizes, USUAL_PIXELS))
        self._models.move_to_end(ref.sha256)
        self._evict(1)
        carry_out(model.pipe, plan, self._device)
        self._models[ref.sha256] = replace(model, plan=plan)
        report(Loading(what=ref.name, plan=in_words(plan, self._place)))
        log.warning("%s", words)
        return words

    def _evict(self, keep: int) -> None:
        """Forget the models that were not used for longest."""
        gone = False
        while len(self._models) > keep:
            sha256, _ = self._models.popitem(last=False)
            self._factors.pop(sha256, None)
            gone = True
        if gone:
            gc.collect()
            residency.free_cached(self._device)

    def _preview_factors(self, recipe: Recipe, model: Model, report: Report) -> Factors:
        ref = recipe.vae or recipe.model
        factors = self._factors.get(ref.sha256)
        if factors is None:
            # Fitting takes seconds on a slow machine, once for each VAE: still a part of loading.
            report(Loading(what=ref.name))
            with model.revised(recipe):
                factors = self._factors[ref.sha256] = factors_for(decoder_of(model), self._cache)
        return factors

    def _refuse_if_full(self, error: Exception, what: str) -> None:
        """Raises:
        AppError: `out-of-memory` when that is what the error means.
        """
        if not residency.is_out_of_memory(error):
            return
        log.warning("out of memory: %s", error)
        residency.free_cached(self._device)
        raise AppError(
            "out-of-memory",
            f"There is not enough memory for {what}.",
            hint="Choose a smaller size or model, or close other programs.",
        ) from error


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


def _check_finite(latents: Latents, recipe: Recipe) -> None:
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


def _rendered(
    model: Model,
    scheduler: Scheduler,
    recipe: Recipe,
    noise_sha256: str,
    latents: torch.Tensor,
    decoded: Decoded,
    seconds: float,
) -> Rendered:
    provenance = Provenance(
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=seconds,
        noise_sha256=noise_sha256,
        latents_sha256=sha256_of(_bits(latents)),
        pixels_sha256=sha256_of(decoded.pixels),
        fingerprint=fingerprint(model, scheduler, decoded.way),
        notes=(*decoded.notes, *unread(recipe.prompt, recipe.negative_prompt, model.family)),
    )
    return Rendered(recipe=recipe, provenance=provenance, pixels=decoded.pixels)
