"""Components of tiny pipelines, of the real classes, with random weights."""

import string
from typing import Any

import diffusers
import torch
import transformers

from tests.tiny_model import byte_letters

LETTERS = list(string.ascii_lowercase)
FLOW: dict[str, Any] = {"shift": 3.0}


def kl(channels: int = 4, **more: Any) -> Any:
    sizes: dict[str, Any] = {
        "block_out_channels": (16, 16, 16, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "latent_channels": channels,
        "norm_num_groups": 8,
        "sample_size": 64,
    }
    return diffusers.AutoencoderKL(**sizes, **more)


def shifted_kl() -> Any:
    return kl(16, scaling_factor=1.5, shift_factor=0.06, use_quant_conv=False)


def clip(width: int, *, projects: bool, positions: int = 77) -> Any:
    config = transformers.CLIPTextConfig(
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        vocab_size=514,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        projection_dim=32,
        max_position_embeddings=positions,
    )
    kind = transformers.CLIPTextModelWithProjection if projects else transformers.CLIPTextModel
    return kind(config)


def t5() -> Any:
    config = transformers.T5Config(
        vocab_size=32,
        d_model=32,
        d_ff=37,
        d_kv=8,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
    )
    return transformers.T5EncoderModel(config)


def t5_words() -> Any:
    pieces: list[Any] = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0)]
    pieces += [(letter, -2.0) for letter in LETTERS]
    return transformers.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=77)


def gemma_words() -> Any:
    words = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", *LETTERS]
    vocabulary = {word: number for number, word in enumerate(words)}
    return transformers.GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=400)


def gemma() -> Any:
    config = transformers.Gemma2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        sliding_window=64,
    )
    return transformers.Gemma2Model(config)


def qwen_words() -> Any:
    words = [*byte_letters(), "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
    tokenizer = transformers.Qwen2Tokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=512
    )
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    )
    return tokenizer


def unet(**changes: Any) -> Any:
    sizes: dict[str, Any] = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 8,
        "norm_num_groups": 16,
    }
    return diffusers.UNet2DConditionModel(**(sizes | changes))


def euler(prediction: str = "epsilon", **more: Any) -> Any:
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    settings: dict[str, Any] = {**betas, "steps_offset": 1, "prediction_type": prediction, **more}
    return diffusers.EulerDiscreteScheduler(**settings)


def flow(**more: Any) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(**FLOW, **more)


def flux_sizes() -> dict[str, Any]:
    return {
        "patch_size": 1,
        "in_channels": 64,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 32,
        "axes_dims_rope": (4, 4, 8),
    }


def prior(**sizes: Any) -> Any:
    told: dict[str, Any] = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "embedding_dim": 32,
        "num_layers": 1,
        **sizes,
    }
    made = diffusers.PriorTransformer(**told)
    made.clip_std = torch.nn.Parameter(torch.ones(made.clip_std.shape))
    return made
