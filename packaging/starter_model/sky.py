"""Skies: the colours of each time of day, sun, moon, stars, aurora, clouds, rainbow, lightning."""

import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from starter_model.canvas import Array, Canvas, from_image, jitter, rgb, smoothstep
from starter_model.world import Scene

# For each time: the sky at the top, in the middle, at the horizon, and the colour of the light.
TIMES = {
    "day": (rgb(0.24, 0.54, 0.92), rgb(0.52, 0.77, 0.98), rgb(0.87, 0.95, 0.99), rgb(1, 1, 1)),
    "morning": (
        rgb(0.42, 0.68, 0.93),
        rgb(0.76, 0.86, 0.93),
        rgb(1, 0.91, 0.76),
        rgb(1.0, 0.97, 0.90),
    ),
    "dawn": (
        rgb(0.34, 0.36, 0.66),
        rgb(0.86, 0.60, 0.70),
        rgb(1, 0.82, 0.64),
        rgb(0.88, 0.76, 0.80),
    ),
    "golden hour": (
        rgb(0.50, 0.62, 0.80),
        rgb(0.97, 0.80, 0.55),
        rgb(1, 0.88, 0.52),
        rgb(1.05, 0.88, 0.62),
    ),
    "sunset": (
        rgb(0.25, 0.18, 0.48),
        rgb(0.90, 0.40, 0.40),
        rgb(1, 0.76, 0.34),
        rgb(0.98, 0.70, 0.55),
    ),
    "dusk": (
        rgb(0.10, 0.12, 0.34),
        rgb(0.40, 0.28, 0.55),
        rgb(0.88, 0.52, 0.56),
        rgb(0.60, 0.52, 0.72),
    ),
    "night": (
        rgb(0.02, 0.04, 0.14),
        rgb(0.06, 0.11, 0.30),
        rgb(0.17, 0.26, 0.47),
        rgb(0.40, 0.47, 0.70),
    ),
}
SKIES = {
    "pink": rgb(0.98, 0.62, 0.75),
    "purple": rgb(0.55, 0.33, 0.75),
    "green": rgb(0.45, 0.78, 0.55),
    "orange": rgb(0.98, 0.62, 0.25),
    "red": rgb(0.85, 0.25, 0.22),
    "teal": rgb(0.15, 0.62, 0.64),
    "yellow": rgb(0.98, 0.86, 0.40),
}
OVERCAST = {"cloudy": 0.22, "rainy": 0.62, "foggy": 0.55, "snowing": 0.5, "stormy": 0.8}
LOW_SUN = ("sunset", "dawn", "golden hour")


@dataclass(kw_only=True, slots=True)
class Air:
    """The light in a scene: what the sky decided and everything below it obeys.

    `haze` is what distance fades to, `horizon` the sky there, `source` where the light comes from.
    """

    light: Array = field(default_factory=lambda: rgb(1, 1, 1))
    haze: Array = field(default_factory=lambda: rgb(1, 1, 1))
    horizon: Array = field(default_factory=lambda: rgb(1, 1, 1))
    middle: Array = field(default_factory=lambda: rgb(1, 1, 1))
    source: tuple[float, float] = (0.3, 0.2)

    def lit(self, colour: Array) -> Array:
        """Return `colour` as this light shows it."""
        return np.clip(colour * self.light, 0, 1)

    def faded(self, colour: Array, amount: float) -> Array:
        """Return `colour` mixed with the haze."""
        return colour * (1 - amount) + self.haze * amount


def paint_sky(canvas: Canvas, scene: Scene, horizon: float) -> Air:
    """Fill the canvas with sky down to `horizon` (0..1) and return the light it gives."""
    rng = canvas.rng
    *colours, light = TIMES[scene.time]
    top, middle, low = (jitter(rng, c, 0.03) for c in colours)
    if scene.sky:
        colour = jitter(rng, SKIES[scene.sky], 0.03)
        dim = float(light.mean()) * 0.9 + 0.1
        top, middle = colour * 0.78 * dim, colour * dim
        low = np.clip(colour * 0.6 + 0.45, 0, 1) * dim**0.5
    if grey := OVERCAST.get(scene.weather, 0.0):
        storm = 0.55 if scene.weather == "stormy" else 1.0
        cover = rgb(0.60, 0.64, 0.70) * float(light.mean()) * 0.95 * storm
        top, middle, low = (
            c * (1 - grey) + cover * f * grey for c, f in ((top, 0.85), (middle, 1.0), (low, 1.2))
        )
    height = np.clip(canvas.Y[:, 0] / max(horizon, 0.2), 0, 1)
    split = rng.uniform(0.45, 0.65)
    upper = smoothstep(0, split, height)[:, None]
    lower = smoothstep(split, 1, height)[:, None]
    gradient = top * (1 - upper) + middle * upper
    canvas.image[:] = (gradient * (1 - lower) + low * lower)[:, None, :]
    canvas.image += (canvas.noise() * 0.012)[..., None]
    dimming = {"stormy": 0.72, "rainy": 0.88, "foggy": 0.88}.get(scene.weather, 1.0)
    air = Air(
        light=light * dimming,
        haze=np.clip(low * 0.7 + middle * 0.3, 0, 1),
        horizon=low,
        middle=middle,
        source=(float(rng.uniform(0.2, 0.8)), 0.2),
    )
    if scene.light == "aurora":
        paint_aurora(canvas, horizon)
    if scene.light in ("stars", "moon", "crescent", "aurora"):
        paint_stars(canvas, scene, horizon)
    if scene.light in ("sun", "moon", "crescent"):
        paint_disc(canvas, scene, air, horizon)
    paint_clouds(canvas, scene, air, horizon)
    if scene.weather == "rainbow":
        paint_rainbow(canvas, horizon)
    if scene.weather == "stormy":
        for _ in range(int(rng.integers(1, 3))):
            paint_lightning(canvas, horizon)
    return air


