"""Shelves: where the presets lie, beside the pictures, and how they come there."""

from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.paths import RESOURCES
from desktop_app.recipe.codec import dumps, loads
from desktop_app.recipe.preset_file import KINDS, PARAMETERS, SEEDS, STYLES

if TYPE_CHECKING:
    from desktop_app.recipe.presets import ParameterPreset, SeedPreset
    from desktop_app.recipe.styles import Style

FOLDER = ".mezzotint"
"""In the pictures folder, so that a copy of it holds the presets too."""
_WHERE = "where.json"
_WHERE_MAX = 100_000


class Shelves:
    """The presets of every kind. A shelf goes with the pictures: where a new pictures folder has
    none yet, it is copied there from where it was.
    """

    def __init__(self, pictures: Path, home: Path) -> None:
        """Args:
            pictures: the folder of the pictures.
            home: where earlier versions kept presets, and where it is noted where they lie.

        Raises:
            AppError: the presets cannot be brought along.
        """
        from desktop_app.store.shelf import Shelf, carry
        from desktop_app.store.styles import builtin_styles

        self.folder = pictures / FOLDER
        before = _noted(home / _WHERE)
        for kind in KINDS:
            for source in (before, home):
                if source is not None and carry(source / kind.key, self.folder / kind.key):
                    break
        if before != self.folder:
            _note(home / _WHERE, self.folder)
        self.seeds: Shelf[SeedPreset] = Shelf(self.folder / SEEDS.key, SEEDS)
        self.parameters: Shelf[ParameterPreset] = Shelf(self.folder / PARAMETERS.key, PARAMETERS)
        self.styles: Shelf[Style] = Shelf(
            self.folder / STYLES.key, STYLES, builtin_styles(RESOURCES / "presets")
        )


def _noted(file: Path) -> Path | None:
    try:
        with file.open("rb") as stream:
            data = loads(stream.read(_WHERE_MAX).decode("utf-8", "replace"))
    except (OSError, AppError):
        return None
    folder = data.get("folder") if isinstance(data, dict) else None
    return Path(folder) if isinstance(folder, str) and folder and "\0" not in folder else None


def _note(file: Path, folder: Path) -> None:
    try:
        write_atomically(file, dumps({"version": 1, "folder": str(folder)}).encode())
    except (OSError, UnicodeEncodeError):
        return  # the presets themselves are safe; only a later move would have to be done by hand
