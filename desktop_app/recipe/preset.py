"""Preset: what everything that is kept under a name has, be it a seed, settings or a style."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from desktop_app.errors import AppError

NAME_MAX = 80
TAG_MAX = 40
TAGS_MAX = 32
NOTES_MAX = 20_000
SAMPLES_MAX = 24
"""Characters of a name, a tag and the notes; tags and sample pictures of one preset."""

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """Something under a name. Names are told apart without upper and lower case.

    Attributes:
        tags: words to find it by, no two alike.
        notes: what the artist wrote about it.
        created: UTC, ISO 8601; empty when that is not known.
        samples: pixel hashes of pictures that show it, the newest first.

    Raises:
        AppError: `preset-name`, `preset-tag`, `text-length` or `preset-file`.
    """

    name: str
    tags: tuple[str, ...] = ()
    notes: str = ""
    created: str = ""
    samples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.tags) > TAGS_MAX:
            raise AppError("preset-tag", f"A preset may have {TAGS_MAX} tags.")
        for tag in self.tags:
            if not tag.strip() or tag != tag.strip() or not tag.isprintable() or "," in tag:
                raise AppError("preset-tag", "A tag is a word or a few, without a comma.")
            if len(tag) > TAG_MAX:
                raise AppError("preset-tag", f"A tag may have {TAG_MAX} characters.")
        if len({tag.casefold() for tag in self.tags}) < len(self.tags):
            raise AppError("preset-tag", "Two tags are alike.")
        if len(self.notes) > NOTES_MAX:
            raise AppError("text-length", f"Notes may have {NOTES_MAX:,} characters.")
        if any("\ud800" <= c <= "\udfff" for c in self.name + self.notes + "".join(self.tags)):
            raise AppError("text-characters", "The preset holds characters that are no text.")
        if len(self.samples) > SAMPLES_MAX or not all(map(_HASH.fullmatch, self.samples)):
            raise AppError("preset-file", "The preset names pictures in a way not known here.")
        if len(self.created) > 40:
            raise AppError("preset-file", "The preset has no readable date.")


def check_name(name: str) -> None:
    """Raises:
    AppError: `preset-name` for what cannot be the name of a preset.
    """
    if not name.strip() or name != name.strip():
        raise AppError("preset-name", "A name needs at least one letter.")
    if len(name) > NAME_MAX or not name.isprintable():
        raise AppError("preset-name", f"A name may have {NAME_MAX} plain characters.")


def same(one: str, other: str) -> bool:
    """Whether two names are one."""
    return one.casefold() == other.casefold()


def tags_in(text: str) -> tuple[str, ...]:
    """The tags that are typed with commas between them, without doubles."""
    return united(" ".join(part.split()) for part in text.split(","))


def united(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in order, each once, empty ones left out."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or `wanted 2` and so on where that name is taken; always a valid name."""
    plain = "".join(c if c.isprintable() else " " for c in wanted)
    plain = " ".join(plain.split())[:NAME_MAX].strip() or "Unnamed"
    known = {name.casefold() for name in taken}
    name, number = plain, 1
    while name.casefold() in known:
        number += 1
        ending = f" {number}"
        name = plain[: NAME_MAX - len(ending)].rstrip() + ending
    return name
