"""Noise is what diffusers would draw, and mixing it keeps it noise."""

import math

import numpy as np
import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.engine.noise import initial_noise, slerp, slerp_columns
from desktop_app.recipe.recipe import FromNoise, Variation

pytestmark = pytest.mark.slow
SHAPE = (1, 4, 8, 8)
SEEDS = st.integers(0, 2**64 - 1)
WEIGHTS = st.floats(0, 1)


def drawn(seed: int) -> torch.Tensor:
    return initial_noise(seed, FromNoise(), SHAPE)[0]


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63, 2**64 - 1])
def test_noise_and_generator_are_those_of_a_diffusers_call(seed: int) -> None:
    plain = torch.Generator().manual_seed(seed)
    first = randn_tensor(SHAPE, generator=plain)
    noise, generator = initial_noise(seed, FromNoise(), SHAPE)
    assert torch.equal(noise, first)
    assert torch.equal(generator.get_state(), plain.get_state())


def test_torch_counts_the_lower_half_of_a_seed() -> None:
    """A fact about torch that the rest of the program leans on: to be heard of if it goes."""
    assert torch.equal(drawn(5), drawn(5 + 2**32))
    assert not torch.equal(drawn(5), drawn(6))


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    drawn(3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_variations_are_mixed_in_order_and_leave_the_step_noise() -> None:
    start = FromNoise(variations=(Variation(seed=8, weight=0.25), Variation(seed=9, weight=0.5)))
    noise, generator = initial_noise(7, start, SHAPE)
    assert torch.equal(noise, slerp(slerp(drawn(7), drawn(8), 0.25), drawn(9), 0.5))
    assert torch.equal(generator.get_state(), initial_noise(7, FromNoise(), SHAPE)[1].get_state())


@settings(max_examples=60, deadline=None)
@given(first=SEEDS, second=SEEDS, weight=WEIGHTS)
def test_slerp_lies_on_the_arc(first: int, second: int, weight: float) -> None:
    a, b = drawn(first), drawn(second)
    mixed = slerp(a, b, weight)
    assert (mixed.shape, mixed.dtype) == (a.shape, a.dtype)
    straight = (1 - weight) * a.norm() + weight * b.norm()
    assert math.isclose(float(mixed.norm()), float(straight), rel_tol=1e-5)
    # The angle grows evenly with the weight.
    whole, part = angle(a, b), angle(a, mixed)
    assert math.isclose(part, weight * whole, abs_tol=2e-3)


@settings(max_examples=30, deadline=None)
@given(first=SEEDS, second=SEEDS, weight=WEIGHTS)
def test_slerp_the_other_way_round_is_the_same(first: int, second: int, weight: float) -> None:
    a, b = drawn(first), drawn(second)
    assert torch.allclose(slerp(a, b, weight), slerp(b, a, 1 - weight), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(first=SEEDS, second=SEEDS)
def test_the_ends_are_the_noises_themselves(first: int, second: int) -> None:
    a, b = drawn(first), drawn(second)
    assert torch.equal(slerp(a, b, 0.0), a)
    assert torch.equal(slerp(a, b, 1.0), b)
    assert slerp(a, b, 0.0) is not a


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, weight=WEIGHTS, share=st.sampled_from([1.0, -1.0, 0.0, 1.0001]))
def test_parallel_and_empty_tensors_stay_finite(seed: int, weight: float, share: float) -> None:
    a = drawn(seed)
    assert torch.isfinite(slerp(a, a * share, weight)).all()
    assert torch.isfinite(slerp(a * share, a, weight)).all()


def angle(a: torch.Tensor, b: torch.Tensor) -> float:
    cosine = float((a.double() * b.double()).sum() / (a.double().norm() * b.double().norm()))
    return math.acos(max(-1.0, min(1.0, cosine)))


@settings(max_examples=40, deadline=None)
@given(first=SEEDS, second=SEEDS, weight=WEIGHTS)
def test_a1111_turns_each_column_by_itself(first: int, second: int, weight: float) -> None:
    a, b = drawn(first), drawn(second)
    mixed = slerp_columns(a, b, weight)
    assert (mixed.shape, mixed.dtype) == (a.shape, a.dtype)
    if torch.equal(a, b):
        assert torch.allclose(mixed, a, atol=1e-6)
        return
    # Worked out column by column: the angle between two columns of numbers, in double precision.
    for channel in range(4):
        for column in range(8):
            low = a[0, channel, :, column].double().numpy()
            high = b[0, channel, :, column].double().numpy()
            cosine = low @ high / np.sqrt((low @ low) * (high @ high))
            angle = np.arccos(cosine)
            wanted = np.sin((1 - weight) * angle) * low + np.sin(weight * angle) * high
            found = mixed[0, channel, :, column].double().numpy()
            assert np.allclose(found * np.sin(angle), wanted, atol=1e-4)


def test_a1111s_ends_are_exact_and_its_way_is_another() -> None:
    a, b = drawn(1), drawn(2)
    assert torch.equal(slerp_columns(a, b, 0.0), a)
    assert torch.equal(slerp_columns(a, b, 1.0), b)
    assert torch.equal(slerp_columns(a, a, 0.5), a)
    start = FromNoise(variations=(Variation(seed=2, weight=0.3),), method="a1111")
    assert torch.equal(initial_noise(1, start, SHAPE)[0], slerp_columns(a, b, 0.3))
    assert not torch.allclose(slerp_columns(a, b, 0.3), slerp(a, b, 0.3), atol=0.01)


def test_columns_of_one_number_stay_numbers() -> None:
    a, b = torch.tensor([[[[1.0, -2.0]]]]), torch.tensor([[[[3.0, 1.0]]]])
    mixed = slerp_columns(a, b, 0.5)
    assert torch.isfinite(mixed).all()
    assert mixed[0, 0, 0, 0] == 2.0
