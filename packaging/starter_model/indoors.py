"""Places without a sky of their own: a plain ground, a table, outer space, the sea floor."""

import math

import numpy as np

from starter_model.canvas import Canvas, jitter, rgb
from starter_model.sky import Air
from starter_model.terrain import Land
from starter_model.world import Scene

BACKGROUNDS = {
    "white": rgb(0.97, 0.97, 0.96),
    "pink": rgb(0.98, 0.75, 0.82),
    "blue": rgb(0.45, 0.68, 0.95),
    "yellow": rgb(0.99, 0.88, 0.48),
    "green": rgb(0.62, 0.85, 0.60),
    "orange": rgb(0.99, 0.70, 0.42),
    "purple": rgb(0.72, 0.58, 0.90),
    "red": rgb(0.88, 0.32, 0.32),
    "black": rgb(0.09, 0.09, 0.11),
    "gray": rgb(0.72, 0.73, 0.76),
    "turquoise": rgb(0.42, 0.82, 0.82),
    "beige": rgb(0.95, 0.90, 0.80),
}
WOODS = (
    rgb(0.62, 0.42, 0.25),
    rgb(0.48, 0.30, 0.18),
    rgb(0.76, 0.58, 0.38),
    rgb(0.36, 0.22, 0.15),
)
NEBULAE = (
    rgb(0.5, 0.2, 0.6),
    rgb(0.15, 0.35, 0.75),
    rgb(0.7, 0.25, 0.35),
    rgb(0.1, 0.5, 0.5),
)
PLANETS = (
    rgb(0.85, 0.55, 0.35),
    rgb(0.35, 0.6, 0.85),
    rgb(0.75, 0.45, 0.75),
    rgb(0.85, 0.75, 0.5),
    rgb(0.45, 0.75, 0.55),
)
WEEDS = (
    rgb(0.1, 0.5, 0.3),
    rgb(0.85, 0.3, 0.4),
    rgb(0.95, 0.55, 0.25),
    rgb(0.55, 0.25, 0.6),
)


def plain(canvas: Canvas, scene: Scene) -> Air:
    """Paint a plain ground: flat, fading, glowing or striped."""
    rng = canvas.rng
    colour = jitter(rng, BACKGROUNDS[scene.background], 0.015)
    canvas.image[:] = colour
    match int(rng.integers(4)):
        case 1:
            canvas.image += ((0.5 - canvas.Y) * 0.16)[..., None]
        case 2:
            distance = np.sqrt((canvas.X - 0.5) ** 2 + (canvas.Y - 0.5) ** 2)
            canvas.image += ((0.42 - distance) * 0.35)[..., None]
        case 3:
            angle, width = rng.uniform(0, 3.1), rng.uniform(18, 40)
            across = canvas.X * math.cos(angle) + canvas.Y * math.sin(angle)
            stripes = (np.sin(across * width) > 0).astype(np.float32)
            canvas.over(np.clip(colour * 1.07 + 0.02, 0, 1), stripes * 0.6)
        case _:
            pass
    return Air(haze=colour, horizon=colour, middle=colour)


def table(canvas: Canvas, scene: Scene) -> tuple[Air, float]:
    """Paint a wooden table before a wall, at times with a window; return (air, floor)."""
    rng = canvas.rng
    wall = jitter(rng, BACKGROUNDS[scene.background], 0.02) * 0.92
    edge = rng.uniform(0.56, 0.68)
    canvas.image[:] = wall
    canvas.image *= (1.06 - 0.22 * canvas.Y - 0.18 * np.abs(canvas.X - 0.35))[..., None]
    canvas.image += (canvas.noise() * 0.012)[..., None]
    if rng.random() < 0.35:
        window(canvas)
    wood = jitter(rng, WOODS[int(rng.integers(4))], 0.03)
    near = np.clip((canvas.Y - edge) / (1 - edge), 0, 1)
    noise = canvas.noise()
    veins = np.sin((canvas.X - 0.5) / (0.35 + near) * 26 + noise * 1.2) * 0.035
    veins += np.sin(canvas.Y * 210 + noise * 3) * 0.025
    boards = np.clip(wood * (0.82 + 0.3 * near + veins)[..., None], 0, 1)
    canvas.layer(boards, canvas.band(canvas.Y - edge))
    rim = np.clip(1 - np.abs(canvas.Y - edge) * canvas.side / 2.0, 0, 1)
    canvas.over(wood * 0.55, rim * 0.5)
    light = rgb(1, 0.98, 0.94)
    air = Air(light=light, haze=wall, horizon=wall, middle=wall, source=(0.2, 0.1))
    return air, edge + (1 - edge) * 0.55


def window(canvas: Canvas) -> None:
    """Paint a window with four panes."""
    left, top = canvas.rng.uniform(0.05, 0.6), canvas.rng.uniform(0.04, 0.14)
    width, height, frame = 0.3, 0.36, 0.02
    across = np.minimum(canvas.X - left, left + width - canvas.X)
    down = np.minimum(canvas.Y - top, top + height - canvas.Y)
    inside = np.minimum(across, down)
    canvas.over(rgb(0.97, 0.95, 0.90), canvas.band(inside))
    bars = np.abs(canvas.X - left - width / 2) < 0.012
    bars |= np.abs(canvas.Y - top - height / 2) < 0.012
    outside = rgb(0.62, 0.82, 0.97) * (1.1 - 0.3 * canvas.Y)[..., None]
    canvas.over(outside, canvas.band(inside - frame) * ~bars)


