"""Worlds: what can be in a picture and how often, and the draw of one scene from a world."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from starter_model.subjects import SUBJECTS

T = TypeVar("T")

ROOMS = ("library", "kitchen", "bedroom")
INDOOR = ("table", "plain", "underwater", "space", *ROOMS)
LIGHTS = ("sun", "moon", "crescent", "stars", "aurora", "none")
LAYOUTS = ("center", "left", "right", "big", "small")
RELATIONS = ("next", "above", "behind", "on", "left", "right")
COUNTS = (1, 2, 3, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One thing in a scene; `colour` is empty for its own colours."""

    name: str
    colour: str = ""
    count: int = 1

    @property
    def kind(self) -> str:
        """What the subject is: one of `subjects.KINDS`."""
        return SUBJECTS[self.name].kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything a caption may tell of a picture; the rest is left to the renderer's seed."""

    medium: str
    place: str
    time: str = "day"
    weather: str = "clear"
    light: str = "none"
    sky: str = ""
    background: str = "white"
    subjects: tuple[Subject, ...] = ()
    layout: str = "center"
    relation: str = ""
    sticker: bool = False
    large_light: bool = False
    on_the_moon: bool = False
    snow_cover: bool = False
    posed: bool = False

    def labels(self) -> dict[str, str]:
        """Return the slots as plain words, for recognisers and marks."""
        first = self.subjects[0] if self.subjects else None
        second = self.subjects[1] if len(self.subjects) > 1 else None
        return {
            "subject": first.name if first else "",
            "colour": first.colour if first else "",
            "count": str(first.count) if first else "",
            "second": second.name if second else "",
            "place": self.place,
            "time": self.time,
            "weather": self.weather,
            "light": self.light,
            "medium": "sticker" if self.sticker else self.medium,
            "layout": self.layout,
            "relation": self.relation,
            "background": self.background if self.place in ("plain", "table") else "",
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What scenes are drawn from: weights by name, and the chances of the rarer things.

    `posed` worlds show one large subject in one pose and place, which a small model learns fast.
    """

    name: str
    side: int
    subjects: tuple[str, ...]
    places: dict[str, float]
    times: dict[str, float]
    weathers: dict[str, float]
    media: dict[str, float]
    colours: tuple[str, ...]
    backgrounds: tuple[str, ...]
    skies: tuple[str, ...] = ()
    night_lights: dict[str, float] = field(default_factory=dict)
    colour_chance: float = 0.26
    posed: bool = False


# fmt: off
SMALL_SUBJECTS = (
    # animals
    "fox", "panda", "frog", "owl", "penguin", "whale", "butterfly", "octopus", "cat", "dog",
    "rabbit", "lion", "elephant", "pig", "turtle", "dinosaur", "unicorn", "chick", "flamingo",
    "fish", "crab", "ladybug", "bee", "snail",
    # plants
    "sunflower", "mushroom", "tree", "cactus", "palm tree", "rose", "tulip", "maple leaf",
    # food
    "apple", "pumpkin", "strawberry", "watermelon", "pineapple", "donut", "ice cream", "cupcake",
    # buildings and vehicles
    "house", "castle", "tent", "church", "sailboat", "car", "bus", "train", "airplane",
    "rocket", "balloon", "ufo",
    # things and folk
    "snowman", "heart", "teapot", "robot", "star", "ghost", "crown", "lantern", "umbrella",
    "gift", "guitar", "diamond",
)
POCKET_SUBJECTS = (
    "fox", "panda", "frog", "owl", "penguin", "whale", "butterfly", "octopus", "cat", "dog",
    "elephant", "dinosaur", "sunflower", "mushroom", "tree", "cactus", "apple", "pumpkin",
    "strawberry", "house", "castle", "sailboat", "car", "rocket", "balloon", "snowman", "heart",
    "teapot", "robot", "star", "ghost", "crown",
)
FULL_COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "golden",
    "gray", "brown", "turquoise",
)
FULL_BACKGROUNDS = (
    "white", "pink", "blue", "yellow", "green", "orange", "purple", "red", "black", "gray",
    "turquoise", "beige",
)
# fmt: on

SMALL = World(
    name="small",
    side=128,
    subjects=SMALL_SUBJECTS,
    places={
        "plain": 0.26,
        "hills": 0.07,
        "flower field": 0.07,
        "desert": 0.07,
        "sea": 0.07,
        "beach": 0.06,
        "snowy mountains": 0.07,
        "pine forest": 0.07,
        "autumn forest": 0.06,
        "city": 0.06,
        "space": 0.07,
        "underwater": 0.07,
    },
    times={"day": 0.45, "sunset": 0.27, "night": 0.28},
    weathers={"clear": 1.0},
    media={
        "illustration": 0.31,
        "watercolor": 0.11,
        "oil": 0.11,
        "pastel": 0.11,
        "neon": 0.09,
        "paper cut": 0.11,
        "sepia": 0.08,
        "silhouette": 0.08,
    },
    colours=("red", "yellow", "green", "blue", "purple", "pink"),
    backgrounds=("white", "pink", "blue", "yellow", "green", "purple"),
    night_lights={"moon": 0.45, "stars": 0.35, "aurora": 0.20},
    colour_chance=0.20,
    posed=True,
)

POCKET = replace(SMALL, name="pocket", subjects=POCKET_SUBJECTS)

FULL = World(
    name="full",
    side=256,
    subjects=tuple(SUBJECTS),
    places={
        **dict.fromkeys(("mountains", "hills", "meadow", "flower field", "desert", "beach"), 1.0),
        **dict.fromkeys(("lake", "autumn forest", "snowy forest", "city", "underwater"), 1.0),
        **dict.fromkeys(("jungle", "snow field", "canyon", "village"), 0.8),
        **dict.fromkeys(("island", "volcano", "wheat field", "river"), 0.7),
        **{"snowy mountains": 1.1, "pine forest": 1.1, "space": 1.0, "sea": 1.3},
        **dict.fromkeys(("farm", "harbor", "garden", *ROOMS), 0.9),
        **{"table": 1.6, "plain": 2.6},
    },
    times={
        "day": 0.26,
        "morning": 0.10,
        "dawn": 0.09,
        "golden hour": 0.10,
        "sunset": 0.17,
        "dusk": 0.08,
        "night": 0.20,
    },
    weathers={
        "clear": 0.42,
        "cloudy": 0.22,
        "foggy": 0.09,
        "rainy": 0.08,
        "snowing": 0.09,
        "stormy": 0.04,
        "rainbow": 0.06,
    },
    media={
        "illustration": 4.6,
        "watercolor": 2.0,
        "oil": 1.6,
        **dict.fromkeys(("ink", "pixel", "pastel", "neon", "paper cut", "comic"), 1.1),
        **dict.fromkeys(("pencil", "stained glass"), 1.0),
        **dict.fromkeys(("woodcut", "gouache"), 0.9),
        **dict.fromkeys(("silhouette", "low poly"), 0.8),
        **dict.fromkeys(("sepia", "mosaic", "chalkboard"), 0.7),
    },
    colours=FULL_COLOURS,
    backgrounds=FULL_BACKGROUNDS,
    skies=("pink", "purple", "green", "orange", "red", "teal", "yellow"),
    night_lights={"moon": 0.36, "crescent": 0.20, "stars": 0.24, "aurora": 0.12, "none": 0.08},
)

WORLDS = {world.name: world for world in (POCKET, SMALL, FULL)}
COLOURLESS_MEDIA = ("ink", "sepia", "silhouette", "woodcut", "chalkboard")


def held_out(first: str, second: str, salt: str) -> bool:
    """Tell whether a pair (subject|place p, subject|medium s, subject|colour c) is kept unseen."""
    return zlib.crc32(f"{first}|{second}|{salt}".encode()) % 25 == 0


def composes_unseen(scene: Scene) -> bool:
    """Tell whether `scene` holds a pair that training never shows."""
    return any(
        held_out(s.name, scene.place, "p")
        or held_out(s.name, scene.medium, "s")
        or bool(s.colour and held_out(s.name, s.colour, "c"))
        for s in scene.subjects
    )


def choose(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """Return a key of `weights`, drawn in proportion to its value."""
    names = list(weights)
    values = np.array([weights[n] for n in names])
    return names[int(rng.choice(len(names), p=values / values.sum()))]


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Return one of `items`, all alike likely."""
    return items[int(rng.integers(len(items)))]


def belongs(kind: str, place: str) -> bool:
    """Tell whether a subject of `kind` is at home in `place` (others come too, more rarely)."""
    match place:
        case "underwater":
            return kind in ("underwater", "water")
        case "space":
            return kind in ("flying", "ground", "object", "vehicle")
        case "sea":
            return kind in ("water", "flying", "underwater")
        case "table":
            return kind in ("object", "plant")
        case "library" | "kitchen" | "bedroom":
            return kind in ("object", "plant", "ground")
        case "lake" | "beach" | "river" | "island":
            return kind != "underwater"
        case _:
            return kind not in ("underwater", "water")


def draw_light(world: World, time: str, rng: np.random.Generator) -> str:
    """Return what shines in the sky at `time`."""
    if time == "night":
        return choose(rng, world.night_lights)
    if time == "dusk":
        return choose(rng, {"moon": 0.25, "crescent": 0.20, "stars": 0.15, "none": 0.40})
    return "sun" if rng.random() < 0.55 else "none"


def draw_subject(world: World, place: str, medium: str, rng: np.random.Generator) -> Subject:
    """Return a subject for `place`, sometimes in a colour of its own."""
    name = pick(rng, world.subjects)
    if not world.posed:
        for _ in range(6):
            if belongs(SUBJECTS[name].kind, place) or rng.random() < 0.22:
                break
            name = pick(rng, world.subjects)
    coloured = rng.random() < world.colour_chance and medium not in COLOURLESS_MEDIA
    return Subject(name=name, colour=pick(rng, world.colours) if coloured else "")


def draw_time(world: World, place: str, medium: str, rng: np.random.Generator) -> str:
    """Return a time of day; dark shapes are not told from a night, so silhouettes get a sunset."""
    if place in INDOOR:
        return "day"
    time = choose(rng, world.times)
    return "sunset" if medium == "silhouette" and time == "night" else time


def draw_medium_and_place(world: World, rng: np.random.Generator) -> tuple[str, str]:
    """Return a medium and a place; silhouettes need a bright sky or a plain ground behind them."""
    medium, place = choose(rng, world.media), choose(rng, world.places)
    if medium == "silhouette" and place in ("table", "underwater", "space", *ROOMS):
        place = "hills"
    return medium, place


def draw_posed(world: World, rng: np.random.Generator) -> Scene:
    """Return a scene with one large subject."""
    medium, place = draw_medium_and_place(world, rng)
    indoor = place in INDOOR
    time = draw_time(world, place, medium, rng)
    return Scene(
        medium=medium,
        place=place,
        time=time,
        light="none" if indoor else draw_light(world, time, rng),
        background=pick(rng, world.backgrounds),
        subjects=(draw_subject(world, place, medium, rng),),
        posed=True,
    )


def draw_subjects(
    world: World, place: str, medium: str, rng: np.random.Generator
) -> tuple[Subject, ...]:
    """Return no subject (a landscape), one, several alike, or two different ones."""
    if rng.random() < 0.07 and place not in ("plain", "table"):
        return ()
    count = COUNTS[int(rng.choice(4, p=(0.79, 0.10, 0.07, 0.04)))]
    first = draw_subject(world, place, medium, rng)
    if count > 1:
        return (Subject(name=first.name, colour=first.colour, count=count),)
    if rng.random() < 0.20:
        return first, draw_subject(world, place, medium, rng)
    return (first,)


def draw_free(world: World, rng: np.random.Generator) -> Scene:
    """Return a scene of the wide world: any weather, count, layout and relation."""
    medium, place = draw_medium_and_place(world, rng)
    indoor = place in INDOOR
    time = draw_time(world, place, medium, rng)
    light = "none" if indoor else draw_light(world, time, rng)
    weather = "clear" if indoor else choose(rng, world.weathers)
    if time == "night" and weather == "rainbow":
        weather = "clear"
    subjects = draw_subjects(world, place, medium, rng)
    layouts: dict[str, float] = dict(zip(LAYOUTS, (0.5, 0.12, 0.12, 0.15, 0.11), strict=True))
    relations: dict[str, float] = dict(
        zip(RELATIONS, (0.40, 0.12, 0.16, 0.12, 0.10, 0.10), strict=True)
    )
    tinted = not indoor and time != "night" and rng.random() < 0.09
    return Scene(
        medium=medium,
        place=place,
        time=time,
        weather=weather,
        light=light,
        sky=pick(rng, world.skies) if tinted else "",
        background=pick(rng, world.backgrounds),
        subjects=subjects,
        layout=choose(rng, layouts) if len(subjects) == 1 else "center",
        relation=choose(rng, relations) if len(subjects) == 2 else "",
        sticker=place == "plain" and medium == "illustration" and rng.random() < 0.3,
        large_light=light in ("sun", "moon", "crescent") and rng.random() < 0.12,
        on_the_moon=place == "space" and rng.random() < 0.5,
        snow_cover=weather == "snowing"
        and place in ("hills", "village", "meadow", "river")
        and rng.random() < 0.8,
    )


def draw_scene(world: World, rng: np.random.Generator, *, unseen: bool | None = False) -> Scene:
    """Return a scene: without held-out pairs (False), with at least one (True), either (None)."""
    while True:
        scene = draw_posed(world, rng) if world.posed else draw_free(world, rng)
        if unseen is None or composes_unseen(scene) == unseen:
            return scene
