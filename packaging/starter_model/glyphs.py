"""Subjects as pictures: colour glyphs of the Noto Color Emoji font, scaled, turned, recoloured."""

import os
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from starter_model.canvas import F32, Array, rgb
from starter_model.subjects import SUBJECTS

FONT_NAME = "NotoColorEmoji.ttf"
FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/noto"),
    Path("/usr/share/fonts/noto"),
    Path("/usr/share/fonts/google-noto-color-emoji-fonts"),
    Path.home() / ".fonts",
    Path.home() / ".local/share/fonts",
)
BITMAP_SIZE = 109  # the only size the bitmap font holds
LUMA = rgb(0.3, 0.59, 0.11)
COLOURS = {
    "red": rgb(0.86, 0.14, 0.14),
    "orange": rgb(0.96, 0.52, 0.10),
    "yellow": rgb(0.98, 0.83, 0.16),
    "green": rgb(0.22, 0.66, 0.28),
    "blue": rgb(0.16, 0.38, 0.88),
    "purple": rgb(0.53, 0.24, 0.75),
    "pink": rgb(0.98, 0.52, 0.70),
    "white": rgb(0.95, 0.95, 0.95),
    "black": rgb(0.13, 0.13, 0.15),
    "golden": rgb(0.90, 0.70, 0.22),
    "gray": rgb(0.56, 0.57, 0.60),
    "brown": rgb(0.50, 0.31, 0.17),
    "turquoise": rgb(0.13, 0.74, 0.74),
}


def font_path() -> Path | None:
    """Return where the font is: $STARTER_FONT, or a usual folder; None when it is not installed."""
    named = os.environ.get("STARTER_FONT")
    paths = [Path(named)] if named else [folder / FONT_NAME for folder in FONT_FOLDERS]
    return next((path for path in paths if path.is_file()), None)


@cache
def font() -> ImageFont.FreeTypeFont:
    """Return the font. Raises FileNotFoundError, naming the package, when it is missing."""
    path = font_path()
    if path is None:
        raise FileNotFoundError(
            f"{FONT_NAME} is not installed: install the package fonts-noto-color-emoji, "
            "or set STARTER_FONT to the file"
        )
    return ImageFont.truetype(str(path), BITMAP_SIZE)


@cache
def glyph(name: str) -> Image.Image:
    """Return the glyph of a subject as premultiplied RGBA, cropped to what is drawn."""
    canvas = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(canvas).text((8, 8), SUBJECTS[name].glyph, font=font(), embedded_color=True)
    pixels = np.asarray(canvas.crop(canvas.getbbox())).astype(F32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    return Image.fromarray(pixels.astype(np.uint8))


def subject(name: str, size: float, *, flip: bool, turn: float) -> tuple[Array, Array]:
    """Return colour (h x w x 3) and alpha (h x w), longer side `size` pixels, `turn` in degrees."""
    image = glyph(name)
    scale = size / max(image.size)
    width, height = (max(2, round(v * scale)) for v in image.size)
    sampling = Image.Resampling
    how = sampling.BICUBIC if scale > 1 else sampling.BOX if scale < 0.35 else sampling.HAMMING
    image = image.resize((width, height), how)
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if turn:
        image = image.rotate(turn, sampling.BILINEAR, expand=True)
    pixels = np.asarray(image).astype(F32) / 255
    alpha = pixels[..., 3]
    return np.clip(pixels[..., :3] / np.maximum(alpha[..., None], 1e-3), 0, 1), alpha


def recolour(colours: Array, alpha: Array, name: str) -> Array:
    """Return `colours` in the hue of a named colour, keeping light, shade and dark outlines."""
    luma = colours @ LUMA
    mean = (luma * alpha).sum() / max(alpha.sum(), 1e-3)
    colour = COLOURS[name]
    own = float(colour @ LUMA)
    target = np.clip(own + (luma - mean) * 0.75, 0, 1)[..., None]
    dark = colour * np.minimum(target / max(own, 0.02), 1)
    high = np.clip((target - own) / (1 - own + 1e-3), 0, 1)
    outline = (luma < 0.16)[..., None] * 0.6
    return (dark + (1 - dark) * high) * (1 - outline) + colours * outline
