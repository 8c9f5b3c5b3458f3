"""A film shows every step and ends in the picture, from snapshots and without them alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.engine.events import Frame
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import Cancelled
from desktop_app.recipe.recipe import Recipe
from tests.engine.branches import branch, keeping_backend
from tests.engine.models import Events, recipe_for, ref, render, steps_of
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keeping(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    backend = keeping_backend(tmp_path_factory.mktemp("filming"), tiny=tiny_model)
    yield backend
    backend.close()


def film(
    backend: LocalBackend, recipe: Recipe, *, noisy: bool = False, small: bool = False
) -> tuple[list[NDArray[np.uint8]], Events]:
    frames: list[NDArray[np.uint8]] = []
    counts: set[int] = set()
    events = Events()

    def take(index: int, count: int, pixels: NDArray[np.uint8]) -> None:
        assert index == len(frames) + 1
        counts.add(count)
        frames.append(pixels)

    backend.film(recipe, events, take, noisy=noisy, small=small)
    assert counts == {len(frames)}
    return frames, events


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
@pytest.mark.parametrize("noisy", [False, True])
def test_it_ends_in_the_picture(
    sampler: str, noisy: bool, backend: LocalBackend, keeping: LocalBackend
) -> None:
    parent = recipe_for("tiny", scheduler=sampler, num_inference_steps=4)
    recipe = branch(parent, 2, prompt="a bear")
    rendered, events = render(keeping, recipe)
    kept, told = film(keeping, recipe, noisy=noisy)
    anew, _ = film(backend, recipe, noisy=noisy)
    assert len(kept) == steps_of(events)[-1].count
    assert np.array_equal(kept[-1], rendered.pixels)
    assert all(np.array_equal(a, b) for a, b in zip(kept, anew, strict=True))
    assert not np.array_equal(kept[0], kept[1])
    assert [one.index for one in dict.fromkeys(told.of(Frame))] == list(range(1, len(kept) + 1))


def test_small_frames_are_the_previews(keeping: LocalBackend) -> None:
    recipe = recipe_for("tiny", num_inference_steps=4)
    steps = steps_of(render(keeping, recipe)[1])
    for noisy in (False, True):
        frames, _ = film(keeping, recipe, noisy=noisy, small=True)
        shown: list[Any] = [one.noisy if noisy else one.preview for one in steps]
        assert all(np.array_equal(a, b) for a, b in zip(frames[:-1], shown[:-1], strict=True))
        # The last frame is the picture itself in both.
        last: Any = steps[-1].noisy
        assert np.array_equal(frames[-1], last)


def test_each_part_of_the_way_is_shown_by_its_own_vae(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    save_tiny_model(folder, seed=9)
    vae = folder / "vae" / "diffusion_pytorch_model.safetensors"
    backend = keeping_backend(tmp_path / "cache", tiny=tiny_model, other=vae)
    parent = recipe_for("tiny", num_inference_steps=4)
    own, _ = film(backend, parent, small=True)
    recipe = branch(parent, 2, vae=ref("other"))
    steps = steps_of(render(backend, recipe)[1])
    frames, _ = film(backend, recipe, small=True)
    backend.close()
    shown: list[Any] = [one.preview for one in steps]
    assert [np.array_equal(a, b) for a, b in zip(frames, own, strict=True)] == [True] * 2 + [
        False
    ] * 2
    assert all(np.array_equal(a, b) for a, b in zip(frames[:-1], shown[:-1], strict=True))


def test_a_film_can_be_stopped(keeping: LocalBackend) -> None:
    recipe = recipe_for("tiny", num_inference_steps=4, seed=77)
    events = Events(stop_at=lambda event: isinstance(event, Frame) and event.index == 2)
    taken: list[int] = []
    with pytest.raises(Cancelled):
        keeping.film(
            recipe, events, lambda index, *_: taken.append(index), noisy=False, small=False
        )
    assert taken == [1]
    assert len(film(keeping, recipe)[0]) == 4


def test_one_step_alone_and_only_if_it_is_kept(
    backend: LocalBackend, keeping: LocalBackend
) -> None:
    recipe = recipe_for("tiny", num_inference_steps=4, seed=5)
    taken: list[tuple[int, NDArray[np.uint8]]] = []

    def take(index: int, count: int, pixels: NDArray[np.uint8]) -> None:
        taken.append((index, pixels))

    keeping.film(recipe, Events(), take, noisy=False, small=False, only=2)
    assert taken == []
    render(keeping, recipe)
    keeping.film(recipe, Events(), take, noisy=False, small=False, only=2)
    ((index, pixels),) = taken
    assert index == 2
    assert np.array_equal(pixels, film(backend, recipe)[0][1])
