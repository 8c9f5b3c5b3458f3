"""The pictures that shall be made again: what they say of themselves, wherever they lie."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.store.metadata import Imported
    from desktop_app.studio.storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Original:
    """A picture to be made again.

    Attributes:
        pixels: (H, W, 3) uint8 RGB; None where the file cannot be read.
    """

    recipe: Recipe
    provenance: Provenance
    pixels: "NDArray[np.uint8] | None"


def original(storage: "Storage", job: Job) -> Original:
    """The picture that a `verify` is about: of the gallery, or else in a file. For any thread.

    Raises:
        AppError: `no-recipe` when it does not say how it was made, or why the file is refused.
    """
    if job.picture is not None:
        record = storage.record(job.picture)
        recipe, provenance = proof_of(record.recipe, record.provenance)
        path = record.path
    else:
        assert job.path is not None
        path = job.path
        recipe, provenance = proof_in(path)
    try:
        kept = _pixels(path) if job.picture is None else storage.pixels(job.picture)
    except AppError as error:
        # The hashes still prove it; only how far off it is cannot be told.
        log.warning("the first picture cannot be read: %s", error)
        kept = None
    return Original(recipe=recipe, provenance=provenance, pixels=kept)


def said_by(path: Path) -> "Imported":
    """What a picture's file says of how it was made, whichever program made it. For any thread.

    Raises:
        AppError: it is no picture, or damaged.
    """
    from desktop_app.store.metadata import read_picture

    return read_picture(path)


def proof_in(path: Path) -> tuple[Recipe, Provenance]:
    """How a picture's file says that it was made here.

    Raises:
        AppError: as `original`.
    """
    found = said_by(path)
    return proof_of(found.recipe, found.provenance, found.problem)


def proof_of(
    recipe: Recipe | None, provenance: Provenance | None, problem: str = ""
) -> tuple[Recipe, Provenance]:
    """Both of them, or the refusal of a picture that has them not."""
    if recipe is None or provenance is None:
        raise AppError("no-recipe", problem or "This picture does not say how it was made.")
    return recipe, provenance


def _pixels(path: Path) -> "NDArray[np.uint8]":
    from desktop_app.store.pixels import read_pixels

    return read_pixels(path)
