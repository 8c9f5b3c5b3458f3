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
from desktop_app.store.metadata import pixels_sha256, read_picture
from desktop_app.store.pictures import Pictures
from desktop_app.store.pixels import read_pixels

ROUNDS = 60
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no SIGKILL and no fork")


def announced_before_the_kill(root: Path, mode: str, rounds: int) -> list[list[str]]:
    """Start the saving program again and again and kill it some milliseconds into its work."""
    chance = random.Random(7)
    said: list[list[str]] = []
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.store.saver", str(root), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    for number in range(rounds):
        starter.stdin.write(f"{number}\n")
        child = 0
        wanted = 1 + number % 3
        for line in starter.stdout:
            verb, name = line.split()
            if verb == "started":
                child = int(name)
            elif verb == "ended":
                break
            else:
                said.append([verb, name])
                wanted -= 1
            if child and wanted <= 0:
                time.sleep(chance.uniform(0, 0.02))
                os.kill(child, signal.SIGKILL)
                child, wanted = 0, 1_000_000
        assert wanted > 1000, "the child ended by itself"
    starter.stdin.close()
    assert starter.wait(30) == 0
    starter.stdout.close()
    return said


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
