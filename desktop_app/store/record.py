"""Record: one picture as the gallery knows it; and its rows in the index."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import Recipe
from desktop_app.store.metadata import Imported

VERDICTS = ("", "identical", "similar", "different")
RATING_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What the artist and the program say of a picture after it was made.

    Attributes:
        rating: 0 (none) ... 5.
        verified: what reproducing it gave: empty, `identical`, `similar` or `different`.
    """

    favourite: bool = False
    rating: int = 0
    verified: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One picture of the gallery.

    Attributes:
        path: of the file; where it was, when `missing`.
        created: UTC, ISO 8601.
        recipe: None for pictures of other programs.
        infotext: what another program wrote about it, as it stands there; else empty.
        pixels_sha256: of the RGB pixels.
        missing: the file was not there when it was last looked for.
    """

    id: int
    path: Path
    created: str
    recipe: Recipe | None
    provenance: Provenance | None
    width: int
    height: int
    pixels_sha256: str
    favourite: bool = False
    rating: int = 0
    verified: str = ""
    missing: bool = False
    infotext: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the index holds of a file, all of it taken from the file itself."""

    path: str
    created: str
    width: int
    height: int
    seed: str
    model: str
    model_sha256: str
    pixels_sha256: str
    size: int
    modified: int
    parent: str
    sheet: str
    prompt: str
    recipe: str
    provenance: str
    infotext: str


_PICTURE_FIELDS = (
    "path, created, width, height, seed, model, model_sha256, pixels_sha256, size, modified,"
    " parent, sheet"
)
_COLUMNS = (
    "p.id, p.path, p.created, p.width, p.height, p.pixels_sha256, p.favourite, p.rating,"
    " p.verified, p.missing, d.recipe, d.provenance, d.infotext"
)
SELECT = f"SELECT {_COLUMNS} FROM pictures p JOIN details d ON d.id = p.id"


def entry_of(
    imported: Imported, *, path: str, created: str, pixels_sha256: str, size: int, modified: int
) -> Entry:
    """The entry for a file of which `imported` is known.

    Args:
        path: relative to the pictures folder, with `/`.
        created: where the file itself does not say when it was made.
    """
    recipe, provenance = imported.recipe, imported.provenance
    origin = provenance.origin if provenance else None
    changes = imported.draft_changes or {}
    return Entry(
        path=path,
        created=provenance.created if provenance else created,
        width=imported.width,
        height=imported.height,
        seed=str(recipe.seed if recipe else changes.get("seed", "")),
        model=recipe.model.name if recipe else imported.model_name,
        model_sha256=recipe.model.sha256 if recipe else imported.model_hash,
        pixels_sha256=pixels_sha256,
        size=size,
        modified=modified,
        parent=origin.picture if origin else "",
        sheet=origin.sheet if origin else "",
        prompt=recipe.prompt if recipe else str(changes.get("prompt", "")),
        recipe=codec.dumps(codec.recipe_to_json(recipe)) if recipe else "",
        provenance=codec.dumps(codec.provenance_to_json(provenance)) if provenance else "",
        infotext="" if recipe else imported.infotext or "",
    )


def insert(connection: sqlite3.Connection, entry: Entry) -> int:
    """Add the two rows of a picture; its id."""
    row = connection.execute(
        f"INSERT INTO pictures ({_PICTURE_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _picture_values(entry),
    )
    number = row.lastrowid
    assert number is not None
    connection.execute(
        "INSERT INTO details VALUES (?, ?, ?, ?, ?)", (number, *_detail_values(entry))
    )
    return number


def row_of(connection: sqlite3.Connection, path: str) -> int | None:
    """The id of the picture at a path; None when there is none."""
    row = connection.execute(
        "SELECT id FROM pictures WHERE trashed = '' AND path = ?", (path,)
    ).fetchone()
    return None if row is None else int(row[0])


def update(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    """Make the rows of a picture agree with its file, which is there."""
    connection.execute(
        f"UPDATE pictures SET ({_PICTURE_FIELDS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?),"
        " missing = 0 WHERE id = ?",
        (*_picture_values(entry), number),
    )
    connection.execute(
        "UPDATE details SET (prompt, recipe, provenance, infotext) = (?, ?, ?, ?) WHERE id = ?",
        (*_detail_values(entry), number),
    )


def record_of(row: tuple[Any, ...], folder: Path) -> Record:
    """The record of a row that `SELECT` gave.

    Args:
        folder: the pictures folder.
    """
    (number, path, created, width, height, pixels, favourite, rating, verified, missing) = row[:10]
    recipe, provenance, infotext = row[10:]
    return Record(
        id=number,
        path=folder / path,
        created=created,
        recipe=_parsed_recipe(recipe),
        provenance=_parsed_provenance(provenance),
        width=width,
        height=height,
        pixels_sha256=pixels,
        favourite=bool(favourite),
        rating=rating,
        verified=verified,
        missing=bool(missing),
        infotext=infotext,
    )


def _picture_values(entry: Entry) -> tuple[object, ...]:
    return (
        entry.path,
        entry.created,
        entry.width,
        entry.height,
        entry.seed,
        entry.model,
        entry.model_sha256,
        entry.pixels_sha256,
        entry.size,
        entry.modified,
        entry.parent,
        entry.sheet,
    )


def _detail_values(entry: Entry) -> tuple[object, ...]:
    return entry.prompt, entry.recipe, entry.provenance, entry.infotext


def _parsed_recipe(text: str) -> Recipe | None:
    try:
        return codec.recipe_from_json(codec.loads(text)) if text else None
    except AppError:
        return None  # an index row that an older or newer program left; the file still tells


def _parsed_provenance(text: str) -> Provenance | None:
    try:
        return codec.provenance_from_json(codec.loads(text)) if text else None
    except AppError:
        return None
