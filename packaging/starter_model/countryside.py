"""Places with buildings and plants of our own drawing: a farm, a harbour and a garden."""

import math
from itertools import pairwise

import numpy as np

from starter_model.canvas import Array, rgb
from starter_model.pen import Pen
from starter_model.terrain import FLOWERS, LEAVES, Land
from starter_model.towns import DARK, LAMPLIGHT

WHITE = rgb(0.97, 0.96, 0.93)
RED = rgb(0.76, 0.22, 0.18)
TIMBER = rgb(0.55, 0.38, 0.24)
STONE = rgb(0.66, 0.64, 0.62)
STEM = rgb(0.26, 0.52, 0.26)


def pane(land: Land) -> Array:
    """Return the colour of window glass: lamplit in the dark, else the sky's."""
    dark = float(land.air.light.mean()) < DARK
    return LAMPLIGHT if dark else rgb(0.55, 0.72, 0.86)


def barn(land: Land, x: float, foot: float, size: float) -> None:
    """Paint a red barn with white boards around its doors."""
    pen, half = Pen(land.canvas, land.air), size * 0.5
    wall, eaves, ridge = foot - size * 0.55, foot - size * 0.62, foot - size
    gable = [(x - half, eaves), (x - half * 0.7, ridge + size * 0.16), (x, ridge)]
    gable += [(x + half * 0.7, ridge + size * 0.16), (x + half, eaves)]
    pen.polygon([(x - half, foot), *gable, (x + half, foot)], RED)
    pen.polygon(
        [(x + half * 0.75, foot), (x + half * 0.75, eaves - 0.02), gable[4], (x + half, foot)],
        RED * 0.8,
    )
    for first, second in pairwise(gable):
        lift = size * 0.06
        above = [(second[0], second[1] - lift), (first[0], first[1] - lift)]
        pen.polygon([first, second, *above], rgb(0.36, 0.34, 0.37))
    door = half * 0.42
    pen.box(x - door - 0.012, wall + size * 0.06, x + door + 0.012, foot, WHITE)
    pen.box(x - door, wall + size * 0.09, x + door, foot, RED * 0.75)
    for left, right in ((x - door, x - 0.004), (x + 0.004, x + door)):
        for up in (False, True):
            ends = (foot, wall + size * 0.09) if up else (wall + size * 0.09, foot)
            line = [(left, ends[0]), (left + 0.012, ends[0]), (right, ends[1])]
            pen.polygon([*line, (right - 0.012, ends[1])], WHITE)
    pen.box(x - size * 0.07, ridge + size * 0.15, x + size * 0.07, ridge + size * 0.29, WHITE)
    pen.box(
        x - size * 0.05,
        ridge + size * 0.17,
        x + size * 0.05,
        ridge + size * 0.27,
        pane(land),
        lit=False,
    )
    pen.paint()


def windmill(land: Land, x: float, foot: float, size: float) -> None:
    """Paint a windmill with four sails, turned at random."""
    pen = Pen(land.canvas, land.air)
    top, low, high = foot - size * 0.62, size * 0.17, size * 0.10
    pen.polygon([(x - low, foot), (x - high, top), (x + high, top), (x + low, foot)], WHITE * 0.95)
    pen.polygon(
        [(x + low * 0.4, foot), (x + high * 0.4, top), (x + high, top), (x + low, foot)],
        WHITE * 0.82,
    )
    cap = [(x - high * 1.2, top), (x - high * 0.6, top - size * 0.11), (x, top - size * 0.14)]
    cap += [(2 * x - px, py) for px, py in reversed(cap[:2])]
    pen.polygon(cap, rgb(0.42, 0.28, 0.22))
    pen.box(x - size * 0.045, foot - size * 0.16, x + size * 0.045, foot, TIMBER * 0.7)
    pen.box(
        x - size * 0.03,
        foot - size * 0.40,
        x + size * 0.03,
        foot - size * 0.32,
        pane(land),
        lit=False,
    )
    hub, start = top - size * 0.02, land.rng.uniform(0, math.pi / 2)
    for quarter in range(4):
        angle = start + quarter * math.pi / 2
        along, across = (
            np.array([math.cos(angle), math.sin(angle)]),
            np.array([-math.sin(angle), math.cos(angle)]),
        )
        arm, width = size * 0.44, size * 0.085
        centre = np.array([x, hub])
        corners = [
            along * arm * 0.2,
            along * arm,
            along * arm + across * width,
            along * arm * 0.2 + across * width,
        ]
        pen.polygon([tuple(centre + c) for c in corners], rgb(0.95, 0.92, 0.84))
        for part in (0.36, 0.52, 0.68, 0.84):
            rung = [along * arm * part, along * arm * part + across * width]
            thick = along * size * 0.012
            pen.polygon(
                [tuple(centre + c) for c in (rung[0], rung[1], rung[1] + thick, rung[0] + thick)],
                TIMBER,
            )
        pole = [
            across * -0.004,
            along * arm + across * -0.004,
            along * arm + across * 0.006,
            across * 0.006,
        ]
        pen.polygon([tuple(centre + c) for c in pole], TIMBER * 0.7)
    pen.ellipse(x, hub, size * 0.022, size * 0.022, TIMBER * 0.6)
    pen.paint()


