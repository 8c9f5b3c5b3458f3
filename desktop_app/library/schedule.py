"""The noise schedule that a model was trained with, named from its scheduler's settings."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

_CLOSE = 1e-4
"""Two betas that differ by less than this part of themselves are the same number, rounded."""
_STEPS_MAX = 10_000


def prediction_of(config: Mapping[str, object]) -> str:
    """What the network predicts: `epsilon` (also where none is named), `v_prediction`, `sample`,
    `flow`.
    """
    if _flows(config):
        return "flow"
    value = config.get("prediction_type", "epsilon")
    return value[:40] if isinstance(value, str) else "epsilon"


def schedule_of(config: Mapping[str, object]) -> str:
    """The schedule in words, such as `scaled linear` or `cosine (trained betas)`.

    `trained_betas` win over what `beta_schedule` says, as they do in diffusers, and are recognised
    by their numbers: linear and scaled linear (Ho et al. 2020, arXiv 2006.11239; Rombach et al.
    2022, arXiv 2112.10752) and cosine (Nichol & Dhariwal 2021, arXiv 2102.09672), also with its
    betas capped lower than usual.
    """
    if _flows(config):
        return "flow matching"
    words = _named(config)
    if config.get("rescale_betas_zero_snr") is True:
        words += ", zero terminal SNR"
    return words


def _flows(config: Mapping[str, object]) -> bool:
    """Whether it is rectified flow (Liu et al. 2022, arXiv 2209.03003), which has no betas."""
    name = config.get("_class_name")
    matches = isinstance(name, str) and name.startswith("FlowMatch")
    return matches or config.get("prediction_type") == "flow_prediction"


def _named(config: Mapping[str, object]) -> str:
    betas = _numbers(config.get("trained_betas"))
    if betas:
        return f"{_recognised(betas)} (trained betas)"
    kind = config.get("beta_schedule", "linear")
    known = {"linear": "linear", "scaled_linear": "scaled linear", "squaredcos_cap_v2": "cosine"}
    return known.get(kind, kind[:40]) if isinstance(kind, str) else "unknown"


def _recognised(betas: Sequence[float]) -> str:
    count = len(betas)
    first, last = betas[0], betas[-1]
    if min(betas) <= 0 or count < 3:
        return "own"
    if _same(betas, _between(first, last, count)):
        return "linear"
    roots = _between(math.sqrt(first), math.sqrt(last), count)
    if _same(betas, [root * root for root in roots]):
        return "scaled linear"
    cap = max(betas)
    if _same(betas, [min(beta, cap) for beta in _cosine(count)]):
        return "cosine" if cap > 0.99 else f"cosine, capped at {cap:.3g}"
    return "own"


def _cosine(count: int) -> list[float]:
    """Equation 17 with offset s = 0.008, before any cap."""

    def alpha_bar(part: float) -> float:
        return math.cos((part + 0.008) / 1.008 * math.pi / 2) ** 2

    return [1 - alpha_bar((i + 1) / count) / alpha_bar(i / count) for i in range(count)]


def _between(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def _same(some: Sequence[float], others: Sequence[float]) -> bool:
    return all(
        abs(one - other) <= _CLOSE * max(abs(one), abs(other)) + 1e-8
        for one, other in zip(some, others, strict=True)
    )


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list):
        return []
    rows = cast(list[object], value)[:_STEPS_MAX]
    found = [float(row) for row in rows if isinstance(row, int | float)]
    return found if len(found) == len(rows) and all(map(math.isfinite, found)) else []
