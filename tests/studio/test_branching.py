"""Branches and films as the studio's verbs: begun, undone, refused, made."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from desktop_app.paths import resolve
from desktop_app.recipe.film import Film
from desktop_app.recipe.recipe import FromNoise, FromStep
from tests.studio.conftest import Stage
from tests.studio.models import write_model


def make_one(stage: Stage, prompt: str = "a fox", **fields: object) -> int:
    """A picture, made and stored, whose steps are on the timeline; its number."""
    before = stage.studio.gallery.total
    stage.order(prompt, num_inference_steps=6, seed_rule="keep", count=1, **fields)
    stage.made(before + 1)
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    return picture


def test_a_branch_takes_up_the_picture_and_goes_on(stage: Stage) -> None:
    studio = stage.studio
    picture = make_one(stage, prompt="a fox", guidance_scale=3.0)
    parent = stage.backend.rendered[-1]
    studio.editor.set(prompt="something else", guidance_scale=9.0)
    changes: list[object] = []
    studio.branching.changed.connect(lambda: changes.append(studio.branching.branch))
    assert studio.branching.begin_at(2)
    assert studio.editor.draft.branch == FromStep(parent=parent, step=3)
    assert changes == [FromStep(parent=parent, step=3)]
    assert (studio.editor.draft.prompt, studio.editor.draft.guidance_scale) == ("a fox", 3.0)
    assert studio.branching.image is not None
    studio.editor.set(prompt="a fox in snow")
    studio.generate()
    stage.made(2)
    made = stage.backend.rendered[-1]
    assert made.start == FromStep(parent=parent, step=3)
    assert made.prompt == "a fox in snow"
    record = studio.gallery.record_of(studio.gallery.id_at(0) or 0)
    first = studio.gallery.record_of(picture)
    assert record is not None
    assert first is not None
    assert record.recipe == made
    assert record.provenance is not None
    assert record.provenance.origin is not None
    assert record.provenance.origin.kind == "branch"
    assert record.provenance.origin.picture == first.pixels_sha256
    assert [studio.timeline.is_shared(row) for row in range(6)] == [True] * 3 + [False] * 3


def test_the_picture_of_a_branch_outlives_the_session(
    open_stage: Callable[..., Stage], home: Path
) -> None:
    first = open_stage()
    first.start()
    make_one(first)
    first.studio.branching.begin_at(2)
    kept = resolve().cache / "branch.png"
    first.until(kept.exists)
    assert first.end()
    second = open_stage()
    assert second.studio.branching.branch is not None
    second.start()
    second.until(lambda: second.studio.branching.image)
    # It belongs to that step only, and whatever else lies there is nothing.
    second.studio.branching.leave()
    assert second.studio.branching.image is None
    second.studio.editor.undo()
    assert second.studio.branching.image is not None
    assert second.end()
    for wrong in (b"no picture", b"", bytes(2_000_000)):
        kept.write_bytes(wrong)
        third = open_stage()
        third.start()
        third.studio.branching.start()
        third.idle()
        assert third.studio.branching.branch is not None
        assert third.studio.branching.image is None
        assert third.end()


def test_undo_leaves_and_redo_comes_back(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage)
    before = studio.editor.draft
    studio.branching.begin_at(0)
    branch = studio.branching.branch
    assert branch is not None
    studio.editor.undo()
    assert studio.editor.draft == before
    studio.editor.redo()
    assert studio.branching.branch == branch
    studio.branching.leave()
    assert studio.branching.branch is None
    assert studio.editor.undo_label == "Branch"
    studio.branching.leave()
    studio.generate()
    stage.idle()
    assert isinstance(stage.backend.rendered[-1].start, FromNoise)


def test_what_cannot_be_branched_from_is_said(stage: Stage) -> None:
    studio = stage.studio
    assert not studio.branching.begin_at(0)
    assert "not known" in stage.listener.texts()
    picture = make_one(stage)
    assert not studio.branching.begin_at(5)
    assert "nothing is left to change" in stage.listener.texts()
    assert studio.branching.refusal(17) == "That step is not there yet."
    assert not studio.branching.begin(picture, 0)
    assert studio.branching.branch is None
    assert studio.branching.begin(picture, 2)


def test_a_branch_keeps_its_model(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage)
    studio.branching.begin_at(1)
    model = studio.editor.draft.model
    desk, used = studio.desk, list[object]()
    desk.used.connect(used.append)
    own = next(one for one in desk.assets.all if one.name == "Scripted")
    desk.use(own)
    stage.until(lambda: used == [own])
    assert "keeps the model" not in stage.listener.texts()
    used.clear()
    write_model(stage.home / "models" / "second", "Second", seed=1.0)
    studio.library.rescan()
    stage.until(lambda: any(one.name == "Second" for one in desk.assets.all))
    said = len(stage.listener.notices)
    desk.use(next(one for one in desk.assets.all if one.name == "Second"))
    stage.until(lambda: len(stage.listener.notices) > said)
    assert "keeps the model" in stage.listener.notices[said].text
    assert studio.editor.draft.model == model
    assert not used
    # Another size reaches no engine: the sentence says what to do.
    studio.editor.set(width=studio.editor.draft.width + 64)
    studio.generate()
    assert "has the size of the picture" in stage.listener.texts()
    assert stage.studio.queue.active == 0


def test_the_seed_is_said_to_matter_where_it_does(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage, scheduler="euler", sigmas="default")
    studio.branching.begin_at(1)
    assert "the seed changes nothing" in studio.branching.seed_words
    studio.editor.set(scheduler="euler_a")
    assert "Another seed draws" in studio.branching.seed_words
    studio.editor.set(seed=studio.editor.draft.seed + 1)
    assert "drawn anew" in studio.branching.seed_words


def test_a_branch_of_a_branch_from_a_shared_step_is_the_first_ones(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage, prompt="a fox")
    root = stage.backend.rendered[-1]
    studio.branching.begin_at(3)
    make_one(stage, prompt="a bear")
    child = stage.backend.rendered[-1]
    studio.branching.begin_at(1)
    assert studio.branching.branch == FromStep(parent=root, step=2)
    # It takes up the settings of the picture that is seen all the same.
    assert studio.editor.draft.prompt == "a bear"
    studio.branching.begin_at(4)
    assert studio.branching.branch == FromStep(parent=child, step=5)


def test_the_steps_of_an_old_picture_are_made_again(stage: Stage) -> None:
    studio = stage.studio
    picture = make_one(stage)
    studio.timeline._kept.clear()  # pyright: ignore[reportPrivateUsage]
    studio.show(picture)
    assert studio.timeline.filled == 0
    studio.films.show_steps(picture)
    stage.until(lambda: studio.timeline.has(picture))
    stage.idle()
    stage.until(lambda: studio.timeline.picture == picture and studio.timeline.filled == 6)
    assert studio.gallery.total == 1
    assert studio.focused is not None
    assert studio.focused.id == picture


def test_both_views_of_a_step(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage)
    seen = studio.timeline.image(2)
    studio.timeline.choose(2)
    shown: list[int] = []
    studio.timeline.step_chosen.connect(shown.append)
    studio.timeline.set_view("noisy")
    other = studio.timeline.image(2)
    assert seen is not None
    assert other is not None
    assert seen != other
    assert shown == [2]
    assert studio.timeline.seen(2) == seen
    studio.timeline.set_view("x0")
    assert studio.timeline.image(2) == seen


def test_a_film_is_written_beside_the_canvas(stage: Stage, tmp_path: Path) -> None:
    studio = stage.studio
    picture = make_one(stage)
    run = studio.run.jobs
    told: list[tuple[int, int]] = []
    ends: list[str] = []
    studio.films.progressed.connect(lambda index, count: told.append((index, count)))
    studio.films.ended.connect(ends.append)
    target = tmp_path / "fox.gif"
    film = Film(kind="gif", width=48, fps=10, show="noisy", small=True)
    assert studio.films.export(film, target)
    assert studio.films.busy
    assert not studio.films.export(film, target)
    stage.until(lambda: ends)
    stage.idle()
    assert ends == [""]
    assert told[-1] == (6, 6)
    with Image.open(target) as made:
        assert made.n_frames == 6  # pyright: ignore[reportAttributeAccessIssue]
        assert made.size[0] == 48
    assert stage.backend.filmed == [(stage.backend.rendered[-1], True, True)]
    assert studio.run.jobs == run
    assert studio.timeline.picture == picture
    assert stage.listener.with_action("Show in folder").text == "Saved fox.gif."


def test_a_film_can_be_stopped_and_can_fail(stage: Stage, tmp_path: Path) -> None:
    studio = stage.studio
    make_one(stage)
    ends: list[str] = []
    studio.films.ended.connect(ends.append)
    gate = stage.backend.gate("frame 3")
    target = tmp_path / "fox.webp"
    studio.films.export(Film(), target)
    stage.until(gate.reached.is_set)
    studio.films.cancel()
    gate.open.set()
    stage.until(lambda: ends)
    stage.idle()
    assert ends == ["The film was stopped."]
    assert list(tmp_path.glob("*.webp")) == []
    assert list(tmp_path.glob(".film-*")) == []
    (tmp_path / "blocked").write_text("no folder")
    studio.films.export(Film(), tmp_path / "blocked" / "fox.webp")
    stage.until(lambda: len(ends) == 2)
    assert "cannot be written" in ends[1]
    assert not studio.films.busy


def test_a_step_that_is_rested_at_is_decoded_once(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage, width=64, height=64)
    came: list[int] = []
    studio.looks.sharpened.connect(came.append)
    studio.timeline.choose(1)
    assert studio.looks.sharp(1) is None
    studio.timeline.choose(2)
    stage.until(lambda: came)
    assert came == [2]
    image = studio.looks.sharp(2)
    assert image is not None
    assert image.width() == 64
    assert studio.looks.sharp(1) is None
    stage.idle()
    studio.timeline.choose(1)
    studio.timeline.choose(2)
    assert studio.looks.sharp(2) == image
    # A picture that is ordered does not wait for a look.
    studio.timeline.choose(3)
    stage.order("a bear", num_inference_steps=6)
    stage.made(2)
    assert studio.queue.active == 0


def test_a_large_picture_on_a_processor_keeps_its_previews(stage: Stage) -> None:
    studio = stage.studio
    make_one(stage, width=512, height=512)
    studio.timeline.choose(2)
    stage.bot.wait(400)
    assert studio.looks.sharp(2) is None
    assert stage.backend.filmed == []
