"""Folders of other programs are found, their layouts known, and nothing in them is changed."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.library.folders import (
    check_folder_to_watch,
    extra_model_paths,
    recognise,
    usual,
)
from desktop_app.library.invokeai import model_names
from desktop_app.library.walk import Entry, Walk

pytestmark = pytest.mark.core


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(root: Path) -> dict[str, Entry]:
    """What a walk gives, by the place below the root."""
    folder = recognise(root)
    walk = Walk()
    entries = [entry for place, kind in folder.roots for entry in walk.entries(place, kind)]
    return {entry.path.relative_to(root).as_posix(): entry for entry in entries}


def comfyui(root: Path) -> Path:
    for name in ("checkpoints", "loras", "vae", "diffusion_models", "clip", "upscale_models"):
        (root / "models" / name).mkdir(parents=True)
    return root


def test_a1111_and_forge(tmp_path: Path) -> None:
    put(tmp_path / "models/Stable-diffusion/a.safetensors")
    put(tmp_path / "models/Lora/deep/er/b.safetensors")
    put(tmp_path / "models/VAE/c.pt")
    put(tmp_path / "embeddings/d.pt")
    put(tmp_path / "outputs/picture.png")
    put(tmp_path / "extensions/sd-webui-controlnet/models/e.pth")
    put(tmp_path / "extensions/other/model.safetensors")
    assert recognise(tmp_path).program == "a1111"
    hints = {name: entry.hint for name, entry in found(tmp_path).items()}
    assert hints == {
        "models/Stable-diffusion/a.safetensors": "checkpoint",
        "models/Lora/deep/er/b.safetensors": "lora",
        "models/VAE/c.pt": "vae",
        "embeddings/d.pt": "embedding",
        "extensions/sd-webui-controlnet/models/e.pth": "controlnet",
    }
    assert recognise(tmp_path / "models").program == "a1111"


def test_comfyui_with_paths_of_its_own(tmp_path: Path) -> None:
    root = comfyui(tmp_path / "ComfyUI")
    put(root / "models/checkpoints/a.safetensors")
    shared = tmp_path / "shared"
    put(shared / "sd/b.safetensors")
    put(shared / "l1/c.safetensors")
    put(tmp_path / "l2/d.safetensors")
    put(
        root / "extra_model_paths.yaml",
        f"""
other:
    base_path: {shared}
    is_default: true
    checkpoints: sd
    loras: |
        l1
        ../l2
    unknown: 5