def space(canvas: Canvas, scene: Scene) -> tuple[Air, float]:
    """Paint nebulae, stars and planets, or the ground of a moon; return (air, floor)."""
    rng, side = canvas.rng, canvas.side
    air = Air(
        light=rgb(0.95, 0.93, 1.0),
        haze=rgb(0.10, 0.08, 0.2),
        horizon=rgb(0.10, 0.08, 0.2),
        middle=rgb(0.10, 0.08, 0.2),
        source=(0.2, 0.2),
    )
    canvas.image[:] = jitter(rng, rgb(0.03, 0.03, 0.09), 0.01)
    first, second = rng.permutation(4)[:2]
    canvas.glow(np.clip(canvas.noise() * 0.35 + 0.1, 0, 1) * 0.8, NEBULAE[first])
    canvas.glow(np.clip(canvas.noise() * 0.3 - 0.05, 0, 1) * 0.8, NEBULAE[second])
    count = int(rng.integers(70, 150))
    rows, columns = rng.integers(0, side, count), rng.integers(0, side, count)
    canvas.image[rows, columns] += rng.uniform(0.3, 1, count)[:, None]
    for _ in range(int(rng.integers(1, 3))):
        planet(canvas)
    if not scene.on_the_moon:
        return air, 0.72
    grey = jitter(rng, rgb(0.55, 0.55, 0.60), 0.04)
    Land(canvas, scene, air).ground(canvas.waves(0.76, 0.03), grey, grey * 0.7, 0.06)
    for _ in range(7):
        x, y, width = rng.random(), rng.uniform(0.8, 1), rng.uniform(0.03, 0.09)
        distance = np.sqrt((canvas.X - x) ** 2 + ((canvas.Y - y) * 2.6) ** 2)
        canvas.over(grey * 0.55, np.clip((width - distance) * side / 1.5, 0, 1) * 0.7)
        canvas.over(grey * 0.85, np.clip((width * 0.75 - distance) * side / 1.5, 0, 1) * 0.7)
    return air, 0.86


def planet(canvas: Canvas) -> None:
    """Paint a banded planet, at times with a ring."""
    rng = canvas.rng
    x, y, radius = rng.uniform(0.08, 0.92), rng.uniform(0.06, 0.42), rng.uniform(0.06, 0.15)
    colour = jitter(rng, PLANETS[int(rng.integers(5))], 0.05)
    dx, dy = canvas.X - x, canvas.Y - y
    shade = np.clip(0.75 - (dx * 0.9 + dy * 0.5) / radius * 0.6, 0.12, 1.2)
    bands = 1 + 0.12 * np.sin(dy / radius * 9 + canvas.noise() * 0.6)
    disc = canvas.disc(x, y, radius, 1.3)
    canvas.over(np.clip(colour * (shade * bands)[..., None], 0, 1), disc)
    if rng.random() < 0.4:
        orbit = np.sqrt((dx * 0.94 + dy * 0.34) ** 2 + (dy * 3.6 - dx * 1.2) ** 2)
        width = (radius * 0.28 - np.abs(orbit - radius * 1.65)) * canvas.side / 2
        behind = canvas.disc(x, y, radius) * (dy * 0.94 < dx * 0.33)
        canvas.over(np.clip(colour * 1.2 + 0.1, 0, 1), np.clip(width, 0, 1) * (1 - behind) * 0.75)


def underwater(canvas: Canvas) -> Air:
    """Paint water with rays of light, weeds and bubbles above a sandy floor."""
    rng, side = canvas.rng, canvas.side
    deep, high = jitter(rng, rgb(0.03, 0.22, 0.42), 0.03), jitter(rng, rgb(0.28, 0.72, 0.86), 0.04)
    air = Air(
        light=rgb(0.72, 0.92, 1.0),
        haze=high * 0.6 + deep * 0.4,
        horizon=high,
        middle=high,
        source=(0.5, 0.0),
    )
    down = canvas.Y[..., None]
    canvas.image[:] = high * (1 - down) + deep * down
    angle = (canvas.X - rng.uniform(0.2, 0.8)) / (canvas.Y + 0.25)
    rays = np.sin(angle * 14 + canvas.noise() * 0.25) * 0.5 + np.sin(angle * 23 + 1) * 0.5
    canvas.glow(
        np.clip(rays, 0, 1) * np.clip(1 - canvas.Y * 1.15, 0, 1) * 0.8, rgb(0.35, 0.42, 0.38)
    )
    sand = jitter(rng, rgb(0.80, 0.72, 0.50), 0.03)
    floor = Land(canvas, Scene(medium="illustration", place="underwater"), air)
    floor.ground(canvas.waves(0.84, 0.03), sand * 0.9, sand * 0.62, 0.05)
    for index in range(int(rng.integers(2, 7))):
        x, height = rng.random(), rng.uniform(0.12, 0.34)
        colour = WEEDS[int(rng.integers(4))]
        path = x + 0.02 * np.sin(canvas.Y * 28 + index * 2) * (1 - canvas.Y)
        width = 0.012 * (0.5 + np.clip((canvas.Y - (0.9 - height)) / height, 0, 1))
        weed = canvas.band(width - np.abs(canvas.X - path))
        weed *= np.clip((canvas.Y - (0.9 - height)) * side, 0, 1)
        weed *= np.clip((0.93 - canvas.Y) * side, 0, 1)
        canvas.over(air.lit(colour * 0.9), weed)
    for _ in range(int(rng.integers(5, 14))):
        x, y, radius = rng.random(), rng.uniform(0.05, 0.8), rng.uniform(0.008, 0.02)
        ring = canvas.disc(x, y, radius, 1.2) - canvas.disc(x, y, radius * 0.6, 1.5) * 0.8
        canvas.over(rgb(0.85, 0.97, 1), ring * 0.7)
    return air
