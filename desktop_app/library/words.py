"""Where the vocabularies lie that may not be shipped, and how one is brought in."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.files import replacing
from desktop_app.library.families import FAMILIES
from desktop_app.library.folders import WatchedFolder
from desktop_app.library.identity import Asset
from desktop_app.recipe.vocabularies import VOCABULARIES, vocabulary_for
from desktop_app.weights.vocabulary import NAMES, read_vocabulary

_TWO_FILES = ("vocab.json", "merges.txt")
_OF_PROGRAMS = {
    "t5": (
        "comfy/text_encoders/t5_tokenizer",
        "backend/huggingface/black-forest-labs/FLUX.1-dev/tokenizer_2",
    ),
    "qwen": ("comfy/text_encoders/qwen25_tokenizer",),
}
"""Where ComfyUI and Forge keep vocabularies of their own."""


def find_words(
    kind: str, folder: Path, assets: Iterable[Asset], watched: Sequence[WatchedFolder]
) -> Path | None:
    """The vocabulary of a kind: what was brought in, else that of a model's folder or a program's.

    Args:
        kind: a key of `recipe.vocabularies.VOCABULARIES`.
        folder: where what was brought in lies, a folder for each kind.

    Returns:
        a file, or the folder of a tokenizer; None where there is none.
    """
    for name in NAMES:
        if (folder / kind / name).is_file():
            return folder / kind / name
    for asset in assets:
        if asset.identity.format == "folder" and not asset.missing:
            found = _in_model(kind, asset)
            if found is not None:
                return found
    for one in watched:
        for root in (one.path, one.path.parent):
            for place in _OF_PROGRAMS.get(kind, ()):
                if _is_tokenizer(root / place):
                    return root / place
    return None


def is_words(path: Path) -> bool:
    """Whether a dropped file may be a vocabulary; by its name alone."""
    return path.name.lower() in NAMES


def bring_in_words(path: Path, folder: Path) -> Path:
    """Copy a vocabulary to its place.

    Args:
        folder: of all vocabularies; the copy goes below it, by its kind.

    Raises:
        AppError: `tokenizer-file` for what is none, or none that a model here reads with.
        OSError: when it cannot be written.
    """
    kind = read_vocabulary(path).kind
    if not kind:
        titles = ", ".join(one.title for one in VOCABULARIES.values() if one.files)
        raise AppError(
            "tokenizer-file",
            f"“{path.name}” holds the words of a text encoder that is not known here.",
            hint=f"The vocabularies that can be added are those of {titles}.",
            path=str(path),
        )
    target = folder / kind / path.name.lower()
    target.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, replacing(target) as copy:
        shutil.copyfileobj(source, copy)
    return target


def _in_model(kind: str, asset: Asset) -> Path | None:
    family = FAMILIES.get(asset.identity.family)
    row = family.row if family is not None else None
    for part in row.parts if row is not None else ():
        place = asset.path / part.name
        if vocabulary_for(part) == kind and _is_tokenizer(place):
            return place
    return None


def _is_tokenizer(place: Path) -> bool:
    whole = any((place / name).is_file() for name in NAMES)
    return whole or all((place / name).is_file() for name in _TWO_FILES)
