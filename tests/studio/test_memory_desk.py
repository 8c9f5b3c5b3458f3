"""What is told of a model's memory before it is loaded, whatever is known by then."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.engine.backend import DeviceInfo
from desktop_app.engine.plan import Place
from desktop_app.errors import AppError
from desktop_app.library.identify import identify
from desktop_app.library.identity import Asset
from tests.library import files
from tests.studio.conftest import Stage
from tests.studio.models import write_model
from tests.studio.scripted import ScriptedBackend

pytestmark = pytest.mark.gui
CARD = Place(kind="cuda", memory=8 * 10**9, half=True, bfloat16=True)


class Placed(ScriptedBackend):
    """On a machine whose device is known."""

    def device(self) -> DeviceInfo:
        return replace(super().device(), place=CARD)


def words(stage: Stage, asset: Asset) -> str:
    return stage.studio.memory.outlook(asset).words


def planned(stage: Stage, asset: Asset) -> str:
    """What is told once the asset was read."""
    told: list[object] = []
    stage.studio.memory.planned.connect(told.append)
    words(stage, asset)
    stage.until(lambda: asset.path in told)
    return words(stage, asset)


def named(stage: Stage, title: str) -> Asset:
    stage.until(lambda: any(one.name == title for one in stage.studio.desk.assets.all))
    return next(one for one in stage.studio.desk.assets.all if one.name == title)


def network(path: Path) -> Asset:
    files.write_shapes(path, files.unet(768))
    return Asset(path=path, identity=identify(path), name=path.stem)


@pytest.fixture
def placed(open_stage: Callable[..., Stage]) -> Stage:
    stage = open_stage(Placed())
    stage.start()
    return stage


def test_each_state_tells_what_is_so(open_stage: Callable[..., Stage], tmp_path: Path) -> None:
    backend = Placed()
    stage, asset = open_stage(backend), network(tmp_path / "dreams.safetensors")
    backend.fail("start", AppError("no-torch", "PyTorch is damaged."))
    assert words(stage, asset) == "It is planned once the engine is there."
    stage.studio.start()
    stage.until(lambda: stage.studio.engine == "failed")
    assert words(stage, asset) == "There is no plan for it: the engine could not be started."
    again = stage.listener.with_action("Try again").act
    assert again is not None
    again()
    stage.until(lambda: stage.studio.engine == "ready")
    assert words(stage, asset) == "It is planned when the model has been read."
    assert "on the graphics card" in planned(stage, asset)


def test_an_engine_without_a_plan_says_so(stage: Stage, tmp_path: Path) -> None:
    asset = network(tmp_path / "dreams.safetensors")
    assert words(stage, asset) == "There is no plan for it: this engine makes none."


def test_what_cannot_be_read_says_so_and_is_read_again_later(placed: Stage, tmp_path: Path) -> None:
    asset = network(tmp_path / "dreams.safetensors")
    asset.path.rename(tmp_path / "away")
    assert planned(placed, asset) == (
        "There is no plan for it. The weights of “dreams.safetensors” cannot be read."
    )
    assert "The weights of “dreams.safetensors”" in placed.listener.texts()
    (tmp_path / "away").rename(asset.path)
    assert "cannot be read" in words(placed, asset)
    changes: list[None] = []
    placed.studio.memory.changed.connect(lambda: changes.append(None))
    placed.studio.library.rescan()
    placed.until(lambda: changes)
    assert "on the graphics card" in planned(placed, asset)


def test_the_size_is_that_of_the_draft(placed: Stage) -> None:
    asset, editor = named(placed, "Scripted"), placed.studio.editor
    editor.set(width=128, height=192)
    assert "for a picture of 128 × 192" in planned(placed, asset)
    changes: list[None] = []
    placed.studio.memory.changed.connect(lambda: changes.append(None))
    editor.set(prompt="a fox")
    assert not changes
    editor.set(width=1024, height=1024)
    assert changes
    assert "about 4.3 GB of 7.4 GB for a picture of 1024 × 1024" in words(placed, asset)
    editor.set(width=2048, height=2048)
    assert words(placed, asset).endswith(
        "about 17.2 GB of 7.4 GB for a picture of 2048 × 2048. That is more than there is: it may "
        "not work."
    )


def test_another_model_is_told_at_the_size_that_it_would_be_used_at(placed: Stage) -> None:
    write_model(placed.home / "models" / "second", "Second", size=256, seed=1.0)
    placed.studio.library.rescan()
    second, editor = named(placed, "Second"), placed.studio.editor
    placed.until(lambda: len(placed.studio.library.models) == 2)
    assert "for a picture of 256 × 256" in planned(placed, second)
    editor.set(width=640, height=64)
    assert "for a picture of 640 × 64" in words(placed, second)
