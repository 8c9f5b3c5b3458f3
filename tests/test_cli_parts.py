"""The command line makes a picture with another VAE and text encoder, and says what it needs."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from desktop_app import cli
from desktop_app.recipe.recipe import Recipe
from desktop_app.store import metadata, pixels
from tests.cli_runs import ASKED, SAMPLED, models_of, refusal
from tests.engine.kits import encoder_of, vae_of, write
from tests.tiny_model import save_tiny_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
OWN = ["--steps", "4", "--model", "own"]
PARTS = ["--vae", "other_vae", "--text-encoder", "other_clip"]


def load(folder: Path, **parts: Any) -> Any:
    pipe: Any = StableDiffusionPipeline.from_pretrained(folder, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models; the parts of the second as files of their own."""
    place = tmp_path_factory.mktemp("parts")
    for seed, name in enumerate(("own", "other")):
        save_tiny_model(place / name, seed=seed, width=768)
    other = load(place / "other")
    write(vae_of(other.vae), place / "other_vae.safetensors")
    write(encoder_of(other.text_encoder), place / "other_clip.safetensors")
    return place


@pytest.fixture
def models(home: Path, folders: Path) -> Path:
    """Our own folder of models, with the first model and the parts of the second in it."""
    place = models_of(home)
    shutil.copytree(folders / "own", place / "own")
    for folder, name in (("vae", "other_vae"), ("text_encoders", "other_clip")):
        (place / folder).mkdir(exist_ok=True)
        shutil.copy(folders / f"{name}.safetensors", place / folder)
    return place


def render(out: Path, *words: str) -> Recipe:
    assert cli.main(["render", *ASKED, *SAMPLED, *OWN, *words, "--out", str(out)]) == 0
    recipe = metadata.read_picture(out).recipe
    assert recipe is not None
    return recipe


def plain(folders: Path, *names: str) -> Any:
    """The pixels of diffusers alone, with these components of the second model."""
    other = load(folders / "other")
    pipe = load(folders / "own", **{name: getattr(other, name) for name in names})
    told = {"width": 64, "height": 64, "num_inference_steps": 4, "guidance_scale": 3.0}
    generator = torch.Generator().manual_seed(7)
    return np.asarray(pipe("a fox", negative_prompt="", generator=generator, **told).images[0])


def test_other_parts_are_used_and_proved(
    models: Path, folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fox.png"
    recipe = render(out, *PARTS)
    assert recipe.vae is not None
    assert recipe.vae.name == "other_vae"
    assert [one.name for one in recipe.text_encoders] == ["other_clip"]
    expected = plain(folders, "vae", "text_encoder")
    assert np.array_equal(pixels.read_pixels(out), expected)
    assert not np.array_equal(expected, plain(folders))
    whole = hashlib.sha256((models / "vae" / "other_vae.safetensors").read_bytes()).hexdigest()
    text = metadata.read_picture(out).infotext or ""
    assert f"VAE hash: {whole[:10]}, Module 1: other_vae, Module 2: other_clip, RNG" in text
    capsys.readouterr()
    assert cli.main(["reproduce", str(out)]) == 0
    assert "Identical" in capsys.readouterr().out
    assert cli.main(["inspect", str(out)]) == 0
    told = capsys.readouterr().out
    assert "other_clip" in told
    assert "other_vae" in told
    (models / "text_encoders" / "other_clip.safetensors").unlink()
    assert cli.main(["reproduce", str(out)]) == 1
    assert "“other_clip”" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name", "part"),
    [("--vae", "other_vae", "vae"), ("--text-encoder", "other_clip", "text_encoder")],
)
def test_each_may_lie_anywhere(
    option: str, name: str, part: str, models: Path, folders: Path, tmp_path: Path
) -> None:
    for file in models.rglob(f"{name}.safetensors"):
        file.unlink()
    out = tmp_path / "fox.png"
    render(out, option, str(folders / f"{name}.safetensors"))
    assert np.array_equal(pixels.read_pixels(out), plain(folders, part))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vae", "none"], "Here are: other_vae"),
        (["--vae", "other_clip"], "no VAE"),
        (["--text-encoder", "none"], "Here are: other_clip"),
        (["--text-encoder", "other_vae"], "no text encoder"),
    ],
)
def test_what_is_not_here_is_one_sentence(
    words: list[str],
    told: str,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told in refusal(tmp_path / "fox.png", capsys, *SAMPLED, *OWN, *words)
