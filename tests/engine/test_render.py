"""A recipe's way through the engine: its events, its proof, and stopping at every stage."""

import gc
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from desktop_app.engine.events import Decoding, Encoding, Event, Latents, Loading, Step
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import AppError, Cancelled
from desktop_app.recipe.recipe import FromNoise, Recipe, Variation
from tests.engine.models import (
    Events,
    backend_for,
    final_latents,
    recipe_for,
    ref,
    render,
    steps_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]
FRESH = {"width": 72, "height": 64}


def test_the_events_come_in_order(tiny_model: Path, cache: Path) -> None:
    backend = backend_for(cache, tiny=tiny_model)
    _, events = render(backend, recipe_for("tiny"))
    kinds = [type(event) for event in events.seen]
    assert kinds[:5] == [Loading, Loading, Loading, Loading, Encoding]
    assert kinds[5:] == [Step, Step, Step, Latents, Decoding]
    assert [one.what for one in events.of(Loading)] == ["engine", "tiny", "tiny", "tiny"]
    assert [one.keeping is not None for one in events.of(Loading)] == [False, False, True, False]
    _, again = render(backend, recipe_for("tiny"))
    assert again.of(Loading) == []


def test_a_step_tells_where_it_is(backend: LocalBackend) -> None:
    _, events = render(backend, recipe_for("tiny", scheduler="ddim"))
    steps = steps_of(events)
    assert [(step.index, step.count) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [step.timestep for step in steps] == [999.0, 500.0, 0.0]
    sigmas = [step.sigma for step in steps]
    assert sigmas == sorted(sigmas, reverse=True)
    # sqrt((1 - a) / a) of the scaled linear schedule at these timesteps.
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    a = torch.cumprod(1 - betas, 0)[[999, 500, 0]]
    assert np.allclose(sigmas, ((1 - a) / a).sqrt(), rtol=1e-4)
    assert all(step.seconds > 0 for step in steps)


@pytest.mark.parametrize(
    ("sampler", "count"), [("pndm", 6), ("heun", 9), ("dpm2", 9), ("dpmpp_2s", 5), ("lcm", 5)]
)
def test_the_count_is_what_is_really_stepped(
    sampler: str, count: int, backend: LocalBackend
) -> None:
    _, events = render(backend, recipe_for("tiny", scheduler=sampler, num_inference_steps=5))
    steps = steps_of(events)
    assert [step.index for step in steps] == list(range(1, count + 1))
    assert {step.count for step in steps} == {count}


def test_the_proof_is_in_the_provenance(backend: LocalBackend) -> None:
    rendered, events = render(backend, recipe_for("tiny"))
    provenance = rendered.provenance
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(7)).numpy()
    assert provenance.noise_sha256 == hashlib.sha256(noise.tobytes()).hexdigest()
    latents = final_latents(events)
    assert provenance.latents_sha256 == hashlib.sha256(latents.tobytes()).hexdigest()
    assert provenance.pixels_sha256 == hashlib.sha256(rendered.pixels.tobytes()).hexdigest()
    assert events.of(Latents)[0].noise_sha256 == provenance.noise_sha256
    assert (rendered.pixels.shape, rendered.pixels.dtype) == ((64, 64, 3), np.uint8)
    assert provenance.notes == ()
    assert provenance.seconds > 0
    found = provenance.fingerprint
    assert (found.device, found.dtype, found.threads, found.batch_size) == ("cpu", "float32", 1, 1)
    assert found.deterministic
    assert found.scheduler_class == "EulerDiscreteScheduler"


def test_the_same_recipe_gives_the_same_picture_after_others(backend: LocalBackend) -> None:
    first, _ = render(backend, recipe_for("tiny", scheduler="euler_a"))
    render(backend, recipe_for("v", seed=99, scheduler="heun", num_inference_steps=2))
    torch.manual_seed(1234)
    torch.randn(5)
    again, _ = render(backend, recipe_for("tiny", scheduler="euler_a"), previews=False)
    assert np.array_equal(first.pixels, again.pixels)
    for change in ({"seed": 8}, {"prompt": "a bear"}, {"guidance_scale": 3.0}):
        other, _ = render(backend, recipe_for("tiny", scheduler="euler_a", **change))
        assert other.provenance.pixels_sha256 != first.provenance.pixels_sha256


def test_the_fingerprint_tells_settings_apart(backend: LocalBackend) -> None:
    def hashes(recipe: Recipe) -> tuple[str, str, str]:
        found = render(backend, recipe, previews=False)[0].provenance.fingerprint
        return found.scheduler_config_sha256, found.timesteps_sha256, found.model_config_sha256

    usual = hashes(recipe_for("tiny"))
    assert hashes(recipe_for("tiny", seed=1)) == usual
    karras = hashes(recipe_for("tiny", sigmas="karras"))
    assert karras[0] != usual[0]
    assert karras[1] != usual[1]
    assert karras[2] == usual[2]
    longer = hashes(recipe_for("tiny", num_inference_steps=4))
    assert longer[0] == usual[0]
    assert longer[1] != usual[1]
    assert hashes(recipe_for("v"))[2] != usual[2]


@pytest.mark.parametrize(("threads", "used"), [(2, 2), (0, 1), (10**9, 1)])
def test_a_picture_is_computed_again_with_its_own_number_of_threads(
    backend: LocalBackend, threads: int, used: int
) -> None:
    recipe = recipe_for("tiny")
    first = backend.render(recipe, Events()).provenance.fingerprint
    then = replace(first, threads=threads)
    assert backend.render(recipe, Events(), like=then).provenance.fingerprint.threads == used
    assert backend.render(recipe, Events()).provenance.fingerprint == first


