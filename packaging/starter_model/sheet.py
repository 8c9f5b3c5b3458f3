"""Sample sheets: pictures side by side with their captions, for the eye to judge."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 4
FONT_SIZE = 10
LINE = 12
"""Pixels from one line of a caption to the next."""


def draw(
    pictures: Sequence[np.ndarray], captions: Sequence[str], path: Path, columns: int = 6
) -> None:
    """Save `pictures` (uint8, height x width x 3, all one size) as a grid under `path`.

    Captions stand below, whole and broken between words; all rows leave room for the longest.
    """
    height, width = pictures[0].shape[:2]
    told = [wrapped(caption, width) for caption in captions]
    below = GAP + LINE * max((text.count("\n") + 1 for text in told if text), default=0)
    rows = -(-len(pictures) // columns)
    grid = Image.new("RGB", (columns * (width + GAP), rows * (height + below)), "white")
    pen = ImageDraw.Draw(grid)
    for index, picture in enumerate(pictures):
        x, y = index % columns * (width + GAP), index // columns * (height + below)
        grid.paste(Image.fromarray(picture), (x, y))
        if index < len(told):
            spacing = LINE - FONT_SIZE
            pen.text((x, y + height), told[index], "black", font_size=FONT_SIZE, spacing=spacing)
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.save(path)


def wrapped(text: str, width: int) -> str:
    """Return `text` in lines of at most `width` pixels; a longer word has a line of its own."""
    font = ImageFont.load_default(FONT_SIZE)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def tile(pictures: Sequence[np.ndarray], path: Path, columns: int = 2) -> None:
    """Save `pictures` (uint8, height x width x 3, all one size) without gaps or words."""
    height, width = pictures[0].shape[:2]
    grid = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height))
    for index, picture in enumerate(pictures):
        place = index % columns * width, index // columns * height
        grid.paste(Image.fromarray(picture), place)
    grid.save(path, quality=90)
