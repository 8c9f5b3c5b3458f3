"""Rooms: a library, a kitchen and a bedroom, with furniture of our own drawing."""

import math

import numpy as np

from starter_model.canvas import Array, Canvas, jitter, rgb
from starter_model.indoors import WOODS
from starter_model.pen import Pen
from starter_model.sky import Air
from starter_model.world import Scene

WALLS = (
    rgb(0.93, 0.86, 0.74),
    rgb(0.72, 0.82, 0.80),
    rgb(0.90, 0.76, 0.72),
    rgb(0.74, 0.80, 0.90),
    rgb(0.82, 0.86, 0.70),
    rgb(0.88, 0.80, 0.90),
)
CLOTHS = (
    rgb(0.78, 0.28, 0.26),
    rgb(0.24, 0.42, 0.66),
    rgb(0.30, 0.54, 0.40),
    rgb(0.86, 0.62, 0.24),
    rgb(0.55, 0.38, 0.62),
    rgb(0.86, 0.52, 0.56),
)
CREAM = rgb(0.97, 0.94, 0.87)
LAMPLIGHT = rgb(1.0, 0.88, 0.56)


class Room:
    """A room being painted: its walls first, then the furniture, piece by piece."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.rng = canvas, canvas.rng
        self.edge = float(canvas.rng.uniform(0.66, 0.72))
        self.wall = jitter(self.rng, WALLS[int(self.rng.integers(len(WALLS)))], 0.02)
        self.wood = jitter(self.rng, WOODS[int(self.rng.integers(len(WOODS)))], 0.02)
        self.air = Air(
            light=rgb(1.0, 0.97, 0.92),
            haze=self.wall,
            horizon=self.wall,
            middle=self.wall,
            source=(0.3, 0.1),
        )
        self.pen = Pen(canvas, self.air)

    def cloth(self) -> Array:
        """Return the colour of some textile."""
        return jitter(self.rng, CLOTHS[int(self.rng.integers(len(CLOTHS)))], 0.03)

    def walls(self) -> None:
        """Paint papered walls: bare, striped or dotted."""
        canvas = self.canvas
        canvas.image[:] = self.wall
        lighter = np.clip(self.wall * 1.06 + 0.015, 0, 1)
        match int(self.rng.integers(3)):
            case 1:
                canvas.over(lighter, (np.sin(canvas.X * math.pi * 22) > 0).astype(np.float32) * 0.7)
            case 2:
                across = np.sin(canvas.X * math.pi * 14) * np.sin(canvas.Y * math.pi * 14)
                canvas.over(lighter, np.clip((np.abs(across) - 0.72) * 9, 0, 1))
            case _:
                pass
        canvas.image *= (1.05 - 0.14 * canvas.Y - 0.16 * np.abs(canvas.X - 0.4))[..., None]

    def boards(self) -> None:
        """Paint a floor of boards that run towards the viewer, and the skirting above it."""
        canvas, near = self.canvas, np.clip((self.canvas.Y - self.edge) / (1 - self.edge), 0, 1)
        spread = (canvas.X - 0.5) / (0.55 + 0.75 * near)
        grain = np.sin(spread * 60 + canvas.noise() * 0.6) * 0.03 + canvas.noise() * 0.02
        gaps = np.clip((np.abs(np.sin(spread * math.pi * 7)) - 0.06) * 14, 0, 1) * 0.25 + 0.75
        colour = self.wood * ((0.80 + 0.28 * near + grain) * gaps)[..., None]
        canvas.layer(np.clip(colour, 0, 1), canvas.band(canvas.Y - self.edge))
        self.pen.box(0, self.edge - 0.025, 1, self.edge + 0.004, CREAM * 0.96)
        self.pen.paint()

    def tiles(self) -> None:
        """Paint a floor of two-coloured tiles."""
        canvas = self.canvas
        near = np.clip((canvas.Y - self.edge) / (1 - self.edge), 0.0, 1)
        across = np.floor((canvas.X - 0.5) / (0.5 + 0.6 * near) * 7 + 50)
        along = np.floor(8 / (1 + 2.2 * near))
        second = ((across + along) % 2)[..., None]
        dark = self.cloth() * 0.45 + self.wall * 0.45
        colour = (CREAM * 0.95 * (1 - second) + dark * second) * (0.86 + 0.16 * near)[..., None]
        canvas.layer(np.clip(colour, 0, 1), canvas.band(canvas.Y - self.edge))
        self.pen.box(0, self.edge - 0.02, 1, self.edge + 0.004, self.wood * 0.9)
        self.pen.paint()

    def rug(self) -> None:
        """Lay a round rug where the subject stands."""
        cloth, y = self.cloth(), (self.edge + 1.06) / 2
        for width, colour in ((0.40, cloth * 0.8), (0.37, CREAM * 0.95), (0.34, cloth)):
            self.pen.ellipse(0.5, y, width, width * 0.30, colour)
        self.pen.paint()

    def window(self, x: float, y: float, width: float, height: float) -> None:
        """Paint a window with curtains; outside it is a blue day above green hills."""
        pen, cloth = self.pen, self.cloth()
        pen.box(x - 0.015, y - 0.015, x + width + 0.015, y + height + 0.015, CREAM)
        pen.box(x, y, x + width, y + height, rgb(0.58, 0.80, 0.97))
        ground = y + height * 0.72
        pen.ellipse(x + width * 0.5, ground + height * 0.28, width * 0.5, height * 0.28, GREEN)
        pen.box(x, y + height * 0.9, x + width, y + height, GREEN)
        pen.box(x + width / 2 - 0.006, y, x + width / 2 + 0.006, y + height, CREAM)
        pen.box(x, y + height * 0.48, x + width, y + height * 0.48 + 0.012, CREAM)
        for side in (0, 1):
            outer, inner = (x - 0.05, x + width * 0.30) if side == 0 else (x + width + 0.05, 0.0)
            inner = inner or x + width * 0.70
            tied = outer + (inner - outer) * 0.35
            points = [(outer, y - 0.04), (inner, y - 0.04), (tied, y + height * 0.62)]
            pen.polygon([*points, (tied, y + height + 0.05), (outer, y + height + 0.05)], cloth)
        pen.box(x - 0.08, y - 0.055, x + width + 0.08, y - 0.035, self.wood * 0.7)
        pen.paint()

    def lamp(self, x: float, foot: float, height: float) -> None:
        """Stand a lamp with a glowing shade on `foot`."""
        pen = self.pen
        pen.box(x - 0.006, foot - height, x + 0.006, foot, self.wood * 0.5)
        pen.ellipse(x, foot, 0.035, 0.010, self.wood * 0.5)
        top = foot - height
        shade = [(x - 0.03, top - 0.06), (x + 0.03, top - 0.06), (x + 0.06, top), (x - 0.06, top)]
        pen.polygon(shade, LAMPLIGHT, lit=False)
        pen.paint()
        distance = np.sqrt((self.canvas.X - x) ** 2 + (self.canvas.Y - top + 0.03) ** 2)
        self.canvas.glow(np.exp(-((distance / 0.16) ** 2)) * 0.22, LAMPLIGHT)


GREEN = rgb(0.46, 0.68, 0.36)


def books(room: Room, left: float, right: float, floor: float, height: float) -> None:
    """Fill one shelf with books, here and there a vase or a gap."""
    rng, pen, x = room.rng, room.pen, left
    while x < right - 0.03:
        if rng.random() < 0.07:
            pen.ellipse(x + 0.03, floor - 0.03, 0.022, 0.032, room.cloth())
            pen.box(x + 0.02, floor - 0.075, x + 0.04, floor - 0.05, CREAM)
            x += 0.07
            continue
        width, tall = rng.uniform(0.016, 0.034), height * rng.uniform(0.62, 0.92)
        colour = room.cloth() * rng.uniform(0.75, 1.1)
        pen.box(x, floor - tall, x + width, floor, colour)
        pen.box(x, floor - tall * 0.82, x + width, floor - tall * 0.76, CREAM * 0.85)
        x += width + 0.003


def library(room: Room) -> None:
    """Paint shelves of books up to the ceiling, a lamp and a rug."""
    room.walls()
    room.boards()
    pen, dark = room.pen, room.wood * 0.62
    rows, top = int(room.rng.integers(3, 5)), 0.05
    height = (room.edge - top) / rows
    pen.box(0.02, top - 0.02, 0.98, room.edge, dark * 0.6)
    for row in range(rows):
        floor = top + height * (row + 1) - 0.012
        books(room, 0.05, 0.49, floor, height)
        books(room, 0.53, 0.95, floor, height)
        pen.box(0.02, floor, 0.98, floor + 0.018, dark)
    for x in (0.02, 0.495, 0.955):
        pen.box(x, top - 0.02, x + 0.028, room.edge, dark)
    pen.box(0.0, top - 0.045, 1.0, top - 0.012, dark * 1.15)
    pen.paint()
    room.rug()
    room.lamp(0.08 if room.rng.random() < 0.5 else 0.92, room.edge + 0.10, 0.34)


def kitchen(room: Room) -> None:
    """Paint cupboards, a stove with a steaming pot, a window and pans on a rail."""
    room.walls()
    room.tiles()
    pen, rng, edge = room.pen, room.rng, room.edge
    top, front = edge - 0.24, room.cloth() * 0.55 + CREAM * 0.4
    pen.box(0, top, 1, edge + 0.03, front)
    for index in range(5):
        x = 0.012 + index * 0.2
        pen.box(x, top + 0.045, x + 0.176, edge + 0.012, front * 0.88)
        pen.box(x + 0.012, top + 0.06, x + 0.164, edge - 0.002, front)
        pen.ellipse(x + 0.15, top + 0.12, 0.008, 0.008, room.wood * 0.5)
    stove = 0.212 + 0.2 * int(rng.integers(0, 3))
    pen.box(stove, top + 0.02, stove + 0.176, edge + 0.03, rgb(0.30, 0.31, 0.34))
    pen.box(stove + 0.02, top + 0.09, stove + 0.156, edge - 0.01, rgb(0.12, 0.12, 0.14))
    pen.ellipse(stove + 0.088, top + 0.16, 0.045, 0.022, rgb(0.95, 0.55, 0.2), lit=False)
    pen.box(0, top - 0.012, 1, top + 0.024, room.wood * 0.85)
    pot = room.cloth()
    pen.box(stove + 0.04, top - 0.085, stove + 0.136, top - 0.012, pot)
    pen.box(stove + 0.02, top - 0.07, stove + 0.156, top - 0.055, pot * 0.7)
    pen.ellipse(stove + 0.088, top - 0.085, 0.05, 0.014, pot * 0.8)
    pen.ellipse(stove + 0.088, top - 0.10, 0.010, 0.010, room.wood * 0.5)
    rail = 0.09
    pen.box(stove - 0.10, rail, stove + 0.28, rail + 0.008, rgb(0.35, 0.34, 0.34))
    for index in range(4):
        x, size = stove - 0.07 + index * 0.105, rng.uniform(0.026, 0.042)
        pen.box(x - 0.004, rail, x + 0.004, rail + 0.09, rgb(0.30, 0.28, 0.28))
        pen.ellipse(x, rail + 0.08 + size, size, size, rgb(0.78, 0.45, 0.28) * rng.uniform(0.8, 1))
    pen.paint()
    steam = np.exp(-(((room.canvas.X - stove - 0.088) / 0.05) ** 2))
    steam *= np.clip((top - 0.10 - room.canvas.Y) * 12, 0, 1) * np.clip(room.canvas.Y * 4, 0, 1)
    room.canvas.over(CREAM, steam * np.clip(0.25 + 0.18 * room.canvas.noise(), 0, 1))
    room.window(0.70 if stove < 0.5 else 0.08, 0.10, 0.2, 0.24)


def bedroom(room: Room) -> None:
    """Paint a bed, a window, a bedside lamp and pictures on the wall."""
    room.walls()
    room.boards()
    pen, rng, edge = room.pen, room.rng, room.edge
    left = rng.random() < 0.5
    room.window(0.58 if left else 0.18, 0.12, 0.24, 0.28)
    for index in range(2):
        x, y = (0.10 if left else 0.68) + 0.16 * index, 0.14 + 0.05 * index
        pen.box(x, y, x + 0.12, y + 0.14, room.wood * 0.7)
        pen.box(x + 0.012, y + 0.012, x + 0.108, y + 0.128, CREAM)
        pen.ellipse(x + 0.06, y + 0.07, 0.032, 0.038, room.cloth())

    def at(x: float) -> float:
        return x if left else 1 - x

    def slab(x0: float, y0: float, x1: float, y1: float, colour: Array) -> None:
        pen.box(min(at(x0), at(x1)), y0, max(at(x0), at(x1)), y1, colour)

    blanket, wood = room.cloth(), room.wood * 0.72
    slab(0.0, edge - 0.20, 0.035, edge + 0.12, wood)
    slab(0.0, edge - 0.02, 0.40, edge + 0.10, wood * 0.9)
    slab(0.03, edge - 0.055, 0.39, edge + 0.03, CREAM)
    slab(0.13, edge - 0.065, 0.395, edge + 0.07, blanket)
    slab(0.13, edge - 0.065, 0.165, edge + 0.07, CREAM * 0.95)
    pen.ellipse(at(0.085), edge - 0.075, 0.055, 0.030, CREAM)
    slab(0.385, edge - 0.10, 0.415, edge + 0.14, wood)
    slab(0.80, edge - 0.10, 0.97, edge + 0.06, wood)
    slab(0.815, edge - 0.075, 0.955, edge - 0.01, wood * 1.2)
    pen.paint()
    room.rug()
    room.lamp(at(0.885), edge - 0.10, 0.14)


ROOMS = {"library": library, "kitchen": kitchen, "bedroom": bedroom}


def paint_room(canvas: Canvas, scene: Scene) -> tuple[Air, float]:
    """Paint the room of `scene`; return (air, floor)."""
    room = Room(canvas)
    ROOMS[scene.place](room)
    return room.air, room.edge + (1 - room.edge) * 0.62
