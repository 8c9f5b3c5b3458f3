"""The renderer: a scene, a size and a seed become a picture and the mask of its subjects."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from starter_model import glyphs
from starter_model.canvas import F32, Array, Canvas, from_image, paste, rgb, smoothstep
from starter_model.filters import Paper
from starter_model.media import MEDIA
from starter_model.places import Stage, paint_place
from starter_model.world import INDOOR, Scene, Subject

# How large a subject is drawn, as a part of the picture's side.
SIZES = {"building": 0.54, "vehicle": 0.44, "plant": 0.44}
# A subject, its centre, its foot and its size.
Spot = tuple[Subject, float, float, float]
COARSE_MEDIA = ("pixel", "stained glass", "low poly", "mosaic")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """Where one thing stands: centre, foot, height (in sides), mirrored, turned (degrees)."""

    subject: Subject
    x: float
    foot: float
    size: float
    flip: bool = False
    turn: float = 0.0
    shadow: bool = True


def posed(scene: Scene, stage: Stage, rng: np.random.Generator) -> list[Pose]:
    """Return the one large pose of a posed scene: always facing the same way, nearly centred."""
    plain = scene.place == "plain"
    size = (0.74 if plain else 0.60) * rng.uniform(0.97, 1.03)
    foot = 0.5 + size / 2 if plain else 0.53 + size / 2 if stage.float else 0.90
    return [
        Pose(
            subject=scene.subjects[0],
            x=0.5 + rng.uniform(-0.02, 0.02),
            foot=foot + rng.uniform(-0.015, 0.015),
            size=size,
            shadow=not stage.float and not plain,
        )
    ]


def foot_of(kind: str, size: float, scene: Scene, stage: Stage, rng: np.random.Generator) -> float:
    """Return where the foot of a free subject is: on the floor, in the air, or afloat."""
    if scene.place == "plain":
        return 0.5 + size * 0.5 + rng.uniform(-0.02, 0.02)
    if stage.float:
        return rng.uniform(0.5, 0.62) + size * 0.5
    if kind == "flying" and scene.place != "table":
        return rng.uniform(0.24, 0.42) + size * 0.5
    return stage.floor + rng.uniform(-0.02, 0.05)


def alone(scene: Scene, stage: Stage, rng: np.random.Generator) -> list[Spot]:
    """Return (subject, x, foot, size) for one subject."""
    subject, layout = scene.subjects[0], scene.layout
    plain = scene.place == "plain"
    size = 0.64 if plain else SIZES.get(subject.kind, 0.42)
    size *= 1.18 if scene.medium in COARSE_MEDIA else 1.0
    size *= {"big": 1.45, "small": 0.52}.get(layout, 1.0) * rng.uniform(0.92, 1.1)
    x = {"left": 0.27, "right": 0.73}.get(layout, 0.5) + rng.uniform(-0.04, 0.04)
    if layout in ("left", "right"):
        size *= 0.9
    foot = foot_of(subject.kind, size, scene, stage, rng)
    if layout == "big" and not plain:
        foot += 0.06
    if layout == "small" and not plain and not stage.float and subject.kind != "flying":
        foot -= 0.07
    return [(subject, x, min(foot, 0.99), size)]


def several(scene: Scene, stage: Stage, rng: np.random.Generator) -> list[Spot]:
    """Return (subject, x, foot, size) for two, three or five alike."""
    subject = scene.subjects[0]
    room = {2: 0.42, 3: 0.32, 5: 0.25}[subject.count]
    room *= 1.15 if scene.place == "plain" else 1.0
    size = min(SIZES.get(subject.kind, 0.42) * rng.uniform(0.92, 1.1), room)
    columns = {2: (0.28, 0.72), 3: (0.19, 0.5, 0.81), 5: (0.16, 0.5, 0.84, 0.33, 0.67)}
    foot = foot_of(subject.kind, size, scene, stage, rng)
    result = []
    for index, x in enumerate(columns[subject.count]):
        row = 0.16 if index >= 3 else -0.10 if subject.count == 5 else 0.0
        y = foot + rng.uniform(-0.03, 0.03) + row
        result.append((subject, x + rng.uniform(-0.03, 0.03), y, size))
    return result


def height_of(subject: Subject, size: float) -> float:
    """Return how high a subject stands, in sides, whose longer side is `size`."""
    width, height = glyphs.glyph(subject.name).size
    return size * height / max(width, height)


def related(scene: Scene, stage: Stage, rng: np.random.Generator) -> list[Spot]:
    """Return (subject, x, foot, size) for two different subjects, the one behind first."""
    first, second = scene.subjects
    if scene.relation == "above":
        return [
            (second, 0.5 + rng.uniform(-0.1, 0.1), 0.93, 0.44),
            (first, 0.5 + rng.uniform(-0.12, 0.12), 0.44, 0.32),
        ]
    if scene.relation == "behind":
        side = 1 if rng.random() < 0.5 else -1
        return [
            (second, 0.5 + side * 0.17, min(stage.floor - 0.04, 0.9), 0.56),
            (first, 0.5 - side * 0.16, min(stage.floor + 0.09, 0.98), 0.40),
        ]
    if scene.relation == "on":
        foot = 0.92 if scene.place == "plain" else min(stage.floor + 0.08, 0.97)
        sway = rng.uniform(-0.06, 0.06)
        top = foot - height_of(second, 0.44) * 0.93
        return [(second, 0.5 + sway, foot, 0.44), (first, 0.5 + sway, top, 0.34)]
    size = 0.45 if scene.place == "plain" else 0.40
    sides = (0.72, 0.28) if scene.relation == "right" else (0.28, 0.72)
    return [
        (
            subject,
            x + rng.uniform(-0.03, 0.03),
            min(foot_of(subject.kind, size, scene, stage, rng), 0.96),
            size * rng.uniform(0.95, 1.08),
        )
        for subject, x in zip(scene.subjects, sides, strict=True)
    ]


def poses(scene: Scene, stage: Stage, rng: np.random.Generator) -> list[Pose]:
    """Return the poses of everything in `scene`, from back to front."""
    if not scene.subjects:
        return []
    if scene.posed:
        return posed(scene, stage, rng)
    if len(scene.subjects) == 2:
        spots = related(scene, stage, rng)
    elif scene.subjects[0].count > 1:
        spots = several(scene, stage, rng)
    else:
        spots = alone(scene, stage, rng)
    result = []
    for subject, x, foot, size in spots:
        plain = scene.place == "plain"
        grounded = not stage.float and not plain and foot > 0.62
        grounded = grounded and not (subject.kind == "flying" and foot < 0.7)
        cast = plain and rng.random() < 0.35 and not scene.sticker
        turned = rng.random() < 0.25 and subject.kind in ("object", "flying", "underwater")
        result.append(
            Pose(
                subject=subject,
                x=float(x),
                foot=float(foot),
                size=float(size),
                flip=bool(rng.random() < 0.5),
                turn=float(rng.uniform(-9, 9)) if turned else 0.0,
                shadow=bool(grounded or cast),
            )
        )
    return result


def tone(colours: Array, scene: Scene, stage: Stage, x: float) -> Array:
    """Return a subject's colours as the light, the fog and the medium show them."""
    light = stage.air.light
    height, width = colours.shape[:2]
    colours = colours * (0.38 + 0.62 * light)
    colours = colours * np.linspace(1.06, 0.90, height, dtype=F32)[:, None, None]
    sunny = 0.05 if stage.air.source[0] < x else -0.05
    colours = colours * np.linspace(1 + sunny, 1 - sunny, width, dtype=F32)[None, :, None]
    if scene.weather == "foggy":
        colours = colours * 0.78 + stage.air.haze * 0.22
    if scene.medium == "silhouette":
        colours = colours * 0.06 + rgb(0.02, 0.02, 0.04)
    return colours


