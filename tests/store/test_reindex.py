"""The index is made again from the files alone, marks and all."""

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.store import pictures as pictures_module
from desktop_app.store.sidecar import NAME
from tests.store.conftest import Gallery, ids, save
from tests.store.faults import Faults
from tests.store.samples import recipe_of


def test_favourites_ratings_and_verdicts_outlive_the_database(gallery: Gallery) -> None:
    first, second, third = (save(gallery, seed) for seed in (1, 2, 3))
    gallery.pictures.set_favourite([first.id, second.id], True)
    gallery.pictures.set_favourite([second.id], False)
    gallery.pictures.set_rating([second.id, third.id], 4)
    gallery.pictures.set_rating([third.id], 0)
    gallery.pictures.set_verified(third.id, "identical")
    before = gallery.pictures.records(ids(gallery))
    gallery.lose_database()
    assert ids(gallery) == []
    assert gallery.pictures.needs_index
    found = gallery.pictures.rebuild_index()
    assert (found.pictures, found.added, found.missing, found.damaged) == (3, 3, 0, ())
    assert gallery.pictures.records(ids(gallery)) == before
    assert not gallery.pictures.needs_index


@pytest.mark.fault
def test_marks_that_cannot_be_written_beside_the_pictures_are_not_in_the_index(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = save(gallery)
    other = save(gallery, 8)
    gallery.pictures.set_rating([other.id], 3)
    faults = Faults(monkeypatch)
    for at in range(1, 40):
        faults.arm(at)
        try:
            gallery.pictures.set_favourite([record.id], True)
        except AppError:
            kept = False
        else:
            kept = True
        struck = faults.struck
        faults.arm(0)
        assert gallery.pictures.record(record.id).favourite == kept
        gallery.lose_database()
        gallery.pictures.rebuild_index()
        assert gallery.pictures.record(record.id).favourite == kept
        assert gallery.pictures.record(other.id).rating == 3
        gallery.pictures.set_favourite([record.id], False)
        if not struck:
            break
    else:
        pytest.fail("the mark was never set")


def test_a_picture_whose_row_was_never_written_is_found_once(gallery: Gallery) -> None:
    record = save(gallery)
    other = record.path.with_name("00002-9.png")
    shutil.copyfile(record.path, other)
    assert gallery.pictures.rebuild_index().added == 1
    assert gallery.pictures.rebuild_index().added == 0
    assert len(ids(gallery)) == 2


def test_renamed_and_moved_pictures_keep_their_marks(gallery: Gallery) -> None:
    first, second = save(gallery, 1), save(gallery, 2)
    gallery.pictures.set_favourite([first.id, second.id], True)
    moved = gallery.folder / "best of" / "fox.png"
    moved.parent.mkdir()
    first.path.rename(moved)
    found = gallery.pictures.rebuild_index()
    assert (found.pictures, found.added, found.missing) == (2, 0, 0)
    record = gallery.pictures.record(first.id)
    assert record.path == moved
    assert record.favourite
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    assert len(ids(gallery, "is:favourite")) == 2


def test_a_drive_that_is_away_loses_nothing(gallery: Gallery) -> None:
    record = save(gallery)
    gallery.pictures.set_rating([record.id], 4)
    away = gallery.folder.with_name("away")
    gallery.folder.rename(away)
    assert gallery.pictures.rebuild_index().missing == 1
    assert gallery.pictures.record(record.id).missing
    away.rename(gallery.folder)
    assert gallery.pictures.rebuild_index().missing == 0
    back = gallery.pictures.record(record.id)
    assert (back.missing, back.rating) == (False, 4)


def test_damaged_files_are_told_and_left_out(gallery: Gallery) -> None:
    record = save(gallery)
    cut = record.path.with_name("00002-8.png")
    cut.write_bytes(record.path.read_bytes()[:-300])
    (cut.parent / "notes.txt").write_text("not a picture")
    (cut.parent / "text.png").write_text("hello")
    found = gallery.pictures.rebuild_index()
    assert {path.name for path, _ in found.damaged} == {"00002-8.png", "text.png"}
    assert all(sentence.endswith(".") for _, sentence in found.damaged)
    assert ids(gallery) == [record.id]


def test_links_are_not_followed_out_of_the_gallery(gallery: Gallery, tmp_path: Path) -> None:
    record = save(gallery)
    (record.path.parent / "loop").symlink_to(record.path.parent)
    shutil.copyfile(record.path, tmp_path / "outside.png")
    (record.path.parent / "00009-1.png").symlink_to(tmp_path / "outside.png")
    gallery.pictures.rebuild_index()
    assert ids(gallery) == [record.id]


def test_a_rebuild_can_be_stopped_and_goes_on(gallery: Gallery) -> None:
    record = save(gallery)
    for number in range(2, 500):
        os.link(record.path, record.path.with_name(f"{number:05}-7.png"))
    gallery.lose_database()

    def stop(done: int, total: int) -> None:
        if done == 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gallery.pictures.rebuild_index(stop)
    assert 0 < len(ids(gallery)) < 499
    gallery.restart()
    seen: list[int] = []
    gallery.pictures.rebuild_index(lambda done, total: seen.append(total))
    assert len(ids(gallery)) == 499
    assert set(seen) == {499}
    assert len(seen) < 499
    names = [record.path.name for record in gallery.pictures.records(ids(gallery))]
    assert names == sorted(names, reverse=True)


def test_a_file_changed_by_another_program_is_read_again(gallery: Gallery) -> None:
    record, other = save(gallery, 1), save(gallery, 2)
    other.path.replace(record.path)
    os.utime(record.path, ns=(1, 1))
    found = gallery.pictures.rebuild_index()
    assert found.missing == 1
    assert gallery.pictures.record(record.id).recipe == recipe_of(2, "a fox")


def test_a_damaged_sidecar_is_kept_and_written_again(gallery: Gallery) -> None:
    first, second = save(gallery, 1), save(gallery, 2)
    gallery.pictures.set_rating([first.id], 4)
    path = first.path.with_name(NAME)
    path.write_text('{"version":1,"pictu')
    gallery.pictures.set_rating([second.id], 2)
    gallery.pictures.rebuild_index()
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    ratings = sorted(one.rating for one in gallery.pictures.records(ids(gallery)))
    assert path.with_name(path.name + ".bad").read_text() == '{"version":1,"pictu'
    assert ratings == [2, 4]


def test_a_sidecar_of_a_newer_version_is_not_overwritten(gallery: Gallery) -> None:
    record = save(gallery)
    path = record.path.with_name(NAME)
    path.write_text('{"version":2}')
    with pytest.raises(AppError) as refusal:
        gallery.pictures.set_favourite([record.id], True)
    assert refusal.value.code == "sidecar-newer"
    assert path.read_text() == '{"version":2}'
    assert not gallery.pictures.record(record.id).favourite


@pytest.mark.parametrize("moment", ["file is written", "row is written"])
def test_a_rebuild_in_the_middle_of_a_save_changes_nothing(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    save(gallery, 1)
    name = "write_numbered" if moment == "file is written" else "insert"
    original = getattr(pictures_module, name)

    def then_rebuild(*arguments: object) -> object:
        result = original(*arguments)
        monkeypatch.undo()
        gallery.pictures.rebuild_index()
        return result

    monkeypatch.setattr(pictures_module, name, then_rebuild)
    record = save(gallery, 2)
    assert ids(gallery) == [record.id, 1]
    assert not record.missing
    assert gallery.pictures.rebuild_index().added == 0


def test_saving_and_trashing_while_the_index_is_rebuilt(gallery: Gallery) -> None:
    made = [save(gallery, seed) for seed in range(30)]
    faults: list[BaseException] = []
    stop = threading.Event()

    def rebuild() -> None:
        try:
            while not stop.is_set():
                gallery.pictures.rebuild_index(everything=True)
        except (AppError, sqlite3.Error, OSError) as fault:
            faults.append(fault)

    thread = threading.Thread(target=rebuild)
    thread.start()
    try:
        for seed, old in enumerate(made):
            if seed < 10:
                save(gallery, 100 + seed)
            gallery.pictures.set_rating([old.id], 1 + seed % 5)
            gallery.pictures.trash([old.id])
            if seed % 2:
                gallery.pictures.restore([old.id])
    finally:
        stop.set()
        thread.join()
    assert faults == []
    gallery.pictures.rebuild_index()
    assert len(ids(gallery)) == 25
    assert len(gallery.pictures.trashed()) == 15
    records = gallery.pictures.records(ids(gallery))
    assert not any(record.missing for record in records)
    assert all(record.rating for record in records if record.recipe and record.recipe.seed < 100)
