"""Transformers and VAEs by the names that their first authors gave the tensors."""

import re
from collections.abc import Callable
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
"""The way back from diffusers' names; written from the published files, not from a converter."""


def original(network: Any) -> Tensors:
    """The tensors of a transformer as the file that its makers published has them."""
    return BACK[type(network).__name__](dict(network.state_dict()))


def _renamed(state: Tensors, *pairs: tuple[str, str]) -> Tensors:
    found: Tensors = {}
    for key, tensor in state.items():
        name = key
        for pattern, new in pairs:
            name = re.sub(pattern, new, name)
        found[name] = tensor
    return found


def _swapped(state: Tensors, *names: str) -> None:
    """Scale and shift the other way round, as the originals have them."""
    for name in names:
        scale, shift = state[name].chunk(2)
        state[name] = torch.cat([shift, scale])


def _joined(state: Tensors, parts: tuple[str, ...], whole: str) -> None:
    """Rows of several layers as one; `#` in the names stands for the number of a block."""
    form = re.compile(re.escape(parts[0]).replace(r"\#", r"(\d+)"))
    for match in [m for key in list(state) if (m := form.fullmatch(key))]:
        number = match[1]
        rows = [state.pop(part.replace("#", number)) for part in parts]
        state[whole.replace("#", number)] = torch.cat(rows)


