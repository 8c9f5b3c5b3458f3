"""A program that keeps, renames and moves presets until it is killed; run by test_shelf_kill."""

import os
import sys
from pathlib import Path

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset_file import SEEDS
from desktop_app.recipe.presets import SeedPreset, seed_preset
from desktop_app.store.database import Database
from desktop_app.store.jobs import Jobs
from desktop_app.store.seed_history import SeedHistory
from desktop_app.store.shelf import Shelf
from tests.store.samples import recipe_of


def main(root: Path) -> None:
    """For each line on the standard input, start a process that works until it is killed."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            keep(root, int(line))
        say("started", child)
        os.waitpid(child, 0)
        say("ended", child)


def keep(root: Path, first: int) -> None:
    shelf: Shelf[SeedPreset] = Shelf(root / "seeds", SEEDS)
    database = Database(root / "library.sqlite")
    jobs, history = Jobs(database), SeedHistory(database)
    number = first * 10_000
    while True:
        number += 1
        shelf.save(seed_preset(f"new {number}", Draft(seed=number), notes="n" * 5000))
        say("kept", number)
        shelf.rename(f"new {number}", f"kept {number}")
        say("renamed", number)
        shelf.move([f"kept {number}"], 0)
        with database.transaction():
            history.log(jobs.add([recipe_of(number)]), [recipe_of(number)])
        say("logged", number)


def say(verb: str, number: int) -> None:
    """One write, which a pipe takes whole or not at all."""
    os.write(1, f"{verb} {number}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
