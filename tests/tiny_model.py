"""A real Stable Diffusion pipeline at toy size: diffusers' own classes with random weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer


def save_tiny_model(
    folder: Path,
    *,
    seed: int = 0,
    prediction_type: str = "epsilon",
    latent_channels: int = 4,
    width: int = 32,
) -> None:
    """Write a complete model folder: safetensors, 8 pixels to a latent, native size 64 x 64.

    Args:
        seed: of the random weights; equal seeds give equal files.
        prediction_type: what the UNet predicts: "epsilon", "v_prediction" or "sample".
        latent_channels: of the VAE and the UNet.
        width: numbers that the text encoder gives for each word.
    """
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        # Plain mappings: diffusers declares sizes as 1-tuples and optional parts as required.
        parts: dict[str, Any] = {
            "vae": _vae(latent_channels),
            "text_encoder": CLIPTextModel(_text_config(width)),
            "tokenizer": tiny_tokenizer(),
            "unet": _unet(latent_channels, width),
            "scheduler": _scheduler(prediction_type),
            "safety_checker": None,
            "feature_extractor": None,
            "requires_safety_checker": False,
        }
        pipeline = StableDiffusionPipeline(**parts)
    pipeline.save_pretrained(folder, safe_serialization=True)


def _vae(latent_channels: int) -> AutoencoderKL:
    blocks = 4
    sizes: dict[str, Any] = {
        "block_out_channels": (32, 32, 64, 64),
        "down_block_types": ("DownEncoderBlock2D",) * blocks,
        "up_block_types": ("UpDecoderBlock2D",) * blocks,
        "latent_channels": latent_channels,
        "norm_num_groups": 16,
        "sample_size": 64,
    }
    return AutoencoderKL(**sizes)


def _unet(latent_channels: int, width: int) -> UNet2DConditionModel:
    sizes: dict[str, Any] = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 8,
        "in_channels": latent_channels,
        "out_channels": latent_channels,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": width,
        "attention_head_dim": 8,
        "norm_num_groups": 16,
    }
    return UNet2DConditionModel(**sizes)


def _scheduler(prediction_type: str) -> EulerDiscreteScheduler:
    settings: dict[str, Any] = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": prediction_type,
        "steps_offset": 1,
    }
    return EulerDiscreteScheduler(**settings)


def _text_config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        vocab_size=514,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def tiny_tokenizer() -> CLIPTokenizer:
    letters = byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)},
        merges=[],
        model_max_length=77,
    )


def byte_letters() -> list[str]:
    """The 256 letters that CLIP writes bytes with (Radford et al. 2019, GPT-2's byte encoder)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    table |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return [table[byte] for byte in range(256)]
