"""A gallery in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app.store.database import Database
from desktop_app.store.pictures import Pictures
from desktop_app.store.record import Record
from desktop_app.store.search import parse
from tests.store.samples import pixels_of, provenance_of, recipe_of


class Gallery:
    """A gallery that can be closed and opened again, as a new program would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "pictures"
        self.trash_folder = root / "data" / "trash"
        self.database_file = root / "data" / "library.sqlite"
        self.open()

    def open(self) -> None:
        self.database = Database(self.database_file)
        self.pictures = Pictures(self.database, pictures=self.folder, trash=self.trash_folder)

    def close(self) -> None:
        self.pictures.close()
        self.database.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def lose_database(self) -> None:
        """As if the data folder had been deleted, all but the trash."""
        self.close()
        for path in self.database_file.parent.glob("*.sqlite*"):
            path.unlink()
        self.open()


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    made = Gallery(tmp_path / "gallery")
    yield made
    made.close()


def save(gallery: Gallery, seed: int = 7, prompt: str = "a fox", **how: str) -> Record:
    """Save another picture for each seed; `created` can be given."""
    pixels = pixels_of(seed)
    return gallery.pictures.save(recipe_of(seed, prompt), provenance_of(pixels, **how), pixels)


def ids(gallery: Gallery, text: str = "") -> list[int]:
    """What a search finds, or all."""
    return gallery.pictures.ids(parse(text))
