"""Vocabularies are read from the files they are published in, and hostile ones are refused."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.weights.sentencepiece import read_sentencepiece
from desktop_app.weights.vocabulary import checked_charsmap, read_vocabulary, vocabulary_of_pieces
from tests.weights.vocabulary_files import (
    GEMMA_PIECES,
    T5_PIECES,
    qwen_json,
    sentencepiece_file,
    t5_json,
)


def test_both_files_of_t5_hold_the_same_words(tmp_path: Path) -> None:
    pieces = tmp_path / "spiece.model"
    pieces.write_bytes(sentencepiece_file(T5_PIECES, merges=False))
    one, other = read_vocabulary(pieces), read_vocabulary(t5_json(tmp_path / "tokenizer.json"))
    assert one.kind == other.kind == "t5"
    assert one.pieces.keys() == other.pieces.keys()
    for text, (number, score) in other.pieces.items():
        assert one.pieces[text][0] == number
        assert one.pieces[text][1] == pytest.approx(score, rel=1e-6)
    assert one.pieces["<extra_id_0>"][0] == len(T5_PIECES) + 99


def test_merges_are_those_that_give_a_piece(tmp_path: Path) -> None:
    words = vocabulary_of_pieces(sentencepiece_file(GEMMA_PIECES, merges=True), "gemma")
    assert words.kind == "gemma"
    assert words.merges == (("f", "o"), ("fo", "x"), ("\u2581", "fox"))
    signs = {text: special for text, _, special in words.added}
    assert signs["<bos>"] is True
    assert signs["<start_of_turn>"] is False


def test_a_tokenizers_folder_is_read_as_well(tmp_path: Path) -> None:
    whole = read_vocabulary(qwen_json(tmp_path / "one" / "tokenizer.json"))
    assert whole.kind == "qwen"
    assert read_vocabulary(tmp_path / "one") == whole
    two = tmp_path / "two"
    two.mkdir()
    numbers = {text: number for text, (number, _) in whole.pieces.items()}
    (two / "vocab.json").write_text(json.dumps(numbers), "utf-8")
    (two / "merges.txt").write_text("#version: 0.2\nf o\nfo x\n", "utf-8")
    added = {str(n): {"content": text, "special": s} for text, n, s in whole.added}
    settings = {"added_tokens_decoder": added, "chat_template": "{{ evil }}"}
    (two / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    assert read_vocabulary(two) == whole


@pytest.mark.parametrize(
    "model",
    [
        {"type": "Unigram", "vocab": [["a", float("1e400")]]},
        {"type": "Unigram", "vocab": [["a", "b"]]},
        {"type": "Unigram", "vocab": [["a"]]},
        {"type": "Unigram", "vocab": []},
        {"type": "BPE", "vocab": {"a": -1}},
        {"type": "BPE", "vocab": {"a": 2**40}},
        {"type": "BPE", "vocab": {"a": "0"}},
        {"type": "BPE", "vocab": {"a" * 5000: 0}},
        {"type": "BPE", "vocab": "a"},
        {"type": "BPE", "vocab": {"a": 0}, "merges": 7},
        "none",
    ],
)
def test_words_that_are_none_are_refused(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": model}), "utf-8")
    with pytest.raises(AppError) as error:
        read_vocabulary(path)
    assert error.value.code == "tokenizer-file"


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    for place in (path, tmp_path / "gone.json", tmp_path):
        with pytest.raises(AppError):
            read_vocabulary(place if place != tmp_path else tmp_path / "empty")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sentencepiece_model_or_refused(data: bytes) -> None:
    try:
        assert read_sentencepiece(data).pieces
    except ValueError:
        pass


@pytest.mark.parametrize("keep", [1, 5, 100])
def test_a_truncated_model_is_refused(keep: int) -> None:
    whole = sentencepiece_file(T5_PIECES, merges=False)
    with pytest.raises(AppError):
        vocabulary_of_pieces(whole[: len(whole) - keep], "cut")


def charsmap(*units: int, texts: bytes = b"a\0") -> bytes:
    table = struct.pack("<256I", *units, *[0] * (256 - len(units)))
    return struct.pack("<I", len(table)) + table + texts


def test_a_table_of_characters_has_the_length_that_it_says() -> None:
    assert checked_charsmap(charsmap()) == charsmap()
    assert checked_charsmap(b"") == b""
    for wrong in (b"\1", struct.pack("<I", 7) + b"\0" * 8, struct.pack("<I", 4000) + b"\0" * 8):
        with pytest.raises(ValueError, match="characters"):
            checked_charsmap(wrong)


def test_no_way_through_a_table_of_characters_leads_out_of_it() -> None:
    # A unit: where it leads (from the 11th bit on), whether a leaf is there (the 9th).
    leaf = 2 << 10 | 1 << 8
    good = charsmap(leaf, 0, 1 << 31)
    assert checked_charsmap(good) == good
    short = struct.pack("<I", 8) + b"\0" * 8 + b"abc"
    outside, behind = charsmap(256 << 10), charsmap(leaf, 0, 1 << 31 | 3)
    within = charsmap(leaf, 0, 1 << 31 | 1, texts="é".encode())
    for wrong in (short, outside, behind, within):
        with pytest.raises(ValueError, match="characters"):
            checked_charsmap(wrong)


def test_words_that_are_made_in_too_many_ways_are_refused() -> None:
    pieces = [(letter * count, 0.0, 1) for letter in "abcde" for count in range(1, 1000)]
    with pytest.raises(AppError) as error:
        vocabulary_of_pieces(sentencepiece_file(pieces, merges=True), "many")
    assert error.value.code == "tokenizer-file"


def test_pieces_in_another_file_are_no_larger_than_in_one_of_their_own() -> None:
    whole = sentencepiece_file(T5_PIECES, merges=False)
    # A field that no reader knows, as long as it likes.
    filler = b"\x7a" + b"\x80\x80\x80\x20" + bytes(64 * 1024 * 1024)
    with pytest.raises(AppError) as error:
        vocabulary_of_pieces(whole + filler, "large")
    assert error.value.code == "tokenizer-file"
