"""Places people have built: the city and the village."""

import numpy as np

from starter_model.canvas import jitter, rgb, smoothstep
from starter_model.terrain import LEAVES, Land
from starter_model.textures import sprite

ROOFS = (
    rgb(0.72, 0.26, 0.18),
    rgb(0.45, 0.30, 0.28),
    rgb(0.35, 0.42, 0.55),
    rgb(0.85, 0.45, 0.25),
)
WALLS = (rgb(1, 0.95, 0.82), rgb(0.95, 0.80, 0.62), rgb(0.85, 0.9, 0.95))
LAMPLIGHT = rgb(1, 0.86, 0.45)
DARK = 0.75  # below this mean light, windows are lit


def city(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint three rows of buildings and a street or a lawn."""
    canvas, rng = land.canvas, land.rng
    stones = (rgb(0.42, 0.46, 0.56), rgb(0.55, 0.46, 0.44), rgb(0.34, 0.40, 0.52))
    for row in range(3):
        stone = jitter(rng, stones[land.many(0, 3)], 0.05)
        x = -0.03
        while x < 1.03:
            width = rng.uniform(0.06, 0.15)
            height = rng.uniform(0.12, 0.34) + (0.22, 0.08, -0.02)[row]
            building(land, x, width, horizon + 0.06 * row - height, horizon + 0.12, stone, row)
            x += width
    floor = rgb(0.34, 0.52, 0.26) if land.maybe(0.35) else rgb(0.36, 0.38, 0.42)
    land.ground(np.full_like(canvas.x, horizon + 0.12), floor, floor * 0.8, 0.03)
    if floor[0] > 0.35:
        stripe = np.abs(canvas.Y - (horizon + 1.12) / 2) < 0.008
        dashes = stripe.astype(np.float32) * (np.sin(canvas.X * 40) > 0) * 0.6
        canvas.over(rgb(0.9, 0.88, 0.75), dashes)
    return 0.88


def building(
    land: Land, x: float, width: float, top: float, bottom: float, stone: np.ndarray, row: int
) -> None:
    """Paint one building with its windows."""
    canvas, air, rng, side = land.canvas, land.air, land.rng, land.canvas.side
    left, right = int(max(0, x * side)), int(min(side, (x + width) * side - 1))
    upper, lower = max(0, int(top * side)), int(bottom * side)
    if right <= left or upper >= lower:
        return
    far = 0.6 * (1 - row / 2.2)
    colour = np.clip(air.faded(air.lit(stone * rng.uniform(0.8, 1.15)), far), 0, 1)
    if canvas.paper:
        canvas.image[max(0, upper - side // 60) : upper, left:right] *= 0.75
    wall = canvas.image[upper:lower, left:right]
    wall[:] = colour
    wall[:, -max(1, (right - left) // 4) :] = colour * 0.85
    pane = max(2, side // 42)
    windows = np.zeros(wall.shape[:2], bool)
    windows[pane :: pane + pane // 2, 1 :: max(2, pane)] = True
    if side >= 256:
        windows[pane + 1 :: pane + pane // 2, 1 :: max(2, pane)] = True
    dark = float(air.light.mean()) < DARK
    shown = (rng.random(windows.shape) < (0.65 if dark else 0.25)) & windows
    wall[shown] = LAMPLIGHT if dark else colour * 1.25 + 0.05


def village(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint houses strewn over a hill."""
    canvas, air, rng, side = land.canvas, land.air, land.rng, land.canvas.side
    snow = land.scene.snow_cover
    land.ground(canvas.waves(horizon - 0.05, 0.06), air.faded(grass * 0.9, 0.3), grass * 0.7)
    base, kind = (horizon, horizon + 0.05), "pine" if snow else "round"
    land.trees(kind, 6, base, (0.10, 0.16), LEAVES, 0.9, 0.3)
    dark = float(air.light.mean()) < DARK
    for near in np.sort(rng.random(land.many(8, 14))):
        roof = rgb(0.75, 0.80, 0.9) if snow else ROOFS[land.many(0, 4)]
        wall = WALLS[land.many(0, 3)]
        alpha, shade = sprite(
            "house", (0.12 + 0.07 * near) * side, (0.13 + 0.07 * near) * side, rng
        )
        walls = smoothstep(0.12, 0.5, shade)[..., None]
        colour = air.lit(roof) * (1 - walls) + air.lit(wall) * walls
        colour[shade > 0.95] = LAMPLIGHT if dark else air.lit(rgb(0.5, 0.7, 0.9))
        x, y = rng.uniform(-0.05, 0.95), horizon - 0.10 + 0.12 * near
        canvas.paste(colour, alpha, x * side, y * side)
    land.ground(canvas.waves(horizon + 0.13, 0.02), grass, grass * 0.72, 0.06)
    return 0.86
