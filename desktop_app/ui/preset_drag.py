"""Presets in a drag or on the clipboard: put in as data and as a file, and taken out again."""

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QMimeData, QUrl

from desktop_app.errors import AppError
from desktop_app.recipe.preset import Preset
from desktop_app.recipe.preset_file import FILE_MAX, KINDS, SEEDS, Kind, parse_document
from desktop_app.recipe.presets import SeedPreset

P = TypeVar("P", bound=Preset)


def preset_data(kind: Kind[P], document: bytes, file: Path | None) -> QMimeData:
    """What is dragged: the presets for this program, and a file of them for all others."""
    mime = QMimeData()
    mime.setData(kind.mime, document)
    if file is not None:
        mime.setUrls([QUrl.fromLocalFile(str(file))])
    return mime


def has_seeds(mime: QMimeData) -> bool:
    """Whether seed presets are in a drag."""
    return mime.hasFormat(SEEDS.mime)


def seeds_in(mime: QMimeData) -> tuple[SeedPreset, ...]:
    """The seed presets of a drag.

    Raises:
        AppError: it holds none, or they are not whole; the drag may come from anyone.
    """
    if not has_seeds(mime):
        raise AppError("preset-file", "No seed preset was dropped.")
    return parse_document(SEEDS, bytes(mime.data(SEEDS.mime).data()[: FILE_MAX + 1]))


def preset_files(mime: QMimeData) -> list[Path]:
    """The files of presets in a drag, told by how their names end."""
    found: list[Path] = []
    for url in mime.urls()[:200]:
        path = Path(url.toLocalFile()) if url.isLocalFile() else None
        if path is not None and path.name.lower().endswith(tuple(kind.suffix for kind in KINDS)):
            found.append(path)
    return found
