"""What is thrown away can come back, whatever happens in between."""

import json
import os
import shutil
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.store.metadata import read_picture
from tests.store.conftest import Gallery, ids, save
from tests.store.faults import Faults


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


def test_nothing_is_forgotten_while_the_drive_is_away(gallery: Gallery) -> None:
    record = save(gallery)
    gallery.folder.rename(gallery.folder.with_name("away"))
    with pytest.raises(AppError) as refusal:
        gallery.pictures.trash([record.id])
    assert refusal.value.code == "folder-gone"
    assert ids(gallery) == [record.id]
