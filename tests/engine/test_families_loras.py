"""Every family that says it takes LoRAs takes one, and is afterwards what it was."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from desktop_app.engine.adapters.lora import Lora, attached
from desktop_app.engine.families import caller
from desktop_app.recipe.families import FAMILIES
from tests.engine.tiny_families import MAKERS

pytestmark = [
    pytest.mark.slow,
    # Chroma's own code makes what diffusers calls deprecated.
    pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated:FutureWarning"),
]


def write_lora(path: Path, network: Any, part: str) -> None:
    """Two ranks for the first layer that asks in an attention, in diffusers' names."""
    layers = ((name, one) for name, one in network.named_modules() if name.endswith("to_q"))
    name, layer = next(layers)
    tensors = {
        f"{part}.{name}.lora_A.weight": torch.randn(2, layer.in_features),
        f"{part}.{name}.lora_B.weight": torch.randn(layer.out_features, 2),
    }
    safetensors.torch.save_file(tensors, path)


@pytest.mark.parametrize("key", [key for key in MAKERS if "lora" in FAMILIES[key].adapters])
def test_a_lora_is_attached_and_taken_off(key: str, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        pipe = MAKERS[key]()
        part = caller(pipe).denoiser
        network = getattr(pipe, part)
        write_lora(tmp_path / "one.safetensors", network, part)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    with attached(pipe, [Lora(path=tmp_path / "one.safetensors", name="one", weight=0.8)], key):
        inside = [name for name, _ in network.named_parameters() if "lora" in name]
        assert len(inside) == 2
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
