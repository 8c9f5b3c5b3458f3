"""Copying models among our own."""

import errno
import os
from pathlib import Path

import pytest

from desktop_app.errors import AppError, Cancelled
from desktop_app.library import bring_in, fetch_disk
from desktop_app.library.bring_in import copy_in, is_model
from tests.library import files
from tests.library.models import make_model

pytestmark = pytest.mark.core


def never() -> bool:
    return False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return files.write_shapes(tmp_path / "from" / "ft-mse.safetensors", files.vae())


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_a_file_goes_to_the_folder_of_its_kind(file: Path, models: Path) -> None:
    copy = copy_in(file, models, never)
    assert copy == models / "vae" / "ft-mse.safetensors"
    assert copy.read_bytes() == file.read_bytes()
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_the_same_file_is_not_copied_twice(file: Path, models: Path) -> None:
    assert copy_in(file, models, never) == copy_in(file, models, never)
    assert len(list((models / "vae").iterdir())) == 1


def test_another_file_of_the_name_is_left_alone(file: Path, models: Path) -> None:
    (models / "vae").mkdir(parents=True)
    (models / "vae" / "ft-mse.safetensors").write_bytes(b"mine")
    assert copy_in(file, models, never).name == "ft-mse-2.safetensors"
    assert (models / "vae" / "ft-mse.safetensors").read_bytes() == b"mine"


def test_a_model_trained_again_is_another_of_its_name_and_size(file: Path, models: Path) -> None:
    before = copy_in(file, models, never)
    changed = bytearray(before.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)
    after = copy_in(file, models, never)
    assert after.name == "ft-mse-2.safetensors"
    assert after.read_bytes() == changed
    assert before.read_bytes() != changed


def test_a_stop_ends_the_look_at_what_is_there(file: Path, models: Path) -> None:
    copy_in(file, models, never)
    with pytest.raises(Cancelled):
        copy_in(file, models, lambda: True)
    assert [path.name for path in (models / "vae").iterdir()] == [file.name]


def test_a_folder_comes_without_code_and_links(tmp_path: Path, models: Path) -> None:
    folder = tmp_path / "from" / "fox"
    make_model(folder)
    (folder / "run.py").write_text("boom")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.json").write_text("{}")
    (folder / "secret.txt").symlink_to("/etc/hostname")
    with pytest.raises(AppError):
        copy_in(folder, models, never)
    (folder / "run.py").unlink()
    copy = copy_in(folder, models, never)
    assert copy == models / "checkpoints" / "fox"
    found = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert "model_index.json" in found
    assert "unet/diffusion_pytorch_model.safetensors" in found
    assert not any(name.startswith(".git") or name == "secret.txt" for name in found)


def test_a_folder_that_is_no_model_is_told_where_it_belongs(tmp_path: Path, models: Path) -> None:
    (tmp_path / "many").mkdir()
    with pytest.raises(AppError) as caught:
        copy_in(tmp_path / "many", models, never)
    assert caught.value.sentence == (
        "“many” was not copied. It is no model by itself: it holds no model_index.json."
    )
    assert "add it to the folders" in caught.value.hint


def test_what_is_no_model_is_not_copied(tmp_path: Path, models: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    with pytest.raises(AppError) as caught:
        copy_in(tmp_path / "x.safetensors", models, never)
    assert caught.value.code == "model-kind"
    assert caught.value.sentence.startswith("“x.safetensors” was not copied. It is damaged: ")
    assert "folder" not in caught.value.hint
    assert not models.exists()


def test_a_stop_leaves_nothing(file: Path, models: Path) -> None:
    with pytest.raises(Cancelled):
        copy_in(file, models, lambda: True)
    assert list((models / "vae").iterdir()) == []


def test_a_full_disk_leaves_nothing(
    file: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bring_in.os, "fsync", full)
    with pytest.raises(AppError) as caught:
        copy_in(file, models, never)
    assert caught.value.code == "disk-full"
    assert list((models / "vae").iterdir()) == []


def test_too_little_room_is_told_first(
    file: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetch_disk.shutil.disk_usage(file.parent)
    monkeypatch.setattr(fetch_disk.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(AppError) as caught:
        copy_in(file, models, never)
    assert caught.value.code == "disk-full"
    assert not models.exists()


def test_models_are_known_by_their_names(file: Path, tmp_path: Path) -> None:
    assert is_model(file)
    assert is_model(tmp_path)
    assert not is_model(tmp_path / "fox.png")


def test_it_tells_how_far_it_is(file: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring_in, "_BLOCK", 1000)
    size = file.stat().st_size
    told: list[tuple[int, int]] = []
    copy_in(file, models, never, lambda done, of: told.append((done, of)))
    assert len(told) == -(-size // 1000) > 1
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (size, size)
