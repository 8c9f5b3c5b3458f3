"""Why something that a picture uses besides its model will not work, in a sentence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from desktop_app.library.identity import KIND_WORDS, Asset
from desktop_app.recipe.recipe import ModelKind, ModelRef
from desktop_app.studio.asset_use import misfit

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk
    from desktop_app.studio.library import LibraryModel

WORDS: Mapping[ModelKind, str] = {
    "lora": KIND_WORDS["lora"],
    "embedding": KIND_WORDS["embedding"],
    "vae": KIND_WORDS["vae"],
    "text_encoder": KIND_WORDS["text-encoder"],
}
"""What is attached to a model, for people."""


def find_asset(desk: "AssetDesk", ref: ModelRef) -> Asset | None:
    """The asset that a recipe names; one that is there before one that was."""
    found = [one for one in desk.assets.all if ref.sha256 in (one.sha256, one.file_sha256)]
    return min(found, key=lambda one: one.missing, default=None)


def trouble_of(
    ref: ModelRef,
    asset: Asset | None,
    desk: "AssetDesk",
    library: "LibraryModel",
    word: str = "",
) -> str:
    """Why something attached will not work, in a sentence; empty when it should, or while the
    folders are still being read.

    Args:
        asset: what `find_asset` found of it.
        word: what it is called; empty for what its kind is called.
    """
    word = word or WORDS.get(ref.kind, "file")
    if asset is None:
        return "" if still_reading(desk, library) else f"This {word} is not on this computer."
    if asset.missing:
        return f"This {word} is not where it was. Connect its drive, or put it back."
    return asset.unsupported or misfit(asset, library.current)


def still_reading(desk: "AssetDesk", library: "LibraryModel") -> bool:
    """Whether something may yet turn out to be here."""
    return (
        library.catalog is None
        or library.scanning
        or any(not (one.sha256 or one.missing or one.unsupported) for one in desk.assets.all)
    )
