"""Places: each paints its scenery and says where a subject stands, swims or floats in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from starter_model.canvas import Canvas, jitter, rgb
from starter_model.countryside import COUNTRYSIDE
from starter_model.indoors import BACKGROUNDS, plain, space, table, underwater
from starter_model.rooms import ROOMS, paint_room
from starter_model.sky import Air, paint_sky
from starter_model.terrain import FLOWERS, GREENS, LEAVES, PALM, PINE, Land
from starter_model.towns import city, village
from starter_model.world import Scene

HORIZONS = {
    "mountains": 0.62,
    "snowy mountains": 0.62,
    "sea": 0.56,
    "beach": 0.46,
    "lake": 0.54,
    "city": 0.70,
    "volcano": 0.66,
    "river": 0.56,
    "harbor": 0.52,
}

__all__ = ["BACKGROUNDS", "OUTDOOR", "Stage", "paint_place"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What the renderer needs to know of a painted place.

    `floor` is the height (0..1) where feet stand; on a `mirror` things stand in water and are
    reflected; where things `float` they need no floor.
    """

    air: Air
    floor: float
    mirror: bool = False
    float: bool = False


def mountains(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint (snowy) mountains with a strip of ground before them."""
    snowy = land.scene.place == "snowy mountains"
    blue = rgb(0.38, 0.44, 0.54)
    rock = jitter(land.rng, blue, 0.06) if snowy or land.maybe(0.6) else rgb(0.36, 0.46, 0.36)
    land.mountains(horizon, snowy=snowy, colour=rock)
    line = land.canvas.waves(horizon + 0.06, 0.03)
    floor = grass if not snowy or land.maybe(0.4) else rgb(0.90, 0.94, 1.0)
    far = (horizon + 0.06, horizon + 0.12)
    land.trees("pine", land.many(0, 14), far, (0.07, 0.14), PINE, 0.6, 0.3)
    land.ground(line, floor, floor * 0.72, 0.06)
    near = (horizon + 0.12, horizon + 0.24)
    land.trees("pine", land.many(0, 5), near, (0.14, 0.26), PINE, 0.6)
    return 0.84


def hills(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint four rolling hills, the far ones pale."""
    air = land.air
    for index in range(4):
        far = 1 - index / 3.0
        line = land.canvas.waves(horizon - 0.06 + index * 0.09, 0.07 - 0.008 * index)
        green = np.clip(grass * (1.06 - 0.07 * index), 0, 1)
        pale = air.haze / np.maximum(air.light, 0.3) * 0.45 * far
        land.ground(line, green * (1 - 0.45 * far) + pale, green * 0.78)
        if land.maybe(0.55):
            kind = "round" if land.maybe(0.7) else "pine"
            base = (horizon + index * 0.09, horizon + 0.04 + index * 0.09)
            height = (0.06 + 0.02 * index, 0.10 + 0.03 * index)
            land.trees(kind, land.many(1, 6), base, height, LEAVES, 0.9, 0.3 * far)
    return 0.82


def field(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a meadow, a field of flowers or a field of wheat."""
    canvas, air, place = land.canvas, land.air, land.scene.place
    if land.maybe(0.7):
        line = canvas.waves(horizon - 0.02, 0.06)
        land.ground(line, air.faded(grass * 0.85, 0.35), grass * 0.7, 0.04)
    if land.maybe(0.6):
        base = (horizon, horizon + 0.04)
        land.trees("round", land.many(2, 8), base, (0.08, 0.15), LEAVES, 0.95, 0.4)
    line = canvas.waves(horizon + 0.05, 0.02)
    colour = rgb(0.90, 0.74, 0.32) if place == "wheat field" else grass
    land.ground(line, colour, colour * 0.75, 0.07)
    if place == "wheat field":
        near = np.clip((canvas.Y - line[None]) / 0.4, 0, 1)
        rows = np.sin((canvas.X - 0.5) / (0.12 + near) * 34 + canvas.noise() * 0.8)
        furrows = np.clip(rows - 0.2, 0, 1) * canvas.below(line)
        canvas.over(air.lit(rgb(0.62, 0.44, 0.14)), furrows * 0.4)
        land.tufts(26, horizon + 0.10, 1.05, rgb(0.62, 0.44, 0.12), rgb(0.99, 0.86, 0.45))
        return 0.84
    land.tufts(16, horizon + 0.08, 1.05, colour * 0.55, colour * 1.1)
    if place == "flower field":
        kinds = land.rng.permutation(6)[: land.many(1, 4)]
        land.flowers(land.many(45, 75), horizon + 0.07, 1.03, [FLOWERS[i] for i in kinds])
    elif land.maybe(0.6):
        land.flowers(land.many(4, 14), horizon + 0.1, 1.02, list(FLOWERS))
    return 0.84


def desert(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint three dunes and some cacti."""
    canvas, air = land.canvas, land.air
    sands = (rgb(0.93, 0.74, 0.44), rgb(0.88, 0.62, 0.36), rgb(0.96, 0.82, 0.56))
    sand = jitter(land.rng, sands[land.many(0, 3)], 0.03)
    if land.maybe(0.35):
        rock = rgb(0.66, 0.42, 0.32)
        land.mountains(horizon, snowy=False, colour=rock, layers=1, tall=0.6)
    for index in range(3):
        line = canvas.waves(horizon + 0.01 + index * 0.10, 0.055)
        ripple = 1 + 0.025 * np.sin(canvas.Y * 150 + canvas.noise() * 3)
        slope = np.clip(np.gradient(line) * canvas.side, -1, 1)[None, :, None]
        facing = 1 + 0.22 * slope * (1 if air.source[0] < 0.5 else -1)
        colour = air.lit(sand * (1.04 - 0.05 * index))[None, None] * facing * ripple[..., None]
        faded = air.faded(colour, 0.3 * (1 - index / 2))
        canvas.layer(np.clip(faded, 0, 1), canvas.below(line, 1.3))
    tones = (rgb(0.10, 0.28, 0.16), rgb(0.40, 0.62, 0.32))
    land.trees("cactus", land.many(0, 5), (horizon + 0.08, 0.95), (0.10, 0.26), tones, 0.7, 0.3)
    return 0.84


def sea(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint open water, at times with a far coast."""
    if land.maybe(0.3):
        land.mountains(horizon, snowy=False, layers=1, tall=0.35)
    deep, shallow = rgb(0.04, 0.24, 0.42), rgb(0.25, 0.62, 0.74)
    land.water(horizon, jitter(land.rng, deep, 0.03), jitter(land.rng, shallow, 0.04), 0.15)
    return 0.82


def island(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a small island with palms."""
    canvas, air = land.canvas, land.air
    sea(land, horizon, grass)
    height = np.sqrt(np.clip(1 - ((canvas.Y - 0.86) / 0.14) ** 2, 0, 1))
    beach_ = canvas.band(0.40 * height - np.abs(canvas.X - 0.5), 1.5) * (canvas.Y < 1)
    sand = rgb(0.95, 0.85, 0.62) * (1 + 0.04 * canvas.noise())[..., None]
    canvas.layer(air.lit(sand), beach_)
    top = np.sqrt(np.clip(1 - ((canvas.Y - 0.82) / 0.08) ** 2, 0, 1))
    canvas.layer(air.lit(grass), canvas.band(0.27 * top - np.abs(canvas.X - 0.5), 1.5))
    land.trees("palm", land.many(1, 4), (0.80, 0.84), (0.34, 0.46), PALM, 0.95)
    return 0.86


def beach(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint sea, surf and sand, with palms at times."""
    canvas = land.canvas
    deep, shallow = rgb(0.05, 0.36, 0.56), rgb(0.20, 0.60, 0.78)
    land.water(horizon, jitter(land.rng, deep, 0.03), jitter(land.rng, shallow, 0.03))
    line = canvas.waves(0.68, 0.035)
    sand = jitter(land.rng, rgb(0.96, 0.86, 0.64), 0.025)
    surf = np.clip(1 - np.abs(canvas.Y - line[None] + 0.012) / 0.014, 0, 1)
    canvas.over(land.air.lit(rgb(1, 1, 1)), surf * 0.85)
    land.ground(line, sand * 0.86, sand, 0.035)
    land.trees("palm", land.many(0, 3), (0.74, 0.86), (0.42, 0.58), PALM, 0.95)
    return 0.87


def lake(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a lake that mirrors mountains and firs."""
    land.mountains(horizon - 0.02, snowy=land.maybe(0.5))
    base = (horizon, horizon + 0.02)
    land.trees("pine", land.many(6, 18), base, (0.06, 0.13), PINE, 0.6, 0.35)
    land.water(horizon + 0.02, rgb(0.10, 0.28, 0.40), rgb(0.40, 0.62, 0.70), 0.5)
    if land.maybe(0.6):
        land.tufts(14, 0.97, 1.06, grass * 0.45, grass)
    return 0.80


def river(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a river that winds towards the viewer."""
    canvas, air, rng = land.canvas, land.air, land.rng
    land.mountains(horizon - 0.02, snowy=land.maybe(0.5))
    land.ground(canvas.waves(horizon + 0.01, 0.015), grass, grass * 0.7, 0.06)
    near = np.clip((canvas.Y - horizon - 0.02) / (1 - horizon), 0, 1)
    bend = 0.5 + 0.22 * np.sin(near * 5 + rng.uniform(0, 6)) * (1 - near * 0.3)
    alpha = canvas.band(0.03 + 0.22 * near - np.abs(canvas.X - bend), 1.5) * (near > 0)
    colour = air.lit(rgb(0.30, 0.58, 0.74)) * 0.7 + air.horizon * 0.3
    ripple = 1 + 0.06 * np.sin(canvas.Y * 120 + canvas.noise() * 2)
    canvas.layer(colour * ripple[..., None], alpha)
    kind = "pine" if land.maybe(0.5) else "round"
    tones = (rgb(0.06, 0.20, 0.12), rgb(0.30, 0.52, 0.26))
    land.trees(kind, land.many(2, 6), (horizon + 0.06, horizon + 0.2), (0.12, 0.24), tones, 0.65)
    return 0.86


def forest(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a clearing among firs, snowy firs or autumn trees."""
    place = land.scene.place
    if land.maybe(0.5):
        land.mountains(horizon - 0.05, snowy=place == "snowy forest", layers=1, tall=0.7)
    kind = "round" if place == "autumn forest" else "pine"
    dark, light, floor = {
        "pine forest": (rgb(0.05, 0.17, 0.12), rgb(0.24, 0.48, 0.30), rgb(0.30, 0.46, 0.24)),
        "snowy forest": (rgb(0.16, 0.26, 0.30), rgb(1.05, 1.12, 1.2), rgb(0.92, 0.95, 1.0)),
        "autumn forest": (rgb(0.34, 0.14, 0.06), rgb(0.98, 0.60, 0.20), rgb(0.66, 0.42, 0.20)),
    }[place]
    wall = 0.62 if kind == "pine" else 0.85
    land.trees(kind, 16, (horizon, horizon + 0.05), (0.20, 0.30), (dark, light), wall, 0.62)
    line = land.canvas.waves(horizon + 0.045, 0.015)
    land.ground(line, land.air.faded(floor, 0.2), floor * 0.75, 0.07)
    frame(land, horizon, kind, dark, light)
    return 0.86


def frame(land: Land, horizon: float, kind: str, dark: np.ndarray, light: np.ndarray) -> None:
    """Plant tall trees left and right of the clearing, and strew autumn leaves."""
    rng, air, canvas = land.rng, land.air, land.canvas
    autumn = (rgb(0.95, 0.45, 0.15), rgb(0.90, 0.70, 0.20), rgb(0.80, 0.25, 0.15))
    for index in range(10 if kind == "round" else 9):
        near = index / 9
        x = rng.uniform(-0.06, 0.30) if land.maybe(0.5) else rng.uniform(0.70, 1.06)
        if kind == "round":
            leaf = autumn[index % 3]
            tones = air.lit(leaf * 0.32), air.lit(np.clip(leaf * 1.15, 0, 1))
            canvas.sprite(
                "round", x, horizon + 0.08 + 0.16 * near, 0.34 + 0.22 * near, *tones, 0.85
            )
        else:
            tones = air.lit(dark), air.lit(np.clip(light, 0, 1.2))
            foot, height = horizon + 0.08 + 0.17 * near, 0.38 + 0.26 * near
            canvas.sprite("pine", x, foot, height, *tones, 0.58)
    if kind == "round":
        for _ in range(30):
            y, size = rng.uniform(horizon + 0.12, 1.0), 0.014 + 0.016 * rng.random()
            tones = air.lit(rgb(0.8, 0.3, 0.1)), air.lit(rgb(1, 0.7, 0.2))
            canvas.sprite("flower", rng.random(), y, size, *tones, 1.5)


def jungle(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint dense green with palms."""
    dark, light = rgb(0.05, 0.22, 0.12), rgb(0.30, 0.62, 0.24)
    tones = (dark, light)
    land.trees("round", 14, (horizon - 0.05, horizon + 0.06), (0.26, 0.40), tones, 1.0, 0.5)
    tones = (dark * 0.8, light * 1.1)
    land.trees("palm", 7, (horizon, horizon + 0.1), (0.35, 0.6), tones, 0.95, 0.25)
    line = land.canvas.waves(horizon + 0.08, 0.03)
    land.ground(line, rgb(0.22, 0.44, 0.18), rgb(0.14, 0.30, 0.13), 0.09)
    land.tufts(34, horizon + 0.10, 1.08, dark, light * 1.15)
    if land.maybe(0.6):
        bright = [rgb(0.95, 0.25, 0.35), rgb(0.98, 0.6, 0.15), rgb(0.9, 0.3, 0.7)]
        land.flowers(8, horizon + 0.15, 1.0, bright)
    return 0.86


def snow_field(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint snow, with mountains and firs at times."""
    if land.maybe(0.6):
        land.mountains(horizon, snowy=True, layers=2, tall=0.7)
    snow = rgb(0.92, 0.95, 1.0)
    land.ground(land.canvas.waves(horizon + 0.02, 0.04), snow * 0.95, snow, 0.02)
    land.ground(land.canvas.waves(horizon + 0.14, 0.04), snow, snow * 0.90, 0.02)
    tones = (rgb(0.10, 0.22, 0.22), rgb(0.92, 0.98, 1.05))
    base = (horizon + 0.05, horizon + 0.2)
    land.trees("pine", land.many(0, 5), base, (0.10, 0.26), tones, 0.6, 0.2)
    return 0.84


def volcano(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a volcano with smoke and rivers of lava."""
    canvas, air, rng = land.canvas, land.air, land.rng
    x = rng.uniform(0.3, 0.7)
    rough = np.interp(canvas.x, np.linspace(0, 1, 30), rng.uniform(-1, 1, 30))
    cone = np.clip(0.50 - np.abs(canvas.x - x) * 1.15, 0, 0.44)
    alpha = canvas.below((horizon + 0.05 - cone - 0.012 * rough).astype(np.float32), 1.3)
    top = horizon - 0.39
    heat = np.exp(-(((canvas.X - x) / 0.16) ** 2 + ((canvas.Y - top + 0.06) / 0.16) ** 2))
    canvas.glow(heat * 0.8, rgb(0.9, 0.35, 0.08))
    for index in range(9):
        drift = x + rng.normal() * 0.06 * (1 + index * 0.25)
        dark = rgb(0.25, 0.20, 0.22) * air.light
        light = np.clip(rgb(0.62, 0.52, 0.52) * air.light + rgb(0.2, 0.06, 0), 0, 1)
        y, size = top + 0.07 - 0.045 * index, 0.13 + 0.02 * index
        canvas.sprite("cloud", drift, y, size, dark, light, 1.5, 0.9)
    relief = 0.8 + 0.2 * canvas.noise() + 0.5 * (x > canvas.X)
    canvas.layer(np.clip(air.lit(rgb(0.33, 0.25, 0.26)) * relief[..., None], 0, 1), alpha)
    for index in range(3):
        slant = rng.uniform(-0.05, 0.05) + rng.uniform(-0.35, 0.35) * (canvas.Y - top)
        path = x + slant + 0.012 * np.sin(canvas.Y * 40 + index)
        stream = np.clip((0.012 - np.abs(canvas.X - path)) * canvas.side / 1.3 + 0.4, 0, 1)
        stream *= alpha * np.clip((horizon + 0.02 - canvas.Y) * 9, 0, 1)
        canvas.over(rgb(1, 0.50 + 0.1 * index, 0.12), stream)
    ash = rgb(0.30, 0.25, 0.24) if land.maybe(0.6) else grass
    land.ground(canvas.waves(horizon + 0.06, 0.025), ash, ash * 0.75, 0.09)
    return 0.86


def canyon(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint three walls of banded red rock."""
    canvas, air, rng = land.canvas, land.air, land.rng
    red = jitter(rng, rgb(0.80, 0.42, 0.26), 0.04)
    for index in range(3):
        blocks = land.many(5, 9)
        tops = (rng.uniform(0, 1, blocks) > 0.45) * rng.uniform(0.5, 1, blocks)
        steps = np.repeat(tops, 6) + rng.uniform(-0.04, 0.04, blocks * 6)
        wall = np.interp(canvas.x, np.linspace(0, 1, blocks * 6), steps)
        line = (horizon + 0.07 * index + 0.02 - (0.30 - 0.08 * index) * wall).astype(np.float32)
        bands = 1 + 0.16 * np.sin(canvas.Y * 85 + canvas.noise() * 0.5)
        colour = air.lit(red)[None, None] * bands[..., None] * (0.92 - 0.05 * index)
        faded = air.faded(colour, 0.45 * (1 - index / 2.0))
        canvas.layer(np.clip(faded, 0, 1), canvas.below(line, 1.3))
    land.ground(canvas.waves(horizon + 0.14, 0.02), red * 1.1, red * 0.82, 0.06)
    return 0.86


OUTDOOR: dict[str, Callable[[Land, float, np.ndarray], float]] = {
    "mountains": mountains,
    "snowy mountains": mountains,
    "hills": hills,
    "meadow": field,
    "flower field": field,
    "wheat field": field,
    "desert": desert,
    "sea": sea,
    "island": island,
    "beach": beach,
    "lake": lake,
    "river": river,
    "pine forest": forest,
    "snowy forest": forest,
    "autumn forest": forest,
    "jungle": jungle,
    "city": city,
    "village": village,
    "snow field": snow_field,
    "volcano": volcano,
    "canyon": canyon,
    **COUNTRYSIDE,
}


def paint_place(canvas: Canvas, scene: Scene) -> Stage:
    """Paint the place of `scene`. Raises KeyError for a place nobody has drawn."""
    match scene.place:
        case "plain":
            return Stage(air=plain(canvas, scene), floor=0.80)
        case "table":
            air, floor = table(canvas, scene)
            return Stage(air=air, floor=floor)
        case place if place in ROOMS:
            air, floor = paint_room(canvas, scene)
            return Stage(air=air, floor=floor)
        case "space":
            air, floor = space(canvas, scene)
            return Stage(air=air, floor=floor, float=not scene.on_the_moon)
        case "underwater":
            return Stage(air=underwater(canvas), floor=0.86, float=True)
        case _:
            horizon = HORIZONS.get(scene.place, 0.60) + canvas.rng.uniform(-0.05, 0.05)
            air = paint_sky(canvas, scene, horizon)
            grass = jitter(canvas.rng, GREENS[int(canvas.rng.integers(4))], 0.04)
            if scene.snow_cover:
                grass = rgb(0.90, 0.94, 0.98)
            floor = OUTDOOR[scene.place](Land(canvas, scene, air), horizon, grass)
            return Stage(air=air, floor=floor, mirror=scene.place in ("sea", "lake"))
