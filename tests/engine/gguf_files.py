"""GGUF files that the package gguf writes, packed as the makers of such files pack them."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import torch
from numpy.typing import NDArray

Q8 = gguf.GGMLQuantizationType.Q8_0
F32 = gguf.GGMLQuantizationType.F32


def write_packed(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    *,
    kind: gguf.GGMLQuantizationType = Q8,
    prefix: str = "",
) -> Path:
    """Weights of layers packed as `kind`, the rest as plain numbers."""
    writer = gguf.GGUFWriter(path, arch="diffusion")
    block, _ = gguf.GGML_QUANT_SIZES[kind]
    for name, tensor in tensors.items():
        values = tensor.detach().float().contiguous().numpy()
        packs = values.ndim == 2 and values.shape[1] % block == 0 and name.endswith(".weight")
        if packs:
            writer.add_tensor(prefix + name, packed(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(prefix + name, values, raw_dtype=F32)
    return close(writer, path)


def packed(values: NDArray[np.float32], kind: gguf.GGMLQuantizationType) -> NDArray[np.uint8]:
    """The numbers in blocks; of packings that only ggml itself writes, some blocks of its form."""
    try:
        return gguf.quants.quantize(values, kind)
    except NotImplementedError:
        return any_blocks(values.shape, kind)


def any_blocks(
    shape: tuple[int, ...], kind: gguf.GGMLQuantizationType, scale: float = 2e-4
) -> NDArray[np.uint8]:
    """Random blocks whose scales are small numbers."""
    from desktop_app.engine.gguf_weights import SCALES

    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    count = int(np.prod(shape)) // numbers
    blocks = np.random.default_rng(0).integers(0, 256, (count, size), dtype=np.uint8)
    start, scales = SCALES[kind.name]
    blocks[:, start : start + 2 * scales] = np.full(scales, scale, np.float16).view(np.uint8)
    return blocks.reshape(*shape[:-1], -1)


def close(writer: gguf.GGUFWriter, path: Path) -> Path:
    """The file, written."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
