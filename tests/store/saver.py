"""A program that saves pictures and says so, to be killed at any moment; run by test_kill.py."""

import sys
from pathlib import Path

from desktop_app.store.database import Database
from desktop_app.store.pictures import Pictures
from tests.store.samples import pixels_of, provenance_of, recipe_of


def main(root: Path, mode: str) -> None:
    database = Database(root / "data" / "library.sqlite")
    pictures = Pictures(database, pictures=root / "pictures", trash=root / "data" / "trash")
    made = [(seed, pixels_of(seed, side=96)) for seed in range(4)]
    while True:
        for seed, pixels in made:
            record = pictures.save(recipe_of(seed, side=96), provenance_of(pixels), pixels)
            print("saved", record.path.name, flush=True)
            if mode == "trash":
                pictures.set_rating([record.id], 3)
                print("rated", record.path.name, flush=True)
                pictures.trash([record.id])
                print("trashed", record.path.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