def fence(land: Land, foot: float, height: float, colour: Array, pales: int = 0) -> None:
    """Paint a fence across the picture: two rails, and pales or posts."""
    pen, count = Pen(land.canvas, land.air), pales or 7
    width = 0.5 / count if pales else 0.014
    for rail in (0.35, 0.72):
        pen.box(
            0,
            foot - height * rail - height * 0.07,
            1,
            foot - height * rail + height * 0.07,
            colour * 0.9,
        )
    for index in range(count + 1):
        x = index / count
        pen.box(x - width / 2, foot - height, x + width / 2, foot, colour)
        if pales:
            tip = (x, foot - height - width * 0.7)
            pen.polygon(
                [(x - width / 2, foot - height), tip, (x + width / 2, foot - height)], colour
            )
    pen.paint()


def farm(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint fields with a barn, a windmill, a fence and rows of green."""
    canvas, air = land.canvas, land.air
    for index in range(2):
        line = canvas.waves(horizon - 0.03 + 0.05 * index, 0.05)
        land.ground(line, air.faded(grass * (0.9 + 0.1 * index), 0.4 - 0.2 * index), grass * 0.75)
    land.trees("round", land.many(2, 6), (horizon, horizon + 0.03), (0.08, 0.13), LEAVES, 0.95, 0.4)
    left = land.maybe(0.5)
    ground = horizon + 0.10
    windmill(land, 0.80 if left else 0.20, ground, 0.44)
    barn(land, 0.24 if left else 0.76, ground + 0.02, 0.32)
    land.ground(canvas.waves(ground, 0.012), grass, grass * 0.74, 0.06)
    near = np.clip((canvas.Y - ground - 0.02) / (1 - ground), 0, 1)
    rows = np.sin((canvas.X - 0.5) / (0.10 + near) * 22)
    earth = np.clip(rows - 0.1, 0, 1) * np.clip(near * 8, 0, 1)
    canvas.over(air.lit(rgb(0.50, 0.36, 0.22)), earth * 0.45)
    if land.maybe(0.6):
        fence(land, ground + 0.10, 0.075, TIMBER * 1.15)
    land.tufts(12, horizon + 0.20, 1.05, grass * 0.6, grass * 1.1)
    return 0.87


def lighthouse(land: Land, x: float, foot: float, size: float) -> None:
    """Paint a striped lighthouse on a rock; at night its lamp throws a beam."""
    canvas, pen = land.canvas, Pen(land.canvas, land.air)
    low, high, top = size * 0.13, size * 0.085, foot - size * 0.72
    pen.ellipse(x, foot + size * 0.05, size * 0.34, size * 0.13, rgb(0.40, 0.37, 0.36))
    pen.ellipse(
        x - size * 0.08, foot + size * 0.02, size * 0.20, size * 0.09, rgb(0.50, 0.46, 0.44)
    )
    for band in range(5):
        y0, y1 = (foot + (top - foot) * part / 5 for part in (band, band + 1))
        w0, w1 = (low + (high - low) * part / 5 for part in (band, band + 1))
        colour = RED if band % 2 == 0 else WHITE
        pen.polygon([(x - w0, y0), (x - w1, y1), (x + w1, y1), (x + w0, y0)], colour)
        pen.polygon(
            [(x + w0 * 0.4, y0), (x + w1 * 0.4, y1), (x + w1, y1), (x + w0, y0)], colour * 0.84
        )
    pen.box(
        x - high * 1.35,
        top - size * 0.02,
        x + high * 1.35,
        top + size * 0.01,
        rgb(0.25, 0.25, 0.28),
    )
    glass = top - size * 0.12
    dark = float(land.air.light.mean()) < DARK
    pen.box(
        x - high * 0.7,
        glass,
        x + high * 0.7,
        top - size * 0.02,
        LAMPLIGHT if dark else rgb(0.8, 0.9, 0.95),
        lit=not dark,
    )
    pen.polygon([(x - high, glass), (x, glass - size * 0.12), (x + high, glass)], RED * 0.85)
    pen.paint()
    if dark:
        lamp, side = (glass + top) / 2, 1 if x < 0.5 else -1
        away = np.clip((canvas.X - x) * side, 0, 1)
        beam = np.clip(1 - np.abs(canvas.Y - lamp) / (0.015 + 0.16 * away), 0, 1) * (away > 0)
        canvas.glow(beam * np.exp(-away * 1.6) * 0.55, LAMPLIGHT)


def boat(land: Land, x: float, foot: float, size: float) -> None:
    """Paint a small sailing boat far out."""
    pen, hull = Pen(land.canvas, land.air), FLOWERS[land.many(0, 6)] * 0.8
    pen.polygon(
        [
            (x - size * 0.5, foot - size * 0.2),
            (x + size * 0.5, foot - size * 0.2),
            (x + size * 0.3, foot),
            (x - size * 0.35, foot),
        ],
        hull,
    )
    pen.polygon(
        [
            (x - 0.003, foot - size),
            (x - 0.003, foot - size * 0.25),
            (x - size * 0.42, foot - size * 0.25),
        ],
        WHITE,
    )
    pen.polygon(
        [
            (x + 0.004, foot - size * 0.85),
            (x + 0.004, foot - size * 0.25),
            (x + size * 0.32, foot - size * 0.25),
        ],
        WHITE * 0.88,
    )
    pen.paint()


def harbour(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint the sea with a lighthouse, boats and a wooden pier towards the viewer."""
    canvas, air = land.canvas, land.air
    if land.maybe(0.5):
        land.mountains(horizon, snowy=False, layers=1, tall=0.35)
    land.water(horizon, rgb(0.05, 0.30, 0.46), rgb(0.28, 0.62, 0.74), 0.2)
    for _ in range(land.many(1, 4)):
        boat(land, land.rng.uniform(0.1, 0.9), horizon + land.rng.uniform(0.02, 0.07), 0.10)
    lighthouse(land, 0.16 if land.maybe(0.5) else 0.84, horizon + 0.06, 0.46)
    near = np.clip((canvas.Y - horizon - 0.14) / (0.86 - horizon), 0, 1)
    pier = canvas.band(0.10 + 0.42 * near - np.abs(canvas.X - 0.5), 1.3) * (near > 0)
    planks = 0.80 + 0.20 * np.clip(np.abs(np.sin(near**0.6 * 26)) * 6, 0, 1)
    planks = planks + canvas.noise() * 0.03
    canvas.layer(np.clip(air.lit(TIMBER * 1.25)[None, None] * planks[..., None], 0, 1), pier)
    pen = Pen(canvas, air)
    for part in (0.05, 0.35, 0.75):
        y, half = horizon + 0.14 + (0.86 - horizon) * part, 0.10 + 0.42 * part
        tall, wide = 0.05 + 0.07 * part, 0.010 + 0.014 * part
        for x in (0.5 - half, 0.5 + half):
            pen.box(x - wide, y - tall, x + wide, y + 0.02, TIMBER * 0.75)
            pen.ellipse(x, y - tall, wide, wide * 0.5, TIMBER * 1.1)
    pen.paint()
    return 0.90


def tall_flower(pen: Pen, land: Land, x: float, foot: float, height: float) -> None:
    """Draw a tulip, a spire of lavender, a hollyhock or a daisy."""
    rng, colour = land.rng, FLOWERS[land.many(0, 6)]
    thick = height * 0.035
    pen.box(x - thick, foot - height * 0.85, x + thick, foot, STEM * 0.9)
    for side in (-1, 1):
        tip = (x + side * height * 0.22, foot - height * rng.uniform(0.30, 0.45))
        pen.polygon([(x, foot - height * 0.05), tip, (x, foot - height * 0.2)], STEM)
    top = foot - height * 0.86
    match land.many(0, 4):
        case 0:
            cup, rise = height * 0.13, height * 0.17
            pen.ellipse(x, top, cup, rise * 0.7, colour)
            for offset in (-cup, 0.0, cup):
                points = [(x + offset - cup * 0.5, top), (x + offset * 0.9, top - rise)]
                pen.polygon([*points, (x + offset * 0.5 + cup * 0.3, top)], colour * 0.92)
        case 1:
            for step in range(6):
                y = top + height * 0.40 * step / 6
                wide = height * (0.03 + 0.012 * step)
                pen.ellipse(x, y, wide, height * 0.045, rgb(0.56, 0.42, 0.82) * (1 - 0.05 * step))
        case 2:
            for step in range(4):
                y, wide = top + height * 0.15 * step, height * (0.07 + 0.02 * step)
                pen.ellipse(x + height * 0.03 * (-1) ** step, y, wide, wide, colour)
                pen.ellipse(
                    x + height * 0.03 * (-1) ** step, y, wide * 0.35, wide * 0.35, colour * 0.6
                )
        case _:
            for petal in range(8):
                angle = petal * math.pi / 4
                px, py = x + math.cos(angle) * height * 0.11, top + math.sin(angle) * height * 0.11
                pen.ellipse(px, py, height * 0.055, height * 0.055, WHITE)
            pen.ellipse(x, top, height * 0.07, height * 0.07, rgb(0.98, 0.80, 0.25))


def arch(land: Land, foot: float, size: float) -> None:
    """Paint a garden arch grown over with roses."""
    pen, rng = Pen(land.canvas, land.air), land.rng
    for turn in np.linspace(math.pi, 2 * math.pi, 40):
        x, y = 0.5 + math.cos(turn) * size * 0.5, foot - size * 0.55 + math.sin(turn) * size * 0.42
        pen.ellipse(x, y, size * 0.065, size * 0.065, STEM * rng.uniform(0.7, 1.05))
    for side in (-1, 1):
        for height in np.linspace(0, size * 0.55, 12):
            x = 0.5 + side * size * 0.5 + rng.uniform(-0.01, 0.01)
            pen.ellipse(x, foot - height, size * 0.06, size * 0.05, STEM * rng.uniform(0.7, 1.05))
    rose = FLOWERS[int(rng.choice((0, 2, 4)))]
    for _ in range(34):
        turn = rng.uniform(math.pi * 0.9, math.pi * 2.1)
        x = 0.5 + math.cos(turn) * size * rng.uniform(0.46, 0.55)
        y = foot - size * 0.55 + math.sin(turn) * size * rng.uniform(0.38, 0.47)
        pen.ellipse(x, y, size * 0.026, size * 0.026, rose)
        pen.ellipse(x, y, size * 0.012, size * 0.012, rose * 0.75)
    pen.paint()


def garden(land: Land, horizon: float, grass: np.ndarray) -> float:
    """Paint a hedge, a path to an arch of roses, a fence and beds of tall flowers."""
    canvas, air, rng = land.canvas, land.air, land.rng
    land.trees("round", land.many(3, 8), (horizon - 0.02, horizon), (0.16, 0.26), LEAVES, 1.0, 0.3)
    hedge = (horizon - 0.05 + 0.008 * np.sin(canvas.x * 60)).astype(np.float32)
    land.ground(hedge, grass * 0.62, grass * 0.45, 0.12)
    ground = horizon + 0.07
    land.ground(np.full_like(canvas.x, ground), grass * 1.05, grass * 0.8, 0.06)
    near = np.clip((canvas.Y - ground) / (1 - ground), 0, 1)
    bend = 0.5 + 0.05 * np.sin(near * 4 + rng.uniform(0, 6)) * (1 - near)
    path = canvas.band(0.07 + 0.20 * near - np.abs(canvas.X - bend), 1.3) * (near > 0)
    slabs = 0.86 + 0.14 * np.clip(np.abs(np.sin(near**0.7 * 17)) * 6, 0, 1) + canvas.noise() * 0.03
    canvas.layer(np.clip(air.lit(rgb(0.80, 0.74, 0.64))[None, None] * slabs[..., None], 0, 1), path)
    if land.maybe(0.6):
        arch(land, ground + 0.02, 0.34)
    if land.maybe(0.6):
        fence(land, ground + 0.03, 0.08, WHITE, pales=18)
    pen = Pen(canvas, air)
    for depth in np.sort(rng.random(land.many(22, 34))):
        side = 1 if rng.random() < 0.5 else -1
        x = 0.5 + side * rng.uniform(0.16 + 0.16 * depth, 0.52)
        tall_flower(pen, land, x, ground + 0.07 + 0.32 * depth, 0.09 + 0.13 * depth)
    pen.paint()
    return 0.88


COUNTRYSIDE = {"farm": farm, "harbor": harbour, "garden": garden}
