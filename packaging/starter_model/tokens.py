"""The tokenizer: byte-pair merges learnt from the captions' own words, in CLIP's format."""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from starter_model import words
from starter_model.captions import caption
from starter_model.subjects import SUBJECTS
from starter_model.world import WORLDS, draw_scene

VOCABULARY = 2048
MAX_LENGTH = 48
SPECIAL = ("<|startoftext|>", "<|endoftext|>")
PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")
WORD_END = "</w>"


def byte_characters() -> dict[int, str]:
    """Return the printable character that stands for each byte, as GPT-2 and CLIP have it."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in characters:
            characters[byte] = chr(256 + len(characters) - len(printable))
    return characters


def word_counts(captions: int, seed: int) -> Counter[str]:
    """Count the words of random captions of all worlds, and every word the grammar holds."""
    counts: Counter[str] = Counter()
    for name in WORLDS:
        for index in range(captions):
            rng = np.random.default_rng([seed, index])
            counts.update(PIECES.findall(caption(draw_scene(WORLDS[name], rng), rng)[0].lower()))
    known = list(words.EXTRA)
    for entry in SUBJECTS.values():
        for phrase in (entry.name, words.plural(entry.name), *entry.synonyms):
            known += phrase.split()
    for word in known:
        counts[word.lower()] += 8
    return counts


def join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """Return `word` with every occurrence of `pair` joined into one symbol."""
    joined: list[str] = []
    index = 0
    while index < len(word):
        if word[index : index + 2] == pair:
            joined.append(word[index] + word[index + 1])
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return tuple(joined)


def learn_merges(counts: Counter[str], wanted: int) -> list[tuple[str, str]]:
    """Return up to `wanted` merges, the most frequent pair first; ties go to the later pair."""
    characters = byte_characters()
    spelled: dict[tuple[str, ...], int] = {}
    for word, count in counts.items():
        letters = [characters[byte] for byte in word.encode()]
        spelled[(*letters[:-1], letters[-1] + WORD_END)] = count
    merges: list[tuple[str, str]] = []
    while len(merges) < wanted:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in spelled.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        merged: dict[tuple[str, ...], int] = {}
        for word, count in spelled.items():
            new = join(word, best)
            merged[new] = merged.get(new, 0) + count
        spelled = merged
    return merges


def train(folder: Path, *, captions: int = 15000, seed: int = 0) -> CLIPTokenizer:
    """Learn a vocabulary and save the tokenizer in `folder`; return it."""
    letters = [byte_characters()[byte] for byte in range(256)]
    base = letters + [letter + WORD_END for letter in letters]
    merges = learn_merges(word_counts(captions, seed), VOCABULARY - len(base) - len(SPECIAL))
    tokens = list(dict.fromkeys([*base, *(a + b for a, b in merges), *SPECIAL]))
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    tokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=MAX_LENGTH)
    tokenizer.save_pretrained(folder)
    return tokenizer


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Return token ids, n x model_max_length, padded and truncated."""
    limit = tokenizer.model_max_length
    return torch.tensor(
        tokenizer(texts, padding="max_length", max_length=limit, truncation=True).input_ids
    )


def load(folder: Path) -> CLIPTokenizer:
    """Return the tokenizer saved in `folder`."""
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
