"""The steps of a picture as pictures, for a film of how it formed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.engine.backend import Report, Take
from desktop_app.engine.branching import Leg
from desktop_app.engine.events import Frame
from desktop_app.engine.snapshots import Snapshot
from desktop_app.engine.tap import Look
from desktop_app.engine.walking import Cache, Watch

Develop = Callable[[torch.Tensor, Leg, Report], NDArray[np.uint8]]
"""Latents of a leg, (1, C, H/f, W/f) as signal * x0 + noise * eps, to pixels (H, W, 3)."""


@dataclass(kw_only=True)
class Filmer(Watch):
    """Makes a picture of each step as it is computed, or of the one that was kept.

    The last one is of the final latent, whatever is filmed: so a film ends in the picture itself.

    Attributes:
        noisy: the state after each step instead of what the network saw in it.
        unpack: from the form that the pipeline works on to the one that `develop` takes.
    """

    legs: tuple[Leg, ...]
    noisy: bool
    develop: Develop
    unpack: Callable[[torch.Tensor], torch.Tensor]
    take: Take
    report: Report

    @property
    def count(self) -> int:
        return self.legs[-1].end

    def kept(self, cache: Cache, only: int = 0) -> bool:
        """Film from the snapshots, if there is one of every step.

        Args:
            only: this step alone; 0 for all.

        Returns:
            whether there was.
        """
        rows = [
            (step, leg, cache.snapshots.find(cache.key(leg.recipe), step))
            for leg, end in zip(self.legs, self._ends(), strict=True)
            for step in range(leg.before + 1, end + 1)
            if only in (0, step)
        ]
        if any(snapshot is None for _, _, snapshot in rows):
            return False
        for step, leg, snapshot in rows:
            self.skipped(step, leg, snapshot)
        return True

    def seen(self, look: Look) -> None:
        state = self.noisy or look.index == self.count
        self._shoot(look.index, look.noisy() if state else look.predicted_x0())

    def skipped(self, index: int, leg: Leg, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        if self.noisy or index == self.count:
            place = index - leg.before
            scale = leg.levels[place].scale if place < len(leg.levels) else 1.0
            self._shoot(index, snapshot.latents.float() * scale)
        else:
            self._shoot(index, snapshot.x0)

    def _ends(self) -> list[int]:
        return [*(leg.before for leg in self.legs[1:]), self.count]

    def _shoot(self, index: int, latents: torch.Tensor) -> None:
        leg = next(leg for leg in reversed(self.legs) if leg.before < index)
        frame = Frame(index=index, count=self.count)
        # Told before each way of decoding too: that is where a stop is asked for.
        self.report(frame)
        pixels = self.develop(self.unpack(latents), leg, lambda _: self.report(frame))
        self.take(index, self.count, pixels)
