"""What a prompt can call by name, kept in step with the folder and the models."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.called import loras_of
from desktop_app.library.identity import Asset, Identity
from desktop_app.recipe.marks import problems
from desktop_app.recipe.recipe import LoraUse, ModelRef
from desktop_app.studio.orders import Orders
from tests.studio.conftest import Stage
from tests.studio.test_asset_desk import ink

MODEL = ModelRef(sha256="0" * 64, name="model")


def orders_of(stage: Stage) -> Orders:
    orders = stage.studio.findChild(Orders)
    assert orders is not None
    return orders


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


def test_an_order_waits_until_the_lora_that_it_calls_is_read(stage: Stage, tmp_path: Path) -> None:
    studio = stage.studio
    studio.desk.assets.set_assets(
        replace(lora(path.stem, path.stem), path=path, sha256=None)
        for path in (ink(tmp_path / "ink.safetensors"), ink(tmp_path / "oil.safetensors", rank=8))
    )
    text = "a fox <lora:ink:0.6><lora:oil:0.4>"
    assert problems(text, studio.names.names) == ()
    assert problems("<lora:nobody:1>", studio.names.names) != ()
    studio.editor.set(prompt=text)
    with pytest.raises(AppError, match="is still being read"):
        orders_of(stage).expanded(replace(studio.editor.draft, model=MODEL))
    stage.order(text, seed=3, seed_rule="step")
    assert studio.editor.draft.seed == 4
    stage.made(1)
    (recipe,) = stage.backend.rendered
    uses = [use for use in recipe.adapters if isinstance(use, LoraUse)]
    assert [(use.lora.name, use.weight) for use in uses] == [("ink", 0.6), ("oil", 0.4)]
    assert (recipe.prompt, recipe.seed) == ("a fox ", 3)
    assert "“ink” is read once" in stage.listener.texts()


def test_nothing_is_made_of_a_prompt_whose_lora_cannot_be_read(
    stage: Stage, tmp_path: Path
) -> None:
    gone = replace(lora("ink", "ink"), path=tmp_path / "ink.safetensors", sha256=None)
    stage.studio.desk.assets.set_assets([gone])
    stage.order("a fox <lora:ink:0.6>")
    stage.until(lambda: "“ink” cannot be read" in stage.listener.texts())
    assert stage.studio.queue.active == 0


def test_an_order_before_the_folders_are_read_waits_for_them(
    open_stage: Callable[..., Stage], home: Path
) -> None:
    ink(home / "models" / "loras" / "ink.safetensors")
    stage = open_stage()
    stage.order("a fox <lora:ink:0.6>, <lora:nobody:1>")
    stage.start()
    stage.made(1)
    (recipe,) = stage.backend.rendered
    assert [isinstance(use, LoraUse) and use.weight for use in recipe.adapters] == [0.6]
    assert recipe.prompt == "a fox , <lora:nobody:1>"


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
