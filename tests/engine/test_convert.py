"""Pickles become safetensors bit for bit, and what is hidden in them never runs."""

import hashlib
import os
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from desktop_app.engine.convert import SOURCE, convert
from desktop_app.errors import AppError, Cancelled
from desktop_app.weights.headers import read_header

pytestmark = pytest.mark.slow

WEIGHTS = {
    "a.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "a.bias": torch.ones(4, dtype=torch.bfloat16),
    "half": torch.full((2, 2), 0.5, dtype=torch.float16),
    "scalar": torch.tensor(7),
    "empty": torch.zeros(0, 3),
    "turned": torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
}


def equal(path: Path, tensors: dict[str, torch.Tensor]) -> bool:
    found = load_file(path)
    return found.keys() == tensors.keys() and all(
        found[name].dtype == one.dtype and torch.equal(found[name], one)
        for name, one in tensors.items()
    )


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old"])
@pytest.mark.parametrize("inside", [(), ("state_dict",), ("model", "module"), ("params_ema",)])
def test_every_tensor_is_written_bit_for_bit(
    tmp_path: Path, inside: tuple[str, ...], new: bool
) -> None:
    value: Any = dict(WEIGHTS)
    for name in reversed(inside):
        value = {name: value, "epoch": 3}
    source = tmp_path / "m.ckpt"
    torch.save(value, source, _use_new_zipfile_serialization=new)
    told: list[tuple[int, int]] = []
    target = tmp_path / "out/m.safetensors"
    count = convert(source, target, lambda done, total: told.append((done, total)))
    assert count == len(WEIGHTS)
    assert equal(target, WEIGHTS)
    assert told[-1][0] == told[-1][1] > 0
    header = read_header(target)
    assert header.metadata[SOURCE] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert [path.name for path in target.parent.iterdir()] == ["m.safetensors"]


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    whole = torch.arange(10, dtype=torch.float32)
    torch.save({"a": whole, "b": whole[2:5], "c": whole}, tmp_path / "m.pt")
    convert(tmp_path / "m.pt", tmp_path / "m.safetensors")
    assert equal(tmp_path / "m.safetensors", {"a": whole, "b": whole[2:5], "c": whole})


def test_a_textual_inversion_of_a1111(tmp_path: Path) -> None:
    vectors = torch.randn(4, 768)
    value = {"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}, "name": "fox"}
    torch.save(value, tmp_path / "fox.pt")
    assert convert(tmp_path / "fox.pt", tmp_path / "fox.safetensors") == 1
    assert equal(tmp_path / "fox.safetensors", {"emb_params": vectors})


def test_copies_for_training_are_left_out(tmp_path: Path) -> None:
    extra = {"model_ema.a": torch.ones(2), "loss.x": torch.ones(2), "step": 5, 7: torch.ones(1)}
    torch.save({"state_dict": {**WEIGHTS, **extra}}, tmp_path / "m.ckpt")
    convert(tmp_path / "m.ckpt", tmp_path / "m.safetensors")
    assert equal(tmp_path / "m.safetensors", WEIGHTS)


def test_what_trainers_leave_behind_is_read_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "pytorch_lightning.callbacks.model_checkpoint"
    kind = type("ModelCheckpoint", (), {"__module__": name})
    module = types.ModuleType(name)
    module.ModelCheckpoint = kind  # pyright: ignore[reportAttributeAccessIssue]
    with monkeypatch.context() as patch:
        for above in ("pytorch_lightning", "pytorch_lightning.callbacks"):
            patch.setitem(sys.modules, above, types.ModuleType(above))
        patch.setitem(sys.modules, name, module)
        value = {"state_dict": WEIGHTS, "callbacks": {kind: {"best": 1.0}, "one": kind()}}
        torch.save(value, tmp_path / "m.ckpt")
    convert(tmp_path / "m.ckpt", tmp_path / "m.safetensors")
    assert equal(tmp_path / "m.safetensors", WEIGHTS)
    assert name not in sys.modules


class _Planted:
    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.sentinel),)


@pytest.mark.parametrize("way", ["beside", "inside", "old", "plain", "evil name"])
def test_what_is_planted_never_runs(tmp_path: Path, way: str) -> None:
    sentinel, source = tmp_path / "ran", tmp_path / "m.ckpt"
    planted = _Planted(sentinel)
    match way:
        case "plain":
            source.write_bytes(pickle.dumps(planted))
        case "inside":
            torch.save({"state_dict": {**WEIGHTS, "x": planted}}, source)
        case "evil name":
            torch.save({planted: 5, **WEIGHTS}, source)
        case _:
            value = {"state_dict": WEIGHTS, "more": planted}
            torch.save(value, source, _use_new_zipfile_serialization=way != "old")
    with pytest.raises(AppError) as refusal:
        convert(source, tmp_path / "m.safetensors")
    assert refusal.value.code == "pickle-unsafe"
    assert not sentinel.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["m.ckpt"]
    torch.load(source, weights_only=False) if way != "plain" else pickle.loads(source.read_bytes())
    assert sentinel.exists(), "the trap would have worked"


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"PK\3\4" + b"\0" * 100, b"\x80\x02]q\0."])
def test_what_is_no_checkpoint_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.pt").write_bytes(data)
    with pytest.raises(AppError) as refusal:
        convert(tmp_path / "m.pt", tmp_path / "m.safetensors")
    assert refusal.value.code in ("pickle-unsafe", "model-damaged", "model-empty")
    assert "m.pt" in refusal.value.sentence
    assert not (tmp_path / "m.safetensors").exists()


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "m.pt")
    data = (tmp_path / "m.pt").read_bytes()
    for length in (len(data) // 2, len(data) - 30):
        (tmp_path / "m.pt").write_bytes(data[:length])
        with pytest.raises(AppError):
            convert(tmp_path / "m.pt", tmp_path / "m.safetensors")


def test_a_conversion_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "m.pt")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        convert(tmp_path / "m.pt", tmp_path / "m.safetensors", stop=stop)
    assert asked > 3
    assert [path.name for path in tmp_path.iterdir()] == ["m.pt"]


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "m.pt")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(AppError) as refusal:
        convert(tmp_path / "m.pt", tmp_path / "file/m.safetensors")
    assert refusal.value.code == "write-failed"
