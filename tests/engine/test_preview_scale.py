"""A VAE shows the previews of each model in the scale of that model's own settings."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from desktop_app.engine.events import Step
from desktop_app.engine.render import LocalBackend
from desktop_app.recipe.recipe import ModelRef, Recipe
from tests.engine.models import Events

VAE = "vae/diffusion_pytorch_model.safetensors"


def test_one_vae_in_models_of_two_scales(tiny_model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    config = json.loads((other / "vae" / "config.json").read_text("utf-8"))
    config["scaling_factor"] = 2 * config.get("scaling_factor", 0.18215)
    (other / "vae" / "config.json").write_text(json.dumps(config), "utf-8")
    places = {"a": tiny_model, "b": other, "c": tiny_model / VAE}

    def shown(models: str) -> Any:
        backend = LocalBackend(
            lambda ref: places[ref.name], cache=tmp_path / "cache", threads=1, device="cpu"
        )
        previews: list[Any] = []
        for model in models:
            recipe = Recipe(
                model=ModelRef(sha256=model * 64, name=model),
                vae=ModelRef(sha256="c" * 64, name="c", kind="vae"),
                prompt="a fox",
                width=64,
                height=64,
                num_inference_steps=2,
            )
            events = Events()
            backend.render(recipe, events, previews=True)
            previews.append(events.of(Step)[-1].preview)
        backend.close()
        return previews[-1]

    assert np.array_equal(shown("ab"), shown("b"))
