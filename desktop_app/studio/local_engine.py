"""The engine of this machine: how it is made, and what of it needs no turn in its thread."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.engine.backend import Backend
from desktop_app.paths import RESOURCES
from desktop_app.recipe.recipe import FromNoise, ModelRef
from desktop_app.recipe.wishes import Wishes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def local_backend(
    weights: Callable[[ModelRef], Path],
    cache: Path,
    threads: int,
    snapshot_megabytes: int,
    *,
    device: str,
    words: Callable[[str], Path | None],
    wishes: Callable[[ModelRef], Wishes],
) -> Backend:
    """The engine of this machine; only to be called in the render thread, for it imports torch.

    Args:
        threads: CPU threads to compute with; 0 for one per core.
        snapshot_megabytes: of memory for the steps of pictures; 0 keeps none.
        device: as torch names it; empty for the best there is.
        words: where vocabularies lie that are not shipped, by their kind.
        wishes: how the artist wants a model kept.
    """
    from desktop_app.engine.render import LocalBackend

    return LocalBackend(
        weights,
        cache=cache,
        threads=threads or None,
        device=device or None,
        snapshot_bytes=snapshot_megabytes * 2**20,
        configs=RESOURCES / "model_configs",
        words=words,
        wishes=wishes,
    )


def draw_noise(seed: int, start: FromNoise, width: int, height: int) -> "NDArray[np.uint8]":
    """The noise of a seed as a small picture (h, w, 3) uint8.

    For any thread, but only once the engine is in memory: it imports torch. It draws on the CPU
    with a generator of its own, so it takes nothing from a picture that is being made.
    """
    from desktop_app.engine.noise_picture import noise_picture

    return noise_picture(seed, start, width, height)
