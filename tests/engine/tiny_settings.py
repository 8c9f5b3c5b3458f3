"""The shipped settings of all families that come in single files, with every width made small."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop_app.paths import RESOURCES

WIDE = 3072
"""Of Flux and Chroma: diffusers' converters split their tensors at this very width."""


def tiny_configs(folder: Path) -> Path:
    """Copy the settings, made small; the vocabularies keep their sizes."""
    shutil.copytree(RESOURCES / "model_configs", folder)
    for path in folder.rglob("config.json"):
        config = json.loads(path.read_text("utf-8"))
        part, family = path.parent.name, path.parent.parent.name
        path.write_text(json.dumps(config | _smaller(config, part, family)), "utf-8")
    return folder


def _smaller(config: Mapping[str, Any], part: str, family: str) -> dict[str, Any]:
    kind = str(config.get("_class_name") or config["architectures"][0])
    match kind:
        case "AutoencoderKL":
            small = {"block_out_channels": [16, 32, 32, 32], "norm_num_groups": 8}
            return small | {"layers_per_block": 1, "sample_size": 64}
        case "AutoencoderKLQwenImage":
            return {"base_dim": 8, "num_res_blocks": 1}
        case "AutoencoderDC":
            return _small_dc()
        case "UNet2DConditionModel":
            return _small_unet(config, family)
        case "T5EncoderModel":
            heads = {"num_heads": 4, "num_layers": 2}
            # Stable Diffusion 3 puts its words beside those of both CLIP, which are as wide.
            return {"d_model": 80 if family == "sd3" else 32, "d_ff": 48, "d_kv": 8, **heads}
        case "Qwen2_5_VLForConditionalGeneration":
            return _small_qwen(config)
        case _ if kind.startswith("CLIP"):
            return _small_clip(part, family)
        case _ if "hidden_size" in config and "num_hidden_layers" in config:
            heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
            return {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, **heads}
        case _:
            return _SMALL_TRANSFORMERS[kind]


_SMALL_TRANSFORMERS: dict[str, dict[str, Any]] = {
    "SD3Transformer2DModel": {
        "sample_size": 8,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "caption_projection_dim": 32,
        # The two CLIP side by side, and T5.
        "joint_attention_dim": 80,
        "pooled_projection_dim": 80,
        "pos_embed_max_size": 32,
    },
    "FluxTransformer2DModel": {
        "num_layers": 1,
        "num_single_layers": 1,
        "joint_attention_dim": 32,
        "pooled_projection_dim": 32,
    },
    "ChromaTransformer2DModel": {
        "num_layers": 1,
        "num_single_layers": 1,
        "joint_attention_dim": 32,
        "approximator_hidden_dim": 32,
        "approximator_layers": 1,
    },
    "SanaTransformer2DModel": {
        "num_layers": 1,
        "num_attention_heads": 2,
        "attention_head_dim": 4,
        "num_cross_attention_heads": 2,
        "cross_attention_head_dim": 4,
        "cross_attention_dim": 8,
        "caption_channels": 32,
    },
    "Lumina2Transformer2DModel": {
        "sample_size": 8,
        "num_layers": 1,
        "num_refiner_layers": 1,
        "cap_feat_dim": 32,
    },
    "ZImageTransformer2DModel": {
        "dim": 32,
        "n_layers": 1,
        "n_refiner_layers": 1,
        "n_heads": 2,
        "n_kv_heads": 2,
        "cap_feat_dim": 32,
        "axes_dims": [8, 4, 4],
    },
    "QwenImageTransformer2DModel": {
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 3,
        "joint_attention_dim": 32,
        "axes_dims_rope": [8, 4, 4],
    },
}


def _small_dc() -> dict[str, Any]:
    blocks: dict[str, Any] = {
        "block_types": ["ResBlock"] * 5 + ["EfficientViTBlock"],
        "block_out_channels": [8, 8, 8, 8, 8, 32],
        "layers_per_block": [1] * 6,
        "qkv_multiscales": [[], [], [], [], [], [5]],
    }
    sides = ("encoder", "decoder")
    return {
        "attention_head_dim": 2,
        **{f"{side}_{key}": value for side in sides for key, value in blocks.items()},
    }


def _small_unet(config: Mapping[str, Any], family: str) -> dict[str, Any]:
    count = len(config["block_out_channels"])
    heads = config["attention_head_dim"]
    layers = config.get("transformer_layers_per_block", 1)
    sizes: dict[str, Any] = {}
    if "projection_class_embeddings_input_dim" in config:
        # Six numbers of the size, or five and the aesthetic score, and the pooled prompt.
        sum_of_sizes = 32 + 8 * (5 if "refiner" in family else 6)
        sizes = {
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": sum_of_sizes,
        }
    return sizes | {
        "block_out_channels": [32, 64, 64, 64][:count],
        "norm_num_groups": 8,
        "sample_size": 8,
        "attention_head_dim": [4] * count if isinstance(heads, list) else 4,
        "transformer_layers_per_block": min(layers, 2) if isinstance(layers, int) else [1, 1, 2],
        "cross_attention_dim": {"sdxl": 32 + 48, "sdxl_refiner": 48}.get(family, 32),
    }


def _small_clip(part: str, family: str) -> dict[str, Any]:
    # The two encoders of a family are told apart by their widths.
    second = part == "text_encoder_2"
    sizes = {
        "hidden_size": 48 if second else 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
    }
    pooled = (48 if second else 32) if family == "sd3" else 32
    return sizes | {"num_hidden_layers": 2, "projection_dim": pooled}


def _small_qwen(config: Mapping[str, Any]) -> dict[str, Any]:
    text = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}
    seen = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2}
    return {
        "text_config": config["text_config"] | text | heads | {"rope_parameters": rope},
        "vision_config": config["vision_config"] | seen | {"out_hidden_size": 32},
    }
