"""The order of the models, when each was used last, and what came and went meanwhile."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.library.identity import Asset, Identity, Kind
from desktop_app.settings import ModelsOrder
from desktop_app.studio.asset_order import in_order
from desktop_app.studio.asset_uses import USES_MAX, AssetUses
from desktop_app.studio.background import Background
from tests.library import files
from tests.studio.conftest import Stage
from tests.studio.test_asset_desk import ink, named, watch

pytestmark = pytest.mark.gui


def asset(name: str, kind: Kind, family: str, size: int, modified: float) -> Asset:
    return Asset(
        path=Path("/models") / name,
        identity=Identity(kind=kind, format="safetensors", family=family, bytes=size),
        name=name,
        sha256=f"{ord(name[0]):064x}",
        modified=modified,
    )


ASSETS = (
    asset("Owl", "checkpoint", "sdxl", 7, 30.0),
    asset("ant", "lora", "sd1", 1, 20.0),
    asset("Fox", "checkpoint", "sd1", 4, 40.0),
    asset("eel", "vae", "", 2, 10.0),
)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("kind", "Fox Owl eel ant"),
        ("name", "ant eel Fox Owl"),
        ("newest", "Fox Owl ant eel"),
        ("size", "Owl Fox eel ant"),
        ("used", "ant Owl Fox eel"),
        ("family", "Fox ant Owl eel"),
    ],
)
def test_every_order_is_as_its_name_says(order: ModelsOrder, names: str) -> None:
    used = {f"{ord('a'):064x}": 9.0, f"{ord('O'):064x}": 5.0}
    for given in (ASSETS, ASSETS[::-1]):
        assert [one.name for one in in_order(given, order, used)] == names.split()


def test_numbers_in_names_are_counted() -> None:
    names = ["v10", "V2", "v2b", "2x", "10x", "x" + "9" * 200, "v²"]
    found = in_order([asset(one, "lora", "", 1, 0.0) for one in names], "name", {})
    assert [one.name for one in found] == [
        "2x",
        "10x",
        "V2",
        "v2b",
        "v10",
        "v²",
        "x" + "9" * 200,
    ]


@pytest.fixture
def disk() -> Iterator[Background]:
    pool = Background(threads=1)
    yield pool
    pool.close()


def read(file: Path, disk: Background, bot: QtBot) -> AssetUses:
    uses = AssetUses(file, disk)
    with bot.waitSignal(uses.changed):
        uses.start()
    return uses


def test_uses_outlive_the_session(tmp_path: Path, disk: Background, qtbot: QtBot) -> None:
    file = tmp_path / "uses.json"
    uses = read(file, disk, qtbot)
    uses.add(["a" * 64])
    uses.add(["b" * 64, "c" * 64])
    qtbot.waitUntil(lambda: "c" * 64 in (file.read_text() if file.exists() else ""))
    again = read(file, disk, qtbot).times
    assert set(again) == {"a" * 64, "b" * 64, "c" * 64}
    assert again["a" * 64] <= again["b" * 64]


def test_what_is_used_before_the_file_is_read_is_added_to_it(
    tmp_path: Path, disk: Background, qtbot: QtBot
) -> None:
    file = tmp_path / "uses.json"
    file.write_text(json.dumps({"version": 1, "used": {"a" * 64: 5}}))
    uses = AssetUses(file, disk)
    uses.add(["b" * 64])
    with qtbot.waitSignal(uses.changed):
        uses.start()
    qtbot.waitUntil(lambda: "b" * 64 in file.read_text())
    assert json.loads(file.read_text())["used"]["a" * 64] == 5
    assert set(uses.times) == {"a" * 64, "b" * 64}


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"used": 5}',
        '{"used": {"short": 5, "' + "g" * 64 + '": 5}}',
        '{"used": {"' + "a" * 64 + '": "late"}}',
        '{"used": {"' + "a" * 64 + '": 1e300}}',
        '{"used": {"' + "a" * 64 + '": true}}',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_none_of_ours_is_survived(
    tmp_path: Path, disk: Background, qtbot: QtBot, text: str
) -> None:
    file = tmp_path / "uses.json"
    file.write_text(text)
    assert read(file, disk, qtbot).times == {}


def test_the_oldest_uses_are_forgotten(tmp_path: Path, disk: Background, qtbot: QtBot) -> None:
    rows = {f"{number:064x}": number for number in range(USES_MAX)}
    file = tmp_path / "uses.json"
    file.write_text(json.dumps({"used": rows}))
    uses = read(file, disk, qtbot)
    uses.add(["f" * 64])
    assert len(uses.times) == USES_MAX
    assert f"{0:064x}" not in uses.times
    assert "f" * 64 in uses.times


def test_a_model_comes_first_when_it_was_used(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "Other"
    module = ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", 320, 320)
    for rank, name in enumerate(("a", "b", "c"), 4):
        file = folder / "loras" / f"{name}.safetensors"
        files.write_shapes(file, files.kohya([module], rank=rank))
    watch(stage, folder)
    studio = stage.studio
    studio.settings.set(models_order="used")
    studio.desk.use(named(stage, "c"))
    assert studio.desk.assets.shown[0].name == "c"
    studio.desk.use(named(stage, "b"))
    assert [one.name for one in studio.desk.assets.shown[:2]] == ["b", "c"]
    # What is ordered uses the model, and everything that is attached to it.
    stage.order("a fox", count=1)
    stage.until(lambda: len(studio.uses.times) == 3)
    model = studio.editor.draft.model
    assert model is not None
    assert studio.uses.times[model.sha256] == max(studio.uses.times.values())


def test_what_the_prompt_calls_is_used_as_well(stage: Stage, tmp_path: Path) -> None:
    ink(tmp_path / "Other" / "loras" / "ink.safetensors")
    watch(stage, tmp_path / "Other")
    stage.until(lambda: "ink" in stage.studio.names.names.loras)
    stage.order("a fox <lora:ink:0.5>", count=1)
    called = named(stage, "ink").sha256
    stage.until(lambda: called in stage.studio.uses.times)


def seen(stage: Stage, name: str) -> bool:
    """Whether it is there, after a look that may still be under way."""
    stage.studio.glance.look()
    return any(one.name == name and not one.missing for one in stage.studio.desk.assets.all)


def test_what_came_and_went_is_seen_without_being_asked_for(stage: Stage, tmp_path: Path) -> None:
    folder, away = tmp_path / "Other", tmp_path / "Away"
    ink(folder / "loras" / "a.safetensors")
    watch(stage, folder)
    stage.until(lambda: folder in stage.studio.library.folders)
    stage.until(lambda: seen(stage, "a"))
    ink(folder / "loras" / "deep" / "b.safetensors", note="b")
    stage.until(lambda: seen(stage, "b"))
    folder.rename(away)
    stage.until(lambda: not seen(stage, "a"))
    assert named(stage, "a").missing
    away.rename(folder)
    stage.until(lambda: seen(stage, "a"))


def test_a_drive_that_was_out_when_the_folders_were_read_is_seen_when_it_is_back(
    stage: Stage, tmp_path: Path
) -> None:
    folder, away = tmp_path / "Other", tmp_path / "Away"
    ink(folder / "loras" / "a.safetensors")
    watch(stage, folder)
    stage.until(lambda: seen(stage, "a"))
    folder.rename(away)
    stage.studio.library.rescan()
    stage.until(lambda: named(stage, "a").missing and not stage.studio.library.scanning)
    away.rename(folder)
    stage.until(lambda: seen(stage, "a"))


def test_of_two_looks_at_once_the_newer_counts_whichever_ends_first(stage: Stage) -> None:
    studio = stage.studio
    catalog = studio.library.catalog
    assert catalog is not None
    stage.until(lambda: studio.desk.assets.all)
    (known,) = studio.desk.assets.all
    begun = [threading.Event(), threading.Event()]
    gates = [threading.Event(), threading.Event()]
    answers = [(replace(known, missing=True),), (known,)]
    calls = iter((0, 1))

    def assets() -> tuple[Asset, ...]:
        number = next(calls)
        begun[number].set()
        assert gates[number].wait(20)
        return answers[number]

    catalog.assets = assets  # pyright: ignore[reportAttributeAccessIssue]
    for one in begun:
        studio.library.changed.emit()
        assert one.wait(20)  # two threads could swap the numbers otherwise
    gates[1].set()
    with stage.bot.waitSignal(studio.desk.assets.read, timeout=20_000):
        pass
    gates[0].set()
    stage.bot.wait(200)
    assert [one.missing for one in studio.desk.assets.all] == [False]