def test_a_variation_lies_between_its_seeds(backend: LocalBackend) -> None:
    def noise_of(start: FromNoise) -> str:
        return render(backend, recipe_for("tiny", start=start))[0].provenance.noise_sha256

    first = render(backend, recipe_for("tiny", seed=11))[0].provenance.noise_sha256
    assert noise_of(FromNoise(variations=(Variation(seed=11, weight=1.0),))) == first
    half = noise_of(FromNoise(variations=(Variation(seed=11, weight=0.5),)))
    assert half not in (first, noise_of(FromNoise()))


STAGES: dict[str, Callable[[Event], bool]] = {
    "loading": lambda event: isinstance(event, Loading),
    "encoding": lambda event: isinstance(event, Encoding),
    "first step": lambda event: isinstance(event, Step) and event.index == 1,
    "middle step": lambda event: isinstance(event, Step) and event.index == 2,
    "last step": lambda event: isinstance(event, Step) and event.index == event.count,
    "latents": lambda event: isinstance(event, Latents),
    "decoding": lambda event: isinstance(event, Decoding),
}


@pytest.mark.parametrize("stage", STAGES)
def test_stopping_at_every_stage(stage: str, tiny_model: Path, cache: Path) -> None:
    backend = backend_for(cache, tiny=tiny_model)
    events = Events(stop_at=STAGES[stage])
    if stage == "loading":
        backend.start(lambda event: None)
    with pytest.raises(Cancelled):
        backend.render(recipe_for("tiny", scheduler="euler_a"), events)
    assert STAGES[stage](events.seen[-1])
    assert len([one for one in events.seen if STAGES[stage](one)]) == 1
    whole, _ = render(backend, recipe_for("tiny", scheduler="euler_a"))
    fresh, _ = render(backend_for(cache, tiny=tiny_model), whole.recipe)
    assert np.array_equal(whole.pixels, fresh.pixels)


def test_stopping_while_the_engine_starts(tiny_model: Path, cache: Path) -> None:
    backend = backend_for(cache, tiny=tiny_model)
    with pytest.raises(Cancelled):
        backend.start(Events(stop_at=lambda event: True))
    with pytest.raises(AppError, match="not started"):
        backend.device()
    backend.start(lambda event: None)
    assert backend.device().kind == "cpu"


def test_a_fault_in_the_report_is_passed_on_and_leaves_the_engine_whole(
    backend: LocalBackend,
) -> None:
    def broken(event: Event) -> None:
        if isinstance(event, Step):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backend.render(recipe_for("tiny"), broken)
    assert len(steps_of(render(backend, recipe_for("tiny"))[1])) == 3


def test_a_kept_latent_is_decoded_to_the_same_picture(backend: LocalBackend) -> None:
    rendered, events = render(backend, recipe_for("tiny", sigmas="karras"))
    (kept,) = events.of(Latents)
    later = Events()
    again = backend.decode(rendered.recipe, kept, later)
    assert [type(event) for event in later.seen] == [Decoding]
    assert np.array_equal(again.pixels, rendered.pixels)
    same = replace(
        again.provenance,
        created=rendered.provenance.created,
        seconds=rendered.provenance.seconds,
    )
    assert same == rendered.provenance


def test_a_kept_latent_of_another_size_or_without_numbers_is_refused(
    backend: LocalBackend,
) -> None:
    _, events = render(backend, recipe_for("tiny"))
    (kept,) = events.of(Latents)
    with pytest.raises(AppError) as refused:
        backend.decode(recipe_for("tiny", **FRESH), kept, lambda event: None)
    assert refused.value.code == "latents-shape"
    lost = replace(kept, latents=np.full_like(kept.latents, np.nan))
    with pytest.raises(AppError) as refused:
        backend.decode(recipe_for("tiny"), lost, lambda event: None)
    assert refused.value.code == "not-finite"


def test_the_kept_latent_is_the_receivers_own(backend: LocalBackend) -> None:
    def spoil(event: Event) -> None:
        if isinstance(event, Latents):
            event.latents.fill(0)

    whole, _ = render(backend, recipe_for("tiny"))
    assert np.array_equal(backend.render(recipe_for("tiny"), spoil).pixels, whole.pixels)


def test_two_models_stay_warm_and_the_third_goes(
    tiny_model: Path, v_model: Path, starter_model: Path, cache: Path
) -> None:
    folders = {"tiny": tiny_model, "v": v_model, "starter": starter_model}
    backend = backend_for(cache, **folders)
    quick = {"num_inference_steps": 1}

    def loads(name: str) -> bool:
        _, events = render(backend, recipe_for(name, **quick), previews=False)
        return ref(name).name in [one.what for one in events.of(Loading)]

    assert [loads(name) for name in ("tiny", "v", "tiny", "v")] == [True, True, False, False]
    assert loads("starter")
    assert not loads("v")
    assert loads("tiny")
    backend.close()
    assert loads("tiny")


def test_close_frees_the_weights(tiny_model: Path, cache: Path) -> None:
    backend = backend_for(cache, tiny=tiny_model)
    render(backend, recipe_for("tiny"))
    gc.collect()
    before = {id(one) for one in _networks()}
    backend.close()
    gc.collect()
    assert len(before - {id(one) for one in _networks()}) == 1


def _networks() -> list[torch.nn.Module]:
    from diffusers import UNet2DConditionModel

    return [one for one in gc.get_objects() if type(one) is UNet2DConditionModel]


def test_a_missing_device_is_named(tiny_model: Path, cache: Path) -> None:
    backend = LocalBackend(lambda model: tiny_model, cache=cache, device="cuda:99")
    with pytest.raises(AppError) as refused:
        backend.start(lambda event: None)
    assert refused.value.code == "device"
    assert "cuda:99" in str(refused.value)
