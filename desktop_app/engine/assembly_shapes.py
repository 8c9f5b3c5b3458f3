"""The sizes of a network that its weights tell: how deep and wide it is, and of which kind."""

import re
from collections.abc import Callable, Mapping
from math import isqrt
from typing import Any

import torch

Tensors = Mapping[str, torch.Tensor]
Config = Mapping[str, Any]
DEPTH_MAX = 256
_SANA_HEADS = {2240: (20, 112), 1152: (16, 72)}
"""Width -> heads of the cross attention and their width (Xie et al. 2024, arXiv 2410.10629)."""


def told_by(kind: str, tensors: Tensors, config: Config) -> dict[str, Any]:
    """What the weights say otherwise than the settings that are shipped.

    Args:
        kind: the class of the network.
        tensors: by the names of that class.
        config: of the family; a small, distilled or larger sister has other sizes.

    Raises:
        KeyError: when a tensor is not there that every model of the kind has.
        ValueError: for sizes that no model has.
    """
    tell = _TELLERS.get(kind)
    return {} if tell is None else tell(tensors, config)


def depth(tensors: Tensors, start: str) -> int:
    """How many blocks there are whose names begin so.

    Raises:
        ValueError: for more than any model has.
    """
    form = re.compile(re.escape(start) + r"(\d{1,9})\.")
    found = 1 + max((int(m[1]) for key in tensors if (m := form.match(key))), default=-1)
    if found > DEPTH_MAX:
        raise ValueError(f"it has {found} blocks, which no model has")
    return found


def _flux(tensors: Tensors, config: Config) -> dict[str, Any]:
    width, channels = tensors["x_embedder.weight"].shape
    return {
        "num_layers": depth(tensors, "transformer_blocks."),
        "num_single_layers": depth(tensors, "single_transformer_blocks."),
        "num_attention_heads": width // config["attention_head_dim"],
        "in_channels": channels,
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in tensors,
    }


def _chroma(tensors: Tensors, config: Config) -> dict[str, Any]:
    told = _flux(tensors, config)
    del told["guidance_embeds"]
    approximator = "distilled_guidance_layer."
    told["approximator_layers"] = depth(tensors, f"{approximator}layers.")
    told["approximator_hidden_dim"] = tensors[f"{approximator}in_proj.weight"].shape[0]
    return told


def _sd3(tensors: Tensors, config: Config) -> dict[str, Any]:
    width, words = tensors["context_embedder.weight"].shape
    twice = {int(key.split(".")[1]) for key in tensors if ".attn2." in key}
    normed = "transformer_blocks.0.attn.norm_q.weight" in tensors
    places = tensors["pos_embed.pos_embed"].shape
    if places[-1] != width:
        raise ValueError(f"the places of its patches are {places[-1]} wide and not {width}")
    return {
        "num_layers": depth(tensors, "transformer_blocks."),
        "num_attention_heads": width // config["attention_head_dim"],
        "caption_projection_dim": width,
        "joint_attention_dim": words,
        "pos_embed_max_size": isqrt(places[1]),
        "dual_attention_layers": sorted(twice),
        "qk_norm": "rms_norm" if normed else None,
    }


def _sana(tensors: Tensors, config: Config) -> dict[str, Any]:
    width = tensors["patch_embed.proj.weight"].shape[0]
    told = {
        "num_layers": depth(tensors, "transformer_blocks."),
        "num_attention_heads": width // config["attention_head_dim"],
    }
    if width in _SANA_HEADS:
        heads, head = _SANA_HEADS[width]
        told |= {"num_cross_attention_heads": heads, "cross_attention_head_dim": head}
        told["cross_attention_dim"] = width
    return told


def _lumina2(tensors: Tensors, config: Config) -> dict[str, Any]:
    return {
        "num_layers": depth(tensors, "layers."),
        "num_refiner_layers": depth(tensors, "noise_refiner."),
        "hidden_size": tensors["x_embedder.weight"].shape[0],
    }


def _z_image(tensors: Tensors, config: Config) -> dict[str, Any]:
    return {
        "n_layers": depth(tensors, "layers."),
        "n_refiner_layers": depth(tensors, "noise_refiner."),
    }


def _qwen_image(tensors: Tensors, config: Config) -> dict[str, Any]:
    width = tensors["img_in.weight"].shape[0]
    return {
        "num_layers": depth(tensors, "transformer_blocks."),
        "num_attention_heads": width // config["attention_head_dim"],
    }


_TELLERS: Mapping[str, Callable[[Tensors, Config], dict[str, Any]]] = {
    "FluxTransformer2DModel": _flux,
    "ChromaTransformer2DModel": _chroma,
    "SD3Transformer2DModel": _sd3,
    "SanaTransformer2DModel": _sana,
    "Lumina2Transformer2DModel": _lumina2,
    "ZImageTransformer2DModel": _z_image,
    "QwenImageTransformer2DModel": _qwen_image,
}
