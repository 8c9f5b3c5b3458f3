"""Layers of transformers that the first authors made as one, and diffusers as several."""

import re
from collections.abc import Callable, Iterator

_NUMBER = re.compile(r"(?<=s_)\d+(?=_)")

_BLOCK = "transformer_blocks_{}_"
_SINGLE = "single_transformer_blocks_{}_"


def _all(start: str, *ends: str) -> tuple[str, ...]:
    return tuple(start + end for end in ends)


_OWN = ("attn_to_q", "attn_to_k", "attn_to_v")
_ADDED = ("attn_add_q_proj", "attn_add_k_proj", "attn_add_v_proj")

JOINED: dict[str, tuple[str, ...]] = {
    # Flux.1 and Chroma.
    "double_blocks_{}_img_attn_qkv": _all(_BLOCK, *_OWN),
    "double_blocks_{}_txt_attn_qkv": _all(_BLOCK, *_ADDED),
    "double_blocks_{}_img_attn_proj": _all(_BLOCK, "attn_to_out_0"),
    "double_blocks_{}_txt_attn_proj": _all(_BLOCK, "attn_to_add_out"),
    "double_blocks_{}_img_mlp_0": _all(_BLOCK, "ff_net_0_proj"),
    "double_blocks_{}_img_mlp_2": _all(_BLOCK, "ff_net_2"),
    "double_blocks_{}_txt_mlp_0": _all(_BLOCK, "ff_context_net_0_proj"),
    "double_blocks_{}_txt_mlp_2": _all(_BLOCK, "ff_context_net_2"),
    "double_blocks_{}_img_mod_lin": _all(_BLOCK, "norm1_linear"),
    "double_blocks_{}_txt_mod_lin": _all(_BLOCK, "norm1_context_linear"),
    "single_blocks_{}_linear1": _all(_SINGLE, *_OWN, "proj_mlp"),
    "single_blocks_{}_linear2": _all(_SINGLE, "proj_out"),
    "single_blocks_{}_modulation_lin": _all(_SINGLE, "norm_linear"),
    # Stable Diffusion 3 and 3.5.
    "joint_blocks_{}_x_block_attn_qkv": _all(_BLOCK, *_OWN),
    "joint_blocks_{}_x_block_attn2_qkv": _all(_BLOCK, "attn2_to_q", "attn2_to_k", "attn2_to_v"),
    "joint_blocks_{}_x_block_attn_proj": _all(_BLOCK, "attn_to_out_0"),
    "joint_blocks_{}_x_block_attn2_proj": _all(_BLOCK, "attn2_to_out_0"),
    "joint_blocks_{}_x_block_mlp_fc1": _all(_BLOCK, "ff_net_0_proj"),
    "joint_blocks_{}_x_block_mlp_fc2": _all(_BLOCK, "ff_net_2"),
    "joint_blocks_{}_context_block_attn_qkv": _all(_BLOCK, *_ADDED),
    "joint_blocks_{}_context_block_attn_proj": _all(_BLOCK, "attn_to_add_out"),
    "joint_blocks_{}_context_block_mlp_fc1": _all(_BLOCK, "ff_context_net_0_proj"),
    "joint_blocks_{}_context_block_mlp_fc2": _all(_BLOCK, "ff_context_net_2"),
}
"""Underscores for dots, `{}` for the number of the block; the rows of the parts in this order."""

_LUMINA = tuple(
    (re.compile(rf"((?:layers|noise_refiner|context_refiner)_\d+)_{theirs}"), own)
    for theirs, own in (
        ("attention_qkv", ("attn_to_q", "attn_to_k", "attn_to_v")),
        ("attention_qkv", ("attention_to_q", "attention_to_k", "attention_to_v")),
        ("attention_out", ("attn_to_out_0",)),
        ("attention_out", ("attention_to_out_0",)),
        ("feed_forward_w1", ("feed_forward_linear_1",)),
        ("feed_forward_w2", ("feed_forward_linear_2",)),
        ("feed_forward_w3", ("feed_forward_linear_3",)),
        ("adaLN_modulation_1", ("norm1_linear",)),
    )
)
"""Lumina 2, and Z-Image, whose layers diffusers calls otherwise."""


def parts_of(plain: str, known: Callable[[str], bool]) -> tuple[str, ...]:
    """The layers that one of the first authors' is for, by diffusers' names.

    Args:
        plain: the name with underscores for dots.
        known: whether the model has a layer of that name.

    Returns:
        Nothing when it is none that is known.
    """
    return next((parts for parts in _ways(plain) if all(map(known, parts))), ())


def _ways(plain: str) -> Iterator[tuple[str, ...]]:
    number = _NUMBER.search(plain)
    if number is not None:
        parts = JOINED.get(plain[: number.start()] + "{}" + plain[number.end() :], ())
        if parts:
            yield tuple(part.format(number[0]) for part in parts)
    for theirs, own in _LUMINA:
        match = theirs.fullmatch(plain)
        if match is not None:
            yield tuple(f"{match[1]}_{end}" for end in own)
