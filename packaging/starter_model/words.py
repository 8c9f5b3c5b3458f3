"""The words captions are made of: phrases for media, places, times, weathers and lights."""

from pathlib import Path

PREFIXES: dict[str, tuple[str, ...]] = {
    "illustration": (
        "an illustration of",
        "a digital illustration of",
        "a storybook illustration of",
        "a picture of",
        "a cartoon of",
        "an image of",
        "a drawing of",
        "a children's book illustration of",
    ),
    "watercolor": (
        "a watercolor of",
        "a watercolor painting of",
        "a watercolour of",
        "an aquarelle of",
    ),
    "oil": (
        "an oil painting of",
        "an oil on canvas of",
        "a thick oil painting of",
        "an impressionist painting of",
        "a painting of",
    ),
    "ink": ("an ink drawing of", "a pen and ink drawing of", "a black ink sketch of"),
    "pencil": ("a pencil drawing of", "a pencil sketch of", "a graphite sketch of"),
    "pixel": ("pixel art of", "8-bit pixel art of", "a retro video game sprite of"),
    "pastel": (
        "a pastel drawing of",
        "a soft pastel of",
        "a chalk pastel of",
        "a crayon drawing of",
    ),
    "neon": ("a neon picture of", "a neon light art of", "a glowing neon drawing of", "neon"),
    "woodcut": ("a woodcut of", "a woodblock print of", "a linocut of", "an old engraving of"),
    "stained glass": ("a stained glass window of", "a stained glass picture of"),
    "paper cut": (
        "a paper cut of",
        "a papercut collage of",
        "a cut paper illustration of",
        "layered paper art of",
    ),
    "comic": ("a comic book panel of", "a comic of", "a pop art picture of"),
    "sepia": ("a sepia picture of", "a vintage sepia photo of", "an old faded photograph of"),
    "silhouette": ("a silhouette of", "the silhouette of", "a dark silhouette of"),
    "low poly": ("a low poly picture of", "low poly art of"),
    "mosaic": ("a mosaic of", "a tile mosaic of", "a roman mosaic of"),
    "chalkboard": (
        "a chalk drawing of",
        "a chalkboard drawing of",
        "a white chalk line drawing of",
    ),
    "gouache": ("a gouache painting of", "a matte gouache of", "a poster paint picture of"),
    "sticker": ("a sticker of", "a die cut sticker of"),
}
SUFFIXES: dict[str, tuple[str, ...]] = {
    "illustration": ("storybook style", "flat illustration", "cartoon style"),
    "watercolor": ("watercolor", "watercolor style", "in watercolor"),
    "oil": ("oil painting", "oil on canvas", "in the style of an oil painting"),
    "ink": ("ink drawing", "pen and ink", "line art"),
    "pencil": ("pencil sketch", "graphite drawing"),
    "pixel": ("pixel art", "8-bit", "retro game style"),
    "pastel": ("pastel drawing", "soft pastels"),
    "neon": ("neon style", "neon lights", "synthwave", "cyberpunk"),
    "woodcut": ("woodcut", "linocut", "woodblock print"),
    "stained glass": ("stained glass", "as a stained glass window"),
    "paper cut": ("papercut", "paper art", "paper cutout style"),
    "comic": ("comic style", "pop art", "comic book style"),
    "sepia": ("sepia", "vintage photo"),
    "silhouette": ("silhouette", "in silhouette"),
    "low poly": ("low poly", "low-poly style"),
    "mosaic": ("mosaic", "mosaic tiles"),
    "chalkboard": ("chalk on a blackboard", "chalkboard art"),
    "gouache": ("gouache", "gouache style"),
}
# For each place: how a subject stands in it, and what it is called on its own.
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mountains": (
        ("in the mountains", "in front of mountains", "among mountains"),
        ("mountains", "a mountain landscape"),
    ),
    "snowy mountains": (
        ("in the snowy mountains", "in front of snowy peaks", "in the alps"),
        ("snowy mountains", "snow-capped mountains"),
    ),
    "hills": (
        ("on rolling hills", "in the hills", "on a green hill", "in the countryside"),
        ("rolling hills", "green hills"),
    ),
    "meadow": (("in a meadow", "on the grass", "in a green field"), ("a meadow", "a green meadow")),
    "flower field": (
        ("in a field of flowers", "in a flower meadow", "among flowers"),
        ("a field of flowers", "a flower meadow"),
    ),
    "desert": (
        ("in the desert", "on sand dunes", "in a sandy desert", "among the dunes"),
        ("a desert", "sand dunes"),
    ),
    "sea": (("on the sea", "at sea", "on the ocean", "on the waves"), ("the sea", "the ocean")),
    "beach": (("on the beach", "at the seaside", "on the shore"), ("a beach", "a tropical beach")),
    "lake": (("on a lake", "on a calm lake"), ("a lake", "a mountain lake")),
    "pine forest": (
        ("in a forest", "in a pine forest", "in the woods", "among pine trees"),
        ("a forest", "a pine forest"),
    ),
    "autumn forest": (("in an autumn forest", "among autumn trees"), ("an autumn forest",)),
    "snowy forest": (("in a snowy forest", "in a winter forest"), ("a snowy forest",)),
    "jungle": (("in the jungle", "in a tropical jungle", "in the rainforest"), ("a jungle",)),
    "city": (("in the city", "in front of a city skyline", "on a city street"), ("a city",)),
    "snow field": (("in the snow", "on a snowy plain"), ("a snowy landscape", "a snow field")),
    "island": (("on an island", "on a tropical island"), ("an island", "a tropical island")),
    "underwater": (
        ("underwater", "under the sea", "at the bottom of the ocean", "deep in the ocean"),
        ("an underwater scene", "the sea floor"),
    ),
    "space": (
        ("in space", "in outer space", "in the galaxy", "among planets and stars"),
        ("outer space", "a galaxy with planets"),
    ),
    "volcano": (("near a volcano", "by a volcano"), ("a volcano", "an erupting volcano")),
    "canyon": (("in a canyon", "in a red rock canyon"), ("a canyon",)),
    "wheat field": (("in a wheat field", "in a golden wheat field"), ("a wheat field",)),
    "village": (("in a village", "in a small village"), ("a village", "a small village")),
    "river": (("by a river", "beside a river"), ("a river", "a river valley")),
    "farm": (
        ("on a farm", "in a farmyard", "in front of a windmill"),
        ("a farm", "a farm with a barn"),
    ),
    "harbor": (
        ("in a harbor", "on a pier", "in front of a lighthouse"),
        ("a harbor", "a harbor with a lighthouse"),
    ),
    "garden": (
        ("in a garden", "in a flower garden", "on a garden path"),
        ("a garden", "a flower garden"),
    ),
    "library": (("in a library", "among bookshelves"), ("a library", "a room full of books")),
    "kitchen": (("in a kitchen", "in a cozy kitchen"), ("a kitchen", "a cozy kitchen")),
    "bedroom": (("in a bedroom", "in a cozy bedroom"), ("a bedroom", "a cozy bedroom")),
    "table": (("on a table", "on a wooden table"), ("a table",)),
}
TIMES: dict[str, tuple[str, ...]] = {
    "day": ("during the day", "on a sunny day", "in daylight"),
    "morning": ("in the morning", "early morning"),
    "dawn": ("at dawn", "at sunrise", "at daybreak"),
    "golden hour": ("at golden hour", "in golden light", "in warm evening light"),
    "sunset": ("at sunset", "with a sunset", "at sundown"),
    "dusk": ("at dusk", "at twilight", "in the evening"),
    "night": ("at night", "in the night", "by night"),
}
WEATHERS: dict[str, tuple[str, ...]] = {
    "clear": ("clear sky", "with a clear sky"),
    "cloudy": ("with clouds", "cloudy sky", "on a cloudy day"),
    "foggy": ("in the fog", "in mist", "foggy", "misty"),
    "rainy": ("in the rain", "rainy", "on a rainy day"),
    "snowing": ("in falling snow", "snowing", "during snowfall"),
    "stormy": ("in a thunderstorm", "with lightning", "stormy"),
    "rainbow": ("with a rainbow", "under a rainbow"),
}
LIGHTS: dict[str, tuple[str, ...]] = {
    "sun": ("under the sun", "with the sun"),
    "moon": ("under a full moon", "in the moonlight", "with a moon"),
    "crescent": ("under a crescent moon", "with a crescent moon"),
    "stars": ("under the stars", "with a starry sky", "under a starry sky"),
    "aurora": ("under the northern lights", "with an aurora"),
}
LIGHT_NAMES = {"sun": "sun", "moon": "full moon", "crescent": "crescent moon"}
# Between the first subject and the second.
RELATIONS: dict[str, tuple[str, ...]] = {
    "next": ("and", "next to", "with", "beside"),
    "above": ("above", "floating above", "over"),
    "behind": ("in front of",),
    "on": ("on top of", "on", "standing on"),
    "left": ("to the left of", "on the left of", "left of"),
    "right": ("to the right of", "on the right of", "right of"),
}
NUMBERS: dict[int, tuple[str, ...]] = {
    2: ("two", "2", "a pair of"),
    3: ("three", "3"),
    5: ("five", "5", "a group of", "many"),
}
COLOURS: dict[str, tuple[str, ...]] = {
    "golden": ("golden", "gold"),
    "gray": ("gray", "grey", "silver"),
    "turquoise": ("turquoise", "teal", "cyan"),
    "purple": ("purple", "violet"),
}
FILLERS = (
    "beautiful",
    "detailed",
    "highly detailed",
    "masterpiece",
    "cute",
    "lovely",
    "4k",
    "best quality",
    "cozy",
    "whimsical",
    "dreamy",
    "charming",
)
# fmt: off
SYLLABLES = (
    "ka", "lo", "mi", "ren", "tu", "vash", "ori", "pel", "sno", "gri", "den", "fal", "qui",
    "zor", "bel", "nap", "tch", "ing", "ous", "wer",
)
# fmt: on
PLURALS = {
    "mouse": "mice",
    "wolf": "wolves",
    "sheep": "sheep",
    "deer": "deer",
    "bison": "bison",
    "fish": "fish",
    "tropical fish": "tropical fish",
    "cherries": "cherries",
    "grapes": "bunches of grapes",
    "squid": "squid",
    "buffalo": "buffalo",
    "octopus": "octopuses",
    "maple leaf": "maple leaves",
    "bread": "loaves of bread",
    "stack of books": "stacks of books",
    "cup of coffee": "cups of coffee",
    "cup of tea": "cups of tea",
    "glass of wine": "glasses of wine",
    "bunch of flowers": "bunches of flowers",
    "loaf of bread": "loaves of bread",
}
UNCOUNTED = frozenset(
    ("cherries", "grapes", "books", "bread", "coffee", "tea", "cheese", "corn", "santa claus")
)
EXTRA = tuple(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())


def plural(noun: str) -> str:
    """Return the plural of `noun`."""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    if noun.endswith("man"):
        return noun[:-3] + "men"
    return noun + "s"


def with_article(noun: str) -> str:
    """Return `noun` after "a" or "an"."""
    first = noun.split(" ")[0]
    vowel = noun[0] in "aeiou" and not first.startswith(("uni", "uk", "ufo"))
    return ("an " if vowel else "a ") + noun
