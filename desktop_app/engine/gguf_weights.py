"""A GGUF file as a table of tensors; the layers of a network compute with weights packed as are."""

from collections.abc import Callable, Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from diffusers import GGUFQuantizationConfig
from diffusers.quantizers.auto import DiffusersAutoQuantizer

from desktop_app.engine.checkpoint import FORGET_EVERY, MappedFile
from desktop_app.errors import AppError
from desktop_app.weights import gguf as table
from desktop_app.weights.counting import PREFIXES
from desktop_app.weights.headers import Tensor

PLAIN = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
}
SCALES: Mapping[str, tuple[int, int]] = {
    **{"Q4_0": (0, 1), "Q4_1": (0, 2), "Q5_0": (0, 1), "Q5_1": (0, 2), "Q8_0": (0, 1)},
    **{"Q2_K": (80, 2), "Q3_K": (108, 1), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208, 1)},
    **{"IQ4_NL": (0, 1), "IQ4_XS": (0, 1)},
}
"""Packing -> where in a block its float16 scales begin, in bytes, and how many there are (ggml's
ggml-common.h). These are the packings that diffusers unpacks."""


class GgufFile(MappedFile):
    """The tensors of a GGUF file, mapped and not read.

    Attributes:
        tensors: views of the file; none may outlive a change of the file, so copy what is kept. The
            weights of a network's layers are diffusers' `GGUFParameter`s; what is packed otherwise
            is unpacked, in float16.
        metadata: what the file says about itself; text, from anybody.
    """

    def __init__(self, path: Path, what: str) -> None:
        """Args:
            what: it is, with its name, for the sentences.

        Raises:
            AppError: `gguf-missing` without the package that diffusers unpacks with, `model-kind`
                for a packing that it does not know, `model-damaged`.
            OSError, ValueError: when the file cannot be read.
        """
        if find_spec("gguf") is None:
            raise AppError(
                "gguf-missing",
                f"The {what} is a GGUF file, and the package gguf is not installed.",
                hint="Install Mezzotint with its extra `gguf`, or run `pip install gguf`.",
            )
        header = table.read_header(path)
        super().__init__(path)
        self.metadata: Mapping[str, str] = header.metadata
        packings = {row.dtype: None for row in header.tensors.values()} - PLAIN.keys()
        unknown = sorted(packings - SCALES.keys())
        if unknown:
            raise AppError(
                "model-kind",
                f"The {what} is packed as {unknown[0]}, which diffusers does not unpack.",
                hint=f"Use the same model packed as one of {', '.join(SCALES)}.",
                packing=unknown[0],
            )
        self.tensors: dict[str, torch.Tensor] = {
            name: self._tensor(name, row, header.data_start) for name, row in header.tensors.items()
        }

    def _tensor(self, name: str, row: Tensor, start: int) -> torch.Tensor:
        dtype = PLAIN.get(row.dtype)
        if dtype is not None:
            return self.view(dtype, start + row.start, start + row.end).view(row.shape)
        blocks = self.view(torch.uint8, start + row.start, start + row.end)
        _, numbers, size = next(one for one in table.BLOCKS.values() if one[0] == row.dtype)
        _check_scales(name, row.dtype, blocks.view(-1, size))
        whole = len(row.shape) == 2 and row.shape[-1] % numbers == 0
        if whole and _is_layer(name):
            return _packed(blocks.view(row.shape[0], -1), row.dtype)
        return unpacked(_packed(blocks.view(1, -1), row.dtype)).view(row.shape)


def is_packed(tensor: torch.Tensor) -> bool:
    """Whether it holds blocks instead of numbers."""
    return hasattr(tensor, "quant_type")


def unpacked(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers in a packed tensor, as diffusers' layers compute them."""
    from diffusers.quantizers.gguf.utils import dequantize_gguf_tensor

    return dequantize_gguf_tensor(tensor)


def numbers_of(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, with those unpacked that are packed."""
    return {name: unpacked(one) if is_packed(one) else one for name, one in tensors.items()}


def shapes_of(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of the same shapes, where packed ones have that of their numbers."""
    return {
        name: torch.empty(one.quant_shape, device="meta") if is_packed(one) else one  # pyright: ignore[reportAttributeAccessIssue]
        for name, one in tensors.items()
    }


def packings(module: torch.nn.Module) -> str:
    """How the weights of a network are packed, such as `Q4_K and Q6_K`; empty for plain numbers."""
    weights: list[Any] = [one for one in module.parameters() if is_packed(one)]
    return " and ".join(sorted({one.quant_type.name for one in weights}))


def take_packed(
    module: Any,
    tensors: MutableMapping[str, torch.Tensor],
    *,
    device: torch.device,
    dtype: torch.dtype,
    forget: Callable[[], None],
) -> None:
    """Give the linear layers of a network their weights packed as they are.

    Each layer unpacks its own when it computes, as diffusers has it (`GGUFLinear`).

    Args:
        module: of diffusers, on the device `meta`.
        tensors: by the module's own names; those that are taken are left out afterwards, and what
            no linear layer holds is unpacked.
        dtype: that is computed with.
        forget: gives the pages back that the tensors lie in.

    Raises:
        ValueError: when a weight has another shape.
    """
    names = [name for name, one in tensors.items() if is_packed(one)]
    if not names:
        return
    linear = {
        f"{name}.weight"
        for name, part in module.named_modules()
        if isinstance(part, torch.nn.Linear)
    }
    for name in [one for one in names if one not in linear]:
        tensors[name] = unpacked(tensors[name])
    quantizer = DiffusersAutoQuantizer.from_config(GGUFQuantizationConfig(compute_dtype=dtype))
    quantizer.preprocess_model(
        model=module, device_map=None, state_dict=dict(tensors), keep_in_fp32_modules=[]
    )
    module.hf_quantizer = quantizer
    copied = 0
    for name in [one for one in names if one in linear]:
        weight: Any = tensors.pop(name)
        layer = module.get_submodule(name.removesuffix(".weight"))
        wanted = (layer.out_features, layer.in_features)
        if tuple(weight.quant_shape) != wanted:
            raise ValueError(f"its {name[:80]} has the shape {tuple(weight.quant_shape)}")
        own = weight.as_tensor().to(device, copy=True)
        kind: Any = type(weight)
        layer.weight = kind(own, quant_type=weight.quant_type)
        copied += own.numel()
        if copied >= FORGET_EVERY:
            forget()
            copied = 0
    forget()


def _packed(blocks: torch.Tensor, packing: str) -> torch.Tensor:
    import gguf
    from diffusers.quantizers.gguf.utils import GGUFParameter

    make: Any = GGUFParameter
    return make(blocks, quant_type=gguf.GGMLQuantizationType[packing])


def _is_layer(name: str) -> bool:
    """Whether it may be the weight of a layer of the network, and of no other component."""
    inside = next((part for start, part in PREFIXES.items() if name.startswith(start)), "unet")
    return name.endswith(".weight") and inside == "unet"


def _check_scales(name: str, packing: str, blocks: torch.Tensor) -> None:
    """Raises:
    ValueError: when the numbers of a packed tensor are not finite; its scales tell.
    """
    start, count = SCALES[packing]
    scales = blocks[:, start : start + 2 * count].contiguous().view(torch.float16)
    if not bool(torch.isfinite(scales.float().sum())):
        raise ValueError(f"its {name[:80]} is not finite")
