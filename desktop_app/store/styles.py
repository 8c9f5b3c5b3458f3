"""The program's own styles, which stand on the shelf of styles before the artist's."""

from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.preset_file import STYLES, from_json
from desktop_app.recipe.styles import Style
from desktop_app.store.files import read_bounded

_FILE_MAX = 1_000_000


def builtin_styles(folder: Path) -> tuple[Style, ...]:
    """The styles in `styles.json` of a folder that the program ships.

    Raises:
        AppError: the installation is damaged.
    """
    path = folder / "styles.json"
    data = codec.loads(read_bounded(path, _FILE_MAX).decode("utf-8-sig", "replace"))
    rows = cast(dict[str, object], data).get("styles") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise AppError("preset-file", f"“{path}” holds no styles.")
    return tuple(_style(row) for row in cast(list[object], rows))


def _style(row: object) -> Style:
    if not isinstance(row, dict):
        raise AppError("preset-file", "One of the program's styles is not readable.")
    return from_json(STYLES, {"version": 1, **cast(dict[str, object], row)})
