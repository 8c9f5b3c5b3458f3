"""Killed at any moment, the program has lost nothing that it had announced."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.store.database import Database
from desktop_app.store.files import sweep
from desktop_app.store.metadata import pixels_sha256, read_picture
from desktop_app.store.pictures import Pictures
from desktop_app.store.pixels import read_pixels

ROUNDS = 60


def announced_before_the_kill(root: Path, mode: str, rounds: int) -> list[list[str]]:
    """Start the saving program again and again and kill it some milliseconds into its work."""
    chance = random.Random(7)
    said: list[list[str]] = []
    for _ in range(rounds):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.store.saver", str(root), mode], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        assert lines[0], "the child died by itself"
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.read().splitlines(keepends=True)
        child.wait()
        child.stdout.close()
        # A line without its end was never said.
        said += [line.decode().split() for line in lines if line.endswith(b"\n")]
    return said


def open_gallery(root: Path) -> tuple[Database, Pictures]:
    database = Database(root / "data" / "library.sqlite")
    assert database.put_aside is None
    trash = root / "data" / "trash"
    return database, Pictures(database, pictures=root / "pictures", trash=trash)


@pytest.mark.fault
@pytest.mark.timeout(240)
def test_sixty_kills_while_saving_damage_and_lose_nothing(tmp_path: Path) -> None:
    said = announced_before_the_kill(tmp_path, "save", ROUNDS)
    announced = {name for _, name in said}
    files = {path.name: path for path in (tmp_path / "pictures").rglob("*.png")}
    assert len(said) == len(announced) >= ROUNDS
    assert announced <= files.keys()
    for path in files.values():
        found = read_picture(path)
        assert found.problem == ""
        assert found.provenance is not None
        assert pixels_sha256(read_pixels(path)) == found.provenance.pixels_sha256
    database, pictures = open_gallery(tmp_path)
    rows = {record.path.name for record in pictures.records(pictures.ids())}
    assert announced <= rows
    assert pictures.rebuild_index().pictures == len(files)
    assert pictures.rebuild_index().added == 0
    assert len(pictures.ids()) == len(files)
    assert not list((tmp_path / "pictures").rglob("*.part"))
    pictures.close()
    database.close()


@pytest.mark.fault
@pytest.mark.timeout(120)
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
    sweep(tmp_path)
