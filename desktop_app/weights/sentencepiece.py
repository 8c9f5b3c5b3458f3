"""Sentencepiece models, as far as words need them: a protocol buffer, read by hand.

Kudo & Richardson 2018, arXiv 1808.06226; the fields are those of its sentencepiece_model.proto.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

PIECES_MAX = 1_000_000
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_MODEL_TYPE, _CHARSMAP = 3, 2
_BPE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SentencePieces:
    """What such a file holds.

    Attributes:
        pieces: text, score and kind (1 normal, 2 unknown, 3 control, 4 defined by a user, 6 byte).
        merges: whether pieces are merged (byte pair encoding) and not chosen by their scores.
        charsmap: how characters are made alike first; empty for not at all.
    """

    pieces: tuple[tuple[str, float, int], ...]
    merges: bool
    charsmap: bytes


def read_sentencepiece(data: bytes) -> SentencePieces:
    """Raises:
    ValueError: when it is no such file, or damaged.
    """
    pieces: list[tuple[str, float, int]] = []
    merges, charsmap = False, b""
    for number, value in _fields(data):
        if number == _PIECES and isinstance(value, bytes):
            pieces.append(_piece(value))
            if len(pieces) > PIECES_MAX:
                raise ValueError("it has too many words to be real")
        elif number == _TRAINER and isinstance(value, bytes):
            merges = dict(_fields(value)).get(_MODEL_TYPE) == _BPE
        elif number == _NORMALIZER and isinstance(value, bytes):
            found = dict(_fields(value)).get(_CHARSMAP, b"")
            charsmap = found if isinstance(found, bytes) else b""
    if not pieces:
        raise ValueError("it has no words")
    return SentencePieces(pieces=tuple(pieces), merges=merges, charsmap=charsmap)


def _piece(data: bytes) -> tuple[str, float, int]:
    text, score, kind = "", 0.0, 1
    for number, value in _fields(data):
        match number, value:
            case 1, bytes():
                text = value.decode("utf-8")
            case 2, float():
                score = value
            case 3, int():
                kind = value
            case _:
                continue
    if not text or not math.isfinite(score):
        raise ValueError("a word of it is damaged")
    return text, score, kind


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int | float]]:
    """The fields of a message: number and value."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("it is no sentencepiece model")
        if size > len(data) - at:
            raise ValueError("it ends too early")
        block = data[at : at + size]
        at += size
        yield number, struct.unpack("<f", block)[0] if wire == 5 else block


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise ValueError("it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is no sentencepiece model")
