"""Killed at any moment, the shelf and the history have lost nothing that was announced."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.recipe.preset_file import SEEDS
from desktop_app.store.database import Database
from desktop_app.store.seed_history import SeedHistory
from desktop_app.store.shelf import Shelf

ROUNDS = 25
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no SIGKILL and no fork")


def announced(root: Path) -> list[tuple[str, int]]:
    """What the keeping program said before each of its kills."""
    chance = random.Random(11)
    said: list[tuple[str, int]] = []
    command = [sys.executable, "-m", "tests.store.shelf_keeper", str(root)]
    starter = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    for number in range(ROUNDS):
        starter.stdin.write(f"{number}\n")
        child, wanted = 0, 2 + number % 4
        for line in starter.stdout:
            verb, word = line.split()
            if verb == "started":
                child = int(word)
            elif verb == "ended":
                break
            else:
                said.append((verb, int(word)))
                wanted -= 1
            if child and wanted <= 0:
                time.sleep(chance.uniform(0, 0.01))
                os.kill(child, signal.SIGKILL)
                child, wanted = 0, 1_000_000
        assert wanted > 1000, "the child ended by itself"
    starter.stdin.close()
    assert starter.wait(30) == 0
    starter.stdout.close()
    return said


@pytest.mark.fault
@pytest.mark.timeout(120)
@POSIX
def test_kills_leave_every_preset_whole_and_once(tmp_path: Path) -> None:
    said = announced(tmp_path)
    shelf = Shelf(tmp_path / "seeds", SEEDS)
    presets = shelf.list()
    assert shelf.unreadable == ()
    seeds = [preset.seed for preset in presets]
    assert len(seeds) == len(set(seeds))
    assert {number for verb, number in said if verb == "kept"} <= set(seeds)
    names = {preset.name for preset in presets}
    assert {f"kept {number}" for verb, number in said if verb == "renamed"} <= names
    assert all(len(preset.notes) == 5000 for preset in presets)

    database = Database(tmp_path / "library.sqlite")
    assert database.put_aside is None
    logged = {use.seed for use in SeedHistory(database).page("", 0, 10_000)}
    assert {number for verb, number in said if verb == "logged"} <= logged
    assert database.rows("SELECT count(*) FROM jobs") == [(len(logged),)]
    database.close()

    # Without the database and the program's own folder the shelf is what it was.
    for path in tmp_path.glob("library.sqlite*"):
        path.unlink()
    assert Shelf(tmp_path / "seeds", SEEDS).list() == presets
