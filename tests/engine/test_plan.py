"""The memory plan: what is chosen for which machine, and what happens when memory runs out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.engine import keeping
from desktop_app.engine.events import Loading
from desktop_app.engine.loading import Model, load_model
from desktop_app.engine.placing import carry_out
from desktop_app.engine.plan import (
    Keeping,
    Place,
    Plan,
    expected,
    in_words,
    load_down,
    make_plan,
    step_down,
)
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import AppError
from desktop_app.recipe.wishes import DTYPES, OFFLOADS, Wishes
from desktop_app.weights.counting import Held, held_by
from tests.engine.models import Events, backend_for, plain_pipeline, recipe_for, ref, render

pytestmark = pytest.mark.slow
GB = 10**9
PIXELS = 1024 * 1024
SD15 = Held(numbers={"unet": 860_000_000, "vae": 84_000_000, "text_encoder": 123_000_000})
SDXL = Held(
    numbers={
        "unet": 2_567_000_000,
        "vae": 84_000_000,
        "text_encoder": 123_000_000,
        "text_encoder_2": 695_000_000,
    }
)
FLUX = Held(
    numbers={
        "transformer": 11_900_000_000,
        "vae": 84_000_000,
        "text_encoder": 123_000_000,
        "text_encoder_2": 4_760_000_000,
    }
)


def card(gigabytes: float) -> Place:
    return Place(kind="cuda", memory=int(gigabytes * GB), half=True, bfloat16=True)


def computer(gigabytes: float) -> Place:
    return Place(kind="cpu", memory=int(gigabytes * GB), half=False, bfloat16=True)


@pytest.mark.parametrize(
    ("held", "place", "dtype", "offload"),
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
def test_the_quickest_plan_that_fits(held: Held, place: Place, dtype: str, offload: str) -> None:
    plan = make_plan(held, place, PIXELS)
    assert (plan.dtype, plan.offload) == (dtype, offload)
    assert plan.fits
    assert plan.expected <= plan.available < place.memory


def test_eight_bits_come_before_travelling_blocks() -> None:
    plan = make_plan(FLUX, card(24), PIXELS)
    assert (plan.offload, plan.float8) == ("model", True)


def test_unknown_memory_is_taken_to_be_enough() -> None:
    plan = make_plan(SDXL, Place(kind="mps", memory=0, half=False, bfloat16=False), PIXELS)
    assert (plan.offload, plan.fits) == ("none", True)
    assert "GB of" not in in_words(plan, computer(0))


def test_a_model_that_is_too_large_is_told_so() -> None:
    plan = make_plan(FLUX, computer(8), PIXELS)
    assert not plan.fits
    assert in_words(plan, computer(8)).endswith("it may not work.")


def test_the_size_of_the_picture_counts_for_its_memory() -> None:
    held = Held(numbers={"unet": 900_000_000, "vae": 84_000_000})
    place = computer(64)
    keeping = Keeping(plan=make_plan(held, place, PIXELS), held=held, place=place)
    small, usual = keeping.in_words(128, 64), keeping.in_words()
    assert small.endswith("about 4.0 GB of 54.4 GB for a picture of 128 × 64.")
    assert usual == in_words(keeping.plan, place)


def test_what_a_machine_does_not_have_is_not_decided() -> None:
    wishes = Wishes(dtype="float16", offload="group", float8=True, tiled=True)
    plan = make_plan(SD15, computer(16), PIXELS, wishes)
    assert (plan.dtype, plan.offload, plan.float8, plan.tiled) == ("float32", "none", True, True)
    apple = Place(kind="mps", memory=16 * GB, half=False, bfloat16=False)
    plan = make_plan(SD15, apple, PIXELS, wishes)
    assert (plan.dtype, plan.offload, plan.float8) == ("float16", "none", False)


def test_packed_weights_keep_their_size() -> None:
    packed = Held(
        numbers={"vae": 84_000_000, "transformer": 10_000_000},
        packed={"transformer": 6_800_000_000},
    )
    assert packed.wide
    plan = make_plan(packed, card(24), PIXELS, Wishes(float8=True, offload="group"))
    assert (plan.dtype, plan.offload, plan.float8) == ("bfloat16", "none", False)
    assert "(bfloat16, its weights packed)" in in_words(plan, card(24))
    kept = 6_800_000_000 + 2 * 94_000_000
    assert plan.expected > kept
    assert expected(plan, packed, 0) == kept
    down = step_down(plan, packed, card(24))
    assert down is not None
    assert down[0].offload == "model"
    down = step_down(down[0], packed, card(24))
    assert down is not None
    assert (down[0].offload, down[0].sliced) == ("model", True)


@pytest.mark.parametrize(
    ("place", "wishes", "dtype", "offload"),
    [
        (card(8), Wishes(), "float16", "model"),
        (computer(8), Wishes(), "bfloat16", "none"),
        (computer(8), Wishes(dtype="float32"), "", ""),
        (Place(kind="mps", memory=8 * GB, half=False, bfloat16=False), Wishes(), "", ""),
    ],
)
def test_the_rung_below_when_memory_runs_out_while_loading(
    place: Place, wishes: Wishes, dtype: str, offload: str
) -> None:
    plan = make_plan(SD15, place, PIXELS, wishes)
    down = load_down(plan, SD15, place, wishes)
    assert ((down[0].dtype, down[0].offload) if down else ("", "")) == (dtype, offload)


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
    held = Held(numbers={**SD15.numbers, "unet": unet})
    plan = make_plan(held, card(gigabytes), PIXELS, wishes)
    assert dtype in (None, plan.dtype)
    assert offload in (None, plan.offload)
    assert float8 in (None, plan.float8)
    assert tiled in (None, plan.tiled)
    assert plan.expected == expected(plan, held, PIXELS)
    larger = make_plan(held, card(gigabytes * 2), PIXELS, wishes)
    assert OFFLOADS.index(larger.offload) <= OFFLOADS.index(plan.offload) or plan.float8
    assert larger.fits or not plan.fits


def test_the_ladder_ends() -> None:
    plan, place = Plan(dtype="float16"), card(8)
    told: list[str] = []
    while (down := step_down(plan, SDXL, place)) is not None:
        plan, words = down
        told.append(words)
    assert [plan.offload, plan.sliced, plan.rung] == ["group", True, len(told)]
    assert len(set(told)) == len(told) == 3
    assert all(words.startswith("Because the graphics memory ran out") for words in told)


def test_the_numbers_are_counted_from_the_headers(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    assert held_by(tiny_model).numbers == {
        part: sum(one.numel() for one in getattr(pipe, part).state_dict().values())
        for part in ("unet", "vae", "text_encoder")
    }
    assert held_by(tiny_model / "gone") == Held()


def test_eight_bits_are_stored_and_widened(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    whole = sum(one.nbytes for one in pipe.unet.parameters())
    carry_out(pipe, Plan(dtype="float32", float8=True, tiled=True), torch.device("cpu"))
    stored = sum(one.nbytes for one in pipe.unet.parameters())
    assert stored < whole / 2
    carry_out(pipe, Plan(dtype="float32", float8=True, sliced=True), torch.device("cpu"))
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
    keepings = [one.keeping for one in events.of(Loading) if one.keeping is not None]
    assert "decoded in tiles" in keepings[-1].in_words()
    assert rendered.provenance.notes == (
        "Because the memory ran out, attention was computed in slices.",
    )
    assert rendered.provenance.fingerprint.attention == "SlicedAttnProcessor"
    assert np.abs(rendered.pixels.astype(int) - usual.pixels.astype(int)).max() <= 2
    assert len(alone._session.models.kept) == 1
    again, _ = render(alone, recipe_for("tiny"))
    assert again.provenance.notes == rendered.provenance.notes
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
        wishes=lambda _: Wishes(dtype="bfloat16", tiled=False),
    )
    rendered, _ = render(backend, recipe_for("tiny"))
    assert rendered.provenance.fingerprint.dtype == "bfloat16"
    assert rendered.pixels.std() > 0
    backend.close()


def failing(
    monkeypatch: pytest.MonkeyPatch, fails: Callable[[torch.dtype], bool]
) -> list[torch.dtype]:
    """Let memory run out while models are loaded in some precisions; all that are tried."""
    tried: list[torch.dtype] = []

    def load(place: Path, name: str, **options: Any) -> Model:
        tried.append(options["dtype"])
        if fails(options["dtype"]):
            raise torch.OutOfMemoryError("out of memory, tried to allocate 20.00 GiB")
        return load_model(place, name, **options)

    monkeypatch.setattr(keeping, "load_model", load)
    return tried


def test_a_load_without_memory_steps_down_and_says_so(
    alone: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(monkeypatch, lambda dtype: dtype == torch.float32)
    rendered, events = render(alone, recipe_for("tiny"))
    assert tried == [torch.float32, torch.bfloat16]
    told = [one.keeping.plan.dtype for one in events.of(Loading) if one.keeping is not None]
    assert told == ["float32", "bfloat16"]
    assert rendered.provenance.notes == (
        "Because the memory ran out while the model was loaded, it was computed in bfloat16.",
    )
    assert rendered.provenance.fingerprint.dtype == "bfloat16"
    assert render(alone, recipe_for("tiny"))[0].provenance.notes == rendered.provenance.notes
    assert len(tried) == 2


def test_models_that_only_wait_make_room_before_anything_changes(
    alone: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(alone, recipe_for("tiny"))
    assert alone._session is not None
    kept = alone._session.models.kept
    failing(monkeypatch, lambda _: bool(kept))
    rendered, _ = render(alone, recipe_for("v"))
    assert list(kept) == [ref("v").sha256]
    assert rendered.provenance.notes == ()
    assert rendered.provenance.fingerprint.dtype == "float32"


def test_a_load_that_never_fits_is_told(
    alone: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(monkeypatch, lambda _: True)
    with pytest.raises(AppError) as error:
        render(alone, recipe_for("tiny"))
    assert error.value.code == "out-of-memory"
    assert len(tried) == 2


def test_another_decision_counts_from_the_next_picture_on(tiny_model: Path, cache: Path) -> None:
    said = [Wishes()]
    backend = LocalBackend(
        lambda _: tiny_model, cache=cache, threads=1, device="cpu", wishes=lambda _: said[-1]
    )
    first, _ = render(backend, recipe_for("tiny"))
    said.append(Wishes(dtype="float32", offload="none"))
    assert not render(backend, recipe_for("tiny"))[1].of(Loading)
    said.append(Wishes(dtype="bfloat16"))
    rough, events = render(backend, recipe_for("tiny"))
    keeping = events.of(Loading)[-1].keeping
    assert keeping is not None
    assert keeping.plan.dtype == "bfloat16"
    assert rough.provenance.fingerprint.dtype == "bfloat16"
    then = backend.render(recipe_for("tiny"), Events(), like=first.provenance.fingerprint)
    assert then.provenance.fingerprint.dtype == "float32"
    assert then.provenance.pixels_sha256 == first.provenance.pixels_sha256
    assert render(backend, recipe_for("tiny"))[0].provenance.fingerprint.dtype == "bfloat16"
    backend.close()
