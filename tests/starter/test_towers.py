"""The image tower and the adapter on it go on where they stopped, and begin from what is known."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from starter_model import clip, image_prompt
from starter_model.pool import Pool
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from tests.starter.conftest import Frozen, same, train_adapter, train_clip, train_unet, weights

pytestmark = pytest.mark.slow


def test_a_resumed_clip_and_adapter_are_those_that_were_never_stopped(
    pool: Path, frozen: Frozen, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for work, stops in ((whole, (3,)), (parts, (1, 3))):
        train_unet(pool, work, frozen, 1)
        for steps in stops:
            train_clip(pool, work, frozen, steps)
    assert same(weights(whole, "clip"), weights(parts, "clip"))
    # Both begin from one regression: a solver may round its last bits in another way each time.
    file = train_adapter(pool, whole, frozen, 0)
    shutil.copy(whole / "image_prompt.ckpt", parts)
    untrained = load_file(file)
    for work, stops in ((whole, (3,)), (parts, (1, 3))):
        for steps in stops:
            file = train_adapter(pool, work, frozen, steps)
    assert same(weights(whole, "image_prompt"), weights(parts, "image_prompt"))
    assert same(load_file(whole / image_prompt.FILE), load_file(file))
    assert not same(untrained, load_file(file))
    assert list((whole / "sheets").glob("image-prompt-*.png"))


@pytest.mark.parametrize("slots", clip.ALIKE)
def test_some_batches_hold_only_what_is_alike(pool: Path, slots: tuple[str, ...]) -> None:
    keys = [tuple(scene[slot] for slot in slots) for scene in Pool(pool).scenes]
    groups = clip.alike(Pool(pool), 4, *slots)
    assert len(groups) == len(keys) - 4
    for index, group in enumerate(groups, start=4):
        assert group.tolist() == [i for i in range(4, len(keys)) if keys[i] == keys[index]]


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
        nothing = torch.zeros(image_prompt.TOKENS, width)
        found = image_prompt.worded(pictures, states, nothing, norm)
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


def test_a_caption_is_read_where_it_begins_and_behind_its_end(frozen: Frozen) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(frozen.tokenizer)
    encoder = CLIPTextModel.from_pretrained(frozen.text)
    captions = ["a fox", "an oil painting of a castle on rolling hills at sunset"]
    states = image_prompt.summaries(tokenizer, encoder, captions)
    assert states.shape == (2, image_prompt.TOKENS, encoder.config.hidden_size)
    ids = tokenizer(captions[1], padding="max_length", return_tensors="pt").input_ids
    with torch.inference_mode():
        whole = encoder(ids)
    end = int(np.argmax(ids[0].numpy() == tokenizer.eos_token_id))
    torch.testing.assert_close(states[1, 0], whole.last_hidden_state[0, 0])
    torch.testing.assert_close(states[1, 1:], whole.last_hidden_state[0, end : end + 3])
    torch.testing.assert_close(states[1, 1], whole.pooler_output[0])


def test_no_picture_says_what_the_empty_prompt_says() -> None:
    torch.manual_seed(0)
    pictures, norm = torch.randn(200, 8) + 2, nn.LayerNorm(6)
    told, nothing = norm(torch.randn(200, image_prompt.TOKENS, 6)), norm(torch.randn(4, 6))
    found = image_prompt.worded(pictures, told.detach(), nothing.detach(), norm)
    tokens = nn.functional.layer_norm(found["proj.bias"].view(4, 6), (6,))
    near = nn.functional.cosine_similarity(tokens, nothing, dim=-1)
    assert near.min() > 0.9
    torch.testing.assert_close(found["norm.bias"], -nothing.mean(0).detach())
