"""Recipes, provenance and pixels for the tests of the store."""

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import ModelRef, Recipe

MODEL = ModelRef(sha256="6ce0161689" + "ab" * 27, name="Mezzotint Starter")
INFOTEXT = "a fox\nNegative prompt: dogs\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5"
FINGERPRINT = Fingerprint(
    app="0.1.0",
    python="3.11.7",
    torch="2.13.0",
    diffusers="0.42.1",
    transformers="5.23.0",
    platform="Linux x86_64",
    device="cpu",
    device_name="A processor",
    dtype="float32",
    threads=1,
    cpu_capability="AVX512",
    attention="sdpa",
    deterministic=True,
    batch_size=1,
    rng="torch-cpu-mt19937 float32",
    decode="plain",
    scheduler_class="DDIMScheduler",
    scheduler_config_sha256="0" * 64,
    timesteps_sha256="1" * 64,
    model_config_sha256="2" * 64,
)


def recipe_of(seed: int = 7, prompt: str = "a fox in the snow", side: int = 64) -> Recipe:
    return Recipe(model=MODEL, prompt=prompt, seed=seed, width=side, height=side)


def pixels_of(seed: int = 7, side: int = 64) -> NDArray[np.uint8]:
    """A picture with some structure and some noise, another one for each seed."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 200, side, dtype=np.float64)
    base = slope[:, None, None] * 0.5 + slope[None, :, None] * 0.5
    return (base + random.integers(0, 55, (side, side, 3))).astype(np.uint8)


def provenance_of(pixels: NDArray[np.uint8], created: str = "2026-11-21T12:30:00Z") -> Provenance:
    return Provenance(
        created=created,
        seconds=1.5,
        noise_sha256="3" * 64,
        latents_sha256="4" * 64,
        pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        fingerprint=FINGERPRINT,
    )


def exif_of(comment: bytes, *, big: bool, inner: bool) -> bytes:
    """An EXIF block with a UserComment, in the inner directory or, as some do, in the first."""
    order = ">" if big else "<"
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(order + "I", 8)

    def directory(tag: int, kind: int, count: int, value: int) -> bytes:
        return struct.pack(order + "HHHIII", 1, tag, kind, count, value, 0)

    if inner:
        pointer = directory(0x8769, 4, 1, 26)
        return head + pointer + directory(0x9286, 7, len(comment), 44) + comment
    return head + directory(0x9286, 7, len(comment), 26) + comment
