"""Model files for the tests: the true names and shapes of tensors, and no bytes behind them."""

import json
import struct
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path

from desktop_app.weights.gguf import BLOCKS

Shapes = Mapping[str, tuple[int, ...]]
BYTES = {"F64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "U8": 1, "I8": 1}
TE = "text_model.embeddings.token_embedding.weight"


def write_shapes(
    path: Path,
    shapes: Shapes,
    *,
    dtype: str = "F16",
    metadata: Mapping[str, str] | None = None,
    prefix: str = "",
) -> Path:
    """A safetensors file of these tensors; its numbers are a hole in the file and take no room."""
    rows: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for name, shape in shapes.items():
        end = place + prod(shape) * BYTES[dtype]
        rows[prefix + name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, end]}
        place = end
    header = json.dumps(rows).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + place)
    return path


def write_gguf(
    path: Path,
    shapes: Shapes,
    *,
    kind: int = 0,
    metadata: Mapping[str, str | int] | None = None,
    version: int = 3,
) -> Path:
    """A GGUF file with these tensors, all of one of ggml's types."""
    _, numbers, size = BLOCKS[kind]
    told = dict(metadata or {})
    head = b"GGUF" + struct.pack("<IQQ", version, len(shapes), len(told))
    for key, value in told.items():
        head += _text(key)
        if isinstance(value, str):
            head += struct.pack("<I", 8) + _text(value)
        else:
            head += struct.pack("<II", 4, value)
    place = 0
    for name, shape in shapes.items():
        head += _text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", kind, place)
        place += -(-(prod(shape) // numbers * size) // 32) * 32
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(-(-len(head) // 32) * 32 + place)
    return path


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def unet(width: int, *, channels: int = 4, label: int = 0) -> dict[str, tuple[int, ...]]:
    """Enough of an original UNet that reads `width` numbers a word."""
    found = {
        "input_blocks.0.0.weight": (320, channels, 3, 3),
        "input_blocks.0.0.bias": (320,),
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, width),
        "output_blocks.11.1.transformer_blocks.0.norm1.bias": (320,),
        "out.2.weight": (4, 320, 3, 3),
    }
    if label != 2560 and width != 2048:
        found["input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"] = (320, width)
    if label:
        found["label_emb.0.0.weight"] = (1280, label)
    return found


def diffusers_unet(width: int, *, channels: int = 4, added: int = 0) -> dict[str, tuple[int, ...]]:
    """Enough of a UNet with diffusers' names."""
    attention = "attentions.0.transformer_blocks.0.attn2.to_k.weight"
    found: dict[str, tuple[int, ...]] = {
        "conv_in.weight": (320, channels, 3, 3),
        f"down_blocks.1.{attention}": (640, width),
        "down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3),
    }
    if not added:
        found[f"down_blocks.0.{attention}"] = (320, width)
    else:
        found["add_embedding.linear_1.weight"] = (1280, added)
    return found


def below(prefix: str, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    return {prefix + name: shape for name, shape in shapes.items()}


def vae(channels: int = 4) -> dict[str, tuple[int, ...]]:
    return {
        "decoder.conv_in.weight": (512, channels, 3, 3),
        "decoder.up.0.block.0.norm1.weight": (128,),
        "encoder.conv_in.weight": (128, 3, 3, 3),
    }


def checkpoint(family: str, **more: int) -> dict[str, tuple[int, ...]]:
    """A complete Stable Diffusion checkpoint as trainers write it, with the tensors that tell."""
    encoders = {
        "sd1": {f"cond_stage_model.transformer.{TE}": (49408, 768)},
        "sd2": {"cond_stage_model.model.token_embedding.weight": (49408, 1024)},
        "sdxl": {
            f"conditioner.embedders.0.transformer.{TE}": (49408, 768),
            "conditioner.embedders.1.model.token_embedding.weight": (49408, 1280),
        },
        "sdxl-refiner": {"conditioner.embedders.0.model.token_embedding.weight": (49408, 1280)},
    }
    width = {"sd1": 768, "sd2": 1024, "sdxl": 2048, "sdxl-refiner": 1280}[family]
    label = {"sdxl": 2816, "sdxl-refiner": 2560}.get(family, 0)
    return {
        **below("model.diffusion_model.", unet(width, label=label, **more)),
        **below("first_stage_model.", vae()),
        **encoders[family],
    }


def kohya(modules: Iterable[tuple[str, int, int]], rank: int = 16) -> dict[str, tuple[int, ...]]:
    """A LoRA in kohya's names: (module, inputs, outputs)."""
    found: dict[str, tuple[int, ...]] = {}
    for module, inputs, outputs in modules:
        found[f"{module}.alpha"] = ()
        found[f"{module}.lora_down.weight"] = (rank, inputs)
        found[f"{module}.lora_up.weight"] = (outputs, rank)
    return found


def sdxl_lora_modules() -> list[tuple[str, int, int]]:
    """The 722 attention modules of SDXL's UNet and the 264 of its two encoders, as kohya names."""
    found: list[tuple[str, int, int]] = []
    places = [("down_blocks_1", 2, 2, 640), ("down_blocks_2", 2, 10, 1280)]
    places += [("up_blocks_0", 3, 10, 1280), ("up_blocks_1", 3, 2, 640), ("mid_block", 1, 10, 1280)]
    for block, attentions, depth, width in places:
        for number in range(attentions):
            at = f"lora_unet_{block}_attentions_{number}"
            found += [(f"{at}_proj_in", width, width), (f"{at}_proj_out", width, width)]
            for layer in range(depth):
                one = f"{at}_transformer_blocks_{layer}"
                for attention, inputs in (("attn1", width), ("attn2", 2048)):
                    found.append((f"{one}_{attention}_to_q", width, width))
                    found.append((f"{one}_{attention}_to_k", inputs, width))
                    found.append((f"{one}_{attention}_to_v", inputs, width))
                    found.append((f"{one}_{attention}_to_out_0", width, width))
                found.append((f"{one}_ff_net_0_proj", width, 8 * width))
                found.append((f"{one}_ff_net_2", 4 * width, width))
    for encoder, layers, width in (("lora_te1", 12, 768), ("lora_te2", 32, 1280)):
        for layer in range(layers):
            at = f"{encoder}_text_model_encoder_layers_{layer}"
            found += [
                (f"{at}_self_attn_{one}_proj", width, width) for one in ("q", "k", "v", "out")
            ]
            found += [(f"{at}_mlp_fc1", width, 4 * width), (f"{at}_mlp_fc2", 4 * width, width)]
    return found
