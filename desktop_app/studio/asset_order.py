"""In which order the models are shown."""

from collections.abc import Iterable, Mapping
from typing import get_args

from desktop_app.library.families import title_of
from desktop_app.library.identity import KINDS, Asset
from desktop_app.settings import ModelsOrder

__all__ = ["ORDERS", "ModelsOrder", "in_order"]

ORDERS: tuple[ModelsOrder, ...] = get_args(ModelsOrder)
_PLACES = {kind: place for place, kind in enumerate(KINDS)}


def in_order(
    assets: Iterable[Asset], order: ModelsOrder, used: Mapping[str, float]
) -> tuple[Asset, ...]:
    """The assets sorted; those that an order says nothing of come last, by kind and name.

    Args:
        used: when a model was used last, by the hash of its tensors, in seconds since 1970.
    """
    usual = sorted(assets, key=lambda one: (_PLACES[one.identity.kind], *_named(one)))
    match order:
        case "kind":
            return tuple(usual)
        case "name":
            usual.sort(key=_named)
        case "newest":
            usual.sort(key=lambda one: -one.modified)
        case "size":
            usual.sort(key=lambda one: -one.identity.bytes)
        case "used":
            usual.sort(key=lambda one: -used.get(one.sha256 or "", 0.0))
        case "family":
            usual.sort(key=lambda one: (not one.identity.family, _family(one)))
    return tuple(usual)


def _named(asset: Asset) -> tuple[str, str]:
    return asset.name.casefold(), str(asset.path)


def _family(asset: Asset) -> str:
    return title_of(asset.identity.family).casefold()
