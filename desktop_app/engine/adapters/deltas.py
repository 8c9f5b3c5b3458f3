"""What the methods of LyCORIS change of one weight, by their published formulas."""

import math
from collections.abc import Callable, Mapping

import torch

Parts = Mapping[str, torch.Tensor]
"""The tensors of one layer by their part's name, such as `hada_w1_a`; float32 on one device."""
ROOM = 2**24
"""Numbers that there may be on the way to a change of a weight that has fewer itself: a rank may
be larger than a small layer."""


def change_of(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """What a layer's weight gains at weight 1.

    Args:
        weight: the model's own, float32, on the device of the parts.

    Returns:
        In the shape of `weight`.

    Raises:
        ValueError: when the parts are of no method that is known, or do not fit the weight.
    """
    method = next((one for mark, one in METHODS.items() if mark in parts), None)
    if method is None:
        raise ValueError(f"its parts {', '.join(sorted(parts))[:80]} are not known")
    change = method(parts, weight)
    if change.numel() != weight.numel():
        raise _misshapen(change, weight)
    change = change.reshape(weight.shape)
    scale = parts.get("dora_scale")
    return change if scale is None else _decomposed(change, weight, scale)


def _lora(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """(alpha / r) B A (Hu et al. 2021, arXiv 2106.09685); LyCORIS may put a core between them."""
    if "down" not in parts:
        raise ValueError("it has one half of a LoRA")
    up, down = parts["up"] * _scale(parts, parts["down"].shape[0]), parts["down"]
    core = parts.get("mid")
    if core is None:
        return _product(up, down, weight)
    return _tucker(core, up.flatten(1), down.flatten(1).T, weight)


def _loha(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """(alpha / r) (B1 A1) ⊙ (B2 A2) (Hyeon-Woo et al. 2022, arXiv 2108.06098, equation 3)."""
    halves: list[torch.Tensor] = []
    for number in (1, 2):
        left, right = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
        core = parts.get(f"hada_t{number}")
        if core is None:
            halves.append(_product(left, right, weight))
        else:
            halves.append(_tucker(core, left.T, right.T, weight))
    if halves[0].shape != halves[1].shape:
        raise _misshapen(halves[1], weight)
    return halves[0] * halves[1] * _scale(parts, parts["hada_w1_b"].shape[0])


def _lokr(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """(alpha / r) W1 ⊗ W2 (Yeh et al. 2023, arXiv 2309.14859, section 3.3).

    Each factor is whole or itself a product; the scale is that of the products.
    """
    rank = 0
    factors: list[torch.Tensor] = []
    for name in ("lokr_w1", "lokr_w2"):
        whole, core = parts.get(name), parts.get(name.replace("_w", "_t"))
        if whole is None:
            left, right = parts[f"{name}_a"], parts[f"{name}_b"]
            rank = rank or right.shape[0]
            if core is None:
                whole = _product(left, right, weight)
            else:
                whole = _tucker(core, left.T, right.T, weight)
        factors.append(whole)
    first, second = factors
    if first.numel() * second.numel() != weight.numel():
        raise _misshapen(first, weight)
    first = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
    # The scale goes into the small factor, for the product is as large as the weight.
    first = first * (_scale(parts, rank) if rank else 1.0)
    return torch.kron(first.contiguous(), second.contiguous())


def _glora(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """(alpha / r) (W A + B) (Chavan et al. 2023, arXiv 2306.07967, without its other terms).

    LyCORIS once wrote the two halves of A and of B in the other order.
    """
    a1, a2, b1, b2 = (parts[f"{name}.weight"] for name in ("a1", "a2", "b1", "b2"))
    inputs = weight.shape[1]
    if a1.shape[0] != inputs or b1.shape[0] != weight.shape[0]:
        a1, a2, b1, b2 = a2, a1, b2, b1
    first, second = a1.flatten(1), a2.flatten(1)
    if len(first) != inputs or second.shape[1] != inputs:
        raise _misshapen(a1, weight)
    _check_room(weight.numel() // max(inputs, 1) * first.shape[1], first, weight)
    mixed = torch.einsum("oi...,ir,rj->oj...", weight, first, second)
    core = parts.get("bm.weight")
    if core is None:
        added = _product(b1, b2, weight).reshape(weight.shape)
    else:
        added = _tucker(core, b1.flatten(1), b2.flatten(1).T, weight)
    return (mixed + added) * _scale(parts, a2.shape[0])


def _ia3(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """W ⊙ l, along the inputs or the outputs (Liu et al. 2022, arXiv 2205.05638, section 3.3)."""
    along = 1 if bool(parts["on_input"].any()) else 0
    scale = parts["weight"].flatten()
    if len(scale) != weight.shape[along]:
        raise _misshapen(scale, weight)
    return weight * scale.reshape([-1 if axis == along else 1 for axis in range(weight.ndim)])


def _whole(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    return parts["diff"]


def _oft(parts: Parts, weight: torch.Tensor) -> torch.Tensor:
    """R W − W, R turning blocks of outputs (Qiu et al. 2023, arXiv 2306.07280, section 3).

    With a fourth axis the blocks are butterflies' (Liu et al. 2023, arXiv 2311.06243).
    """
    blocks = parts["oft_blocks"]
    whole = blocks.ndim in (3, 4) and blocks.shape[-1] * blocks.shape[-3] == len(weight)
    if not whole or blocks.shape[-1] != blocks.shape[-2]:
        raise _misshapen(blocks, weight)
    turns = _rotations(blocks, float(parts["alpha"]) * len(weight) if "alpha" in parts else 0.0)
    size = blocks.shape[-1]
    if blocks.ndim == 3:
        rows = weight.reshape(-1, size, weight[0].numel())
        turned = torch.einsum("knm,knx->kmx", turns, rows).reshape(weight.shape)
    else:
        turned = weight.flatten(1)
        for stage, turn in enumerate(turns):
            turned = _butterfly(turn, turned, stage)
        turned = turned.reshape(weight.shape)
    rescale = parts.get("rescale")
    if rescale is not None:
        if rescale.numel() not in (1, len(weight)):
            raise _misshapen(rescale, weight)
        turned = turned * rescale.reshape(-1, *[1] * (weight.ndim - 1))
    return turned - weight


def _rotations(blocks: torch.Tensor, limit: float) -> torch.Tensor:
    """Cayley's (I + Q)(I − Q)⁻¹ of the skew parts; `limit` bounds their norm where it is not 0."""
    skew = blocks - blocks.transpose(-1, -2)
    norm = skew.norm() + 1e-8
    if 0 < limit < float(norm):
        skew = skew * (limit / norm)
    one = torch.eye(blocks.shape[-1], device=blocks.device)
    return (one + skew) @ torch.linalg.inv(one - skew)


def _butterfly(turn: torch.Tensor, rows: torch.Tensor, stage: int) -> torch.Tensor:
    """One stage of the butterfly: rows that are `2**stage` half blocks apart are turned together.

    Args:
        turn: (K, S, S) for the blocks.
        rows: (K * S, X).
    """
    size = turn.shape[-1]
    apart = 2**stage * (size // 2)
    if size % 2 or len(rows) % (2 * apart):
        raise ValueError("its blocks are no butterfly")
    paired = rows.reshape(-1, 2, apart, rows.shape[1]).transpose(1, 2)
    turned = torch.einsum("kij,kjx->kix", turn, paired.reshape(-1, size, rows.shape[1]))
    return turned.reshape(-1, apart, 2, rows.shape[1]).transpose(1, 2).reshape(rows.shape)


METHODS: dict[str, Callable[[Parts, torch.Tensor], torch.Tensor]] = {
    "hada_w1_a": _loha,
    "lokr_w1": _lokr,
    "lokr_w1_a": _lokr,
    "a1.weight": _glora,
    "oft_blocks": _oft,
    "on_input": _ia3,
    "diff": _whole,
    "up": _lora,
}
"""Each by a part that only it has."""


def _decomposed(change: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """m (W + ΔW) / ‖W + ΔW‖ − W (Liu et al. 2024, arXiv 2402.09353, equation 5).

    Args:
        scale: the magnitudes m, of the inputs as in the paper or of the outputs; its shape tells.
    """
    if scale.ndim == 1:
        scale = scale.reshape(-1, *[1] * (weight.ndim - 1))
    over = [axis for axis, length in enumerate(scale.shape) if length == 1]
    fits = all(length in (1, own) for length, own in zip(scale.shape, weight.shape, strict=False))
    if scale.ndim != weight.ndim or not over or not fits:
        raise _misshapen(scale, weight)
    merged = weight + change
    norm = merged.square().sum(dim=over, keepdim=True).sqrt()
    # What is nothing stays so, whatever its magnitude is to be.
    factor = torch.where(norm > 0, scale / norm, torch.zeros_like(norm))
    return merged * factor - weight


def _product(left: torch.Tensor, right: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The matrix product, its size checked before it is made: a file could ask for any."""
    left, right = left.flatten(1), right.flatten(1)
    if left.shape[1] != right.shape[0]:
        raise ValueError(f"its parts of {left.shape[1]} and {right.shape[0]} do not fit each other")
    if len(left) * right.shape[1] > weight.numel():
        raise _misshapen(left, weight)
    return left @ right


def _tucker(
    core: torch.Tensor, left: torch.Tensor, right: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """A convolution from its core (Tucker 1966): (O, R), (R, Q, …) and (I, Q) to (O, I, …)."""
    if core.ndim < 3 or core.shape[:2] != (left.shape[1], right.shape[1]):
        raise ValueError("its core does not fit its other parts")
    if len(left) * len(right) * math.prod(core.shape[2:]) > weight.numel():
        raise _misshapen(left, weight)
    _check_room(len(left) * math.prod(core.shape[1:]), core, weight)
    return torch.einsum("rq...,or,iq->oi...", core, left, right)


def _check_room(numbers: int, part: torch.Tensor, weight: torch.Tensor) -> None:
    """Raises:
    ValueError: when a part asks for more than a step on the way may take.
    """
    if numbers > max(weight.numel(), ROOM):
        raise _misshapen(part, weight)


def _scale(parts: Parts, rank: int) -> float:
    """Alpha over rank; without alpha, or with 0 as trainers write it for the same, 1."""
    alpha = float(parts["alpha"]) if "alpha" in parts else 0.0
    return alpha / rank if alpha and rank else 1.0


def _misshapen(part: torch.Tensor, weight: torch.Tensor) -> ValueError:
    return ValueError(f"a part of {tuple(part.shape)} is for no weight of {tuple(weight.shape)}")
