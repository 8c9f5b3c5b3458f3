"""Branching as the artist does it: scrub, branch, change the words, make, prove; and films."""

import shutil
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_app import cli
from desktop_app.paths import resolve
from desktop_app.recipe.recipe import FromStep
from desktop_app.settings import Settings, save
from desktop_app.studio.studio import Studio
from desktop_app.ui import theme
from desktop_app.ui.film_dialog import FilmDialog
from desktop_app.ui.main_window import MainWindow
from tests.studio.conftest import Listener
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


def scrub(shown: Shown, row: int) -> None:
    """Drag on the film to a step and let go there."""
    film = shown.window.create_page.timeline.film
    at = film.cell(row).center().toPoint()
    QTest.mousePress(film, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseRelease(film, Qt.MouseButton.LeftButton, pos=at)


def test_key_b_on_a_step_begins_a_branch_and_the_cross_leaves_it(shown: Shown) -> None:
    shown.make(num_inference_steps=6, scheduler="euler", sigmas="default")
    page, studio = shown.window.create_page, shown.stage.studio
    assert not page.banner.isVisible()
    assert not page.timeline.branch.isVisible()
    strip = page.timeline
    play, noise, export = (one.x() for one in (strip.play, strip.noise, strip.film_button))
    scrub(shown, 2)
    assert strip.film_button.x() == export  # nothing moves under the pointer
    assert export - noise - strip.noise.width() == noise - play - strip.play.width()
    assert page.timeline.branch.accessibleName() == "Branch from step 3"
    QTest.keyClick(page.timeline.film, Qt.Key.Key_B)
    assert studio.branching.branch is not None
    assert studio.branching.branch.step == 3
    assert page.banner.isVisible()
    assert page.banner.title.text() == "Branch from step 3"
    assert "the seed changes nothing" in page.banner.words.text()
    assert page.banner.plate.isVisible()
    locked = (
        page.sidebar.picture.width_edit,
        page.sidebar.model.combo,
        page.sidebar.seed.variation,
    )
    assert not any(one.isEnabled() for one in locked)
    studio.library.changed.emit()
    assert not page.sidebar.model.combo.isEnabled()
    assert "A branch has the size" in page.sidebar.picture.width_edit.toolTip()
    studio.editor.set(scheduler="euler_a")
    assert "Another seed" in page.banner.words.text()
    QTest.mouseClick(page.banner.leave, Qt.MouseButton.LeftButton)
    assert studio.branching.branch is None
    assert not page.banner.isVisible()
    assert all(one.isEnabled() for one in locked)
    assert "A branch" not in page.sidebar.picture.width_edit.toolTip()


def test_key_b_on_the_canvas(shown: Shown) -> None:
    shown.make(num_inference_steps=6)
    studio = shown.stage.studio
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_B)
    assert "Drag over the timeline" in shown.stage.listener.texts()
    studio.timeline.choose(1)
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_B)
    assert studio.branching.branch is not None
    assert studio.branching.branch.step == 2


def test_the_timeline_of_a_branch_tells_what_is_shared(shown: Shown) -> None:
    shown.make(num_inference_steps=6)
    page, studio = shown.window.create_page, shown.stage.studio
    before = page.timeline.film.grab().toImage()
    studio.branching.begin_at(3)
    shown.make(prompt="a bear")
    assert studio.timeline.shared == 4
    scrub(shown, 1)
    assert page.timeline.words.full_text().endswith("shared")
    scrub(shown, 4)
    assert not page.timeline.words.full_text().endswith("shared")
    assert page.timeline.film.grab().toImage() != before


def test_the_noise_can_be_seen_instead(shown: Shown) -> None:
    shown.make(num_inference_steps=6)
    page, timeline = shown.window.create_page, shown.stage.studio.timeline
    scrub(shown, 2)
    seen = timeline.image(2)
    QTest.mouseClick(page.timeline.noise, Qt.MouseButton.LeftButton)
    assert timeline.view == "noisy"
    assert timeline.image(2) != seen
    assert shown.canvas.showing.looking_back
    QTest.mouseClick(page.timeline.noise, Qt.MouseButton.LeftButton)
    assert timeline.image(2) == seen


def test_steps_that_are_gone_are_offered_again(shown: Shown) -> None:
    (picture,) = shown.make(num_inference_steps=6)
    page, studio = shown.window.create_page, shown.stage.studio
    assert not page.timeline.again.isVisible()
    studio.timeline._kept.clear()  # pyright: ignore[reportPrivateUsage]
    studio.show(picture)
    assert page.timeline.again.isVisible()
    assert not page.timeline.film_button.isVisible()
    QTest.mouseClick(page.timeline.again, Qt.MouseButton.LeftButton)
    shown.until(lambda: studio.timeline.has(picture))
    shown.stage.idle()
    shown.until(lambda: studio.timeline.picture == picture and studio.timeline.filled == 6)
    assert shown.canvas.picture is not None
    assert shown.canvas.picture.id == picture
    assert studio.gallery.total == 1


