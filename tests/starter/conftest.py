"""What the tests of the starter model's workshop share: a tiny pool and tiny frozen parts."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
# The workshop is a folder that is run, not a package that is installed.
sys.path.append(str(ROOT / "packaging"))

from starter_model import (  # noqa: E402
    clip,
    glyphs,
    image_prompt,
    loop,
    text,
    tokens,
    unet,
    vae,
)
from starter_model.captions import caption  # noqa: E402
from starter_model.pool import cover, write_shard  # noqa: E402
from starter_model.scene import render  # noqa: E402
from starter_model.world import SMALL, draw_scene  # noqa: E402

SIDE = 64
COUNT = 32
ENDLESS = math.inf
"""Minutes of a budget in which the learning rate does not fall."""
SHIPPED = ROOT / "resources" / "models" / "starter"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Leave the other cores to the other tests."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def font() -> None:
    """Skip where the emoji font that subjects are drawn with is not installed."""
    if glyphs.font_path() is None:
        pytest.skip("the font Noto Color Emoji is missing (package fonts-noto-color-emoji)")


@pytest.fixture(scope="session")
def pool(font: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pool of a few small pictures."""
    folder = tmp_path_factory.mktemp("pool")
    pictures, masks, captions, scenes = [], [], [], []
    for index in range(COUNT):
        rng = np.random.default_rng([1, index])
        scene = draw_scene(SMALL, rng)
        picture, mask = render(scene, SIDE, index)
        pictures.append(picture)
        masks.append(cover(mask))
        captions.append([caption(scene, rng, full=True)[0], caption(scene, rng)[0]])
        scenes.append(scene.labels())
    write_shard(folder, 0, np.stack(pictures), np.stack(masks), captions, scenes)
    return folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """Folders of the frozen parts."""

    vae: Path
    text: Path
    tokenizer: Path


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    """Return tiny untrained parts, and the tokenizer that is shipped."""
    folder = tmp_path_factory.mktemp("frozen")
    torch.manual_seed(0)
    vae.build(channels=8).save_pretrained(folder / "vae")
    tokenizer = tokens.load(SHIPPED / "tokenizer")
    text.build(tokenizer, width=64, layers=1).save_pretrained(folder / "text")
    return Frozen(vae=folder / "vae", text=folder / "text", tokenizer=SHIPPED / "tokenizer")


def train_unet(pool: Path, work: Path, frozen: Frozen, steps: int, **more: object) -> Path:
    """Train a tiny U-Net up to a step; return its folder."""
    return unet.train(
        pool_folder=pool,
        work=work,
        vae=frozen.vae,
        text=frozen.text,
        tokenizer=frozen.tokenizer,
        minutes=5,
        device="cpu",
        prompts=["a fox"],
        size="tiny",
        batch=6,
        steps=steps,
        **more,
    )


def train_clip(pool: Path, work: Path, frozen: Frozen, steps: int) -> None:
    """Train a tiny image tower up to a step."""
    clip.train(
        pool_folder=pool,
        work=work,
        text=frozen.text,
        tokenizer_folder=frozen.tokenizer,
        minutes=ENDLESS,
        device="cpu",
        batch=8,
        layers=1,
        steps=steps,
    )


def train_adapter(pool: Path, work: Path, frozen: Frozen, steps: int) -> Path:
    """Train an adapter up to a step; return its file."""
    return image_prompt.train(
        pool_folder=pool,
        work=work,
        vae=frozen.vae,
        text=frozen.text,
        tokenizer=frozen.tokenizer,
        minutes=ENDLESS,
        device="cpu",
        batch=4,
        steps=steps,
    )


def weights(work: Path, stage: str) -> dict[str, torch.Tensor]:
    """Return the weights in a stage's checkpoint."""
    saved = loop.load_state(work / f"{stage}.ckpt")
    assert saved is not None
    return saved["model"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Tell whether two sets of weights are equal bit for bit."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
