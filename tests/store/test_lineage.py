"""The family of a picture: complete, in order, and no ring or flood can hang on it."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Origin, OriginKind
from desktop_app.store import lineage
from desktop_app.store.lineage import Family, family
from desktop_app.store.record import Record
from tests.store.conftest import Gallery
from tests.store.samples import pixels_of, provenance_of, recipe_of


def child(
    gallery: Gallery, seed: int, parent: Record | str | None, kind: OriginKind = "variation"
) -> Record:
    """Save a picture that says it was derived from another."""
    pixels = pixels_of(seed)
    key = parent.pixels_sha256 if isinstance(parent, Record) else parent
    origin = Origin(picture=key, kind=kind) if key else None
    made = replace(provenance_of(pixels), origin=origin)
    return gallery.pictures.save(recipe_of(seed), made, pixels)


def hash_of(seed: int) -> str:
    return provenance_of(pixels_of(seed)).pixels_sha256


def seeds(found: Family) -> list[int]:
    recipes = [one.record.recipe for one in found.members if one.record]
    return [recipe.seed for recipe in recipes if recipe]


@pytest.fixture
def tree(gallery: Gallery) -> dict[int, Record]:
    """1 has 2 and 3; 2 has 4 and 5; 4 has 6."""
    made: dict[int, Record] = {1: child(gallery, 1, None)}
    for seed, parent in ((2, 1), (3, 1), (4, 2), (5, 2), (6, 4)):
        made[seed] = child(gallery, seed, made[parent], "settings" if seed == 5 else "variation")
    child(gallery, 90, None)
    return made


@pytest.mark.parametrize("focus", [1, 2, 3, 4, 5, 6])
def test_the_same_tree_from_each_of_its_pictures(
    gallery: Gallery, tree: dict[int, Record], focus: int
) -> None:
    found = family(gallery.pictures, tree[focus].id)
    assert found.focus == tree[focus].pixels_sha256
    assert sorted(seeds(found)) == [1, 2, 3, 4, 5, 6]
    assert not found.more
    places = {one.picture: i for i, one in enumerate(found.members)}
    for one in found.members[1:]:
        assert places[one.parent] < places[one.picture]
    assert found.members[0].parent == ""
    five = found.member(tree[5].pixels_sha256)
    assert five is not None
    assert five.kind == "settings"
    assert [one.picture for one in found.children(tree[2].pixels_sha256)] == [
        tree[4].pixels_sha256,
        tree[5].pixels_sha256,
    ]


def test_a_rebuilt_index_knows_the_families(gallery: Gallery, tree: dict[int, Record]) -> None:
    gallery.lose_database()
    gallery.pictures.rebuild_index()
    (number,) = gallery.pictures.ids_with("pixels_sha256", [tree[4].pixels_sha256])
    assert sorted(seeds(family(gallery.pictures, number))) == [1, 2, 3, 4, 5, 6]


def test_a_parent_that_is_gone_is_shown_as_gone(gallery: Gallery) -> None:
    orphan = child(gallery, 2, "ab" * 32, "branch")
    sister = child(gallery, 3, "ab" * 32)
    first, *rest = family(gallery.pictures, orphan.id).members
    assert (first.picture, first.record) == ("ab" * 32, None)
    assert {one.picture for one in rest} == {orphan.pixels_sha256, sister.pixels_sha256}


def test_a_trashed_parent_is_gone_until_it_is_brought_back(
    gallery: Gallery, tree: dict[int, Record]
) -> None:
    gallery.pictures.trash([tree[2].id])
    found = family(gallery.pictures, tree[4].id)
    assert found.members[0].record is None
    assert sorted(seeds(found)) == [4, 5, 6]
    gallery.pictures.restore([tree[2].id])
    assert sorted(seeds(family(gallery.pictures, tree[4].id))) == [1, 2, 3, 4, 5, 6]


def test_a_ring_is_cut(gallery: Gallery) -> None:
    one = child(gallery, 1, hash_of(3))
    two = child(gallery, 2, one)
    three = child(gallery, 3, two)
    itself = child(gallery, 4, hash_of(4))
    for record in (one, two, three):
        assert sorted(seeds(family(gallery.pictures, record.id))) == [1, 2, 3]
    assert seeds(family(gallery.pictures, itself.id)) == [4]


def test_a_flood_of_children_is_bounded(
    gallery: Gallery, tree: dict[int, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "MEMBERS_MAX", 3)
    found = family(gallery.pictures, tree[6].id)
    assert found.more
    assert {1, 2, 4, 6} <= set(seeds(found))
    monkeypatch.setattr(lineage, "MEMBERS_MAX", 400)
    monkeypatch.setattr(lineage, "UP_MAX", 2)
    found = family(gallery.pictures, tree[6].id)
    assert found.more
    assert seeds(found) == [4, 6]


def test_two_files_of_one_picture_are_one_member(gallery: Gallery, tree: dict[int, Record]) -> None:
    twin = gallery.pictures.save(
        recipe_of(4), replace(provenance_of(pixels_of(4)), origin=None), pixels_of(4)
    )
    found = family(gallery.pictures, tree[1].id)
    assert sorted(seeds(found)) == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(gallery.pictures.pixels(twin.id), pixels_of(4))


def test_a_picture_without_a_record_has_a_family_of_one(gallery: Gallery) -> None:
    record = child(gallery, 1, None)
    (only,) = family(gallery.pictures, record.id).members
    assert (only.kind, only.parent) == ("", "")
    with pytest.raises(AppError):
        family(gallery.pictures, record.id + 1)
