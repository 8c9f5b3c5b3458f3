"""The window as a whole: from the button to the gallery, the keys, dropping, closing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.store.record import Record
from desktop_app.studio.values import Notice
from desktop_app.ui import theme
from desktop_app.ui.drop_overlay import OWN_PICTURES, picture_files
from desktop_app.ui.main_window import CREATE, GALLERY, MainWindow
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.picture_menu import picture_menu
from desktop_app.ui.welcome import StarterPrompt
from tests.studio.conftest import Stage
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


def drop(
    window: MainWindow, mime: QMimeData, x_part: float, last: QMimeData | None = None
) -> QDropEvent:
    """What Qt does when a drag enters over the prompt and is let go at a part of the width.

    Args:
        last: what is left of the data by then; all of it if not given.
    """
    prompt = window.create_page.prompts.prompt
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    actions = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), actions, mime, buttons, keys)
    QApplication.sendEvent(prompt.viewport(), enter)
    assert enter.isAccepted()
    assert window.drops.files.isVisible()
    # The overlay lies on top now, so the next move of the pointer enters it.
    QApplication.sendEvent(
        window.drops.files, QDragEnterEvent(QPoint(5, 5), actions, mime, buttons, keys)
    )
    at = QPoint(round(window.drops.files.width() * x_part), window.drops.files.height() // 2)
    event = QDropEvent(at, actions, mime if last is None else last, buttons, keys)
    QApplication.sendEvent(window.drops.files, event)
    assert not window.drops.files.isVisible()
    return event


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def line(menu: QMenu, words: str) -> None:
    """Choose a line of a menu."""
    next(one for one in menu.actions() if one.text().startswith(words)).trigger()


def test_a_picture_forms_on_the_canvas_and_lands_in_the_gallery(shown: Shown) -> None:
    stage, canvas = shown.stage, shown.canvas
    assert canvas.showing.kind == "empty"
    assert canvas.welcome.isVisible()
    gate = stage.backend.gate("step 3")
    shown.window.create_page.prompts.focus_prompt()
    QTest.keyClicks(shown.window.create_page.prompts.prompt, "a fox in snow")
    QTest.keyClick(
        shown.window.create_page.prompts.prompt,
        Qt.Key.Key_Return,
        Qt.KeyboardModifier.ControlModifier,
    )
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.run.step == 2)
    assert not canvas.welcome.isVisible()
    assert canvas.showing.kind == "single"
    assert canvas.canvas.scene.pill_text.startswith("Step 2 / 4")
    assert canvas.showing.levels() is not None
    assert shown.window.bar.queue.text() == "Queue  1"
    gate.open.set()
    stage.made(1)
    shown.until(lambda: canvas.picture is not None)
    assert canvas.picture is not None
    assert canvas.picture.recipe is not None
    assert canvas.picture.recipe.prompt == "a fox in snow"
    strip = shown.window.create_page.gallery.view
    assert strip.model().rowCount() == 1
    assert strip.selected() == [canvas.picture.id]
    assert canvas.canvas.scene.pill_text == ""
    assert shown.window.bar.queue.text() == "Queue"
    assert shown.window.create_page.gallery.search.count.text() == "1 picture"


def test_a_starter_prompt_is_made_at_once(shown: Shown) -> None:
    button = StarterPrompt("a fox in space", shown.canvas.welcome)
    assert button.accessibleName() == "Make: a fox in space"
    shown.canvas.welcome.prompt_chosen.emit("a fox in space")
    assert shown.window.focusWidget() is shown.canvas.canvas
    shown.stage.made(1)
    assert shown.stage.studio.editor.draft.prompt == "a fox in space"


def test_a_picture_shown_at_the_start_offers_no_run_that_is_not_there(shown: Shown) -> None:
    first, *_ = shown.make()
    studio, scene = shown.stage.studio, shown.canvas.canvas.scene
    studio.show(first)
    studio.run.show_engine(True)
    assert studio.run.text == "Starting the engine"
    assert scene.pill_text == ""
    studio.run.show_engine(False)


def test_looking_back_at_the_steps(shown: Shown) -> None:
    shown.make()
    film, timeline = shown.window.create_page.timeline.film, shown.stage.studio.timeline
    shown.settle()
    QTest.mousePress(film, Qt.MouseButton.LeftButton, pos=film.cell(1).center().toPoint())
    assert timeline.chosen == 1
    assert shown.canvas.showing.looking_back
    assert shown.canvas.canvas.scene.pill_text.startswith("Step 2 / 4 · σ ")
    QTest.mouseMove(film, film.cell(2).center().toPoint())
    assert timeline.chosen == 2
    assert "σ" in shown.window.create_page.timeline.words.full_text()
    end = film.cell(3).center().toPoint()
    QTest.mouseMove(film, end)
    QTest.mouseRelease(film, Qt.MouseButton.LeftButton, pos=end)
    assert timeline.chosen == -1
    assert not shown.canvas.showing.looking_back
    film.setFocus()
    QTest.keyClick(film, Qt.Key.Key_Home)
    assert timeline.chosen == 0
    QTest.keyClick(film, Qt.Key.Key_Right)
    assert timeline.chosen == 1
    QTest.keyClick(film, Qt.Key.Key_Escape)
    assert timeline.chosen == -1


def test_the_timeline_plays_once_through(shown: Shown) -> None:
    shown.make()
    strip, timeline = shown.window.create_page.timeline, shown.stage.studio.timeline
    seen: list[int] = []
    timeline.step_chosen.connect(seen.append)
    strip.play.click()
    shown.until(lambda: seen and seen[-1] == -1)
    assert seen == [0, 1, 2, 3, -1]


def test_the_menu_brings_settings_back(shown: Shown) -> None:
    studio = shown.stage.studio
    (number,) = shown.make(seed=41, seed_rule="keep", prompt="a red fox")
    studio.editor.set(prompt="a boat", seed=5, num_inference_steps=9)
    record = studio.gallery.record_of(number)
    assert record is not None
    menu = picture_menu(studio, [record], shown.window)
    line(menu, "Use the seed")
    assert (studio.editor.draft.seed, studio.editor.draft.prompt) == (41, "a boat")
    line(menu, "Use the prompt")
    assert studio.editor.draft.prompt == "a red fox"
    assert studio.editor.draft.num_inference_steps == 9
    line(menu, "Use all settings")
    assert studio.editor.draft.num_inference_steps == 4
    assert shown.window.notices.cards[-1].action is not None


def test_trash_and_its_undo(shown: Shown) -> None:
    shown.make()
    numbers = shown.make()
    strip = shown.window.create_page.gallery.view
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Delete)
    shown.until(lambda: len(shown.ids) == 1)
    shown.until(lambda: shown.window.notices.cards)
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == shown.ids[0], "the next picture is on the canvas"
    texts = [card.notice.text for card in shown.window.notices.cards]
    assert texts == ["Moved the picture to the trash."]
    card = shown.window.notices.cards[-1]
    assert card.action is not None
    card.action.click()
    shown.until(lambda: len(shown.ids) == 2)
    assert shown.ids[0] == numbers[0]
    assert card not in shown.window.notices.cards


def test_keys_rate_favour_and_open(shown: Shown) -> None:
    (number,) = shown.make()
    strip, gallery = shown.window.create_page.gallery.view, shown.stage.studio.gallery
    strip.setFocus()

    def record() -> Record:
        found = gallery.record_of(number)
        assert found is not None
        return found

    QTest.keyClick(strip, Qt.Key.Key_F)
    shown.until(lambda: record().favourite)
    QTest.keyClick(strip, Qt.Key.Key_4)
    shown.until(lambda: record().rating == 4)
    assert shown.canvas.tools.favourite.isChecked()
    QTest.keyClick(strip, Qt.Key.Key_0)
    shown.until(lambda: record().rating == 0)
    QTest.keyClick(strip, Qt.Key.Key_F)
    shown.until(lambda: not record().favourite)
    QTest.keyClick(strip, Qt.Key.Key_Space)
    assert shown.window.large.isVisible()
    QTest.keyClick(shown.window.large, Qt.Key.Key_Escape)
    assert not shown.window.large.isVisible()
    assert strip.hasFocus()


def test_escape_stops_the_run_and_says_where(shown: Shown) -> None:
    gate = shown.stage.backend.gate("step 3")
    shown.stage.order()
    shown.stage.until(gate.reached.is_set)
    shown.stage.until(lambda: shown.stage.studio.run.step == 2)
    shown.canvas.canvas.setFocus()
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_Escape)
    gate.open.set()
    shown.stage.idle()
    assert shown.stage.studio.gallery.total == 0
    shown.settle()
    assert shown.canvas.canvas.scene.pill_text.startswith("Stopped at step")


def test_escape_leaves_the_enlarged_picture_before_it_stops_the_run(shown: Shown) -> None:
    gate = shown.stage.backend.gate("step 3")
    shown.stage.order(count=3)
    shown.stage.until(gate.reached.is_set)
    shown.stage.until(lambda: shown.stage.studio.run.step == 2)
    canvas = shown.canvas.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_1)
    assert shown.canvas.showing.kind == "single"
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert shown.canvas.showing.kind == "sheet"
    assert shown.stage.studio.queue.active == 3
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    gate.open.set()
    shown.stage.idle()
    assert shown.stage.studio.gallery.total == 0


def test_a_new_session_begins_with_the_newest_picture(
    open_stage: Callable[..., Stage], qtbot: QtBot
) -> None:
    before = open_stage()
    before.start()
    before.order(count=2)
    before.made(2)
    newest = before.studio.gallery.id_at(0)
    assert before.end()
    stage = open_stage()
    window = MainWindow(stage.studio)
    qtbot.addWidget(window)
    window.show()
    canvas = window.create_page.canvas
    assert canvas.welcome.isVisible()
    stage.start()
    stage.until(lambda: canvas.picture is not None)
    assert canvas.picture is not None
    assert canvas.picture.id == newest
    assert not canvas.welcome.isVisible()
    window.close()


def test_shift_enter_queues_and_the_queue_can_be_emptied(shown: Shown) -> None:
    gate = shown.stage.backend.gate("step 1")
    shown.stage.order(seed=2_847_190_663, seed_rule="keep")
    shown.stage.until(gate.reached.is_set)
    prompt = shown.window.create_page.prompts.prompt
    prompt.setFocus()
    for _ in range(3):
        QTest.keyClick(prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    shown.until(lambda: shown.stage.studio.queue.active == 4)
    panel = shown.window.open_queue()
    assert len(panel.rows) == 4
    assert "seed 2 847 190 663" in panel.rows[0].state.full_text()
    assert panel.rows[0].stop.accessibleName().startswith("Cancel: a fox")
    panel.rows[3].stop.click()
    shown.until(lambda: len(panel.rows) == 3)
    panel.clear.click()
    shown.until(lambda: len(panel.rows) == 1)
    panel.close()
    gate.open.set()
    shown.stage.made(1)


def test_another_picture_while_the_run_goes_on(shown: Shown) -> None:
    (first,) = shown.make()
    gate = shown.stage.backend.gate("step 2")
    shown.stage.order()
    shown.stage.until(gate.reached.is_set)
    shown.stage.until(lambda: shown.stage.studio.run.step == 1)
    assert shown.canvas.showing.shows_run
    strip = shown.window.create_page.gallery.view
    place = strip.visualRect(strip.model().index(0, 0)).center()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == first
    assert not shown.canvas.showing.shows_run
    canvas = shown.canvas.canvas
    assert canvas.scene.pill_text.endswith("Show")
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.scene.pill.center().toPoint())
    assert shown.canvas.showing.shows_run
    gate.open.set()
    shown.stage.made(2)


def test_reproducing_ends_with_the_picture_and_its_badge(shown: Shown) -> None:
    (number,) = shown.make()
    shown.canvas.tools.reproduce.click()
    shown.stage.idle()
    shown.until(lambda: shown.canvas.picture is not None and shown.canvas.picture.verified)
    picture = shown.canvas.picture
    assert picture is not None
    assert (picture.id, picture.verified) == (number, "identical")
    assert shown.stage.studio.gallery.total == 1


def test_a_dropped_picture_gives_its_settings_or_joins_the_gallery(
    shown: Shown, tmp_path: Path
) -> None:
    studio = shown.stage.studio
    (number,) = shown.make(seed=77, seed_rule="keep")
    record = studio.gallery.record_of(number)
    assert record is not None
    copy = tmp_path / "from elsewhere.png"
    copy.write_bytes(record.path.read_bytes())
    studio.editor.set(seed=1, prompt="something else")
    shown.until(lambda: shown.window.create_page.prompts.prompt.toPlainText() == "something else")
    drop(shown.window, files(copy), 0.2)
    shown.until(lambda: studio.editor.draft.seed == 77)
    assert studio.editor.draft.prompt == "a fox"
    foreign = QImage(40, 30, QImage.Format.Format_RGB32)
    foreign.fill(Qt.GlobalColor.darkCyan)
    assert foreign.save(str(tmp_path / "scan.png"))
    drop(shown.window, files(tmp_path / "scan.png"), 0.8)
    shown.until(lambda: studio.gallery.total == 2)


def test_only_pictures_are_taken_from_a_drag(shown: Shown, tmp_path: Path) -> None:
    mime = files(tmp_path / "notes.txt")
    assert picture_files(mime) == []
    assert not shown.window.drops.files.offer(mime)
    own = files(tmp_path / "a.png", tmp_path / "b.png")
    own.setData(OWN_PICTURES, b"1")
    assert shown.window.drops.files.offer(own)
    assert shown.window.drops.files.offered == ("keep",), "what the gallery has needs not be added"


def test_pages_panels_and_full_screen(shown: Shown) -> None:
    window, page = shown.window, shown.window.create_page
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.page == GALLERY
    assert window.gallery_page.view.isVisible()
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    page.canvas.canvas.setFocus()
    QTest.keyClick(page.canvas.canvas, Qt.Key.Key_Tab)
    assert not page.prompts.isVisible()
    assert not page.sidebar.isVisible()
    assert not page.gallery.isVisible()
    QTest.keyClick(page.canvas.canvas, Qt.Key.Key_Tab)
    assert page.prompts.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F9)
    assert not page.prompts.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F9)
    page.prompts.focus_prompt()
    QTest.keyClick(page.prompts.prompt, Qt.Key.Key_Tab)
    assert page.prompts.isVisible(), "in a text field Tab goes to the next field"
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert not window.isFullScreen()


def test_undo_takes_letters_first_and_settings_then(shown: Shown) -> None:
    studio = shown.stage.studio
    studio.editor.set(num_inference_steps=33)
    prompt = shown.window.create_page.prompts.prompt
    prompt.setFocus()
    QTest.keyClicks(prompt, "owl")
    QTest.keySequence(prompt, QKeySequence(QKeySequence.StandardKey.Undo))
    assert prompt.toPlainText() == ""
    shown.canvas.canvas.setFocus()
    for _ in range(4):
        QTest.keySequence(shown.canvas.canvas, QKeySequence("Ctrl+Z"))
    assert studio.editor.draft.num_inference_steps != 33
    for _ in range(4):
        QTest.keySequence(shown.canvas.canvas, QKeySequence("Ctrl+Shift+Z"))
    assert studio.editor.draft.num_inference_steps == 33


def test_a_sheet_stays_inside_its_window(shown: Shown) -> None:
    shown.window.resize(1100, 720)
    shown.settle()
    section = shown.window.create_page.sidebar.seed
    sheet = section.shelf.ask_to_keep(section.seed.bookmark)
    assert sheet.width() < shown.window.width()
    assert shown.window.geometry().contains(sheet.geometry())
    sheet.close()


def test_the_window_comes_back_as_it_was_left(shown: Shown) -> None:
    page = shown.window.create_page
    shown.window.resize(1300, 760)
    shown.settle()
    page.down.setSizes([400, 260])
    page.across.setSizes([400, 500, 380])
    sizes = page.across.sizes()
    shown.window.close()
    values = shown.stage.studio.settings.values
    assert values.splitters["across"][0] == pytest.approx(sizes[0], abs=40)
    again = MainWindow(shown.stage.studio)
    # The offscreen screen is 800 pixels wide, and no window comes back wider than its screen.
    assert again.height() == 760
    again.show()
    assert again.create_page.down.sizes()[1] == pytest.approx(values.splitters["down"][1], abs=2)
    again.close()
    again.deleteLater()


def test_a_small_window_without_pictures_stays_small(shown: Shown) -> None:
    assert "appear here" in shown.window.create_page.timeline.words.full_text()
    shown.window.resize(1024, 700)
    shown.settle()
    assert (shown.window.width(), shown.window.height()) == (1024, 700)


@pytest.mark.parametrize(("wide", "high"), [(1600, 1000), (1280, 720), (1024, 700)])
def test_everything_fits_into_the_window(shown: Shown, wide: int, high: int) -> None:
    shown.make()
    shown.window.resize(wide, high)
    shown.settle()
    assert (shown.window.width(), shown.window.height()) == (wide, high)
    whole = shown.window.grab().toImage()
    assert (whole.width(), whole.height()) == (wide, high)
    parts: list[QWidget] = [
        shown.window.bar.settings,
        shown.window.create_page.prompts.bar,
        shown.canvas.tools,
        shown.window.create_page.timeline.film,
        shown.window.create_page.gallery.page,
    ]
    for part in parts:
        corner = part.mapTo(shown.window, part.rect().bottomRight())
        assert shown.window.rect().contains(corner), part.objectName() or type(part).__name__
    place = shown.canvas.canvas.scene.picture.center().toPoint()
    assert shown.canvas.rect().contains(place)


def test_a_notice_is_plain_text(shown: Shown) -> None:
    shown.stage.studio.notice.emit(Notice(text="<b>not bold</b> <a href='x'>y</a>"))
    card = shown.window.notices.cards[-1]
    assert card.label.textFormat() == Qt.TextFormat.PlainText
    assert card.accessibleName() == "<b>not bold</b> <a href='x'>y</a>"


@pytest.mark.parametrize("name", ["a.png", "a.safetensors"])
@pytest.mark.parametrize("x_part", [0.1, 0.9])
def test_a_drop_whose_data_is_gone_does_nothing(
    shown: Shown, tmp_path: Path, name: str, x_part: float
) -> None:
    (tmp_path / name).write_bytes(b"x")
    event = drop(shown.window, files(tmp_path / name), x_part, QMimeData())
    assert not event.isAccepted()
    assert shown.window.page == CREATE
    assert not shown.window.notices.cards


def test_a_dropped_picture_without_a_file_joins_the_gallery(shown: Shown) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.darkCyan)
    mime = QMimeData()
    mime.setImageData(image)
    drop(shown.window, mime, 0.5)
    shown.until(lambda: shown.stage.studio.gallery.total == 1)


def test_the_settings_are_as_high_as_what_is_in_them(shown: Shown) -> None:
    dialog = shown.window.open_settings()
    (inside,) = (one.widget() for one in dialog.findChildren(PanelScroll))
    assert inside is not None
    layout = inside.layout()
    assert layout is not None
    shown.settle()
    needed = layout.totalHeightForWidth(inside.width())
    room = dialog.screen().availableGeometry().height() - theme.px(80)
    assert min(needed, room) <= dialog.height() <= needed + theme.px(8)
    dialog.close()


def test_the_settings_leave_the_window_at_work(shown: Shown) -> None:
    dialog = shown.window.open_settings()
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.close()


def test_nothing_is_made_while_an_entry_is_refused(shown: Shown) -> None:
    page, studio = shown.window.create_page, shown.stage.studio
    field = page.sidebar.picture.width_edit
    studio.editor.set(prompt="a fox")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "wide")
    page.toggle_panels()
    shown.window.show_page(GALLERY)
    page.generate()
    page.enqueue()
    (card,) = shown.window.notices.cards
    assert card.notice.text.startswith("Nothing was made yet. Width must be a number")
    assert shown.window.page != GALLERY
    assert field.isVisible()
    assert shown.window.focusWidget() is field
    assert field.property("refused")
    field.selectAll()
    QTest.keyClicks(field, "128")
    page.generate()
    shown.stage.made(1)
    assert shown.stage.backend.rendered[0].width == 128


def test_an_unreadable_seed_is_not_replaced_by_the_one_before(shown: Shown) -> None:
    page = shown.window.create_page
    seed = page.sidebar.seed.seed.edit
    seed.setFocus()
    seed.selectAll()
    QTest.keyClicks(seed, "x")
    page.generate()
    assert "A seed is a whole number" in shown.window.notices.cards[-1].notice.text
    assert shown.stage.studio.queue.active == 0
    assert not shown.stage.backend.rendered


def test_a_cancelled_run_leaves_no_empty_plates(shown: Shown) -> None:
    stage, show = shown.stage, shown.canvas.showing
    stage.order(count=4)
    stage.until(lambda: stage.studio.run.size == 4)
    stage.made(4)
    assert show.cells == (0, 1, 2, 3)
    gate = stage.backend.gate("step 1")
    stage.order(count=4)
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 4)
    waiting = [job.id for job in stage.studio.run.jobs if job.state == "waiting"]
    stage.studio.cancel_job(waiting[1])
    stage.studio.cancel_job(waiting[2])
    gate.open.set()
    stage.idle()
    shown.settle()
    assert show.cells == (0, 1)
    assert show.kind == "sheet"
    assert len(shown.canvas.canvas.scene.cells) == 2
    for cell, place in zip(show.cells, shown.canvas.canvas.scene.cells, strict=True):
        assert shown.canvas.canvas.scene.cell_at(place.center()) == cell
    assert "2 pictures" in shown.canvas.canvas.accessibleDescription()
    shown.canvas.canvas.setFocus()
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_2)
    assert show.enlarged == 1
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_Right)
    assert show.enlarged == 0


def test_a_run_of_which_one_picture_is_left_shows_that_one(shown: Shown) -> None:
    stage, show = shown.stage, shown.canvas.showing
    gate = stage.backend.gate("step 1")
    stage.order(count=3)
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 3)
    for job in stage.studio.run.jobs[1:]:
        stage.studio.cancel_job(job.id)
    gate.open.set()
    stage.made(1)
    shown.settle()
    assert show.kind == "single"
    assert show.picture is not None
    assert show.picture.id == shown.ids[0]
