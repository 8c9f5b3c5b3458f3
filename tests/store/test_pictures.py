"""The gallery remembers what was made: a file first, a row second, and nothing torn."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from desktop_app.errors import AppError
from desktop_app.store.metadata import pixels_sha256, read_picture
from tests.store.conftest import Gallery, ids, save
from tests.store.faults import Faults
from tests.store.samples import pixels_of, provenance_of, recipe_of

INFOTEXT = "a fox\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Model: other"


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


def test_how_hard_a_picture_is_packed_changes_its_size_only(gallery: Gallery) -> None:
    records = [
        gallery.pictures.save(
            recipe_of(), provenance_of(pixels_of()), pixels_of(), compress_level=level
        )
        for level in (0, 9)
    ]
    loose, tight = (record.path.stat().st_size for record in records)
    assert tight < loose
    for record in records:
        assert np.array_equal(gallery.pictures.pixels(record.id), pixels_of())


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


def test_a_rating_out_of_range_is_refused(gallery: Gallery) -> None:
    record = save(gallery)
    with pytest.raises(AppError):
        gallery.pictures.set_rating([record.id], 6)
    with pytest.raises(ValueError, match="verdict"):
        gallery.pictures.set_verified(record.id, "perfect")


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
