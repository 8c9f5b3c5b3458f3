"""The marks in the index."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from desktop_app.store.database import Database
from desktop_app.store.record import Marks
from desktop_app.store.sidecar import Marked


def marks_of(values: Sequence[Any]) -> Marks:
    """The marks of the columns favourite, rating and verified."""
    return Marks(favourite=bool(values[0]), rating=values[1], verified=values[2])


def set_marks(connection: sqlite3.Connection, number: int, marks: Marks) -> None:
    """Put marks into the row of a picture."""
    connection.execute(
        "UPDATE pictures SET favourite = ?, rating = ?, verified = ? WHERE id = ?",
        (marks.favourite, marks.rating, marks.verified, number),
    )


def marks_in(database: Database, place: str) -> dict[str, Marked]:
    """The marks of all marked pictures in a folder, by file name.

    Args:
        place: the folder relative to the pictures folder, without `/` at its end.
    """
    prefix = f"{place}/" if place else ""
    rows = database.rows(
        "SELECT path, pixels_sha256, favourite, rating, verified FROM pictures"
        " WHERE trashed = '' AND substr(path, 1, ?) = ?"
        " AND (favourite OR rating OR verified != '')",
        (len(prefix), prefix),
    )
    return {
        path[len(prefix) :]: Marked(marks=marks_of(values), pixels_sha256=pixels)
        for path, pixels, *values in rows
        if "/" not in path[len(prefix) :]
    }
