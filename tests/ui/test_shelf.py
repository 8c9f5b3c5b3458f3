"""The shelf on the screen: cards, search, order, details, drags, the history and variations."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset_file import SEEDS, document
from desktop_app.recipe.presets import parameter_preset, seed_preset
from desktop_app.recipe.recipe import SEED_MAX, Variation
from desktop_app.recipe.styles import Style
from desktop_app.ui.keep_sheet import KeepSheet
from desktop_app.ui.main_window import CREATE, SHELF
from desktop_app.ui.picture_menu import picture_menu
from desktop_app.ui.preset_drag import preset_data, seeds_in
from desktop_app.ui.preset_tab import PresetTab
from desktop_app.ui.preset_words import age, line_of, matches
from desktop_app.ui.shelf_page import HISTORY, ShelfPage
from desktop_app.ui.variations import VarySheet
from tests.studio.scripted import save_picture
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui
FOX = seed_preset("Fox", Draft(prompt="a fox", seed=2847190663, width=64, height=64))


def page_of(shown: Shown) -> ShelfPage:
    shown.window.show_page(SHELF)
    shown.settle()
    return shown.window.shelf_page


def fill(shown: Shown, *names: str) -> PresetTab:
    """Put presets on the shelf and show it."""
    shelf = shown.stage.studio.shelf
    for number, name in enumerate(names):
        shown.stage.studio.editor.set(prompt=f"picture of {name}", seed=7001 + number)
        shown.stage.studio.save_seed_preset(name)
    shown.until(lambda: shelf.names() == names)
    return page_of(shown).seeds


def cards(tab: PresetTab) -> list[str]:
    rows = tab.view.rows
    return [rows.index(row, 0).data() for row in range(rows.rowCount())]


def enter(target: QWidget, mime: QMimeData, at: QPoint | None = None) -> bool:
    """Drag something over a widget; whether it takes it."""
    event = QDragEnterEvent(
        at or QPoint(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.setAccepted(False)
    QApplication.sendEvent(target, event)
    return event.isAccepted()


def drop(target: QWidget, mime: QMimeData, at: QPointF) -> None:
    event = QDropEvent(
        at,
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    # Sent as an event it would go to what Qt itself drags over, which is nothing here.
    target.dropEvent(event)


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def test_cards_are_searched_and_sorted(shown: Shown) -> None:
    tab = fill(shown, "Moonlit fox", "old harbour", "Anvil")
    shown.stage.studio.shelf.edit("Anvil", tags=("iron",), notes="heavy")
    assert cards(tab) == ["Moonlit fox", "old harbour", "Anvil"]
    assert tab.count.text() == "3 cards"
    assert tab.view.mapTo(tab, QPoint()).x() == tab.search.x()
    for words, found in (
        ("fox", ["Moonlit fox"]),
        ("picture harbour", ["old harbour"]),
        ("7 003", ["Anvil"]),
        ("nothing", []),
    ):
        tab.search.setText(words)
        assert cards(tab) == found
    anvil = shown.stage.studio.shelf.preset
    shown.until(lambda: (one := anvil("Anvil")) is not None and one.tags)
    tab.search.setText("iron heavy")
    assert cards(tab) == ["Anvil"]
    assert tab.count.text() == "1 of 3 cards"
    tab.search.clear()
    tab.sort.setCurrentIndex(tab.sort.findData("name"))
    assert cards(tab) == ["Anvil", "Moonlit fox", "old harbour"]
    assert not tab.view.rows.as_kept
    tab.sort.setCurrentIndex(tab.sort.findData("own"))
    assert cards(tab) == ["Moonlit fox", "old harbour", "Anvil"]


def test_a_card_is_renamed_in_place(shown: Shown) -> None:
    tab = fill(shown, "Fox", "Boat")
    tab.view.select(["Fox"])
    tab.view.edit(tab.view.currentIndex())
    field = tab.view.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    QTest.keyClicks(field, "Winter fox")
    shown.stage.studio.seeds.pictures.arrived.emit()  # a picture comes in while it is typed
    assert field.text() == "Winter fox"
    QTest.keyClick(field, Qt.Key.Key_Return)
    shown.until(lambda: shown.stage.studio.shelf.names() == ("Winter fox", "Boat"))


def test_cards_are_moved_by_drag_and_by_keys(shown: Shown) -> None:
    shelf = shown.stage.studio.shelf
    tab = fill(shown, "a", "b", "c", "d")
    tab.view.select(["c", "d"])
    tab.view.move_selected(0)
    shown.until(lambda: shelf.names() == ("c", "d", "a", "b"))
    assert tab.view.selected() == ["c", "d"]
    tab.view.select(["c"])
    tab.view.setFocus()
    QTest.keyClick(tab.view, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    shown.until(lambda: shelf.names() == ("d", "c", "a", "b"))
    QTest.keyClick(tab.view, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    shown.until(lambda: shelf.names() == ("c", "d", "a", "b"))


def test_tags_and_notes_are_kept_as_they_are_typed(shown: Shown) -> None:
    tab = fill(shown, "Fox", "Boat")
    tab.view.select(["Fox"])
    details = tab.details
    assert details.seed.text() == "7 001"
    QTest.keyClicks(details.tags, "winter, keep")
    QTest.keyClick(details.tags, Qt.Key.Key_Return)
    QTest.keyClicks(details.notes, "good fur")
    tab.view.select(["Boat"])  # nothing that was typed is lost by looking at another card

    def kept() -> bool:
        fox = shown.stage.studio.shelf.preset("Fox")
        return fox is not None and (fox.tags, fox.notes) == (("winter", "keep"), "good fur")

    shown.until(kept)
    assert details.notes.toPlainText() == ""
    tab.view.select(["Fox"])
    assert details.tags.text() == "winter, keep"
    QTest.keyClicks(details.tags, ", " + "x" * 41)
    QTest.keyClick(details.tags, Qt.Key.Key_Return)
    assert "40 characters" in details.refusal.text()
    tab.view.select(["Fox", "Boat"])
    assert details.merge.isVisible()
    assert not details.name.isVisible()


def test_use_and_generate_from_the_shelf(shown: Shown) -> None:
    editor = shown.stage.studio.editor
    tab = fill(shown, "Fox", "Boat")
    editor.set(prompt="another", seed=99, seed_rule="random")
    tab.view.select(["Fox"])
    tab.details.use.click()
    assert (editor.draft.prompt, editor.draft.seed) == ("picture of Fox", 7001)
    assert editor.draft.seed_rule == "keep"
    assert shown.window.page == CREATE
    editor.set(prompt="another", seed=99)
    shown.window.show_page(SHELF)
    tab.details.make.click()
    shown.stage.made(1)
    assert shown.stage.backend.rendered[0].seed == 7001
    assert shown.stage.backend.rendered[0].prompt == "another"


def test_the_menu_of_cards_acts_on_all_that_are_selected(shown: Shown) -> None:
    tab = fill(shown, "a", "b", "c")
    shelf = shown.stage.studio.shelf
    tab.view.select(["a"])
    texts = [one.text().split("\t")[0] for one in tab.menu().actions() if one.text()]
    assert texts[:3] == ["Use", "Generate with it", "Show its newest picture"]
    tab.view.select(["a", "c"])
    menu = tab.menu()
    next(one for one in menu.actions() if one.text().startswith("Merge")).trigger()
    shown.until(lambda: shelf.names() == ("a", "b"))
    tab.view.select(["a", "b"])
    QTest.keyClick(tab.view, Qt.Key.Key_Delete)
    shown.until(lambda: shelf.names() == ())
    card = shown.window.notices.findChildren(QWidget)
    assert card


def test_files_and_pictures_are_dropped_on_the_shelf(shown: Shown, tmp_path: Path) -> None:
    tab = page_of(shown).seeds
    path = tmp_path / "x.mezzotint-seed.json"
    path.write_bytes(document(SEEDS, [FOX]))
    ours = save_picture(tmp_path / "ours.png", prompt="a cat", seed=9)
    mime = files(path, tmp_path / "ours.png")
    assert enter(tab.view.viewport(), mime)
    assert not shown.window.drops.files.isVisible()
    drop(tab.view, mime, QPointF(5, 5))
    shown.until(lambda: set(shown.stage.studio.shelf.names()) == {"Fox", "a cat"})
    cat = shown.stage.studio.shelf.preset("a cat")
    assert cat is not None
    assert cat.seed == ours.seed
    plain = QMimeData()
    plain.setText("words")
    assert not enter(tab.view.viewport(), plain)


def test_a_picture_dropped_elsewhere_can_be_kept_as_a_seed(shown: Shown, tmp_path: Path) -> None:
    save_picture(tmp_path / "ours.png", prompt="a cat", seed=9)
    overlay = shown.window.drops.files
    assert overlay.offer(files(tmp_path / "ours.png"))
    drop(overlay, files(tmp_path / "ours.png"), QPointF(overlay.width() / 2, 50))
    shown.until(lambda: shown.stage.studio.shelf.names() == ("a cat",))


def test_a_card_dropped_on_the_create_page_does_what_the_place_says(shown: Shown) -> None:
    studio, over = shown.stage.studio, shown.window.drops.seeds
    mime = preset_data(SEEDS, document(SEEDS, [FOX]), None)
    studio.editor.set(prompt="another", seed=1, width=64, height=64)
    window = shown.window
    assert enter(window, mime, QPoint(400, 300))
    assert over.isVisible()
    places = over.places()
    assert set(places) == {"prompt", "make", "show"}
    drop(over, mime, places["prompt"].center())
    assert (studio.editor.draft.prompt, studio.editor.draft.seed) == ("a fox", FOX.seed)
    assert not over.isVisible()
    studio.editor.set(prompt="another", seed=1)
    over.offer(mime)
    drop(over, mime, places["make"].center())
    shown.stage.made(1)
    assert shown.stage.backend.rendered[0].seed == FOX.seed
    bad = QMimeData()
    bad.setData(SEEDS.mime, b'{"mezzotint":"seeds","presets":[{}]}')
    over.offer(bad)
    drop(over, bad, places["prompt"].center())
    shown.until(lambda: "Nothing was taken" in shown.stage.listener.texts())
    with pytest.raises(AppError):
        seeds_in(QMimeData())
    shown.window.show_page(SHELF)
    assert not over.offer(QMimeData())


def test_a_drag_that_rests_on_a_page_name_opens_the_page(shown: Shown) -> None:
    page_of(shown)
    mime = preset_data(SEEDS, document(SEEDS, [FOX]), None)
    tabs = shown.window.bar._group  # pyright: ignore[reportPrivateUsage]
    assert enter(tabs.button(CREATE), mime)
    shown.until(lambda: shown.window.page == CREATE)


def test_a_chip_of_the_sidebar_opens_the_shelf_and_drags(shown: Shown) -> None:
    studio = shown.stage.studio
    studio.save_seed_preset("Fox")
    row = shown.window.create_page.sidebar.seed.shelf.row
    shown.until(lambda: "Fox" in row.shown())
    QTest.mouseClick(row.button("\0open"), Qt.MouseButton.LeftButton)
    assert shown.window.page == SHELF
    names = ["Fox"]
    file = studio.seeds.drag_file(studio.shelf, names, studio.shelf.to_bytes(names))
    mime = preset_data(SEEDS, studio.shelf.to_bytes(names), file)
    assert seeds_in(mime)[0].name == "Fox"
    assert [url.toLocalFile() for url in mime.urls()] == [str(file)]


def test_the_last_seeds_are_a_click_away(shown: Shown) -> None:
    shown.make(seed=11, seed_rule="keep")
    shown.make(seed=12)
    section = shown.window.create_page.sidebar.seed
    sheet = section.open_history()
    shown.until(lambda: sheet.list.model().rowCount() == 2)
    sheet.list.setCurrentIndex(sheet.list.model().index(1, 0))
    QTest.keyClick(sheet.list, Qt.Key.Key_Return)
    assert shown.stage.studio.editor.draft.seed == 11
    sheet = section.open_history()
    sheet.all.click()
    assert shown.window.page == SHELF
    assert shown.window.shelf_page.tab == HISTORY
    history = shown.window.shelf_page.history
    shown.until(lambda: history.list.model().rowCount() == 2)
    history.search.setText("12")
    shown.until(lambda: history.list.model().rowCount() == 1)
    assert history.count.text() == "1 use"
    use = shown.stage.studio.seeds.history.use(0)
    assert use is not None
    menu = history.menu(use)
    next(one for one in menu.actions() if one.text().startswith("Keep it")).trigger()
    shown.until(lambda: len(shown.stage.studio.shelf.names()) == 1)


def test_the_seed_of_a_picture_is_kept_from_its_menu(shown: Shown) -> None:
    (picture,) = shown.make(seed=11)
    studio = shown.stage.studio
    record = studio.gallery.record_of(picture)
    assert record is not None
    menu = picture_menu(studio, [record], shown.window)
    next(one for one in menu.actions() if one.text() == "Keep its seed…").trigger()
    sheet = shown.window.findChild(KeepSheet)
    assert sheet is not None
    sheet.ticks["model"].setChecked(False)
    sheet.name.setText("From the picture")
    sheet.button.click()
    shown.until(lambda: studio.shelf.names() == ("From the picture",))
    kept = studio.shelf.preset("From the picture")
    assert kept is not None
    assert (kept.seed, kept.parts) == (11, ("prompt", "size", "settings"))
    assert kept.draft.model is None


def test_a_batch_of_variations_is_asked_for_in_a_sheet(shown: Shown) -> None:
    asked: list[tuple[float, int]] = []
    sheet = VarySheet(shown.window, lambda weight, count: asked.append((weight, count)))
    sheet.weight.slider.setValue(40)
    sheet.count.slider.setValue(2)
    assert sheet.button.text() == "Make 3 variations"
    sheet.button.click()
    assert asked == [(0.4, 3)]


def test_further_variations_are_chips(shown: Shown) -> None:
    editor = shown.stage.studio.editor
    more = shown.window.create_page.sidebar.seed.more
    assert not more.isVisible()
    editor.set(variation_strength=0.3, variation_seed=7)
    assert more.isVisible()
    more.add.click()
    more.add.click()
    first, second = editor.draft.more_variations
    assert first.seed != second.seed
    assert len(more.rows) == 2
    sheet = more.change(1)
    sheet.weight.slider.setValue(55)
    sheet.seed.setText(str(SEED_MAX))
    QTest.keyClick(sheet.seed, Qt.Key.Key_Up)  # out of range, so it stays
    sheet.close()
    assert editor.draft.more_variations[1].weight == 0.55
    more.rows[0][1].click()
    assert len(editor.draft.more_variations) == 1
    assert editor.draft.more_variations[0].weight == 0.55
    more.method.setCurrentIndex(1)
    more.method.activated.emit(1)
    assert editor.draft.variation_method == "a1111"
    editor.undo()
    assert editor.draft.variation_method == "whole"
    editor.set(
        more_variations=tuple(Variation(seed=at, weight=0.1) for at in range(15)),
    )
    assert not more.add.isVisible()


def test_settings_presets_in_the_sidebar(shown: Shown) -> None:
    studio, presets = shown.stage.studio, shown.window.create_page.sidebar.presets
    studio.editor.set(num_inference_steps=33)
    sheet = presets.ask_to_keep()
    sheet.name.setText("Final & fine")
    sheet.button.click()
    shown.until(lambda: studio.seeds.parameters.names() == ("Final & fine",))
    again = presets.ask_to_keep()
    again.name.setText("final & FINE")
    again.button.click()
    assert again.isVisible()
    assert "already" in again.refusal.text()
    again.close()
    studio.editor.set(num_inference_steps=5)
    (action, *_) = presets.menu().actions()
    assert not action.isChecked()
    action.trigger()
    assert studio.editor.draft.num_inference_steps == 33
    assert presets.menu().actions()[0].isChecked()
    presets.shelf_asked.emit()
    assert shown.window.page == SHELF


def test_styles_are_put_on_and_edited_on_the_shelf(shown: Shown) -> None:
    studio, page = shown.stage.studio, page_of(shown)
    page.show_tab(2)
    tab = page.styles
    tab.view.select(["Ink"])
    assert tab.details.use.text() == "Put it on"
    assert not tab.details.delete.isEnabled()
    tab.details.use.click()
    assert studio.editor.draft.styles == ("Ink",)
    assert tab.details.use.text() == "Take it off"
    studio.styles.save(Style(name="Zine", prompt="zine"))
    shown.until(lambda: "Zine" in studio.styles.names())
    tab.view.select(["Zine"])
    assert tab.details.delete.isEnabled()


def test_what_is_said_of_presets() -> None:
    mixed = replace(FOX.draft, more_variations=(Variation(seed=5, weight=0.5),))
    assert line_of(seed_preset("x", mixed)) == "2 847 190 663  + 1"
    assert line_of(parameter_preset("x", Draft())) == "512 × 512  ·  20 steps  ·  DPM++ 2M"
    assert line_of(Style(name="x", prompt="ink  drawing")) == "ink drawing"
    assert matches(FOX, "2 847 190")
    assert matches(FOX, "FOX 284719")
    assert not matches(FOX, "boat")
    assert age("nonsense") == ""
    assert age("2020-01-02T00:00:00Z").endswith("2020")
