"""Pieces of landscape: mountains, ground, trees, flowers, grass and water."""

import numpy as np

from starter_model.canvas import Array, Canvas, jitter, rgb
from starter_model.sky import Air
from starter_model.world import Scene

PINE = (rgb(0.06, 0.18, 0.14), rgb(0.20, 0.42, 0.28))
LEAVES = (rgb(0.10, 0.26, 0.12), rgb(0.38, 0.60, 0.24))
PALM = (rgb(0.22, 0.20, 0.10), rgb(0.42, 0.68, 0.28))
GREENS = (
    rgb(0.42, 0.66, 0.26),
    rgb(0.34, 0.58, 0.28),
    rgb(0.52, 0.70, 0.24),
    rgb(0.30, 0.60, 0.36),
)
FLOWERS = (
    rgb(0.95, 0.3, 0.35),
    rgb(0.98, 0.85, 0.3),
    rgb(0.98, 0.98, 0.95),
    rgb(0.7, 0.4, 0.85),
    rgb(0.98, 0.6, 0.75),
    rgb(0.4, 0.5, 0.95),
)


class Land:
    """Paints landscape on a canvas in the light of its air."""

    def __init__(self, canvas: Canvas, scene: Scene, air: Air) -> None:
        self.canvas, self.scene, self.air, self.rng = canvas, scene, air, canvas.rng

    def maybe(self, chance: float) -> bool:
        """Return True with probability `chance`."""
        return bool(self.rng.random() < chance)

    def many(self, low: int, high: int) -> int:
        """Return a number in low..high-1."""
        return int(self.rng.integers(low, high))

    def mountains(
        self,
        horizon: float,
        *,
        snowy: bool,
        colour: Array | None = None,
        layers: int = 0,
        tall: float = 1.0,
    ) -> None:
        """Paint ridges one before the other, the far ones hazy, with snow caps when `snowy`."""
        canvas, air, rng = self.canvas, self.air, self.rng
        layers = layers or self.many(2, 4)
        base = jitter(rng, rgb(0.36, 0.42, 0.52) if colour is None else colour, 0.05)
        for index in range(layers):
            far = 1 - (index + 1) / (layers + 0.35)
            height = rng.uniform(0.26, 0.42) * tall if index == 0 else rng.uniform(0.10, 0.22)
            line = canvas.ridge(horizon + 0.03, height * (1 - 0.2 * index), 1.2)
            slope = np.gradient(line) * canvas.side
            facing = -np.sign(air.source[0] - canvas.X) * slope[None]
            side = np.clip(0.5 + 0.5 * facing + canvas.noise() * 0.16, 0, 1)[..., None]
            rock = air.lit(base)[None, None] * (0.62 + 0.55 * side)
            if snowy or (index == 0 and self.maybe(0.35)):
                ragged = np.interp(canvas.x, np.linspace(0, 1, 24), rng.uniform(-1, 1, 24))
                depth = (0.19 if snowy else 0.10) * (0.6 + 0.8 * np.abs(ragged))
                bare = canvas.below(line + depth, 1.5)[..., None]
                snow = air.lit(rgb(0.96, 0.98, 1.0)) * (0.74 + 0.30 * side)
                rock = rock * bare + snow * (1 - bare)
            canvas.layer(air.faded(rock, 0.55 * far), canvas.below(line, 1.3))

    def ground(self, line: Array, near: Array, far: Array, texture: float = 0.05) -> None:
        """Paint ground below `line`, from `near` at its edge to `far` at the bottom."""
        canvas = self.canvas
        down = np.clip((canvas.Y - line[None]) / 0.35, 0, 1)[..., None]
        colour = near * (1 - down) + far * down
        colour = colour * (1 + (canvas.noise() * texture)[..., None])
        edge = np.clip(1 - (canvas.Y - line[None]) * canvas.side / 3.0, 0, 1)[..., None] * 0.10
        canvas.layer(np.clip(self.air.lit(colour + edge), 0, 1), canvas.below(line, 1.3))

    def trees(
        self,
        kind: str,
        count: int,
        base: tuple[float, float],
        height: tuple[float, float],
        tones: tuple[Array, Array],
        aspect: float = 0.75,
        haze: float = 0.0,
    ) -> None:
        """Plant trees from far (base[0], height[0]) to near (base[1], height[1])."""
        rng, air = self.rng, self.air
        for near in np.sort(rng.random(count)):
            fade, vary = haze * (1 - near), rng.uniform(0.85, 1.15)
            self.canvas.sprite(
                kind,
                rng.uniform(-0.03, 1.03),
                base[0] + (base[1] - base[0]) * near,
                (height[0] + (height[1] - height[0]) * near) * rng.uniform(0.8, 1.2),
                air.faded(air.lit(tones[0] * vary), fade),
                air.faded(air.lit(tones[1] * vary), fade),
                aspect * rng.uniform(0.85, 1.15),
            )

    def flowers(self, count: int, top: float, bottom: float, colours: list[Array]) -> None:
        """Scatter flowers, larger towards the viewer."""
        rng, air = self.rng, self.air
        for near in np.sort(rng.random(count)):
            colour = colours[int(rng.integers(len(colours)))]
            self.canvas.sprite(
                "flower",
                rng.random(),
                top + (bottom - top) * near,
                0.018 + 0.045 * near,
                air.lit(colour * 0.55),
                air.lit(np.clip(colour * 1.5, 0, 1)),
            )

    def tufts(self, count: int, top: float, bottom: float, dark: Array, light: Array) -> None:
        """Scatter tufts of grass, larger towards the viewer."""
        rng, air = self.rng, self.air
        for near in np.sort(rng.random(count)):
            self.canvas.sprite(
                "tuft",
                rng.random(),
                top + (bottom - top) * near,
                0.02 + 0.05 * near,
                air.lit(dark),
                air.lit(light),
                1.3,
            )

    def water(self, top: float, deep: Array, shallow: Array, mirror: float = 0.0) -> None:
        """Paint water below `top` with ripples and glitter; `mirror` is how much it reflects."""
        canvas, air, side = self.canvas, self.air, self.canvas.side
        alpha = canvas.band(canvas.Y - top)
        near = np.clip((canvas.Y - top) / (1 - top), 0, 1)
        colour = shallow * (1 - near[..., None]) + deep * near[..., None]
        colour = air.lit(colour) * 0.72 + air.horizon * 0.28 * (1 - 0.6 * near[..., None])
        if mirror > 0:
            rows = np.clip((2 * top * side - np.arange(side)).astype(int), 0, side - 1)
            shift = (np.sin(canvas.Y * 160) * 1.2 * near * side / 128).astype(int)
            columns = np.clip(np.arange(side)[None] + shift, 0, side - 1)
            image = np.take_along_axis(canvas.image[rows], columns[..., None], 1)
            colour = colour * (1 - mirror) + image * mirror
        canvas.layer(np.clip(colour, 0, 1), alpha)
        noise = canvas.noise()
        crests = np.maximum(canvas.Y - top, 0) ** 0.65 * 120 + noise * 1.6
        ripples = np.clip((np.sin(crests + np.sin(canvas.X * 9) * 0.6) - 0.72) * 3, 0, 1)
        ripples *= np.clip(noise + 0.35, 0, 1) * alpha * np.clip(0.25 + near, 0, 1)
        canvas.over(np.clip(air.horizon * 0.6 + 0.4 * air.light, 0, 1), ripples * 0.55)
        if self.scene.light in ("sun", "moon", "crescent"):
            path = np.exp(-(((canvas.X - air.source[0]) / (0.05 + 0.12 * near)) ** 2))
            glitter = np.clip((np.sin(canvas.Y * 170 + noise * 2) + 0.2) * 1.2, 0, 1)
            warm = self.scene.light == "sun"
            colour = rgb(1, 0.93, 0.72) if warm else rgb(0.86, 0.9, 1.0)
            canvas.over(colour, path * glitter * alpha * 0.7)
