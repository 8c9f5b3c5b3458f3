"""The gallery remembers what was made, and forgets nothing when its database is lost."""

import io
import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from desktop_app.errors import AppError
from desktop_app.store import pictures as pictures_module
from desktop_app.store.metadata import pixels_sha256, read_picture
from desktop_app.store.record import Record
from desktop_app.store.search import parse
from desktop_app.store.sidecar import NAME
from tests.store.conftest import Gallery
from tests.store.faults import Faults
from tests.store.samples import pixels_of, provenance_of, recipe_of

INFOTEXT = "a fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Model: other"


def save(gallery: Gallery, seed: int = 7, prompt: str = "a fox", **how: str) -> Record:
    pixels = pixels_of(seed)
    return gallery.pictures.save(recipe_of(seed, prompt), provenance_of(pixels, **how), pixels)


def ids(gallery: Gallery, text: str = "") -> list[int]:
    return gallery.pictures.ids(parse(text))


def test_a_saved_picture_is_a_file_and_a_record(gallery: Gallery) -> None:
    record = save(gallery)
    assert record.path.name == "00001-7.png"
    assert record.path.parent.parent == gallery.folder
    assert record.recipe == recipe_of(prompt="a fox")
    assert record.provenance == provenance_of(pixels_of())
    assert record.created == "2026-11-21T12:30:00Z"
    assert (record.favourite, record.rating, record.verified) == (False, 0, "")
    assert gallery.pictures.records([record.id, 99]) == [record]
    assert np.array_equal(gallery.pictures.pixels(record.id), pixels_of())
    gallery.restart()
    assert gallery.pictures.record(record.id) == record


def test_pixels_that_the_provenance_does_not_speak_of_are_never_saved(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="provenance"):
        gallery.pictures.save(recipe_of(), provenance_of(pixels_of(8)), pixels_of())
    assert not gallery.folder.exists()


def test_the_newest_picture_comes_first_whatever_the_clock_says(gallery: Gallery) -> None:
    for seed, created in enumerate(["2038-01-20T00:00:00Z", "1970-01-01T12:00:00Z", "nonsense"]):
        save(gallery, seed, created=created)
    assert ids(gallery) == [3, 2, 1]
    assert gallery.pictures.count() == 3


def test_an_unknown_picture_is_said_in_words(gallery: Gallery) -> None:
    with pytest.raises(AppError) as refusal:
        gallery.pictures.record(5)
    assert refusal.value.code == "picture-unknown"


def test_a_thumbnail_is_kept_and_made_again_when_it_is_lost(gallery: Gallery) -> None:
    record = save(gallery)
    first = gallery.pictures.thumbnail(record.id)
    gallery.close()
    for path in gallery.database_file.parent.glob("thumbnails*"):
        path.unlink()
    gallery.open()
    again = gallery.pictures.thumbnail(record.id)
    for jpeg in (first, again):
        with Image.open(io.BytesIO(jpeg)) as image:
            assert image.size == (64, 64)
    record.path.unlink()
    assert gallery.pictures.thumbnail(record.id) == again


def test_a_file_that_is_gone_is_marked_and_marked_back(gallery: Gallery) -> None:
    record = save(gallery)
    aside = record.path.with_suffix(".aside")
    record.path.rename(aside)
    with pytest.raises(AppError) as refusal:
        gallery.pictures.pixels(record.id)
    assert refusal.value.code == "file-missing"
    assert gallery.pictures.record(record.id).missing
    aside.rename(record.path)
    gallery.pictures.pixels(record.id)
    assert not gallery.pictures.record(record.id).missing


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


def test_a_rating_out_of_range_is_refused(gallery: Gallery) -> None:
    record = save(gallery)
    with pytest.raises(AppError):
        gallery.pictures.set_rating([record.id], 6)
    with pytest.raises(ValueError, match="verdict"):
        gallery.pictures.set_verified(record.id, "perfect")


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


