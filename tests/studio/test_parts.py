"""The smaller parts: the shelf, styles, models, tokens, settings, and the words on the pill."""

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.engine.events import Decoding, Encoding, Step
from desktop_app.paths import resolve
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.styles import Style
from desktop_app.studio.mailbox import Comparing, Saving
from desktop_app.studio.run_state import RunState, duration
from desktop_app.studio.styles import StyleModel
from desktop_app.studio.values import Job
from tests.studio.conftest import Stage
from tests.studio.models import write_model

pytestmark = pytest.mark.gui
Open = Callable[..., Stage]


class TestShelf:
    def test_a_seed_is_kept_applied_renamed_and_deleted(
        self, stage: Stage, open_stage: Open
    ) -> None:
        editor, shelf = stage.studio.editor, stage.studio.shelf
        editor.set(seed=123, variation_seed=4, variation_strength=0.25)
        stage.studio.save_seed_preset("Moonlit fox")
        stage.until(lambda: shelf.names() == ("Moonlit fox",))
        assert shelf.active == "Moonlit fox"
        editor.set(seed=9, variation_strength=0.0, seed_rule="random")
        assert shelf.active == ""
        shelf.apply("Moonlit fox")
        draft = editor.draft
        assert (draft.seed, draft.variation_seed, draft.variation_strength) == (123, 4, 0.25)
        assert draft.seed_rule == "keep"
        shelf.rename("Moonlit fox", "Old harbour")
        stage.until(lambda: shelf.names() == ("Old harbour",))
        assert stage.end()
        again = open_stage()
        again.start()
        again.until(lambda: again.studio.shelf.names() == ("Old harbour",))
        again.studio.shelf.delete("Old harbour")
        again.until(lambda: again.studio.shelf.names() == ())

    def test_presets_keep_their_order(self, stage: Stage) -> None:
        shelf = stage.studio.shelf
        for name in ("a", "b", "c"):
            shelf.save(name)
        stage.until(lambda: shelf.names() == ("a", "b", "c"))
        shelf.move("c", 0)
        stage.until(lambda: shelf.names() == ("c", "a", "b"))

    def test_a_name_that_cannot_be_used_is_told(self, stage: Stage) -> None:
        stage.studio.shelf.save("  ")
        stage.until(lambda: stage.listener.notices)
        assert "inside Mezzotint" not in stage.listener.texts()
        assert stage.studio.shelf.names() == ()

    def test_the_preset_knows_the_picture_it_stands_for(self, stage: Stage) -> None:
        stage.order(seed=6, seed_rule="keep")
        stage.made(1)
        picture = stage.studio.gallery.id_at(0)
        assert picture is not None
        stage.studio.show(picture)
        stage.studio.save_seed_preset("with picture")
        shelf = stage.studio.shelf
        stage.until(lambda: shelf.rowCount() == 1)
        preset = shelf.data(shelf.index(0), shelf.Role.PRESET)
        record = stage.studio.gallery.record_of(picture)
        assert record is not None
        assert preset.samples == (record.pixels_sha256,)


class TestStyles:
    def test_own_styles_are_kept_and_applied(self, stage: Stage) -> None:
        styles = stage.studio.styles
        styles.save(Style(name="Gold", prompt="{prompt} in gold leaf"))
        stage.until(lambda: "Gold" in styles.by_name)
        styles.toggle("Gold")
        assert stage.studio.editor.draft.styles == ("Gold",)
        row = list(styles.by_name).index("Gold")
        assert styles.data(styles.index(row), StyleModel.Role.ON)
        assert not styles.data(styles.index(row), StyleModel.Role.BUILT_IN)
        stage.order("a fox")
        stage.made(1)
        assert stage.backend.rendered[0].prompt == "a fox in gold leaf"
        styles.delete("Gold")
        stage.until(lambda: "Gold" not in styles.by_name)
        assert stage.studio.editor.draft.styles == ()

    def test_all_of_them_can_be_taken_off(self, stage: Stage) -> None:
        styles = stage.studio.styles
        stage.until(lambda: len(styles.by_name) > 1)
        names = list(styles.by_name)[:2]
        for name in names:
            styles.toggle(name)
        assert stage.studio.editor.draft.styles == tuple(names)
        styles.toggle(names[0])
        assert stage.studio.editor.draft.styles == (names[1],)
        styles.none()
        assert stage.studio.editor.draft.styles == ()


