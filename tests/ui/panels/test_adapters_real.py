"""A LoRA from the sidebar to the pixels: a real pipeline at toy size, the real window."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_app.paths import resolve
from desktop_app.recipe.recipe import LoraUse
from desktop_app.settings import Settings, save
from desktop_app.studio.studio import Studio
from desktop_app.ui import theme
from desktop_app.ui.main_window import MainWindow

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def models(tmp_path: Path, tiny_model: Path) -> Path:
    """A folder with the tiny model, and a LoRA and a LoKr that were made for it."""
    from safetensors.torch import save_file

    from tests.engine.lycoris import made as lycoris
    from tests.engine.models import plain_pipeline
    from tests.engine.test_adapters import kohya

    folder = tmp_path / "all models"
    shutil.copytree(tiny_model, folder / "tiny")
    (folder / "loras").mkdir()
    pipe = plain_pipeline(tiny_model)
    save_file(kohya(pipe, 0), folder / "loras" / "ink.safetensors")
    save_file(lycoris(pipe, "lokr")[0], folder / "loras" / "wood.safetensors")
    return folder


def test_a_weight_moved_in_the_sidebar_changes_the_pixels(
    qtbot: QtBot, qapp: QApplication, home: Path, models: Path
) -> None:
    theme.apply(qapp, "dark")
    save(resolve().settings_file, Settings(threads=1))
    studio = Studio(resolve(), model_folders=(models,))
    window = MainWindow(studio)
    window.show()
    try:
        studio.start()
        qtbot.waitUntil(lambda: studio.editor.draft.model is not None, timeout=60_000)
        qtbot.waitUntil(
            lambda: {"ink", "wood"} <= studio.names.names.loras.keys(),
            timeout=60_000,
        )
        sidebar = window.create_page.sidebar
        studio.editor.set(
            prompt="a fox", width=64, height=64, num_inference_steps=2, seed=5, seed_rule="keep"
        )
        pixels = [made(studio, qtbot)]
        sheet = sidebar.adapters.offer(sidebar.adapters.add)
        sheet.offered.list.clicked.emit(sheet.offered.list.currentIndex())
        (row,) = sidebar.adapters.rows
        assert row.trouble.isHidden()
        assert row.weight is not None
        pixels.append(made(studio, qtbot))
        row.weight.slider.setValue(-20)
        (use,) = studio.editor.draft.adapters
        assert isinstance(use, LoraUse)
        assert use.weight == -1.0
        pixels.append(made(studio, qtbot))
        assert len(set(pixels)) == 3
        row.remove.click()
        assert made(studio, qtbot) == pixels[0]
        studio.editor.set(prompt="a fox <lora:wood:0.8>")
        (row,) = sidebar.adapters.rows
        assert row.trouble.isHidden()
        assert made(studio, qtbot) not in pixels
        row.remove.click()
        assert studio.editor.draft.prompt == "a fox"
        assert made(studio, qtbot) == pixels[0]
        sidebar.advanced.set_open(True)
        assert "stays on" in sidebar.advanced.memory.text()
        assert sidebar.advanced.memory.isVisible()
        for width, height in ((64, 96), (96, 64)):
            studio.editor.set(width=width, height=height)
            size = f"for a picture of {width} × {height}"
            assert size in sidebar.advanced.memory.text()
    finally:
        window.close()
        assert studio.shutdown()
        window.deleteLater()
        studio.deleteLater()


def made(studio: Studio, qtbot: QtBot) -> str:
    """Make one picture; the hash of its pixels."""
    total = studio.gallery.total
    studio.generate()
    qtbot.waitUntil(lambda: studio.gallery.total == total + 1, timeout=120_000)
    qtbot.waitUntil(lambda: not studio.run.busy, timeout=20_000)
    picture = studio.gallery.id_at(0)
    assert picture is not None
    qtbot.waitUntil(lambda: studio.gallery.record_of(picture) is not None, timeout=20_000)
    record = studio.gallery.record_of(picture)
    assert record is not None and record.provenance is not None
    return record.provenance.pixels_sha256
