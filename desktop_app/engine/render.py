"""LocalBackend: this machine as a place to render; torch comes into memory with `start` only."""

import gc
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.engine.backend import DeviceInfo, Rendered, Report, Take
from desktop_app.engine.events import Latents, Loading
from desktop_app.engine.lent import no_words
from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Fingerprint
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.wishes import Wishes

if TYPE_CHECKING:
    from desktop_app.engine.session import Session

log = logging.getLogger(__name__)

ENVIRONMENT = {
    # A model is never a reason to speak to the network or to run code that came with it.
    "HF_HUB_OFFLINE": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # The tokenizers' own threads gain nothing on one prompt and warn after a fork.
    "TOKENIZERS_PARALLELISM": "false",
    # These kernels would be fetched from the hub and run.
    "DIFFUSERS_GGUF_CUDA_KERNELS": "false",
    # Without a fixed workspace cuBLAS may order its sums differently from run to run.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    # Threads that wait for each other give up the core at once. The default is to spin, which on a
    # machine that does other work as well makes a step four times as long; the sums stay the same.
    "OMP_WAIT_POLICY": "PASSIVE",
}


class LocalBackend:
    """Renders on this machine; see `Backend` for the meaning of the methods.

    Args:
        weights: finds the folder or the file of a model; raises AppError when it is missing.
        cache: folder for what can be computed again.
        threads: of the CPU; None for as many as there are cores.
        device: such as `cpu` or `cuda:1`; None for the best there is.
        snapshot_bytes: memory for the state after each step, with four times that on the disk; with
            0 none is kept, and a branch is rendered from its first noise on.
        configs: folder of the settings that checkpoints in one file lack; with None only folders
            can be loaded.
        words: finds the vocabulary of a kind (`t5`, `gemma` ...) that could not be shipped: its
            file or folder, None where there is none.
        wishes: what the artist decides of a model's precision and place, asked whenever it is
            used; the rest is planned.
    """

    def __init__(
        self,
        weights: Callable[[ModelRef], Path],
        *,
        cache: Path,
        threads: int | None = None,
        device: str | None = None,
        snapshot_bytes: int = 0,
        configs: Path | None = None,
        words: Callable[[str], Path | None] = no_words,
        wishes: Callable[[ModelRef], Wishes] | None = None,
    ) -> None:
        self._weights = weights
        self._cache = cache
        self._threads = threads
        self._device = device
        self._snapshot_bytes = snapshot_bytes
        self._configs = configs
        self._words = words
        self._wishes = wishes
        self._session: Session | None = None

    def start(self, report: Report) -> None:
        """Import torch and diffusers (some seconds) and choose the device.

        Raises:
            AppError: `engine-start` when a library is missing or cannot be loaded, `device` when
                there is no such device.
        """
        if self._session is not None:
            return
        report(Loading(what="engine"))
        os.environ.update(ENVIRONMENT)
        self._session = self._session_on(self._device)

    def device(self) -> DeviceInfo:
        """Raises:
        AppError: `engine-start` before `start`.
        """
        if self._session is None:
            raise AppError("engine-start", "The engine is not started yet.")
        return self._session.device()

    def render(
        self,
        recipe: Recipe,
        report: Report,
        *,
        previews: bool = True,
        like: Fingerprint | None = None,
        device: str = "",
    ) -> Rendered:
        """See `Backend.render`; starts the engine if need be."""
        session = self._started(report)
        usual = not device or device == session.device().kind
        if not usual:
            session = self._session_on(device)
        try:
            with session.as_then(like):
                return session.render(recipe, report, previews=previews, anew=like is not None)
        finally:
            if not usual:
                session.close()

    def decode(self, recipe: Recipe, latents: Latents, report: Report) -> Rendered:
        """See `Backend.decode`; starts the engine if need be."""
        return self._started(report).decode(recipe, latents, report)

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
        """See `Backend.film`; starts the engine if need be."""
        self._started(report).film(recipe, report, take, noisy=noisy, small=small, only=only)

    def close(self) -> None:
        """Free the models' memory; the libraries stay, Python cannot unload them."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _session_on(self, device: str | None) -> "Session":
        return _imported()(
            self._weights,
            cache=self._cache,
            threads=self._threads,
            device=device,
            snapshot_bytes=self._snapshot_bytes,
            configs=self._configs,
            words=self._words,
            wishes=self._wishes,
        )

    def _started(self, report: Report) -> "Session":
        self.start(report)
        assert self._session is not None
        return self._session


def _imported() -> "type[Session]":
    # The imports make hundreds of thousands of objects that live for ever. Collecting them again
    # and again would hold the interpreter lock for up to 0.4 s at a time, and stop the window.
    enabled = gc.isenabled()
    gc.disable()
    try:
        # First of all: what the libraries say goes to our log, and that they would like to have
        # torchvision, which they do without, is not said at all.
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_default_handler()
        transformers_logging.enable_propagation()
        usual = transformers_logging.get_verbosity()
        transformers_logging.set_verbosity_error()
        from desktop_app.engine.session import Session

        transformers_logging.set_verbosity(usual)
    except (ImportError, OSError) as error:
        log.exception("the engine cannot be imported")
        raise AppError(
            "engine-start",
            f"The engine cannot be started: {error}".splitlines()[0][:300],
            hint="Install Mezzotint again; a library that it needs is missing or damaged.",
        ) from error
    finally:
        if enabled:
            gc.enable()
    gc.freeze()
    return Session
