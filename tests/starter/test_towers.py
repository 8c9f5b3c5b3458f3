"""The image tower and the adapter on it go on where they stopped, and begin from what is known."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from starter_model import clip, image_prompt
from starter_model.pool import Pool
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from tests.starter.conftest import Frozen, same, train_unet, weights

pytestmark = pytest.mark.slow
ENDLESS = math.inf
"""Minutes of a budget in which the learning rate does not fall."""


def train_clip(pool: Path, work: Path, frozen: Frozen, steps: int) -> None:
    clip.train(
        pool_folder=pool,
        work=work,
        text=frozen.text,
        tokenizer_folder=frozen.tokenizer,
        minutes=ENDLESS,
        device="cpu",
        batch=8,
        layers=1,
        steps=steps,
    )


def train_adapter(pool: Path, work: Path, frozen: Frozen, steps: int) -> Path:
    return image_prompt.train(
        pool_folder=pool,
        work=work,
        vae=frozen.vae,
        text=frozen.text,
        tokenizer=frozen.tokenizer,
        minutes=ENDLESS,
        device="cpu",
        batch=4,
        steps=steps,
    )


def test_a_resumed_clip_and_adapter_are_those_that_were_never_stopped(
    pool: Path, frozen: Frozen, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for work, stops in ((whole, (3,)), (parts, (1, 3))):
        train_unet(pool, work, frozen, 1)
        for steps in stops:
            train_clip(pool, work, frozen, steps)
        for steps in stops:
            file = train_adapter(pool, work, frozen, steps)
    assert same(weights(whole, "clip"), weights(parts, "clip"))
    assert same(weights(whole, "image_prompt"), weights(parts, "image_prompt"))
    assert same(load_file(whole / image_prompt.FILE), load_file(file))
    assert list((whole / "sheets").glob("image-prompt-*.png"))


def test_half_of_the_batches_can_only_be_told_apart_by_more_than_medium_and_place(
    pool: Path,
) -> None:
    scenes = Pool(pool).scenes
    groups = clip.alike(Pool(pool), held_back=4)
    assert len(groups) == len(scenes) - 4
    for index, group in enumerate(groups, start=4):
        own = scenes[index]["medium"], scenes[index]["place"]
        among = {i for i, s in enumerate(scenes) if (s["medium"], s["place"]) == own and i >= 4}
        assert set(group.tolist()) == among
        assert index in among


def test_an_adapter_begins_by_saying_what_captions_say() -> None:
    torch.manual_seed(0)
    pictures, width = torch.randn(60, 8), 6
    norm = nn.LayerNorm(width)
    nn.init.uniform_(norm.weight, 1, 2)
    nn.init.uniform_(norm.bias)
    truth = nn.Sequential(
        nn.Linear(8, image_prompt.TOKENS * width),
        nn.Unflatten(1, (image_prompt.TOKENS, width)),
        norm,
    )
    # Least squares sees what goes into the norm: only up to the scale that the norm takes out.
    with torch.no_grad():
        inner = truth[:2](pictures)
        inner = (inner - inner.mean(-1, keepdim=True)) / inner.std(-1, keepdim=True, correction=0)
        states = norm(inner)
        found = image_prompt.worded(pictures, states, norm)
        tokens = pictures @ found["proj.weight"].T + found["proj.bias"]
        tokens = tokens.view(60, image_prompt.TOKENS, width)
        tokens = nn.functional.layer_norm(
            tokens, (width,), found["norm.weight"], found["norm.bias"]
        )
    near = nn.functional.cosine_similarity(tokens - norm.bias, states - norm.bias, dim=-1)
    other = nn.functional.cosine_similarity(
        tokens - norm.bias, states.roll(1, 0) - norm.bias, dim=-1
    )
    assert near.mean() > 0.9
    assert other.mean() < 0.3


def test_what_a_caption_says_is_read_where_its_text_ends(pool: Path, frozen: Frozen) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(frozen.tokenizer)
    encoder = CLIPTextModel.from_pretrained(frozen.text)
    pictures = Pool(pool)
    states = image_prompt.summaries(tokenizer, encoder, pictures)
    assert states.shape == (len(pictures), image_prompt.TOKENS, encoder.config.hidden_size)
    ids = tokenizer(pictures.captions[3][0], padding="max_length", return_tensors="pt").input_ids
    with torch.inference_mode():
        whole = encoder(ids)
    end = int(np.argmax(ids[0].numpy() == tokenizer.eos_token_id))
    torch.testing.assert_close(states[3], whole.last_hidden_state[0, end : end + 4])
    torch.testing.assert_close(states[3, 0], whole.pooler_output[0])
