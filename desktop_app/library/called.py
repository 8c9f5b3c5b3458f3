"""LoRAs by the names that a prompt may call them by."""

from collections.abc import Iterable

from desktop_app.library.identity import Asset
from desktop_app.recipe.names import tag_name


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
