"""What is exported, and what is shipped, loads in plain diffusers and transformers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageFont
from starter_model import evaluate, export, recogniser, sheet, shown
from starter_model.world import SMALL
from transformers import (
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTextModel,
    CLIPVisionModelWithProjection,
)

from tests.starter.conftest import (
    SHIPPED,
    SIDE,
    Frozen,
    train_adapter,
    train_clip,
    train_unet,
)

pytestmark = [
    pytest.mark.slow,
    # Said by diffusers of every pipeline with a small autoencoder, and by saving float16.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def picture(pipeline: StableDiffusionPipeline, side: int, **more: object) -> np.ndarray:
    pipeline.set_progress_bar_config(disable=True)
    result = pipeline(
        "a fox in space",
        height=side,
        width=side,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(4),
        output_type="np",
        **more,
    )
    return result.images[0]


@pytest.fixture(scope="module")
def work(pool: Path, frozen: Frozen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder in which every part has been trained for a step or two."""
    folder = tmp_path_factory.mktemp("work")
    train_unet(pool, folder, frozen, 1)
    train_clip(pool, folder, frozen, 2)
    train_adapter(pool, folder, frozen, 2)
    return folder


@pytest.fixture(scope="module")
def exported(work: Path, frozen: Frozen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the exported folder."""
    out = tmp_path_factory.mktemp("export") / "starter"
    size = export.export(
        out=out,
        work=work,
        vae=frozen.vae,
        text=frozen.text,
        tokenizer=frozen.tokenizer,
        scaling=1.1,
        world_name="small",
        description="A test.",
        examples=["a fox in space"],
    )
    assert size == sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
    return out


def test_the_export_is_a_pipeline_of_plain_diffusers(exported: Path) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(
        exported, dtype=torch.float32, local_files_only=True
    )
    first, again = picture(pipeline, SIDE), picture(pipeline, SIDE)
    assert first.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first, again)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.vae.config.scaling_factor == pytest.approx(1.1)


def test_no_config_tells_where_it_was_trained(exported: Path) -> None:
    configs = list(exported.glob("*/config.json"))
    assert len(configs) >= 3
    assert not [one for one in configs if "_name_or_path" in one.read_text("utf-8")]


def test_a_sheet_is_drawn_by_the_exported_model(exported: Path) -> None:
    path, small, varied = shown.draw(exported, ["a fox in space", "a frog"], seed=3)
    with Image.open(path) as image:
        assert image.width > 2 * SMALL.side
        assert len(set(image.convert("L").tobytes())) > 10
        first = np.asarray(image.convert("RGB"), np.float32)[:SIDE, :SIDE]
    with Image.open(small) as preview:
        assert preview.size == (2 * SIDE, SIDE)
        again = np.asarray(preview.convert("RGB"), np.float32)[:, :SIDE]
    assert np.abs(first - again).mean() < 8, "the sheet's first picture comes first"
    with Image.open(varied) as variations:
        assert variations.size[0] == 8 * (SIDE + 4)
        row = np.asarray(variations.convert("RGB"), np.float32)[:SIDE]
    source, other = row[:, :SIDE], row[:, 4 * (SIDE + 4) :][:, :SIDE]
    assert np.abs(first - source).mean() < 8
    assert not np.array_equal(source, other)
    for each in (path, varied):
        each.unlink()


@pytest.mark.parametrize("width", [1, 40, 128])
def test_captions_are_broken_between_words(width: int) -> None:
    prompt = "an oil painting of a castle on rolling hills at sunset"
    lines = sheet.wrapped(prompt, width).split("\n")
    assert " ".join(lines) == prompt
    font = ImageFont.load_default(sheet.FONT_SIZE)
    assert all(font.getlength(line) <= width for line in lines if " " in line)
    assert len(lines) == {1: 11, 40: 7, 128: 2}[width]


def test_words_and_manifest_tell_what_the_world_holds(exported: Path) -> None:
    words = json.loads((exported / "words.json").read_text("utf-8"))
    assert words["subjects"] == list(SMALL.subjects)
    assert set(words) == {
        "subjects",
        "media",
        "places",
        "times",
        "weather",
        "colours",
        "example_prompts",
    }
    manifest = json.loads((exported / "mezzotint.json").read_text("utf-8"))
    assert manifest["native_size"] == SMALL.side
    assert all(w % 8 == 0 and h % 8 == 0 for w, h in manifest["sizes"])


def test_the_towers_and_the_adapter_have_the_published_formats(exported: Path) -> None:
    model = CLIPModel.from_pretrained(exported / "clip", dtype=torch.float32)
    processor = CLIPProcessor.from_pretrained(exported / "clip")
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    inputs = processor(text=["a fox"], images=[image], return_tensors="pt", padding=True)
    assert model(**inputs).logits_per_image.shape == (1, 1)
    pipeline = StableDiffusionPipeline.from_pretrained(
        exported,
        dtype=torch.float32,
        local_files_only=True,
        image_encoder=CLIPVisionModelWithProjection.from_pretrained(
            exported / "image_encoder", dtype=torch.float32
        ),
        feature_extractor=CLIPImageProcessor.from_pretrained(exported / "clip"),
    )
    without = picture(pipeline, SIDE)
    pipeline.load_ip_adapter(
        str(exported), subfolder="", weight_name="ip-adapter.safetensors", image_encoder_folder=None
    )
    bright = picture(pipeline, SIDE, ip_adapter_image=[image + 255])
    assert bright.shape == without.shape
    assert not np.array_equal(bright, without)


def test_the_text_tower_of_the_clip_is_the_encoder_of_the_pipeline(exported: Path) -> None:
    tower = CLIPModel.from_pretrained(exported / "clip", dtype=torch.float32).text_model
    encoder = CLIPTextModel.from_pretrained(exported / "text_encoder", dtype=torch.float32)
    ids = torch.tensor([[2046, 7, 8, 2047]])
    assert torch.equal(tower(ids).last_hidden_state, encoder(ids).last_hidden_state)


def test_the_judge_and_the_marks_are_complete(
    pool: Path, work: Path, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = recogniser.train
    monkeypatch.setattr(recogniser, "train", lambda **given: train(**given, steps=2, batch=8))
    marks = evaluate.evaluate(
        pool_folder=pool,
        world_name="pocket",
        judge_world="small",
        work=work,
        vae_folder=frozen.vae,
        text=frozen.text,
        tokenizer=frozen.tokenizer,
        scaling=1.0,
        count=4,
        minutes=1,
    )
    saved = json.loads((work / "marks.json").read_text("utf-8"))
    assert saved["seen"].keys() == marks["seen"].keys()
    for kind in ("seen", "held_out", "judge_on_unseen_renders", "image_prompt"):
        assert all(0 <= marks[kind][name] <= 1 for name in (*recogniser.SLOTS, "subject_top5"))


def test_the_shipped_model_loads_and_knows_its_words() -> None:
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file())
    assert size <= export.LIMIT
    pipeline = StableDiffusionPipeline.from_pretrained(
        SHIPPED, dtype=torch.float32, local_files_only=True
    )
    side = json.loads((SHIPPED / "mezzotint.json").read_text("utf-8"))["native_size"]
    assert picture(pipeline, side).std() > 0.05
    words = json.loads((SHIPPED / "words.json").read_text("utf-8"))
    for prompt in words["example_prompts"]:
        known = [word for kind in ("subjects", "places") for word in words[kind] if word in prompt]
        assert known, prompt
        assert len(pipeline.tokenizer(prompt).input_ids) <= pipeline.tokenizer.model_max_length
