"""The panels show what the family of the chosen model has, and nothing else."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.recipe.samplers import all_labels
from desktop_app.studio.model_choice import fields_for
from tests.studio.conftest import Stage
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui


@pytest.fixture(scope="session")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Flux pipeline at toy size."""
    from tests.engine.tiny_families import save_tiny_family

    folder = tmp_path_factory.mktemp("families") / "tiny flux"
    save_tiny_family("flux", folder)
    return folder


@pytest.fixture
def stage(open_stage: Callable[..., Stage], home: Path, flux: Path) -> Stage:
    """A studio with two families."""
    shutil.copytree(flux, home / "models" / "tiny flux")
    stage = open_stage()
    stage.start()
    stage.until(lambda: len(stage.studio.library.models) == 2)
    return stage


def choose(shown: Shown, title: str) -> None:
    library = shown.stage.studio.library
    model = next(one for one in library.models if one.title == title)
    shown.stage.studio.choose_model(model)
    shown.until(lambda: library.current == model)


def test_a_control_that_the_family_does_not_have_is_not_shown(shown: Shown) -> None:
    page, editor = shown.window.create_page, shown.stage.studio.editor
    picture, fold = page.sidebar.picture, page.sidebar.advanced
    fold.set_open(True)
    optional = (
        page.prompts.avoid,
        page.prompts.avoid_title,
        picture.sampler,
        picture.sampler_name,
        picture.tiling,
        picture.tiling_name,
        fold.clip_skip,
    )
    choose(shown, "Scripted")
    assert [one.isVisible() for one in optional] == [True] * 7
    names = [
        one for row in range(picture.sampler.count()) if (one := picture.sampler.itemText(row))
    ]
    assert names == list(all_labels())
    editor.set(scheduler="euler_a", sigmas="default", tiling="both", clip_skip=2, width=72)
    choose(shown, "tiny flux")
    assert [one.isVisible() for one in optional] == [False] * 7
    assert picture.guidance.isVisible()
    draft = editor.draft
    assert (draft.scheduler, draft.sigmas) == ("euler", "default")
    assert (draft.tiling, draft.clip_skip) == ("none", 0)
    assert draft.width % shown.stage.studio.library.multiple == 0
    editor.undo()
    assert (editor.draft.scheduler, editor.draft.tiling, editor.draft.width) == (
        "euler_a",
        "both",
        72,
    )
    assert [one.isVisible() for one in optional] == [True] * 7


def test_sizes_follow_the_steps_of_the_family(shown: Shown) -> None:
    picture, library = shown.window.create_page.sidebar.picture, shown.stage.studio.library
    editor = shown.stage.studio.editor
    choose(shown, "tiny flux")
    assert library.multiple == 16
    editor.set(width=256)
    picture.width_edit.step_by(1)
    assert editor.draft.width == 272
    picture.width_edit.selectAll()
    shown.stage.bot.keyClicks(picture.width_edit, "264")
    assert "in steps of 16" in picture.width_edit.check()
    assert editor.draft.width == 272
    choose(shown, "Scripted")
    assert picture.width_edit.check() == ""


def test_what_is_set_although_the_family_has_it_not_is_shown(shown: Shown) -> None:
    picture, editor = shown.window.create_page.sidebar.picture, shown.stage.studio.editor
    choose(shown, "tiny flux")
    editor.set(tiling="x", scheduler="dpmpp_2m", sigmas="karras")
    assert picture.tiling.isVisible()
    assert picture.sampler.isVisible()
    assert picture.sampler.currentText() == "DPM++ 2M Karras"
    assert picture.sampler.findText("Euler") >= 0
    assert picture.sampler.findText("Euler a") < 0
    editor.set(tiling="none", scheduler="euler", sigmas="default")
    assert not picture.tiling.isVisible()
    assert not picture.sampler.isVisible()


def test_words_that_the_family_passes_over_are_named(shown: Shown) -> None:
    panel, editor = shown.window.create_page.prompts, shown.stage.studio.editor
    editor.set(prompt="a (red:1.3) fox")
    choose(shown, "Scripted")
    assert not panel.hint.isVisible()
    choose(shown, "tiny flux")
    assert panel.hint.isVisible()
    assert panel.hint.text().startswith("Flux.1 models know no weights")
    editor.set(prompt=r"a fox \(red\)", negative_prompt="fog")
    assert re.search(r"read no words to avoid", panel.hint.text())
    editor.set(negative_prompt="")
    assert not panel.hint.isVisible()


def test_a_choice_of_the_same_family_changes_nothing_of_it(shown: Shown) -> None:
    library, editor = shown.stage.studio.library, shown.stage.studio.editor
    choose(shown, "Scripted")
    editor.set(scheduler="euler_a", sigmas="default", tiling="both", clip_skip=2, width=72)
    fields = fields_for(editor.draft, library.current, library.models[0])
    assert not fields.keys() & {"scheduler", "sigmas", "tiling", "clip_skip", "width"}
