"""A program that saves pictures and says so, to be killed at any moment; run by test_kill.py."""

import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path

from desktop_app.store.database import Database
from desktop_app.store.pictures import Pictures
from desktop_app.store.pixels import thumbnail_jpeg
from tests.store.samples import pixels_of, provenance_of, recipe_of

PIXELS = [pixels_of(seed, side=96) for seed in range(4)]
thumbnail_jpeg(PIXELS[0])  # loads Pillow


def main(root: Path, mode: str) -> None:
    """For each line on the standard input, start a process that saves until it is killed.

    It is forked from this one, where numpy and Pillow are loaded already.
    """
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            save(root, mode)
        say("started", str(child))
        os.waitpid(child, 0)
        say("ended", str(child))


def save(root: Path, mode: str) -> None:
    database = Database(root / "data" / "library.sqlite")
    pictures = Pictures(database, pictures=root / "pictures", trash=root / "data" / "trash")
    made = itertools.count(os.getpid() * 10_000)
    while True:
        for seed, pixels in enumerate(PIXELS):
            # No two files alike: what stands at one's old place must never be taken for it.
            provenance = replace(provenance_of(pixels), seconds=float(next(made)))
            record = pictures.save(recipe_of(seed, side=96), provenance, pixels)
            say("saved", record.path.name)
            if mode == "trash":
                pictures.set_rating([record.id], 3)
                pictures.trash([record.id])
                say("trashed", record.path.name)


def say(verb: str, name: str) -> None:
    """One write, which a pipe takes whole or not at all."""
    os.write(1, f"{verb} {name}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
