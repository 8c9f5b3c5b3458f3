"""The subjects a picture can show: name, kind and synonyms, read from `subjects.tsv`."""

from dataclasses import dataclass
from pathlib import Path

KINDS = ("ground", "flying", "water", "underwater", "plant", "object", "vehicle", "building")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One subject: the character drawn for it, its name, what it is, other words for it."""

    glyph: str
    name: str
    kind: str
    synonyms: tuple[str, ...]


def read(path: Path) -> dict[str, Entry]:
    """Return the entries of a tab-separated table by name. Raises ValueError on an unknown kind."""
    entries: dict[str, Entry] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        glyph, name, kind, synonyms = line.split("\t")
        if kind not in KINDS:
            raise ValueError(f"{path.name}: {name} has the unknown kind {kind}")
        words = tuple(word for word in synonyms.split(",") if word)
        entries[name] = Entry(glyph=glyph, name=name, kind=kind, synonyms=words)
    return entries


SUBJECTS = read(Path(__file__).with_name("subjects.tsv"))
