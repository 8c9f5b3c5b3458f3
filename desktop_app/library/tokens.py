"""How many tokens of the model's reading length a prompt takes; no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from desktop_app.errors import AppError
from desktop_app.library.reading import VOCABULARY_MAX, read_json
from desktop_app.paths import RESOURCES
from desktop_app.recipe import prompt
from desktop_app.recipe.clip_words import clip_vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LENGTH = 77
_MERGES_MAX = 200_000
_UNKNOWN = "<|endoftext|>"
# As transformers' CLIPTokenizer has it.
_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class TokenCounter:
    """Counts with the tokenizer of a model. Safe to call from any thread."""

    def __init__(self, folder: Path) -> None:
        """Args:
        folder: of the model; a checkpoint in one file reads with the vocabulary that is shipped.

        Raises:
            AppError: `model-file` when the tokenizer cannot be read.
        """
        place = folder / "tokenizer"
        self._tokenizer = _tokenizer(place)
        settings = place / "tokenizer_config.json"
        length = read_json(settings).get("model_max_length") if settings.is_file() else None
        good = isinstance(length, int) and 2 < length <= 10_000
        self._limit = (length if good and isinstance(length, int) else _LENGTH) - 2

    def count(self, text: str) -> tuple[int, int]:
        """Tokens of a prompt without its syntax for weights and without the two that frame a chunk,
        and how many fit into one chunk.
        """
        pieces = prompt.parse(text).pieces
        encoded = self._tokenizer.encode_batch(
            [piece.text for piece in pieces], add_special_tokens=False
        )
        return sum(len(one.ids) for one in encoded), self._limit


def _tokenizer(place: Path) -> "Tokenizer":
    """CLIP's tokenizer as transformers makes it, from the vocabulary and the merges alone.

    The library has its own reader for `tokenizer.json`; it takes files of any size and raises
    plain exceptions for bad ones.
    """
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers

    vocabulary, merges = _shipped() if place.parent.is_file() else _parts(place)
    tokenizer = tokenizers.Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[pair for pair in merges if {*pair, "".join(pair)} <= vocabulary.keys()],
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
            unk_token=_UNKNOWN,
        )
    )
    spaces = normalizers.Replace(tokenizers.Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), spaces, normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(tokenizers.Regex(_WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [words, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _shipped() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """CLIP's own vocabulary, which every checkpoint in one file was trained with."""
    path = RESOURCES / "model_configs" / "clip" / "merges.txt.gz"
    try:
        return clip_vocabulary(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise AppError(
            "model-file",
            f"The program's own vocabulary cannot be read: {path}.",
            hint="Install Mezzotint again.",
            path=str(path),
        ) from fault


def _parts(place: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges: from `tokenizer.json`, or from two files in older folders."""
    whole = place / "tokenizer.json"
    if whole.is_file():
        model = read_json(whole, VOCABULARY_MAX).get("model")
        parts = cast(dict[str, object], model) if isinstance(model, dict) else {}
        rows, merges = parts.get("vocab"), parts.get("merges")
    else:
        rows = read_json(place / "vocab.json", VOCABULARY_MAX)
        merges = _lines(place / "merges.txt")
    words = cast(dict[str, object], rows) if isinstance(rows, dict) else {}
    vocabulary = {
        word: number
        for word, number in words.items()
        if isinstance(number, int) and 0 <= number < 2**31
    }
    if _UNKNOWN not in vocabulary:
        raise AppError(
            "model-file",
            f"The model's tokenizer in “{place}” has no vocabulary.",
            hint="Copy or download the model again.",
            path=str(place),
        )
    return vocabulary, _pairs(merges)


def _pairs(value: object) -> list[tuple[str, str]]:
    """Merges as pairs; they are written as `a b` or as two texts."""
    found: list[tuple[str, str]] = []
    for row in cast(list[object], value)[:_MERGES_MAX] if isinstance(value, list) else []:
        words = row.split(" ") if isinstance(row, str) else row
        match words:
            case [str() as first, str() as second]:
                found.append((first, second))
            case _:
                continue
    return found


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            lines = stream.read(VOCABULARY_MAX).decode("utf-8", "replace").split("\n")
    except OSError as fault:
        raise AppError(
            "model-file",
            f"The model's file “{path}” cannot be read.",
            hint="Copy or download the model again.",
            path=str(path),
        ) from fault
    return [line.rstrip("\r") for line in lines if not line.startswith("#version")]
