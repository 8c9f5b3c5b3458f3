"""How fast bytes come, over the last seconds."""

from collections import deque

WINDOW = 8.0
"""Seconds that the rate looks back."""


class Rate:
    """Bytes a second; old bytes fall out of it, so that it tells the truth after a pause."""

    def __init__(self) -> None:
        self._came: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._began: float | None = None

    def add(self, now: float, count: int) -> None:
        """Args:
        now: seconds on a clock that never goes back.
        count: bytes that came.
        """
        if self._began is None:
            self._began = now
        self._came.append((now, count))
        self._sum += count
        self._forget(now)

    def value(self, now: float) -> float:
        """Bytes a second at that time; 0 before the first second is over."""
        self._forget(now)
        if self._began is None:
            return 0.0
        span = min(now - self._began, WINDOW)
        return self._sum / span if span >= 1.0 else 0.0

    def _forget(self, now: float) -> None:
        while self._came and self._came[0][0] < now - WINDOW:
            self._sum -= self._came.popleft()[1]
