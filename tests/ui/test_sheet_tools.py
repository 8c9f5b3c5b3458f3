"""U and V on the pictures of a contact sheet, by hand and by keyboard."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from desktop_app.errors import AppError
from desktop_app.recipe.again import what_more_steps_change, with_more_steps
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import FromStep
from tests.store.samples import recipe_of
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(("before", "after"), [(4, 30), (20, 40), (50, 80)])
def test_more_steps_are_twice_as_many_within_reason(before: int, after: int) -> None:
    recipe = replace(recipe_of(), num_inference_steps=before)
    assert with_more_steps(recipe) == replace(recipe, num_inference_steps=after)


def test_where_more_steps_help_nothing_it_is_said() -> None:
    with pytest.raises(AppError, match="80 steps"):
        with_more_steps(replace(recipe_of(), num_inference_steps=80))
    branch = replace(recipe_of(), start=FromStep(parent=recipe_of(), step=3))
    with pytest.raises(AppError, match="branch keeps"):
        with_more_steps(branch)
    assert "size stays" in what_more_steps_change(recipe_of())
    stochastic = replace(recipe_of(), scheduler="euler_a")
    assert "another one of its kind" in what_more_steps_change(stochastic)


def test_u_and_v_by_hand(shown: Shown) -> None:
    studio = shown.stage.studio
    shown.make(count=4, seed=1, seed_rule="keep")
    canvas, tools = shown.canvas.canvas, shown.canvas.sheet_tools
    third = canvas.scene.cells[2].center().toPoint()
    assert tools.isHidden()
    QTest.mouseMove(canvas, third)
    shown.until(tools.isVisible)
    assert canvas.scene.cells[2].contains(tools.geometry().center())
    wanted = studio.run.results[2]
    assert wanted is not None
    assert wanted.recipe is not None
    QTest.mouseClick(tools.again, Qt.MouseButton.LeftButton)
    shown.stage.made(5)
    made = shown.stage.backend.rendered[-1]
    assert made == with_more_steps(wanted.recipe)
    record = studio.gallery.record_of(shown.ids[0])
    assert record is not None
    assert record.provenance is not None
    assert record.provenance.origin == Origin(picture=wanted.pixels_sha256, kind="settings")
    assert "more steps" in shown.stage.listener.texts()


def test_u_and_v_by_keyboard(shown: Shown) -> None:
    studio = shown.stage.studio
    shown.make(count=4, seed=1, seed_rule="keep")
    canvas = shown.canvas.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert shown.canvas.sheet_tools.isVisible()
    wanted = studio.run.results[1]
    assert wanted is not None
    QTest.keyClick(canvas, Qt.Key.Key_V)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    subtle = next(one for one in menu.actions() if one.text().startswith("Subtle"))
    menu.close()
    studio.editor.set(count=1)
    subtle.trigger()
    shown.stage.made(5)
    record = studio.gallery.record_of(shown.ids[0])
    assert record is not None
    assert record.provenance is not None
    assert record.provenance.origin == Origin(picture=wanted.pixels_sha256, kind="variation")


def test_u_on_the_picture_that_is_shown(shown: Shown) -> None:
    shown.make(seed=1, seed_rule="keep")
    shown.canvas.canvas.setFocus()
    QTest.keyClick(shown.canvas.canvas, Qt.Key.Key_U)
    shown.stage.made(2)
    first, second = shown.stage.backend.rendered
    assert second == with_more_steps(first)
