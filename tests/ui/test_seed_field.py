"""The seed: read from any text, shown in full, refused in place."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionFrame, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.recipe.draft import SEED_RULES
from desktop_app.recipe.recipe import SEED_MAX
from desktop_app.ui import theme
from desktop_app.ui.parameter_sidebar import WIDTH
from desktop_app.ui.seed_field import SeedEdit, SeedField, seed_in
from desktop_app.ui.words import grouped

pytestmark = pytest.mark.gui


@pytest.fixture
def field(qtbot: QtBot, qapp: QApplication) -> Iterator[SeedField]:
    """A seed field in a shown window as wide as the sidebar, without the focus."""
    theme.apply(qapp, "dark")
    window = QWidget()
    column = QVBoxLayout(window)
    made = SeedField()
    column.addWidget(made)
    window.resize(300, 200)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    made.dice.setFocus()
    yield made
    window.close()


@given(st.integers(0, SEED_MAX))
def test_a_grouped_seed_reads_back(seed: int) -> None:
    assert seed_in(grouped(seed)) == seed
    assert seed_in(str(seed)) == seed


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ("2847190663", 2847190663),
        ("2 847 190 663", 2847190663),
        ("2,847,190,663", 2847190663),
        ("Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512", 965400086),
        ('{"seed": 12, "steps": 30}', 12),
        ("seed=18446744073709551615", SEED_MAX),
        ("my picture 7 of 9", 7),
        ("2026-11-21", 2026),
        ("18446744073709551616", None),
        ("no number", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_the_seed_is_found_in_a_text(text: str, seed: int | None) -> None:
    assert seed_in(text) == seed


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    seed = seed_in(text)
    assert seed is None or 0 <= seed <= SEED_MAX


def test_grouped_when_looked_at_and_plain_when_edited(field: SeedField) -> None:
    field.show_seed(2847190663, "keep")
    assert field.edit.text() == "2 847 190 663"
    field.edit.setFocus()
    assert field.edit.text() == "2847190663"
    field.dice.setFocus()
    assert field.edit.text() == "2 847 190 663"


def test_a_pasted_text_becomes_its_seed(field: SeedField, qtbot: QtBot) -> None:
    heard: list[object] = []
    field.edited.connect(heard.append)
    QGuiApplication.clipboard().setText("Steps: 20, Seed: 965400086, Size: 512x512")
    field.edit.setFocus()
    field.edit.selectAll()
    qtbot.keyClick(field.edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert heard == [965400086]
    assert field.edit.text() == "965400086"


@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1, 2**63, SEED_MAX])
def test_every_seed_can_be_typed_and_arrives_whole(
    field: SeedField, qtbot: QtBot, seed: int
) -> None:
    field.show_seed(5, "keep")
    heard: list[object] = []
    field.edited.connect(heard.append)
    field.edit.setFocus()
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, str(seed))
    assert heard[-1] == seed


@pytest.mark.parametrize("typed", ["-1", "1.5", "12a", "18446744073709551616", "²", "1" * 40])
def test_what_is_no_seed_is_refused_in_place(field: SeedField, qtbot: QtBot, typed: str) -> None:
    field.show_seed(7, "keep")
    heard: list[object] = []
    field.edited.connect(heard.append)
    field.edit.setFocus()
    field.edit.selectAll()
    for sign in typed:
        field.edit.insert(sign)
        field.edit.textEdited.emit(field.edit.text())
    qtbot.keyClick(field.edit, Qt.Key.Key_Return)
    assert field.edit.text() == typed
    assert grouped(SEED_MAX) in field.refusal.text().replace("\u00a0", " ")
    assert field.refusal.isVisible()
    field.dice.setFocus()
    assert field.edit.text() == typed
    field.edit.setFocus()
    qtbot.keyClick(field.edit, Qt.Key.Key_Escape)
    assert not field.refusal.isVisible()
    assert field.edit.value == int(field.edit.text())


def test_an_emptied_field_is_refused_and_the_seed_stays(field: SeedField, qtbot: QtBot) -> None:
    field.show_seed(7, "keep")
    field.edit.setFocus()
    field.edit.selectAll()
    qtbot.keyClick(field.edit, Qt.Key.Key_Delete)
    field.dice.setFocus()
    assert field.refusal.isVisible()
    assert field.edit.value == 7


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.6])
@pytest.mark.parametrize("seed", [5, 2847190663, SEED_MAX])
def test_every_seed_is_read_in_full_beside_its_buttons(
    field: SeedField, qapp: QApplication, seed: int, scale: float
) -> None:
    theme.apply(qapp, "dark", scale)
    again = SeedField(field.window())
    again.setGeometry(0, 0, theme.px(WIDTH - 32), theme.px(90))
    again.show()
    again.show_seed(seed, "keep")
    QApplication.processEvents()
    assert again.edit.text() == grouped(seed)
    option = QStyleOptionFrame()
    again.edit.initStyleOption(option)
    line = QStyle.SubElement.SE_LineEditContents
    room = again.edit.style().subElementRect(line, option, again.edit).width() - 4
    assert again.edit.fontMetrics().horizontalAdvance(again.edit.text()) <= room
    assert _beside(again)
    theme.apply(qapp, "dark")


def test_a_long_seed_is_read_in_full_as_soon_as_it_is_typed(field: SeedField, qtbot: QtBot) -> None:
    field.show_seed(5, "keep")
    usual = field.edit.font()
    field.edit.setFocus()
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, str(SEED_MAX))
    assert field.edit.font().pixelSize() < usual.pixelSize()
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, "7")
    assert field.edit.font() == usual


def test_in_a_narrow_panel_the_buttons_go_below_a_long_seed(field: SeedField) -> None:
    field.window().resize(theme.px(220), 200)
    field.show_seed(SEED_MAX, "keep")
    QApplication.processEvents()
    assert not _beside(field)
    field.show_seed(5, "keep")
    QApplication.processEvents()
    assert _beside(field)


def _beside(field: SeedField) -> bool:
    middle = field.dice.mapTo(field, field.dice.rect().center()).y()
    return field.edit.geometry().top() < middle < field.edit.geometry().bottom()


def test_copy_takes_the_plain_number(field: SeedField, qtbot: QtBot) -> None:
    field.show_seed(2847190663, "keep")
    qtbot.mouseClick(field.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "2847190663"


def test_the_rule_button_goes_round_and_says_where_it_is(field: SeedField, qtbot: QtBot) -> None:
    heard: list[str] = []
    field.rule_chosen.connect(heard.append)
    for rule in SEED_RULES:
        field.show_seed(1, rule)
        assert field.rule.isChecked() == (rule != "random")
        qtbot.mouseClick(field.rule, Qt.MouseButton.LeftButton)
        # Nothing changes on the button until the draft did.
        assert field.rule.isChecked() == (rule != "random")
    assert heard == ["keep", "step", "random"]
    actions = field.rule_menu().actions()
    assert [one.isChecked() for one in actions] == [False, False, True]


def test_arrow_keys_go_to_the_next_seed(field: SeedField, qtbot: QtBot) -> None:
    field.show_seed(SEED_MAX - 1, "keep")
    heard: list[object] = []
    field.edited.connect(heard.append)
    field.edit.setFocus()
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(field.edit, key)
    assert heard == [SEED_MAX, SEED_MAX - 1]


def test_showing_a_seed_reports_nothing(qtbot: QtBot) -> None:
    edit = SeedEdit()
    qtbot.addWidget(edit)
    heard: list[object] = []
    edit.edited.connect(heard.append)
    for seed in (0, 5, SEED_MAX):
        edit.set_value(seed)
        assert edit.value == seed
    assert heard == []
