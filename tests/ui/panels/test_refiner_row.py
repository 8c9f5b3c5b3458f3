"""A refiner is chosen in the sidebar of a model that has one, and from its card."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.recipe.recipe import ModelRef, RefinerUse
from desktop_app.studio.assets import Asset
from desktop_app.ui.refiner_row import USUAL_START, RefinerRow
from tests.studio.conftest import Stage
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model `xl` and its refiner `fine`."""
    from tests.engine.refiners import save_both

    return save_both(tmp_path_factory.mktemp("refined"))


@pytest.fixture
def stage(open_stage: Callable[..., Stage], home: Path, both: dict[str, Path]) -> Stage:
    for name, folder in both.items():
        shutil.copytree(folder, home / "models" / name)
    stage = open_stage()
    stage.start()
    stage.until(lambda: len(stage.studio.library.models) == 2)
    stage.until(
        lambda: any(one.name == "fine" and one.sha256 for one in stage.studio.desk.assets.all)
    )
    return stage


@pytest.fixture
def row(shown: Shown) -> RefinerRow:
    fold = shown.window.create_page.sidebar.advanced
    fold.set_open(True)
    return fold.refiner


def _fine(stage: Stage) -> Asset:
    (found,) = (one for one in stage.studio.desk.assets.all if one.name == "fine")
    return found


def choose(shown: Shown, title: str) -> None:
    library = shown.stage.studio.library
    model = next(one for one in library.models if one.title == title)
    shown.stage.studio.choose_model(model)
    shown.until(lambda: library.current == model)


def test_it_is_offered_to_the_models_that_it_refines(shown: Shown, row: RefinerRow) -> None:
    editor = shown.stage.studio.editor
    choose(shown, "Scripted")
    assert not row.isVisible()
    choose(shown, "xl")
    assert row.isVisible()
    assert [row.choice.itemText(at) for at in range(row.choice.count())] == ["None", "fine"]
    assert not row.start.isVisible()
    row.choice.activated.emit(1)
    ref = _fine(shown.stage).ref
    assert ref is not None
    assert editor.draft.refiner == RefinerUse(model=ref, start=USUAL_START)
    assert row.start.isVisible()
    row.start.number.step_by(-1)
    assert editor.draft.refiner == RefinerUse(model=ref, start=0.75)
    editor.undo()
    assert row.start.number.value == USUAL_START
    choose(shown, "Scripted")
    assert editor.draft.refiner is None
    assert not row.isVisible()
    editor.undo()
    assert row.choice.currentText() == "fine"
    row.choice.activated.emit(0)
    assert editor.draft.refiner is None
    assert not row.start.isVisible()


def test_one_that_is_not_here_is_shown_and_said(shown: Shown, row: RefinerRow) -> None:
    editor = shown.stage.studio.editor
    choose(shown, "xl")
    gone = ModelRef(sha256="ab" * 32, name="a finer one", kind="single")
    editor.set(refiner=RefinerUse(model=gone))
    assert row.choice.currentText() == "a finer one"
    assert row.trouble.text() == "This refiner is not on this computer."
    row.choice.activated.emit(1)
    assert row.choice.currentText() == "fine"
    assert not row.trouble.isVisible()


def test_its_card_says_what_it_is_for_and_takes_it(shown: Shown, row: RefinerRow) -> None:
    studio = shown.stage.studio
    fine = _fine(shown.stage)
    choose(shown, "Scripted")
    assert "Stable Diffusion XL" in studio.desk.why_not(fine)
    studio.desk.use(fine)
    assert studio.editor.draft.refiner is None
    choose(shown, "xl")
    assert studio.desk.why_not(fine) == ""
    studio.desk.use(fine)
    assert studio.editor.draft.refiner is not None
    assert studio.desk.assets.is_in_use(fine)


def test_another_programs_words_take_the_refiner_that_is_here(
    shown: Shown, row: RefinerRow
) -> None:
    from PySide6.QtGui import QGuiApplication

    studio, sha256 = shown.stage.studio, _fine(shown.stage).sha256
    assert sha256 is not None
    choose(shown, "xl")
    words = "a fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 512x512"
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(f"{words}, Refiner: other name [{sha256[:10]}], Refiner switch at: 0.6")
    studio.restoring.paste()
    used = studio.editor.draft.refiner
    assert used is not None
    assert (used.model.sha256, used.start) == (sha256, 0.6)
    studio.editor.set(refiner=replace(used, start=0.5))
    clipboard.setText(f"{words}, Refiner: nowhere [{'0' * 10}]")
    studio.restoring.paste()
    assert studio.editor.draft.refiner == replace(used, start=0.5)
