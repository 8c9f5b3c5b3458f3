"""What models are called elsewhere: LoRAs in prompts, and the files of all in other programs."""

from collections.abc import Iterable

from desktop_app.library.identity import Asset
from desktop_app.library.told import lora_sha256
from desktop_app.recipe.foreign import Files, ModelFile
from desktop_app.recipe.names import tag_name
from desktop_app.recipe.recipe import ModelRef


def loras_by_name(assets: Iterable[Asset]) -> dict[str, Asset]:
    """LoRAs that can be used, by the file's name, as elsewhere, and by our own; without the signs
    that no tag can hold.

    Of two with one name the first counts, and a file's name before another's title.
    """
    usable = [
        asset
        for asset in assets
        if asset.identity.kind == "lora" and not asset.unsupported and not asset.missing
    ]
    found: dict[str, Asset] = {}
    for asset in usable:
        found.setdefault(tag_name(asset.path.stem), asset)
    for asset in usable:
        found.setdefault(tag_name(asset.name), asset)
    found.pop("", None)
    return found


def loras_of(assets: Iterable[Asset]) -> dict[str, ModelRef]:
    """The LoRAs whose hash is known, by the names that a prompt may call them by."""
    hashed = (asset for asset in assets if asset.ref is not None)
    named = loras_by_name(hashed)
    return {name: asset.ref for name, asset in named.items() if asset.ref is not None}


def files_of(assets: Iterable[Asset]) -> Files:
    """The files of all that are there and were hashed, by the hash of their tensors."""
    return {
        one.sha256: ModelFile(
            name=one.path.name,
            sha256=one.file_sha256,
            lora_sha256=lora_sha256(one.identity.metadata),
        )
        for one in assets
        if one.sha256 is not None and one.file_sha256 is not None and not one.missing
    }
