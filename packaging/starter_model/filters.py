"""Filters the media are made of: blur, edges, smoothing that keeps edges, warps and cells."""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from starter_model.canvas import F32, Array, from_image, rgb, to_image
from starter_model.textures import grain, noise

REFERENCE_SIDE = 128.0


def luma(picture: Array) -> Array:
    """Return the lightness of a picture (h x w x 3) as h x w."""
    return picture @ rgb(0.299, 0.587, 0.114)


def blur(picture: Array, radius: float) -> Array:
    """Return `picture` blurred by `radius` pixels."""
    return from_image(to_image(picture).filter(ImageFilter.GaussianBlur(radius)))


def edges(picture: Array, softness: float, strength: float) -> Array:
    """Return how much of an edge each pixel is, 0..1."""
    side = picture.shape[0]
    soft = blur(picture, softness * side / REFERENCE_SIDE)
    across = np.abs(np.diff(soft, axis=1, append=soft[:, -1:])).max(-1)
    down = np.abs(np.diff(soft, axis=0, append=soft[-1:])).max(-1)
    slope = np.sqrt(across**2 + down**2) * side / REFERENCE_SIDE
    return np.clip((slope - 0.045) * strength * 2.6, 0, 1)


def warp(picture: Array, down: Array, across: Array) -> Array:
    """Return `picture` with each pixel taken from (down, across) pixels away."""
    side = picture.shape[0]
    rows, columns = np.mgrid[0:side, 0:side]
    y = np.clip(rows + np.rint(down).astype(int), 0, side - 1)
    x = np.clip(columns + np.rint(across).astype(int), 0, side - 1)
    return picture[y, x]


def kuwahara(picture: Array, radius: int) -> Array:
    """Return `picture` smoothed inside areas and sharp between them (Kuwahara's filter)."""
    if radius < 1:
        return picture
    side, size = picture.shape[0], radius + 1
    values = np.concatenate([picture, luma(picture)[..., None] ** 2], -1)
    padding = (radius + 1, radius)
    sums = np.pad(values, (padding, padding, (0, 0)), mode="edge").cumsum(0).cumsum(1)

    def corner(y: int, x: int) -> Array:
        total = sums[y + size : y + size + side, x + size : x + size + side]
        total = total - sums[y : y + side, x + size : x + size + side]
        total = total - sums[y + size : y + size + side, x : x + side]
        return (total + sums[y : y + side, x : x + side]) / (size * size)

    best, least = None, None
    for y in (0, radius):
        for x in (0, radius):
            mean = corner(y, x)
            variance = mean[..., 3] - luma(mean[..., :3]) ** 2
            if best is None or least is None:
                best, least = mean[..., :3].copy(), variance
                continue
            better = variance < least
            best[better] = mean[..., :3][better]
            least = np.minimum(least, variance)
    assert best is not None
    return best


def posterise(picture: Array, levels: int) -> Array:
    """Return `picture` rounded to `levels` steps."""
    return np.round(picture * levels) / levels


def saturate(picture: Array, amount: float) -> Array:
    """Return `picture` with its colours `amount` times as strong."""
    grey = picture.mean(-1, keepdims=True)
    return np.clip(grey + (picture - grey) * amount, 0, 1)


@cache
def triangles(side: int, count: int) -> list[tuple[Array, Array]]:
    """Return six maps of (cell number, border) for about `count` triangles."""
    rng = np.random.default_rng(count)
    lines = int(math.sqrt(count / 2))
    maps = []
    for _ in range(6):
        x, y = np.meshgrid(np.linspace(-0.1, 1.1, lines + 1), np.linspace(-0.1, 1.1, lines + 1))
        x = (x + rng.uniform(-0.38, 0.38, x.shape) / lines) * side
        y = (y + rng.uniform(-0.38, 0.38, y.shape) / lines) * side
        image = Image.new("I", (side, side))
        pen, cell = ImageDraw.Draw(image), 0
        for row in range(lines):
            for column in range(lines):
                square = (
                    (row, column),
                    (row, column + 1),
                    (row + 1, column + 1),
                    (row + 1, column),
                )
                points = [(float(x[p]), float(y[p])) for p in square]
                split = ((0, 1, 2), (0, 2, 3)) if rng.random() < 0.5 else ((0, 1, 3), (1, 2, 3))
                for triangle in split:
                    pen.polygon([points[i] for i in triangle], fill=cell)
                    cell += 1
        maps.append((np.asarray(image).astype(np.int64), np.zeros((side, side), F32)))
    return maps


@cache
def cells(side: int, count: int) -> list[tuple[Array, Array]]:
    """Return six maps of (cell number, border 0..1) for about `count` Voronoi cells."""
    rng = np.random.default_rng(count)
    lines = int(math.sqrt(count))
    line = (np.arange(side) + 0.5) / side
    maps = []
    for _ in range(6):
        grid = np.arange(lines) + 0.5
        x = ((grid[None] + rng.uniform(-0.42, 0.42, (lines, lines))) / lines).ravel()
        y = ((grid[:, None] + rng.uniform(-0.42, 0.42, (lines, lines))) / lines).ravel()
        squared = (line[None, :, None] - x) ** 2 + (line[:, None, None] - y) ** 2
        nearest = np.argpartition(squared, 1, -1)[..., :2]
        distance = np.sqrt(np.take_along_axis(squared, nearest, -1))
        swap = distance[..., 0] > distance[..., 1]
        number = np.where(swap, nearest[..., 1], nearest[..., 0])
        border = np.clip(1 - np.abs(distance[..., 0] - distance[..., 1]) * side / 1.9, 0, 1)
        maps.append((number, border.astype(F32)))
    return maps


def cell_means(picture: Array, number: Array) -> Array:
    """Return `picture` with each cell filled by its mean colour."""
    flat = number.ravel()
    count = np.maximum(np.bincount(flat), 1)
    sums = [np.bincount(flat, picture[..., c].ravel()) / count for c in range(3)]
    return np.stack(sums, -1).astype(F32)[number]


class Paper:
    """What a medium works on: noise, grain and coordinates for one picture.

    `tooth` (0.15..1) is how strongly grain shows: at 128 px it is finer than an autoencoder that
    shrinks eightfold can hold, and would only blur everything else.
    """

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        self.side, self.rng, self.unit = side, rng, side / REFERENCE_SIDE
        self.tooth = min(1.0, 0.15 + 0.85 * max(0.0, self.unit - 1))
        line = (np.arange(side, dtype=F32) + 0.5) / side
        self.X, self.Y = np.meshgrid(line, line)

    def noise(self) -> Array:
        """Return smooth noise."""
        return noise(self.side, self.rng)

    def grain(self) -> Array:
        """Return paper grain."""
        return grain(self.side, self.rng)

    def cell_map(self, count: int, *, triangular: bool = False) -> tuple[Array, Array]:
        """Return a random map of (cell number, border)."""
        maps = (triangles if triangular else cells)(self.side, count)
        return maps[int(self.rng.integers(len(maps)))]
