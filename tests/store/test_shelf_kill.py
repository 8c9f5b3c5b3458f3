"""Killed at any moment, the shelf and the history have lost nothing that was announced."""

from pathlib import Path

import pytest

from desktop_app.recipe.preset_file import SEEDS
from desktop_app.store.database import Database
from desktop_app.store.seed_history import SeedHistory
from desktop_app.store.shelf import Shelf
from tests.store.kills import POSIX, announced

ROUNDS = 25


@pytest.mark.fault
@pytest.mark.timeout(120)
@POSIX
def test_kills_leave_every_preset_whole_and_once(tmp_path: Path) -> None:
    program = ["tests.store.shelf_keeper", str(tmp_path)]
    words = announced(program, ROUNDS, lambda number: 2 + number % 4, latest=0.01, seed=11)
    said = [(verb, int(number)) for verb, number in words]
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
