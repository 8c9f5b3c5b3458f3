"""A finished latent survives a crash, bit for bit, and a damaged one harms nothing."""

from pathlib import Path

import numpy as np
import pytest

from desktop_app.engine.events import Latents
from desktop_app.recipe.provenance import Origin
from desktop_app.store.journal import Journal
from tests.store.samples import recipe_of


def latents_of(seed: int) -> Latents:
    random = np.random.default_rng(seed)
    return Latents(
        latents=random.standard_normal((1, 4, 8, 8), dtype=np.float32), noise_sha256="3" * 64
    )


def test_latents_come_back_bit_for_bit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.pending() == []
    kept = [latents_of(seed) for seed in range(3)]
    tokens = [journal.keep(recipe_of(seed), kept[seed]) for seed in range(3)]
    journal.drop(tokens[1])
    journal.drop("unknown")
    journal.drop("../../etc/passwd")
    found = Journal(tmp_path / "journal").pending()
    assert [token for token, _, _ in found] == [tokens[0], tokens[2]]
    for (_, recipe, latents), seed in zip(found, (0, 2), strict=True):
        assert recipe == recipe_of(seed)
        assert np.array_equal(latents.latents, kept[seed].latents)
        assert latents.latents.dtype == np.float32
        assert latents.latents.flags.writeable
        assert latents.noise_sha256 == "3" * 64


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "header", "long"])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: str) -> None:
    journal = Journal(tmp_path)
    bad, good = (journal.keep(recipe_of(seed), latents_of(seed)) for seed in (1, 2))
    path = tmp_path / f"{bad}.latents"
    data = bytearray(path.read_bytes())
    match damage:
        case "cut":
            data = data[:-100]
        case "flip":
            data[-5] ^= 1
        case "empty":
            data = bytearray()
        case "text":
            data = bytearray(b"hello")
        case "header":
            data[24:40] = b"\xff" * 16
        case _:
            data[20:24] = b"\xff" * 4
    path.write_bytes(data)
    assert [token for token, _, _ in journal.pending()] == [good]
    assert path.with_suffix(".bad").exists()
    assert len(journal.pending()) == 1


def test_a_hostile_shape_is_not_believed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    token = journal.keep(recipe_of(), latents_of(1))
    path = tmp_path / f"{token}.latents"
    path.write_bytes(path.read_bytes().replace(b"[1,4,8,8]", b"[1,4,8,9]"))
    assert journal.pending() == []


def test_a_latent_remembers_what_its_picture_comes_from(tmp_path: Path) -> None:
    origin = Origin(picture="ab" * 32, kind="variation")
    journal = Journal(tmp_path)
    journal.keep(recipe_of(1), latents_of(1), origin)
    journal.keep(recipe_of(2), latents_of(2))
    assert [kept.origin for _, _, kept in journal.pending()] == [origin, None]
