"""What each component holds, counted from headers."""

import json
import struct
from pathlib import Path

import pytest

from desktop_app.weights.counting import Held, held_by
from tests.library.files import write_gguf, write_shapes

pytestmark = pytest.mark.core


def test_a_checkpoint_is_counted_by_its_parts(tmp_path: Path) -> None:
    file = tmp_path / "one.safetensors"
    write_shapes(
        file,
        {
            "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
            "first_stage_model.decoder.conv_in.weight": (4, 4),
            "cond_stage_model.transformer.text_model.final_layer_norm.weight": (768,),
            "alphas_cumprod": (1000,),
        },
    )
    assert held_by(file) == Held(numbers={"unet": 11520, "vae": 16, "text_encoder": 768})


def test_a_network_alone_is_told_by_its_names(tmp_path: Path) -> None:
    file = tmp_path / "flux.safetensors"
    write_shapes(file, {"double_blocks.0.img_attn.qkv.weight": (12, 4)})
    assert held_by(file) == Held(numbers={"transformer": 48})
    assert held_by(file).wide
    write_shapes(file, {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": (12, 4)})
    assert held_by(file).wide
    write_shapes(file, {"down_blocks.0.resnets.0.conv1.weight": (12, 4)})
    assert not held_by(file).wide


def test_packed_weights_count_as_the_bytes_they_are(tmp_path: Path) -> None:
    file = tmp_path / "flux.gguf"
    names = {"double_blocks.0.img_attn.qkv.weight": (12, 64)}
    write_gguf(file, names, kind=8)
    assert held_by(file) == Held(packed={"transformer": 12 * 64 // 32 * 34})
    assert held_by(file).wide
    write_gguf(file, names, kind=30)
    assert held_by(file) == Held(numbers={"transformer": 12 * 64})


def test_halves_beside_whole_weights_are_not_counted_twice(tmp_path: Path) -> None:
    folder = tmp_path / "unet"
    folder.mkdir()
    half = folder / "diffusion_pytorch_model.fp16.safetensors"
    write_shapes(half, {"conv_in.weight": (8, 4)})
    assert held_by(tmp_path) == Held(numbers={"unet": 32})
    write_shapes(folder / "diffusion_pytorch_model.safetensors", {"conv_in.weight": (8, 4)})
    assert held_by(tmp_path) == Held(numbers={"unet": 32})


def test_pieces_are_counted_together(tmp_path: Path) -> None:
    folder = tmp_path / "unet"
    folder.mkdir()
    (folder / "diffusion_pytorch_model.safetensors.index.fp16.json").write_text("{}")
    for piece in ("1-of-2", "2-of-2"):
        file = folder / f"diffusion_pytorch_model.fp16-0000{piece}.safetensors"
        write_shapes(file, {f"conv_in.{piece}": (8, 4)})
    write_shapes(folder / "other-1-of-2.safetensors", {"x": (8, 4)})
    assert held_by(tmp_path) == Held(numbers={"unet": 64})
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text("{}")
    write_shapes(folder / "diffusion_pytorch_model-1-of-1.safetensors", {"x": (8, 4)})
    assert held_by(tmp_path) == Held(numbers={"unet": 32})


def test_what_lies_is_left_out(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}).encode()
    file = tmp_path / "one.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"0000")
    assert held_by(file) == Held()
    assert held_by(tmp_path / "gone") == Held()
