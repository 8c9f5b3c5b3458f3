"""The memory plan: what is chosen for which machine, and what happens when memory runs out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.engine.events import Loading
from desktop_app.engine.placing import carry_out, parameters_of
from desktop_app.engine.plan import (
    DTYPES,
    OFFLOADS,
    Place,
    Plan,
    Wishes,
    expected,
    in_words,
    make_plan,
    step_down,
)
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import AppError
from tests.engine.models import backend_for, plain_pipeline, recipe_for, ref, render

pytestmark = pytest.mark.slow
GB = 10**9
PIXELS = 1024 * 1024
SD15 = {"unet": 860_000_000, "vae": 84_000_000, "text_encoder": 123_000_000}
SDXL = {
    "unet": 2_567_000_000,
    "vae": 84_000_000,
    "text_encoder": 123_000_000,
    "text_encoder_2": 695_000_000,
}
FLUX = {
    "transformer": 11_900_000_000,
    "vae": 84_000_000,
    "text_encoder": 123_000_000,
    "text_encoder_2": 4_760_000_000,
}


def card(gigabytes: float) -> Place:
    return Place(kind="cuda", memory=int(gigabytes * GB), half=True, bfloat16=True)


def computer(gigabytes: float) -> Place:
    return Place(kind="cpu", memory=int(gigabytes * GB), half=False, bfloat16=True)


@pytest.mark.parametrize(
    ("sizes", "place", "dtype", "offload"),
    [
        (SD15, card(8), "float16", "none"),
        (SDXL, card(24), "float16", "none"),
        (SDXL, card(12), "float16", "none"),
        (SDXL, card(8), "float16", "model"),
        (SDXL, card(4), "float16", "group"),
        (FLUX, card(80), "bfloat16", "none"),
        (FLUX, card(32), "bfloat16", "model"),
        (FLUX, card(8), "bfloat16", "group"),
        (SD15, computer(16), "float32", "none"),
        (FLUX, computer(64), "bfloat16", "none"),
        (SD15, Place(kind="mps", memory=16 * GB, half=False, bfloat16=False), "float32", "none"),
    ],
)
def test_the_quickest_plan_that_fits(
    sizes: dict[str, int], place: Place, dtype: str, offload: str
) -> None:
    plan = make_plan(sizes, place, PIXELS, wide="transformer" in sizes)
    assert (plan.dtype, plan.offload) == (dtype, offload)
    assert plan.fits
    assert plan.expected <= plan.available < place.memory


def test_eight_bits_come_before_travelling_blocks() -> None:
    plan = make_plan(FLUX, card(24), PIXELS, wide=True)
    assert (plan.offload, plan.float8) == ("model", True)


def test_unknown_memory_is_taken_to_be_enough() -> None:
    plan = make_plan(SDXL, Place(kind="mps", memory=0, half=False, bfloat16=False), PIXELS)
    assert (plan.offload, plan.fits) == ("none", True)
    assert "of" not in in_words(plan, computer(0)).split("about")[1]


def test_a_model_that_is_too_large_is_told_so() -> None:
    plan = make_plan(FLUX, computer(8), PIXELS)
    assert not plan.fits
    assert in_words(plan, computer(8)).endswith("it may not work.")


@given(
    gigabytes=st.floats(0.5, 200),
    unet=st.integers(1, 20_000_000_000),
    offload=st.sampled_from([None, *OFFLOADS]),
    dtype=st.sampled_from([None, *DTYPES]),
    float8=st.sampled_from([None, True, False]),
    tiled=st.sampled_from([None, True, False]),
)
def test_wishes_are_kept_and_more_memory_never_means_a_slower_plan(
    gigabytes: float, unet: int, offload: Any, dtype: Any, float8: Any, tiled: Any
) -> None:
    wishes = Wishes(dtype=dtype, offload=offload, float8=float8, tiled=tiled)
    sizes = {**SD15, "unet": unet}
    plan = make_plan(sizes, card(gigabytes), PIXELS, wishes)
    assert dtype in (None, plan.dtype)
    assert offload in (None, plan.offload)
    assert float8 in (None, plan.float8)
    assert tiled in (None, plan.tiled)
    assert plan.expected == expected(plan, sizes, PIXELS)
    larger = make_plan(sizes, card(gigabytes * 2), PIXELS, wishes)
    assert OFFLOADS.index(larger.offload) <= OFFLOADS.index(plan.offload) or plan.float8
    assert larger.fits or not plan.fits


def test_the_ladder_ends() -> None:
    plan, place = Plan(dtype="float16"), card(8)
    told: list[str] = []
    while (down := step_down(plan, place)) is not None:
        plan, words = down
        told.append(words)
    assert [plan.offload, plan.sliced, plan.rung] == ["group", True, len(told)]
    assert len(set(told)) == len(told) == 3
    assert all(words.startswith("Because the graphics memory ran out") for words in told)


def test_the_numbers_are_counted_from_the_headers(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    assert parameters_of(tiny_model) == {
        part: sum(one.numel() for one in getattr(pipe, part).state_dict().values())
        for part in ("unet", "vae", "text_encoder")
    }
    assert parameters_of(tiny_model / "gone") == {}


def test_eight_bits_are_stored_and_widened(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    whole = sum(one.nbytes for one in pipe.unet.parameters())
    carry_out(pipe, Plan(dtype="float32", float8=True, tiled=True), torch.device("cpu"))
    stored = sum(one.nbytes for one in pipe.unet.parameters())
    assert stored < whole / 2
    picture = pipe("a fox", width=64, height=64, num_inference_steps=2, output_type="np").images[0]
    assert np.isfinite(picture).all()
    assert pipe.vae.use_tiling


@pytest.fixture
def alone(tiny_model: Path, v_model: Path, cache: Path) -> Iterator[LocalBackend]:
    backend = backend_for(cache, tiny=tiny_model, v=v_model)
    yield backend
    backend.close()


def full(backend: LocalBackend, model: str, times: int) -> list[int]:
    """Let a loaded model's network run out of memory, so many times; counts its calls."""
    assert backend._session is not None
    network = backend._session.models.kept[ref(model).sha256].pipe.unet
    calls: list[int] = []

    def limit(*_: object) -> None:
        calls.append(len(calls))
        if len(calls) <= times:
            raise torch.OutOfMemoryError("out of memory, tried to allocate 20.00 GiB")

    network.register_forward_pre_hook(limit)
    return calls


