"""The shipped model still draws the pictures it was shipped for."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    DiffusionPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)
from PIL import Image
from starter_model import shown
from transformers import CLIPModel, CLIPProcessor

from tests.starter.conftest import SHIPPED

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

EXPECTED = Path(__file__).with_name("expected.json")
CELLS = 8
# Sums in another order, as on another processor, move a colour by less than this (0 to 255).
TOLERANCE = 6.0
FROG = "a frog in a field of flowers"
CASTLE = "an oil painting of a castle on rolling hills at sunset"


def image(picture: np.ndarray) -> Image.Image:
    """Return a picture in 0..1 as one that diffusers takes."""
    return Image.fromarray((picture * 255).round().astype("uint8"))


def cells(picture: np.ndarray) -> np.ndarray:
    """Return the mean colours of 8 x 8 cells of a picture in 0..1, as 0..255."""
    size = picture.shape[0] // CELLS
    return picture.reshape(CELLS, size, CELLS, size, 3).mean((1, 3)) * 255


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    """Return the shipped model, loaded by plain diffusers."""
    loaded = StableDiffusionPipeline.from_pretrained(
        SHIPPED, dtype=torch.float32, local_files_only=True
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def drawn(pipeline: DiffusionPipeline, prompt: str, **more: object) -> np.ndarray:
    """Return what a pipeline draws at a fixed seed, h x w x 3 in 0..1."""
    call = {"num_inference_steps": 8, "guidance_scale": 3.0, "output_type": "np"} | more
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(prompt, generator=torch.Generator().manual_seed(1), **call).images[0]


def test_pictures_at_fixed_seeds_stay_what_they_were(pipeline: StableDiffusionPipeline) -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))
    found = [cells(drawn(pipeline, prompt)) for prompt in expected]
    for colours, known in zip(found, expected.values(), strict=True):
        assert np.abs(colours - np.array(known)).max() < TOLERANCE
    assert np.abs(found[0] - found[1]).max() > 5 * TOLERANCE


def test_a_picture_is_varied_by_image_to_image(pipeline: StableDiffusionPipeline) -> None:
    source = drawn(pipeline, FROG)
    varying = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    gentle, strong = (
        drawn(varying, CASTLE, image=image(source), **how)
        for how in ({"strength": 0.25}, {"strength": 1.0})
    )
    away = [float(np.abs(cells(one) - cells(source)).mean()) for one in (gentle, strong)]
    assert 0 < away[0] < away[1] / 2


def test_a_part_of_a_picture_is_drawn_anew_by_inpainting(
    pipeline: StableDiffusionPipeline,
) -> None:
    source = drawn(pipeline, FROG)
    side = source.shape[0]
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 255
    mending = StableDiffusionInpaintPipeline(**pipeline.components, requires_safety_checker=False)
    mended = drawn(
        mending,
        CASTLE,
        image=image(source),
        mask_image=Image.fromarray(mask),
        height=side,
        width=side,
        strength=1.0,
    )
    change = np.abs(cells(mended) - cells(source)).mean(-1)
    inside = change[CELLS // 4 : 3 * CELLS // 4, CELLS // 4 : 3 * CELLS // 4]
    rim = np.concatenate([change[0], change[-1], change[:, 0], change[:, -1]])
    assert inside.mean() > 4 * rim.mean()


def test_a_controlnet_of_it_steers_the_unet(pipeline: StableDiffusionPipeline) -> None:
    """One that has learnt nothing yet (its last layers are zeros) leaves every bit as it is."""
    plain = drawn(pipeline, FROG)
    control = ControlNetModel.from_unet(pipeline.unet)
    steered = StableDiffusionControlNetPipeline(
        **pipeline.components, controlnet=control, requires_safety_checker=False
    )
    hint = Image.new("RGB", plain.shape[1::-1], "white")
    assert np.array_equal(drawn(steered, FROG, image=hint), plain)
    torch.nn.init.constant_(control.controlnet_mid_block.bias, 0.5)
    assert not np.array_equal(drawn(steered, FROG, image=hint), plain)


def test_a_picture_is_varied_by_the_shipped_adapter(pipeline: StableDiffusionPipeline) -> None:
    """Without a word the variations of two pictures are each nearer to their own."""
    sources = [drawn(pipeline, prompt) for prompt in (FROG, CASTLE)]
    varying = StableDiffusionPipeline.from_pretrained(
        SHIPPED, dtype=torch.float32, local_files_only=True
    )
    shown.with_prompts(varying, SHIPPED)
    varied = [drawn(varying, "", ip_adapter_image=[image(one)]) for one in sources]
    colours = [[np.abs(cells(made) - cells(one)).mean() for one in sources] for made in varied]
    assert np.argmin(colours, axis=1).tolist() == [0, 1]
    pixels = varying.feature_extractor(
        [image(one) for one in (*sources, *varied)], return_tensors="pt"
    )
    with torch.inference_mode():
        meant = torch.nn.functional.normalize(varying.image_encoder(**pixels).image_embeds)
    assert (meant[2:] @ meant[:2].T).argmax(-1).tolist() == [0, 1]
    varying.set_ip_adapter_scale(0.0)
    unmoved = drawn(varying, FROG, ip_adapter_image=[image(sources[1])])
    assert np.array_equal(unmoved, sources[0])


def test_the_shipped_clip_finds_each_picture_by_its_words(
    pipeline: StableDiffusionPipeline,
) -> None:
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
