"""A pickle is converted in a process of its own, once, and only when it is trusted."""

import os
from pathlib import Path
from typing import Any

import pytest

from desktop_app import cli
from desktop_app.errors import AppError, Cancelled
from desktop_app.library.convert import convert_outside
from desktop_app.library.identify import identify

pytestmark = pytest.mark.slow


@pytest.fixture
def vae(tmp_path: Path) -> Path:
    import torch

    weights = {
        "decoder.conv_in.weight": torch.ones(8, 4, 3, 3),
        "decoder.up.0.block.0.norm1.weight": torch.ones(8),
    }
    path = tmp_path / "soft.vae.pt"
    torch.save({"state_dict": weights}, path)
    return path


def test_it_goes_where_its_kind_belongs_and_is_made_once(vae: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    made = convert_outside(vae, models, lambda: False)
    assert made == models / "vae/soft.vae.safetensors"
    assert (identify(made).kind, identify(made).unsupported) == ("vae", "")
    before = made.stat().st_mtime_ns
    assert convert_outside(vae, models, lambda: False) == made
    assert made.stat().st_mtime_ns == before
    assert [path for path in models.rglob("*") if path.is_file()] == [made]


def test_another_file_of_that_name_is_left_alone(vae: Path, tmp_path: Path) -> None:
    other = tmp_path / "models/vae/soft.vae.safetensors"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"mine")
    made = convert_outside(vae, tmp_path / "models", lambda: False)
    assert made.name == "soft.vae 2.safetensors"
    assert other.read_bytes() == b"mine"


def test_what_is_planted_never_runs_there_either(tmp_path: Path) -> None:
    import torch

    sentinel = tmp_path / "ran"

    class Planted:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return os.mkdir, (str(sentinel),)

    torch.save({"a": torch.ones(2), "b": Planted()}, tmp_path / "m.ckpt")
    with pytest.raises(AppError) as refusal:
        convert_outside(tmp_path / "m.ckpt", tmp_path / "models", lambda: False)
    assert refusal.value.code == "pickle-unsafe"
    assert "mkdir" in refusal.value.sentence
    assert not sentinel.exists()
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".safetensors"]


def test_it_can_be_stopped(vae: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        convert_outside(vae, tmp_path / "models", lambda: True)


@pytest.mark.core
def test_nothing_is_opened_without_trust(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.ckpt").write_bytes(b"x")
    assert cli.main(["convert", str(tmp_path / "m.ckpt")]) == 2
    assert "--trust" in capsys.readouterr().err
    assert cli.main(["convert", str(tmp_path / "none.ckpt"), "--trust"]) == 2
    (tmp_path / "m.safetensors").write_bytes(b"x")
    assert cli.main(["convert", str(tmp_path / "m.safetensors"), "--trust"]) == 2
