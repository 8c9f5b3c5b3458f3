"""Weights that a folder's configs say are packed by another library, and the refusal of those."""

from typing import cast

from desktop_app.errors import AppError

KEY = "quantization_config"
"""What a component's config.json calls the way its weights are packed."""


def packing_of(value: object) -> str:
    """The library that packed a component's weights, and how, such as `bitsandbytes (nf4)`.

    Args:
        value: what stands under `KEY`; from anybody's file.
    """
    told = cast(dict[str, object], value) if isinstance(value, dict) else {}
    method = str(told.get("quant_method", "") or "another library")[:40]
    if method != "bitsandbytes":
        return method
    kind = told.get("bnb_4bit_quant_type")
    bits = str(kind)[:10] if told.get("load_in_4bit") and kind else "int8"
    return f"{method} ({bits})"


def refusal(name: str, part: str, packing: str) -> AppError:
    """Why a model with such weights is not loaded.

    bitsandbytes is among them: diffusers runs it on a CUDA or Intel card alone.

    Args:
        part: the component, as a folder calls it.
    """
    return AppError(
        "model-packed",
        f"“{name}” has its {part.replace('_', ' ')} packed by {packing}, which is not read here.",
        hint="Use the same model in float16 or bfloat16, or as a GGUF file.",
        packing=packing,
    )
