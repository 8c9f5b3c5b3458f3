"""A branch is its parent's first steps, then its own settings, exactly, for every sampler."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch.nn.modules.module import register_module_forward_pre_hook

from desktop_app.engine.branching import Leg, Steering, entry_for, moved
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.snapshots import state_of
from desktop_app.engine.tap import Level, Look, levels_of, tapped
from desktop_app.engine.verify import compare
from desktop_app.engine.walking import Begin
from desktop_app.errors import AppError
from desktop_app.recipe.codec import dumps, loads, recipe_from_json, recipe_to_json
from desktop_app.recipe.recipe import FromNoise, Variation
from desktop_app.recipe.samplers import SAMPLERS
from tests.engine.branches import Perfect, bits, branch, keeping_backend, loop
from tests.engine.models import Events, recipe_for, render, steps_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]
PAIRS = [(sampler.key, sigmas) for sampler in SAMPLERS.values() for sigmas in sampler.sigmas]
BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "steps_offset": 1,
}
ZERO_SNR = BETAS | {
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "prediction_type": "v_prediction",
}


@pytest.fixture(scope="module")
def keeping(
    tiny_model: Path, v_model: Path, starter_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBackend]:
    """As `backend`, with room for snapshots."""
    folder = tmp_path_factory.mktemp("keeping")
    backend = keeping_backend(folder, tiny=tiny_model, v=v_model, starter=starter_model)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def perfect(tmp_path_factory: pytest.TempPathFactory) -> Perfect:
    config = dict(DDIMScheduler(**BETAS).config)
    return Perfect(config, tmp_path_factory.mktemp("perfect"))


@pytest.mark.parametrize(("sampler", "sigmas"), PAIRS)
def test_with_nothing_changed_it_is_the_parent(
    sampler: str, sigmas: str, backend: LocalBackend, keeping: LocalBackend
) -> None:
    parent = recipe_for("tiny", scheduler=sampler, sigmas=sigmas, num_inference_steps=4)
    rendered, events = render(keeping, parent, previews=False)
    count = steps_of(events)[-1].count
    for step in range(1, count):
        again, seen = render(keeping, branch(parent, step), previews=False)
        assert again.provenance.latents_sha256 == rendered.provenance.latents_sha256, step
        assert np.array_equal(again.pixels, rendered.pixels), step
        assert again.provenance.noise_sha256 == rendered.provenance.noise_sha256
        shared = [(one.index, one.shared) for one in steps_of(seen)]
        assert shared == [(i, i <= step) for i in range(1, count + 1)]
    middle = branch(parent, count // 2)
    assert bits(backend, middle)[1] == rendered.pixels.tobytes()


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_a_snapshot_stands_for_the_parents_steps(
    sampler: str, backend: LocalBackend, keeping: LocalBackend
) -> None:
    parent = recipe_for("v", scheduler=sampler, num_inference_steps=4)
    count = steps_of(render(keeping, parent)[1])[-1].count
    changes = ({"prompt": "a bear"}, {"seed": 3}, {"scheduler": "euler_a", "guidance_scale": 2.0})
    for step, change in zip((1, count // 2, count - 1), changes, strict=True):
        child = branch(parent, step, **change)
        assert bits(keeping, child) == bits(backend, child), change


@pytest.mark.parametrize(("sampler", "step"), [("euler_a", 2), ("dpmpp_2m", 3), ("heun", 3)])
def test_another_prompt_is_what_diffusers_own_callback_makes_of_it(
    sampler: str,
    step: int,
    backend: LocalBackend,
    plain_tiny: StableDiffusionPipeline,
) -> None:
    parent = recipe_for("tiny", scheduler=sampler, num_inference_steps=5, guidance_scale=4.0)
    pipe: Any = plain_tiny
    embeds = pipe.encode_prompt("a bear", "cpu", 1, True, "")
    words = torch.cat([embeds[1], embeds[0]])

    def swap(pipe: Any, index: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        return {"prompt_embeds": words} if index + 1 == step else {}

    own = pipe.scheduler
    pipe.scheduler = getattr(diffusers, SAMPLERS[sampler].scheduler).from_config(
        own.config, **dict(SAMPLERS[sampler].config)
    )
    try:
        picture = pipe(
            prompt="a fox",
            negative_prompt="",
            guidance_scale=4.0,
            num_inference_steps=5,
            width=64,
            height=64,
            generator=torch.Generator().manual_seed(7),
            callback_on_step_end=swap,
        ).images[0]
    finally:
        pipe.scheduler = own
    child = branch(parent, step, prompt="a bear")
    rendered, _ = render(backend, child)
    assert np.array_equal(rendered.pixels, np.array(picture))
    assert not np.array_equal(rendered.pixels, render(backend, parent)[0].pixels)


def test_branches_of_branches(backend: LocalBackend, keeping: LocalBackend) -> None:
    start = FromNoise(variations=(Variation(seed=5, weight=0.3),))
    root = recipe_for("tiny", scheduler="dpmpp_2m_sde", num_inference_steps=6, start=start)
    child = branch(root, 2, prompt="a bear", seed=11)
    grandchild = branch(child, 4, scheduler="lms", sigmas="karras", num_inference_steps=9)
    last = branch(grandchild, 6, guidance_scale=1.0)
    for recipe in (root, child, grandchild, last):
        assert bits(keeping, recipe) == bits(backend, recipe)
    for parent, step in ((child, 3), (grandchild, 7), (last, 7)):
        assert bits(keeping, branch(parent, step)) == bits(backend, parent)
    made = render(keeping, last)[0].provenance
    assert made.noise_sha256 == render(backend, root)[0].provenance.noise_sha256


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_a"])
def test_the_starter_too(sampler: str, backend: LocalBackend, keeping: LocalBackend) -> None:
    parent = recipe_for(
        "starter", scheduler=sampler, width=128, height=64, num_inference_steps=4, tiling="x"
    )
    whole = bits(keeping, parent)
    assert bits(keeping, branch(parent, 2)) == whole
    child = branch(parent, 2, prompt="a lighthouse at night")
    assert bits(keeping, child) == bits(backend, child) != whole


@contextmanager
def _counted() -> Iterator[list[int]]:
    """A list that gets an entry with every call of a UNet."""
    calls: list[int] = []

    def call(module: torch.nn.Module, _inputs: object) -> None:
        if isinstance(module, UNet2DConditionModel):
            calls.append(len(calls))

    hook = register_module_forward_pre_hook(call)
    try:
        yield calls
    finally:
        hook.remove()


def test_a_proof_uses_no_snapshot(keeping: LocalBackend) -> None:
    parent = recipe_for("tiny", scheduler="dpmpp_2m", num_inference_steps=5)
    render(keeping, parent)
    child = branch(parent, 3, prompt="a bear")
    with _counted() as quick_calls:
        rendered, taken = render(keeping, child)
    # From the file alone: what is written there and read again.
    read = recipe_from_json(loads(dumps(recipe_to_json(child))))
    events = Events()
    with _counted() as slow_calls:
        again = keeping.render(read, events, like=rendered.provenance.fingerprint)
    assert compare(again, read, rendered.provenance, rendered.pixels).kind == "identical"
    quick, slow = steps_of(taken)[:3], steps_of(events)[:3]
    assert (len(quick_calls), len(slow_calls)) == (2, 5), "three steps came from snapshots, or none"
    assert [one.sigma for one in quick] == [one.sigma for one in slow]
    for one, other in zip(quick, slow, strict=True):
        for name in ("preview", "noisy"):
            pictures: list[Any] = [getattr(one, name), getattr(other, name)]
            assert np.array_equal(*pictures)


@pytest.mark.parametrize(("first", "second"), list(product(SAMPLERS, SAMPLERS)))
def test_a_perfect_network_ends_in_its_picture_whatever_the_samplers(
    first: str, second: str, perfect: Perfect
) -> None:
    parent = recipe_for("x", scheduler=first, num_inference_steps=8)
    count = perfect.legs(parent)[-1].end
    for step, steps in ((1, 8), (count // 2, 20), (count - 1, 3)):
        child = branch(parent, step, scheduler=second, num_inference_steps=steps)
        found = perfect.walk(child)
        # Some schedulers keep the last, lowest noise level in their result.
        assert torch.allclose(found, perfect.picture, atol=0.12), (step, steps)
        assert perfect.watcher.computed == list(range(1, perfect.legs(child)[-1].end + 1))


@pytest.mark.parametrize("first", ["ddim", "euler", "dpmpp_2m"])
@pytest.mark.parametrize("second", ["ddim", "euler", "dpmpp_2m", "heun"])
def test_zero_terminal_snr_and_v(first: str, second: str, tmp_path: Path) -> None:
    perfect = Perfect(dict(DDIMScheduler(**ZERO_SNR).config), tmp_path)
    parent = recipe_for("x", scheduler=first, num_inference_steps=6)
    for step in (1, 3, 5):
        child = branch(parent, step, scheduler=second, num_inference_steps=7)
        found = perfect.walk(child)
        assert torch.allclose(found, perfect.picture, atol=0.15), step


def test_the_place_to_enter_is_the_first_at_or_below() -> None:
    def level(sigma: float) -> Level:
        signal = (1 + sigma**2) ** -0.5
        return Level(signal=signal, noise=sigma * signal)

    levels = tuple(level(sigma) for sigma in (14.0, 6.0, 3.0, 1.0, 0.3))
    assert entry_for(level(6.0), levels, 1) == 1
    assert entry_for(level(5.9999), levels, 1) == 1
    assert entry_for(level(5.0), levels, 1) == 2
    assert entry_for(level(20.0), levels, 1) == 0
    assert entry_for(level(0.1), levels, 1) == 4
    assert entry_for(level(5.0), levels, 2) == 2
    assert entry_for(level(1.5), levels, 2) == 4


def test_a_move_keeps_what_was_seen_and_the_noise() -> None:
    generator = torch.Generator().manual_seed(1)
    x0, eps = torch.randn(2, 1, 4, 8, 8, generator=generator, dtype=torch.float64).unbind()
    high, low = Level(signal=0.6, noise=0.8), Level(signal=0.8, noise=0.6, scale=0.8)
    sample = high.signal * x0 + high.noise * eps
    there = moved(sample, x0, high, low)
    # The other scheduler takes its samples as x0 + sigma * eps.
    assert torch.allclose(there, x0 + low.sigma * eps)
    assert torch.allclose(moved(there, x0, low, high), sample)
    assert moved(sample, x0, high, high) is sample


@pytest.mark.parametrize("step", [1, 3, 5])
def test_flow_matching_goes_on_as_well(step: int) -> None:
    def scheduler() -> Any:
        return FlowMatchEulerDiscreteScheduler(shift=3.0)

    def network(level: Level) -> torch.Tensor:
        return torch.tanh(torch.arange(256.0).reshape(1, 4, 8, 8) * level.noise)

    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    begin = Begin(latents=noise, generator=torch.Generator())
    spacing = {"num_inference_steps": 6}
    whole = scheduler()
    looks: list[Look] = []
    with tapped(whole, looks.append):
        final = loop(whole, spacing, begin, network)
    assert looks[0].prediction_type == "flow"
    assert torch.allclose(looks[2].predicted_x0(), network(looks[2].level), atol=1e-5)
    about = scheduler()
    about.set_timesteps(6)
    leg = Leg(recipe=recipe_for("x"), before=0, timesteps=about.timesteps, levels=levels_of(about))
    first, second = scheduler(), scheduler()
    steering = Steering(leg, 0, step, None)
    with steering.of(first):
        half = loop(first, spacing, begin, network)
    state = state_of(first, steering.constants)
    with Steering(leg, step, 6, state).of(second):
        rest = loop(second, spacing, replace(begin, latents=half), network)
    assert torch.equal(rest, final)
    assert type(first) is type(second) is FlowMatchEulerDiscreteScheduler


def test_nothing_is_left_to_change_after_the_last_step(backend: LocalBackend) -> None:
    parent = recipe_for("tiny", num_inference_steps=3)
    with pytest.raises(AppError, match="nothing is left") as refused:
        render(backend, branch(parent, 3))
    assert refused.value.code == "branch-step"


def test_only_samplers_that_draw_noise_care_for_another_seed(backend: LocalBackend) -> None:
    for sampler, cares in (("euler", False), ("dpmpp_2m_sde", True)):
        parent = recipe_for("tiny", scheduler=sampler, num_inference_steps=4)
        other = bits(backend, branch(parent, 2, seed=12345))
        assert (other != bits(backend, parent)) == cares == SAMPLERS[sampler].stochastic
