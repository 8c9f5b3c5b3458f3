"""Tokens are counted as the model's own tokenizer counts them."""

import json
from pathlib import Path
from typing import Any

import pytest

from desktop_app.errors import AppError
from desktop_app.library.tokens import TokenCounter
from tests.library.models import make_model

TEXTS = (
    "",
    "a watercolor of a red fox in the snow",
    "FOX’s  den,\n\tit's 1234 o'clock!!!",
    "雪の中の狐 🦊 café",
    "x" * 2000,
)


@pytest.mark.slow
def test_counts_are_those_of_transformers(starter_model: Path) -> None:
    from transformers import CLIPTokenizer

    theirs: Any = CLIPTokenizer.from_pretrained(starter_model / "tokenizer")
    counter = TokenCounter(starter_model)
    for text in TEXTS:
        ids = theirs(text, add_special_tokens=False, verbose=False).input_ids
        assert counter.count(text) == (len(ids), theirs.model_max_length - 2)


def test_the_syntax_for_weights_is_not_counted(starter_model: Path) -> None:
    counter = TokenCounter(starter_model)
    assert counter.count("a (red:1.3) [fox]") == counter.count("a red fox")


def test_a_checkpoint_in_one_file_reads_with_clips_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    counter = TokenCounter(tmp_path / "a.safetensors")
    # As the published tokenizer of CLIP ViT-L/14 splits it.
    assert counter.count("a photo of a cat") == (5, 75)


def test_older_folders_with_a_vocabulary_and_merges(tmp_path: Path) -> None:
    counter = TokenCounter(make_model(tmp_path / "model"))
    assert counter.count("fox") == (1, 75)
    assert counter.count("fo x") == (3, 75)
    assert counter.count("Foxy") == (3, 75)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"model": 5}',
        '{"model": {"vocab": {"a": -1}, "merges": 5}}',
        '{"model": {"vocab": {"<|endoftext|>": "x"}}}',
        "[" * 100_000,
    ],
)
def test_a_broken_tokenizer_is_said_in_words(tmp_path: Path, text: str) -> None:
    model = make_model(tmp_path / "model")
    (model / "tokenizer/tokenizer.json").write_text(text)
    with pytest.raises(AppError) as refusal:
        TokenCounter(model)
    assert refusal.value.code == "model-file"


def test_odd_merges_and_lengths_are_left_out(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    settings = model / "tokenizer/tokenizer_config.json"
    settings.write_text(json.dumps({"model_max_length": 1e30}))
    (model / "tokenizer/merges.txt").write_bytes(b"f o\nunknown pair\n\xff\xff\na b c\nfo x</w>\n")
    assert TokenCounter(model).count("fox") == (1, 75)
