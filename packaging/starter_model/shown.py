"""sheet: what the exported model draws, and how it varies that, by plain diffusers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from starter_model import image_prompt, sheet

FILES = ("sheet.webp", "preview.webp", "variations.webp")
VARIED = 12
VARIATIONS = 3


def draw(out: Path, prompts: list[str], seed: int = 1) -> list[Path]:
    """Draw `prompts` with the model in `out`, all with one seed; return the files written.

    `sheet.webp` has all of them; `preview.webp`, the first four, is what the program shows of the
    model. `variations.webp` has the first twelve, each with three pictures of which it was the only
    prompt, if there is an image prompt adapter.
    """
    pipeline = StableDiffusionPipeline.from_pretrained(out, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    settings = json.loads((out / "mezzotint.json").read_text(encoding="utf-8"))
    pictures = [picture(pipeline, settings, prompt, seed) for prompt in prompts]
    paths = [out / name for name in FILES]
    arrays = [np.asarray(one) for one in pictures]
    sheet.draw(arrays, prompts, paths[0])
    sheet.tile(arrays[:4], paths[1])
    if not (out / image_prompt.FILE).exists():
        return paths[:2]
    with_prompts(pipeline, out)
    shown: list[np.ndarray] = []
    texts: list[str] = []
    for prompt, source in list(zip(prompts, pictures, strict=True))[:VARIED]:
        seeds = range(seed + 1, seed + 1 + VARIATIONS)
        varied = [picture(pipeline, settings, "", each, source) for each in seeds]
        shown += [np.asarray(one) for one in (source, *varied)]
        texts += [prompt, *[""] * VARIATIONS]
    sheet.draw(shown, texts, paths[2], columns=2 * (1 + VARIATIONS))
    return paths


def with_prompts(pipeline: StableDiffusionPipeline, out: Path) -> None:
    """Let a pipeline of the model in `out` take pictures as prompts."""
    encoder = CLIPVisionModelWithProjection.from_pretrained(
        out / "image_encoder", dtype=torch.float32
    )
    pipeline.register_modules(
        image_encoder=encoder, feature_extractor=CLIPImageProcessor.from_pretrained(out / "clip")
    )
    pipeline.load_ip_adapter(
        str(out), subfolder="", weight_name=image_prompt.FILE, image_encoder_folder=None
    )


def picture(
    pipeline: StableDiffusionPipeline,
    settings: Mapping[str, Any],
    prompt: str,
    seed: int,
    source: Image.Image | None = None,
) -> Image.Image:
    """Draw one picture with the settings that the model asks for; `source` prompts it as well."""
    drawn: Any = pipeline(
        prompt,
        num_inference_steps=settings["steps"],
        guidance_scale=settings["guidance_scale"],
        generator=torch.Generator().manual_seed(seed),
        ip_adapter_image=None if source is None else [source],
    )
    return drawn.images[0]
