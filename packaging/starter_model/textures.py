"""Banks of noise, paper grain and grey scenery sprites, drawn once for each size and kept."""

import math
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Array = np.ndarray
F32 = np.float32
SPRITE_SIDE = 192
OVERSAMPLING = 2
WIDE = SPRITE_SIDE * OVERSAMPLING
NOISE_OCTAVES = ((6, 1.0), (12, 0.5), (24, 0.27), (48, 0.15), (96, 0.09))


@cache
def noise_bank(side: int) -> list[Array]:
    """Return ten fields of smooth noise, twice as wide as a picture, mean 0, deviation 1."""
    rng = np.random.default_rng(7)
    bank = []
    for _ in range(10):
        field = np.zeros((side * 2, side * 2), F32)
        for points, weight in NOISE_OCTAVES:
            coarse = Image.fromarray(rng.standard_normal((points, points)).astype(F32))
            fine = coarse.resize((side * 2, side * 2), Image.Resampling.BICUBIC)
            field += weight * np.asarray(fine)
        bank.append(((field - field.mean()) / field.std()).astype(F32))
    return bank


@cache
def grain_bank(side: int) -> list[Array]:
    """Return four fields of paper grain, twice as wide as a picture, deviation 1."""
    rng = np.random.default_rng(9)
    bank = []
    for _ in range(4):
        white = rng.standard_normal((side * 2, side * 2)) * 40 + 128
        image = Image.fromarray(np.clip(white, 0, 255).astype(np.uint8))
        soft = np.asarray(image.filter(ImageFilter.GaussianBlur(side / 170))).astype(F32) - 128
        bank.append((soft / soft.std()).astype(F32))
    return bank


def window(bank: list[Array], side: int, rng: np.random.Generator) -> Array:
    """Return a random `side` x `side` piece of a random field, mirrored half of the time."""
    field = bank[int(rng.integers(len(bank)))]
    y, x = rng.integers(0, side, 2)
    piece = field[y : y + side, x : x + side]
    return piece[:, ::-1] if rng.random() < 0.5 else piece


def noise(side: int, rng: np.random.Generator) -> Array:
    """Return smooth noise for a whole picture."""
    return window(noise_bank(side), side, rng)


def grain(side: int, rng: np.random.Generator) -> Array:
    """Return paper grain for a whole picture."""
    return window(grain_bank(side), side, rng)


