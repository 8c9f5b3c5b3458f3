"""A seed that is kept on the shelf gives the same pixels in another session, on the real engine."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_app.paths import resolve
from desktop_app.recipe.recipe import Variation
from desktop_app.settings import Settings, save
from desktop_app.studio.studio import Studio
from desktop_app.ui import theme
from desktop_app.ui.main_window import CREATE, SHELF, MainWindow

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(240)]


class Program:
    """The program on the folders of the test, from its start to its end."""

    def __init__(self, bot: QtBot, models: Path) -> None:
        self.bot = bot
        self.studio = Studio(resolve(), model_folders=(models,))
        self.window = MainWindow(self.studio)
        self.window.resize(1280, 800)
        self.window.show()
        self.studio.start()
        self.until(lambda: self.studio.engine == "ready" and self.studio.gallery.ready)
        self.until(lambda: self.studio.editor.draft.model is not None)

    def until(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=90_000)

    def make(self) -> str:
        """Make one picture with the button; the hash of its pixels."""
        total = self.studio.gallery.total
        self.window.show_page(CREATE)
        self.window.create_page.generate()
        self.until(lambda: self.studio.gallery.total == total + 1)
        self.until(lambda: not self.studio.run.busy)
        number = self.studio.gallery.id_at(0)
        assert number is not None
        record = self.studio.gallery.record_of(number)
        assert record is not None
        return record.pixels_sha256

    def end(self) -> None:
        self.window.close()
        assert self.studio.shutdown()
        for part in (self.window, self.studio):
            part.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_a_kept_seed_gives_the_same_pixels_after_a_restart(
    qtbot: QtBot, qapp: QApplication, home: Path, tiny_model: Path
) -> None:
    theme.apply(qapp, "dark")
    shutil.copytree(tiny_model, home / "models" / "tiny")
    save(resolve().settings_file, Settings(threads=1))
    first = Program(qtbot, home / "models")
    first.studio.editor.set(
        prompt="a red fox, {day|night}",
        negative_prompt="dogs",
        seed=2**64 - 1,
        seed_rule="keep",
        variation_seed=5,
        variation_strength=0.3,
        more_variations=(Variation(seed=9, weight=0.5),),
        variation_method="a1111",
        scheduler="euler_a",
        sigmas="default",
        num_inference_steps=3,
        guidance_scale=4.5,
        width=64,
        height=72,
    )
    wanted = first.make()
    sheet = first.window.create_page.sidebar.seed.shelf.ask_to_keep(first.window)
    sheet.name.setText("Fox")
    sheet.button.click()
    first.until(lambda: first.studio.shelf.names() == ("Fox",))
    kept = first.studio.shelf.preset("Fox")
    assert kept is not None
    assert kept.samples == (wanted,), "the picture on the canvas shows it"
    first.studio.editor.set(
        prompt="something else",
        negative_prompt="",
        seed=1,
        variation_strength=0.0,
        more_variations=(),
        scheduler="ddim",
        num_inference_steps=2,
        width=64,
        height=64,
    )
    other = first.make()
    assert other != wanted
    first.end()

    second = Program(qtbot, home / "models")
    assert second.studio.editor.draft.prompt == "something else"
    second.window.show_page(SHELF)
    tab = second.window.shelf_page.seeds
    second.until(lambda: tab.view.rows.rowCount() == 1)
    tab.view.select(["Fox"])
    tab.details.use.click()
    assert second.window.page == CREATE
    assert second.make() == wanted
    second.end()
