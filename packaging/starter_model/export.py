"""export: puts the trained parts together as a StableDiffusionPipeline folder in half precision."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from starter_model import image_prompt, shown
from starter_model import vae as autoencoders
from starter_model.parcels import half
from starter_model.schedule import scheduler
from starter_model.world import WORLDS

LIMIT = 40_000_000
SIZES = ((128, 128), (128, 192), (192, 128), (192, 192))
# How the words of the world read in a prompt, where they differ from their short names.
MEDIA = {
    "oil": "oil painting",
    "ink": "ink drawing",
    "pencil": "pencil drawing",
    "pixel": "pixel art",
    "pastel": "pastel drawing",
    "chalkboard": "chalk drawing",
}
LIGHTS = {
    "moon": "full moon",
    "stars": "stars",
    "aurora": "northern lights",
    "crescent": "crescent moon",
}


def vocabulary(world_name: str, examples: list[str]) -> dict[str, list[str]]:
    """Return the words that the model of a world knows, for the program to offer."""
    world = WORLDS[world_name]
    lights = [LIGHTS[light] for light in world.night_lights if light in LIGHTS]
    return {
        "subjects": list(world.subjects),
        "media": [MEDIA.get(medium, medium) for medium in world.media],
        "places": [place for place in world.places if place != "plain"],
        "times": list(world.times),
        "weather": [*(w for w in world.weathers if w != "clear"), "sun", *lights],
        "colours": list(world.colours),
        "example_prompts": examples,
    }


def manifest(description: str, side: int) -> dict[str, Any]:
    """Return what the program reads before it loads the model."""
    return {
        "name": "Mezzotint Starter",
        "description": description,
        "native_size": side,
        "sizes": [[w * side // 128, h * side // 128] for w, h in SIZES],
        "steps": 20,
        "guidance_scale": 3.0,
        "scheduler": "ddim",
    }


def assemble(
    *, unet: Path, vae: Path, text: Path, tokenizer: Path, scaling: float
) -> StableDiffusionPipeline:
    """Return the pipeline of the trained parts, in float16."""
    autoencoder = autoencoders.load(vae)
    autoencoder.register_to_config(scaling_factor=scaling)
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=CLIPTextModel.from_pretrained(text, dtype=torch.float32),
        tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
        unet=UNet2DConditionModel.from_pretrained(unet),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return pipeline.to(torch.float16)


def copy_half(folder: Path, out: Path) -> None:
    """Copy a trained folder, its weights in float16."""
    shutil.copytree(folder, out)
    for path in out.glob("*.safetensors"):
        path.write_bytes(half(path))
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    write_json(config | {"dtype": "float16"}, out / "config.json")


def forget_place(config: Path) -> None:
    """Take out of a config where the trained folder lay; only the trainer's machine knows it."""
    data = json.loads(config.read_text(encoding="utf-8"))
    for part in (data, *(one for one in data.values() if isinstance(one, dict))):
        part.pop("_name_or_path", None)
    write_json(data, config)


def write_json(value: object, path: Path) -> None:
    """Write `value` as readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def export(
    *,
    out: Path,
    work: Path,
    vae: Path,
    text: Path,
    tokenizer: Path,
    scaling: float,
    world_name: str,
    description: str,
    examples: list[str],
) -> int:
    """Replace the model's files in `out` (its card and sheets stay); return the size in bytes.

    CLIP and the image prompt adapter go along when they have been trained. The new folder takes
    the place of the old one only when it is complete. Raises ValueError beyond 40 MB.
    """
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline = assemble(
        unet=work / "unet", vae=vae, text=text, tokenizer=tokenizer, scaling=scaling
    )
    pipeline.save_pretrained(fresh)
    for name in ("clip", "image_encoder"):
        if (work / name).exists():
            copy_half(work / name, fresh / name)
    if (work / image_prompt.FILE).exists():
        shutil.copy(work / image_prompt.FILE, fresh / image_prompt.FILE)
    for config in fresh.glob("*/config.json"):
        forget_place(config)
    write_json(vocabulary(world_name, examples), fresh / "words.json")
    write_json(manifest(description, WORLDS[world_name].side), fresh / "mezzotint.json")
    if (work / "marks.json").exists():
        shutil.copy(work / "marks.json", fresh / "marks.json")
    size = sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(f"the model is {size / 1e6:.1f} MB, more than {LIMIT / 1e6:.0f} MB")
    for name in ("MODEL_CARD.md", *shown.FILES):
        if (out / name).exists():
            shutil.copy(out / name, fresh / name)
    for path in fresh.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # safetensors writes for the owner alone
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return size
