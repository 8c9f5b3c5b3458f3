"""Killed at any moment, the program has lost nothing that it had announced."""

from pathlib import Path

import pytest

from desktop_app.store.database import Database
from desktop_app.store.metadata import pixels_sha256, read_picture
from desktop_app.store.pictures import Pictures
from desktop_app.store.pixels import read_pixels
from tests.store.kills import POSIX, announced

ROUNDS = 60


def announced_before_the_kill(root: Path, mode: str, rounds: int) -> list[tuple[str, str]]:
    """What the saving program said before each of its kills."""
    program = ["tests.store.saver", str(root), mode]
    return announced(program, rounds, lambda number: 1 + number % 3, latest=0.02, seed=7)


def open_gallery(root: Path) -> tuple[Database, Pictures]:
    database = Database(root / "data" / "library.sqlite")
    assert database.put_aside is None
    trash = root / "data" / "trash"
    return database, Pictures(database, pictures=root / "pictures", trash=trash)


@pytest.mark.fault
@pytest.mark.timeout(120)
@POSIX
def test_sixty_kills_while_saving_damage_and_lose_nothing(tmp_path: Path) -> None:
    said = announced_before_the_kill(tmp_path, "save", ROUNDS)
    names = {name for _, name in said}
    files = {path.name: path for path in (tmp_path / "pictures").rglob("*.png")}
    assert len(said) == len(names) >= ROUNDS
    assert names <= files.keys()
    for path in files.values():
        found = read_picture(path)
        assert found.problem == ""
        assert found.provenance is not None
        assert pixels_sha256(read_pixels(path)) == found.provenance.pixels_sha256
    database, pictures = open_gallery(tmp_path)
    rows = {record.path.name for record in pictures.records(pictures.ids())}
    assert names <= rows
    assert pictures.rebuild_index().pictures == len(files)
    assert pictures.rebuild_index().added == 0
    assert len(pictures.ids()) == len(files)
    # What a kill left empty within the last minute waits for a later sweep: it may have a writer.
    left = [part.stat().st_size for part in (tmp_path / "pictures").rglob("*.part")]
    assert not any(left)
    pictures.close()
    database.close()


@pytest.mark.fault
@pytest.mark.timeout(120)
@POSIX
def test_kills_while_trashing_leave_every_picture_in_one_place(tmp_path: Path) -> None:
    said = announced_before_the_kill(tmp_path, "trash", 20)
    saved = {name for verb, name in said if verb == "saved"}
    trashed = [name for verb, name in said if verb == "trashed"]
    for attempt in ("with the index", "without it"):
        if attempt == "without it":
            for path in (tmp_path / "data").glob("*.sqlite*"):
                path.unlink()
        database, pictures = open_gallery(tmp_path)
        pictures.rebuild_index()
        live = pictures.records(pictures.ids())
        gone = pictures.records(pictures.trashed())
        assert all(record.path.exists() for record in live)
        assert len(gone) >= len(trashed)
        assert {record.path.name for record in (*live, *gone)} >= saved
        assert all(record.rating == 3 for record in gone)
        files = [*(tmp_path / "pictures").rglob("*.png"), *(tmp_path / "data/trash").glob("*.png")]
        assert len(files) == len(live) + len(gone)
        pictures.close()
        database.close()
