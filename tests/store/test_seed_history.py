"""The history of seeds: noted before a run, tied to the picture, rebuilt from the pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.recipe.recipe import SEED_MAX, FromNoise, FromStep, Variation
from desktop_app.store.database import Database
from desktop_app.store.jobs import Jobs
from desktop_app.store.schema import LIBRARY
from desktop_app.store.seed_history import SeedHistory, pictures_with
from tests.store.conftest import Gallery, save
from tests.store.samples import MODEL, pixels_of, provenance_of, recipe_of

MIXED = FromNoise(variations=(Variation(seed=SEED_MAX, weight=0.25),), method="a1111")


@pytest.fixture
def history(gallery: Gallery) -> SeedHistory:
    return SeedHistory(gallery.database)


def seeds(history: SeedHistory, words: str = "") -> list[int]:
    return [use.seed for use in history.page(words, 0, 100)]


def test_uses_are_noted_with_what_they_are_for(history: SeedHistory) -> None:
    recipe = replace(recipe_of(SEED_MAX, "a fox"), start=MIXED)
    history.log([1, 2], [recipe_of(5, "a boat"), recipe])
    newest, oldest = history.page("", 0, 10)
    assert (newest.seed, newest.start, newest.prompt) == (SEED_MAX, MIXED, "a fox")
    assert (newest.width, newest.height, newest.model) == (64, 64, MODEL.name)
    assert (oldest.seed, oldest.start, oldest.picture) == (5, FromNoise(), "")
    history.made(2, recipe, "ab" * 32)
    assert history.page("", 0, 1)[0].picture == "ab" * 32
    assert history.count() == 2


def test_the_queue_and_the_history_are_written_in_one_step(
    gallery: Gallery, history: SeedHistory
) -> None:
    jobs = Jobs(gallery.database)
    with pytest.raises(RuntimeError), gallery.database.transaction():
        history.log(jobs.add([recipe_of(5)]), [recipe_of(5)])
        raise RuntimeError
    assert (history.count(), jobs.waiting()) == (0, [])


def test_a_branch_has_no_variations_of_its_own(history: SeedHistory) -> None:
    parent = recipe_of(5)
    history.log([1], [replace(parent, seed=9, start=FromStep(parent=parent, step=3))])
    (use,) = history.page("", 0, 10)
    assert (use.seed, use.start) == (9, FromNoise())


def test_a_lost_database_is_made_good_from_the_pictures(gallery: Gallery) -> None:
    for seed in (3, 1, 2):
        save(gallery, seed, f"picture {seed}", created=f"2026-11-2{seed}T10:00:00Z")
    history = SeedHistory(gallery.database)
    assert history.catch_up() == 3
    assert history.catch_up() == 0
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    history = SeedHistory(gallery.database)
    assert history.count() == 0
    assert history.catch_up() == 3
    assert seeds(history) == [3, 2, 1]
    use = history.page("", 0, 1)[0]
    assert (use.used, use.prompt) == ("2026-11-23T10:00:00Z", "picture 3")
    assert set(pictures_with(gallery.database, [use.picture, "00" * 32])) == {use.picture}


def test_a_kill_between_the_picture_and_its_note_leaves_one_use(
    gallery: Gallery, history: SeedHistory
) -> None:
    history.log([1], [recipe_of(7, "a fox")])
    record = save(gallery, 7, "a fox")
    assert history.catch_up() == 1
    (use,) = history.page("", 0, 10)
    assert use.picture == record.pixels_sha256


def test_catching_up_can_be_stopped_and_goes_on(gallery: Gallery, history: SeedHistory) -> None:
    save(gallery, 1)

    def stop() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        history.catch_up(stop)
    assert history.catch_up() == 1


def test_a_search_finds_words_and_seeds_however_they_are_typed(history: SeedHistory) -> None:
    history.log(
        [1, 2, 3],
        [recipe_of(2847190663, "a 100% red fox"), recipe_of(5, "a boat"), recipe_of(28, "fox_1")],
    )
    assert seeds(history, "fox") == [28, 2847190663]
    assert seeds(history, "red fox") == [2847190663]
    assert seeds(history, "2 847 190 663") == [2847190663]
    assert seeds(history, "28") == [28, 2847190663]
    assert seeds(history, "100%") == [2847190663]
    assert seeds(history, "fox_1") == [28]
    assert seeds(history, "'; DROP TABLE seeds; --") == []
    assert history.count("fox") == 2


def test_the_last_seeds_are_each_there_once(history: SeedHistory) -> None:
    for number in range(300):
        history.log([number], [recipe_of(number % 3)])
    history.log([400], [recipe_of(50)])
    assert [use.seed for use in history.last(10)] == [50, 2, 1, 0]
    assert [use.seed for use in history.last(2)] == [50, 2]
    pages = [use.id for at in range(0, 301, 100) for use in history.page("", at, 100)]
    assert len(pages) == len(set(pages)) == 301


def test_the_recent_seeds_hold_those_of_variations(history: SeedHistory) -> None:
    history.log([1], [recipe_of(1)])
    history.log([2], [replace(recipe_of(2), start=MIXED)])
    assert history.recent() == [2, SEED_MAX, 1]
    assert history.recent(2) == [2, SEED_MAX]


def test_a_library_of_the_version_before_gets_the_history(tmp_path: Path) -> None:
    old = Database(tmp_path / "library.sqlite", migrations=LIBRARY[:2])
    assert old.rows("SELECT count(*) FROM sqlite_master WHERE name = 'seeds'") == [(0,)]
    old.close()
    new = Database(tmp_path / "library.sqlite")
    history = SeedHistory(new)
    history.log([1], [recipe_of(7)])
    pixels = pixels_of(7)
    history.made(1, recipe_of(7), provenance_of(pixels).pixels_sha256)
    assert history.count() == 1
    new.close()
