"""The words that a text encoder reads by, from a tokenizer's file; parsed, never executed."""

import json
import math
import struct
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.weights.sentencepiece import read_sentencepiece

FILE_MAX = 64 * 1024 * 1024
"""Bytes; the largest that are published have 34 million."""
NAMES = ("tokenizer.json", "spiece.model", "tokenizer.model")
"""The files that hold a whole vocabulary, the best first."""
PAIR = ("vocab.json", "merges.txt")
BESIDE_PAIR = ("added_tokens.json", "tokenizer_config.json")
"""The two files that hold one together, and what may be beside them."""
Stamp = tuple[tuple[str, int, int], ...]
"""Files by their paths, with their bytes and the nanoseconds of their last change."""
PIECES_MAX = 1_000_000
_MERGES_MAX = 2_000_000
_CHARSMAP_MAX = 4 * 1024 * 1024
"""Bytes; the largest that is published has 0.3 million."""
_TEXT_MAX = 1000
_SENTINELS = 100
"""That T5 has beside the pieces of its file (Raffel et al. 2020, arXiv 1910.10683)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Pieces of words and their numbers.

    Attributes:
        pieces: by number, with the score of each where the model is `Unigram`, else 0.
        merges: which pieces become one, in order; none for `Unigram`.
        added: pieces that are looked for before all else: text, number, and whether it is a sign
            and no text.
        charsmap: how characters are made alike, as sentencepiece packs it; empty for none.
        stamp: of the files that it was read from; empty where it lay within another.
    """

    pieces: Mapping[str, tuple[int, float]]
    merges: tuple[tuple[str, str], ...] = ()
    added: tuple[tuple[str, int, bool], ...] = ()
    charsmap: bytes = b""
    stamp: Stamp = field(default=(), compare=False)

    @property
    def kind(self) -> str:
        """`t5`, `gemma` or `qwen`: whose vocabulary it is; empty for another's."""
        known = self.pieces.keys() | {text for text, _, _ in self.added}
        if not self.merges and "</s>" in known and "\u2581" in known and "<bos>" not in known:
            return "t5"
        if {"<bos>", "<eos>", "\u2581"} <= known:
            return "gemma"
        return "qwen" if {"<|im_start|>", "<|im_end|>", "<|endoftext|>"} <= known else ""


def read_vocabulary(place: Path) -> Vocabulary:
    """The vocabulary in a file, or in a tokenizer's folder.

    Raises:
        AppError: `tokenizer-file` when it is not there, too large, damaged or of another form.
    """
    stamp = stamp_of(place)
    try:
        whole = _whole_file(place)
        read = _of_two_files(place) if whole is None else _of_file(whole)
        return replace(read, stamp=stamp)
    except OSError as fault:
        raise _refusal(place, fault.strerror or "it cannot be opened") from fault
    except (ValueError, LookupError, RecursionError, Base64Error) as fault:
        raise _refusal(place, f"{fault}"[:200] or "it is damaged") from fault


def stamp_of(place: Path) -> Stamp:
    """What tells a vocabulary from one that was put in its place; empty where there is none."""
    try:
        whole = _whole_file(place)
        paths = [place / name for name in (*PAIR, *BESIDE_PAIR)] if whole is None else [whole]
        return tuple(_seen(path) for path in paths if path.is_file())
    except OSError:
        return ()


def _whole_file(place: Path) -> Path | None:
    """The file that holds all of it; None where it is in two, or nothing is there."""
    places = (place, *(place / name for name in NAMES))
    return next((one for one in places if one.is_file()), None)


