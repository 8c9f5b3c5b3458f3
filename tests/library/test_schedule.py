"""The noise schedule is told by its numbers, not by what a config calls it."""

import json
import math
from pathlib import Path

import pytest

from desktop_app.library.schedule import prediction_of, schedule_of


def linear(count: int = 1000, first: float = 1e-4, last: float = 0.02) -> list[float]:
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def scaled(count: int = 1000) -> list[float]:
    return [root**2 for root in linear(count, math.sqrt(0.00085), math.sqrt(0.012))]


def cosine(count: int = 1000, cap: float = 0.999) -> list[float]:
    def bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return [min(1 - bar((i + 1) / count) / bar(i / count), cap) for i in range(count)]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "linear"),
        ({"beta_schedule": "linear"}, "linear"),
        ({"beta_schedule": "scaled_linear"}, "scaled linear"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "cosine"),
        ({"beta_schedule": "sigmoid"}, "sigmoid"),
        ({"beta_schedule": 5}, "unknown"),
        ({"trained_betas": linear()}, "linear (trained betas)"),
        ({"trained_betas": scaled()}, "scaled linear (trained betas)"),
        ({"trained_betas": cosine(), "beta_schedule": "linear"}, "cosine (trained betas)"),
        ({"trained_betas": cosine(400)}, "cosine (trained betas)"),
        ({"trained_betas": cosine(cap=0.2)}, "cosine, capped at 0.2 (trained betas)"),
        ({"trained_betas": [round(b, 10) for b in cosine(cap=0.2)]},
         "cosine, capped at 0.2 (trained betas)"),
        ({"trained_betas": [b**1.01 for b in cosine()]}, "own (trained betas)"),
        ({"trained_betas": [0.1, "x", 0.2]}, "linear"),
        ({"trained_betas": [float("nan")] * 5}, "linear"),
        ({"trained_betas": [-1.0, 0.0, 1.0]}, "own (trained betas)"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}, "flow matching"),
        ({"prediction_type": "flow_prediction", "beta_schedule": "linear"}, "flow matching"),
        ({"beta_schedule": "scaled_linear", "rescale_betas_zero_snr": True},
         "scaled linear, zero terminal SNR"),
    ],
)  # fmt: skip
def test_schedules(config: dict[str, object], words: str) -> None:
    assert schedule_of(config) == words


@pytest.mark.slow
def test_the_numbers_are_those_of_diffusers() -> None:
    from diffusers import DDIMScheduler

    for kind, words in (("squaredcos_cap_v2", "cosine"), ("scaled_linear", "scaled linear")):
        betas = DDIMScheduler(beta_schedule=kind, beta_start=0.00085, beta_end=0.012).betas
        assert schedule_of({"trained_betas": betas.tolist()}) == f"{words} (trained betas)"


def test_the_starter_model(starter_model: Path) -> None:
    config = json.loads((starter_model / "scheduler/scheduler_config.json").read_text())
    assert schedule_of(config).startswith("cosine")
    assert prediction_of(config) == "v_prediction"
    assert prediction_of({}) == prediction_of({"prediction_type": 5}) == "epsilon"
