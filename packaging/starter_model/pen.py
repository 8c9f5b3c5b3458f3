"""A pen for flat, clean-edged shapes: furniture, houses and garden plants of our own drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from starter_model.canvas import Array, Canvas, from_image, to_image
from starter_model.sky import Air

OVERSAMPLING = 3
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One filled shape: a polygon or an ellipse's corners in 0..1, and its colour (0..255)."""

    points: tuple[Point, ...]
    colour: tuple[int, int, int]
    round: bool = False


class Pen:
    """Collects shapes and paints them together, in the light of the place they stand in."""

    def __init__(self, canvas: Canvas, air: Air) -> None:
        self.canvas, self.air = canvas, air
        self.shapes: list[Shape] = []

    def polygon(self, points: Sequence[Point], colour: Array, *, lit: bool = True) -> None:
        """Add a filled polygon; `lit` colours take the light of the place, others glow."""
        shown = np.clip(self.air.lit(colour) if lit else colour, 0, 1) * 255 + 0.5
        red, green, blue = (int(part) for part in shown)
        self.shapes.append(Shape(points=tuple(points), colour=(red, green, blue)))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Array, *, lit: bool = True
    ) -> None:
        """Add a filled rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, lit=lit)

    def ellipse(
        self, x: float, y: float, width: float, height: float, colour: Array, *, lit: bool = True
    ) -> None:
        """Add a filled ellipse around (x, y) with half-axes `width` and `height`."""
        self.polygon([(x - width, y - height), (x + width, y + height)], colour, lit=lit)
        corners = self.shapes.pop()
        self.shapes.append(Shape(points=corners.points, colour=corners.colour, round=True))

    def draw(self, pen: ImageDraw.ImageDraw, size: int, colours: bool) -> None:
        """Draw every shape with `pen` on a picture of `size` pixels, or its outline in white."""
        for shape in self.shapes:
            fill = shape.colour if colours else 255
            points = [(x * size, y * size) for x, y in shape.points]
            (pen.ellipse if shape.round else pen.polygon)(points, fill=fill)

    def paint(self) -> None:
        """Paint what was collected and begin anew; on paper it throws a shadow."""
        canvas, size = self.canvas, self.canvas.side * OVERSAMPLING
        box, smooth = Image.Resampling.BOX, (canvas.side, canvas.side)
        shape = Image.new("L", (size, size))
        self.draw(ImageDraw.Draw(shape), size, colours=False)
        alpha = from_image(shape.resize(smooth, box))
        large = to_image(canvas.image).resize((size, size), Image.Resampling.NEAREST)
        self.draw(ImageDraw.Draw(large), size, colours=True)
        drawn = from_image(large.resize(smooth, box))
        touched = (alpha > 0)[..., None]
        if canvas.paper:
            canvas.layer(drawn, alpha)
        canvas.image[:] = np.where(touched, drawn, canvas.image)
        self.shapes.clear()
