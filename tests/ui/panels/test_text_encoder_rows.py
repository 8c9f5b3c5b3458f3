"""Text encoders in the sidebar: what completes a network, and what reads in place of another."""

from pathlib import Path

import pytest

from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.assets import Asset
from desktop_app.ui.advanced_fold import AdvancedFold
from tests.library import files
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui
CLIP_L = {files.TE: (90, 768)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network of Stable Diffusion 1 with what completes it, as ComfyUI has them."""
    made = tmp_path / "ComfyUI" / "models"
    (made / "checkpoints").mkdir(parents=True)
    files.write_shapes(made / "unet" / "dreams.safetensors", files.unet(768))
    files.write_shapes(made / "vae" / "mse.safetensors", files.vae())
    files.write_shapes(made / "clip" / "clip_l.safetensors", CLIP_L)
    files.write_shapes(made / "clip" / "long.safetensors", {files.TE: (91, 768)})
    files.write_shapes(made / "clip" / "clip_g.safetensors", {files.TE: (90, 1280)})
    files.write_shapes(made / "unet" / "large.safetensors", files.unet(2048, label=2816))
    return made


@pytest.fixture
def fold(shown: Shown, folder: Path) -> AdvancedFold:
    """The fold, open, with the network chosen."""
    studio = shown.stage.studio
    studio.desk.watch(folder.parent)
    assets = studio.desk.assets
    shown.until(lambda: sum(one.path.is_relative_to(folder) for one in assets.all) == 6)
    shown.until(lambda: all(one.sha256 or one.unsupported for one in assets.all))
    shown.until(lambda: any(one.title == "dreams" for one in studio.library.models))
    choose(shown, "dreams")
    made = shown.window.create_page.sidebar.advanced
    made.set_open(True)
    shown.settle()
    return made


def choose(shown: Shown, title: str) -> None:
    models = shown.stage.studio.library.models
    shown.stage.studio.choose_model(next(one for one in models if one.title == title))
    shown.settle()


def asset(shown: Shown, name: str) -> Asset:
    return next(one for one in shown.stage.studio.desk.assets.all if one.name == name)


def test_choosing_a_network_fills_in_what_completes_it(shown: Shown, fold: AdvancedFold) -> None:
    editor = shown.stage.studio.editor
    assert [ref.name for ref in editor.draft.text_encoders] == ["clip_l"]
    assert editor.draft.vae is not None
    assert editor.draft.vae.name == "mse"
    assert fold.vae.isVisible()
    assert fold.vae.currentText() == "mse"
    rows = fold.text_encoders
    assert list(rows.combos) == ["clip-l"]
    assert rows.combos["clip-l"].currentText() == "clip_l"
    choose(shown, "large")
    assert {ref.name for ref in editor.draft.text_encoders} == {"clip_l", "clip_g"}
    assert list(rows.combos) == ["clip-l", "clip-g"]
    choose(shown, shown.stage.studio.library.models[0].title)
    assert editor.draft.text_encoders == ()
    assert editor.draft.vae is None
    assert not rows.isVisible()


def test_another_text_encoder_takes_the_place_of_its_like(shown: Shown, fold: AdvancedFold) -> None:
    editor, rows = shown.stage.studio.editor, fold.text_encoders
    combo = rows.combos["clip-l"]
    assert [combo.itemText(row) for row in range(combo.count())] == ["clip_l", "long"]
    combo.activated.emit(1)
    shown.until(lambda: [ref.name for ref in editor.draft.text_encoders] == ["long"])
    assert combo.currentText() == "long"
    editor.undo()
    assert combo.currentText() == "clip_l"
    combo.activated.emit(1)
    combo.activated.emit(0)
    assert [ref.name for ref in editor.draft.text_encoders] == ["clip_l"]


def test_a_text_encoder_keeps_its_place_among_the_others(shown: Shown, fold: AdvancedFold) -> None:
    editor, rows = shown.stage.studio.editor, fold.text_encoders
    choose(shown, "large")
    before = editor.draft
    assert len(before.text_encoders) == 2
    combo = rows.combos["clip-l"]
    combo.activated.emit(1)
    at = next(at for at, ref in enumerate(before.text_encoders) if ref.name == "clip_l")
    assert editor.draft.text_encoders[at].name == "long"
    combo.activated.emit(0)
    assert editor.draft == before


def test_what_is_not_here_or_does_not_fit_is_told(shown: Shown, fold: AdvancedFold) -> None:
    editor, rows = shown.stage.studio.editor, fold.text_encoders
    gone = ModelRef(sha256="ab" * 32, name="lost", kind="text_encoder")
    editor.set(text_encoders=(*editor.draft.text_encoders, gone))
    assert rows.trouble.isVisible()
    assert "lost: This text encoder is not on this computer." in rows.trouble.text()
    foreign = asset(shown, "clip_g").ref
    assert foreign is not None
    editor.set(text_encoders=(*editor.draft.text_encoders[:1], foreign))
    assert "none that “dreams” reads with" in rows.trouble.text()
    editor.set(text_encoders=editor.draft.text_encoders[:1])
    assert not rows.trouble.isVisible()