def test_a_film_from_the_dialog(shown: Shown, tmp_path: Path) -> None:
    shown.make(num_inference_steps=6)
    page = shown.window.create_page
    dialog = page.export_steps()
    assert isinstance(dialog, FilmDialog)
    dialog.kind.clicked.emit("gif")
    dialog.way.clicked.emit("small")
    dialog.show_row.clicked.emit("noisy")
    dialog.side.edited.emit(64)
    dialog.back.click()
    film = dialog.film
    assert (film.kind, film.small, film.show, film.width) == ("gif", True, "noisy", 64)
    assert film.ping_pong
    gate = shown.stage.backend.gate("frame 4")
    target = tmp_path / "steps.gif"
    dialog.export(target)
    shown.stage.until(gate.reached.is_set)
    shown.until(lambda: dialog.words.text() == "Step 3 of 6")
    assert not dialog.go.isEnabled()
    gate.open.set()
    shown.until(target.exists)
    shown.stage.idle()
    with Image.open(target) as made:
        assert made.size[0] == 64
        assert made.n_frames == 10  # pyright: ignore[reportAttributeAccessIssue]


def test_closing_the_dialog_stops_the_film(shown: Shown, tmp_path: Path) -> None:
    shown.make(num_inference_steps=6)
    dialog = shown.window.create_page.export_steps()
    assert isinstance(dialog, FilmDialog)
    gate = shown.stage.backend.gate("frame 2")
    dialog.export(tmp_path / "steps.webp")
    shown.stage.until(gate.reached.is_set)
    dialog.close()
    gate.open.set()
    shown.until(lambda: not shown.stage.studio.films.busy)
    shown.stage.idle()
    assert list(tmp_path.glob("*.webp")) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_branch_is_made_and_proved_also_after_a_restart_and_from_the_file(
    qtbot: QtBot, qapp: QApplication, home: Path, tiny_model: Path
) -> None:
    shutil.copytree(tiny_model, resolve().models / "tiny")
    save(resolve().settings_file, Settings(threads=1))
    theme.apply(qapp, "dark")

    def opened() -> tuple[Studio, MainWindow, Listener]:
        studio = Studio(resolve(), model_folders=(resolve().models,))
        window = MainWindow(studio)
        window.show()
        studio.start()
        qtbot.waitUntil(lambda: studio.editor.draft.model is not None, timeout=60_000)
        qtbot.waitUntil(lambda: studio.engine == "ready" and studio.gallery.ready, timeout=60_000)
        return studio, window, Listener(studio)

    def idle(studio: Studio) -> None:
        qtbot.waitUntil(lambda: studio.queue.active == 0 and not studio.run.busy, timeout=60_000)

    def close(studio: Studio, window: MainWindow) -> None:
        window.close()
        assert studio.shutdown()
        window.deleteLater()
        studio.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    studio, window, listener = opened()
    studio.editor.set(prompt="a red fox", num_inference_steps=5, width=64, height=64)
    studio.editor.set(scheduler="dpmpp_2m_sde", sigmas="karras", seed=7, seed_rule="keep", count=1)
    window.create_page.generate()
    qtbot.waitUntil(lambda: studio.gallery.total == 1, timeout=60_000)
    idle(studio)
    film = window.create_page.timeline.film
    at = film.cell(1).center().toPoint()
    QTest.mousePress(film, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseRelease(film, Qt.MouseButton.LeftButton, pos=at)
    QTest.keyClick(film, Qt.Key.Key_B)
    studio.editor.set(prompt="a red fox in snow")
    window.create_page.generate()
    qtbot.waitUntil(lambda: studio.gallery.total == 2, timeout=60_000)
    idle(studio)
    child = studio.gallery.id_at(0)
    assert child is not None
    studio.again.reproduce(child)
    qtbot.waitUntil(lambda: "Identical" in listener.texts(), timeout=60_000)
    idle(studio)
    record = studio.gallery.record_of(child)
    assert record is not None
    assert record.recipe is not None
    assert isinstance(record.recipe.start, FromStep)
    assert record.recipe.start.step == 2
    close(studio, window)

    studio, window, listener = opened()
    # The draft is still a branch, and nothing but numbers was needed to keep it one.
    assert studio.branching.branch == record.recipe.start
    assert window.create_page.banner.isVisible()
    shutil.rmtree(resolve().cache, ignore_errors=True)
    studio.again.reproduce(child)
    qtbot.waitUntil(lambda: "Identical" in listener.texts(), timeout=60_000)
    idle(studio)
    close(studio, window)
    shutil.copy(record.path, home / "branch.png")
    assert cli.main(["reproduce", str(home / "branch.png")]) == 0