class TestLibrary:
    @pytest.fixture
    def second(self, stage: Stage) -> Stage:
        folder = stage.home / "models" / "zweites"
        write_model(folder, "Zweites", size=512, steps=30, seed=5.0, scheduler="euler")
        stage.studio.library.rescan()
        stage.until(lambda: len(stage.studio.library.models) == 2)
        return stage

    def test_another_model_brings_its_numbers(self, second: Stage) -> None:
        library = second.studio.library
        second.studio.choose_model(library.models[1])
        draft = second.studio.editor.draft
        assert (draft.width, draft.num_inference_steps, draft.scheduler) == (512, 30, "euler")
        assert library.current == library.models[1]
        second.studio.editor.undo()
        assert library.current == library.models[0]
        assert second.studio.editor.draft.width == 64

    def test_numbers_that_the_artist_set_stay(self, second: Stage) -> None:
        second.studio.editor.set(num_inference_steps=77, scheduler="ddpm", width=128, height=72)
        second.studio.choose_model(second.studio.library.models[1].ref)
        draft = second.studio.editor.draft
        assert (draft.num_inference_steps, draft.scheduler) == (77, "ddpm")
        assert (draft.width, draft.height) == (128, 72)
        assert draft.guidance_scale == 3.0

    def test_a_shape_goes_to_the_same_shape(self, second: Stage) -> None:
        library = second.studio.library
        write_model(second.home / "models" / "third", "Third", size=256, seed=6.0)
        library.rescan()
        second.until(lambda: len(library.models) == 3)
        third, large = library.models[1:]
        second.studio.choose_model(large)
        tall = next(size for size in large.sizes if size[0] < size[1])
        second.studio.editor.set(width=tall[0], height=tall[1])
        second.studio.choose_model(third)
        draft = second.studio.editor.draft
        assert (draft.width, draft.height) in third.sizes
        assert draft.width < draft.height

    def test_a_model_that_is_not_there_changes_nothing(self, second: Stage) -> None:
        before = second.studio.editor.draft
        second.studio.choose_model(ModelRef(sha256="9" * 64, name="Gone"))
        assert second.studio.editor.draft == before
        assert "Gone is not there" in second.listener.texts()

    def test_words_that_the_model_knows(self, stage: Stage) -> None:
        words = '{"subjects": ["fox", "polar bear"], "example_prompts": ["a fox"]}'
        (stage.home / "models" / "scripted" / "words.json").write_text(words)
        library = stage.studio.library
        assert library.known_words("anything at all")
        library.rescan()
        stage.until(lambda: library.words == ("fox", "polar bear"))
        assert library.example_prompts == ("a fox",)
        assert [
            library.known_words(prompt)
            for prompt in ("two (foxs:1.2)", "a Polar Bear.", "", "foxglove", "a car")
        ] == [True, True, True, False, False]

    def test_tokens_are_counted_as_the_model_reads(self, stage: Stage) -> None:
        tokens = stage.studio.tokens
        stage.studio.editor.set(prompt="a b c", negative_prompt="d")
        stage.until(lambda: tokens.prompt == 3)
        assert (tokens.negative, tokens.limit) == (1, 75)


class TestSettings:
    def test_they_are_kept(self, stage: Stage, open_stage: Open) -> None:
        stage.studio.settings.set(thumbnail_size=222, splitters={"main": (1, 2)})
        file = resolve().settings_file
        stage.until(file.exists)
        stage.studio.settings.set(theme="light")
        assert stage.end()
        again = open_stage()
        values = again.studio.settings.values
        assert (values.thumbnail_size, values.theme) == (222, "light")
        assert values.splitters == {"main": (1, 2)}

    def test_previews_can_be_switched_off_for_the_next_picture(self, stage: Stage) -> None:
        stage.studio.settings.set(previews=False)
        stage.order()
        stage.made(1)
        assert stage.studio.run.previews == [None]
        assert stage.studio.timeline.filled == 4
        assert stage.studio.timeline.image(0) is None

    def test_another_models_folder_is_looked_through_at_once(self, stage: Stage) -> None:
        write_model(stage.home / "elsewhere" / "extra", "Extra", seed=8.0)
        stage.studio.settings.set(model_folders=(str(stage.home / "elsewhere"),))
        titles = lambda: [model.title for model in stage.studio.library.models]  # noqa: E731
        stage.until(lambda: "Extra" in titles())
        stage.studio.settings.set(model_folders=())
        stage.until(lambda: "Extra" not in titles())

    def test_another_number_of_threads_makes_a_new_engine_after_the_picture(
        self, stage: Stage
    ) -> None:
        gate = stage.backend.gate("step 2")
        stage.order(count=2)
        stage.until(gate.reached.is_set)
        stage.studio.settings.set(threads=2)
        assert stage.studio.engine == "starting"
        assert not stage.backend.closed
        gate.open.set()
        stage.made(2)
        assert stage.backend.closed
        assert stage.studio.engine == "ready"

    def test_another_pictures_folder_is_told_to_be_of_the_next_start(
        self, stage: Stage, open_stage: Open
    ) -> None:
        stage.studio.settings.set(pictures=str(stage.home / "new place"))
        assert "from the next start on" in stage.listener.texts()
        assert stage.end()
        again = open_stage()
        again.start()
        again.order()
        again.made(1)
        path = again.studio.gallery.path_of(again.studio.gallery.id_at(0) or 0)
        assert path is not None
        assert path.is_relative_to(stage.home / "new place")


