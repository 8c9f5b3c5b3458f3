"""The verdict on a picture that was made again."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.engine.backend import Rendered
from desktop_app.engine.verify import compare
from desktop_app.recipe.provenance import Fingerprint, Provenance
from tests.engine.values import FINGERPRINT, PROVENANCE, RECIPE

pytestmark = pytest.mark.core


def pixels(value: int = 100) -> NDArray[np.uint8]:
    return np.full((8, 8, 3), value, dtype=np.uint8)


def again(
    value: int = 100, *, fingerprint: Fingerprint = FINGERPRINT, **hashes: str
) -> tuple[Rendered, Provenance]:
    provenance = replace(PROVENANCE, fingerprint=fingerprint, seconds=9.0, **hashes)
    return Rendered(recipe=RECIPE, provenance=provenance, pixels=pixels(value)), PROVENANCE


def test_identical_is_told_by_the_hash_alone() -> None:
    rendered, then = again()
    for first in (pixels(), None, pixels(3)):
        verdict = compare(rendered, RECIPE, then, first)
        assert (verdict.kind, verdict.largest) == ("identical", 0)
        assert verdict.hashes == ("noise", "latents", "pixels")
        assert verdict.differences == ()


@pytest.mark.parametrize(
    ("value", "kind", "largest"),
    [(101, "similar", 1), (98, "similar", 2), (103, "different", 3), (0, "different", 100)],
)
def test_the_largest_difference_decides(value: int, kind: str, largest: int) -> None:
    rendered, then = again(value, latents_sha256="e" * 64, pixels_sha256="f" * 64)
    verdict = compare(rendered, RECIPE, then, pixels())
    assert (verdict.kind, verdict.largest, verdict.hashes) == (kind, largest, ("noise",))


def test_bytes_do_not_wrap_around() -> None:
    rendered, then = again(255, pixels_sha256="f" * 64)
    assert compare(rendered, RECIPE, then, pixels(0)).largest == 255
    rendered, then = again(0, pixels_sha256="f" * 64)
    assert compare(rendered, RECIPE, then, pixels(255)).largest == 255


def test_one_pixel_is_enough() -> None:
    rendered, then = again(pixels_sha256="f" * 64)
    first = pixels()
    first[7, 7, 2] += 40
    assert compare(rendered, RECIPE, then, first).kind == "different"


def test_pixels_that_cannot_be_compared() -> None:
    rendered, then = again(pixels_sha256="f" * 64)
    for first in (None, np.zeros((4, 8, 3), dtype=np.uint8)):
        verdict = compare(rendered, RECIPE, then, first)
        assert (verdict.kind, verdict.largest) == ("different", -1)


def test_every_difference_in_words_the_likeliest_first() -> None:
    other = replace(FINGERPRINT, torch="2.14.0", threads=8, device="cuda")
    rendered, then = again(101, fingerprint=other, pixels_sha256="f" * 64)
    verdict = compare(rendered, replace(RECIPE, seed=1), then, pixels())
    assert verdict.differences == (
        "the recipe is not the same",
        "computed on cpu, now on cuda",
        "computed with 1 threads, now with 8",
        "made with torch 2.13.0, now torch 2.14.0",
    )


def test_a_file_that_was_changed_after_it_was_made() -> None:
    rendered, then = again(pixels_sha256="f" * 64)
    verdict = compare(rendered, RECIPE, then, pixels())
    assert verdict.kind == "similar"
    assert "hashed when it was made" in verdict.differences[0]


def test_a_file_that_was_changed_is_told_apart_from_a_picture_that_came_out_otherwise() -> None:
    rendered, then = again()
    then = replace(then, pixels_sha256=hashlib.sha256(pixels().tobytes()).hexdigest())
    rendered = replace(rendered, provenance=replace(rendered.provenance, **_hashes(then)))
    assert not compare(rendered, RECIPE, then, pixels()).file_changed
    assert compare(rendered, RECIPE, then, pixels(101)).file_changed
    assert not compare(rendered, RECIPE, then, None).file_changed


def test_the_evidence_holds_both_sides() -> None:
    rendered, then = again(101, pixels_sha256="f" * 64)
    evidence = compare(rendered, RECIPE, then, pixels()).evidence
    assert evidence is not None
    assert np.array_equal(evidence.pixels, pixels(101))
    assert (evidence.then, evidence.now) == (then, rendered.provenance)


def _hashes(then: Provenance) -> dict[str, str]:
    return {"pixels_sha256": then.pixels_sha256}
