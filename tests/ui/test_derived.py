"""Explorer, grids, sheets and families as an artist uses them, in the whole window."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from desktop_app.recipe.draft import draft_of
from desktop_app.recipe.preset_file import SEEDS, document
from desktop_app.recipe.presets import seed_preset
from desktop_app.ui.grid_dialog import GridDialog
from desktop_app.ui.lineage_dialog import LineageDialog
from desktop_app.ui.main_window import CREATE, EXPLORE, GALLERY
from desktop_app.ui.picture_menu import picture_menu
from desktop_app.ui.sheet_dialog import SheetDialog
from tests.store.samples import recipe_of
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


def line(menu: QMenu, words: str) -> None:
    """Choose a line of a menu."""
    next(one for one in menu.actions() if one.text().startswith(words)).trigger()


def drop(target: QWidget, mime: QMimeData) -> None:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, buttons, keys)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), copy, mime, buttons, keys))


def seed_card(seed: int) -> QMimeData:
    mime = QMimeData()
    preset = seed_preset("Dawn", draft_of(recipe_of(seed)))
    mime.setData(SEEDS.mime, document(SEEDS, [preset]))
    return mime


def test_the_map_is_walked_refined_kept_and_taken(shown: Shown) -> None:
    studio, window = shown.stage.studio, shown.window
    studio.editor.set(prompt="a fox", seed=5, width=384, height=384)
    QTest.keyClick(window, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    assert window.page == EXPLORE
    page = window.explorer_page
    shown.until(lambda: studio.explorer.left == 0)
    view = page.map
    assert view.current == (2, 2)
    QTest.keyClick(view, Qt.Key.Key_Left)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.current == (1, 1)
    assert "25% across, 25% down" in page.about.full_text()
    QTest.keyClick(view, Qt.Key.Key_R)
    shown.until(lambda: (look := studio.explorer.look((1, 1))) is not None and look.fine)
    assert "refined" in view.accessibleDescription()
    wanted = studio.explorer.recipe((1, 1))
    QTest.mouseClick(page.keep, Qt.MouseButton.LeftButton)
    shown.stage.made(1)
    assert window.page == EXPLORE
    assert shown.stage.backend.rendered[-1] == wanted
    QTest.keyClick(view, Qt.Key.Key_S)
    assert window.page == CREATE
    assert studio.editor.draft.variation_strength > 0
    assert studio.explorer.left == 0


def test_a_click_recentres_and_the_wheel_zooms(shown: Shown) -> None:
    studio, window = shown.stage.studio, shown.window
    studio.editor.set(prompt="a fox", seed=5)
    window.show_page(EXPLORE)
    view = window.explorer_page.map
    middle = [rect.center().toPoint() for rect in view.places()]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=middle[0])
    assert view.current == (0, 0)
    assert studio.explorer.window.side == 1
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=middle[12])
    assert studio.explorer.window.side == 0.5
    before = studio.explorer.place((3, 2))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=middle[13])
    assert studio.explorer.place((2, 2)) == pytest.approx(before)
    assert view.current == (2, 2)
    QTest.mouseClick(window.explorer_page.whole, Qt.MouseButton.LeftButton)
    assert studio.explorer.window.side == 1
    assert studio.explorer.place(view.current) == pytest.approx(before, abs=0.13)


def test_corners_are_typed_thrown_dropped_and_taken_away(shown: Shown) -> None:
    studio, window = shown.stage.studio, shown.window
    (picture,) = shown.make(seed=9, seed_rule="keep")
    window.show_page(EXPLORE)
    cards = window.explorer_page.corners.cards
    QTest.keyClicks(cards[1].seed, "77")
    cards[1].seed.selectAll()
    QTest.keyClicks(cards[1].seed, "77")
    QTest.keyClick(cards[1].seed, Qt.Key.Key_Return)
    assert studio.explorer.corners[1].seed == 77
    QTest.mouseClick(cards[1].dice, Qt.MouseButton.LeftButton)
    assert studio.explorer.corners[1].seed != 77
    drop(cards[2], seed_card(123))
    assert (studio.explorer.corners[2].seed, studio.explorer.corners[2].name) == (123, "Dawn")
    mime = studio.gallery.mimeData([studio.gallery.index_of(picture)])
    drop(cards[3], mime)
    shown.until(lambda: studio.explorer.corners[3].seed == 9)
    assert studio.explorer.corners[3].picture
    bad = QMimeData()
    bad.setData(SEEDS.mime, b"{}")
    drop(cards[0], bad)
    assert cards[0].refusal.text()
    QTest.mouseClick(cards[3].remove, Qt.MouseButton.LeftButton)
    QTest.mouseClick(cards[2].remove, Qt.MouseButton.LeftButton)
    assert studio.explorer.is_line
    assert cards[0].name.text() == "Left"
    assert cards[1].remove.isHidden()


def test_a_place_goes_on_the_shelf_under_a_name(shown: Shown) -> None:
    studio, window = shown.stage.studio, shown.window
    studio.editor.set(prompt="a fox", seed=5)
    window.show_page(EXPLORE)
    window.explorer_page.map.choose((4, 0))
    sheet = window.explorer_page.ask_preset()
    assert sheet is not None
    QTest.keyClick(sheet.focusWidget() or sheet, Qt.Key.Key_Return)
    shown.until(lambda: studio.shelf.names() == ("a fox",))
    (preset,) = studio.shelf.presets()
    assert preset.variations[0].seed == studio.explorer.corners[1].seed
    assert preset.variations[0].weight == 1.0


def test_a_map_without_a_prompt_says_what_is_missing(shown: Shown) -> None:
    shown.window.show_page(EXPLORE)
    page = shown.window.explorer_page
    assert "prompt is empty" in page.problem.text()
    assert not page.keep.isEnabled()
    shown.stage.studio.editor.set(prompt="a fox")
    assert page.problem.isHidden()


def opened_grid(shown: Shown) -> GridDialog:
    QTest.mouseClick(shown.window.create_page.prompts.bar.grid, Qt.MouseButton.LeftButton)
    dialog = shown.window.derived.open_grid()
    assert dialog.isVisible()
    return dialog


def test_a_grid_is_set_up_counted_and_made(shown: Shown) -> None:
    studio = shown.stage.studio
    studio.editor.set(prompt="a fox", seed=5)
    dialog = opened_grid(shown)
    x, y, _ = dialog.rows
    assert x.key == "guidance_scale"
    y.set_field("num_inference_steps", "2-6:2")
    shown.until(lambda: dialog.count.text().startswith("12 pictures"))
    assert "after the first" in dialog.count.text()
    x.values.setFocus()
    x.values.selectAll()
    QTest.keyClicks(x.values, "3, 900")
    shown.until(lambda: not dialog.make.isEnabled())
    assert "from 0 to 50" in x.refusal.text()
    x.values.selectAll()
    QTest.keyClicks(x.values, "3, 5")
    shown.until(lambda: dialog.count.text().startswith("6 pictures"))
    QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    shown.stage.made(7)
    assert {
        (one.guidance_scale, one.num_inference_steps) for one in shown.stage.backend.rendered
    } == {(g, s) for g in (3.0, 5.0) for s in (2, 4, 6)}
    again = opened_grid(shown)
    assert again is dialog
    shown.until(lambda: "about" in again.count.text())


def test_seed_cards_are_dropped_on_an_axis(shown: Shown) -> None:
    shown.stage.studio.editor.set(prompt="a fox")
    dialog = opened_grid(shown)
    row = dialog.rows[1]
    row.set_field("seed")
    drop(row.values, seed_card(123))
    assert row.key == "preset"
    shown.until(lambda: "Dawn" in shown.stage.studio.shelf.names())
    dialog.refresh()
    shown.until(dialog.make.isEnabled)
    assert row.values.text() == "Dawn"


def test_a_name_is_chosen_from_what_there_is(shown: Shown) -> None:
    shown.stage.studio.editor.set(prompt="a {red|blue} fox")
    row = opened_grid(shown).rows[0]
    row.set_field("sampler", "Euler")
    line(row.menu(), "DDIM")
    assert row.values.text() == "Euler, DDIM"
    row.set_field("options")
    assert row.values.text() == "{red|blue}"


def test_a_sheet_gives_its_settings_back(shown: Shown) -> None:
    studio = shown.stage.studio
    studio.editor.set(prompt="a fox", seed=5, seed_rule="keep")
    studio.sweeps.start([studio.sweeps.read_axis("num_inference_steps", "2, 4")])
    shown.stage.made(3)
    record = studio.gallery.record_of(shown.ids[0])
    assert record is not None
    assert record.recipe is None
    line(picture_menu(studio, [record], shown.window), "Read its settings")
    shown.until(lambda: shown.window.findChildren(SheetDialog))
    (dialog,) = shown.window.findChildren(SheetDialog)
    assert [dialog.cells.item(i).text() for i in range(2)] == ["Steps 2", "Steps 4"]
    dialog.cells.setCurrentRow(1)
    assert dialog.about.full_text() == "steps 2 → 4"
    studio.editor.set(num_inference_steps=9)
    QTest.mouseClick(dialog.restore, Qt.MouseButton.LeftButton)
    assert studio.editor.draft.num_inference_steps == 4
    QTest.mouseClick(dialog.locate, Qt.MouseButton.LeftButton)
    assert shown.window.page == GALLERY
    shown.until(lambda: studio.gallery.total == 2)
    shown.window.filter.set_words("")
    shown.until(lambda: studio.gallery.total == 3)
    cell = studio.gallery.record_of(shown.ids[1])
    assert cell is not None
    line(picture_menu(studio, [cell], shown.window), "Show its grid")
    shown.until(lambda: studio.gallery.total == 2)


def test_a_family_is_walked_with_the_arrows(shown: Shown) -> None:
    studio = shown.stage.studio
    (first,) = shown.make(prompt="a fox", seed=5, seed_rule="keep")
    studio.restoring.restore(first)
    (second,) = shown.make(prompt="a fox, foggy", guidance_scale=11.5)
    studio.again.vary(second, "subtle")
    shown.stage.made(3)
    record = studio.gallery.record_of(first)
    assert record is not None
    line(picture_menu(studio, [record], shown.window), "Family")
    (dialog,) = shown.window.findChildren(LineageDialog)
    shown.until(lambda: len(dialog.tree._spots) == 3)  # pyright: ignore[reportPrivateUsage]
    tree = dialog.tree
    assert tree.current == record.pixels_sha256
    assert dialog.kind.text() == "The first of the family"
    QTest.keyClick(tree, Qt.Key.Key_Right)
    assert "prompt + foggy" in dialog.changes.text()
    assert "→ 11.5" in dialog.changes.text()
    assert dialog.kind.text() == "Altered from the one before"
    QTest.keyClick(tree, Qt.Key.Key_Right)
    assert dialog.changes.text().startswith("+ 0.1 of seed")
    QTest.keyClick(tree, Qt.Key.Key_Left)
    QTest.mouseClick(dialog.show_it, Qt.MouseButton.LeftButton)
    assert studio.focused is not None
    assert studio.focused.id == second
    rect = tree.rect_of(record.pixels_sha256)
    QTest.mouseClick(tree, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert tree.current == record.pixels_sha256
    studio.again.vary(first, "strong")
    shown.until(lambda: len(dialog.tree._spots) == 4)  # pyright: ignore[reportPrivateUsage]
    studio.album.trash([second])
    shown.until(lambda: len(dialog.tree._spots) == 2)  # pyright: ignore[reportPrivateUsage]
    assert tree.current == record.pixels_sha256


def test_a_parent_that_is_gone_stands_in_the_tree(shown: Shown) -> None:
    studio = shown.stage.studio
    (first,) = shown.make(seed=5, seed_rule="keep")
    studio.again.vary(first, "subtle")
    shown.stage.made(2)
    child = shown.ids[0]
    studio.album.trash([first])
    shown.until(lambda: studio.gallery.total == 1)
    dialog = shown.window.derived.open_family(child)
    shown.until(lambda: len(dialog.tree._spots) == 2)  # pyright: ignore[reportPrivateUsage]
    QTest.keyClick(dialog.tree, Qt.Key.Key_Left)
    assert dialog.name.text() == "No longer in the gallery"
    assert not dialog.show_it.isEnabled()
    assert not dialog.use.isEnabled()
