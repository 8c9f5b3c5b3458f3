"""Sample sheets: pictures side by side with their captions, for the eye to judge."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LINE_LENGTH = 22


def draw(
    pictures: Sequence[np.ndarray], captions: Sequence[str], path: Path, columns: int = 6
) -> None:
    """Save `pictures` (uint8, height x width x 3, all one size) as a grid under `path`."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    grid = Image.new("RGB", (columns * (width + 4), rows * (height + 26)), "white")
    pen = ImageDraw.Draw(grid)
    for index, picture in enumerate(pictures):
        x, y = index % columns * (width + 4), index // columns * (height + 26)
        grid.paste(Image.fromarray(picture), (x, y))
        if index < len(captions):
            text = captions[index]
            lines = text[:LINE_LENGTH] + "\n" + text[LINE_LENGTH : 2 * LINE_LENGTH]
            pen.text((x, y + height), lines, fill="black", font_size=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.save(path)


def tile(pictures: Sequence[np.ndarray], path: Path, columns: int = 2) -> None:
    """Save `pictures` (uint8, height x width x 3, all one size) without gaps or words."""
    height, width = pictures[0].shape[:2]
    grid = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height))
    for index, picture in enumerate(pictures):
        place = index % columns * width, index // columns * height
        grid.paste(Image.fromarray(picture), place)
    grid.save(path, quality=90)
