"""The item models keep Qt's rules, and their own promises."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QImage
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from desktop_app.engine.events import Step
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.styles import Style
from desktop_app.studio.background import Background
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.values import Found, Job
from tests.studio.conftest import Stage
from tests.studio.models import write_model

pytestmark = pytest.mark.gui

MODEL = ModelRef(sha256="cd" * 32, name="Any")


def _job(number: int, run: int = 1) -> Job:
    recipe = Recipe(model=MODEL, prompt=f"picture {number}", seed=number)
    return Job(id=number, run=run, kind="render", recipe=recipe)


def _step(index: int, count: int, size: int = 8) -> Step:
    preview = np.full((size, size, 3), index, np.uint8)
    return Step(
        index=index, count=count, timestep=1.0, sigma=float(index), preview=preview, seconds=0.1
    )


def test_all_models_keep_the_rules_while_pictures_are_made(
    stage: Stage, qtmodeltester: ModelTester
) -> None:
    studio = stage.studio
    models: list[QAbstractItemModel] = [
        studio.gallery,
        studio.queue,
        studio.timeline,
        studio.library,
        studio.shelf,
        studio.styles,
    ]
    for model in models:
        qtmodeltester.check(model)
    stage.order(count=3)
    stage.made(3)
    studio.shelf.save("one")
    studio.styles.save(Style(name="Own", prompt="in own style"))
    picture = studio.gallery.id_at(1)
    assert picture is not None
    studio.album.trash([picture])
    stage.until(lambda: studio.gallery.total == 2)
    for model in models:
        qtmodeltester.check(model)
    for model in models:
        assert model.roleNames().items() > {Qt.ItemDataRole.DisplayRole: b"display"}.items()


class TestQueue:
    def test_one_job_at_a_time_in_order(self, qtbot: QtBot) -> None:
        queue = QueueModel()
        given: list[int] = []
        queue.submitted.connect(lambda job: given.append(job.id))
        queue.add([_job(1), _job(2)])
        assert given == []
        queue.hold(False)
        assert given == [1]
        queue.ended(1)
        assert given == [1, 2]
        assert queue.active == 1
        queue.ended(2)
        assert queue.jobs() == []

    def test_an_end_of_another_job_is_ignored(self, qtbot: QtBot) -> None:
        queue = QueueModel()
        queue.hold(False)
        queue.add([_job(1)])
        queue.ended(99)
        assert queue.running is not None

    def test_holding_lets_the_running_job_end(self, qtbot: QtBot) -> None:
        queue = QueueModel()
        queue.hold(False)
        queue.add([_job(1), _job(2)])
        queue.hold(True)
        queue.ended(1)
        assert queue.running is None
        assert [job.state for job in queue.jobs()] == ["waiting"]

    def test_a_long_prompt_is_one_short_line(self, qtbot: QtBot) -> None:
        queue = QueueModel()
        recipe = Recipe(model=MODEL, prompt="word\n" * 200)
        queue.add([Job(id=1, run=1, kind="render", recipe=recipe)])
        title = queue.data(queue.index(0), QueueModel.Role.TITLE)
        assert len(title) == 120
        assert "\n" not in title


class TestTimeline:
    def test_steps_to_come_have_a_row_and_no_picture(self, qtbot: QtBot) -> None:
        timeline = TimelineModel()
        timeline.begin(4)
        timeline.append(_step(1, 4))
        assert (timeline.rowCount(), timeline.filled) == (4, 1)
        first, last = timeline.index(0), timeline.index(3)
        assert isinstance(timeline.data(first, TimelineModel.Role.IMAGE), QImage)
        assert timeline.data(first, TimelineModel.Role.SIGMA) == 1.0
        assert timeline.data(last, TimelineModel.Role.IMAGE) is None
        assert not timeline.data(last, TimelineModel.Role.FILLED)

    def test_a_sampler_that_looks_twice_gets_more_rows(
        self, qtbot: QtBot, qtmodeltester: ModelTester
    ) -> None:
        timeline = TimelineModel()
        qtmodeltester.check(timeline)
        timeline.begin(4)
        for index in range(1, 8):
            timeline.append(_step(index, 7))
        assert (timeline.rowCount(), timeline.filled) == (7, 7)

    def test_looking_back_is_told_once_and_bounded(self, qtbot: QtBot) -> None:
        timeline = TimelineModel()
        told: list[int] = []
        timeline.step_chosen.connect(told.append)
        timeline.begin(3)
        timeline.append(_step(1, 3))
        for row in (0, 0, 2, -5, 0):
            timeline.choose(row)
        assert told == [0, -1, 0]
        timeline.begin(3)
        assert timeline.chosen == -1

    def test_the_steps_of_a_stored_picture_come_back(self, qtbot: QtBot) -> None:
        timeline = TimelineModel()
        timeline.begin(2)
        timeline.append(_step(1, 2))
        timeline.append(_step(2, 2))
        timeline.keep(41)
        timeline.begin(5)
        assert (timeline.picture, timeline.filled) == (None, 0)
        timeline.show_picture(41)
        assert (timeline.picture, timeline.filled) == (41, 2)
        timeline.append(_step(1, 5))
        assert timeline.filled == 2
        timeline.show_live()
        assert (timeline.picture, timeline.filled, timeline.rowCount()) == (None, 1, 5)
        timeline.show_picture(999)
        assert (timeline.picture, timeline.rowCount()) == (999, 0)

    def test_the_memory_is_bounded_and_the_least_used_go_first(self, qtbot: QtBot) -> None:
        timeline = TimelineModel(budget=3 * 2 * 16 * 16 * 4)
        for picture in range(1, 4):
            timeline.begin(2)
            for index in (1, 2):
                timeline.append(_step(index, 2, 16))
            timeline.keep(picture)
        timeline.show_picture(1)
        timeline.begin(2)
        for index in (1, 2):
            timeline.append(_step(index, 2, 16))
        timeline.keep(4)
        assert [timeline.has(one) for one in (1, 2, 3, 4)] == [True, False, True, True]

    def test_without_previews_the_steps_count_all_the_same(self, qtbot: QtBot) -> None:
        timeline = TimelineModel()
        timeline.begin(1)
        timeline.append(Step(index=1, count=1, timestep=0.0, sigma=0.0, preview=None, seconds=0.1))
        assert timeline.filled == 1
        assert timeline.image(0) is None


class TestGallery:
    def test_thumbnails_arrive_later(self, stage: Stage) -> None:
        stage.order()
        stage.made(1)
        gallery = stage.studio.gallery
        assert gallery.data(gallery.index(0), GalleryModel.Role.THUMBNAIL) is None
        stage.until(lambda: gallery.data(gallery.index(0), GalleryModel.Role.THUMBNAIL) is not None)
        image = gallery.data(gallery.index(0), GalleryModel.Role.THUMBNAIL)
        assert (image.width(), image.height()) == (64, 64)

    def test_new_pictures_are_inserted_at_the_top_and_never_reset(self, stage: Stage) -> None:
        gallery = stage.studio.gallery
        resets: list[bool] = []
        inserted: list[tuple[int, int]] = []
        stage.order(count=2)
        stage.made(2)
        gallery.modelReset.connect(lambda: resets.append(True))
        gallery.rowsInserted.connect(lambda _, first, last: inserted.append((first, last)))
        stage.order(count=2)
        stage.made(4)
        assert inserted == [(0, 0), (0, 0)]
        assert resets == []
        ids = [gallery.id_at(row) for row in range(4)]
        assert ids == sorted(ids, key=lambda one: -(one or 0))
        for row in range(4):
            assert gallery.index_of(gallery.id_at(row) or 0).row() == row

    def test_a_search_narrows_and_new_finds_join_it(self, stage: Stage) -> None:
        gallery = stage.studio.gallery
        stage.order("a red fox")
        stage.made(1)
        stage.order("a blue owl")
        stage.made(2)
        gallery.set_query("fox")
        stage.until(lambda: gallery.total == 1)
        assert gallery.count_all == 2
        stage.order("another fox")
        stage.until(lambda: gallery.total == 2)
        stage.order("a heron")
        stage.idle()
        stage.until(lambda: gallery.count_all == 4)
        assert gallery.total == 2
        gallery.set_query("")
        stage.until(lambda: gallery.total == 4)

    def test_a_filter_without_sense_is_named(self, stage: Stage, qtbot: QtBot) -> None:
        gallery = stage.studio.gallery
        said: list[str] = []
        gallery.query_problem.connect(said.append)
        gallery.set_query("rating:many")
        stage.until(lambda: "Not understood: rating:many" in said)
        gallery.set_query("rating:>3")
        stage.until(lambda: said[-1] == "")

    def test_marks_are_shown_everywhere(self, stage: Stage) -> None:
        gallery = stage.studio.gallery
        stage.order()
        stage.made(1)
        picture = gallery.id_at(0)
        assert picture is not None
        stage.studio.show(picture)
        stage.studio.album.set_favourite([picture], True)
        stage.studio.album.set_rating([picture], 4)
        stage.until(lambda: gallery.data(gallery.index(0), GalleryModel.Role.RATING) == 4)
        assert gallery.data(gallery.index(0), GalleryModel.Role.FAVOURITE)
        assert stage.studio.focused is not None
        assert stage.studio.focused.rating == 4
        shown = stage.studio.run.results[0]
        assert shown is not None
        assert shown.favourite

    def test_a_file_that_is_gone_leaves_its_neighbours_their_thumbnails(
        self, stage: Stage, open_stage: Callable[..., Stage]
    ) -> None:
        stage.order(count=2)
        stage.made(2)
        path = stage.studio.gallery.path_of(stage.studio.gallery.id_at(0) or 0)
        assert path is not None
        assert stage.end()
        path.unlink()
        (stage.home / "data" / "thumbnails.sqlite").unlink()
        again = open_stage()
        again.start()
        gallery = again.studio.gallery
        again.until(lambda: gallery.total == 2)
        again.until(lambda: None not in [_thumbnail(gallery, row) for row in (0, 1)])
        gone, there = (_thumbnail(gallery, row) for row in (0, 1))
        assert gone is not None
        assert gone.isNull()
        assert there is not None
        assert not there.isNull()
        record = gallery.data(gallery.index(0), GalleryModel.Role.RECORD)
        assert record.missing
        assert again.listener.notices == []

    def test_a_drag_gives_the_real_file(self, stage: Stage) -> None:
        gallery = stage.studio.gallery
        stage.order()
        stage.made(1)
        data = gallery.mimeData([gallery.index(0)])
        (url,) = data.urls()
        assert url.toLocalFile() == str(gallery.path_of(gallery.id_at(0) or 0))
        assert gallery.flags(gallery.index(0)) & Qt.ItemFlag.ItemIsDragEnabled


def _thumbnail(gallery: GalleryModel, row: int) -> QImage | None:
    return gallery.data(gallery.index(row), GalleryModel.Role.THUMBNAIL)


class _Shelf:
    """A store with nothing but numbers, for models that must not be slow with many."""

    def __init__(self, count: int) -> None:
        self.ids = list(range(count, 0, -1))

    def search(self, text: str) -> Found:
        return Found(ids=list(self.ids), count_all=len(self.ids))


@pytest.fixture
def large(qtbot: QtBot) -> "Callable[[_Shelf], GalleryModel]":
    def make(shelf: _Shelf) -> GalleryModel:
        gallery = GalleryModel(Background(threads=1))
        gallery.open(shelf)  # pyright: ignore[reportArgumentType]
        qtbot.waitUntil(lambda: gallery.total == len(shelf.ids), timeout=20_000)
        return gallery

    return make


def test_models_from_before_the_folders_were_read_are_not_shown_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = stage.studio.library
    catalog = library.catalog
    assert catalog is not None
    refresh, asked, go_on = catalog.refresh, threading.Event(), threading.Event()

    def late() -> object:
        found = refresh()
        if not asked.is_set():
            asked.set()
            assert go_on.wait(20)
        return found

    monkeypatch.setattr(catalog, "refresh", late)
    then: list[int] = []
    library.refresh(lambda: then.append(len(library.models)))
    stage.until(asked.is_set)
    write_model(stage.home / "models" / "second", "Second", seed=1.0)
    library.rescan()
    stage.until(lambda: len(library.models) == 2)
    go_on.set()
    stage.until(lambda: then)
    assert then == [2]


def test_a_hundred_thousand_pictures_change_by_rows(
    large: "Callable[[_Shelf], GalleryModel]", qtbot: QtBot
) -> None:
    shelf = _Shelf(100_000)
    gallery = large(shelf)
    resets: list[bool] = []
    gallery.modelReset.connect(lambda: resets.append(True))
    marked = gallery.index_of(50_000)
    from PySide6.QtCore import QPersistentModelIndex

    kept = QPersistentModelIndex(marked)
    shelf.ids = [100_002, 100_001, *[one for one in shelf.ids if one not in (99_999, 7)]]
    gallery.refresh()
    qtbot.waitUntil(lambda: gallery.id_at(0) == 100_002, timeout=20_000)
    assert resets == []
    assert gallery.total == 100_000
    assert kept.row() == marked.row() + 2 - 1
    assert gallery.id_at(kept.row()) == 50_000
    assert gallery.index_of(7) == QModelIndex()


class _SlowShelf(_Shelf):
    """Answers only when it is let."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.asked = threading.Event()
        self.let = threading.Event()

    def search(self, text: str) -> Found:
        found = super().search(text)
        self.asked.set()
        assert self.let.wait(20)
        return found


def test_an_answer_from_before_a_change_does_not_take_it_back(qtbot: QtBot) -> None:
    shelf = _SlowShelf(3)
    gallery = GalleryModel(Background(threads=1))
    gallery.open(shelf)  # pyright: ignore[reportArgumentType]
    assert shelf.asked.wait(20)
    assert not gallery.ready, "not known yet what there is"
    shelf.ids = [4, 3, 2, 1]
    gallery.bring_back([4])
    shelf.let.set()
    qtbot.waitUntil(lambda: gallery.ready, timeout=20_000)
    assert [gallery.id_at(row) for row in range(gallery.total)] == [4, 3, 2, 1]
    shelf.asked.clear()
    shelf.let.clear()
    gallery.refresh()
    assert shelf.asked.wait(20)
    shelf.ids = [4, 2, 1]
    gallery.remove([3])
    with qtbot.waitSignal(gallery.total_changed, timeout=20_000):
        shelf.let.set()
    assert [gallery.id_at(row) for row in range(gallery.total)] == [4, 2, 1]