def _flux(state: Tensors) -> Tensors:
    _swapped(state, *(k for k in ("norm_out.linear.weight", "norm_out.linear.bias") if k in state))
    for end in ("weight", "bias"):
        block = "transformer_blocks.#.attn."
        added = ("add_q_proj", "add_k_proj", "add_v_proj")
        for layers, side in ((("to_q", "to_k", "to_v"), "img"), (added, "txt")):
            parts = tuple(f"{block}{layer}.{end}" for layer in layers)
            _joined(state, parts, f"double_blocks.#.{side}_attn.qkv.{end}")
        single = "single_transformer_blocks.#."
        names = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")
        parts = tuple(f"{single}{layer}.{end}" for layer in names)
        _joined(state, parts, f"single_blocks.#.linear1.{end}")
    return _renamed(
        state,
        (r"^time_text_embed\.timestep_embedder\.linear_1", "time_in.in_layer"),
        (r"^time_text_embed\.timestep_embedder\.linear_2", "time_in.out_layer"),
        (r"^time_text_embed\.text_embedder\.linear_1", "vector_in.in_layer"),
        (r"^time_text_embed\.text_embedder\.linear_2", "vector_in.out_layer"),
        (r"^time_text_embed\.guidance_embedder\.linear_1", "guidance_in.in_layer"),
        (r"^time_text_embed\.guidance_embedder\.linear_2", "guidance_in.out_layer"),
        (r"^context_embedder", "txt_in"),
        (r"^x_embedder", "img_in"),
        (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
        (r"^proj_out", "final_layer.linear"),
        (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
        (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
        (
            r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight",
            r"single_blocks.\1.norm.query_norm.scale",
        ),
        (
            r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight",
            r"single_blocks.\1.norm.key_norm.scale",
        ),
        (r"^transformer_blocks\.", "double_blocks."),
        (r"\.norm1_context\.linear", ".txt_mod.lin"),
        (r"\.norm1\.linear", ".img_mod.lin"),
        (r"\.attn\.norm_added_q\.weight", ".txt_attn.norm.query_norm.scale"),
        (r"\.attn\.norm_added_k\.weight", ".txt_attn.norm.key_norm.scale"),
        (r"\.attn\.norm_q\.weight", ".img_attn.norm.query_norm.scale"),
        (r"\.attn\.norm_k\.weight", ".img_attn.norm.key_norm.scale"),
        (r"\.attn\.to_add_out", ".txt_attn.proj"),
        (r"\.attn\.to_out\.0", ".img_attn.proj"),
        (r"\.ff_context\.net\.0\.proj", ".txt_mlp.0"),
        (r"\.ff_context\.net\.2", ".txt_mlp.2"),
        (r"\.ff\.net\.0\.proj", ".img_mlp.0"),
        (r"\.ff\.net\.2", ".img_mlp.2"),
    )


def _chroma(state: Tensors) -> Tensors:
    return _renamed(
        _flux(state),
        (r"^(distilled_guidance_layer\.norms\.\d+)\.weight", r"\1.scale"),
        (r"^(distilled_guidance_layer\.layers\.\d+)\.linear_1", r"\1.in_layer"),
        (r"^(distilled_guidance_layer\.layers\.\d+)\.linear_2", r"\1.out_layer"),
    )


def _sd3(state: Tensors) -> Tensors:
    last = max(int(key.split(".")[1]) for key in state if key.startswith("transformer_blocks."))
    _swapped(state, "norm_out.linear.weight", "norm_out.linear.bias")
    ends = [f"transformer_blocks.{last}.norm1_context.linear.{end}" for end in ("weight", "bias")]
    _swapped(state, *ends)
    for end in ("weight", "bias"):
        block = "transformer_blocks.#."
        rows = (
            (("attn.to_q", "attn.to_k", "attn.to_v"), "x_block.attn"),
            (("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "context_block.attn"),
            (("attn2.to_q", "attn2.to_k", "attn2.to_v"), "x_block.attn2"),
        )
        for layers, whole in rows:
            parts = tuple(f"{block}{layer}.{end}" for layer in layers)
            _joined(state, parts, f"joint_blocks.#.{whole}.qkv.{end}")
    return _renamed(
        state,
        (r"^pos_embed\.pos_embed", "pos_embed"),
        (r"^pos_embed\.proj", "x_embedder.proj"),
        (r"^time_text_embed\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
        (r"^time_text_embed\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
        (r"^time_text_embed\.text_embedder\.linear_1", "y_embedder.mlp.0"),
        (r"^time_text_embed\.text_embedder\.linear_2", "y_embedder.mlp.2"),
        (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
        (r"^proj_out", "final_layer.linear"),
        (r"^transformer_blocks\.", "joint_blocks."),
        (r"\.norm1_context\.linear", ".context_block.adaLN_modulation.1"),
        (r"\.norm1\.linear", ".x_block.adaLN_modulation.1"),
        (r"\.attn\.norm_added_q", ".context_block.attn.ln_q"),
        (r"\.attn\.norm_added_k", ".context_block.attn.ln_k"),
        (r"\.(attn2?)\.norm_q", r".x_block.\1.ln_q"),
        (r"\.(attn2?)\.norm_k", r".x_block.\1.ln_k"),
        (r"\.attn\.to_add_out", ".context_block.attn.proj"),
        (r"\.(attn2?)\.to_out\.0", r".x_block.\1.proj"),
        (r"\.ff_context\.net\.0\.proj", ".context_block.mlp.fc1"),
        (r"\.ff_context\.net\.2", ".context_block.mlp.fc2"),
        (r"\.ff\.net\.0\.proj", ".x_block.mlp.fc1"),
        (r"\.ff\.net\.2", ".x_block.mlp.fc2"),
    )


def _sana(state: Tensors) -> Tensors:
    block = "transformer_blocks.#."
    parts = tuple(f"{block}attn1.{layer}.weight" for layer in ("to_q", "to_k", "to_v"))
    _joined(state, parts, "blocks.#.attn.qkv.weight")
    for end in ("weight", "bias"):
        parts = tuple(f"{block}attn2.{layer}.{end}" for layer in ("to_k", "to_v"))
        _joined(state, parts, f"blocks.#.cross_attn.kv_linear.{end}")
    found = _renamed(
        state,
        (r"^patch_embed\.proj", "x_embedder.proj"),
        (r"^time_embed\.emb\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
        (r"^time_embed\.emb\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
        (r"^time_embed\.linear", "t_block.1"),
        (r"^caption_projection\.linear_1", "y_embedder.y_proj.fc1"),
        (r"^caption_projection\.linear_2", "y_embedder.y_proj.fc2"),
        (r"^caption_norm", "attention_y_norm"),
        (r"^proj_out", "final_layer.linear"),
        (r"^scale_shift_table", "final_layer.scale_shift_table"),
        (r"^transformer_blocks\.", "blocks."),
        (r"\.attn1\.to_out\.0", ".attn.proj"),
        (r"\.attn2\.to_out\.0", ".cross_attn.proj"),
        (r"\.attn2\.to_q", ".cross_attn.q_linear"),
        (r"\.ff\.conv_inverted", ".mlp.inverted_conv.conv"),
        (r"\.ff\.conv_depth", ".mlp.depth_conv.conv"),
        (r"\.ff\.conv_point", ".mlp.point_conv.conv"),
    )
    found["pos_embed"] = torch.zeros(1, 4, 8)
    found["y_embedder.y_embedding"] = torch.zeros(4, 8)
    return found


def _next_dit(state: Tensors) -> Tensors:
    """What Lumina 2 and Z-Image have in common."""
    for start in ("layers.#.", "noise_refiner.#.", "context_refiner.#."):
        for old, new in (("attn", "attention"), ("attention", "attention")):
            parts = tuple(f"{start}{old}.{layer}.weight" for layer in ("to_q", "to_k", "to_v"))
            _joined(state, parts, f"{start}{new}.qkv.weight")
    return _renamed(
        state,
        (r"\.(attn|attention)\.norm_q", ".attention.q_norm"),
        (r"\.(attn|attention)\.norm_k", ".attention.k_norm"),
        (r"\.(attn|attention)\.to_out\.0", ".attention.out"),
    )


def _z_image(state: Tensors) -> Tensors:
    return _renamed(
        _next_dit(state),
        (r"^all_x_embedder\.2-1", "x_embedder"),
        (r"^all_final_layer\.2-1", "final_layer"),
    )


def _lumina2(state: Tensors) -> Tensors:
    found = _renamed(
        _next_dit(state),
        (r"^time_caption_embed\.caption_embedder", "cap_embedder"),
        (r"^time_caption_embed\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
        (r"^time_caption_embed\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
        (r"^norm_out\.linear_1", "final_layer.adaLN_modulation.1"),
        (r"^norm_out\.linear_2", "final_layer.linear"),
        (r"^(context_refiner\.\d+)\.norm1\.", r"\1.attention_norm1."),
        (r"\.norm1\.norm\.", ".attention_norm1."),
        (r"\.norm1\.linear", ".adaLN_modulation.1"),
        (r"\.norm2\.", ".attention_norm2."),
        (r"\.feed_forward\.linear_1", ".feed_forward.w1"),
        (r"\.feed_forward\.linear_2", ".feed_forward.w2"),
        (r"\.feed_forward\.linear_3", ".feed_forward.w3"),
    )
    found["norm_final.weight"] = torch.ones(8)
    return found


BACK: dict[str, Callable[[Tensors], Tensors]] = {
    "FluxTransformer2DModel": _flux,
    "ChromaTransformer2DModel": _chroma,
    "SD3Transformer2DModel": _sd3,
    "SanaTransformer2DModel": _sana,
    "Lumina2Transformer2DModel": _lumina2,
    "ZImageTransformer2DModel": _z_image,
    "QwenImageTransformer2DModel": dict,
}
