"""What a file of weights is by the names of its tensors: the family, and where its network is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from desktop_app.engine.assembly import Source, config_of
from desktop_app.engine.gguf_weights import shapes_of
from desktop_app.errors import AppError
from desktop_app.recipe.completing import NEEDED
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.family import Family

NETWORKS = (
    "model.diffusion_model.",
    "diffusion_model.",
    "transformer.",
    "unet.",
    "net.",
    "model.",
    "",
)
"""The beginnings of the names of a network's tensors, in all programs."""
MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("chroma", ("distilled_guidance_layer.in_proj.weight",)),
    ("flux", ("double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight")),
    (
        "flux",
        (
            "single_transformer_blocks.0.attn.norm_q.weight",
            "time_text_embed.text_embedder.linear_1.weight",
        ),
    ),
    ("sd3", ("joint_blocks.0.x_block.mlp.fc1.weight",)),
    ("sd3", ("pos_embed.pos_embed", "transformer_blocks.0.attn.add_k_proj.weight")),
    ("sana", ("attention_y_norm.weight", "blocks.0.cross_attn.kv_linear.weight")),
    ("sana", ("caption_norm.weight", "transformer_blocks.0.ff.conv_inverted.weight")),
    ("z_image", ("cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight")),
    ("z_image", ("all_x_embedder.2-1.weight", "layers.0.adaLN_modulation.0.weight")),
    ("lumina2", ("cap_embedder.0.weight", "noise_refiner.0.attention.qkv.weight")),
    ("lumina2", ("time_caption_embed.caption_embedder.0.weight",)),
    ("qwen_image", ("txt_norm.weight", "transformer_blocks.0.img_mod.1.weight")),
)
"""Family -> names that only its transformers have, in the first authors' words or diffusers'."""
UNETS = ("input_blocks.0.0.weight", "conv_in.weight")
ENCODERS = {
    "sdxl": "conditioner.embedders.1.model.",
    "sdxl_refiner": "conditioner.embedders.0.model.",
    "sd2": "cond_stage_model.model.",
    "sd1": "cond_stage_model.transformer.",
}
"""The text encoder that only this family has, by the beginning of its tensors' names."""
CROSS = "transformer_blocks.0.attn2.to_k.weight"
ADDED = ("label_emb.0.0.weight", "add_embedding.linear_1.weight")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognised:
    """Attributes:
    network: the tensors of the UNet or transformer.
    """

    family: Family
    network: Source


def recognised(source: Source, configs: Path, name: str) -> Recognised:
    """What a checkpoint is, or a network in a file of its own.

    Raises:
        AppError: `model-kind` for what is known but makes no pictures from text, and for what is
            not known.
    """
    for start in NETWORKS:
        network = source.below(start) if start else source
        if network is None:
            continue
        tensors = network.tensors
        family = next((key for key, has in MARKS if all(one in tensors for one in has)), "")
        if not family and any(one in tensors for one in UNETS):
            _check_channels(tensors, name)
            family = _unet_family(source.tensors, shapes_of(tensors), configs)
        if family in FAMILIES and family in NEEDED:
            return Recognised(family=FAMILIES[family], network=network)
    raise AppError(
        "model-kind",
        f"The file of the model {name} is no checkpoint that this program knows.",
        hint="LoRAs, VAEs and embeddings are attached to a model, they are none.",
    )


def _check_channels(tensors: Mapping[str, torch.Tensor], name: str) -> None:
    first = next(tensors[one] for one in UNETS if one in tensors)
    channels = first.shape[1] if first.ndim == 4 else 0
    if channels != 4:
        raise AppError(
            "model-kind",
            f"The model {name} is not for making pictures from text: its UNet takes "
            f"{channels} channels.",
            hint="Models for inpainting or for depth need a task of their own.",
        )


def _unet_family(
    whole: Mapping[str, torch.Tensor], unet: Mapping[str, torch.Tensor], configs: Path
) -> str:
    """Told by the text encoder beside the UNet, or by what the UNet wants to read."""
    for key, start in ENCODERS.items():
        if any(one.startswith(start) for one in whole):
            return key
    words = next((one.shape[1] for key, one in unet.items() if key.endswith(CROSS)), 0)
    sizes = next((unet[one].shape[1] for one in ADDED if one in unet), None)
    for key in ("sd1", "sd2", "sdxl", "sdxl_refiner"):
        config = config_of(configs / key / "unet")
        wanted = config["cross_attention_dim"], config.get("projection_class_embeddings_input_dim")
        if (words, sizes) == wanted:
            return key
    return ""