broken: [1, 2]
""".encode(),
    )
    folder = recognise(root)
    assert folder.program == "comfyui"
    assert folder.title == "ComfyUI"
    walk = Walk()
    entries = [entry for place, kind in folder.roots for entry in walk.entries(place, kind)]
    assert {(entry.path.name, entry.hint) for entry in entries} == {
        ("a.safetensors", "checkpoint"),
        ("b.safetensors", "checkpoint"),
        ("c.safetensors", "lora"),
        ("d.safetensors", "lora"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "!!python/object/apply:os.system ['touch ran']",
        "a: !!python/name:os.system",
        "a:\n  checkpoints: !!python/object/new:pathlib.Path ['x']",
        "[" * 10_000,
        "a: {" * 3000,
        "\0",
        "a: 2001-99-99",
        "- 5",
        "a:\n  base_path: {}\n  checkpoints: [x]",
        "x" * 300_000,
        "a:\n" + "  k: v\n" * 20_000,
    ],
)
def test_yaml_that_is_not_what_it_should_be_names_nothing(tmp_path: Path, text: str) -> None:
    path = put(tmp_path / "extra_model_paths.yaml", text.encode())
    assert extra_model_paths(path) == []
    assert not (tmp_path / "ran").exists()


def test_yaml_in_brackets_is_read_but_not_with_hundreds_of_them(tmp_path: Path) -> None:
    """Thousands within each other would take PyYAML seconds."""
    text = "a: {base_path: /models, loras: 'l [mine]'}\n"
    path = put(tmp_path / "extra_model_paths.yaml", text.encode())
    assert extra_model_paths(path) == [(Path("/models/l [mine]"), "lora")]
    put(path, (text + "b: " + "[" * 200 + "]" * 200).encode())
    assert extra_model_paths(path) == []


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_for_yaml_are_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = put(tmp_path_factory.getbasetemp() / "fuzz.yaml", data)
    for place, _ in extra_model_paths(path):
        assert place.is_absolute()


def test_an_absent_yaml_names_nothing(tmp_path: Path) -> None:
    assert extra_model_paths(tmp_path / "none.yaml") == []


def test_stability_matrix(tmp_path: Path) -> None:
    put(tmp_path / "Data/Models/StableDiffusion/a.safetensors")
    put(tmp_path / "Data/Models/Lora/b.safetensors")
    put(tmp_path / "Data/Models/ESRGAN/c.pth")
    put(tmp_path / "Data/Packages/x/models/d.safetensors")
    assert recognise(tmp_path).program == "stability-matrix"
    hints = {entry.path.name: entry.hint for entry in found(tmp_path).values()}
    assert hints == {"a.safetensors": "checkpoint", "b.safetensors": "lora", "c.pth": "upscaler"}


def invokeai(root: Path, table: str = "models") -> Path:
    put(root / "invokeai.yaml", b"schema_version: 4.0.2\n")
    put(root / "models/0f3a/model.safetensors")
    (root / "databases").mkdir()
    connection = sqlite3.connect(root / "databases/invokeai.db")
    with connection:
        connection.execute(f"CREATE TABLE {table} (id TEXT, config TEXT)")
        for config in (
            json.dumps({"path": "0f3a/model.safetensors", "name": "Dream\u202ey"}),
            json.dumps({"path": 5, "name": "x"}),
            "[" * 5000,
            None,
        ):
            connection.execute(f"INSERT INTO {table} VALUES ('k', ?)", (config,))
    connection.close()
    return root


@pytest.mark.parametrize("table", ["models", "model_config"])
def test_invokeai_names_its_models(tmp_path: Path, table: str) -> None:
    root = invokeai(tmp_path / "invokeai", table)
    before = sorted(path.name for path in (root / "databases").iterdir())
    assert recognise(root).program == "invokeai"
    assert list(found(root)) == ["models/0f3a/model.safetensors"]
    assert model_names(root) == {root / "models/0f3a/model.safetensors": "Dream y"}
    assert sorted(path.name for path in (root / "databases").iterdir()) == before


def test_a_damaged_database_of_invokeai_names_nothing(tmp_path: Path) -> None:
    root = invokeai(tmp_path / "invokeai")
    for data in (b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4000):
        (root / "databases/invokeai.db").write_bytes(data)
        assert model_names(root) == {}
    assert model_names(tmp_path) == {}


def hub(root: Path) -> Path:
    """A cache with one repository in two revisions, whose files are links to blobs."""
    repo = root / "models--org--fine-model"
    put(repo / "blobs/aaa", b"1")
    put(repo / "blobs/bbb", b"2")
    for revision, blob in (("r1", "aaa"), ("r2", "bbb")):
        place = repo / "snapshots" / revision
        place.mkdir(parents=True)
        (place / "model.safetensors").symlink_to(f"../../blobs/{blob}")
    put(repo / "refs/main", b"r2")
    put(root / "models--org--other/snapshots/r1/model_index.json", b"{}")
    (root / "datasets--x").mkdir()
    return root


def test_the_hugging_face_cache_shows_the_revision_in_use_once(tmp_path: Path) -> None:
    root = hub(tmp_path / "hub")
    assert recognise(root).program == "hugging-face"
    assert recognise(tmp_path).program == "hugging-face"
    assert {name: entry.form for name, entry in found(root).items()} == {
        "models--org--fine-model/snapshots/r2/model.safetensors": "file",
        "models--org--other/snapshots/r1": "folder",
    }


def test_folders_that_are_one_model_are_not_looked_into(tmp_path: Path) -> None:
    put(tmp_path / "pipeline/model_index.json", b"{}")
    put(tmp_path / "pipeline/unet/diffusion_pytorch_model.safetensors")
    put(tmp_path / "control/config.json", b"{}")
    put(tmp_path / "control/diffusion_pytorch_model.safetensors")
    put(tmp_path / "flat/config.json", b"{}")
    put(tmp_path / "flat/some.safetensors")
    assert {name: entry.form for name, entry in found(tmp_path).items()} == {
        "pipeline": "folder",
        "control": "part",
        "flat/some.safetensors": "file",
    }


def test_links_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    root = tmp_path / "models"
    put(root / "loras/a.safetensors")
    put(tmp_path / "elsewhere/b.safetensors")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    (root / "loras/again.safetensors").symlink_to(root / "loras/a.safetensors")
    (root / "loras/dead.safetensors").symlink_to(root / "absent")
    os.link(root / "loras/a.safetensors", root / "loras/z.safetensors")
    assert sorted(found(root)) == ["linked/b.safetensors", "loras/a.safetensors"]


def test_what_is_no_model_is_passed_over(tmp_path: Path) -> None:
    for name in (
        *("a.txt", "b.safetensors.part", ".hidden.safetensors", "optimizer.bin"),
        *(".git/c.safetensors", "__pycache__/d.pt", "venv/e.pth"),
    ):
        put(tmp_path / name)
    put(tmp_path / "both.ckpt")
    put(tmp_path / "both.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    assert list(found(tmp_path)) == ["both.safetensors"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    folder = recognise(tmp_path / "absent")
    assert folder.missing
    assert found(tmp_path / "absent") == {}
    with pytest.raises(AppError) as refusal:
        check_folder_to_watch(tmp_path / "absent")
    assert refusal.value.code == "folder-missing"
    assert check_folder_to_watch(tmp_path).program == "folder"


def test_the_usual_places_are_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "home"
    comfyui(home / "ComfyUI")
    put(home / "stable-diffusion-webui/models/Stable-diffusion/a.safetensors")
    (home / "Documents/invokeai").mkdir(parents=True)  # empty: no InvokeAI
    hub(tmp_path / "hf/hub")
    env = {"HOME": str(home), "HF_HOME": str(tmp_path / "hf")}
    assert {folder.program for folder in usual(env)} == {"comfyui", "a1111", "hugging-face"}
    assert usual({"HOME": str(tmp_path / "nobody")}) == ()
