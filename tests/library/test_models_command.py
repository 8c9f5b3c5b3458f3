"""The command `models`: what was found in the watched folders, in words and as JSON."""

import json
from pathlib import Path

import pytest

from desktop_app import cli, paths
from desktop_app.settings import Settings, save
from tests.library.files import checkpoint, kohya, write_shapes

pytestmark = pytest.mark.core


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    root = tmp_path / "ComfyUI"
    small = dict.fromkeys(checkpoint("sd1"), (1,))
    small |= {name: (1, 4, 1, 1) for name in small if name.endswith("input_blocks.0.0.weight")}
    write_shapes(root / "models/checkpoints/dream.safetensors", small)
    lora = kohya([("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, 768)])
    write_shapes(root / "models/loras/fox.safetensors", lora)
    (root / "models/loras/fox.json").write_text(json.dumps({"activation text": "foxx"}))
    (root / "models/vae").mkdir()
    (root / "models/vae/soft.pt").write_bytes(b"x")
    save(paths.resolve().settings_file, Settings(model_folders=(str(root),)))
    return root


def test_everything_is_listed_with_the_reason(
    comfyui: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models"]) == 0
    shown = capsys.readouterr().out
    assert f"File      {comfyui / 'models/checkpoints/dream.safetensors'}" in shown
    assert "Also found: 1 x LoRA, 1 x VAE; --all lists them." in shown
    assert cli.main(["models", "--all"]) == 0
    shown = capsys.readouterr().out
    assert "Trigger words  foxx" in shown
    assert "It is a pickle" in shown


def test_machines_are_told_the_same(comfyui: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["models"]] == ["diffusers", "single"]
    others = {one["name"]: one for one in told["others"]}
    assert (others["fox"]["kind"], others["fox"]["family"]) == ("lora", "sd1")
    assert others["fox"]["trigger_words"] == ["foxx"]
    assert others["soft"]["unsupported"]
    programs = [(one["program"], one["missing"]) for one in told["folders"]]
    assert ("comfyui", False) in programs
