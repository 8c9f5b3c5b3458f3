"""The blocks of a UNet by the names artists know, and how much of a LoRA goes into each."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Blocks = tuple[tuple[str, float], ...]
"""Names and weights in the order of `NAMES`; a block that is not among them has 1."""

BASE = "BASE"
"""The text encoders, and what is in no block."""
_IN = tuple(f"IN{number:02}" for number in range(12))
_OUT = tuple(f"OUT{number:02}" for number in range(12))
LIMIT = 4.0
"""Of a weight in a block, either way."""
NAMES = (BASE, *_IN, "M00", *_OUT)
"""From the noisy latent inwards, and out again, as A1111's users count them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The blocks in which LoRAs of a family have layers.

    Attributes:
        attention: those with attention, which every LoRA changes.
        shallow_in, deep_in, deep_out, shallow_out: the same without the middle, by their depth.
    """

    shallow_in: tuple[str, ...]
    deep_in: tuple[str, ...]
    deep_out: tuple[str, ...]
    shallow_out: tuple[str, ...]

    @property
    def attention(self) -> tuple[str, ...]:
        inner = (*self.deep_in, "M00", *self.deep_out)
        return (*self.shallow_in, *inner, *self.shallow_out)


_STABLE = Layout(
    shallow_in=("IN01", "IN02", "IN04"),
    deep_in=("IN05", "IN07", "IN08"),
    deep_out=("OUT03", "OUT04", "OUT05", "OUT06"),
    shallow_out=("OUT07", "OUT08", "OUT09", "OUT10", "OUT11"),
)
_XL = Layout(
    shallow_in=("IN04", "IN05"),
    deep_in=("IN07", "IN08"),
    deep_out=("OUT00", "OUT01", "OUT02"),
    shallow_out=("OUT03", "OUT04", "OUT05"),
)
LAYOUTS: Mapping[str, Layout] = {"sd1": _STABLE, "sd2": _STABLE, "lcm": _STABLE, "sdxl": _XL}
"""By the key of the family; one that is not here has no blocks."""

_ORDERS: dict[int, tuple[str, ...]] = {
    12: (BASE, *_XL.attention),
    17: (BASE, *_STABLE.attention),
    20: (BASE, *_IN[:9], "M00", *_OUT[:9]),
    26: NAMES,
}
"""What a list of so many weights stands for: LoRAs of SDXL and of Stable Diffusion 1 and 2, then
with the blocks that have no attention."""
_PRESETS: dict[str, tuple[str, ...]] = {
    "NONE": (),
    "ALL": NAMES,
    "INS": (BASE, *_STABLE.shallow_in),
    "IND": (BASE, *_STABLE.deep_in),
    "INALL": (BASE, *_STABLE.shallow_in, *_STABLE.deep_in),
    "MIDD": (BASE, *_STABLE.deep_in, "M00", *_STABLE.deep_out),
    "OUTD": (BASE, *_STABLE.deep_out),
    "OUTS": (BASE, *_STABLE.shallow_out),
    "OUTALL": (BASE, *_STABLE.deep_out, *_STABLE.shallow_out),
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,4}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")


def blocks_of(weights: Mapping[str, float]) -> Blocks:
    """The weights that differ from 1, in their order; names that are not known are left out."""
    return tuple((name, float(weights[name])) for name in NAMES if weights.get(name, 1.0) != 1.0)


def only(names: Iterable[str]) -> Blocks:
    """Whole in these blocks, and nothing of it in all others."""
    kept = frozenset(names)
    return blocks_of({name: float(name in kept) for name in NAMES})


def read_blocks(text: str) -> Blocks | None:
    """What `lbw=` in a LoRA's tag says: 12, 17, 20 or 26 weights, or the name of a usual choice.

    The names are those of the extension of A1111 that has this; they stand for the blocks of Stable
    Diffusion 1 there too.

    Returns:
        None when it is neither.
    """
    words = [word.strip() for word in text.split(",")]
    if len(words) == 1:
        chosen = _PRESETS.get(words[0].upper())
        return None if chosen is None else only(chosen)
    order = _ORDERS.get(len(words))
    if order is None or not all(_NUMBER.fullmatch(word) for word in words):
        return None
    given = dict(zip(order, map(float, words), strict=True))
    if any(abs(weight) > LIMIT for weight in given.values()):
        return None
    return blocks_of(dict.fromkeys(NAMES, 0.0) | given)


def listed(blocks: Blocks) -> str:
    """The 26 weights that `read_blocks` reads as these."""
    weights = dict.fromkeys(NAMES, 1.0) | dict(blocks)
    return ",".join(decimal(weights[name]) for name in NAMES)


def decimal(weight: float) -> str:
    """A weight as a tag can say it: with at most six places, and never as a power of ten."""
    return f"{weight:.6f}".rstrip("0").rstrip(".")


def words_of(blocks: Blocks) -> str:
    """Each block with its weight, such as `BASE 0, IN04 0.5`."""
    return ", ".join(f"{name} {weight:g}" for name, weight in blocks)
