"""The artist changes their mind at every stage; faults at every stage leave the thread alive."""

from collections.abc import Callable

import pytest

from desktop_app.errors import AppError
from tests.studio.conftest import Stage

pytestmark = pytest.mark.gui

STAGES = ("loading", "encoding", "step 1", "step 3", "step 4", "latents", "decoding")


def _files(stage: Stage, ending: str) -> list[str]:
    return [path.name for path in stage.home.rglob(f"*{ending}")]


@pytest.mark.parametrize("at", STAGES)
def test_cancel_ends_the_picture_and_leaves_nothing_behind(stage: Stage, at: str) -> None:
    gate = stage.backend.gate(at)
    stage.order()
    stage.until(gate.reached.is_set)
    stage.studio.cancel()
    assert stage.studio.run.text == "Stopping"
    gate.open.set()
    stage.idle()
    assert stage.backend.rendered == []
    assert stage.studio.gallery.total == 0
    assert stage.studio.queue.jobs() == []
    assert _files(stage, ".latents") == []
    assert stage.listener.notices == []
    del stage.backend.gates[at]
    stage.order("another")
    stage.made(1)
    assert stage.backend.rendered[0].prompt == "another"


def test_cancel_before_the_latent_never_decodes(stage: Stage) -> None:
    gate = stage.backend.gate("latents")
    decoded = stage.backend.gate("decoding")
    decoded.open.set()
    stage.order()
    stage.until(gate.reached.is_set)
    stage.studio.cancel()
    gate.open.set()
    stage.idle()
    assert not decoded.reached.is_set()


def test_cancel_drops_the_rest_of_the_run_and_the_next_run_goes_on(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    stage.order("first", count=3)
    stage.until(gate.reached.is_set)
    stage.order("second", count=1)
    stage.until(lambda: stage.studio.queue.active == 4)
    stage.studio.cancel()
    gate.open.set()
    stage.made(1)
    assert [recipe.prompt for recipe in stage.backend.rendered] == ["second"]


def test_one_waiting_picture_can_be_dropped_and_the_run_goes_on(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    stage.order(count=3, seed=1, seed_rule="keep")
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 3)
    stage.studio.cancel_job(stage.studio.queue.jobs()[1].id)
    gate.open.set()
    stage.made(2)
    assert [recipe.seed for recipe in stage.backend.rendered] == [1, 3]
    assert [record is None for record in stage.studio.run.results] == [False, True, False]
    assert stage.studio.run.ended == [True, True, True]


def test_one_running_picture_can_be_stopped_and_the_run_goes_on(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    stage.order(count=2, seed=1, seed_rule="keep")
    stage.until(gate.reached.is_set)
    running = stage.studio.queue.running
    assert running is not None
    stage.studio.cancel_job(running.id)
    gate.open.set()
    stage.made(1)
    assert [recipe.seed for recipe in stage.backend.rendered] == [2]


def test_clear_leaves_the_running_picture(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    stage.order(count=4, seed=1, seed_rule="keep")
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 4)
    stage.studio.clear_queue()
    assert stage.studio.queue.active == 1
    gate.open.set()
    stage.made(1)


def test_cancel_with_nothing_to_do_is_no_harm(stage: Stage) -> None:
    stage.studio.cancel()
    stage.order()
    stage.made(1)


@pytest.mark.parametrize("at", STAGES)
def test_a_known_error_is_told_in_its_words_and_the_next_picture_is_made(
    stage: Stage, at: str
) -> None:
    stage.backend.fail(at, AppError("no-memory", "There is no memory left.", hint="Go smaller."))
    stage.order()
    stage.until(lambda: stage.listener.notices)
    assert stage.listener.texts() == "There is no memory left. Go smaller."
    stage.idle()
    (job,) = stage.studio.queue.jobs()
    assert (job.state, job.error) == ("failed", "There is no memory left. Go smaller.")
    stage.order()
    stage.made(1)
    stage.studio.cancel_job(job.id)
    assert stage.studio.queue.jobs() == []


@pytest.mark.parametrize("at", ["loading", "step 2", "decoding"])
def test_a_bug_is_logged_with_its_trace_and_the_thread_lives_on(
    stage: Stage, at: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage.backend.fail(at, ZeroDivisionError("a slip"))
    stage.order(count=2)
    stage.made(1)
    assert "inside Mezzotint (ZeroDivisionError)" in stage.listener.texts()
    assert "ZeroDivisionError: a slip" in caplog.text
    assert "scripted.py" in caplog.text
    assert len(stage.backend.threads) == 1


def test_a_latent_whose_decode_failed_can_be_finished_after_a_restart(
    stage: Stage, open_stage: Callable[..., Stage]
) -> None:
    stage.backend.fail("decoding", AppError("no-memory", "There is no memory left."))
    stage.order("kept")
    stage.until(lambda: stage.listener.notices)
    stage.idle()
    assert len(_files(stage, ".latents")) == 1
    assert stage.end()
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    notice = again.listener.with_action("Finish it")
    assert notice.act is not None
    notice.act()
    again.made(1)
    assert [recipe.prompt for recipe in again.backend.decoded] == ["kept"]
    assert again.backend.rendered == []
    assert _files(again, ".latents") == []


def test_a_full_disk_holds_the_queue_and_the_picture_is_saved_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop_app.store.pictures import Pictures

    def full(*_: object, **__: object) -> None:
        raise AppError("disk-full", "The disk is full.", hint="Make room.")

    monkeypatch.setattr(Pictures, "save", full)
    stage.order(count=2)
    stage.until(lambda: stage.listener.notices)
    stage.until(lambda: stage.studio.queue.running is None)
    assert stage.listener.texts() == "The disk is full. Make room. The queue waits."
    assert stage.studio.queue.held
    assert stage.studio.queue.active == 1
    monkeypatch.undo()
    act = stage.listener.with_action("Try again").act
    assert act is not None
    act()
    stage.made(2)
    assert len(stage.backend.rendered) == 2
    assert len(stage.backend.decoded) == 1
    assert _files(stage, ".latents") == []
