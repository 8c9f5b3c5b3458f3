"""New seeds, none of them one of those that were used last."""

import secrets
from collections import OrderedDict
from collections.abc import Iterable

from desktop_app.recipe.recipe import FromNoise, Recipe

# 32 bits: short enough to read out to someone, and every other program takes them.
BITS = 32
RECENT = 10_000
"""How many of the last seeds are never drawn again."""


class Seeds:
    """Draws random seeds from the system; remembers the last that were used or drawn.

    Seeds are told apart by their lower 32 bits, for torch's generator on the CPU takes no more.
    """

    def __init__(self, *, bits: int = BITS, recent: int = RECENT) -> None:
        """Args:
        bits: how large a drawn seed may be; 2**bits is more than twice `recent`.
        recent: how many are remembered, of the used and of the drawn ones each.
        """
        if 2**bits <= 2 * recent:
            raise ValueError("there are too few seeds to draw from")
        self._bits = bits
        self._recent = recent
        self._used: OrderedDict[int, None] = OrderedDict()
        self._drawn: OrderedDict[int, None] = OrderedDict()

    def note(self, seeds: Iterable[int]) -> None:
        """Remember seeds that are rendered, the newest last, so that they are not drawn again."""
        for seed in seeds:
            _remember(self._used, _heard(seed), self._recent)

    def take_up(self, recent: Iterable[int]) -> None:
        """Remember what earlier sessions used.

        Args:
            recent: the newest first.
        """
        now = [*self._used]
        self.note([*recent][::-1])
        self.note(now)

    def known(self, seed: int) -> bool:
        """Whether a seed is among the last that were used."""
        return _heard(seed) in self._used

    def drawn(self, seed: int) -> bool:
        """Whether a seed was drawn in this session."""
        return seed in self._drawn

    def draw(self) -> int:
        """A seed, 0 ... 2**32 - 1, that was neither drawn nor noted before."""
        seed = secrets.randbits(self._bits)
        while seed in self._used or seed in self._drawn:
            seed = secrets.randbits(self._bits)
        _remember(self._drawn, seed, self._recent)
        return seed


def seeds_of(recipe: Recipe) -> tuple[int, ...]:
    """Every seed that a picture is made with, its own first."""
    start = recipe.start
    mixed = start.variations if isinstance(start, FromNoise) else ()
    return (recipe.seed, *(one.seed for one in mixed))


def _heard(seed: int) -> int:
    return seed % 2**BITS


def _remember(seeds: "OrderedDict[int, None]", seed: int, limit: int) -> None:
    seeds[seed] = None
    seeds.move_to_end(seed)
    while len(seeds) > limit:
        seeds.popitem(last=False)
