"""What one session leaves, the next one takes up."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from desktop_app.paths import resolve
from tests.studio.conftest import Stage
from tests.studio.models import write_model
from tests.studio.scripted import ScriptedBackend

pytestmark = pytest.mark.gui
Open = Callable[..., Stage]


def test_a_restart_shows_the_pictures_and_the_draft(stage: Stage, open_stage: Open) -> None:
    stage.order("remember me", seed=4, seed_rule="keep")
    stage.made(1)
    stage.studio.editor.set(prompt="half typ")
    assert stage.end()
    again = open_stage()
    assert again.studio.editor.draft.prompt == "half typ"
    assert again.studio.editor.draft.seed == 4
    again.start()
    again.until(lambda: again.studio.gallery.total == 1)


def test_pictures_that_waited_are_offered_again(stage: Stage, open_stage: Open) -> None:
    gate = stage.backend.gate("step 2")
    stage.order(count=3, seed=1, seed_rule="keep")
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 3)
    assert stage.end()
    assert stage.backend.rendered == []
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    (notice,) = again.listener.notices
    assert (notice.text, notice.action) == ("3 pictures were still waiting.", "Continue")
    assert again.studio.queue.active == 0
    assert notice.act is not None
    notice.act()
    again.made(3)
    assert [recipe.seed for recipe in again.backend.rendered] == [1, 2, 3]
    assert again.end()
    third = open_stage()
    third.start()
    third.until(lambda: third.studio.gallery.total == 3)
    assert third.listener.notices == []


def test_a_failed_or_cancelled_picture_is_not_offered_again(stage: Stage, open_stage: Open) -> None:
    stage.backend.fail("step 1", ValueError("x"))
    stage.order("fails")
    stage.until(lambda: stage.listener.notices)
    gate = stage.backend.gate("step 2")
    stage.order("stops", count=2)
    stage.until(gate.reached.is_set)
    stage.studio.cancel()
    gate.open.set()
    stage.idle()
    assert stage.end()
    again = open_stage()
    again.start()
    again.order("next", count=1)
    again.made(1)
    assert again.listener.notices == []


@pytest.mark.parametrize("at", ["start", "loading", "step 2", "latents", "decoding"])
def test_the_end_comes_while_the_engine_works(open_stage: Open, at: str) -> None:
    backend = ScriptedBackend()
    gate = backend.gate(at)
    stage = open_stage(backend)
    stage.studio.start()
    if at != "start":
        stage.order()
    stage.until(gate.reached.is_set)
    assert stage.end()
    assert backend.rendered == []
    assert backend.closed or at == "start"
    assert stage.studio.closing


def test_a_thread_that_hangs_is_given_up_on(
    open_stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop_app.studio import conductor

    monkeypatch.setattr(conductor, "WORK_MS", 50)
    stage = open_stage()
    stage.start()
    gate = stage.backend.gate("step 2")
    stage.order("hangs")
    stage.until(gate.reached.is_set)
    assert not stage.studio.shutdown()
    assert resolve().draft_file.exists()
    gate.open.set()
    assert stage.studio.wait_for_engine(10_000)


def test_a_damaged_draft_is_told_and_kept(open_stage: Open) -> None:
    file = resolve().draft_file
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 99}')
    stage = open_stage()
    stage.start()
    stage.until(lambda: stage.listener.notices)
    assert "newer Mezzotint" in stage.listener.texts()
    assert file.with_name("draft.json.bad").exists()


def test_a_damaged_index_is_made_anew_from_the_pictures(stage: Stage, open_stage: Open) -> None:
    stage.order("survives")
    stage.made(1)
    assert stage.end()
    resolve().database.write_bytes(b"garbage" * 1000)
    again = open_stage()
    again.start()
    again.until(lambda: again.studio.gallery.total == 1)
    assert "index was damaged" in again.listener.texts()


def test_a_store_that_cannot_be_opened_is_told_and_tried_again(open_stage: Open) -> None:
    folder = resolve().database
    folder.mkdir(parents=True)
    stage = open_stage()
    stage.studio.start()
    stage.until(lambda: stage.listener.notices)
    notice = stage.listener.with_action("Try again")
    folder.rmdir()
    stage.order("at last")
    assert notice.act is not None
    notice.act()
    stage.made(1)


def test_the_first_draft_takes_the_models_numbers(open_stage: Open) -> None:
    stage = open_stage()
    stage.start()
    draft = stage.studio.editor.draft
    assert draft.model is not None
    assert draft.model.name == "Scripted"
    assert (draft.width, draft.height, draft.num_inference_steps) == (64, 64, 4)
    assert (draft.scheduler, draft.guidance_scale) == ("ddim", 3.0)
    assert not stage.studio.editor.can_undo


def test_what_was_typed_while_the_models_were_read_stays(open_stage: Open) -> None:
    stage = open_stage()
    stage.studio.editor.set(num_inference_steps=33, prompt="typed")
    stage.start()
    draft = stage.studio.editor.draft
    assert (draft.num_inference_steps, draft.prompt, draft.width) == (33, "typed", 64)


def test_a_model_that_is_gone_is_told_with_a_way_on(stage: Stage, open_stage: Open) -> None:
    write_model(stage.home / "models" / "second", "Second", seed=2.0)
    stage.studio.library.rescan()
    stage.until(lambda: len(stage.studio.library.models) == 2)
    stage.studio.choose_model(stage.studio.library.models[1])
    assert stage.end()
    write_model(stage.home / "models" / "second", "Changed", seed=3.0)
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    assert again.listener.texts() == "The model Second is not there any more."
    notice = again.listener.with_action("Use Changed")
    assert notice.act is not None
    notice.act()
    assert again.studio.library.current is not None
    assert again.studio.library.current.title == "Changed"


def test_a_folder_that_could_run_code_is_told_once(stage: Stage) -> None:
    write_model(stage.home / "models" / "bad", "Bad", seed=9.0)
    (stage.home / "models" / "bad" / "setup.py").write_text("print()")
    for _ in range(2):
        stage.studio.library.rescan()
        stage.until(lambda: not stage.studio.library.scanning)
    assert [one.text.count("program code") for one in stage.listener.notices] == [1]


def test_what_waited_can_be_forgotten(stage: Stage, open_stage: Open) -> None:
    gate = stage.backend.gate("step 2")
    stage.order(count=2)
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 2)
    assert stage.end()
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    (notice,) = again.listener.notices
    assert notice.other == "Forget"
    assert notice.other_act is not None
    notice.other_act()
    # Shutting down waits for what was promised to the disk.
    assert again.end()
    third = open_stage()
    third.start()
    third.order("next", count=1)
    third.made(1)
    assert third.listener.notices == []
    assert len(third.backend.rendered) == 1


def test_a_latent_that_was_kept_can_be_forgotten(stage: Stage, open_stage: Open) -> None:
    gate = stage.backend.gate("decoding")
    stage.order()
    stage.until(gate.reached.is_set)
    assert stage.end()
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    notice = again.listener.with_action("Finish it")
    assert notice.other_act is not None
    notice.other_act()
    assert again.end()
    third = open_stage()
    third.start()
    third.order("next")
    third.made(1)
    assert third.listener.notices == []


def test_a_crash_is_told_of_with_its_report(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)
    stage.studio.herald.tell_of_crash(
        tmp_path / "logs" / "crash.previous.log", stage.studio.album.open_folder
    )
    notice = stage.listener.with_action("Show the report")
    assert "draft and queue were kept" in notice.text
    assert notice.act is not None
    notice.act()
    assert [url.toLocalFile() for url in opened] == [str(tmp_path / "logs")]
