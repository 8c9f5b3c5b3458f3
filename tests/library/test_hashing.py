"""A model is its tensors: not its file names, their order, or what stands around them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.hashing import Hashes, tensor_sha256
from tests.library.models import TENSORS, make_model, write_json, write_safetensors, write_tensors

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


def test_order_metadata_and_configs_do_not_matter(model: Path) -> None:
    before = tensor_sha256(model)
    tensors = {**TENSORS, "seed": bytes(4)}
    backwards = dict(reversed(tensors.items()))
    write_tensors(model / UNET, backwards, metadata={"format": "pt", "note": "copied"})
    write_json(model / "unet/config.json", {"_class_name": "UNet2DConditionModel", "x": 1})
    assert tensor_sha256(model) == before


def test_pieces_are_one_model(model: Path) -> None:
    before = tensor_sha256(model)
    (model / UNET).unlink()
    write_tensors(model / "unet/part-1.safetensors", {"b.weight": TENSORS["b.weight"]})
    write_tensors(model / "unet/part-2.safetensors", {"seed": bytes(4), "a": TENSORS["a"]})
    pieces = {"a": "part-2.safetensors", "seed": "part-2.safetensors"}
    pieces |= {"b.weight": "part-1.safetensors"}
    write_json(model / f"{UNET}.index.json", {"weight_map": pieces})
    assert tensor_sha256(model) == before


@pytest.mark.parametrize(
    "tensors",
    [
        {**TENSORS, "seed": b"\0\0\0\1"},
        {**TENSORS, "seed2": bytes(4)},
        {"a": TENSORS["a"], "b.weight": TENSORS["b.weight"]},
        {"a": TENSORS["b.weight"], "b.weight": TENSORS["a"], "seed": bytes(4)},
        {"ab.weight": TENSORS["a"] + TENSORS["b.weight"], "seed": bytes(4)},
    ],
    ids=["value", "name", "fewer", "swapped", "joined"],
)
def test_any_other_tensor_is_another_model(model: Path, tensors: dict[str, bytes]) -> None:
    before = tensor_sha256(model)
    write_tensors(model / UNET, tensors)
    assert tensor_sha256(model) != before


def test_the_same_tensors_in_another_part_are_another_model(model: Path) -> None:
    before = tensor_sha256(model)
    write_tensors(model / UNET, TENSORS)
    write_tensors(model / "text_encoder/model.safetensors", {**TENSORS, "seed": bytes(4)})
    assert tensor_sha256(model) != before


def test_it_is_the_hash_of_the_starter_model(starter_model: Path) -> None:
    done: list[int] = []
    digest = tensor_sha256(starter_model, lambda part, whole: done.append(whole - part))
    assert len(digest) == 64
    assert done[-1] == 0


def test_files_are_read_again_only_when_they_changed(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "hashes.json"
    read: list[int] = []
    first = Hashes(cache).tensor_sha256(model, lambda done, _: read.append(done))
    assert read
    read.clear()
    again = Hashes(cache)
    assert again.tensor_sha256(model, lambda done, _: read.append(done)) == first
    assert not read
    write_tensors(model / UNET, {**TENSORS, "seed": b"\1" * 4})
    os.utime(model / UNET, ns=(1, 1))
    assert again.tensor_sha256(model) != first
    cache.write_text("[" * 1000)
    assert Hashes(cache).tensor_sha256(model) == tensor_sha256(model)


def test_a_cache_that_cannot_be_written_is_done_without(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    hashes = Hashes(tmp_path / "cache" / "hashes.json")
    assert hashes.tensor_sha256(model) == tensor_sha256(model)


def header_of(**changes: object) -> bytes:
    row = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **changes}
    return json.dumps({"a": row}).encode()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": cut,
    "longer": lengthen,
    "length": lambda path: path.write_bytes(b"\xff" * 8 + b"{}"),
    "json": lambda path: write_safetensors(path, b"{", b""),
    "deep": lambda path: write_safetensors(path, b"[" * 50_000, b""),
    "list": lambda path: write_safetensors(path, b"[]", b""),
    "latin": lambda path: write_safetensors(path, b'{"\xe9": 1}', b""),
    "twice": lambda path: write_safetensors(
        path, header_of()[:-1] + b"," + header_of()[1:], bytes(16)
    ),
    "overlap": lambda path: write_safetensors(
        path, header_of()[:-1] + b"," + header_of().replace(b'"a"', b'"b"')[1:], bytes(16)
    ),
    "gap": lambda path: write_safetensors(path, header_of(data_offsets=[4, 20]), bytes(20)),
    "negative": lambda path: write_safetensors(path, header_of(data_offsets=[-16, 0]), b""),
    "size": lambda path: write_safetensors(path, header_of(shape=[5]), bytes(16)),
    "type": lambda path: write_safetensors(path, header_of(dtype="PICKLE"), bytes(16)),
    "shape": lambda path: write_safetensors(path, header_of(shape="4"), bytes(16)),
    "true": lambda path: write_safetensors(path, header_of(shape=[True]), bytes(16)),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_file_is_named(model: Path, damage: str) -> None:
    DAMAGES[damage](model / UNET)
    with pytest.raises(AppError) as refusal:
        tensor_sha256(model)
    assert refusal.value.code == "model-damaged"
    assert str(model / UNET) in refusal.value.sentence


@pytest.mark.parametrize(
    "pieces",
    [
        {"a": "../../text_encoder/model.safetensors"},
        {"a": "absent.safetensors"},
        {"a": "model.bin"},
        [],
    ],
)
def test_an_index_cannot_lead_out_of_its_folder(model: Path, pieces: object) -> None:
    (model / UNET).unlink()
    write_json(model / f"{UNET}.index.json", {"weight_map": pieces})
    with pytest.raises(AppError) as refusal:
        tensor_sha256(model)
    assert refusal.value.code == "model-damaged"
