"""The queue outlives the program."""

from desktop_app.recipe.provenance import Origin
from desktop_app.store.jobs import Jobs
from tests.store.conftest import Gallery
from tests.store.samples import recipe_of


def test_what_was_not_done_is_there_again(gallery: Gallery) -> None:
    jobs = Jobs(gallery.database)
    ids = jobs.add([recipe_of(seed) for seed in range(5)])
    jobs.state(ids[0], "done")
    jobs.state(ids[1], "running")
    jobs.state(ids[2], "cancelled")
    jobs.state(ids[3], "failed", "There was no memory left.")
    gallery.restart()
    jobs = Jobs(gallery.database)
    assert jobs.waiting() == [(ids[1], recipe_of(1), None), (ids[4], recipe_of(4), None)]
    assert jobs.errors() == {ids[3]: "There was no memory left."}


def test_a_job_that_ends_the_program_again_and_again_is_given_up(gallery: Gallery) -> None:
    jobs = Jobs(gallery.database)
    (number,) = jobs.add([recipe_of()])
    for _ in range(3):
        assert [job for job, _, _ in jobs.waiting()] == [number]
        jobs.state(number, "running")
        gallery.restart()
        jobs = Jobs(gallery.database)
    assert jobs.waiting() == []
    assert "program ended" in jobs.errors()[number]


def test_a_job_that_cannot_be_read_is_failed_in_words(gallery: Gallery) -> None:
    with gallery.database.transaction() as connection:
        connection.execute("INSERT INTO jobs (recipe) VALUES ('{\"version\": 99}')")
    jobs = Jobs(gallery.database)
    assert jobs.waiting() == []
    assert "newer Mezzotint" in jobs.errors()[1]


def test_clearing_leaves_what_is_running(gallery: Gallery) -> None:
    jobs = Jobs(gallery.database)
    first, second, third = jobs.add([recipe_of(seed) for seed in range(3)])
    jobs.state(first, "running")
    jobs.state(second, "done")
    assert jobs.clear() == 1
    assert [number for number, _, _ in jobs.waiting()] == [first]
    assert jobs.add([recipe_of(9)]) == [third + 1]


def test_old_rows_do_not_pile_up(gallery: Gallery) -> None:
    jobs = Jobs(gallery.database)
    ids = jobs.add([recipe_of()] * 600)
    with gallery.database.transaction():
        for number in ids:
            jobs.state(number, "done")
    jobs.add([recipe_of()])
    assert gallery.database.rows("SELECT count(*) FROM jobs") == [(501,)]
    assert jobs.add([]) == []


def test_a_job_remembers_what_its_picture_comes_from(gallery: Gallery) -> None:
    origin = Origin(picture="ab" * 32, kind="grid", sheet="12" * 8)
    jobs = Jobs(gallery.database)
    jobs.add([recipe_of(1)], origin)
    jobs.add([recipe_of(2)])
    gallery.restart()
    found = Jobs(gallery.database).waiting()
    assert [tie for _, _, tie in found] == [origin, None]