class TestHistory:
    def test_prompts_are_kept_once_and_the_newest_first(
        self, stage: Stage, open_stage: Open
    ) -> None:
        for prompt in ("a fox", "an owl", "a fox", "A Fox at dusk"):
            stage.order(prompt)
        stage.made(4)
        assert stage.studio.prompt_history() == ["A Fox at dusk", "a fox", "an owl"]
        assert stage.studio.prompt_history("dusk fox") == ["A Fox at dusk"]
        assert stage.studio.prompt_history(limit=1) == ["A Fox at dusk"]
        assert stage.end()
        again = open_stage()
        again.start()
        again.until(lambda: again.studio.prompt_history("owl") == ["an owl"])
        assert len(again.studio.prompt_history()) == 3

    @pytest.mark.parametrize(
        "data", [b"", b"[]", b'{"prompts": [1, "good", ""]}', b"\xff" * 2_000_000]
    )
    def test_a_damaged_file_is_no_harm(self, open_stage: Open, data: bytes) -> None:
        file = resolve().data / "prompts.json"
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
        stage = open_stage()
        stage.start()
        stage.order("new")
        stage.made(1)
        assert stage.studio.prompt_history()[0] == "new"
        assert set(stage.studio.prompt_history()) <= {"new", "good"}
        assert stage.listener.notices == []


class TestRunState:
    def _begun(self, count: int, index: int = 0) -> RunState:
        recipe = Recipe(
            model=ModelRef(sha256="1" * 64, name="M"), prompt="x", num_inference_steps=10
        )
        jobs = tuple(Job(id=i + 1, run=1, kind="render", recipe=recipe) for i in range(count))
        run = RunState()
        run.begin(jobs[0], jobs)
        for job in jobs[:index]:
            run.end(job.id)
        run.begin(jobs[index], jobs)
        return run

    def _step(self, index: int, seconds: float = 0.5) -> Step:
        return Step(index=index, count=10, timestep=0, sigma=0, preview=None, seconds=seconds)

    def test_the_words_of_each_stage(self, qtbot: QtBot) -> None:
        run = self._begun(1)
        words = [run.text]
        for event in (Encoding(), self._step(4), Decoding(way="plain"), Decoding(way="tiled")):
            run.show([event])
            words.append(run.text)
        run.show([Saving()])
        words.append(run.text)
        run.show([Comparing()])
        words.append(run.text)
        run.rest()
        words.append(run.text)
        assert words == [
            "Loading M",
            "Reading the prompt",
            "Step 4 / 10 · 2.0 it/s · 3 s left",
            "Finishing",
            "Finishing in tiles",
            "Saving",
            "Comparing",
            "",
        ]

    def test_slow_steps_are_told_in_seconds(self, qtbot: QtBot) -> None:
        run = self._begun(1)
        run.show([self._step(2, 4.0)])
        assert run.text == "Step 2 / 10 · 4.0 s/it · 32 s left"

    def test_the_time_left_is_that_of_the_whole_run(self, qtbot: QtBot) -> None:
        run = self._begun(3, index=1)
        run.show([self._step(5)])
        assert run.seconds_left == pytest.approx(7.5)
        assert run.run_progress == pytest.approx(0.5)
        assert run.progress == pytest.approx(0.5)
        assert run.text.startswith("2 of 3 · Step 5 / 10")

    def test_many_events_are_one_signal(self, qtbot: QtBot) -> None:
        run = self._begun(1)
        told: list[bool] = []
        qtbot.wait(20)
        run.changed.connect(lambda: told.append(True))
        for index in range(1, 9):
            run.show([self._step(index)])
        qtbot.waitUntil(lambda: bool(told))
        qtbot.wait(20)
        assert told == [True]

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0.2, "under 1 s"),
            (1.4, "1 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (725, "12 min"),
            (3600, "1 h"),
            (3905, "1 h 5 min"),
        ],
    )
    def test_durations(self, seconds: float, words: str) -> None:
        assert duration(seconds) == words
