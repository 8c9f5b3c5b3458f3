"""Numbers, chips and the small parts: typed, dragged, scrolled, reset, refused."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.recipe.recipe import GUIDANCE, STEPS, STRENGTH, WIDTH
from desktop_app.ui import theme
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import Combo, ElidedLabel, FoldSection, IconButton, plain_tip
from desktop_app.ui.number_fields import NumberEdit, SliderNumber, words_of
from desktop_app.ui.panel_scroll import PanelScroll

pytestmark = pytest.mark.gui


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> QWidget:
    """A window with an empty column, shown and active."""
    theme.apply(qapp, "dark")
    made = QWidget()
    QVBoxLayout(made)
    made.resize(300, 300)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


def put(window: QWidget, *widgets: QWidget) -> None:
    layout = window.layout()
    assert layout is not None
    for widget in widgets:
        layout.addWidget(widget)
    QApplication.processEvents()


def wheel(widget: QWidget, notches: int) -> QWheelEvent:
    """Turn the wheel over a widget."""
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(0, 0),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event


def retype(bot: QtBot, edit: NumberEdit, text: str) -> None:
    edit.setFocus()
    edit.selectAll()
    bot.keyClicks(edit, text)


def test_a_typed_number_is_reported_as_it_becomes_one(window: QWidget, qtbot: QtBot) -> None:
    edit = NumberEdit(STEPS)
    put(window, edit)
    heard: list[object] = []
    edit.edited.connect(heard.append)
    retype(qtbot, edit, "24")
    assert heard == [2, 24]
    assert all(isinstance(value, int) for value in heard)


def test_a_wrong_entry_stays_and_says_why(window: QWidget, qtbot: QtBot) -> None:
    edit = NumberEdit(STEPS)
    edit.set_value(20)
    put(window, edit)
    refusals: list[str] = []
    edit.refused.connect(refusals.append)
    heard: list[object] = []
    edit.edited.connect(heard.append)
    retype(qtbot, edit, "0")
    assert refusals == []
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == "0"
    assert heard == []
    assert edit.value == 20
    assert refusals == ["Steps must be a number from 1 to 500, not 0."]
    assert edit.property("refused") is True
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert edit.text() == "20"
    assert refusals[-1] == ""


def test_a_refused_entry_survives_the_loss_of_focus_and_other_changes(
    window: QWidget, qtbot: QtBot
) -> None:
    edit, other = NumberEdit(WIDTH), NumberEdit(STEPS)
    edit.set_value(512)
    put(window, edit, other)
    retype(qtbot, edit, "513")
    other.setFocus()
    assert edit.text() == "513"
    edit.set_value(512)  # as when another field of the draft changed
    assert edit.text() == "513"
    edit.set_value(256)
    assert edit.text() == "256"
    assert edit.property("refused") is False


@pytest.mark.parametrize(
    ("typed", "value"), [("7.5", 7.5), ("7,5", 7.5), (" 12 ", 12.0), ("0", 0.0), ("50", 50.0)]
)
def test_decimals_are_read_with_a_point_or_a_comma(
    window: QWidget, qtbot: QtBot, typed: str, value: float
) -> None:
    edit = NumberEdit(GUIDANCE, step=0.5, decimals=1)
    edit.set_value(1.25)
    put(window, edit)
    retype(qtbot, edit, typed)
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.value == value


@pytest.mark.parametrize("typed", ["", "abc", "nan", "inf", "1e400", "--3", "51", "٣٤٥٦٧"])
def test_what_is_no_number_in_range_is_refused(window: QWidget, qtbot: QtBot, typed: str) -> None:
    edit = NumberEdit(GUIDANCE, step=0.5, decimals=1)
    edit.set_value(7.0)
    put(window, edit)
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClick(edit, Qt.Key.Key_Delete)
    edit.insert(typed)
    edit.textEdited.emit(edit.text())
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.value == 7.0
    assert edit.property("refused") is True


def test_a_value_finer_than_the_field_is_shown_whole(window: QWidget) -> None:
    edit = NumberEdit(GUIDANCE, step=0.5, decimals=1)
    put(window, edit)
    edit.set_value(7.0)
    assert edit.text() == "7.0"
    edit.set_value(7.125)
    assert edit.text() == "7.125"


def test_arrow_keys_step_and_stop_at_the_ends(window: QWidget, qtbot: QtBot) -> None:
    edit = NumberEdit(WIDTH, step=8)
    edit.set_value(72)
    put(window, edit)
    edit.setFocus()
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.value == 80
    for _ in range(3):
        qtbot.keyClick(edit, Qt.Key.Key_PageDown)
    assert edit.value == 64


def test_the_wheel_works_only_in_the_field_with_the_focus(window: QWidget) -> None:
    edit, slider, combo = NumberEdit(STEPS), SliderNumber(STEPS, top=60), Combo("Sampler")
    combo.addItems(["a", "b", "c"])
    edit.set_value(20)
    slider.set_value(20)
    put(window, slider, edit, combo)
    window.setFocus()
    for widget in (edit, slider.slider, slider.number, combo):
        assert not wheel(widget, 1).isAccepted()
    assert (edit.value, slider.number.value, combo.currentIndex()) == (20, 20, 0)
    edit.setFocus()
    wheel(edit, 2)
    assert edit.value == 22
    combo.setFocus()
    wheel(combo, -1)
    assert combo.currentIndex() == 1


def test_a_number_is_dragged_sideways(window: QWidget, qtbot: QtBot) -> None:
    edit, other = NumberEdit(STEPS), NumberEdit(STEPS)
    edit.set_value(20)
    put(window, other, edit)
    other.setFocus()
    middle = edit.rect().center()
    qtbot.mousePress(edit, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(edit, middle + QPoint(40, 0))
    qtbot.mouseRelease(edit, Qt.MouseButton.LeftButton, pos=middle + QPoint(40, 0))
    assert edit.value == 30


def test_undo_in_a_number_is_left_to_the_settings(window: QWidget, qtbot: QtBot) -> None:
    edit = NumberEdit(STEPS)
    put(window, edit)
    undone: list[bool] = []
    shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), window)
    shortcut.activated.connect(lambda: undone.append(True))
    retype(qtbot, edit, "33")
    qtbot.keyClick(edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert undone == [True]
    assert edit.text() == "33"


def test_slider_and_number_move_together(window: QWidget, qtbot: QtBot) -> None:
    both = SliderNumber(STRENGTH, step=0.01, decimals=2)
    put(window, both)
    heard: list[object] = []
    both.edited.connect(heard.append)
    both.slider.setValue(18)
    assert heard == [0.18]
    assert both.number.text() == "0.18"
    retype(qtbot, both.number, "0.5")
    assert both.slider.value() == 50
    assert heard[-1] == 0.5


def test_showing_a_value_reports_nothing(window: QWidget) -> None:
    both = SliderNumber(GUIDANCE, step=0.5, decimals=1, top=20)
    put(window, both)
    heard: list[object] = []
    both.edited.connect(heard.append)
    for value in (7.0, 7.3, 45.0, 0.0):
        both.set_value(value)
        assert both.number.value == value
    assert heard == []


def test_a_double_click_on_the_name_brings_the_default_back(window: QWidget, qtbot: QtBot) -> None:
    both = SliderNumber(STEPS, default=20, top=60)
    both.set_value(33)
    put(window, both)
    heard: list[object] = []
    both.edited.connect(heard.append)
    both.set_default(25)
    qtbot.mouseDClick(both.name, Qt.MouseButton.LeftButton)
    assert heard == [25]
    assert both.number.value == 25


def test_a_slider_goes_where_it_is_clicked(window: QWidget, qtbot: QtBot) -> None:
    both = SliderNumber(STEPS, default=20, top=61)
    both.set_value(1)
    put(window, both)
    middle = both.slider.rect().center()
    qtbot.mouseClick(both.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert abs(both.number.value - 31) <= 1


def test_range_and_unit_stand_in_the_tooltip() -> None:
    assert words_of(WIDTH) == "64 to 4 096 px, in steps of 8"


def test_chips_report_and_do_not_decide(window: QWidget, qtbot: QtBot) -> None:
    row = ChipRow("Style")
    row.set_chips([Chip(key="Ink"), Chip(key="Oil"), Chip(key="+", checkable=False)])
    put(window, row)
    heard: list[str] = []
    row.clicked.connect(heard.append)
    qtbot.mouseClick(row.button("Oil"), Qt.MouseButton.LeftButton)
    assert heard == ["Oil"]
    assert not row.button("Oil").isChecked()
    row.set_checked(["Oil"])
    assert row.button("Oil").isChecked()
    assert not row.button("Ink").isChecked()


def test_arrow_keys_walk_the_chips_and_return_clicks(window: QWidget, qtbot: QtBot) -> None:
    row = ChipRow("Style")
    row.set_chips([Chip(key=name) for name in ("Ink", "Oil", "Wash")])
    put(window, row)
    heard: list[str] = []
    row.clicked.connect(heard.append)
    row.button("Ink").setFocus()
    qtbot.keyClick(row.button("Ink"), Qt.Key.Key_Right)
    assert row.button("Oil").hasFocus()
    qtbot.keyClick(row.button("Oil"), Qt.Key.Key_Return)
    qtbot.keyClick(row.button("Oil"), Qt.Key.Key_Space)
    qtbot.keyClick(row.button("Oil"), Qt.Key.Key_Left)
    assert row.button("Ink").hasFocus()
    assert heard == ["Oil", "Oil"]


def test_chips_wrap_and_stay_inside(window: QWidget) -> None:
    row = ChipRow("Style")
    names = [f"A style number {i}" for i in range(12)] + ["W" * 80]
    row.set_chips([Chip(key=name) for name in names])
    put(window, row)
    tops = {row.button(name).y() for name in names}
    assert len(tops) > 3
    for name in names:
        button = row.button(name)
        assert row.rect().contains(button.geometry())
    assert row.button("W" * 80).toolTip() == "W" * 80


def test_an_ampersand_in_a_name_is_shown(window: QWidget) -> None:
    row = ChipRow("Style")
    row.set_chips([Chip(key="Ink & wash")])
    put(window, row)
    assert row.button("Ink & wash").text() == "Ink && wash"
    assert row.button("Ink & wash").accessibleName() == "Ink & wash"


def test_a_long_label_is_cut_and_kept_in_the_tooltip(window: QWidget) -> None:
    words = ElidedLabel("a very long line " * 20)
    put(window, words)
    assert words.text().endswith("…")
    assert words.toolTip() == words.full_text()
    words.set_text("short")
    assert words.text() == "short"
    assert words.toolTip() == ""


def test_a_fold_opens_by_keyboard(window: QWidget, qtbot: QtBot) -> None:
    fold = FoldSection("Advanced")
    button = IconButton("copy", "Copy")
    fold.body.addWidget(button)
    put(window, fold)
    assert not button.isVisible()
    head = fold.findChild(QWidget, "fold")
    assert head is not None
    qtbot.keyClick(head, Qt.Key.Key_Space)
    assert button.isVisible()
    assert fold.is_open()


def test_an_icon_button_has_a_name_and_answers_return(window: QWidget, qtbot: QtBot) -> None:
    button = IconButton("copy", "Copy the seed")
    put(window, button)
    assert button.accessibleName() == "Copy the seed"
    assert button.toolTip()
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, Qt.Key.Key_Return)


@pytest.mark.parametrize("words", ["<b>bold</b>", "<img src='file:///etc/passwd'>", "a < b & c"])
def test_words_of_others_are_no_markup_in_a_tooltip(window: QWidget, words: str) -> None:
    row = ChipRow("Style")
    row.set_chips([Chip(key="Ink", tooltip=words)])
    put(window, row)
    shown = QTextDocument()
    shown.setHtml(row.button("Ink").toolTip())
    assert shown.toPlainText() == words


def test_two_lines_stay_two_lines_in_a_tooltip() -> None:
    assert plain_tip("ink\nAvoid: colour") == "ink\nAvoid: colour"
    shown = QTextDocument()
    shown.setHtml(plain_tip("<ink>\nAvoid: colour"))
    assert shown.toPlainText() == "<ink>\nAvoid: colour"


def test_chips_that_need_several_lines_stand_in_columns(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    row = ChipRow("Style")
    qtbot.addWidget(row)
    names = ("Watercolor", "Ink", "Oil", "Pencil", "Pastel", "Gouache", "None")
    row.set_chips([Chip(key=name) for name in names])
    row.resize(298, row.heightForWidth(298))
    row.show()
    places = [row.button(name).geometry() for name in names]
    assert len({place.left() for place in places}) == 3
    assert max(place.width() for place in places) - min(place.width() for place in places) <= 1
    assert places[2].right() == row.rect().right()
    assert places[-1].bottom() <= row.rect().bottom()


def test_what_is_unfolded_at_the_end_of_a_panel_comes_into_view(
    window: QWidget, qtbot: QtBot
) -> None:
    inside, folds = QWidget(), [FoldSection("Short"), FoldSection("Long")]
    column = QVBoxLayout(inside)
    column.addSpacing(1000)
    for fold, high in zip(folds, (100, 900), strict=True):
        part = QWidget()
        part.setFixedHeight(high)
        fold.body.addWidget(part)
        column.addWidget(fold)
    area = PanelScroll(inside)
    put(window, area)
    short, long = folds
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 700)
    bar.setValue(bar.maximum())
    buttons = [one.findChildren(QPushButton)[0] for one in folds]
    buttons[0].click()
    high = area.viewport().height()
    qtbot.waitUntil(lambda: bar.value() + high == short.geometry().bottom() + 1)
    assert short.height() > 100
    buttons[1].click()
    qtbot.waitUntil(lambda: bar.value() == long.y())
    buttons[1].click()
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())
