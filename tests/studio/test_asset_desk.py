"""What the artist does with models, on a whole studio with real files."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop_app.errors import Cancelled
from desktop_app.library.catalog import Catalog
from desktop_app.library.fetch_order import Order, keep_order
from desktop_app.library.hub_files import RemoteFile
from desktop_app.library.identity import Asset, Defaults, Facts
from desktop_app.recipe.recipe import LoraUse
from desktop_app.studio.asset_desk import AssetDesk
from tests.library import files
from tests.library.hub_server import COMMIT, serve
from tests.studio.conftest import Stage

pytestmark = pytest.mark.gui


def ink(path: Path, rank: int = 4, **metadata: str) -> Path:
    """A small LoRA in kohya's names."""
    modules = [
        (
            f"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_{attention}_to_{part}",
            320,
            320,
        )
        for attention in ("attn1", "attn2")
        for part in ("q", "k", "v")
    ]
    return files.write_shapes(path, files.kohya(modules, rank=rank), metadata=metadata)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder of another program with one LoRA."""
    folder = tmp_path / "Other"
    ink(folder / "loras" / "ink wash.safetensors", ss_base_model_version="sd_v1")
    return folder


def named(stage: Stage, name: str) -> Asset:
    return next(one for one in stage.studio.desk.assets.all if one.name == name)


def desk_of(stage: Stage) -> AssetDesk:
    return stage.studio.desk


def watch(stage: Stage, folder: Path) -> None:
    """Watch a folder and wait until everything in it has its hash.

    The stage's folders are its own; those of the settings are taken in here.
    """
    desk = desk_of(stage)
    desk.watch(folder)
    stage.until(lambda: str(folder) in stage.studio.settings.values.model_folders)
    stage.until(lambda: any(one.path.is_relative_to(folder) for one in desk.assets.all))
    stage.until(lambda: all(one.sha256 or one.unsupported for one in desk.assets.all))


def test_a_watched_folder_is_read_where_it_lies(stage: Stage, other: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in other.rglob("*")}
    watch(stage, other)
    asset = named(stage, "ink wash")
    assert (asset.identity.kind, asset.identity.family) == ("lora", "sd1")
    assert [one.path for one in desk_of(stage).watched] == [other]
    assert {path: path.stat().st_mtime_ns for path in other.rglob("*")} == before


def test_a_folder_is_watched_once_and_let_go(stage: Stage, other: Path) -> None:
    desk = desk_of(stage)
    watch(stage, other)
    desk.watch(other)
    stage.until(lambda: "looked through already" in stage.listener.texts())
    assert stage.studio.settings.values.model_folders == (str(other),)
    desk.unwatch(other)
    stage.until(lambda: desk.watched == ())
    stage.until(
        lambda: not any(one.name == "ink wash" and not one.missing for one in desk.assets.all)
    )
    assert (other / "loras" / "ink wash.safetensors").exists()


def test_no_folder_is_told(stage: Stage, tmp_path: Path) -> None:
    desk_of(stage).watch(tmp_path / "nowhere")
    stage.until(lambda: "There is no folder" in stage.listener.texts())
    assert stage.studio.settings.values.model_folders == ()


def test_a_lora_is_used(stage: Stage, other: Path) -> None:
    watch(stage, other)
    used: list[Asset] = []
    desk_of(stage).used.connect(used.append)
    asset = named(stage, "ink wash")
    desk_of(stage).use(asset)
    stage.until(lambda: used)
    (use,) = stage.studio.editor.draft.adapters
    assert isinstance(use, LoraUse)
    assert use.lora.sha256 == asset.sha256
    assert desk_of(stage).assets.is_in_use(asset)


def test_a_lora_that_the_prompt_calls_is_in_use(stage: Stage, other: Path) -> None:
    watch(stage, other)
    assets, editor = desk_of(stage).assets, stage.studio.editor
    asset = named(stage, "ink wash")
    assert not assets.is_in_use(asset)
    editor.set(prompt="a fox, <lora:ink wash:0.8>, <lora:nobody:1>")
    assert assets.is_in_use(asset)
    editor.set(prompt="a fox, <lora:nobody:1>")
    assert not assets.is_in_use(asset)


def test_a_lora_whose_hash_is_found_later_is_in_use_then(stage: Stage, other: Path) -> None:
    desk = desk_of(stage)
    stage.studio.editor.set(prompt="a fox, <lora:ink wash:0.8>")
    watch(stage, other)
    stage.until(lambda: desk.assets.is_in_use(named(stage, "ink wash")))


def test_what_is_left_to_be_read_is_told_after_what_is_known_by_now(
    stage: Stage, other: Path
) -> None:
    ink(other / "loras" / "oil.safetensors", rank=8, ss_base_model_version="sd_v1")
    desk, names = desk_of(stage), stage.studio.names
    told: list[tuple[int, int, int]] = []

    def look(left: int) -> None:
        loras = [one for one in desk.assets.all if one.identity.kind == "lora"]
        told.append((left, sum(one.sha256 is None for one in loras), len(names.names.loras)))

    desk.hashing.connect(look)
    watch(stage, other)
    stage.until(lambda: len(told) > 1)
    assert told[:2] == [(1, 1, 1), (0, 0, 2)]


def test_what_is_wanted_is_read_before_what_is_being_read(
    stage: Stage, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ink(other / "loras" / "oil.safetensors", rank=8, ss_base_model_version="sd_v1")
    hashed, reading, go_on = Catalog.hash, threading.Event(), threading.Event()

    def slowly(self: Catalog, asset: Asset, progress: Any = None, stop: Any = None) -> Asset:
        reading.set()
        while asset.name == "ink wash" and not go_on.wait(0.01):
            if stop():
                raise Cancelled
        return hashed(self, asset, progress, stop)

    monkeypatch.setattr(Catalog, "hash", slowly)
    desk = desk_of(stage)
    desk.watch(other)
    stage.until(reading.is_set)
    desk.use(named(stage, "oil"))
    stage.until(lambda: stage.studio.editor.draft.adapters)
    assert named(stage, "ink wash").sha256 is None
    go_on.set()
    stage.until(lambda: named(stage, "ink wash").sha256)


def test_a_tag_calls_the_same_lora_however_the_models_are_sorted(stage: Stage, other: Path) -> None:
    ink(other / "more" / "ink wash.safetensors", rank=8, ss_base_model_version="sd_v1")
    watch(stage, other)
    assets = desk_of(stage).assets
    both = {one.sha256 or "" for one in assets.all if one.name == "ink wash"}
    assert len(both) == 2
    called = stage.studio.names.names.loras["ink wash"]
    for last in both:
        assets.set_order("used", {last: 1.0})
        assets.set_assets(assets.all)
        assert stage.studio.names.names.loras["ink wash"] == called


def test_a_model_is_used(stage: Stage) -> None:
    stage.until(lambda: desk_of(stage).assets.all)
    asset = named(stage, "Scripted")
    desk_of(stage).use(asset)
    model = stage.studio.editor.draft.model
    assert model is not None
    assert model.sha256 == asset.sha256


def test_what_cannot_be_used_says_why(stage: Stage, other: Path) -> None:
    (other / "upscale_models").mkdir()
    (other / "upscale_models" / "4x.pth").write_bytes(b"x" * 100)
    watch(stage, other)
    desk_of(stage).use(named(stage, "4x"))
    assert "pickle" in stage.listener.texts()
    assert stage.studio.editor.draft.adapters == ()


def test_what_is_said_of_a_model_outlives_the_session(
    open_stage: Callable[..., Stage], other: Path
) -> None:
    first = open_stage()
    first.start()
    watch(first, other)
    desk = desk_of(first)
    desk.set_favourite(named(first, "ink wash"), True)
    desk.set_notes(named(first, "ink wash"), "dark lines")
    desk.set_words(named(first, "ink wash"), ("inkwash",))
    desk.set_defaults(named(first, "ink wash"), Defaults(weight=0.7))
    first.until(lambda: named(first, "ink wash").facts.defaults.weight == 0.7)
    first.end()
    second = open_stage()
    second.start()
    second.until(lambda: any(one.name == "ink wash" for one in desk_of(second).assets.all))
    asset = named(second, "ink wash")
    assert (asset.favourite, asset.notes, asset.trigger_words) == (True, "dark lines", ("inkwash",))
    assert asset.facts.defaults == Defaults(weight=0.7)


def test_an_answer_to_an_earlier_word_does_not_take_back_a_later_one(
    stage: Stage, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(stage, other)
    desk = desk_of(stage)
    say, go_on = Catalog.say, threading.Event()

    def slowly(self: Catalog, asset: Asset, facts: Facts) -> Asset:
        assert go_on.wait(20)
        return say(self, asset, facts)

    monkeypatch.setattr(Catalog, "say", slowly)
    desk.set_notes(named(stage, "ink wash"), "for skies")
    desk.set_favourite(named(stage, "ink wash"), True)
    shown: list[bool] = []
    desk.assets.dataChanged.connect(
        lambda *_: shown.append(named(stage, "ink wash").facts.favourite)
    )
    go_on.set()
    stage.until(lambda: shown)
    assert all(shown)
    assert named(stage, "ink wash").facts == Facts(notes="for skies", favourite=True)


def test_a_file_is_copied_in_with_its_picture(stage: Stage, other: Path) -> None:
    file = other / "loras" / "ink wash.safetensors"
    (other / "loras" / "ink wash.preview.png").write_bytes(b"picture")
    desk = desk_of(stage)
    desk.copy_in((file,))
    stage.until(lambda: "“ink wash.safetensors” is here." in stage.listener.texts())
    copy = desk.own_folder / "loras" / "ink wash.safetensors"
    assert copy.read_bytes() == file.read_bytes()
    assert (copy.parent / "ink wash.preview.png").exists()
    stage.until(lambda: any(one.path == copy for one in desk.assets.all))
    assert sorted(path.name for path in copy.parent.iterdir()) == [
        "ink wash.preview.png",
        "ink wash.safetensors",
    ]


def test_a_dropped_file_is_used_where_it_lies(stage: Stage, other: Path) -> None:
    desk_of(stage).watch_place((other / "loras" / "ink wash.safetensors",))
    stage.until(lambda: any(one.name == "ink wash" for one in desk_of(stage).assets.all))
    assert stage.studio.settings.values.model_folders == (str(other / "loras"),)


def test_trigger_words_go_to_the_prompt(stage: Stage) -> None:
    stage.studio.editor.set(prompt="a fox")
    desk_of(stage).add_word("inkwash")
    assert stage.studio.editor.draft.prompt == "a fox, inkwash"
    stage.studio.editor.undo()
    assert stage.studio.editor.draft.prompt == "a fox"


def test_a_download_that_was_cut_off_is_offered_and_not_begun(
    open_stage: Callable[..., Stage], home: Path
) -> None:
    with serve() as hub:
        row = hub.put("ink.safetensors", b"ink" * 100).listed
        order = Order(
            id="cafe",
            title="ink.safetensors",
            repo=hub.repo,
            commit=COMMIT,
            licence="MIT",
            files=(
                (
                    RemoteFile(
                        path="ink.safetensors", size=row["size"], sha256=row["lfs"]["sha256"]
                    ),
                    "ink.safetensors",
                ),
            ),
            folder=False,
        )
        keep_order(order, home / "models")
        stage = open_stage()
        stage.studio.settings.set(hub_mirror=hub.endpoint)
        stage.start()
        stage.until(lambda: "A download was not finished" in stage.listener.texts())
        assert hub.requests == []
        notice = stage.listener.with_action("Go on")
        assert notice.act is not None
        notice.act()
        stage.until(lambda: "“ink.safetensors” is here." in stage.listener.texts())
        assert len(hub.requests) == 1
