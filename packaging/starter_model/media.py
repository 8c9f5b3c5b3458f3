"""Media: what turns a drawn scene into a watercolor, an oil painting, neon, and so on."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from starter_model.canvas import Array, from_image, rgb, smoothstep, to_image
from starter_model.filters import (
    Paper,
    blur,
    cell_means,
    edges,
    kuwahara,
    luma,
    posterise,
    saturate,
    warp,
)

INKS = (
    rgb(0.80, 0.30, 0.20),
    rgb(0.25, 0.42, 0.60),
    rgb(0.35, 0.52, 0.30),
    rgb(0.85, 0.62, 0.25),
    rgb(0.95, 0.91, 0.80),
)
BOARDS = (rgb(0.13, 0.20, 0.17), rgb(0.10, 0.11, 0.12), rgb(0.10, 0.20, 0.42))


def illustration(picture: Array, paper: Paper) -> Array:
    """Return the drawing as it is."""
    return picture


def watercolor(picture: Array, paper: Paper) -> Array:
    """Return soft washes with dark rims and a ragged border of bare paper."""
    unit = paper.unit
    wet = warp(picture, paper.noise() * 1.1 * unit, paper.noise() * 1.1 * unit)
    wet = blur(kuwahara(wet, int(2 * unit)), 0.5 * unit)
    rims, noise = edges(wet, 0.8, 1.2), paper.noise()
    out = 1 - (1 - wet * 0.6 - blur(wet, 1.4 * unit) * 0.4) * 0.80
    out = out - rims[..., None] * 0.10 * (0.5 + 0.5 * np.clip(noise, 0, 1))[..., None]
    speckled = noise * 0.035 + paper.grain() * 0.018 * paper.tooth
    out = out + speckled[..., None] * (1.15 - out) * 1.6
    inside = np.minimum(np.minimum(paper.X, 1 - paper.X), np.minimum(paper.Y, 1 - paper.Y))
    painted = smoothstep(0.0, 0.065, inside + noise * 0.018)[..., None]
    return out * painted + rgb(0.98, 0.97, 0.94) * (1 - painted)


def gouache(picture: Array, paper: Paper) -> Array:
    """Return flat, slightly stepped, matte colours."""
    unit = paper.unit
    flat = warp(picture, paper.noise() * 0.8 * unit, paper.noise() * 0.8 * unit)
    flat = kuwahara(flat, int(unit) + 1)
    flat = flat * 0.5 + posterise(flat, 7) * 0.5
    return (flat - 0.5) * 0.96 + 0.53 + (paper.grain() * 0.013 * paper.tooth)[..., None]


def oil(picture: Array, paper: Paper) -> Array:
    """Return broad dabs of deep colour under a warm, darkening varnish."""
    unit = paper.unit
    down = (paper.grain() * 0.3 + paper.noise() * 0.9) * 1.1 * unit
    thick = kuwahara(warp(picture, down, paper.noise() * 1.1 * unit), int(2 * unit))
    thick = blur(thick, 0.5 * unit)
    light, grain = luma(thick), paper.grain()
    relief = grain - np.roll(grain, int(unit), 0) + (np.roll(light, 1, 0) - light) * 2.0
    deep = saturate((thick - 0.5) * 1.12 + 0.50, 1.15)
    deep = deep * (1 + 0.035 * paper.tooth * relief + 0.05 * paper.noise())[..., None]
    varnished = deep * rgb(1.02, 0.92, 0.68) + (1 - deep) * rgb(0.12, 0.065, 0.02)
    corners = np.clip((paper.X - 0.5) ** 2 + (paper.Y - 0.5) ** 2 - 0.10, 0, 1)
    return varnished * (1 - 1.1 * corners)[..., None]


def ink(picture: Array, paper: Paper) -> Array:
    """Return lines and cross-hatching on cream paper."""
    light = luma(picture)
    pitch, wobble = paper.side * 0.9 / paper.unit, paper.noise() * 0.02
    hatch = (np.sin((paper.X + paper.Y + wobble) * pitch) > 0.15) & (light < 0.42)
    hatch |= (np.sin((paper.X - paper.Y + wobble) * pitch) > 0.25) & (light < 0.22)
    lines = np.maximum(edges(picture, 0.5, 3.2), hatch * 0.75 * np.clip((0.5 - light) * 4, 0.3, 1))
    cream = rgb(0.97, 0.95, 0.89) + (paper.grain() * 0.012)[..., None]
    black = lines[..., None] * 0.9
    return cream * (1 - black) + rgb(0.1, 0.1, 0.14) * black


def pencil(picture: Array, paper: Paper) -> Array:
    """Return a soft graphite drawing."""
    light = luma(picture)
    halo = luma(blur(1 - picture, 2.6 * paper.unit))
    tone = np.clip(light / np.maximum(1 - halo, 0.08), 0, 1) ** 1.6
    pitch = paper.side * 0.85 / paper.unit
    hatch = np.sin((paper.X * 0.8 + paper.Y) * pitch + paper.noise() * 1.2) * 0.5 + 0.5
    tone = tone * (1 - 0.30 * hatch * np.clip(0.85 - light, 0, 1))
    tone = tone * np.clip(0.62 + 0.45 * light, 0, 1)
    grey = np.clip(0.16 + 0.82 * tone + paper.grain() * 0.018, 0, 1)
    return grey[..., None] * rgb(1, 0.99, 0.965)


def pixel(picture: Array, paper: Paper) -> Array:
    """Return large square pixels in few colours."""
    side = paper.side
    count = 43 if side <= 128 else side // 4
    small = to_image(picture).resize((count, count), Image.Resampling.BOX)
    few = small.quantize(
        int(paper.rng.integers(14, 26)),
        method=Image.Quantize.MEDIANCUT,
        dither=Image.Dither.NONE,
    )
    strong = np.clip((from_image(few.convert("RGB")) - 0.5) * 1.15 + 0.5, 0, 1)
    size = -(-side // count)
    return strong.repeat(size, 0).repeat(size, 1)[:side, :side]


def pastel(picture: Array, paper: Paper) -> Array:
    """Return pale chalky colours that fade out towards the edges of a buff paper."""
    soft = blur(picture, 0.6 * paper.unit) * 0.74 + 0.26
    grain, noise = paper.grain() * paper.tooth, paper.noise()
    bare = np.clip(0.30 + grain * 0.22 + noise * 0.08, 0, 1)[..., None]
    buff = rgb(0.90, 0.82, 0.68) + (grain * 0.012)[..., None]
    chalked = soft * (1 - 0.34 * bare) + rgb(0.97, 0.94, 0.88) * 0.34 * bare
    outwards = ((paper.X - 0.5) ** 2 + (paper.Y - 0.5) ** 2) / 0.32 + noise * 0.05
    shown = smoothstep(1.05, 0.55, outwards)[..., None]
    return chalked * shown + buff * (1 - shown)


def neon(picture: Array, paper: Paper) -> Array:
    """Return glowing tubes along the edges on a dark ground."""
    lines = edges(picture, 1.0, 3.4)
    brightest = np.maximum(picture.max(-1, keepdims=True), 0.15)
    colour = (picture - picture.min(-1, keepdims=True) * 0.8) / brightest * 1.15
    phase = paper.rng.uniform(0, 6)
    mix = (0.5 + 0.5 * np.sin(paper.X * 3 + paper.Y * 4 + phase))[..., None]
    gas = rgb(1, 0.15, 0.75) * mix + rgb(0.1, 0.85, 1.0) * (1 - mix)
    tubes = lines[..., None] * (np.clip(colour, 0, 1) * 0.55 + 0.45 * gas)
    glow = blur(tubes, 2.2 * paper.unit) * 1.7 + blur(tubes, 5 * paper.unit) * 1.3
    ground = picture * 0.16 * rgb(0.7, 0.5, 1.3) + rgb(0.02, 0.01, 0.06)
    return ground + glow * 0.75 + tubes * 0.9 + np.clip(lines - 0.6, 0, 1)[..., None] * 0.8


def woodcut(picture: Array, paper: Paper) -> Array:
    """Return carved black lines over one coloured ink."""
    light = luma(kuwahara(picture, int(2 * paper.unit)))
    wave = paper.Y + 0.010 * paper.noise() + 0.015 * np.sin(paper.X * 9)
    carved = 0.5 + 0.38 * np.sin(wave * paper.side * 0.95 / paper.unit)
    black = np.clip((carved - light * 1.05 + 0.06) * 4 + 0.5, 0, 1)
    black = np.maximum(np.where(light > 0.72, 0, black), edges(picture, 0.7, 2.2))
    black = np.where(light < 0.16, 1, black)[..., None]
    colour = INKS[int(paper.rng.integers(len(INKS)))]
    tint = smoothstep(0.75, 0.55, light)[..., None] * 0.55
    ground = rgb(0.95, 0.91, 0.80) * (1 - tint) + colour * tint
    return ground * (1 - black) + rgb(0.10, 0.09, 0.10) * black


def stained_glass(picture: Array, paper: Paper) -> Array:
    """Return panes of strong colour between lead lines."""
    number, border = paper.cell_map(420)
    panes = cell_means(picture, number) * 0.5 + picture * 0.5
    panes = saturate(panes, 1.6) * (1.08 + 0.07 * paper.noise()[..., None])
    lead = np.maximum(border * 0.85, edges(picture, 0.7, 2.0) * 0.9)[..., None] * 0.92
    return panes * (1 - lead) + rgb(0.05, 0.05, 0.06) * lead


def low_poly(picture: Array, paper: Paper) -> Array:
    """Return flat triangles."""
    number, _ = paper.cell_map(1500, triangular=True)
    flat = np.clip((cell_means(picture, number) - 0.5) * 1.1 + 0.5, 0, 1)
    return flat * 0.72 + picture * 0.28


def mosaic(picture: Array, paper: Paper) -> Array:
    """Return small tiles with pale joints."""
    number, border = paper.cell_map(1600)
    tiles = cell_means(picture, number) * 0.75 + picture * 0.25
    joints = border[..., None] * 0.36
    return tiles * (1 - joints) + rgb(0.85, 0.83, 0.78) * joints


def paper_cut(picture: Array, paper: Paper) -> Array:
    """Return stepped colours; the layers and their shadows were cut while painting."""
    stepped = picture * 0.4 + posterise(picture, 7) * 0.6
    return stepped * 1.02 + (paper.grain() * 0.014 * paper.tooth)[..., None]


def comic(picture: Array, paper: Paper) -> Array:
    """Return flat colours, black outlines and halftone dots."""
    flat = kuwahara(picture, int(2 * paper.unit))
    colour = saturate(np.clip(posterise((flat - 0.5) * 1.25 + 0.53, 5), 0, 1), 1.3)
    pitch, light = paper.side * 0.66 / paper.unit, luma(flat)
    grid = np.sin((paper.X + paper.Y) * pitch) * np.sin((paper.X - paper.Y) * pitch)
    dots = np.clip((grid - (light * 1.6 - 0.65)) * 3, 0, 1) * (light < 0.7) * 0.16
    colour = colour * (1 - dots[..., None])
    black = edges(flat, 0.6, 3.4)[..., None] * 0.92
    return colour * (1 - black) + rgb(0.05, 0.05, 0.07) * black


def sepia(picture: Array, paper: Paper) -> Array:
    """Return an old brown photograph."""
    corners = np.clip((paper.X - 0.5) ** 2 + (paper.Y - 0.5) ** 2 - 0.12, 0, 1)
    light = np.clip((luma(picture) - 0.5) * 0.92 + 0.56 + paper.grain() * 0.022 * paper.tooth, 0, 1)
    toned = (light * (1 - 0.75 * corners))[..., None]
    return toned * rgb(1.02, 0.90, 0.70) + rgb(0.06, 0.035, 0.01)


def chalkboard(picture: Array, paper: Paper) -> Array:
    """Return chalk lines on a board."""
    board, grain = BOARDS[int(paper.rng.integers(len(BOARDS)))], paper.grain()
    chalk = np.clip(edges(picture, 0.6, 3.0) * (0.85 + 0.3 * grain), 0, 1)
    filled = np.clip(luma(picture) - 0.62, 0, 1) * 0.45 * np.clip(0.6 + grain * 0.6, 0, 1.3)
    ground = board + (paper.noise() * 0.012)[..., None]
    return ground + (picture * 0.35 + 0.65 - ground) * np.clip(chalk + filled, 0, 1)[..., None]


MEDIA: dict[str, Callable[[Array, Paper], Array]] = {
    "illustration": illustration,
    "watercolor": watercolor,
    "oil": oil,
    "ink": ink,
    "pencil": pencil,
    "pixel": pixel,
    "pastel": pastel,
    "neon": neon,
    "woodcut": woodcut,
    "stained glass": stained_glass,
    "paper cut": paper_cut,
    "comic": comic,
    "sepia": sepia,
    "silhouette": illustration,  # the scene itself is painted dark
    "low poly": low_poly,
    "mosaic": mosaic,
    "chalkboard": chalkboard,
    "gouache": gouache,
}