def rim(canvas: Canvas, alpha: Array, x: float, y: float, light: Array, *, wide: bool) -> None:
    """Paint the white rim of cut paper (`wide`: of a sticker), with its shadow."""
    side = canvas.side
    pad = max(3, side // (26 if wide else 32))
    padded = Image.fromarray(np.pad((alpha * 255).astype(np.uint8), pad))
    # A blur cut off low grows a shape and keeps its corners round.
    near = from_image(padded.filter(ImageFilter.GaussianBlur(pad * 0.8)))
    outline = np.clip((near - 0.05) * 8, 0, 1)
    grown = Image.fromarray((outline * 255).astype(np.uint8))
    cast = from_image(grown.filter(ImageFilter.GaussianBlur(2.0 * side / 128)))
    canvas.paste(rgb(0.1, 0.1, 0.15), cast * 0.45, x - pad + side / 45, y - pad + side / 36)
    canvas.paste(rgb(0.99, 0.99, 0.98) * (light * 0.5 + 0.5), outline, x - pad, y - pad)


def place_subject(canvas: Canvas, scene: Scene, stage: Stage, pose: Pose, mask: Array) -> None:
    """Paint one thing with shadow, reflection, rim and water line; add its shape to `mask`."""
    side, subject = canvas.side, pose.subject
    colours, alpha = glyphs.subject(
        subject.name, max(6, pose.size * side), flip=pose.flip, turn=pose.turn
    )
    height, width = alpha.shape
    if subject.colour:
        colours = glyphs.recolour(colours, alpha, subject.colour)
    colours = tone(colours, scene, stage, pose.x)
    x, y = pose.x * side - width / 2, pose.foot * side - height
    if pose.shadow:
        across = (canvas.X - pose.x) / (width / side * 0.46)
        down = (canvas.Y - pose.foot + 0.008) / max(0.022, height / side * 0.075)
        dark = np.clip(1.25 - np.sqrt(across**2 + down**2), 0, 1)
        canvas.image *= (1 - 0.42 * dark)[..., None]
    mirrored = stage.mirror and pose.shadow
    if mirrored:
        rows = max(2, int(height * 0.35))
        fade = np.linspace(0.5, 0.0, rows, dtype=F32)[:, None]
        canvas.paste(colours[::-1][:rows] * 0.8, alpha[::-1][:rows] * fade, x, pose.foot * side)
    if scene.sticker or canvas.paper:
        rim(canvas, alpha, x, y, stage.air.light, wide=scene.sticker)
    canvas.paste(np.clip(colours, 0, 1), alpha, x, y)
    paste(mask, np.ones(1, F32), alpha, x, y)
    if mirrored:
        line = np.exp(-(((canvas.X - pose.x) / (width / side * 0.55)) ** 4))
        line *= np.clip(1 - np.abs(canvas.Y - pose.foot + 0.004) * side / 2.0, 0, 1)
        canvas.over(np.clip(stage.air.horizon + 0.15, 0, 1), line * 0.8)


def paint_weather(canvas: Canvas, scene: Scene, stage: Stage) -> None:
    """Paint fog, rain or snow in front of everything."""
    rng, side, air = canvas.rng, canvas.side, stage.air
    if scene.weather == "foggy":
        veil = np.clip(0.42 + 0.16 * canvas.noise(), 0, 1) * smoothstep(0.15, 0.75, canvas.Y)
        veil *= 0.9 * smoothstep(1.25, 0.7, canvas.Y)
        canvas.over(np.clip(air.haze * 0.8 + 0.15 * air.light, 0, 1), veil)
    if scene.weather in ("rainy", "stormy"):
        image = Image.new("L", (side, side))
        pen, slant = ImageDraw.Draw(image), rng.uniform(-0.12, 0.12)
        for _ in range(int(rng.integers(60, 110))):
            x, y = rng.random(2) * side
            length = rng.uniform(0.05, 0.10) * side
            ends = [(x, y), (x + length * slant, y + length)]
            pen.line(ends, fill=int(rng.integers(110, 230)), width=max(1, side // 160))
        canvas.over(np.clip(air.haze * 0.5 + 0.45, 0, 1), from_image(image) * 0.6)
    if scene.weather == "snowing":
        image = Image.new("L", (side, side))
        pen = ImageDraw.Draw(image)
        for _ in range(int(rng.integers(60, 110))):
            x, y = rng.random(2) * side
            radius = rng.uniform(0.004, 0.013) * side
            corners = [x - radius, y - radius, x + radius, y + radius]
            pen.ellipse(corners, fill=int(rng.integers(170, 255)))
        flakes = image.filter(ImageFilter.GaussianBlur(0.5 * side / 128))
        canvas.over(rgb(1, 1, 1), from_image(flakes) * 0.92)


def render(scene: Scene, side: int, seed: int) -> tuple[Array, Array]:
    """Return the picture (uint8 side x side x 3) and the subjects' mask (float 0..1 side x side).

    The same scene, side and seed give the same bytes. Raises FileNotFoundError when the emoji
    font is not installed, KeyError for a place or a medium nobody has drawn.
    """
    rng = np.random.default_rng(seed)
    canvas = Canvas(side, rng, paper=scene.medium == "paper cut")
    stage = paint_place(canvas, scene)
    mask = np.zeros((side, side, 1), F32)
    for pose in poses(scene, stage, rng):
        place_subject(canvas, scene, stage, pose, mask)
    if scene.medium == "silhouette" and scene.place != "plain":
        canvas.image *= (1 - 0.86 * smoothstep(0.05, 0.16, canvas.Y - 0.60))[..., None]
    paint_weather(canvas, scene, stage)
    if scene.place not in INDOOR and not scene.posed and rng.random() < 0.5:
        corners = np.clip((canvas.X - 0.5) ** 2 + (canvas.Y - 0.5) ** 2 - 0.15, 0, 1)
        canvas.image *= (1 - 0.35 * corners)[..., None]
    drawn = MEDIA[scene.medium](np.clip(canvas.image, 0, 1), Paper(side, rng))
    return (np.clip(drawn, 0, 1) * 255 + 0.5).astype(np.uint8), mask[..., 0]
