"""The loop every training stage shares: time budget, checkpoints that survive kill -9, progress."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

State = dict[str, Any]


def save_atomically(state: State, path: Path) -> None:
    """Write `state` so that `path` is at every moment either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_state(path: Path) -> State | None:
    """Return the state saved at `path`, or None when there is none; never runs pickled code."""
    if not path.exists():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Return the source of all randomness of one step: a resumed run repeats it exactly."""
    return np.random.default_rng([seed, step])


def step_noise(generator: np.random.Generator, device: str = "cpu") -> torch.Generator:
    """Return a torch generator on `device` seeded from `generator`."""
    return torch.Generator(device).manual_seed(int(generator.integers(2**62)))


@dataclass(kw_only=True, slots=True)
class Schedule:
    """Learning-rate scale: warm-up, constant, and a linear fall once annealing was asked for.

    `anneal_from` is the step where the fall begins (-1: not yet), `anneal_steps` its length.
    """

    warm_up: int = 60
    anneal_from: int = -1
    anneal_steps: int = 0

    def begin(self, step: int, steps: int) -> None:
        """Let the rate fall from `step` over `steps`."""
        self.anneal_from, self.anneal_steps = step, steps

    def scale(self, step: int) -> float:
        """Return the factor for `step`, in (0, 1]."""
        scale = min(1.0, (step + 1) / self.warm_up)
        if self.anneal_from >= 0:
            done = (step - self.anneal_from) / max(1, self.anneal_steps)
            scale *= max(0.02, 1 - 0.98 * done)
        return scale

    def finished(self, step: int) -> bool:
        """Tell whether annealing has come to its end."""
        return self.anneal_from >= 0 and step >= self.anneal_from + self.anneal_steps


@dataclass(kw_only=True, slots=True)
class Progress:
    """Prints loss, samples seen, rate and time left every `every` seconds."""

    name: str
    minutes: float
    every: float = 20.0
    started: float = field(default_factory=time.monotonic)
    printed: float = 0.0
    samples: int = 0
    loss: float = float("nan")

    def seconds(self) -> float:
        """Return the seconds since this call of the stage began."""
        return time.monotonic() - self.started

    def exhausted(self) -> bool:
        """Tell whether the time budget is spent."""
        return self.seconds() >= self.minutes * 60

    def steps_left(self, done: int) -> int:
        """Return how many steps fit into the rest of the budget at the pace of the `done` ones."""
        left = self.minutes * 60 - self.seconds()
        return max(1, int(0.95 * left * done / self.seconds()))

    def add(self, samples: int, loss: float) -> None:
        """Count `samples` seen with mean `loss`, which is smoothed over about fifty steps."""
        self.samples += samples
        self.loss = loss if self.loss != self.loss else self.loss * 0.98 + loss * 0.02

    def report(self, step: int, total: int, more: str = "") -> None:
        """Print a line when one is due; `total` is the number of samples since the very start."""
        now = self.seconds()
        if now - self.printed < self.every:
            return
        self.printed = now
        rate = self.samples / max(now, 1e-6)
        left = max(0.0, self.minutes - now / 60)
        print(
            f"{self.name} step {step} samples {total} loss {self.loss:.4f} "
            f"{rate:.1f}/s left {left:.0f} min {more}".rstrip(),
            flush=True,
        )


def run(
    *,
    progress: Progress,
    checkpoint: Path,
    first_step: int,
    last_step: int | None,
    step: Callable[[int], tuple[int, float]],
    state: Callable[[int], State],
    finished: Callable[[int], bool] = lambda step: False,
    sheet: Callable[[int], None] | None = None,
    checkpoint_every: float = 120.0,
    sheet_every: float = 600.0,
) -> int:
    """Train until the budget, `last_step` or `finished` ends it; return the step reached.

    `step(i)` trains one step and returns (samples, loss); `state(i)` returns what a checkpoint
    holds; `sheet(i)` draws a sample sheet. All three are called between steps only, so a kill
    at any moment loses at most `checkpoint_every` seconds.
    """
    saved = drawn = progress.seconds()
    index = first_step
    while not (progress.exhausted() or finished(index) or index == last_step):
        samples, loss = step(index)
        index += 1
        progress.add(samples, loss)
        progress.report(index, index * samples)
        if progress.seconds() - saved > checkpoint_every:
            save_atomically(state(index), checkpoint)
            saved = progress.seconds()
        if sheet is not None and progress.seconds() - drawn > sheet_every:
            sheet(index)
            drawn = progress.seconds()
    save_atomically(state(index), checkpoint)
    if sheet is not None:
        sheet(index)
    return index
