"""A plan carried out: components on their devices, offloaded, stored small, tiled and sliced."""

from typing import Any

import torch

from desktop_app.engine.families import caller
from desktop_app.engine.plan import Place, Plan
from desktop_app.engine.residency import choose_dtype, describe
from desktop_app.recipe.wishes import Dtype

DTYPES: dict[Dtype, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


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


def carry_out(pipe: Any, plan: Plan, device: torch.device) -> None:
    """Bring a pipeline into the state that a plan says; it may be in that of an earlier one."""
    network = getattr(pipe, caller(pipe).denoiser)
    stored = {one.dtype for one in network.parameters()}
    if plan.float8 and torch.float8_e4m3fn not in stored:
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
