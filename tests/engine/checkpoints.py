"""Checkpoints in one file as trainers write them, made from diffusers' components."""

from collections.abc import Mapping
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
OPEN_CLIP = {
    "encoder.layers.": "transformer.resblocks.",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
    "final_layer_norm": "ln_final",
    "embeddings.token_embedding": "token_embedding",
    "embeddings.position_embedding.weight": "positional_embedding",
}
STARTS = {
    "sd1": ("", "cond_stage_model."),
    "sd2": ("", "cond_stage_model.model."),
    "sdxl": ("conditioner.embedders.0.", "conditioner.embedders.1.model."),
    "sdxl_refiner": ("", "conditioner.embedders.0.model."),
}


def checkpoint_of(parts: Mapping[str, Any], family: str) -> Tensors:
    """The tensors of a pipeline's parts by the names of the original code."""
    file: Tensors = {}
    for key, tensor in parts["unet"].state_dict().items():
        file["model.diffusion_model." + _unet_name(key, parts["unet"].config)] = tensor
    for key, tensor in vae_checkpoint_of(parts["vae"]).items():
        file["first_stage_model." + key] = tensor
    small, large = STARTS[family]
    if family in ("sd1", "sdxl"):
        start = (large if family == "sd1" else small) + "transformer.text_model."
        for key, tensor in parts["text_encoder"].state_dict().items():
            file[start + key.removeprefix("text_model.")] = tensor
    if family != "sd1":
        encoder = parts["text_encoder" if family == "sd2" else "text_encoder_2"]
        file |= {large + key: one for key, one in _open_clip(encoder.state_dict()).items()}
    return {key: tensor.contiguous() for key, tensor in file.items()}


def vae_checkpoint_of(vae: Any) -> Tensors:
    """The tensors of a VAE by the names of the original code."""
    file: Tensors = {}
    for key, tensor in vae.state_dict().items():
        name = _vae_name(key, len(vae.config.block_out_channels))
        square = ".attn_1." in name and name.endswith("weight") and tensor.ndim == 2
        file[name] = (tensor[..., None, None] if square else tensor).contiguous()
    return file


def _unet_name(key: str, config: Any) -> str:
    for ours, theirs in UNET_ENDS.items():
        if key.startswith(ours + "."):
            return theirs + key.removeprefix(ours)
    place, rest = _unet_place(key.split("."), int(config.layers_per_block), config)
    for ours, theirs in UNET_RESNET.items():
        if rest.startswith(ours + "."):
            return f"{place}.{theirs}{rest.removeprefix(ours)}"
    return f"{place}.{rest}"


def _unet_place(words: list[str], layers: int, config: Any) -> tuple[str, str]:
    if words[0] == "mid_block":
        kind, number = words[1], int(words[2])
        return f"middle_block.{1 if kind == 'attentions' else 2 * number}", ".".join(words[3:])
    side, block, kind, layer = words[0], int(words[1]), words[2], int(words[3])
    rest = ".".join(words[4:])
    if kind == "downsamplers":
        return f"input_blocks.{(block + 1) * (layers + 1)}.0", rest.replace("conv.", "op.")
    slot = "1" if kind == "attentions" else "0"
    if side == "down_blocks":
        return f"input_blocks.{1 + block * (layers + 1) + layer}.{slot}", rest
    if kind == "upsamplers":
        attends = config.up_block_types[block] == "CrossAttnUpBlock2D"
        return f"output_blocks.{block * (layers + 1) + layers}.{2 if attends else 1}", rest
    return f"output_blocks.{block * (layers + 1) + layer}.{slot}", rest


def _vae_name(key: str, blocks: int) -> str:
    words = key.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    rows = words.split(".")
    if "mid_block" in rows:
        kind, number, rest = rows[2], int(rows[3]), ".".join(rows[4:])
        if kind == "resnets":
            return f"{rows[0]}.mid.block_{number + 1}.{rest}"
        for ours, theirs in VAE_ATTENTION.items():
            if rest.startswith(ours + "."):
                return f"{rows[0]}.mid.attn_1.{theirs}{rest.removeprefix(ours)}"
    if "down_blocks" in rows:
        kind = "block" if rows[3] == "resnets" else "downsample"
        number = f".{rows[4]}" if kind == "block" else ""
        return f"{rows[0]}.down.{rows[2]}.{kind}{number}.{'.'.join(rows[5:])}"
    if "up_blocks" in rows:
        kind = "block" if rows[3] == "resnets" else "upsample"
        number = f".{rows[4]}" if kind == "block" else ""
        return f"{rows[0]}.up.{blocks - 1 - int(rows[2])}.{kind}{number}.{'.'.join(rows[5:])}"
    return words


def _open_clip(state: Mapping[str, torch.Tensor]) -> Tensors:
    found: Tensors = {"logit_scale": torch.tensor(1.0)}
    for key, tensor in state.items():
        name = key.removeprefix("text_model.")
        if name == "text_projection.weight":
            found["text_projection"] = tensor.T
            continue
        if ".q_proj." in name:
            whole = [state[key.replace("q_proj", one)] for one in ("q_proj", "k_proj", "v_proj")]
            layer, last = name.split(".")[2], name.rpartition(".")[2]
            found[f"transformer.resblocks.{layer}.attn.in_proj_{last}"] = torch.cat(whole)
            continue
        if ".k_proj." in name or ".v_proj." in name:
            continue
        for ours, theirs in OPEN_CLIP.items():
            name = name.replace(ours, theirs)
        found[name] = tensor
    return found
