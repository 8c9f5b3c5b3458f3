"""Favourites, ratings and verdicts on disk beside the pictures: they outlive the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.store.files import read_bounded, told, write_atomic
from desktop_app.store.record import RATING_MAX, VERDICTS, Marks

NAME = ".mezzotint.json"
"""One hidden file in each folder of pictures: beside every picture one would be clutter."""
_VERSION = 1
_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """The marks of one picture in a sidecar.

    Attributes:
        pixels_sha256: finds the picture again when its file was renamed or moved.
    """

    marks: Marks
    pixels_sha256: str


UNMARKED = Marked(marks=Marks(), pixels_sha256="")


def read(folder: Path) -> dict[str, Marked] | None:
    """The marks in a folder by file name; None where there is no sidecar or a garbled one.

    Raises:
        AppError: `sidecar-newer` when a later version wrote it, or why the disk does not give it:
            it must not be written over then.
    """
    try:
        data = read_bounded(folder / NAME, _BYTES_MAX)
    except AppError as refusal:
        if refusal.code == "file-missing":
            return None
        raise
    try:
        return marks_from(data.decode("utf-8", "replace"))
    except AppError as refusal:
        if refusal.code == "sidecar-newer":
            raise
        return None


def write(
    folder: Path,
    changes: Mapping[str, Marked | None],
    remembered: Callable[[], Mapping[str, Marked]],
) -> None:
    """Change the marks of some files in a folder, leaving those of the others as they are.

    Args:
        changes: None takes the marks of a file away.
        remembered: the marks in the index, for a sidecar that is gone or garbled.

    Raises:
        AppError: when the folder cannot be read or written; the old marks stay.
    """
    path = folder / NAME
    known = read(folder)
    wanted = dict(remembered() if known is None else known)
    for name, marked in changes.items():
        if marked is None or marked.marks == Marks():
            wanted.pop(name, None)
        else:
            wanted[name] = marked
    if wanted == (known or {}):
        return
    if known is None and path.exists():
        with told(path):
            path.replace(path.with_name(path.name + ".bad"))
    pictures = {name: plain(marked) for name, marked in wanted.items()}
    text = codec.dumps({"version": _VERSION, "pictures": pictures})
    write_atomic(path, text.encode())


def plain(marked: Marked) -> dict[str, object]:
    """The marks as JSON."""
    marks = marked.marks
    return {
        "favourite": marks.favourite,
        "rating": marks.rating,
        "verified": marks.verified,
        "pixels": marked.pixels_sha256,
    }


def marked_from(value: object) -> Marked | None:
    """The marks that `plain` wrote; None for anything else."""
    if not isinstance(value, dict):
        return None
    data = cast(dict[str, object], value)
    rating, verified, pixels = data.get("rating"), data.get("verified"), data.get("pixels")
    good = isinstance(rating, int) and 0 <= rating <= RATING_MAX
    marks = Marks(
        favourite=data.get("favourite") is True,
        rating=int(rating) if good and isinstance(rating, int) else 0,
        verified=verified if isinstance(verified, str) and verified in VERDICTS else "",
    )
    return Marked(marks=marks, pixels_sha256=pixels[:64] if isinstance(pixels, str) else "")


def marks_from(text: str) -> dict[str, Marked]:
    """The marks in the text of a sidecar.

    Raises:
        AppError: `sidecar-newer` or `json`.
    """
    data = codec.loads(text, limit=_BYTES_MAX)
    fields = cast(dict[str, object], data) if isinstance(data, dict) else {}
    version = fields.get("version")
    if isinstance(version, int) and version > _VERSION:
        raise AppError(
            "sidecar-newer",
            "The marks of these pictures were written by a newer Mezzotint.",
            hint="Update the program to change them.",
        )
    rows = fields.get("pictures")
    if version != _VERSION or not isinstance(rows, dict):
        raise AppError("json", "The marks of these pictures cannot be read.")
    found = {name: marked_from(row) for name, row in cast(dict[str, object], rows).items()}
    return {name: marked for name, marked in found.items() if marked is not None}
