"""A plan carried out: components on their devices, offloaded, stored small, tiled and sliced."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from desktop_app.engine.families import caller
from desktop_app.engine.plan import Dtype, Place, Plan
from desktop_app.engine.residency import choose_dtype, describe

DTYPES: dict[Dtype, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
SHARD = re.compile(r"(model|diffusion_pytorch_model)(-\d{5}-of-\d{5})?\.safetensors")
PREFIXES = {
    "model.diffusion_model.": "unet",
    "first_stage_model.": "vae",
    "cond_stage_model.": "text_encoder",
    "conditioner.": "text_encoder",
}
"""The components in a checkpoint of one file, by the beginning of their tensors' names."""


def place_of(device: torch.device) -> Place:
    """What a plan has to know of a device."""
    return Place(
        kind=device.type,
        memory=describe(device).memory_total,
        half=choose_dtype(device) == torch.float16,
        bfloat16=_has_bfloat16(device),
    )


def _has_bfloat16(device: torch.device) -> bool:
    match device.type:
        case "cuda":
            return torch.cuda.is_bf16_supported()
        case "cpu" | "xpu":
            return True
        case _:
            return False


def parameters_of(place: Path) -> dict[str, int]:
    """How many numbers each component of a model on disk has, from the headers alone.

    What cannot be read is left out: loading it will say why.
    """
    found: dict[str, int] = {}
    if place.is_file():
        for key, count in _counts(place).items():
            part = next((one for start, one in PREFIXES.items() if key.startswith(start)), "")
            if part:
                found[part] = found.get(part, 0) + count
        return found
    for path in sorted(place.glob("*/*.safetensors")):
        if SHARD.fullmatch(path.name):
            part = path.parent.name
            found[part] = found.get(part, 0) + sum(_counts(path).values())
    return found


def _counts(path: Path) -> dict[str, int]:
    try:
        with safe_open(path, framework="pt") as file:
            return {
                key: int(torch.Size(file.get_slice(key).get_shape()).numel())
                for key in file.keys()  # noqa: SIM118 - the file is no mapping
            }
    except (SafetensorError, OSError, ValueError):
        return {}


def carry_out(pipe: Any, plan: Plan, device: torch.device) -> None:
    """Bring a pipeline into the state that a plan says; it may be in that of an earlier one."""
    network = getattr(pipe, caller(pipe).denoiser)
    if plan.float8 and network.dtype != torch.float8_e4m3fn:
        network.enable_layerwise_casting(
            storage_dtype=torch.float8_e4m3fn, compute_dtype=DTYPES[plan.dtype]
        )
    match plan.offload:
        case "none":
            pipe.to(device)
        case "model":
            pipe.enable_model_cpu_offload(device=device)
        case "group":
            pipe.remove_all_hooks()
            pipe.to("cpu")
            pipe.enable_group_offload(
                onload_device=device, offload_type="block_level", num_blocks_per_group=1
            )
    decoder = getattr(pipe, caller(pipe).decoder)
    if plan.tiled and hasattr(decoder, "use_tiling"):
        decoder.use_tiling = True
    if plan.sliced:
        pipe.enable_attention_slicing("max")