def paint_aurora(canvas: Canvas, horizon: float) -> None:
    """Paint two curtains of northern lights, the first of them green."""
    rng = canvas.rng
    others = (rgb(0.25, 0.95, 0.62), rgb(0.55, 0.35, 0.95), rgb(0.2, 0.8, 0.9))
    for curtain in range(2):
        colour = others[int(rng.integers(3))] if curtain else rgb(0.25, 0.95, 0.60)
        foot = canvas.waves(horizon * rng.uniform(0.35, 0.65), 0.16)
        below = canvas.Y - foot[None]
        veil = np.exp(-np.maximum(below, 0) / 0.025)
        veil *= np.exp(np.minimum(below, 0) / rng.uniform(0.10, 0.20))
        folds = 0.75 + 0.25 * np.sin(canvas.X * 90 + canvas.noise() * 2)
        canvas.glow(veil * folds * 0.62, colour)


def paint_stars(canvas: Canvas, scene: Scene, horizon: float) -> None:
    """Scatter stars, some of them with rays, and at times a milky way."""
    rng, side = canvas.rng, canvas.side
    count = int(rng.integers(70, 160)) if scene.light == "stars" else int(rng.integers(25, 70))
    columns = rng.integers(0, side, count)
    rows = np.clip((rng.random(count) ** 1.2 * horizon * side).astype(int), 0, side - 1)
    clear = scene.time == "night" or scene.light == "stars"
    strength = 1.0 if clear else 0.35
    canvas.image[rows, columns] += (rng.uniform(0.25, 1, count) * strength)[:, None]
    ray = max(1, side // 128)
    for y, x in zip(rows[: count // 8], columns[: count // 8], strict=True):
        if 2 * ray < y < side - 3 * ray and 2 * ray < x < side - 3 * ray:
            canvas.image[y - ray : y + ray + 1, x] += 0.5 * strength
            canvas.image[y, x - ray : x + ray + 1] += 0.5 * strength
    if scene.light == "stars" and rng.random() < 0.6:
        tilt = rng.uniform(-0.8, 0.8)
        across = (canvas.X - 0.5) * math.sin(tilt) + (canvas.Y - horizon * 0.4) * math.cos(tilt)
        dust = np.clip(0.5 + 0.5 * canvas.noise(), 0, 1.4)
        canvas.glow(np.exp(-((across / 0.09) ** 2)) * dust * 0.22, rgb(0.75, 0.75, 1.0))


def paint_disc(canvas: Canvas, scene: Scene, air: Air, horizon: float) -> None:
    """Paint the sun, the full moon or a crescent, and tell the air where it stands."""
    rng = canvas.rng
    low = scene.time in LOW_SUN
    x = rng.uniform(0.15, 0.85)
    y = horizon * (
        rng.uniform(0.62, 0.95) if low and scene.light == "sun" else rng.uniform(0.2, 0.5)
    )
    radius = rng.uniform(0.055, 0.10) * (1.25 if low else 1)
    if scene.large_light:
        radius = rng.uniform(0.16, 0.24)
    air.source = (float(x), float(y))
    distance = np.sqrt((canvas.X - x) ** 2 + (canvas.Y - y) ** 2)
    if scene.light == "sun":
        warm = rgb(1, 0.86, 0.50) if rng.random() < 0.6 else rgb(1, 0.55, 0.32)
        colour = warm if low else rgb(1, 0.97, 0.78)
        veiled = 1.0 if scene.weather in ("clear", "rainbow") else 0.5
        canvas.glow(np.exp(-distance / (radius * 2.4)) * 0.55 * veiled, colour * colour)
        canvas.over(colour, canvas.disc(x, y, radius, 1.6))
        if rng.random() < 0.18:
            angle = np.arctan2(canvas.Y - y, canvas.X - x)
            rays = (np.cos(angle * 12) > 0.3) * np.exp(-distance / (radius * 4))
            canvas.glow(rays * 0.12, colour)
        return
    colour = rgb(0.97, 0.95, 0.86) if rng.random() < 0.8 else rgb(1, 0.82, 0.55)
    canvas.glow(np.exp(-distance / (radius * 2.0)) * 0.34, rgb(0.75, 0.82, 1.0))
    alpha = canvas.disc(x, y, radius, 1.4)
    if scene.light == "crescent":
        side = 1 if rng.random() < 0.5 else -1
        shadow = canvas.disc(x + side * radius * 0.5, y - radius * 0.18, radius * 0.92, 1.4)
        canvas.over(colour, alpha * (1 - shadow))
        return
    canvas.over(colour, alpha)
    for _ in range(4):
        dx, dy = rng.uniform(-0.55, 0.55, 2) * radius
        crater = canvas.disc(x + dx, y + dy, radius * rng.uniform(0.1, 0.25), 1.4)
        canvas.over(colour * 0.86, crater * alpha * 0.8)


def paint_clouds(canvas: Canvas, scene: Scene, air: Air, horizon: float) -> None:
    """Paint clouds, drawn or as a field, as the weather asks; now and then on clear days."""
    rng, weather = canvas.rng, scene.weather
    fair = weather == "clear" and scene.light not in ("aurora", "stars") and rng.random() < 0.35
    if weather not in ("cloudy", "rainy", "stormy", "snowing", "rainbow") and not fair:
        return
    light = np.clip(air.horizon * 0.55 + air.light * 0.42 + 0.08, 0, 1)
    dark = np.clip(air.middle * 0.85 + air.horizon * 0.1 + 0.03, 0, 1)
    if weather in ("stormy", "rainy"):
        light, dark = light * 0.72, dark * 0.62
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 3)) if fair else int(rng.integers(3, 8))):
            width = rng.uniform(0.16, 0.44)
            canvas.sprite(
                "cloud",
                rng.random(),
                rng.uniform(0.10, 0.95) * horizon,
                width * 0.55,
                dark * 0.8 + light * 0.2,
                light * 1.06,
                1.8,
                rng.uniform(0.75, 1),
            )
        return
    field_ = canvas.noise()
    cover = np.clip((field_ - (0.9 if fair else 0.25)) * 1.5, 0, 1)
    cover *= smoothstep(horizon * 1.02, horizon * 0.5, canvas.Y)
    relief = field_ - np.roll(field_, max(1, canvas.side // 36), 0)
    shade = np.clip(0.55 + relief * 1.2, 0, 1)[..., None]
    canvas.over(dark + (light - dark) * shade, cover * 0.9)


def paint_rainbow(canvas: Canvas, horizon: float) -> None:
    """Paint a rainbow whose foot stands at the horizon."""
    rng = canvas.rng
    x, y = rng.uniform(0.3, 0.7), horizon + rng.uniform(0.0, 0.15)
    distance = np.sqrt((canvas.X - x) ** 2 + (canvas.Y - y) ** 2)
    across = (distance - rng.uniform(0.42, 0.62)) / 0.09
    peaks = [np.clip(1.6 - np.abs(across * 4 - c) * 1.1, 0, 1) for c in (3.3, 2.0, 0.9)]
    violet = np.clip(1 - np.abs(across * 4 - 0.1) * 1.2, 0, 1)[..., None] * rgb(0.5, 0, 0.5)
    alpha = smoothstep(-0.12, 0.05, across) * smoothstep(1.1, 0.9, across) * 0.62
    canvas.over(np.clip(np.stack(peaks, -1) + violet, 0, 1), alpha)


def paint_lightning(canvas: Canvas, horizon: float) -> None:
    """Paint one bolt with its glow."""
    rng, side = canvas.rng, canvas.side
    x, y = rng.uniform(0.15, 0.85), 0.0
    points = [(x, y)]
    while y < horizon:
        y += horizon / rng.integers(5, 9)
        x += rng.uniform(-0.07, 0.07)
        points.append((x, y))
    bolt = Image.new("L", (side * 2, side * 2))
    scaled = [(a * side * 2, b * side * 2) for a, b in points]
    ImageDraw.Draw(bolt).line(scaled, fill=255, width=max(2, side // 48))
    size, box = (side, side), Image.Resampling.BOX
    blurred = bolt.filter(ImageFilter.GaussianBlur(side / 26)).resize(size, box)
    canvas.glow(from_image(blurred) * 2.2, rgb(0.7, 0.75, 1.0))
    canvas.over(rgb(1, 1, 0.95), from_image(bolt.resize(size, box)))
