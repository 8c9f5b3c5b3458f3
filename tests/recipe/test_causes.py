"""Why a picture differs: the stage where two renders part, and the likeliest cause first."""

from dataclasses import replace

import pytest

from desktop_app.recipe.causes import causes, first_stage, rows, versions
from tests.engine.values import FINGERPRINT, PROVENANCE

pytestmark = pytest.mark.core


def test_all_equal_has_no_cause() -> None:
    assert first_stage(PROVENANCE, PROVENANCE) is None
    assert causes(PROVENANCE, PROVENANCE) == ()
    assert not any(row.differs for row in rows(FINGERPRINT, FINGERPRINT))


def test_the_likeliest_cause_of_the_stage_stands_first() -> None:
    other = replace(FINGERPRINT, torch="9.9", device="cuda", device_name="H", rng="x", python="9")
    noise = replace(PROVENANCE, fingerprint=other, noise_sha256="d" * 64)
    steps = replace(PROVENANCE, fingerprint=other, latents_sha256="d" * 64)
    decode = replace(PROVENANCE, fingerprint=replace(other, decode="tiled"), pixels_sha256="d" * 64)
    assert [first_stage(PROVENANCE, now) for now in (noise, steps, decode)] == [
        "noise",
        "latents",
        "pixels",
    ]
    assert [one.name for one in causes(PROVENANCE, noise)][:2] == ["rng", "torch"]
    assert [one.name for one in causes(PROVENANCE, steps)][:2] == ["device", "device_name"]
    assert causes(PROVENANCE, decode)[0].name == "decode"
    assert {one.name for one in causes(PROVENANCE, steps)} == {
        row.name for row in rows(FINGERPRINT, other) if row.differs
    }


def test_what_can_be_done_is_said_and_offered() -> None:
    gpu = replace(FINGERPRINT, device="cuda", device_name="H200")
    moved = replace(PROVENANCE, fingerprint=gpu, latents_sha256="d" * 64)
    assert causes(PROVENANCE, moved)[0].action == "cpu"
    assert causes(moved, PROVENANCE)[0].action == ""
    assert "H200" in causes(moved, PROVENANCE)[0].remedy
    newer = replace(FINGERPRINT, torch="9.9")
    again = replace(PROVENANCE, fingerprint=newer, latents_sha256="d" * 64)
    assert causes(PROVENANCE, again)[0].action == "copy"
    assert "torch==9.9" in versions(newer)
    (unknown,) = causes(PROVENANCE, replace(PROVENANCE, latents_sha256="d" * 64))
    assert unknown.action == "again"
    assert "Nothing that is recorded differs" in unknown.sentence


def test_rows_shorten_hashes_and_put_differences_first() -> None:
    other = replace(FINGERPRINT, model_config_sha256="f" * 64, app="9")
    found = rows(replace(FINGERPRINT, model_config_sha256="e" * 64), other)
    assert [row.name for row in found[:2]] == ["model_config_sha256", "app"]
    assert found[0].then == "e" * 12 + "…"
