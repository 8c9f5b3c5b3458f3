"""What a prompt can call by name, kept in step with the folder and the models."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.library.identity import Asset, Identity
from desktop_app.recipe.recipe import LoraUse, ModelRef
from desktop_app.studio.names import loras_of
from tests.studio.conftest import Stage


def lora(stem: str, name: str, digit: str = "1") -> Asset:
    identity = Identity(kind="lora", family="sd15", format="safetensors")
    return Asset(
        path=Path(f"/models/{stem}.safetensors"), identity=identity, name=name, sha256=digit * 64
    )


def test_a_lora_is_called_by_its_file_or_its_title() -> None:
    ink, oil = lora("ink_v2", "Ink"), lora("Ink", "Oil: a study", "2")
    found = loras_of([ink, oil])
    assert found["ink_v2"].sha256 == "1" * 64
    assert found["Ink"].sha256 == "2" * 64
    assert "Oil: a study" not in found
    assert found["Oil a study"].sha256 == "2" * 64
    assert loras_of([Asset(path=ink.path, identity=ink.identity, name="No hash yet")]) == {}


def test_a_lora_of_the_folders_is_attached_by_the_prompt(stage: Stage) -> None:
    studio = stage.studio
    studio.desk.assets.set_assets([lora("ink_v2", "Ink")])
    assert "ink_v2" in studio.names.names.loras
    stage.order("a fox <lora:ink_v2:0.6>")
    stage.made(1)
    (recipe,) = stage.backend.rendered
    ref = ModelRef(sha256="1" * 64, name="Ink", kind="lora")
    assert recipe.prompt == "a fox "
    assert recipe.adapters == (LoraUse(lora=ref, weight=0.6),)


def test_the_folder_is_made_and_watched(stage: Stage) -> None:
    names = stage.studio.names
    done: list[bool] = []
    assert not names.folder.exists()
    names.make_folder(lambda: done.append(True))
    stage.until(lambda: done)
    assert names.folder.is_dir()
    stage.until(lambda: names._watcher.directories())  # pyright: ignore[reportPrivateUsage]
    (names.folder / "cat.txt").write_text("tabby\n", "utf-8")
    stage.until(lambda: "cat" in names.names.wildcards)


def test_pictures_ordered_before_the_store_is_open_read_the_files_too(
    open_stage: Callable[..., Stage],
) -> None:
    stage = open_stage()
    folder = stage.studio.names.folder
    folder.mkdir(parents=True)
    (folder / "cat.txt").write_text("tabby\n", "utf-8")
    stage.studio.editor.set(prompt="a __cat__")
    stage.studio.generate()
    stage.start()
    stage.made(1)
    assert stage.backend.rendered[0].prompt == "a tabby"


def test_an_empty_folder_comes_with_a_word_on_what_to_put_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(stage.studio.album, "open_folder", shown.append)
    stage.studio.open_wildcards_folder()
    stage.until(lambda: "is a wildcard" in stage.listener.texts())
    assert shown == [stage.studio.names.folder]


def test_a_folder_that_cannot_be_made_is_told(stage: Stage) -> None:
    stage.studio.names.folder.write_text("a file", "utf-8")
    stage.studio.open_wildcards_folder()
    stage.until(lambda: "cannot be made" in stage.listener.texts())


def test_tokens_are_counted_as_the_first_picture_is_told(stage: Stage) -> None:
    studio = stage.studio
    names = studio.names
    names.folder.mkdir(parents=True, exist_ok=True)
    (names.folder / "cat.txt").write_text("a a a a\n", "utf-8")
    names.refresh()
    stage.until(lambda: names.names.wildcards)
    studio.editor.set(prompt="a")
    stage.until(lambda: studio.tokens.prompt is not None)
    one = studio.tokens.prompt
    assert one is not None
    studio.editor.set(prompt="__cat__ --ar 3:2")
    stage.until(lambda: studio.tokens.prompt == 4 * one)
