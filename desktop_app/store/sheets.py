"""Grids on the disk: what each is, and its contact sheet as a PNG that holds all its recipes."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app import __version__
from desktop_app.errors import AppError
from desktop_app.recipe import sheet as codec
from desktop_app.recipe.sheet import KEYWORD, Sheet
from desktop_app.store.containers import open_container
from desktop_app.store.files import read_bounded, write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FILE_MAX = 4 * codec.TEXT_MAX
KEPT = 500
"""The newest grids whose plan is kept; the sheets of older ones hold it themselves."""


class Sheets:
    """One small file for each grid, named by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sheet: Sheet) -> None:
        """Write a grid down, before its first picture is made.

        Raises:
            AppError: `disk-full` and the like.
        """
        write_atomic(self._path(sheet.id), codec.dumps(sheet).encode())
        for path in self._paths()[KEPT:]:
            path.unlink(missing_ok=True)

    def find(self, number: str) -> Sheet:
        """The grid of an id.

        Raises:
            AppError: `sheet-unknown` when nothing is kept of it, or why that cannot be read.
        """
        path = self._path(number)
        if not path.is_file():
            raise AppError(
                "sheet-unknown",
                "Nothing is known any more of the rows and columns of this grid.",
                hint="Its pictures are in the gallery; search for grid:" + number[:16] + ".",
            )
        return codec.loads(read_bounded(path, _FILE_MAX).decode("utf-8", "replace"))

    def _path(self, number: str) -> Path:
        name = number if number.isascii() and number.isalnum() else "none"
        return self._folder / f"{name}.json"

    def _paths(self) -> list[Path]:
        """The newest first."""
        try:
            found = [(path.stat().st_mtime_ns, path) for path in self._folder.glob("*.json")]
        except OSError:
            return []
        return [path for _, path in sorted(found, reverse=True)]


def write_sheet_png(pixels: "NDArray[np.uint8]", sheet: Sheet) -> bytes:
    """A PNG of a contact sheet that holds the recipe of each of its pictures.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    import numpy as np
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt(KEYWORD, codec.dumps(sheet))
    info.add_text("Software", f"Mezzotint {__version__}")
    stream = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(stream, format="PNG", compress_level=6, pnginfo=info)
    return stream.getvalue()


def read_sheet(path: Path) -> Sheet | None:
    """The grid that a contact sheet shows; None for any other picture.

    Raises:
        AppError: `not-a-picture`, a `file-…` error, or why its record cannot be read.
    """
    text = open_container(path).text(KEYWORD)
    return None if text is None else codec.loads(text)
