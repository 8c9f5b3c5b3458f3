"""One picture on another device than the others: made there alone, and everything else stays."""

import numpy as np
import pytest

from desktop_app.engine.render import LocalBackend
from tests.engine.models import Events, recipe_for, render

pytestmark = pytest.mark.slow


def test_another_device_makes_one_picture_and_the_usual_one_goes_on(backend: LocalBackend) -> None:
    recipe = recipe_for("tiny")
    first, _ = render(backend, recipe)
    # For torch the same processor under another name; for the program another device.
    other = backend.render(recipe, Events(), previews=False, device="cpu:0")
    assert np.array_equal(other.pixels, first.pixels)
    assert other.provenance.latents_sha256 == first.provenance.latents_sha256
    again, events = render(backend, recipe)
    assert np.array_equal(again.pixels, first.pixels)
    # The model was not loaded anew: the usual session was left alone.
    assert not [one for one in events.seen if type(one).__name__ == "Loading"]