def _seen(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns


def vocabulary_of_pieces(data: bytes, name: str) -> Vocabulary:
    """The vocabulary of a sentencepiece model that lies within another file.

    Raises:
        AppError: `tokenizer-file`.
    """
    try:
        if len(data) > FILE_MAX:
            raise ValueError("it is too large to be real")
        return _of_sentencepiece(data)
    except (ValueError, LookupError) as fault:
        raise _refusal(Path(name), f"{fault}"[:200]) from fault


def _of_file(path: Path) -> Vocabulary:
    data = _bytes(path)
    return _of_json(_object(data)) if path.suffix == ".json" else _of_sentencepiece(data)


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(FILE_MAX + 1)
    if len(data) > FILE_MAX:
        raise ValueError("it is too large to be real")
    return data


def _object(data: bytes) -> dict[str, object]:
    value: object = json.loads(data.decode("utf-8-sig"))
    return _mapping(value)


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("a part of it is no table")
    return cast(dict[str, object], value)


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("a part of it is no list")
    return cast(list[object], value)[: 2 * PIECES_MAX]


def _of_json(whole: dict[str, object]) -> Vocabulary:
    """`tokenizer.json`: of it the words alone; how they are found is the class's own business."""
    model = _mapping(whole.get("model"))
    words = model.get("vocab")
    if isinstance(words, list):
        scored = [_items(row) for row in _items(cast(object, words))]
        pieces = _numbered((row[0], row[1]) for row in scored)
    else:
        pieces = {text: (number, 0.0) for text, number in _numbers(_mapping(words))}
    added = [_mapping(row) for row in _items(whole.get("added_tokens", []))]
    signs = tuple(_added(row.get("content"), row.get("id"), row.get("special")) for row in added)
    return Vocabulary(
        pieces=pieces,
        merges=_merges(_items(model.get("merges", [])), pieces),
        added=signs,
        charsmap=_charsmap(whole.get("normalizer")),
    )


def _of_two_files(folder: Path) -> Vocabulary:
    """`vocab.json` and `merges.txt`, with what is added beside them."""
    pieces = {text: (number, 0.0) for text, number in _numbers(_object(_bytes(folder / PAIR[0])))}
    lines = _bytes(folder / PAIR[1]).decode("utf-8").split("\n")
    merges = _merges([row.strip("\r") for row in lines if not row.startswith("#version")], pieces)
    added: dict[str, tuple[str, int, bool]] = {}
    if (folder / BESIDE_PAIR[0]).is_file():
        for text, number in _numbers(_object(_bytes(folder / BESIDE_PAIR[0]))):
            added[text] = text, number, True
    if (folder / BESIDE_PAIR[1]).is_file():
        settings = _object(_bytes(folder / BESIDE_PAIR[1]))
        for number, row in _mapping(settings.get("added_tokens_decoder", {})).items():
            sign = _mapping(row)
            one = _added(sign.get("content"), int(number), sign.get("special"))
            added[one[0]] = one
    return Vocabulary(pieces=pieces, merges=merges, added=tuple(added.values()))


def _of_sentencepiece(data: bytes) -> Vocabulary:
    model = read_sentencepiece(data)
    rows = [(text, score) for text, score, _ in model.pieces]
    if model.merges:
        pieces = _numbered(rows)
        signs = [row for row in model.pieces if row[2] in (3, 4)]
        return Vocabulary(
            pieces=pieces,
            merges=_merges_of(pieces),
            added=tuple((text, pieces[text][0], kind == 3) for text, _, kind in signs),
        )
    rows += [(f"<extra_id_{number}>", 0.0) for number in reversed(range(_SENTINELS))]
    return Vocabulary(pieces=_numbered(rows), charsmap=checked_charsmap(model.charsmap))


def _merges_of(pieces: Mapping[str, tuple[int, float]]) -> tuple[tuple[str, str], ...]:
    """Every way to make a piece of two others, by the number of what comes of it.

    Sentencepiece writes no merges: it joins what gives the piece with the best score, and numbers
    the pieces by it.
    """
    found: list[tuple[int, int, int, str, str]] = []
    for text, (number, _) in pieces.items():
        for at in range(1, min(len(text), _TEXT_MAX)):
            left, right = text[:at], text[at:]
            if left in pieces and right in pieces:
                found.append((number, len(left), len(right), left, right))
        if len(found) > _MERGES_MAX:
            raise ValueError("its words are made of too many others")
    found.sort()
    return tuple((left, right) for *_, left, right in found)


def _numbered(rows: object) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for number, (text, score) in enumerate(cast(Iterator[tuple[object, object]], rows)):
        if not isinstance(text, str) or len(text) > _TEXT_MAX or number > PIECES_MAX:
            raise ValueError("its words are no words")
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise ValueError("its scores are no numbers")
        if text in found:
            raise ValueError(f"it has the word {text[:40]!r} twice")
        found[text] = number, float(score)
    if not found:
        raise ValueError("it has no words")
    return found


def _numbers(words: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    for text, number in words.items():
        if not isinstance(number, int) or not 0 <= number <= PIECES_MAX or len(text) > _TEXT_MAX:
            raise ValueError("its words have no numbers")
        yield text, number


def _merges(
    rows: list[object], pieces: Mapping[str, tuple[int, float]]
) -> tuple[tuple[str, str], ...]:
    """Merges as pairs; they are written as `a b` or as two texts."""
    found: list[tuple[str, str]] = []
    for row in rows:
        words = row.split(" ") if isinstance(row, str) else row
        match words:
            case [str() as first, str() as second]:
                if first in pieces and second in pieces and first + second in pieces:
                    found.append((first, second))
            case _:
                continue
    return tuple(found)


def _added(text: object, number: object, special: object) -> tuple[str, int, bool]:
    good = isinstance(text, str) and 0 < len(text) <= _TEXT_MAX
    if not good or not isinstance(number, int) or not 0 <= number <= PIECES_MAX:
        raise ValueError("its added words have no numbers")
    return cast(str, text), number, special is True


def _charsmap(normalizer: object) -> bytes:
    if not isinstance(normalizer, dict):
        return b""
    row = cast(dict[str, object], normalizer)
    rows = _items(row["normalizers"]) if isinstance(row.get("normalizers"), list) else [row]
    for one in rows:
        found = _mapping(one).get("precompiled_charsmap")
        if isinstance(found, str):
            return checked_charsmap(b64decode(found, validate=True))
    return b""


def checked_charsmap(data: bytes) -> bytes:
    """The same, where no way through it leads out of it: its reader would end the program.

    It is the length of a table, the table (a double array: Aoe 1989, IEEE Transactions on Software
    Engineering 15(9), as darts-clone packs it), and the texts that its leaves point into.

    Raises:
        ValueError: when it is damaged.
    """
    if not data:
        return data
    length = struct.unpack_from("<I", data)[0] if len(data) >= 4 else 0
    if length % 4 or not 0 < length <= len(data) - 4 or len(data) > _CHARSMAP_MAX:
        raise ValueError("its table of characters is damaged")
    texts = data[4 + length :]
    texts.decode("utf-8")
    units = struct.unpack_from(f"<{length // 4}I", data, 4)
    if not all(_leads_inside(at, units, texts) for at in range(len(units))):
        raise ValueError("its table of characters is damaged")
    return data


def _leads_inside(at: int, units: Sequence[int], texts: bytes) -> bool:
    """Whether all that one unit of a double array points to is there."""
    unit = units[at]
    if unit >> 31:
        return True
    below = at ^ ((unit >> 10) << ((unit & 512) >> 6))
    if below | 255 >= len(units):
        return False
    leaf = units[below] & 0x7FFFFFFF if unit & 256 else 0
    # A text begins with a letter, not within the bytes of one.
    return (leaf < len(texts) and texts[leaf] & 0xC0 != 0x80) or leaf == len(texts)


def _refusal(place: Path, reason: str) -> AppError:
    return AppError(
        "tokenizer-file",
        f"The vocabulary “{place}” cannot be read: {reason}.",
        hint="Copy or download it again.",
        path=str(place),
    )