@pytest.mark.fault
def test_saving_is_all_or_nothing_at_every_call_of_the_file_system(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(monkeypatch)
    done = 0
    for at in range(1, 80):
        faults.arm(at)
        try:
            record = save(gallery, at)
        except AppError as refusal:
            faults.arm(0)
            assert refusal.code == "disk-full"
            assert refusal.parameters["free"]
        else:
            struck = faults.struck
            faults.arm(0)
            done += 1
            assert np.array_equal(gallery.pictures.pixels(record.id), pixels_of(at))
            if not struck:
                break
    else:
        pytest.fail("the save never ran through")
    assert len(ids(gallery)) == done
    assert len(list(gallery.folder.rglob("*.png"))) == done
    assert gallery.pictures.rebuild_index().damaged == ()
    assert len(ids(gallery)) == done


@pytest.mark.fault
def test_a_full_disk_under_the_index_keeps_the_picture(gallery: Gallery) -> None:
    save(gallery, 1)
    pages = gallery.database.rows("PRAGMA page_count")[0][0]
    gallery.database.rows(f"PRAGMA max_page_count={pages}")
    refused: AppError | None = None
    count = 1
    while refused is None and count < 50:
        count += 1
        try:
            save(gallery, count, prompt="word " * 3000)
        except AppError as refusal:
            refused = refusal
    assert refused is not None
    assert refused.code == "not-indexed"
    path = Path(str(refused.parameters["path"]))
    assert read_picture(path).recipe == recipe_of(count, "word " * 3000)
    gallery.restart()
    assert gallery.pictures.rebuild_index().added == 1
    assert gallery.pictures.count() == count


@pytest.mark.fault
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_said_in_words(gallery: Gallery) -> None:
    gallery.folder.mkdir(parents=True)
    gallery.folder.chmod(0o500)
    with pytest.raises(AppError) as refusal:
        save(gallery)
    gallery.folder.chmod(0o700)
    assert refusal.value.code == "read-only"


def test_a_picture_whose_row_was_never_written_is_found_once(gallery: Gallery) -> None:
    record = save(gallery)
    other = record.path.with_name("00002-9.png")
    shutil.copyfile(record.path, other)
    assert gallery.pictures.rebuild_index().added == 1
    assert gallery.pictures.rebuild_index().added == 0
    assert len(ids(gallery)) == 2


def test_adding_a_picture_of_another_program(gallery: Gallery, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", INFOTEXT)
    path = tmp_path / "my photo.png"
    Image.fromarray(pixels_of(9)).save(path, pnginfo=info)
    record = gallery.pictures.add_file(path)
    assert record.recipe is None
    assert record.infotext == INFOTEXT
    assert record.path.read_bytes() == path.read_bytes()
    assert record.pixels_sha256 == pixels_sha256(pixels_of(9))
    assert ids(gallery, "fox") == ids(gallery, "seed:5") == ids(gallery, "model:other")
    assert gallery.pictures.add_file(path) == record
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    again = gallery.pictures.record(ids(gallery)[0])
    assert (again.infotext, again.pixels_sha256) == (record.infotext, record.pixels_sha256)


def test_adding_a_picture_without_words(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / "../../holiday?.jpeg"
    path = tmp_path / "holiday in “snow”.jpeg"
    Image.fromarray(pixels_of(9)).save(path)
    record = gallery.pictures.add_file(path)
    assert record.path.name.startswith("00001-holiday-in-snow-")
    assert record.path.suffix == ".jpg"


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_adding_what_is_no_picture_leaves_nothing(
    gallery: Gallery, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(AppError):
        gallery.pictures.add_file(path)
    assert not gallery.folder.exists()


def test_trash_and_back_with_all_marks(gallery: Gallery) -> None:
    first, second = save(gallery, 1), save(gallery, 2)
    gallery.pictures.set_favourite([first.id], True)
    gallery.pictures.set_rating([first.id], 5)
    before = gallery.pictures.record(first.id)
    assert gallery.pictures.trash([first.id, 99]) == (first.id,)
    assert ids(gallery) == [second.id]
    assert not first.path.exists()
    assert gallery.pictures.trashed() == [first.id]
    gallery.restart()
    assert gallery.pictures.restore([first.id]) == (first.id,)
    assert gallery.pictures.record(first.id) == before
    assert ids(gallery) == [second.id, first.id]
    assert list(gallery.trash_folder.iterdir()) == []


def test_the_trash_outlives_the_database(gallery: Gallery) -> None:
    record = save(gallery)
    gallery.pictures.set_rating([record.id], 3)
    gallery.pictures.trash([record.id])
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    assert ids(gallery) == []
    (number,) = gallery.pictures.trashed()
    gallery.pictures.restore([number])
    back = gallery.pictures.record(number)
    assert (back.path, back.rating, back.recipe) == (record.path, 3, record.recipe)


def test_a_name_that_was_taken_meanwhile_is_not_overwritten(gallery: Gallery) -> None:
    record = save(gallery)
    gallery.pictures.trash([record.id])
    newer = save(gallery, prompt="another")
    assert newer.path == record.path
    gallery.pictures.restore([record.id])
    back = gallery.pictures.record(record.id)
    assert back.path.name == "00002-7.png"
    assert read_picture(back.path).recipe == record.recipe
    assert read_picture(newer.path).recipe == newer.recipe


def test_emptying_the_trash_is_for_good(gallery: Gallery) -> None:
    first, second = save(gallery, 1), save(gallery, 2)
    gallery.pictures.trash([first.id])
    assert gallery.pictures.empty_trash() == 1
    assert gallery.pictures.trashed() == []
    assert list(gallery.trash_folder.iterdir()) == []
    assert gallery.pictures.restore([first.id]) == ()
    assert ids(gallery) == [second.id]
    gallery.pictures.rebuild_index(everything=True)
    assert ids(gallery) == [second.id]


def test_trashing_a_picture_that_is_gone_forgets_it(gallery: Gallery) -> None:
    record = save(gallery)
    record.path.unlink()
    assert gallery.pictures.trash([record.id]) == ()
    assert ids(gallery) == gallery.pictures.trashed() == []


@pytest.mark.fault
def test_a_trash_that_fails_halfway_says_what_was_done(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = save(gallery, 1), save(gallery, 2)
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if Path(source) == second.path:
            raise OSError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(AppError) as refusal:
        gallery.pictures.trash([first.id, second.id])
    assert refusal.value.code == "trash-partly"
    assert refusal.value.parameters["done"] == (first.id,)
    assert ids(gallery) == [second.id]
    gallery.pictures.rebuild_index()
    assert ids(gallery) == [second.id]
    assert gallery.pictures.trashed() == [first.id]


@pytest.mark.fault
def test_trash_killed_at_every_call_leaves_the_picture_in_one_place(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(monkeypatch)
    for at in range(1, 60):
        record = save(gallery, at)
        gallery.pictures.set_rating([record.id], 2)
        faults.arm(at)
        try:
            gallery.pictures.trash([record.id])
        except AppError:
            pass
        struck = faults.struck
        faults.arm(0)
        gallery.lose_database()
        gallery.pictures.rebuild_index()
        where = [*ids(gallery), *gallery.pictures.trashed()]
        assert len(where) == at
        back = gallery.pictures.restore(gallery.pictures.trashed())
        assert len(ids(gallery)) == at
        assert all(gallery.pictures.record(number).rating == 2 for number in back)
        if not struck:
            break
    else:
        pytest.fail("the trash never ran through")


def test_a_hostile_manifest_leads_nowhere(gallery: Gallery, tmp_path: Path) -> None:
    record = save(gallery)
    gallery.trash_folder.mkdir(parents=True)
    for number, path in enumerate(["../../evil.png", "/etc/evil.png", "a/../../x.png", "\0", ""]):
        manifest = json.dumps({"version": 1, "path": path, "marks": {}})
        (gallery.trash_folder / f"{number}.json").write_text(manifest)
        shutil.copyfile(record.path, gallery.trash_folder / f"{number}.png")
    (gallery.trash_folder / "x.json").write_text("[" * 10_000)
    gallery.pictures.rebuild_index()
    assert gallery.pictures.trashed() == []


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


def test_nothing_is_forgotten_while_the_drive_is_away(gallery: Gallery) -> None:
    record = save(gallery)
    gallery.folder.rename(gallery.folder.with_name("away"))
    with pytest.raises(AppError) as refusal:
        gallery.pictures.trash([record.id])
    assert refusal.value.code == "folder-gone"
    assert ids(gallery) == [record.id]