def test_out_of_memory_steps_down_once_and_says_so(alone: LocalBackend) -> None:
    usual, _ = render(alone, recipe_for("tiny"))
    render(alone, recipe_for("v"))
    assert alone._session is not None
    assert len(alone._session.models.kept) == 2
    calls = full(alone, "tiny", 1)
    rendered, events = render(alone, recipe_for("tiny"))
    assert len(calls) == 1 + 3
    assert "decoded in tiles" in [one.plan for one in events.of(Loading)][-1]
    assert rendered.provenance.notes == (
        "Because the memory ran out, attention was computed in slices.",
    )
    assert rendered.provenance.fingerprint.attention == "SlicedAttnProcessor"
    assert np.abs(rendered.pixels.astype(int) - usual.pixels.astype(int)).max() <= 2
    assert len(alone._session.models.kept) == 1
    again, _ = render(alone, recipe_for("tiny"))
    assert again.provenance.notes == ()
    assert np.array_equal(again.pixels, rendered.pixels)


def test_out_of_memory_twice_is_told(alone: LocalBackend) -> None:
    render(alone, recipe_for("tiny"))
    full(alone, "tiny", 2)
    with pytest.raises(AppError) as error:
        render(alone, recipe_for("tiny"))
    assert error.value.code == "out-of-memory"
    assert render(alone, recipe_for("tiny"))[0].pixels.std() > 0


def test_the_processor_can_compute_in_bfloat16(tiny_model: Path, cache: Path) -> None:
    backend = LocalBackend(
        lambda _: tiny_model,
        cache=cache,
        threads=1,
        device="cpu",
        wishes=Wishes(dtype="bfloat16", tiled=False),
    )
    rendered, _ = render(backend, recipe_for("tiny"))
    assert rendered.provenance.fingerprint.dtype == "bfloat16"
    assert rendered.pixels.std() > 0
    backend.close()
