"""The prompt panel: words in colour, counted, completed, remembered; styles; Generate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QLineEdit, QListView, QWidget

from desktop_app.recipe.draft import expand
from desktop_app.recipe.styles import Style
from desktop_app.studio.values import Job
from desktop_app.ui import theme
from desktop_app.ui.generate_bar import GenerateButton
from desktop_app.ui.highlighter import RUNS_MAX, runs
from desktop_app.ui.prompt_edit import PromptEdit
from desktop_app.ui.prompt_panel import PromptPanel
from desktop_app.ui.style_editor import StyleForm
from tests.ui.panels.conftest import MODEL, Scene, prompt_panel

pytestmark = pytest.mark.gui

SYNTAX = st.text(alphabet="ab ,:.13()[]{}|\\\n🦊", max_size=60)


@pytest.fixture
def panel(scene: Scene) -> PromptPanel:
    """The panel of a studio that has not been started."""
    return prompt_panel(scene, lambda: ("a fox in snow", "a castle at night", "A Fox by day"))


def words_in(text: str, kind: str) -> list[str]:
    return [text[start:end] for start, end, one in runs(text) if one == kind]


@given(SYNTAX)
def test_coloured_runs_are_in_order_and_inside(text: str) -> None:
    at = 0
    for start, end, kind in runs(text):
        assert at <= start < end <= len(text)
        assert kind in ("weight", "choice", "quiet", "break", "problem")
        at = end


@given(st.text(alphabet="abc ,.", max_size=60))
def test_plain_words_are_not_coloured(text: str) -> None:
    assert runs(text) == []


def test_brackets_colour_what_they_hold() -> None:
    text = "a (full moon:1.3), {mist|falling snow}, soft"
    assert words_in(text, "weight") == ["(full moon:1.3)"]
    assert words_in(text, "choice") == ["{mist|falling snow}"]


def test_the_inner_bracket_wins() -> None:
    assert words_in("{(red:1.2)|blue} fox", "weight") == ["(red:1.2)"]
    assert words_in("{(red:1.2)|blue} fox", "choice") == ["{", "|blue}"]


def test_a_bracket_that_means_nothing_is_marked_as_a_slip() -> None:
    assert words_in("a fox) in snow", "problem") == [")"]
    assert words_in(r"a fox\) in snow", "problem") == []


def test_thousands_of_brackets_are_bounded() -> None:
    assert len(runs("(a) " * 5000)) <= RUNS_MAX


def test_colours_stand_at_the_right_place_behind_an_emoji(panel: PromptPanel) -> None:
    panel.prompt.set_text("🦊🦊 (moon:1.3)")
    (selection,) = panel.prompt.extraSelections()
    cursor: QTextCursor = selection.cursor  # pyright: ignore[reportAttributeAccessIssue]
    assert cursor.selectedText() == "(moon:1.3)"


def test_typing_reaches_the_draft_at_once(panel: PromptPanel, scene: Scene) -> None:
    panel.focus_prompt()
    scene.bot.keyClicks(panel.prompt, "a fox")
    scene.bot.keyClicks(panel.avoid, "text")
    draft = scene.studio.editor.draft
    assert (draft.prompt, draft.negative_prompt) == ("a fox", "text")


def test_typing_keeps_the_cursor_and_its_own_undo(panel: PromptPanel, scene: Scene) -> None:
    panel.focus_prompt()
    scene.bot.keyClicks(panel.prompt, "a fx")
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Left)
    scene.bot.keyClicks(panel.prompt, "o")
    assert panel.prompt.toPlainText() == "a fox"
    assert panel.prompt.textCursor().position() == 4
    panel.prompt.undo()
    assert scene.studio.editor.draft.prompt == "a fx"


def test_a_prompt_from_elsewhere_is_shown(panel: PromptPanel, scene: Scene) -> None:
    scene.studio.editor.set(prompt="a castle", negative_prompt="text")
    assert panel.prompt.toPlainText() == "a castle"
    assert panel.avoid.toPlainText() == "text"
    scene.studio.editor.undo()
    assert panel.prompt.toPlainText() == ""


@pytest.mark.parametrize("prompt", ["a\u00a0fox", "a\r\nfox", "a\u2028fox", "🦊\t\u200b"])
def test_showing_a_prompt_does_not_change_it(panel: PromptPanel, scene: Scene, prompt: str) -> None:
    scene.studio.editor.set(prompt=prompt)
    assert scene.studio.editor.draft.prompt == prompt


def test_a_prompt_that_is_too_long_is_refused_in_place(panel: PromptPanel, scene: Scene) -> None:
    scene.studio.editor.set(prompt="short")
    panel.prompt.setPlainText("x" * 20_001)
    assert "20,000" in panel.refusal.text()
    assert panel.refusal.isVisible()
    assert scene.studio.editor.draft.prompt == "short"
    scene.studio.editor.set(num_inference_steps=7)
    assert len(panel.prompt.toPlainText()) == 20_001
    panel.prompt.setPlainText("short again")
    assert not panel.refusal.isVisible()


@pytest.mark.parametrize(
    ("modifier", "signal"),
    [
        (Qt.KeyboardModifier.ControlModifier, "generate_asked"),
        (Qt.KeyboardModifier.ShiftModifier, "enqueue_asked"),
    ],
)
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_return_with_a_modifier_makes_pictures(
    panel: PromptPanel, scene: Scene, key: Qt.Key, modifier: Qt.KeyboardModifier, signal: str
) -> None:
    panel.focus_prompt()
    with scene.bot.waitSignal(getattr(panel, signal)):
        scene.bot.keyClick(panel.prompt, key, modifier)
    assert panel.prompt.toPlainText() == ""
    scene.bot.keyClick(panel.prompt, key)
    assert panel.prompt.toPlainText() == "\n"


def test_tab_leaves_the_prompt(panel: PromptPanel, scene: Scene) -> None:
    panel.focus_prompt()
    scene.bot.keyClick(panel.prompt, Qt.Key.Key_Tab)
    assert not panel.prompt.hasFocus()
    assert panel.prompt.toPlainText() == ""


def test_the_field_grows_with_its_text_to_a_limit(panel: PromptPanel) -> None:
    empty = panel.prompt.height()
    panel.prompt.set_text("\n" * 11)
    grown = panel.prompt.height()
    panel.prompt.set_text("\n" * 200)
    assert empty == theme.px(148) < grown < panel.prompt.height() == theme.px(300)


def test_the_words_of_the_model_are_offered_and_taken(panel: PromptPanel, scene: Scene) -> None:
    panel.prompt.set_words(("palm tree", "panda", "castle"))
    panel.focus_prompt()
    scene.bot.keyClicks(panel.prompt, "a p")
    popup = panel.prompt.offers
    assert not popup.isVisible()
    scene.bot.keyClicks(panel.prompt, "a")
    assert popup.isVisible()
    assert popup.model().rowCount() == 2
    scene.bot.keyClick(popup, Qt.Key.Key_Down)
    scene.bot.keyClick(popup, Qt.Key.Key_Return)
    assert panel.prompt.toPlainText() == "a panda"
    assert scene.studio.editor.draft.prompt == "a panda"


def test_offers_of_two_words_are_found_across_the_space(panel: PromptPanel, scene: Scene) -> None:
    panel.prompt.set_words(("palm tree", "panda", "tower"))
    panel.focus_prompt()
    scene.bot.keyClicks(panel.prompt, "a palm ")
    popup = panel.prompt.offers
    assert popup.isVisible()
    scene.bot.keyClicks(panel.prompt, "t")
    assert popup.model().rowCount() == 1
    scene.bot.keyClick(popup, Qt.Key.Key_Tab)
    assert scene.studio.editor.draft.prompt == "a palm tree"
    scene.bot.keyClicks(panel.prompt, " to")
    assert popup.isVisible()
    scene.bot.keyClick(popup, Qt.Key.Key_Tab)
    assert scene.studio.editor.draft.prompt == "a palm tree tower"


def test_tokens_are_counted_in_chunks(panel: PromptPanel, scene: Scene) -> None:
    scene.studio.library.rescan()
    scene.until(lambda: scene.studio.library.models)
    scene.studio.editor.set(prompt="a fox", model=scene.studio.library.models[0].ref)
    scene.until(lambda: panel.count.text().startswith("2 /"))
    scene.studio.editor.set(prompt="a fox " * 40)
    scene.until(lambda: panel.count.text().startswith("80 /"))
    one = scene.studio.tokens.limit
    assert panel.count.text() == f"80 / {-(-80 // one) * one} tokens"
    assert f"{-(-80 // one)} parts" in panel.count.toolTip()


def test_words_that_the_small_model_does_not_know_are_told(
    panel: PromptPanel, scene: Scene
) -> None:
    scene.studio.library.rescan()
    scene.until(lambda: scene.studio.library.models)
    scene.studio.editor.set(prompt="quasar", model=scene.studio.library.models[0].ref)
    assert "knows none of these words" in panel.hint.text()
    scene.studio.editor.set(prompt="a fox (in snow")
    assert "never closed" in panel.hint.text()
    scene.studio.editor.set(prompt="a fox in snow")
    assert not panel.hint.isVisible()


def test_a_prompt_of_the_past_is_found_by_its_words(panel: PromptPanel, scene: Scene) -> None:
    sheet = panel.open_history()
    search = sheet.findChild(QLineEdit)
    rows = sheet.findChild(QListView)
    assert search is not None
    assert rows is not None
    assert rows.model().rowCount() == 3
    scene.bot.keyClicks(search, "fox")
    assert rows.model().rowCount() == 2
    scene.bot.keyClick(search, Qt.Key.Key_Down)
    scene.bot.keyClick(search, Qt.Key.Key_Return)
    assert scene.studio.editor.draft.prompt == "A Fox by day"


def test_a_history_that_holds_nothing_says_so(panel: PromptPanel, scene: Scene) -> None:
    sheet = panel.open_history()
    search = sheet.findChild(QLineEdit)
    assert search is not None
    scene.bot.keyClicks(search, "zebra")
    scene.bot.keyClick(search, Qt.Key.Key_Return)
    assert sheet.isVisible()
    assert scene.studio.editor.draft.prompt == ""
    scene.bot.keyClick(search, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_styles_go_on_and_off(panel: PromptPanel, scene: Scene) -> None:
    scene.start()
    row = panel.styles.row
    first, second = row.shown()[:2]
    scene.bot.mouseClick(row.button(first), Qt.MouseButton.LeftButton)
    scene.bot.mouseClick(row.button(second), Qt.MouseButton.LeftButton)
    assert scene.studio.editor.draft.styles == (first, second)
    assert row.button(first).isChecked()
    assert row.button(second).isChecked()
    none = next(row.button(key) for key in row.shown() if row.button(key).text() == "None")
    assert not none.isChecked()
    scene.bot.mouseClick(none, Qt.MouseButton.LeftButton)
    assert scene.studio.editor.draft.styles == ()
    assert none.isChecked()


def test_tab_goes_down_the_panel_as_it_is_read(panel: PromptPanel, scene: Scene) -> None:
    scene.start()
    panel.focus_prompt()
    row = panel.styles.row
    wanted = [panel.prompt, panel.wildcards, panel.history, panel.examples, panel.avoid]
    wanted += [row.button(key) for key in row.shown()]
    wanted += [panel.bar.button, panel.bar.count]
    reached: list[QWidget] = []
    for _ in wanted:
        focus = panel.focusWidget()
        reached.append(focus)
        scene.bot.keyClick(focus, Qt.Key.Key_Tab)
    assert reached == wanted


def test_a_style_is_written_changed_and_deleted(panel: PromptPanel, scene: Scene) -> None:
    scene.start()
    chips = panel.styles
    sheet = chips.edit("")
    sheet.name.setText("Night ink")
    sheet.prompt.setPlainText("ink drawing, at night")
    scene.bot.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    known = scene.studio.styles
    scene.until(lambda: "Night ink" in known.by_name)
    assert known.by_name["Night ink"].prompt == "ink drawing, at night"

    fold = next((k for k in chips.row.shown() if "more" in chips.row.button(k).text()), None)
    if fold is not None:
        scene.bot.mouseClick(chips.row.button(fold), Qt.MouseButton.LeftButton)
    sheet = chips.edit("Night ink")
    sheet.name.setText("Moon ink")
    scene.bot.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    scene.until(lambda: "Moon ink" in known.by_name and "Night ink" not in known.by_name)

    delete = next(one for one in chips.menu("Moon ink").actions() if one.text() == "Delete")
    delete.trigger()
    scene.until(lambda: "Moon ink" not in known.by_name)


def test_a_style_without_name_or_words_is_refused_in_its_sheet(
    panel: PromptPanel, scene: Scene
) -> None:
    saved: list[tuple[Style, str]] = []
    sheet = StyleForm(panel.styles, None, lambda style, old: saved.append((style, old)))
    sheet.show_it()
    scene.bot.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    assert "name" in sheet.refusal.text()
    sheet.name.setText("Empty")
    scene.bot.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    assert "words" in sheet.refusal.text()
    assert sheet.isVisible()
    sheet.negative.setPlainText("blurry")
    scene.bot.mouseClick(sheet.button, Qt.MouseButton.LeftButton)
    assert saved == [(Style(name="Empty", prompt="", negative_prompt="blurry"), "")]


def test_generate_becomes_cancel_and_back(panel: PromptPanel, scene: Scene) -> None:
    button = panel.bar.button
    with scene.bot.waitSignal(panel.generate_asked):
        scene.bot.mouseClick(button, Qt.MouseButton.LeftButton)
    run = scene.studio.run
    scene.studio.editor.set(prompt="a fox", model=MODEL, count=2)

    jobs = tuple(
        Job(id=at, run=1, kind="render", recipe=one)
        for at, one in enumerate(expand(scene.studio.editor.draft, {}), 1)
    )
    run.begin(jobs[0], jobs)
    scene.until(lambda: button.working)
    assert button.accessibleName() == "Cancel"
    with scene.bot.waitSignal(panel.cancel_asked):
        scene.bot.mouseClick(button, Qt.MouseButton.LeftButton)
    run.end(1)
    run.begin(jobs[1], jobs)
    scene.until(lambda: "50%" in button.accessibleDescription())
    run.end(2)
    run.rest()
    scene.until(lambda: not button.working)
    assert button.accessibleName() == "Generate"


def test_the_count_is_typed_stepped_and_refused(panel: PromptPanel, scene: Scene) -> None:
    count = panel.bar.count
    editor = scene.studio.editor
    editor.set(count=4)
    assert count.text() == "×4"
    count.setFocus()
    scene.bot.keyClick(count, Qt.Key.Key_Up)
    assert editor.draft.count == 5
    count.selectAll()
    scene.bot.keyClicks(count, "12")
    assert editor.draft.count == 12
    count.selectAll()
    scene.bot.keyClicks(count, "65")
    scene.bot.keyClick(count, Qt.Key.Key_Return)
    assert editor.draft.count == 6
    assert "from 1 to 64" in panel.bar.refusal.text()


def test_the_arrows_of_the_count_are_clicked(panel: PromptPanel, scene: Scene) -> None:
    count = panel.bar.count
    right = count.rect().topRight()
    up, down = right, right
    up.setX(right.x() - 8)
    up.setY(10)
    down = count.rect().bottomRight()
    down.setX(right.x() - 8)
    down.setY(count.height() - 10)
    for place in (up, up, down):
        scene.bot.mouseClick(count, Qt.MouseButton.LeftButton, pos=place)
    assert scene.studio.editor.draft.count == 2


def test_examples_are_taken_one_after_the_other(panel: PromptPanel, scene: Scene) -> None:
    assert not panel.examples.isVisible()
    scene.start()
    examples = scene.studio.library.example_prompts
    for wanted in examples[:2]:
        scene.bot.mouseClick(panel.examples, Qt.MouseButton.LeftButton)
        assert scene.studio.editor.draft.prompt == wanted


def test_undo_without_letters_left_goes_to_the_window(scene: Scene) -> None:
    edit = PromptEdit("Prompt", "", 60, 100)
    scene.show(edit)
    undone: list[bool] = []
    shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), edit)
    shortcut.activated.connect(lambda: undone.append(True))
    edit.setFocus()
    control = Qt.KeyboardModifier.ControlModifier
    scene.bot.keyClicks(edit, "a")
    scene.bot.keyClick(edit, Qt.Key.Key_Z, control)
    assert (edit.toPlainText(), undone) == ("", [])
    scene.bot.keyClick(edit, Qt.Key.Key_Z, control)
    assert undone == [True]


def test_the_button_is_painted_at_every_progress(scene: Scene) -> None:
    button = GenerateButton()
    scene.show(button, 226, 46)
    pictures: list[bytes] = []
    for progress in (-1.0, 0.0, 0.5, 1.0):
        button.set_progress(progress)
        image = button.grab().toImage()
        pictures.append(bytes(image.constBits()))
    assert len(set(pictures)) == 4
