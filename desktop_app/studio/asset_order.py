"""In which order the models are shown."""

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from desktop_app.library.families import title_of
from desktop_app.library.identity import KINDS, Asset
from desktop_app.settings import ModelsOrder

__all__ = ["ORDERS", "ModelsOrder", "in_order"]

ORDERS: tuple[ModelsOrder, ...] = get_args(ModelsOrder)
_DIGITS = re.compile(r"([0-9]{1,18})")
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


def _named(asset: Asset) -> tuple[tuple[tuple[int, int | str], ...], str]:
    """Numbers in a name count as numbers: `v2` stands before `v10`."""
    parts = _DIGITS.split(asset.name.casefold())
    return tuple(_part(one) for one in parts if one), str(asset.path)


def _part(text: str) -> tuple[int, int | str]:
    return (0, int(text)) if _DIGITS.fullmatch(text) else (1, text)


def _family(asset: Asset) -> str:
    return title_of(asset.identity.family).casefold()
