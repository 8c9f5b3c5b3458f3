"""Model folders for the tests: the right files with a few bytes in them, made without torch."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

INDEX: dict[str, object] = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
SCHEDULER: dict[str, object] = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
TENSORS = {"a": b"\0\1\2\3" * 4, "b.weight": b"\4\5\6\7" * 2}


def make_model(
    folder: Path,
    *,
    index: Mapping[str, object] | None = None,
    scheduler: Mapping[str, object] | None = None,
    sample_size: object = 64,
    seed: int = 0,
) -> Path:
    """A folder that looks like Stable Diffusion 1.5, of a kilobyte; its tensors follow the seed."""
    write_json(folder / "model_index.json", {**INDEX, **(index or {})})
    write_json(folder / "scheduler/scheduler_config.json", {**SCHEDULER, **(scheduler or {})})
    unet = {"_class_name": "UNet2DConditionModel", "sample_size": sample_size, "in_channels": 4}
    write_json(folder / "unet/config.json", unet)
    blocks = {"_class_name": "AutoencoderKL", "block_out_channels": [128, 256, 512, 512]}
    write_json(folder / "vae/config.json", blocks)
    write_json(folder / "text_encoder/config.json", {"architectures": ["CLIPTextModel"]})
    words = [*(chr(n) for n in range(33, 127)), *(f"{chr(n)}</w>" for n in range(33, 127)), "fo"]
    words += ["fox</w>", "<|startoftext|>", "<|endoftext|>"]
    write_json(folder / "tokenizer/vocab.json", {word: n for n, word in enumerate(words)})
    (folder / "tokenizer/merges.txt").write_text("#version: 0.2\nf o\nfo x</w>\n", "utf-8")
    write_json(folder / "tokenizer/tokenizer_config.json", {"model_max_length": 77})
    for path in ("unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model"):
        write_tensors(folder / f"{path}.safetensors", {**TENSORS, "seed": bytes([seed]) * 4})
    write_tensors(folder / "text_encoder/model.safetensors", TENSORS)
    return folder


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def write_tensors(
    path: Path, tensors: Mapping[str, bytes], *, metadata: Mapping[str, str] | None = None
) -> None:
    """A safetensors file of float32 vectors, in the order of the mapping."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for name, data in tensors.items():
        ends = [place, place + len(data)]
        header[name] = {"dtype": "F32", "shape": [len(data) // 4], "data_offsets": ends}
        place += len(data)
    write_safetensors(path, json.dumps(header).encode(), b"".join(tensors.values()))


def write_safetensors(path: Path, header: bytes, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
