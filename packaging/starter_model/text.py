"""train-text: tokenizer and text encoder."""

import torch
from torch import Tensor
from transformers import CLIPTokenizer


def tokenize(tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Return token ids, n x model_max_length, padded and truncated."""
    limit = tokenizer.model_max_length
    return torch.tensor(
        tokenizer(texts, padding="max_length", max_length=limit, truncation=True).input_ids
    )
