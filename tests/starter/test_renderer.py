"""The renderer gives the same bytes for the same seed and draws everything its worlds name."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from starter_model import render as pools
from starter_model.captions import caption
from starter_model.media import MEDIA
from starter_model.pool import Pool, part, shard_paths
from starter_model.scene import render
from starter_model.world import (
    FULL,
    SMALL,
    Scene,
    Subject,
    World,
    composes_unseen,
    draw_scene,
    held_out,
)

FOX = Scene(medium="illustration", place="hills", subjects=(Subject(name="fox"),), posed=True)


def digest(picture: np.ndarray) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("medium", sorted(FULL.media))
def test_a_scene_and_a_seed_give_the_same_picture(medium: str) -> None:
    scene = Scene(
        medium=medium,
        place="sea",
        time="night",
        light="aurora",
        weather="snowing",
        subjects=(Subject(name="sailboat", colour="red"),),
    )
    first, mask = render(scene, 64, 5)
    again, _ = render(scene, 64, 5)
    other, _ = render(scene, 64, 6)
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)
    assert first.shape == (64, 64, 3)
    assert 0.02 < mask.mean() < 0.6


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("place", sorted(FULL.places))
def test_every_place_is_drawn_under_every_weather(place: str) -> None:
    pictures = set()
    for index, weather in enumerate(FULL.weathers):
        scene = Scene(
            medium="illustration", place=place, weather=weather, time=list(FULL.times)[index]
        )
        picture, mask = render(scene, 48, index)
        assert picture.std() > 2 or place == "plain"
        assert mask.max() == 0
        pictures.add(digest(picture))
    assert len(pictures) == len(FULL.weathers)


@pytest.mark.usefixtures("font")
def test_the_mask_shows_where_the_subject_is() -> None:
    with_fox, mask = render(FOX, 64, 3)
    without, _ = render(Scene(medium="illustration", place="hills", posed=True), 64, 3)
    changed = np.abs(with_fox.astype(int) - without.astype(int)).max(-1) > 24
    assert changed[mask > 0.9].mean() > 0.9


@pytest.mark.parametrize("world", [SMALL, FULL], ids=lambda world: world.name)
def test_worlds_name_only_what_can_be_drawn(world: World) -> None:
    assert set(world.media) <= set(MEDIA)
    for index in range(200):
        rng = np.random.default_rng(index)
        scene = draw_scene(world, rng, unseen=None)
        text, named = caption(scene, rng)
        assert text == text.strip()
        labels = scene.labels()
        assert all(labels[slot] in (value, "") for slot, value in named.items())


@pytest.mark.parametrize("world", [SMALL, FULL], ids=lambda world: world.name)
def test_held_out_pairs_are_kept_from_training_and_found_when_asked_for(world: World) -> None:
    rng = np.random.default_rng(3)
    assert not any(composes_unseen(draw_scene(world, rng)) for _ in range(300))
    assert all(composes_unseen(draw_scene(world, rng, unseen=True)) for _ in range(30))
    pairs = [(s, p) for s in SMALL.subjects for p in SMALL.places if held_out(s, p, "p")]
    assert 0.01 < len(pairs) / (len(SMALL.subjects) * len(SMALL.places)) < 0.1


def test_a_full_caption_names_every_slot_and_no_nonsense() -> None:
    text, named = caption(FOX, np.random.default_rng(0), full=True)
    assert "fox" in text
    assert {"subject", "place", "medium", "time"} <= set(named)
    assert caption(FOX, np.random.default_rng(0), full=True)[0] == text


@pytest.mark.usefixtures("font")
def test_a_broken_shard_is_rendered_again_just_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "SHARD", 3)
    for shard in (0, 1):
        pools.render_shard(tmp_path, "small", 9, shard, 48)
    before = Pool(tmp_path).pictures(np.arange(6))
    lost = shard_paths(tmp_path)[1]
    lost.unlink()  # what a kill leaves: pictures without the file that is written last
    part(lost, "pictures").write_bytes(b"half")
    assert len(Pool(tmp_path)) == 3
    pools.render_shard(tmp_path, "small", 9, 1, 48)
    assert np.array_equal(Pool(tmp_path).pictures(np.arange(6)), before)
