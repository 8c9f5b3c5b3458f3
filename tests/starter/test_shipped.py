"""The shipped model still draws the pictures it was shipped for."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from transformers import CLIPModel, CLIPProcessor

from tests.starter.conftest import SHIPPED

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

EXPECTED = Path(__file__).with_name("expected.json")
CELLS = 8
# Sums in another order, as on another processor, move a colour by less than this (0 to 255).
TOLERANCE = 6.0


def cells(picture: np.ndarray) -> np.ndarray:
    """Return the mean colours of 8 x 8 cells of a picture in 0..1, as 0..255."""
    size = picture.shape[0] // CELLS
    return picture.reshape(CELLS, size, CELLS, size, 3).mean((1, 3)) * 255


def test_pictures_at_fixed_seeds_stay_what_they_were() -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))
    pipeline = StableDiffusionPipeline.from_pretrained(
        SHIPPED, dtype=torch.float32, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    drawn = []
    for prompt, colours in expected.items():
        picture = pipeline(
            prompt,
            num_inference_steps=8,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(1),
            output_type="np",
        ).images[0]
        drawn.append(cells(picture))
        assert np.abs(drawn[-1] - np.array(colours)).max() < TOLERANCE
    assert np.abs(drawn[0] - drawn[1]).max() > 5 * TOLERANCE


def test_the_shipped_clip_finds_each_picture_by_its_words() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(
        SHIPPED, dtype=torch.float32, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    prompts = list(json.loads(EXPECTED.read_text("utf-8")))
    pictures = [
        pipeline(p, num_inference_steps=8, generator=torch.Generator().manual_seed(1)).images[0]
        for p in prompts
    ]
    model = CLIPModel.from_pretrained(SHIPPED / "clip", dtype=torch.float32)
    processor = CLIPProcessor.from_pretrained(SHIPPED / "clip")
    inputs = processor(text=prompts, images=pictures, return_tensors="pt", padding=True)
    with torch.inference_mode():
        likeness = model(**inputs).logits_per_text
    assert likeness.argmax(-1).tolist() == [0, 1]