class Sketch:
    """A sprite being drawn: `shape` is its outline, `shade` its lightness (0 dark, 255 light)."""

    def __init__(self, shade: int) -> None:
        self.alpha, self.grey = Image.new("L", (WIDE, WIDE)), Image.new("L", (WIDE, WIDE), shade)
        self.shape, self.shade = ImageDraw.Draw(self.alpha), ImageDraw.Draw(self.grey)

    def polygon(self, points: list[tuple[float, float]], grey: int) -> None:
        """Draw a filled polygon; points are in 0..1."""
        scaled = [(x * WIDE, y * WIDE) for x, y in points]
        self.shape.polygon(scaled, fill=255)
        self.shade.polygon(scaled, fill=grey)

    def box(self, x0: float, y0: float, x1: float, y1: float, grey: int) -> None:
        """Draw a filled rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], grey)

    def rounded(self, x0: float, y0: float, x1: float, y1: float, grey: int) -> None:
        """Draw a filled rectangle with round corners."""
        corners = [x0 * WIDE, y0 * WIDE, x1 * WIDE, y1 * WIDE]
        self.shape.rounded_rectangle(corners, radius=WIDE * 0.07, fill=255)
        self.shade.rounded_rectangle(corners, radius=WIDE * 0.07, fill=grey)

    def ellipse(self, x: float, y: float, radius: float, grey: int, height: float = 1.0) -> None:
        """Draw a filled ellipse around (x, y), `height` times as high as wide."""
        corners = [x - radius, y - radius * height, x + radius, y + radius * height]
        scaled = [c * WIDE for c in corners]
        self.shape.ellipse(scaled, fill=255)
        self.shade.ellipse(scaled, fill=grey)

    def finish(self) -> tuple[Image.Image, Image.Image]:
        """Return outline and shade at the size they are kept in."""
        size = (SPRITE_SIDE, SPRITE_SIDE)
        box = Image.Resampling.BOX
        return self.alpha.resize(size, box), self.grey.resize(size, box)


def pine(variant: int) -> Sketch:
    """Draw a fir."""
    sketch = Sketch(110)
    sketch.box(0.47, 0.85, 0.53, 1.0, 30)
    tiers = 4 + variant % 2
    for tier in range(tiers):
        top = 0.02 + 0.78 * tier / tiers * 0.92
        bottom = 0.02 + 0.86 * (tier + 1.35) / (tiers + 0.35)
        half = (0.10 + 0.26 * (tier + 1) / tiers) * (0.8 + 0.1 * variant)
        fringe = [
            (0.5 + half - 2 * half * i / 7, bottom + (0.03 if i % 2 else -0.01)) for i in range(8)
        ]
        sketch.polygon([(0.5, top), *fringe], 70 + 12 * tier)
        sketch.polygon([(0.5, top), (0.5 - half, bottom), (0.5 - half * 0.25, bottom)], 165)
    return sketch


def round_tree(rng: np.random.Generator) -> Sketch:
    """Draw a leafy tree."""
    sketch = Sketch(80)
    sketch.polygon([(0.45, 1), (0.47, 0.5), (0.53, 0.5), (0.56, 1)], 12)
    for _ in range(16):
        x, y = 0.5 + rng.normal() * 0.13, 0.36 + rng.normal() * 0.11
        grey = 150 - 190 * (y - 0.3) - 120 * (x - 0.5) + rng.normal() * 14
        sketch.ellipse(x, y, 0.13 + 0.05 * rng.random(), int(np.clip(grey, 60, 235)))
    return sketch


def palm(rng: np.random.Generator) -> Sketch:
    """Draw a palm tree."""
    sketch = Sketch(100)
    bend = rng.uniform(-0.12, 0.12)
    for t in np.linspace(0, 1, 60):
        sketch.ellipse(0.5 + bend * (1 - t) ** 2, 1 - 0.66 * t, 0.022 - 0.008 * t, 25)
    for angle in np.linspace(-2.9, -0.25, 8) + rng.normal(size=8) * 0.08:
        across, down = 0.40 * math.cos(angle), 0.272 * math.sin(angle)
        upper = [(0.5 + across * t, 0.34 + down * t + 0.34 * t * t) for t in np.linspace(0, 1, 9)]
        lower = [
            (x, y + 0.075 * math.sin(math.pi * t))
            for (x, y), t in zip(upper[::-1], np.linspace(1, 0, 9), strict=True)
        ]
        sketch.polygon(upper + lower, int(90 + 90 * rng.random()))
    return sketch


def cactus(variant: int) -> Sketch:
    """Draw a cactus with two arms."""
    sketch = Sketch(100)
    sketch.rounded(0.42, 0.1, 0.58, 1.1, 120)
    sketch.rounded(0.18, 0.35, 0.30, 0.66, 110)
    sketch.rounded(0.18, 0.56, 0.5, 0.68, 110)
    sketch.rounded(0.70, 0.25 + 0.1 * variant, 0.82, 0.6, 130)
    sketch.rounded(0.5, 0.5, 0.82, 0.6, 130)
    sketch.rounded(0.46, 0.14, 0.49, 1, 180)
    return sketch


def house(variant: int) -> Sketch:
    """Draw a house whose shades tell wall (215), roof (45), door (70) and lit windows (255)."""
    sketch = Sketch(215)
    eaves = 0.45 + 0.1 * (variant % 2)
    sketch.box(0.15, eaves, 0.85, 1, 215)
    sketch.polygon([(0.05, eaves), (0.5, eaves - 0.36), (0.95, eaves)], 45)
    if variant > 1:
        sketch.box(0.66, eaves - 0.32, 0.78, eaves - 0.05, 40)
    sketch.box(0.42, 0.74, 0.58, 1, 70)
    for x in (0.22, 0.66):
        sketch.box(x, eaves + 0.12, x + 0.13, eaves + 0.27, 255 if variant % 2 else 90)
    return sketch


def flower(variant: int) -> Sketch:
    """Draw a five-petalled flower from above."""
    sketch = Sketch(150)
    for angle in np.arange(5) * 2 * math.pi / 5 + variant:
        sketch.ellipse(0.5 + 0.24 * math.cos(angle), 0.5 + 0.24 * math.sin(angle), 0.21, 150)
    sketch.ellipse(0.5, 0.5, 0.14, 250)
    return sketch


def tuft(rng: np.random.Generator) -> Sketch:
    """Draw a tuft of grass."""
    sketch = Sketch(140)
    for blade in range(9):
        foot = 0.1 + 0.8 * blade / 8
        tip = (foot + rng.normal() * 0.14, 0.15 + 0.5 * rng.random())
        sketch.polygon([(foot - 0.05, 1), tip, (foot + 0.05, 1)], 140)
    return sketch


def cloud() -> Sketch:
    """Draw a flat-bottomed cloud, lighter at the top."""
    sketch = Sketch(150)
    puffs = (
        (0.3, 0.62, 0.17),
        (0.5, 0.5, 0.24),
        (0.7, 0.6, 0.18),
        (0.42, 0.62, 0.2),
        (0.6, 0.64, 0.2),
        (0.16, 0.68, 0.11),
        (0.84, 0.68, 0.11),
    )
    for x, y, radius in puffs:
        sketch.ellipse(x, y, radius, 150)
        for ring in range(1, 6):
            offset = radius * ring * 0.135
            squeeze = (1 - ring * 0.185) / (1 - ring * 0.13)
            sketch.ellipse(x, y - offset, radius * (1 - ring * 0.13), 150 + 18 * ring, squeeze)
    sketch.shape.rectangle([0, WIDE * 0.76, WIDE, WIDE], fill=0)
    return sketch


@cache
def sprites() -> dict[str, list[tuple[Image.Image, Image.Image]]]:
    """Return the outline and shade of every scenery sprite, by kind."""
    rng = np.random.default_rng(3)
    drawn = {
        "pine": [pine(v) for v in range(4)],
        "round": [round_tree(rng) for _ in range(4)],
        "palm": [palm(rng) for _ in range(3)],
        "cactus": [cactus(v) for v in range(2)],
        "house": [house(v) for v in range(4)],
        "flower": [flower(v) for v in range(4)],
        "tuft": [tuft(rng)],
        "cloud": [cloud()],
    }
    return {kind: [sketch.finish() for sketch in group] for kind, group in drawn.items()}


@lru_cache(maxsize=20000)
def scaled(kind: str, variant: int, width: int, height: int) -> tuple[Array, Array]:
    """Return outline and shade (0..1) of a sprite at a size in pixels."""
    alpha, shade = sprites()[kind][variant]
    size, box = (width, height), Image.Resampling.BOX
    return (
        np.asarray(alpha.resize(size, box)).astype(F32) / 255,
        np.asarray(shade.resize(size, box)).astype(F32) / 255,
    )


def sprite(kind: str, width: float, height: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return a random variant of a sprite; sizes are rounded so that few need to be kept."""
    sizes = [max(3, int(v)) for v in (width, height)]
    wide, high = (v if v < 12 else v // 3 * 3 for v in sizes)
    return scaled(kind, int(rng.integers(len(sprites()[kind]))), wide, high)
