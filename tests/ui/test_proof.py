"""Why it differs, on the screen: map of heat, both sides, what can be done; many in one report."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QMenu
from pytestqt.modeltest import ModelTester

from desktop_app.studio.heat import heat, legend
from desktop_app.ui.audit_dialog import AuditDialog, AuditTable
from desktop_app.ui.compare import share_words
from desktop_app.ui.picture_menu import picture_menu
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


def verified(shown: Shown, shift: int) -> int:
    number = shown.make()[0]
    shown.stage.backend.shift = shift
    shown.stage.studio.again.reproduce(number)
    shown.until(lambda: shown.stage.studio.proofs.verdict(number))
    shown.stage.idle()
    card = shown.window.create_page.sidebar.proof
    shown.until(lambda: card.title.text() in ("Different", "Reproducible", "Visually identical"))
    shown.settle()
    return number


def painted(value: int, spot: int = 0) -> QImage:
    image = QImage(16, 8, QImage.Format.Format_RGB32)
    image.fill(QColor(value, value, value))
    if spot:
        image.setPixelColor(3, 2, QColor(value + spot, value, value))
    return image


def test_heat_shows_where_and_by_how_much() -> None:
    found = heat(painted(100, spot=4), painted(100))
    assert (found.largest, found.share) == (4, 1 / 128)
    brightest = max(
        ((x, y) for x in range(16) for y in range(8)),
        key=lambda at: found.image.pixelColor(*at).lightness(),
    )
    assert brightest == (3, 2)
    assert found.image.pixelColor(3, 2) == legend(64).pixelColor(63, 0)
    assert found.image.pixelColor(0, 0) == legend(64).pixelColor(0, 0)
    same = heat(painted(9), painted(9))
    assert (same.largest, same.share) == (0, 0.0)
    assert share_words(same) == "no pixel differs"
    assert share_words(found) == "less than 1 % of the pixels differ, by up to 4 of 255"


def test_one_level_is_seen_beside_a_large_difference() -> None:
    first, other = painted(100, spot=100), painted(100)
    other.setPixelColor(9, 5, QColor(101, 100, 100))
    found = heat(first, other)
    faint = found.image.pixelColor(9, 5)
    assert faint.lightness() > found.image.pixelColor(0, 0).lightness() + 5


def test_the_legend_only_grows_lighter() -> None:
    row = legend(100)
    levels = [row.pixelColor(x, 0) for x in range(100)]
    light = [0.2126 * one.red() + 0.7152 * one.green() + 0.0722 * one.blue() for one in levels]
    assert np.all(np.diff(light) >= -0.5)


def test_the_card_shows_the_difference_on_the_canvas_and_takes_it_away(shown: Shown) -> None:
    verified(shown, 9)
    card, show = shown.window.create_page.sidebar.proof, shown.canvas.showing
    assert card.title.text() == "Different"
    assert card.why.isVisible()
    card.difference.click()
    shown.until(lambda: show.comparison is not None)
    assert show.comparison is not None
    assert show.comparison.mode == "heat"
    assert card.difference.isChecked()
    shown.settle()
    image = shown.canvas.canvas.grab().toImage()
    centre = image.pixelColor(image.width() // 2, image.height() // 2)
    assert centre.lightness() > 150
    shown.canvas.canvas.setFocus()
    shown.window.escape()
    shown.settle()
    assert show.comparison is None
    assert not card.difference.isChecked()
    card.difference.click()
    shown.make()
    shown.settle()
    assert show.comparison is None


def test_an_identical_picture_has_no_difference_to_show_but_both_sides(shown: Shown) -> None:
    number = verified(shown, 0)
    card = shown.window.create_page.sidebar.proof
    assert not card.difference.isVisible()
    dialog = shown.window.create_page.tell_why(number)
    assert dialog is not None
    assert dialog.windowTitle() == "What is proved"
    assert not dialog.buttons
    dialog.close()


def test_why_names_the_likeliest_cause_and_offers_what_can_be_done(shown: Shown) -> None:
    number = verified(shown, 9)
    dialog = shown.window.create_page.tell_why(number)
    assert dialog is not None
    first = [dialog.table.model().index(0, column).data() for column in range(3)]
    assert first == ["Name of the device", "script", "other"]
    assert dialog.table.rowCount() == 20
    dialog.copy_all()
    words = QGuiApplication.clipboard().text()
    assert "Only script rounds in exactly that way." in words
    assert "Name of the device\tscript\tother" in words
    dialog.close()


def test_no_verdict_no_dialog(shown: Shown) -> None:
    assert shown.window.create_page.tell_why(shown.make()[0]) is None
    assert not shown.window.create_page.sidebar.proof.why.isVisible()


def action(menu: QMenu, words: str) -> bool:
    for one in menu.actions():
        if one.text().startswith(words):
            one.trigger()
            return True
    return False


def test_a_selection_is_verified_from_the_menu_with_a_report(shown: Shown, tmp_path: Path) -> None:
    shown.make(count=3)
    studio = shown.stage.studio
    records = [studio.gallery.record_of(number) for number in shown.ids]
    menu = picture_menu(studio, [one for one in records if one is not None], shown.window)
    assert action(menu, "Verify 3 pictures")
    dialog = shown.window.findChild(AuditDialog)
    assert dialog is not None
    assert dialog.isVisible()
    shown.until(lambda: studio.audit.rows and not studio.audit.busy)
    shown.stage.idle()
    assert dialog.summary.text() == "3 pictures: 3 identical."
    assert not dialog.cancel.isVisible()
    model = dialog.table.model()
    assert [model.index(0, column).data() for column in (1, 2)] == ["Identical", ""]
    dialog.save_to(tmp_path / "r.html")
    shown.until((tmp_path / "r.html").exists)
    dialog.table.doubleClicked.emit(model.index(2, 0))
    assert studio.focused is not None
    dialog.close()


def test_a_report_that_nobody_looks_at_is_told_of(shown: Shown) -> None:
    shown.make(count=2)
    studio = shown.stage.studio
    gate = shown.stage.backend.gate("step 1")
    studio.audit.pictures(shown.ids)
    shown.until(gate.reached.is_set)
    dialog = shown.window.findChild(AuditDialog)
    assert dialog is not None
    assert "0 of 2" in dialog.summary.text()
    assert dialog.cancel.isVisible()
    dialog.close()
    gate.open.set()
    shown.until(lambda: not studio.audit.busy)
    shown.until(lambda: "Verified 2 pictures: 2 identical." in _notices(shown))


def _notices(shown: Shown) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(one.text() for one in shown.window.notices.findChildren(QLabel))


def test_the_table_is_a_proper_model(shown: Shown, qtmodeltester: ModelTester) -> None:
    shown.make(count=2)
    audit = shown.stage.studio.audit
    table = AuditTable(audit)
    qtmodeltester.check(table)
    audit.pictures(shown.ids)
    shown.until(lambda: audit.rows and not audit.busy)
    assert table.rowCount() == 2
    assert table.headerData(0, Qt.Orientation.Horizontal) == "Picture"


def test_tiles_are_laid_side_by_side_only_where_the_picture_joins(shown: Shown) -> None:
    shown.make(tiling="x")
    show, tools = shown.canvas.showing, shown.canvas.tools
    assert tools.tile.isVisible()
    alone = show.size()
    tools.tile.click()
    assert show.tiles == (3, 1)
    assert show.size().width() == 3 * alone.width()
    assert show.size().height() == alone.height()
    shown.settle()
    shown.make(tiling="none")
    assert not tools.tile.isVisible()
    assert show.tiles == (1, 1)
