"""Sheet: a grid of pictures as it is kept, in its own file and in the contact sheet's PNG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.sweep import AXES_MAX, CELLS_MAX, LABEL_MAX, POINTS_MAX, Cell

KEYWORD = "mezzotint-sheet"
"""Of the text in the PNG."""
TEXT_MAX = 4_000_000
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Direction:
    """One axis as it is shown.

    Attributes:
        name: the setting.
        labels: its values, in order.
    """

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A grid: what its rows and columns are, and how each of its pictures is made.

    Attributes:
        id: 16 lower-case hex digits; its pictures name it as their origin.
        axes: X, then Y, then Z; one at least.
        cells: X fastest, as far as they are known; each at its own place.
        picture: sha256 of the pixels of the picture whose settings it was made of; may be empty.

    Raises:
        AppError: `sheet` when it is not of a piece.
    """

    id: str
    axes: tuple[Direction, ...]
    cells: tuple[Cell, ...]
    picture: str = ""

    def __post_init__(self) -> None:
        Origin(picture=self.picture, kind="grid", sheet=self.id)
        sizes = self.sizes
        if not 1 <= len(sizes) <= AXES_MAX or not all(1 <= size <= POINTS_MAX for size in sizes):
            raise AppError("sheet", "The grid's rows and columns cannot be read.")
        if not 1 <= len(self.cells) <= CELLS_MAX:
            raise AppError("sheet", f"A grid has 1 to {CELLS_MAX} pictures.")
        for cell in self.cells:
            if len(cell.at) != len(sizes) or not all(
                0 <= place < size for place, size in zip(cell.at, sizes, strict=True)
            ):
                raise AppError("sheet", "A picture of the grid stands beside it.")
        if len({cell.at for cell in self.cells}) != len(self.cells):
            raise AppError("sheet", "Two pictures of the grid stand in one place.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(axis.labels) for axis in self.axes)

    @property
    def title(self) -> str:
        """Its axes, such as `Guidance × Steps`."""
        return " × ".join(axis.name for axis in self.axes)

    @property
    def origin(self) -> Origin:
        """Of its pictures."""
        return Origin(picture=self.picture, kind="grid", sheet=self.id)

    def words(self, cell: Cell) -> str:
        """What tells a cell from the others, such as `Guidance 5, Steps 20`."""
        pairs = zip(self.axes, cell.at, strict=True)
        return ", ".join(f"{axis.name} {axis.labels[place]}" for axis, place in pairs)


def dumps(sheet: Sheet) -> str:
    """JSON; of each recipe after the first only what differs from the first.

    Raises:
        AppError: `sheet` when its prompts are too long to be kept in one text.
    """
    first = codec.recipe_to_json(sheet.cells[0].recipe)
    rows: list[dict[str, object]] = []
    for cell in sheet.cells:
        recipe = codec.recipe_to_json(cell.recipe)
        rows.append(
            {
                "at": list(cell.at),
                "changes": {name: one for name, one in recipe.items() if one != first[name]},
            }
        )
    text = codec.dumps(
        {
            "version": _VERSION,
            "id": sheet.id,
            "picture": sheet.picture,
            "axes": [{"name": axis.name, "labels": list(axis.labels)} for axis in sheet.axes],
            "recipe": first,
            "cells": rows,
        }
    )
    if len(text) > TEXT_MAX:
        raise AppError("sheet", "The prompts of this grid are too long for one sheet.")
    return text


def loads(text: str) -> Sheet:
    """The sheet that `dumps` wrote.

    Raises:
        AppError: `json`, `sheet`, or an error of a recipe.
    """
    data = _mapping(codec.loads(text, limit=TEXT_MAX))
    version = data.get("version")
    if version != _VERSION:
        raise AppError(
            "sheet",
            "This contact sheet was written by another version of Mezzotint.",
            hint="Update the program to read it.",
        )
    first = _mapping(data.get("recipe"))
    rows = _list(data.get("cells"), CELLS_MAX)
    return Sheet(
        id=_text(data.get("id"), 16),
        picture=_text(data.get("picture"), 64),
        axes=tuple(_direction(row) for row in _list(data.get("axes"), AXES_MAX)),
        cells=tuple(_cell(_mapping(row), first) for row in rows),
    )


def _cell(row: Mapping[str, object], first: Mapping[str, object]) -> Cell:
    at = _list(row.get("at"), AXES_MAX)
    if not all(isinstance(place, int) and not isinstance(place, bool) for place in at):
        raise AppError("sheet", "A picture of the grid has no place.")
    recipe = codec.recipe_from_json({**first, **_mapping(row.get("changes"))})
    return Cell(at=tuple(cast(list[int], at)), recipe=recipe)


def _direction(value: object) -> Direction:
    row = _mapping(value)
    labels = _list(row.get("labels"), POINTS_MAX)
    return Direction(
        name=_text(row.get("name"), LABEL_MAX),
        labels=tuple(_text(label, LABEL_MAX) for label in labels),
    )


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise AppError("sheet", "The contact sheet's record cannot be read: a part is missing.")
    return cast(dict[str, object], value)


def _list(value: object, limit: int) -> list[object]:
    if not isinstance(value, list) or len(cast(list[object], value)) > limit:
        raise AppError("sheet", "The contact sheet's record cannot be read: a list is wrong.")
    return cast(list[object], value)


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit or "\0" in value:
        raise AppError("sheet", "The contact sheet's record cannot be read: a name is wrong.")
    return value


def of_cells(
    number: str, axes: tuple[Direction, ...], cells: tuple[Cell, ...], picture: str
) -> Sheet:
    """A sheet of cells that were just made of a sweep.

    Raises:
        AppError: as `dumps`: it would be too long to be kept.
    """
    sheet = Sheet(id=number, axes=axes, cells=cells, picture=picture)
    dumps(sheet)
    return sheet
