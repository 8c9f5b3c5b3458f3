"""A float canvas with soft-edged shapes, noise and sprites: all geometry in units of the side."""

import math

import numpy as np
from PIL import Image

from starter_model.textures import noise, sprite

Array = np.ndarray
F32 = np.float32


def rgb(red: float, green: float, blue: float) -> Array:
    """Return a colour; 1 is full, more than 1 is light that gets clipped at the end."""
    return np.array((red, green, blue), F32)


def smoothstep(low: float, high: float, x: Array) -> Array:
    """Return 0 below `low`, 1 above `high` and a smooth step between (also downwards)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def jitter(rng: np.random.Generator, colour: Array, amount: float = 0.04) -> Array:
    """Return `colour` slightly changed in hue and lightness."""
    shift = rng.normal(0, amount, 3) + rng.normal(0, amount * 0.6)
    return np.clip(colour + shift.astype(F32), 0, 1.1).astype(F32)


def paste(image: Array, colour: Array, alpha: Array, x: float, y: float) -> None:
    """Paint a patch into `image` in place, its corner at pixel (x, y), clipped at the border."""
    height, width = alpha.shape
    left, top = round(x), round(y)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(image.shape[1], left + width), min(image.shape[0], top + height)
    if x1 <= x0 or y1 <= y0:
        return
    window = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    patch = colour if colour.ndim == 1 else colour[window]
    target = image[y0:y1, x0:x1]
    target += alpha[window][..., None] * (patch - target)


class Canvas:
    """A square picture being painted: `image` is float side x side x 3, `X` and `Y` run 0..1.

    On `paper` every layer throws a small shadow on what lies behind it.
    """

    def __init__(self, side: int, rng: np.random.Generator, *, paper: bool = False) -> None:
        self.side, self.rng, self.paper = side, rng, paper
        self.image = np.zeros((side, side, 3), F32)
        line = (np.arange(side, dtype=F32) + 0.5) / side
        self.X, self.Y = np.meshgrid(line, line)
        self.x = line

    def noise(self) -> Array:
        """Return smooth noise with mean 0 and deviation 1, a new crop each time."""
        return noise(self.side, self.rng)

    def over(self, colour: Array, alpha: Array) -> None:
        """Paint `colour` (one or one for each pixel) with opacity `alpha`."""
        alpha = alpha[..., None] if alpha.ndim == 2 else alpha
        self.image += alpha * (colour - self.image)

    def glow(self, strength: Array, colour: Array) -> None:
        """Add light of `colour`."""
        self.image += strength[..., None] * colour

    def layer(self, colour: Array, alpha: Array) -> None:
        """Paint a piece of scenery; on paper with a shadow above its top edge."""
        if self.paper:
            depth = max(2, self.side // 42)
            shade = np.zeros_like(alpha)
            for part, weight in ((1, 0.22), (2, 0.16), (3, 0.1)):
                rows = max(1, depth * part // 3)
                shade[:-rows] = np.maximum(shade[:-rows], alpha[rows:] * weight)
            self.image *= (1 - shade)[..., None]
        self.over(colour, alpha)

    def paste(self, colour: Array, alpha: Array, x: float, y: float) -> None:
        """Paint a patch whose top left corner lies at pixel (x, y), clipped at the border."""
        paste(self.image, colour, alpha, x, y)

    def sprite(
        self,
        kind: str,
        centre: float,
        base: float,
        height: float,
        dark: Array,
        light: Array,
        aspect: float = 1.0,
        opacity: float = 1.0,
    ) -> None:
        """Paint a grey sprite toned from `dark` to `light`, standing at (centre, base)."""
        alpha, shade = sprite(kind, height * aspect * self.side, height * self.side, self.rng)
        if self.rng.random() < 0.5:
            alpha, shade = alpha[:, ::-1], shade[:, ::-1]
        x, y = centre * self.side - alpha.shape[1] / 2, base * self.side - alpha.shape[0]
        if self.paper:
            lift = self.side / 90
            self.paste(self.image.mean((0, 1)) * 0.5, alpha * 0.35, x - lift, y - lift)
        self.paste(dark + (light - dark) * shade[..., None], alpha * opacity, x, y)

    def below(self, line: Array, softness: float = 1.0) -> Array:
        """Return the alpha of everything below `line` (one height for each column)."""
        return np.clip((self.Y - line[None, :]) * self.side / softness + 0.5, 0, 1)

    def disc(self, x: float, y: float, radius: float, softness: float = 1.0) -> Array:
        """Return the alpha of a disc."""
        distance = np.sqrt((self.X - x) ** 2 + (self.Y - y) ** 2)
        return np.clip((radius - distance) * self.side / softness + 0.5, 0, 1)

    def band(self, distance: Array, softness: float = 1.0) -> Array:
        """Return the alpha of where `distance` (positive inside, in sides) is positive."""
        return np.clip(distance * self.side / softness + 0.5, 0, 1)

    def ridge(self, base: float, height: float, roughness: float) -> Array:
        """Return a jagged skyline that rises up to `height` above `base`."""
        rng = self.rng
        knots = int(rng.integers(3, 9)) * 2 + 1
        peaks = (np.arange(knots) % 2) * rng.uniform(0.45, 1, knots) + rng.uniform(0, 0.2, knots)
        places = np.linspace(-0.05, 1.05, knots) + rng.uniform(-0.3, 0.3, knots) / (knots - 1)
        line = np.interp(self.x, np.sort(places), peaks)
        for points, weight in ((17, 0.10), (41, 0.05)):
            rough = np.interp(self.x, np.linspace(0, 1, points), rng.uniform(-1, 1, points))
            line = line + roughness * weight * rough
        return (base - height * line).astype(F32)

    def waves(self, base: float, height: float, count: int = 3) -> Array:
        """Return a rolling line around `base`."""
        line = np.zeros_like(self.x)
        for index in range(count):
            frequency = self.rng.uniform(0.35, 1.5) * (index + 1) ** 0.7
            phase = self.rng.uniform(0, 6.3)
            line += np.sin(self.x * 2 * math.pi * frequency + phase) / (index + 1)
        return (base - height * line * 0.6).astype(F32)


def to_image(picture: Array) -> Image.Image:
    """Return a float picture in 0..1 as an 8-bit image."""
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def from_image(image: Image.Image) -> Array:
    """Return an 8-bit image as floats in 0..1."""
    return np.asarray(image).astype(F32) / 255
