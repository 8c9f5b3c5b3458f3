"""Tokenizers of a model in one file: CLIP's own words are shipped, others lie on the disk."""

import json
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from desktop_app.engine.reading import guarded, read_json
from desktop_app.errors import AppError
from desktop_app.recipe.clip_words import clip_vocabulary
from desktop_app.recipe.family import Part
from desktop_app.recipe.vocabularies import VOCABULARIES, vocabulary_for
from desktop_app.weights.vocabulary import Vocabulary

_ENDS = {"t5": ("", "</s>"), "gemma": ("<bos>", "")}
"""The sign that each vocabulary puts before and behind a text."""


def make_tokenizer(
    part: Part, place: Path, configs: Path, words: Vocabulary | None, name: str
) -> Any:
    """The tokenizer of a family, with the settings that are shipped.

    Args:
        place: the folder of its settings.
        words: read from the artist's disk; CLIP's are shipped and need none.
        name: of the model, for the sentences.

    Raises:
        AppError: `tokenizer-missing`, `model-broken`.
    """
    settings = read_json(place / "tokenizer_config.json", name)
    kind = vocabulary_for(part)
    if kind == "clip":
        return guarded(name, part.name, lambda: _clip(configs, settings))
    if words is None or words.kind != kind:
        raise missing_vocabulary(kind, name)
    made: Any = getattr(transformers, part.classes[0])
    return guarded(name, part.name, lambda: _of_words(made, words, kind, settings))


def missing_vocabulary(kind: str, name: str) -> AppError:
    """The refusal of a model whose words are not here."""
    vocabulary = VOCABULARIES[kind]
    return AppError(
        "tokenizer-missing",
        f"The model {name} reads with the words of {vocabulary.title}, which may not be shipped "
        "with this program.",
        hint=f"Add {vocabulary.files}: drop the file on the window.",
        kind=kind,
    )


def _clip(configs: Path, settings: Mapping[str, Any]) -> Any:
    merges: Any
    vocabulary, merges = clip_vocabulary((configs / "clip" / "merges.txt.gz").read_bytes())
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, **settings)


def _of_words(made: Any, words: Vocabulary, kind: str, settings: Mapping[str, Any]) -> Any:
    """By the library's own reader, from a file with nothing in it but the words."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        text = json.dumps(_tokenizer_json(words, kind), ensure_ascii=False)
        (place / "tokenizer.json").write_text(text, "utf-8")
        (place / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
        return made.from_pretrained(place, local_files_only=True, trust_remote_code=False)


def _tokenizer_json(words: Vocabulary, kind: str) -> dict[str, Any]:
    normalizer = None
    if words.charsmap:
        packed = b64encode(words.charsmap).decode("ascii")
        normalizer = {"type": "Precompiled", "precompiled_charsmap": packed}
    numbers = {text: number for text, (number, _) in words.pieces.items()}
    model: dict[str, Any]
    if kind == "t5" and "<unk>" not in numbers:
        raise ValueError("it has no word for what it does not know")
    if kind != "t5":
        model = {"type": "BPE", "vocab": numbers, "merges": [list(one) for one in words.merges]}
    else:
        rows = [[text, score] for text, (_, score) in words.pieces.items()]
        model = {"type": "Unigram", "unk_id": numbers["<unk>"], "vocab": rows}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_sign(*one) for one in sorted(words.added, key=lambda one: one[1])],
        "normalizer": normalizer,
        "pre_tokenizer": None,
        "post_processor": _framed(kind, {**numbers, **{row[0]: row[1] for row in words.added}}),
        "decoder": None,
        "model": model,
    }


def _sign(text: str, number: int, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **flags, "special": special}


def _framed(kind: str, numbers: Mapping[str, int]) -> dict[str, Any] | None:
    if kind not in _ENDS:
        return None
    first, last = _ENDS[kind]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    further = {"Sequence": {"id": "B", "type_id": 0}}
    before = [{"SpecialToken": {"id": first, "type_id": 0}}] if first else []
    behind = [{"SpecialToken": {"id": last, "type_id": 0}}] if last else []
    signs = {
        sign: {"id": sign, "ids": [numbers[sign]], "tokens": [sign]}
        for sign in (first, last)
        if sign
    }
    return {
        "type": "TemplateProcessing",
        "single": [*before, text, *behind],
        "pair": [*before, text, *behind, *before, further, *behind],
        "special_tokens": signs,
    }
