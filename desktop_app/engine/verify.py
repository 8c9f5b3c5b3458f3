"""Whether a picture made again is the one it was, proved by its hashes; imports no torch."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from desktop_app.engine.backend import Rendered
from desktop_app.recipe.provenance import Provenance, differences
from desktop_app.recipe.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIMILAR_MAX = 2
"""Largest difference of a channel, of 255, that no eye sees: other hardware rounds differently."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence:
    """What a verdict stands on.

    Attributes:
        pixels: of the picture made just now, (H, W, 3) uint8.
        then: of the first picture.
    """

    pixels: "NDArray[np.uint8]"
    then: Provenance
    now: Provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How a picture made again compares with the first one.

    Attributes:
        kind: `identical` when every pixel is equal, `similar` when no channel differs by more than
            `SIMILAR_MAX`, else `different`.
        largest: difference of a channel, 0 ... 255; -1 when it cannot be told because the first
            picture's pixels are not at hand or have another size.
        hashes: which of `noise`, `latents`, `pixels` have equal hashes.
        differences: what else differs, as clauses, the likeliest cause first.
        file_changed: whether the first picture's file no longer holds the pixels that were hashed
            when it was made.
        evidence: both sides, to look at; None where they were not kept.
    """

    kind: Literal["identical", "similar", "different"]
    largest: int
    hashes: tuple[str, ...]
    differences: tuple[str, ...]
    file_changed: bool = False
    evidence: Evidence | None = field(default=None, compare=False, repr=False)


def compare(
    rendered: Rendered,
    recipe: Recipe,
    provenance: Provenance,
    pixels: "NDArray[np.uint8] | None",
) -> Verdict:
    """Compare a new render with what is written in a picture.

    The hash in the provenance decides, not the file's pixels: a picture that was edited or saved
    with loss can still be proved to have been made again. The pixels tell how far off it is.

    Args:
        rendered: made just now.
        recipe: of the first picture.
        provenance: of the first picture.
        pixels: of the first picture, (H, W, 3) uint8, if they are at hand.
    """
    new = rendered.provenance
    pairs = {
        "noise": (provenance.noise_sha256, new.noise_sha256),
        "latents": (provenance.latents_sha256, new.latents_sha256),
        "pixels": (provenance.pixels_sha256, new.pixels_sha256),
    }
    equal = tuple(name for name, (old, now) in pairs.items() if old == now)
    clauses = list(differences(provenance.fingerprint, new.fingerprint))
    if recipe != rendered.recipe:
        clauses.insert(0, "the recipe is not the same")
    changed = pixels is not None and _sha256(pixels) != provenance.pixels_sha256
    evidence = Evidence(pixels=rendered.pixels, then=provenance, now=new)
    if "pixels" in equal:
        return Verdict(
            kind="identical",
            largest=0,
            hashes=equal,
            differences=tuple(clauses),
            file_changed=changed,
            evidence=evidence,
        )
    largest = -1 if pixels is None else _largest(rendered.pixels, pixels)
    if largest == 0:
        # Equal to the file and not to its hash: the file was changed after it was made.
        clauses.insert(0, "the picture's pixels are not the ones that were hashed when it was made")
    kind = "similar" if 0 <= largest <= SIMILAR_MAX else "different"
    return Verdict(
        kind=kind,
        largest=largest,
        hashes=equal,
        differences=tuple(clauses),
        file_changed=changed,
        evidence=evidence,
    )


def _sha256(pixels: "NDArray[np.uint8]") -> str:
    """As `fingerprint.sha256_of`, which brings torch along."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def _largest(first: "NDArray[np.uint8]", second: "NDArray[np.uint8]") -> int:
    if first.shape != second.shape:
        return -1
    # Differences of bytes would wrap around.
    return int(abs(first.astype("int16") - second.astype("int16")).max(initial=0))
