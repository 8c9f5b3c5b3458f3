"""Every edit is checked, undone and kept."""

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.studio.background import Background
from desktop_app.studio.editor import HISTORY_MAX, Editor

pytestmark = pytest.mark.gui


class Clock:
    """Time that passes when the test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk(qtbot: QtBot) -> Background:
    return Background(threads=1)


@pytest.fixture
def editor(tmp_path: Path, disk: Background, clock: Clock) -> Editor:
    return Editor(tmp_path / "draft.json", disk, clock=clock)


def test_an_edit_is_one_signal_with_both_drafts(editor: Editor, qtbot: QtBot) -> None:
    with qtbot.waitSignal(editor.changed) as told:
        editor.set(prompt="fox", num_inference_steps=30)
    assert told.args is not None
    new, before = told.args
    assert (new.prompt, new.num_inference_steps, before) == ("fox", 30, Draft())
    assert editor.draft is new


def test_a_bad_value_is_refused_and_nothing_changes(editor: Editor, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(editor.changed), pytest.raises(AppError, match="Steps"):
        editor.set(num_inference_steps=0, prompt="lost")
    assert editor.draft == Draft()
    assert not editor.can_undo


def test_the_same_value_again_is_no_step(editor: Editor, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(editor.changed):
        editor.set(prompt="")
    assert not editor.can_undo


def test_undo_and_redo_walk_the_drafts(editor: Editor, clock: Clock) -> None:
    for prompt in ("a", "b", "c"):
        clock.now += 2
        editor.set(prompt=prompt)
    editor.undo()
    editor.undo()
    assert editor.draft.prompt == "a"
    editor.redo()
    assert editor.draft.prompt == "b"
    assert (editor.undo_label, editor.redo_label) == ("Prompt", "Prompt")
    editor.set(guidance_scale=3.0)
    assert not editor.can_redo
    assert editor.undo_label == "Guidance"
    for _ in range(9):
        editor.undo()
    assert editor.draft == Draft()


def test_one_drag_of_a_slider_is_one_step(editor: Editor, clock: Clock) -> None:
    editor.set(num_inference_steps=21)
    for steps in range(22, 40):
        clock.now += 0.1
        editor.set(num_inference_steps=steps)
    editor.undo()
    assert editor.draft == Draft()
    assert not editor.can_undo


@pytest.mark.parametrize("pause", [1.1, 5.0])
def test_edits_apart_in_time_are_two_steps(editor: Editor, clock: Clock, pause: float) -> None:
    editor.set(num_inference_steps=21)
    clock.now += pause
    editor.set(num_inference_steps=22)
    editor.undo()
    assert editor.draft.num_inference_steps == 21


def test_edits_of_other_fields_are_two_steps(editor: Editor) -> None:
    editor.set(num_inference_steps=21)
    editor.set(guidance_scale=2.0)
    editor.set(num_inference_steps=22)
    editor.undo()
    assert editor.draft.num_inference_steps == 21
    editor.undo()
    assert editor.draft.guidance_scale == 7.0


def test_an_edit_after_undo_is_not_merged_into_the_past(editor: Editor, clock: Clock) -> None:
    editor.set(num_inference_steps=21)
    clock.now += 2
    editor.set(num_inference_steps=22)
    editor.undo()
    editor.set(num_inference_steps=30)
    editor.undo()
    assert editor.draft.num_inference_steps == 21


def test_the_programs_own_changes_are_no_step(editor: Editor) -> None:
    editor.adjust(seed=5)
    assert editor.draft.seed == 5
    assert not editor.can_undo


def test_replace_is_one_step_under_its_name(editor: Editor) -> None:
    editor.replace(Draft(prompt="whole", seed=9), "Settings of a picture")
    assert editor.undo_label == "Settings of a picture"
    editor.undo()
    assert editor.draft == Draft()
    editor.redo()
    assert editor.draft.seed == 9


def test_the_history_is_bounded(editor: Editor, clock: Clock) -> None:
    for seed in range(1, HISTORY_MAX + 50):
        clock.now += 2
        editor.set(seed=seed)
    steps = 0
    while editor.can_undo:
        editor.undo()
        steps += 1
    assert steps == HISTORY_MAX
    assert editor.draft.seed == 49


def test_the_draft_is_there_after_a_kill(
    editor: Editor, disk: Background, tmp_path: Path, qtbot: QtBot
) -> None:
    assert editor.fresh
    editor.set(prompt="half a th", seed=2**64 - 1)
    file = tmp_path / "draft.json"
    qtbot.waitUntil(file.exists)
    # Nothing is closed or flushed here: this is what a killed program leaves.
    again = Editor(file, disk)
    assert again.draft == editor.draft
    assert not again.fresh


def test_typing_without_a_pause_is_saved_all_the_same(
    editor: Editor, tmp_path: Path, qtbot: QtBot
) -> None:
    text = ""

    def type_and_look() -> bool:
        nonlocal text
        text += "x"
        editor.set(prompt=text)
        return (tmp_path / "draft.json").exists()

    qtbot.waitUntil(type_and_look)


def test_flush_writes_at_once(editor: Editor, tmp_path: Path, disk: Background) -> None:
    editor.set(prompt="last words")
    disk.close()
    editor.flush()
    assert json.loads((tmp_path / "draft.json").read_text())["prompt"] == "last words"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"{}",
        b'{"version": 99}',
        b'{"version": 1, "prompt": 5}',
        b'{"version": 1, "seed": "99999999999999999999"}',
        b"x" * 2_000_000,
    ],
)
def test_a_damaged_draft_is_set_aside(tmp_path: Path, disk: Background, data: bytes) -> None:
    file = tmp_path / "draft.json"
    file.write_bytes(data)
    editor = Editor(file, disk)
    assert editor.draft == Draft()
    assert editor.problem is not None
    assert (tmp_path / "draft.json.bad").read_bytes() == data


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, disk: Background, qtbot: QtBot) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way of a folder")
    editor = Editor(blocked / "draft.json", disk)
    told: list[AppError] = []
    editor.failed.connect(told.append)
    editor.set(prompt="a")
    qtbot.waitUntil(lambda: len(told) == 1)
    assert told[0].code == "draft-save"
    editor.set(prompt="b")
    with pytest.raises(AppError):
        editor.flush()
    assert len(told) == 1
