"""A picture of a packed network: what it says of itself, and that it is made again exactly."""

from pathlib import Path

import pytest
import torch

from desktop_app.engine.events import Loading
from desktop_app.engine.render import LocalBackend
from desktop_app.recipe.recipe import ModelRef, Recipe
from tests.engine.gguf_files import write_packed
from tests.engine.kits import make_kit, network_of
from tests.engine.models import Events
from tests.engine.tiny_settings import tiny_configs

pytestmark = pytest.mark.slow


def test_a_picture_of_a_packed_network_says_so_and_is_proved(tmp_path: Path) -> None:
    configs = tiny_configs(tmp_path / "model_configs")
    kit = make_kit(configs, tmp_path / "kit", "sd3", torch.float32)
    path = write_packed(tmp_path / "network.gguf", network_of(kit.parts, "sd3"))
    lent = kit.lent()
    assert lent.vae is not None
    files = {one.ref.sha256: one.path for one in (*lent.text_encoders, lent.vae)}
    recipe = Recipe(
        model=ModelRef(sha256="ab" * 32, name="packed", kind="single"),
        vae=lent.vae.ref,
        text_encoders=tuple(one.ref for one in lent.text_encoders),
        prompt="a fox",
        width=64,
        height=64,
        num_inference_steps=2,
        scheduler="euler",
    )
    backend = LocalBackend(
        lambda ref: files.get(ref.sha256, path),
        cache=tmp_path / "cache",
        threads=1,
        device="cpu",
        configs=configs,
        words=lent.words,
    )
    events = Events()
    made = backend.render(recipe, events)
    keeping = next(one.keeping for one in events.of(Loading) if one.keeping is not None)
    assert "its weights packed" in keeping.in_words()
    setting = made.provenance.fingerprint
    assert setting.dtype == "float32 with Q8_0"
    again = backend.render(recipe, Events(), like=setting)
    assert again.provenance.pixels_sha256 == made.provenance.pixels_sha256
    backend.close()
