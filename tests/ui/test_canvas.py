"""What is painted: previews, comparisons, exact pixels; and what hand and keyboard do."""

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app.studio.qimage import from_qimage
from desktop_app.ui.canvas_paint import draw_picture, halves, soften
from desktop_app.ui.canvas_view import View
from desktop_app.ui.compare import Comparison, Side, difference
from tests.ui.conftest import Shown

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("qapp")]


def plain(colour: str, side: int = 64) -> QImage:
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


def painted(comparison: Comparison) -> QImage:
    target = plain("#000000", 200)
    painter = QPainter(target)
    metrics = QFontMetricsF(QApplication.font())
    comparison.paint(painter, View(), QRectF(0, 0, 200, 200), 1.0, metrics)
    painter.end()
    return target


def wheel(widget: QWidget, at: QPointF, turns: int) -> None:
    event = QWheelEvent(
        at,
        widget.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_a_preview_keeps_its_colours_and_loses_its_squares() -> None:
    image = QImage(2, 1, QImage.Format.Format_RGB32)
    image.setPixelColor(0, 0, QColor("#ff0000"))
    image.setPixelColor(1, 0, QColor("#0000ff"))
    soft = soften(image)
    assert soft.width() >= 512
    middle = soft.pixelColor(soft.width() // 2, 0)
    assert 60 < middle.red() < 200
    assert 60 < middle.blue() < 200
    assert soft.pixelColor(2, 0).red() > 240


def test_a_large_picture_has_halves_and_a_small_one_none() -> None:
    assert [level.width() for level in halves(plain("#123456", 4096))] == [4096, 2048, 1024]
    assert len(halves(plain("#123456", 512))) == 1


def test_exact_pixels_are_squares_of_one_colour() -> None:
    image = plain("#000000", 2)
    image.setPixelColor(0, 0, QColor("#ffffff"))
    target = plain("#333333", 20)
    painter = QPainter(target)
    draw_picture(painter, (image,), QRectF(0, 0, 20, 20), crisp=True, ratio=1.0)
    painter.end()
    colours = {target.pixelColor(x, y).name() for x in range(20) for y in range(20)}
    assert colours == {"#ffffff", "#000000"}
    assert target.pixelColor(9, 9).name() == "#ffffff"
    assert target.pixelColor(10, 9).name() == "#000000"


def test_equal_pictures_have_no_difference_and_one_level_is_seen() -> None:
    assert difference(plain("#808080"), plain("#808080")).pixelColor(3, 3).name() == "#000000"
    found = difference(plain("#808180"), plain("#808080")).pixelColor(3, 3)
    assert (found.red(), found.green(), found.blue()) == (0, 8, 0)


def test_the_sliding_edge_has_the_older_picture_on_its_left() -> None:
    new, old = (
        Side(label="n", levels=(plain("#00ff00"),)),
        Side(label="o", levels=(plain("#ff0000"),)),
    )
    comparison = Comparison(new, old)
    comparison.slide_to(50, QRectF(0, 0, 200, 200))
    image = painted(comparison)
    assert image.pixelColor(10, 150).name() == "#ff0000"
    assert image.pixelColor(150, 150).name() == "#00ff00"
    comparison.mode = "side"
    image = painted(comparison)
    assert image.pixelColor(20, 120).name() == "#ff0000"
    assert image.pixelColor(180, 120).name() == "#00ff00"


def test_the_wheel_zooms_and_the_hand_pans(shown: Shown) -> None:
    shown.make(width=512, height=512)
    canvas = shown.canvas.canvas
    assert canvas.fitted
    at = QPointF(canvas.scene.picture.center())
    for _ in range(8):
        wheel(canvas, at, 1)
    assert not canvas.fitted
    assert canvas.scene.scale > 1.5
    before = canvas.scene.picture.topLeft()
    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(230, 160))
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(230, 160))
    assert canvas.scene.picture.topLeft() - before == QPointF(30, 10)
    QTest.keyClick(canvas, Qt.Key.Key_Z)
    assert canvas.fitted
    QTest.keyClick(canvas, Qt.Key.Key_Z)
    assert canvas.scene.scale == 1.0


def test_the_picture_on_the_canvas_has_its_own_pixels_at_a_hundred_percent(shown: Shown) -> None:
    (number,) = shown.make(width=64, height=64)
    canvas = shown.canvas.canvas
    canvas.zoom_to(1.0)
    record = shown.stage.studio.gallery.record_of(number)
    assert record is not None
    file = QImage(str(record.path))
    shown.until(lambda: shown.canvas.source.levels(record) is not None)
    shown.canvas.tools.hide()
    place = canvas.scene.picture.toRect()
    assert place.size() == QSize(64, 64)
    seen = canvas.grab(place).toImage()
    assert (from_qimage(seen) == from_qimage(file)).all()


def test_numbers_choose_from_the_contact_sheet_and_backspace_leads_back(shown: Shown) -> None:
    numbers = shown.make(4)
    show, canvas = shown.canvas.showing, shown.canvas.canvas
    assert show.kind == "sheet"
    assert shown.canvas.tools.isHidden()
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_2)
    assert show.kind == "single"
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == numbers[-2]
    assert shown.stage.studio.timeline.picture == picture.id
    assert shown.window.create_page.gallery.view.selected() == [picture.id]
    assert not shown.canvas.tools.isHidden()
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    assert show.kind == "sheet"
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert show.cell == 2
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert show.kind == "sheet"


def test_a_click_on_the_contact_sheet_enlarges(shown: Shown) -> None:
    shown.make(4)
    canvas = shown.canvas.canvas
    place = canvas.scene.cells[3].center().toPoint()
    QTest.mouseMove(canvas, place)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    assert shown.canvas.showing.cell == 3
    assert shown.canvas.showing.kind == "single"


def test_compare_holds_the_picture_against_the_one_before(shown: Shown) -> None:
    first, second = shown.make()[0], shown.make()[0]
    canvas = shown.canvas.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_C)
    shown.until(lambda: shown.canvas.showing.comparison is not None)
    comparison = shown.canvas.showing.comparison
    other = shown.canvas.showing.with_record
    assert comparison is not None
    assert other is not None
    assert other.id == first
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == second
    before = comparison.split
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert comparison.split > before
    assert shown.canvas.tools.compare.isChecked()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert shown.canvas.showing.comparison is None
    assert not shown.canvas.tools.compare.isChecked()


def test_a_picture_whose_file_is_gone_says_so_in_its_place(shown: Shown) -> None:
    (number,) = shown.make()
    record = shown.stage.studio.gallery.record_of(number)
    assert record is not None
    shown.make()
    shown.canvas.source.forget([number])
    record.path.unlink()
    shown.stage.studio.show(number)
    shown.until(lambda: shown.canvas.showing.problem)
    assert record.path.name in shown.canvas.showing.problem
    assert shown.canvas.showing.levels() is None
    assert shown.canvas.canvas.grab().toImage().width() > 0
