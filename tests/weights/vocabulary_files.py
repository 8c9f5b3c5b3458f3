"""Small vocabularies as the files in which they are published."""

import json
import struct
from pathlib import Path
from typing import Any

from tests.tiny_model import byte_letters

LETTERS = "abcdefghijklmnopqrstuvwxyz"
T5_PIECES: list[tuple[str, float, int]] = [
    ("<pad>", 0.0, 3),
    ("</s>", 0.0, 3),
    ("<unk>", 0.0, 2),
    ("\u2581", -2.0, 1),
    ("\u2581a", -2.5, 1),
    ("\u2581fox", -3.0, 1),
    *((letter, -4.0 - number / 100, 1) for number, letter in enumerate(LETTERS)),
]
GEMMA_PIECES: list[tuple[str, float, int]] = [
    ("<pad>", 0.0, 3),
    ("<eos>", 0.0, 3),
    ("<bos>", 0.0, 3),
    ("<unk>", 0.0, 2),
    ("<start_of_turn>", 0.0, 4),
    *((f"<0x{number:02X}>", 0.0, 6) for number in range(256)),
    ("fo", -0.0, 1),
    ("fox", -1.0, 1),
    ("\u2581fox", -2.0, 1),
    ("\u2581", -3.0, 1),
    *((letter, -4.0 - number, 1) for number, letter in enumerate(LETTERS)),
]


def sentencepiece_file(pieces: list[tuple[str, float, int]], *, merges: bool) -> bytes:
    """As sentencepiece writes a model: pieces, then what it was trained with."""
    parts: list[bytes] = []
    for text, score, kind in pieces:
        row = _text(1, text.encode()) + b"\x15" + struct.pack("<f", score)
        parts.append(_text(1, row + b"\x18" + _varint(kind)))
    trainer = b"\x18" + _varint(2 if merges else 1) + b"\x20" + _varint(len(pieces))
    return b"".join(parts) + _text(2, trainer) + _text(3, _text(1, b"identity"))


def t5_json(path: Path) -> Path:
    rows: list[Any] = [[text, score] for text, score, _ in T5_PIECES]
    rows += [[f"<extra_id_{number}>", 0.0] for number in reversed(range(100))]
    model = {"type": "Unigram", "unk_id": 2, "vocab": rows, "byte_fallback": False}
    return _write(
        path, model, [(text, number) for number, (text, _, k) in enumerate(T5_PIECES) if k == 3]
    )


def qwen_json(path: Path) -> Path:
    """Bytes alone, with the signs that a chat is written with."""
    letters = byte_letters()
    vocab = {letter: number for number, letter in enumerate(letters)} | {"fo": 256, "fox": 257}
    model = {"type": "BPE", "vocab": vocab, "merges": [["f", "o"], ["fo", "x"]]}
    signs = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return _write(path, model, [(sign, 258 + number) for number, sign in enumerate(signs)])


def _write(path: Path, model: dict[str, Any], signs: list[tuple[str, int]]) -> Path:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": number, "content": text, **flags, "special": True} for text, number in signs]
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added}
    whole |= {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole | {"model": model}), "utf-8")
    return path


def _text(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    rows: list[int] = []
    while value > 0x7F:
        rows.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*rows, value])
