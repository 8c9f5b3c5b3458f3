"""The judge: a small network trained on renders alone that reads what a picture shows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from starter_model import loop
from starter_model.muon import optimizer_for
from starter_model.pool import Pool
from starter_model.vae import to_tensor
from starter_model.world import WORLDS, World

SLOTS = ("subject", "medium", "place", "time", "colour")
SIDE = 64
HELD_BACK = 500


def values(world: World) -> dict[str, list[str]]:
    """Return the values the judge tells apart in each slot."""
    return {
        "subject": list(world.subjects),
        "medium": list(world.media),
        "place": list(world.places),
        "time": list(world.times),
        "colour": ["", *world.colours],
    }


class Block(nn.Module):
    """A residual block that halves the picture."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, inside)
        self.first = nn.Conv2d(inside, outside, 3, 2, 1)
        self.middle = nn.GroupNorm(8, outside)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1)
        self.skip = nn.Conv2d(inside, outside, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at half the size."""
        y = self.first(functional.silu(self.norm(x)))
        return self.skip(x) + self.second(functional.silu(self.middle(y)))


class Judge(nn.Module):
    """Reads every slot from pictures n x 3 x 64 x 64 in -1..1."""

    def __init__(self, slots: dict[str, list[str]]) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, 32, 3, 2, 1)
        self.blocks = nn.Sequential(Block(32, 64), Block(64, 128), Block(128, 192))
        # The layout of the last 4 x 4 cells is kept: subjects are told by their shape.
        self.mix = nn.Linear(192 * 16, 256)
        self.heads = nn.ModuleDict({name: nn.Linear(256, len(v)) for name, v in slots.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the logits of every slot."""
        features = functional.silu(self.blocks(self.conv_in(pictures)).flatten(1))
        mixed = functional.silu(self.mix(features))
        return {name: head(mixed) for name, head in self.heads.items()}


def shrink(pictures: np.ndarray) -> Tensor:
    """Return uint8 pictures as float n x 3 x 64 x 64."""
    return functional.interpolate(to_tensor(pictures), (SIDE, SIDE), mode="area")


def blurred(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Return pictures as a small model might make them: softer, noisier, shifted a little."""
    side = int(rng.choice((20, 28, 40, SIDE)))
    small = functional.interpolate(pictures, (side, side), mode="area")
    soft = functional.interpolate(small, (SIDE, SIDE), mode="bilinear")
    noise = torch.randn(soft.shape, generator=loop.step_noise(rng)) * float(rng.uniform(0, 0.1))
    dy, dx = (int(v) for v in rng.integers(-2, 3, 2))
    return torch.roll(soft + noise, (dy, dx), (2, 3))


def labels(pool: Pool, slots: dict[str, list[str]]) -> dict[str, Tensor]:
    """Return the index of each picture's value in every slot."""
    return {
        name: torch.tensor([known.index(scene[name]) for scene in pool.scenes])
        for name, known in slots.items()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How often each slot was read right, and the subject within the first five guesses."""

    right: dict[str, float]
    top5: float


@torch.inference_mode()
def read(judge: Judge, pictures: np.ndarray, truth: dict[str, Tensor]) -> Reading:
    """Judge uint8 `pictures` against `truth`."""
    parts = [judge(shrink(pictures[i : i + 100])) for i in range(0, len(pictures), 100)]
    logits = {name: torch.cat([p[name] for p in parts]) for name in SLOTS}
    right = {n: float((logits[n].argmax(-1) == truth[n]).float().mean()) for n in SLOTS}
    first = logits["subject"].topk(min(5, logits["subject"].shape[1])).indices
    top5 = float((first == truth["subject"][:, None]).any(-1).float().mean())
    return Reading(right=right, top5=top5)


def train(
    *,
    pool_folder: Path,
    world_name: str,
    work: Path,
    minutes: float,
    steps: int = 600,
    batch: int = 96,
    seed: int = 5,
) -> tuple[Judge, Reading]:
    """Train the judge for `steps` (or take up a trained one); return it and its own reading.

    The reading is of renders it never saw. Runs on the CPU: it takes minutes.
    """
    slots = values(WORLDS[world_name])
    pool, checkpoint = Pool(pool_folder), work / "judge.ckpt"
    torch.manual_seed(seed)
    judge = Judge(slots)
    optimizer = optimizer_for([judge], adamw_names=("conv_in", "heads."), weight_decay=0.02)
    first = 0
    if saved := loop.load_state(checkpoint):
        judge.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = int(saved["step"])
    truth = labels(pool, slots)
    held_back = min(HELD_BACK, len(pool) // 4)

    def step(index: int) -> tuple[int, float]:
        rng = loop.step_generator(seed, index)
        chosen = rng.integers(held_back, len(pool), batch)
        guesses = judge(blurred(shrink(pool.pictures(chosen)), rng))
        losses = [
            functional.cross_entropy(guesses[name], truth[name][chosen], label_smoothing=0.05)
            for name in SLOTS
        ]
        loss = torch.stack(losses).sum()
        loss.backward()
        optimizer.scale = min(1.0, (index + 1) / 40) * max(0.02, 1 - index / steps)
        optimizer.step()
        return batch, float(loss.detach())

    def state(index: int) -> loop.State:
        return {"step": index, "model": judge.state_dict(), "optimizer": optimizer.state_dict()}

    if first < steps:
        loop.run(
            progress=loop.Progress(name="judge", minutes=minutes),
            checkpoint=checkpoint,
            first_step=first,
            last_step=steps,
            step=step,
            state=state,
        )
    judge.eval()
    unseen = np.arange(held_back)
    own = read(judge, pool.pictures(unseen), {n: t[:held_back] for n, t in truth.items()})
    return judge, own
