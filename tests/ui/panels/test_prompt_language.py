"""The prompt's language in the panel: names offered and marked, parameters as chips, undo."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextCursor

from desktop_app.recipe.recipe import ModelRef
from desktop_app.ui.picture_section import PictureSection
from desktop_app.ui.prompt_panel import PromptPanel
from tests.ui.panels.conftest import Scene, prompt_panel

pytestmark = pytest.mark.gui


@pytest.fixture
def folder(home: Path) -> Path:
    place = home / "data" / "wildcards"
    (place / "animals").mkdir(parents=True)
    (place / "animals" / "cats.txt").write_text("tabby\nmanx\n", "utf-8")
    return place


@pytest.fixture
def panel(scene: Scene, folder: Path) -> PromptPanel:
    studio = scene.studio
    made = prompt_panel(scene)
    scene.start()
    scene.until(lambda: studio.names.names.wildcards)
    made.focus_prompt()
    return made


def typed(panel: PromptPanel, scene: Scene, words: str) -> None:
    scene.bot.keyClicks(panel.prompt, words)


def chips(panel: PromptPanel) -> list[str]:
    row = panel.parameters.row
    return [row.button(key).text().removesuffix("×").strip() for key in row.shown()]


def test_names_are_offered_where_they_are_called(panel: PromptPanel, scene: Scene) -> None:
    scene.studio.names.show_loras({"ink": ModelRef(sha256="1" * 64, name="ink", kind="lora")})
    for words, offer in (
        ("a __ani", "__animals/cats__"),
        (" <sty", "<style:"),
        (" <lora:i", "<lora:ink:1>"),
        (" --st", "--steps "),
    ):
        typed(panel, scene, words)
        assert panel.prompt.offers.isVisible(), words
        scene.bot.keyClick(panel.prompt, Qt.Key.Key_Tab)
        cursor = panel.prompt.textCursor()
        assert offer in panel.prompt.toPlainText()[: cursor.position()]
    assert panel.prompt.toPlainText().startswith("a __animals/cats__ <style:")
    typed(panel, scene, "20 ")
    assert not panel.prompt.offers.isVisible()


def test_a_missing_name_is_marked_with_a_sentence_until_its_file_is_there(
    panel: PromptPanel, scene: Scene, folder: Path
) -> None:
    scene.studio.editor.set(prompt="a __dogs__ in snow")
    assert "no wildcard file “dogs.txt”" in panel.hint.text()
    assert "dogs.txt" in panel.prompt.problem_at(4)
    assert panel.prompt.problem_at(14) == ""
    (folder / "dogs.txt").write_text("pug\n", "utf-8")
    scene.until(lambda: "dogs" in scene.studio.names.names.wildcards)
    assert panel.hint.text() == "" or "dogs" not in panel.hint.text()
    assert panel.prompt.toPlainText() == "a __dogs__ in snow"


def test_the_recipe_holds_what_the_file_said_when_the_button_was_pressed(
    panel: PromptPanel, scene: Scene, folder: Path
) -> None:
    (folder / "new.txt").write_text("a rare fox\n", "utf-8")
    scene.studio.editor.set(prompt="__new__, __gone__")
    scene.studio.generate()
    scene.until(lambda: scene.backend.rendered)
    assert scene.backend.rendered[0].prompt == "a rare fox, __gone__"
    assert scene.studio.editor.draft.prompt == "__new__, __gone__"


def test_return_takes_parameters_into_chips_and_undo_brings_them_back(
    panel: PromptPanel, scene: Scene
) -> None:
    editor = scene.studio.editor
    before = editor.draft
    typed(panel, scene, "a fox --seed 7 --no text, hands --tile --v 6")
    whole = panel.prompt.toPlainText()
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Return)
    draft = editor.draft
    assert (draft.prompt, draft.seed, draft.seed_rule) == ("a fox", 7, "keep")
    assert (draft.negative_prompt, draft.tiling) == ("text, hands", "both")
    assert panel.prompt.toPlainText() == "a fox"
    assert panel.prompt.textCursor().atEnd()
    assert chips(panel) == ["--seed 7", "--no text, hands", "--tile", "--v 6"]
    assert "no equal" in panel.parameters.row.button("3").toolTip()
    assert "Click to take it back" in panel.parameters.row.button("0").toolTip()
    editor.undo()
    assert editor.draft.prompt == panel.prompt.toPlainText() == whole
    assert (editor.draft.seed, editor.draft.tiling) == (before.seed, "none")
    assert not panel.parameters.isVisible()
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Return)
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Return)
    assert panel.prompt.toPlainText() == "a fox\n"


def test_a_chip_takes_its_parameter_back_and_goes_when_the_panel_says_otherwise(
    panel: PromptPanel, scene: Scene
) -> None:
    editor = scene.studio.editor
    guidance = editor.draft.guidance_scale
    typed(panel, scene, "a fox --cfg 3 --steps 9 --repeat 2")
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Return)
    assert chips(panel) == ["--cfg 3", "--steps 9", "--repeat 2"]
    panel.parameters.row.button("0").click()
    assert editor.draft.guidance_scale == guidance
    assert chips(panel) == ["--steps 9", "--repeat 2"]
    editor.set(num_inference_steps=12)
    assert chips(panel) == ["--repeat 2"]
    editor.undo()
    typed(panel, scene, " --repeat 3")
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Return)
    assert chips(panel)[-1] == "--repeat 3"
    assert "--repeat 2" not in chips(panel)


def test_paste_and_generate_take_them_too_and_what_is_unknown_stays(
    panel: PromptPanel, scene: Scene
) -> None:
    data = QMimeData()
    data.setText("a castle --repeat 2 --frob 3")
    panel.prompt.insertFromMimeData(data)
    draft = scene.studio.editor.draft
    assert (draft.prompt, draft.count) == ("a castle --frob 3", 2)
    assert "no parameter --frob" in panel.hint.text()
    panel.prompt.moveCursor(QTextCursor.MoveOperation.End)
    typed(panel, scene, " --seed 9")
    scene.studio.generate()
    scene.until(lambda: len(scene.backend.rendered) == 2)
    assert [one.seed for one in scene.backend.rendered] == [9, 10]
    assert scene.backend.rendered[0].prompt == "a castle --frob 3"
    assert chips(panel) == ["--repeat 2", "--seed 9"]


def test_the_avoid_field_calls_no_styles_and_no_parameters(
    panel: PromptPanel, scene: Scene
) -> None:
    scene.studio.editor.set(prompt="a fox", negative_prompt="<style:x> --seed 7 __animals/cats__")
    assert "called from the prompt" in panel.hint.text()
    assert not scene.studio.inline.take()


def test_tiling_in_the_sidebar(scene: Scene) -> None:
    section = PictureSection(scene.studio.editor, scene.studio.library)
    scene.show(section)
    section.tiling.setCurrentIndex(section.tiling.findData("x"))
    section.tiling.activated.emit(section.tiling.currentIndex())
    assert scene.studio.editor.draft.tiling == "x"
    scene.studio.editor.set(tiling="both")
    assert section.tiling.currentData() == "both"
    section.tiling_name.reset_asked.emit()
    assert scene.studio.editor.draft.tiling == "none"
