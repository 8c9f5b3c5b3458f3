"""One generation from the button to the gallery, and what else the studio can be asked for."""

import gc
from collections.abc import Callable

import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import FromNoise
from tests.studio.conftest import Stage
from tests.studio.scripted import ScriptedBackend, pixels_of

pytestmark = pytest.mark.gui


def test_a_press_of_the_button_becomes_a_stored_picture(stage: Stage) -> None:
    stage.order("a fox", seed=7, seed_rule="keep")
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    record = stage.studio.gallery.record_of(picture)
    assert record is not None
    assert record.recipe is not None
    assert (record.recipe.prompt, record.recipe.seed) == ("a fox", 7)
    assert record.path.is_file()
    assert stage.studio.run.results == [record]
    assert stage.studio.run.stage == "idle"
    assert stage.studio.timeline.filled == 4
    assert stage.studio.timeline.picture == picture
    assert stage.listener.notices == []


def test_a_run_makes_its_pictures_one_after_the_other(stage: Stage) -> None:
    stage.order(count=3, seed=10, seed_rule="step")
    stage.made(3)
    assert [recipe.seed for recipe in stage.backend.rendered] == [10, 11, 12]
    assert stage.studio.editor.draft.seed == 13
    assert all(stage.studio.run.results)
    assert stage.studio.run.run_progress == 1.0
    assert len(stage.backend.threads) == 1


def test_the_run_on_the_canvas_follows_the_events(stage: Stage) -> None:
    gate = stage.backend.gate("step 3")
    stage.order(count=2)
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.run.step == 2)
    run = stage.studio.run
    assert run.stage == "step"
    assert run.busy
    assert run.text.startswith("1 of 2 · Step 2 / 4 · ")
    preview = run.previews[0]
    assert preview is not None
    assert (preview.width(), preview.height()) == (8, 8)
    assert stage.studio.timeline.filled == 2
    assert stage.studio.timeline.rowCount() == 4
    assert stage.studio.queue.active == 2
    gate.open.set()
    stage.made(2)
    assert run.text == ""


def test_reproduce_tells_the_verdict_and_saves_nothing(stage: Stage) -> None:
    stage.order()
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    stage.studio.again.reproduce(picture)
    stage.until(lambda: "Identical" in stage.listener.texts())
    stage.until(lambda: _verified(stage, picture) == "identical")
    stage.idle()
    assert stage.studio.gallery.total == 1
    assert stage.studio.focused is not None
    assert stage.studio.focused.id == picture
    assert stage.studio.timeline.picture == picture
    assert stage.studio.timeline.filled == 4


def test_a_stopped_reproduction_goes_back_to_the_picture(stage: Stage) -> None:
    stage.order()
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    gate = stage.backend.gate("step 2")
    stage.studio.again.reproduce(picture)
    stage.until(gate.reached.is_set)
    assert stage.studio.focused is None
    stage.studio.cancel()
    gate.open.set()
    stage.idle()
    assert stage.studio.focused is not None
    assert stage.studio.focused.id == picture
    assert _verified(stage, picture) == ""


@pytest.mark.parametrize(
    ("shift", "verdict", "words"),
    [(2, "similar", "Visually identical"), (9, "different", "Different")],
)
def test_reproduce_on_another_machine_says_how_far_off(
    stage: Stage, shift: int, verdict: str, words: str
) -> None:
    stage.order()
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    stage.backend.shift = shift
    stage.studio.again.reproduce(picture)
    stage.until(lambda: _verified(stage, picture) == verdict)
    stage.until(lambda: words in stage.listener.texts())
    assert f"{shift} of 255" in stage.listener.texts()
    assert "Computed by script, now by other." in stage.listener.texts()


def _verified(stage: Stage, picture: int) -> str:
    record = stage.studio.gallery.record_of(picture)
    return record.verified if record is not None else ""


def test_vary_mixes_other_noise_into_the_same_recipe(stage: Stage) -> None:
    stage.order(seed=5, seed_rule="keep")
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    stage.studio.editor.set(count=2)
    stage.studio.again.vary(picture, "strong")
    stage.made(3)
    varied = stage.backend.rendered[1:]
    assert [recipe.seed for recipe in varied] == [5, 5]
    mixed = [recipe.start.variations for recipe in varied if isinstance(recipe.start, FromNoise)]
    assert [[one.weight for one in row] for row in mixed] == [[0.4], [0.4]]
    assert mixed[0][0].seed != mixed[1][0].seed


def test_an_empty_prompt_is_told_and_nothing_is_queued(stage: Stage) -> None:
    stage.order("  ")
    stage.until(lambda: "The prompt is empty." in stage.listener.texts())
    assert stage.studio.queue.active == 0


def test_random_seeds_do_not_come_twice(stage: Stage) -> None:
    seeds = [stage.studio.editor.draft.seed]
    for _ in range(5):
        stage.studio.dice()
        seeds.append(stage.studio.editor.draft.seed)
    assert len(set(seeds)) == 6


def test_what_is_ordered_before_the_start_is_made_after_it(
    open_stage: Callable[..., Stage],
) -> None:
    stage = open_stage()
    stage.order("early", seed=5, seed_rule="step")
    stage.order("second", num_inference_steps=7)
    stage.studio.editor.set(prompt="typed after")
    stage.start()
    stage.made(2)
    made = [(one.prompt, one.seed, one.num_inference_steps) for one in stage.backend.rendered]
    assert made == [("early", 5, 4), ("second", 6, 7)]
    assert {one.width for one in stage.backend.rendered} == {64}


def test_the_picture_is_the_one_that_was_rendered(stage: Stage) -> None:
    from desktop_app.store.pixels import read_pixels

    stage.order()
    stage.made(1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    assert (read_pixels(path) == pixels_of(stage.backend.rendered[0])).all()


def test_an_engine_that_does_not_start_is_told_and_can_be_tried_again(
    open_stage: Callable[..., Stage],
) -> None:
    backend = ScriptedBackend()
    backend.fail("start", AppError("no-torch", "PyTorch is damaged.", hint="Install it anew."))
    stage = open_stage(backend)
    stage.studio.start()
    stage.until(lambda: stage.studio.engine == "failed")
    stage.order()
    notice = stage.listener.with_action("Try again")
    assert notice.text == "PyTorch is damaged. Install it anew."
    assert notice.act is not None
    notice.act()
    stage.made(1)
    assert stage.studio.engine == "ready"


def test_the_engine_stage_shows_while_it_starts(open_stage: Callable[..., Stage]) -> None:
    backend = ScriptedBackend()
    gate = backend.gate("start")
    stage = open_stage(backend)
    stage.studio.start()
    stage.until(gate.reached.is_set)
    assert stage.studio.run.stage == "engine"
    assert stage.studio.run.text == "Starting the engine"
    assert not stage.studio.run.busy
    gate.open.set()
    stage.until(lambda: stage.studio.run.stage == "idle")
    assert stage.studio.device is not None
    assert stage.studio.device.name == "Script"


def test_loading_names_the_model(stage: Stage) -> None:
    gate = stage.backend.gate("encoding")
    stage.order()
    stage.until(gate.reached.is_set)
    assert stage.studio.run.text == "Loading Scripted"
    gate.open.set()
    stage.made(1)


def test_garbage_collected_in_the_thread_takes_nothing_of_the_window(stage: Stage) -> None:
    def collect(_: str) -> None:
        gc.collect()

    stage.backend.before = collect
    stage.order(count=3)
    for _ in range(5):
        stage.studio.dice()
        stage.studio.editor.undo()
    stage.made(3)
    assert stage.listener.notices == []
