"""The window for those who do not use a mouse or do not see it."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from desktop_app.studio.values import Notice
from desktop_app.ui.main_window import CREATE, GALLERY, SHELF
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui

CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QAbstractItemView,
)


def controls(window: QWidget) -> list[QWidget]:
    """Everything visible that can be used."""
    found = [
        one
        for one in window.findChildren(QWidget)
        if one.isVisible()
        and one.isEnabled()
        and (isinstance(one, CONTROLS) or one.focusPolicy() & Qt.FocusPolicy.TabFocus)
        and not isinstance(one, QScrollBar)
    ]
    # The buttons inside a line edit and a combo box are part of it.
    return [one for one in found if not isinstance(one.parentWidget(), QLineEdit | QComboBox)]


def name_of(widget: QWidget) -> str:
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


def describe(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName()!r} in {type(widget.parent()).__name__}"


@pytest.mark.parametrize("page", [CREATE, GALLERY, SHELF])
def test_every_control_has_a_name(shown: Shown, page: int) -> None:
    shown.make()
    shown.make()
    shown.window.show_page(page)
    shown.window.notices.show_notice(Notice(text="A test.", action="Undo", act=lambda: None))
    shown.settle()
    found = controls(shown.window)
    assert len(found) > (30 if page == CREATE else 8)
    assert [describe(one) for one in found if not name_of(one).strip()] == []


def test_the_welcome_and_the_queue_have_names(shown: Shown) -> None:
    gate = shown.stage.backend.gate("step 1")
    shown.stage.order()
    shown.stage.until(gate.reached.is_set)
    panel = shown.window.open_queue()
    assert [describe(one) for one in controls(panel) if not name_of(one).strip()] == []
    panel.close()
    gate.open.set()
    shown.stage.made(1)


def test_the_keyboard_reaches_every_control(shown: Shown) -> None:
    """Tab walks the whole page but for the canvas, which it hides the panels from; F6 leaves it."""
    shown.make()
    shown.make()
    window = shown.window
    canvas = shown.canvas.canvas
    reached: set[QWidget] = set()
    start = window.create_page.prompts.prompt
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        start.setFocus()
        for _ in range(200):
            focus = window.focusWidget()
            if focus is canvas and key == Qt.Key.Key_Tab:
                break
            reached.add(focus)
            QTest.keyClick(focus, key)
            if window.focusWidget() is start:
                break
    reached.add(canvas)
    wanted = [one for one in controls(window) if one.focusPolicy() & Qt.FocusPolicy.TabFocus]
    missed = [one for one in wanted if one not in reached and one.focusProxy() is None]
    assert [f"{describe(one)} {name_of(one)}" for one in missed] == []


def test_f6_goes_from_part_to_part(shown: Shown) -> None:
    shown.make()
    page = shown.window.create_page
    page.prompts.focus_prompt()
    seen: list[QWidget] = []
    for _ in range(5):
        QTest.keyClick(shown.window, Qt.Key.Key_F6)
        seen.append(shown.window.focusWidget())
    assert seen[:3] == [page.canvas.canvas, page.timeline.film, page.gallery.view]
    assert page.sidebar.isAncestorOf(seen[3])
    assert seen[4] is page.prompts.prompt
    QTest.keyClick(shown.window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert page.sidebar.isAncestorOf(shown.window.focusWidget())


def test_focus_is_seen(shown: Shown) -> None:
    """Every control looks different while it has the focus."""
    shown.make()
    page = shown.window.create_page
    for widget in (
        shown.window.bar.queue,
        shown.window.bar.settings,
        page.canvas.canvas,
        page.timeline.film,
        page.gallery.view,
        page.gallery.search.field,
        page.canvas.tools.vary,
    ):
        shown.window.bar.setFocus()
        QApplication.focusWidget()
        page.prompts.focus_prompt()
        shown.settle()
        plain = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        shown.settle()
        assert widget.grab().toImage() != plain, describe(widget)


def test_a_notice_is_announced(shown: Shown) -> None:
    """A screen reader is told of the card itself, whose name is the whole text."""
    shown.window.notices.show_notice(Notice(text="It was saved.", kind="ok"))
    card = shown.window.notices.cards[-1]
    assert name_of(card) == "It was saved."
    assert isinstance(card.window(), QMainWindow)
    assert shown.window.rect().contains(card.mapTo(shown.window, QPoint(0, 0)))
