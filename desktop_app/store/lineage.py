"""Lineage: which picture was derived from which, as a tree around any one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop_app.recipe.provenance import OriginKind
from desktop_app.store.pictures import Pictures
from desktop_app.store.record import Record

UP_MAX = 200
"""Generations that are followed back."""
MEMBERS_MAX = 400
"""Pictures in one tree."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One picture of a family.

    Attributes:
        picture: sha256 of its pixels.
        record: None when it is not in the gallery any more.
        kind: how it was derived from its parent; empty for the first of the family.
        parent: sha256 of that one's pixels; empty for the first.
    """

    picture: str
    record: Record | None
    kind: OriginKind | str = ""
    parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """All pictures that come from one.

    Attributes:
        focus: sha256 of the pixels of the picture that was asked for.
        members: the first one first, then generation by generation; a parent before its children.
        more: whether there are more than are listed.
    """

    focus: str
    members: tuple[Member, ...]
    more: bool = False

    def member(self, picture: str) -> Member | None:
        return next((one for one in self.members if one.picture == picture), None)

    def children(self, picture: str) -> tuple[Member, ...]:
        return tuple(one for one in self.members if one.parent == picture)


def family(pictures: Pictures, number: int) -> Family:
    """The tree that a picture stands in.

    Files may say anything about where they come from: a ring of pictures, each derived from the
    next, is cut where it closes.

    Raises:
        AppError: `picture-unknown`.
    """
    focus = pictures.record(number)
    line = _line(pictures, focus)
    # Pictures of the line keep their place however many siblings they have.
    kept = {one.picture: one for one in line}
    members = [line[-1]]
    seen = {line[-1].picture}
    more = len(line) >= UP_MAX
    generation = [line[-1].picture]
    while generation:
        found = [_member(one) for one in _select(pictures, "parent", generation)]
        new = {one.picture: kept.get(one.picture, one) for one in found if one.picture not in seen}
        room = max(MEMBERS_MAX - len(members), 0)
        chosen = set(sorted(new, key=lambda picture: picture not in kept)[:room])
        fresh = [one for one in new.values() if one.picture in chosen]
        more = more or len(new) > room
        members += fresh
        generation = [one.picture for one in fresh]
        seen.update(generation)
    members += [one for one in reversed(line) if one.picture not in seen]
    return Family(focus=focus.pixels_sha256, members=tuple(members), more=more)


def _line(pictures: Pictures, focus: Record) -> list[Member]:
    """The picture, its parent, and so on; one that is gone ends it."""
    line = [_member(focus)]
    seen = {focus.pixels_sha256}
    while (parent := line[-1].parent) and parent not in seen and len(line) < UP_MAX:
        seen.add(parent)
        found = _select(pictures, "pixels_sha256", [parent])
        line.append(_member(found[0]) if found else Member(picture=parent, record=None))
    # The parent of the last one is beyond the tree, or further down in it.
    last = line[-1]
    line[-1] = Member(picture=last.picture, record=last.record)
    return line


def _member(record: Record) -> Member:
    origin = record.provenance.origin if record.provenance else None
    return Member(
        picture=record.pixels_sha256,
        record=record,
        kind=origin.kind if origin and origin.picture else "",
        parent=origin.picture if origin else "",
    )


def _select(
    pictures: Pictures, column: Literal["parent", "pixels_sha256"], values: Sequence[str]
) -> list[Record]:
    return pictures.records(sorted(pictures.ids_with(column, values))[: 2 * MEMBERS_MAX])
