"""A latent becomes pixels by some way, or stays kept; faults are made in a real VAE by hooks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from desktop_app.engine.backend import Rendered
from desktop_app.engine.decoding import decode_latents
from desktop_app.engine.events import Decoding, Latents
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.residency import is_out_of_memory, ladder
from desktop_app.errors import AppError
from tests.engine.models import Events, backend_for, plain_pipeline, recipe_for, render

pytestmark = pytest.mark.slow
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SIGNS: list[Exception] = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.04 GiB)"),
    MemoryError("Unable to allocate 20 TiB for an array"),
]


@pytest.fixture(scope="module")
def pipe(backend: LocalBackend, tiny_model: Any) -> StableDiffusionPipeline:
    """A pipeline of its own, so that hooks cannot reach other tests."""
    return plain_pipeline(tiny_model)


@contextmanager
def hooked(pipe: Any, fault: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
    """Call `fault` with each latent before the VAE's decoder sees it."""

    def hook(module: Any, arguments: tuple[Any, ...]) -> Any:
        changed = fault(arguments[0])
        return None if changed is None else (changed, *arguments[1:])

    handle = pipe.vae.decoder.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def test_memory_really_running_out_is_recognised() -> None:
    with pytest.raises(RuntimeError) as real:
        torch.empty(2**46, dtype=torch.float64)
    assert is_out_of_memory(real.value)
    with pytest.raises(MemoryError) as real_too:
        np.empty(2**60, dtype=np.uint8)
    assert is_out_of_memory(real_too.value)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: type(sign).__name__)
def test_every_sign_of_no_memory_is_recognised(sign: Exception) -> None:
    assert is_out_of_memory(sign)


@pytest.mark.parametrize("other", [RuntimeError("shapes differ"), ValueError("out of memory")])
def test_other_errors_are_not(other: Exception) -> None:
    assert not is_out_of_memory(other)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: type(sign).__name__)
def test_too_big_at_once_is_decoded_in_tiles(
    sign: Exception, pipe: StableDiffusionPipeline
) -> None:
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))

    def too_big(part: torch.Tensor) -> None:
        if part.shape[-1] > 8:
            raise sign

    events = Events()
    with hooked(pipe, too_big):
        decoded = decode_latents(pipe, latents, events)
    assert [event.way for event in events.of(Decoding)] == ["plain", "tiled"]
    assert decoded.way == "tiled"
    assert decoded.notes == ("The picture was decoded in tiles because memory ran out.",)
    assert decoded.pixels.shape == (128, 128, 3)
    vae: Any = pipe.vae
    assert not vae.use_tiling
    whole = decode_latents(pipe, latents, Events())
    assert whole.way == "plain"
    # The same picture but for the seams, that a network of random weights makes large.
    assert np.abs(whole.pixels.astype(int) - decoded.pixels).mean() < 20


def test_no_way_left_is_said_and_the_latent_is_kept(backend: LocalBackend) -> None:
    recipe = recipe_for("tiny")
    whole, _ = render(backend, recipe)

    def never(part: torch.Tensor) -> None:
        raise MemoryError

    events = Events()
    with hooked(_pipe_of(backend), never), pytest.raises(AppError) as failed:
        backend.render(recipe, events)
    assert failed.value.code == "decode-memory"
    assert "kept" in str(failed.value)
    (kept,) = events.of(Latents)
    assert [event.way for event in events.of(Decoding)] == ["plain", "tiled"]
    later: Rendered = backend.decode(recipe, kept, Events())
    assert np.array_equal(later.pixels, whole.pixels)


def test_numbers_lost_in_the_decoder_are_never_a_black_picture(backend: LocalBackend) -> None:
    def lost(part: torch.Tensor) -> torch.Tensor:
        return part * float("nan")

    events = Events()
    with hooked(_pipe_of(backend), lost), pytest.raises(AppError) as failed:
        backend.render(recipe_for("tiny"), events)
    assert failed.value.code == "decode-numbers"
    # Tiles would not help, and the processor computes in float32 already.
    assert [event.way for event in events.of(Decoding)] == ["plain"]


def test_half_precision_that_overflows_is_decoded_in_float32(tiny_model: Any) -> None:
    """bfloat16 in the place of a GPU's float16, which the processor cannot compute everywhere."""
    pipe: Any = plain_pipeline(tiny_model)
    pipe.vae.to(torch.bfloat16)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def overflow(part: torch.Tensor) -> torch.Tensor | None:
        return part * float("inf") if part.dtype == torch.bfloat16 else None

    events = Events()
    with hooked(pipe, overflow):
        decoded = decode_latents(pipe, latents.to(torch.bfloat16), events)
    assert [event.way for event in events.of(Decoding)] == ["plain", "float32"]
    assert decoded.notes == (
        "The picture was decoded in float32 because the numbers were not finite.",
    )
    assert pipe.vae.dtype == torch.bfloat16


def test_numbers_lost_on_the_way_are_said_before_the_decode(backend: LocalBackend) -> None:
    def lost(module: Any, arguments: Any, output: Any) -> Any:
        return (output[0] * float("nan"),)

    handle = _pipe_of(backend).unet.register_forward_hook(lost)
    events = Events()
    try:
        with pytest.raises(AppError) as failed:
            backend.render(recipe_for("tiny"), events)
    finally:
        handle.remove()
    assert failed.value.code == "not-finite"
    assert events.of(Latents) == []
    assert events.of(Decoding) == []


def test_no_memory_in_a_step_is_a_sentence_and_the_next_picture_works(
    tiny_model: Path, cache: Path
) -> None:
    # A backend of its own: it computes by a smaller plan from then on.
    backend = backend_for(cache, tiny=tiny_model)
    whole, _ = render(backend, recipe_for("tiny"))

    def full(module: Any, arguments: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    handle = _pipe_of(backend).unet.register_forward_pre_hook(full)
    try:
        with pytest.raises(AppError, match="not enough memory for a picture of 64 × 64") as failed:
            backend.render(recipe_for("tiny"), Events())
    finally:
        handle.remove()
    assert failed.value.code == "out-of-memory"
    assert np.array_equal(render(backend, recipe_for("tiny"))[0].pixels, whole.pixels)
    backend.close()


def test_a_fault_that_is_no_shortage_is_passed_on(backend: LocalBackend) -> None:
    def wrong(part: torch.Tensor) -> None:
        raise RuntimeError("sizes of tensors must match")

    render(backend, recipe_for("tiny"))
    with hooked(_pipe_of(backend), wrong), pytest.raises(RuntimeError, match="must match"):
        backend.render(recipe_for("tiny"), Events())


def test_the_ladder_of_each_device() -> None:
    def ways(device: torch.device, dtype: torch.dtype, *, can_tile: bool) -> list[str]:
        return [rung.way for rung in ladder(device, dtype, can_tile=can_tile)]

    assert ways(CPU, torch.float32, can_tile=True) == ["plain", "tiled"]
    assert ways(CPU, torch.float32, can_tile=False) == ["plain"]
    assert ways(CUDA, torch.float16, can_tile=True) == ["plain", "tiled", "float32", "cpu"]
    assert ways(CUDA, torch.float32, can_tile=True) == ["plain", "tiled", "cpu"]


def _pipe_of(backend: LocalBackend) -> Any:
    """The tiny pipeline inside a backend, to break it from within."""
    render(backend, recipe_for("tiny", num_inference_steps=1), previews=False)
    session: Any = backend._session
    return next(reversed(session.models.kept.values())).pipe
