"""Captions: a scene told in varied English, and which of its slots the words really name."""

import numpy as np

from starter_model import words
from starter_model.subjects import SUBJECTS
from starter_model.world import INDOOR, Scene, Subject, pick

Rng = np.random.Generator
JOINING = ("at ", "in ", "under", "with ", "by ", "on ", "during")


def noun(subject: Subject, layout: str, rng: Rng, *, full: bool) -> str:
    """Return a subject with article, size, colour and number."""
    entry = SUBJECTS[subject.name]
    word = subject.name
    if entry.synonyms and not full and rng.random() < 0.25:
        word = pick(rng, entry.synonyms)
    colour = ""
    if subject.colour:
        colour = pick(rng, words.COLOURS.get(subject.colour, (subject.colour,))) + " "
    size = ""
    if layout == "big":
        size = pick(rng, ("big ", "large ", "huge "))
    elif layout == "small":
        size = pick(rng, ("small ", "tiny ", "little "))
    if subject.count > 1:
        number = pick(rng, words.NUMBERS[subject.count])
        return f"{number} {size}{colour}{words.plural(word)}"
    if word in words.UNCOUNTED:
        return size + colour + word
    if rng.random() < 0.07 and not full:
        return "the " + size + colour + word
    return words.with_article(size + colour + word)


class Teller:
    """Tells one scene; `named` collects the slots that the caption names, with their values."""

    def __init__(self, scene: Scene, rng: Rng, *, full: bool) -> None:
        self.scene, self.rng, self.full = scene, rng, full
        self.labels = scene.labels()
        self.named: dict[str, str] = {}

    def keep(self, chance: float) -> bool:
        """Tell whether to say something that is left out with probability 1 - `chance`."""
        return self.full or bool(self.rng.random() < chance)

    def name(self, *slots: str) -> None:
        """Note that the caption names `slots`."""
        for slot in slots:
            self.named[slot] = self.labels[slot] or "none"

    def head(self) -> str:
        """Return what the picture shows."""
        scene, rng = self.scene, self.rng
        if not scene.subjects:
            self.name("place")
            return pick(rng, words.PLACES[scene.place][1])
        self.name("subject", "colour", "count")
        if scene.layout in ("big", "small"):
            self.name("layout")
        head = noun(scene.subjects[0], scene.layout, rng, full=self.full)
        if len(scene.subjects) == 2:
            self.name("second", "relation")
            join = pick(rng, words.RELATIONS[scene.relation])
            head += f" {join} {noun(scene.subjects[1], 'center', rng, full=self.full)}"
        if scene.layout in ("left", "right") and self.keep(0.75):
            self.name("layout")
            head += pick(rng, (" on the {}", " on the {} side", " to the {}")).format(scene.layout)
        return head

    def where(self) -> str:
        """Return where it is."""
        scene, rng = self.scene, self.rng
        if not scene.subjects or not self.keep(0.70 if scene.place == "plain" else 0.92):
            return ""
        self.name("place")
        if scene.place == "plain":
            self.name("background")
            forms = ("on a {} background", "on a plain {} background", "isolated on {}")
            return pick(rng, forms).format(scene.background)
        if scene.on_the_moon and rng.random() < 0.5:
            return "on the moon"
        where = pick(rng, words.PLACES[scene.place][0])
        if scene.place == "table" and rng.random() < 0.25:
            self.name("background")
            where += f" in front of a {scene.background} wall"
        return where

    def when(self) -> list[str]:
        """Return time, light, weather and sky, in any order."""
        scene, rng = self.scene, self.rng
        if scene.place in INDOOR:
            return []
        parts: list[str] = []
        if self.keep(0.65 if scene.time != "day" else 0.35):
            self.name("time")
            parts.append(pick(rng, words.TIMES[scene.time]))
        if scene.light != "none" and self.keep(0.65 if scene.light != "sun" else 0.3):
            self.name("light")
            phrase = pick(rng, words.LIGHTS[scene.light])
            if scene.large_light:
                phrase = (
                    pick(rng, ("with a huge ", "under a giant ")) + words.LIGHT_NAMES[scene.light]
                )
            parts.append(phrase)
        if scene.weather != "clear" and self.keep(0.75):
            self.name("weather")
            parts.append(pick(rng, words.WEATHERS[scene.weather]))
        if scene.sky and self.keep(0.9):
            parts.append(pick(rng, ("under a {} sky", "with a {} sky")).format(scene.sky))
        return [parts[i] for i in rng.permutation(len(parts))]

    def style(self) -> tuple[str, str]:
        """Return (prefix, suffix) that name the medium."""
        rng, medium = self.rng, self.labels["medium"]
        if medium == "illustration" and not self.keep(0.5):
            return "", ""
        self.name("medium")
        if medium == "sticker" or self.full or rng.random() < 0.62:
            return pick(rng, words.PREFIXES[medium]) + " ", ""
        return "", ", " + pick(rng, words.SUFFIXES[medium])

    def noise(self, text: str) -> str:
        """Return `text` with the fillers and nonsense that people write: they mean nothing."""
        rng = self.rng
        if rng.random() < 0.10:
            text += ", " + pick(rng, words.FILLERS)
        if rng.random() < 0.05:
            text = pick(rng, words.FILLERS) + " " + text
        if rng.random() < 0.04:
            text += " " + "".join(
                pick(rng, words.SYLLABLES) for _ in range(int(rng.integers(2, 4)))
            )
        if rng.random() < 0.06:
            text = text.replace(", ", " ")
        if rng.random() < 0.05 and text.startswith("a "):
            text = text[2:]
        return text


def caption(scene: Scene, rng: Rng, *, full: bool = False) -> tuple[str, dict[str, str]]:
    """Return a caption and the slots it names; a `full` one names all and adds no noise."""
    teller = Teller(scene, rng, full=full)
    prefix, suffix = teller.style()
    text = prefix + teller.head()
    if where := teller.where():
        text += " " + where
    for index, part in enumerate(teller.when()):
        joined = index == 0 and part.startswith(JOINING)
        text += (" " if joined else ", ") + part
    text += suffix
    return (text if full else teller.noise(text)), teller.named
