"""Model folders that the library takes for real, without anything that could render."""

import json
import struct
from pathlib import Path

from tests.library import files


def write_model(
    folder: Path, name: str, *, size: int = 64, steps: int = 4, seed: float = 0.0, **more: object
) -> None:
    """Write a Stable Diffusion folder whose weights are one number.

    Args:
        seed: the number; another one makes another model.
        more: further parts of `mezzotint.json`.
    """
    parts = {
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    _json(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline", **parts})
    for part in ("text_encoder", "unet", "vae"):
        _json(folder / part / "config.json", {"block_out_channels": [8, 8, 8, 8]})
        file = "model" if part == "text_encoder" else "diffusion_pytorch_model"
        (folder / part / f"{file}.safetensors").write_bytes(_tensors(seed))
    _json(folder / "scheduler" / "scheduler_config.json", {"prediction_type": "epsilon"})
    words = [f"{letter}{end}" for end in ("", "</w>") for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {word: i for i, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    _json(folder / "tokenizer" / "vocab.json", vocabulary)
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    own = {"name": name, "native_size": size, "steps": steps, "guidance_scale": 3.0}
    _json(folder / "mezzotint.json", {**own, "scheduler": "ddim", **more})


def write_network(models: Path) -> None:
    """Write a network of Stable Diffusion 1, `dreams`, with the text encoder `clip_l` and the VAE
    `mse` that complete it.
    """
    files.write_shapes(models / "unet" / "dreams.safetensors", files.unet(768))
    files.write_shapes(models / "vae" / "mse.safetensors", files.vae())
    files.write_shapes(models / "clip" / "clip_l.safetensors", {files.TE: (90, 768)})


def _tensors(value: float) -> bytes:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", value)


def _json(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
