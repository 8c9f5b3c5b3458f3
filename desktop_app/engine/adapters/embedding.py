"""Textual inversions: new words for a text encoder, for as long as one render lasts."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine.adapters.reading import Tensors, broken, misfit, read_tensors
from desktop_app.errors import AppError

VECTORS_MAX = 256
PAIRS = (("tokenizer", "text_encoder", "clip_l"), ("tokenizer_2", "text_encoder_2", "clip_g"))
"""The components that learn a word, and what the vectors for them are called in a file."""
T5_KEYS = ("t5xxl", "t5")
"""What they are called where the second is the T5 of Flux; many files have none for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedding:
    """One to attach.

    Attributes:
        token: the word in the prompt that stands for it.
    """

    path: Path
    name: str
    token: str


@contextmanager
def known(pipe: Any, embeddings: Sequence[Embedding], model: str) -> Iterator[None]:
    """Let the text encoders know new words (Gal et al. 2022, arXiv 2208.01618).

    The tokenizer and the table of vectors are replaced by longer copies; the ones before are put
    back untouched. A word of several vectors is written into the prompt as diffusers does it, see
    `conditioning.expanded`.

    Raises:
        AppError: `adapter-family` when the vectors are of another length than the encoder's,
            `adapter-kind`, `adapter-missing` or `adapter-broken`.
    """
    if not embeddings:
        yield
        return
    before: list[tuple[str, Any, Any, Any]] = []
    read = [(one, read_tensors(one.path, f"embedding {one.name}")) for one in embeddings]
    try:
        for words, encoder, key in PAIRS:
            tokenizer, network = getattr(pipe, words, None), getattr(pipe, encoder, None)
            if tokenizer is None or network is None:
                continue
            keys, here = (key,), read
            if type(network).__name__.startswith("T5"):
                keys = T5_KEYS
                here = [pair for pair in read if not pair[1].keys().isdisjoint(T5_KEYS)]
            if not here:
                continue
            table = network.get_input_embeddings()
            before.append((words, tokenizer, network, table))
            longer, vectors = _learned(tokenizer, table.weight, here, keys, model)
            # Not register_modules(): it would write the pipeline's config.
            setattr(pipe, words, longer)
            wide = torch.nn.Embedding.from_pretrained(vectors)
            network.set_input_embeddings(wide)
        yield
    finally:
        for words, tokenizer, network, table in before:
            setattr(pipe, words, tokenizer)
            network.set_input_embeddings(table)


def _learned(
    tokenizer: Any,
    table: torch.Tensor,
    read: Sequence[tuple[Embedding, Tensors]],
    keys: tuple[str, ...],
    model: str,
) -> tuple[Any, torch.Tensor]:
    """A tokenizer that has the words, and the table with their vectors at the numbers it gives."""
    longer = copy.deepcopy(tokenizer)
    rows: list[torch.Tensor] = []
    for one, tensors in read:
        what = f"embedding {one.name}"
        vectors = _vectors(tensors, keys, what)
        if vectors.shape[1] != table.shape[1]:
            lengths = f"its vectors have {vectors.shape[1]} numbers and not {table.shape[1]}"
            raise misfit(what, model, lengths)
        names = [one.token, *(f"{one.token}_{place}" for place in range(1, len(vectors)))]
        taken = longer.get_vocab().keys() & names
        if taken or longer.add_tokens(names) != len(names):
            raise AppError(
                "adapter-word",
                f"The word “{one.token[:60]}”, by which the {what} is called, means something to "
                f"{model} already.",
                hint="Give its file another name, and attach it again.",
            )
        rows.append(vectors.to(table.device, table.dtype))
    numbers = len(longer) - sum(len(row) for row in rows)
    # Some models have more rows than their tokenizer has words, or fewer.
    return longer, torch.cat([_resized(table.detach(), numbers), *rows])


def _resized(table: torch.Tensor, rows: int) -> torch.Tensor:
    if len(table) >= rows:
        return table[:rows]
    return torch.cat([table, table.new_zeros(rows - len(table), table.shape[1])])


def _vectors(tensors: Tensors, keys: tuple[str, ...], what: str) -> torch.Tensor:
    """(N, C): of the part of the file that is for one encoder."""
    own = next((key for key in keys if key in tensors), None)
    if own is not None:
        found = tensors[own]
    elif "emb_params" in tensors:
        found = tensors["emb_params"]
    elif len(tensors) == 1:
        found = next(iter(tensors.values()))
    else:
        raise broken(what, ValueError(f"it holds {len(tensors)} tensors and none for {keys[0]}"))
    found = found if found.ndim == 2 else found[None]
    if found.ndim != 2 or not 1 <= len(found) <= VECTORS_MAX:
        raise broken(what, ValueError(f"its vectors have the shape {tuple(found.shape)}"))
    return found
