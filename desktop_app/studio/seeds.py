"""New seeds, none of them twice in a session."""

import secrets
from collections.abc import Iterable

# 32 bits: short enough to read out to someone, and every other program takes them.
BITS = 32


class Seeds:
    """Draws random seeds from the system; remembers those used since the program started."""

    def __init__(self) -> None:
        self._used: set[int] = set()

    def note(self, seeds: Iterable[int]) -> None:
        """Remember seeds that were rendered, so that they are not drawn again."""
        self._used.update(seeds)

    def draw(self) -> int:
        """A seed, 0 ... 2**32 - 1, that was neither drawn nor noted before."""
        while (seed := secrets.randbits(BITS)) in self._used:
            pass
        self._used.add(seed)
        return seed
