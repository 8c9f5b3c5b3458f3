"""Prompts with weights, and prompts longer than the text encoder, turned into embeddings."""

from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from desktop_app.recipe.prompt import parse, plain_text
from desktop_app.recipe.recipe import Recipe

COMMA_SHARE = 20 / 75
"""How far back a full chunk looks for a comma to break at, as a share of its length."""
MEAN_MIN = 0.01
"""Share of the root mean square below which a mean is left alone.

CLIP ViT-L, which the method was made for, has a mean of about a tenth. Where it is close to zero,
the quotient of two means is chance, may be huge or negative, and would destroy the embedding.
"""


@dataclass(slots=True)
class Chunk:
    """Tokens that are encoded together, without the first and last special one.

    Attributes:
        weights: one for each token.
    """

    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])


def encode(pipe: StableDiffusionPipeline, recipe: Recipe) -> dict[str, Any]:
    """The prompt arguments for a call of the pipeline.

    Prompts without weights that fit into the text encoder are given as text, so that the call is
    the one that anybody would write. Otherwise the semantics are AUTOMATIC1111's: chunks of the
    encoder's length, broken at a comma near their end, each encoded by itself between the special
    tokens; each token's embedding multiplied by its weight, and the chunk brought back to the mean
    it had before (but see `MEAN_MIN`); all chunks joined. The prompt with fewer chunks is filled up
    with empty ones.

    Returns:
        `prompt` and `negative_prompt` as text, or `prompt_embeds` and `negative_prompt_embeds`,
        both (1, chunks * model_max_length, C) in the text encoder's dtype and on its device.
    """
    texts = [recipe.prompt, recipe.negative_prompt]
    plain = [plain_text(text) for text in texts]
    rows = [chunks(pipe.tokenizer, text) for text in texts]
    if all(words is not None for words in plain) and all(len(row) == 1 for row in rows):
        return {"prompt": plain[0], "negative_prompt": plain[1]}
    longest = max(len(row) for row in rows)
    embeds = [
        torch.cat([_encode(pipe, chunk) for chunk in row + [Chunk()] * (longest - len(row))], dim=1)
        for row in rows
    ]
    return {"prompt_embeds": embeds[0], "negative_prompt_embeds": embeds[1]}


def chunks(tokenizer: Any, text: str) -> list[Chunk]:
    """The prompt's tokens with their weights, in chunks that the text encoder can take.

    Args:
        tokenizer: of the model; its `model_max_length` counts the two special tokens too.

    Returns:
        At least one chunk; none is longer than `model_max_length - 2`.
    """
    length = tokenizer.model_max_length - 2
    reach = int(length * COMMA_SHARE)
    comma = tokenizer.get_vocab().get(",</w>")
    rows = [Chunk()]
    last_comma = -1
    for piece in parse(text).pieces:
        if piece.starts_chunk:
            rows.append(Chunk())
            last_comma = -1
        for token in tokenizer(piece.text, add_special_tokens=False, verbose=False).input_ids:
            row = rows[-1]
            if len(row.tokens) == length:
                near = token != comma and last_comma >= 0 and length - last_comma <= reach
                rest = slice(last_comma + 1 if near else length, None)
                rows.append(Chunk(row.tokens[rest], row.weights[rest]))
                del row.tokens[rest], row.weights[rest]
                last_comma = -1
                row = rows[-1]
            if token == comma:
                last_comma = len(row.tokens)
            row.tokens.append(token)
            row.weights.append(piece.weight)
    # A BREAK at the very end opens a chunk for words that never come.
    return rows if rows[-1].tokens or len(rows) == 1 else rows[:-1]


def _encode(pipe: StableDiffusionPipeline, chunk: Chunk) -> torch.Tensor:
    """Embeddings of one chunk, (1, model_max_length, C)."""
    tokenizer, encoder = pipe.tokenizer, pipe.text_encoder
    padding = tokenizer.model_max_length - 2 - len(chunk.tokens)
    tokens = [
        tokenizer.bos_token_id,
        *chunk.tokens,
        tokenizer.eos_token_id,
        *[tokenizer.pad_token_id] * padding,
    ]
    ids = torch.tensor([tokens], device=encoder.device)
    mask = None
    if getattr(encoder.config, "use_attention_mask", False):
        mask = (torch.arange(len(tokens), device=ids.device) < len(chunk.tokens) + 2)[None].long()
    with torch.no_grad():
        embeds = encoder(ids, attention_mask=mask)[0]
    if all(weight == 1.0 for weight in chunk.weights):
        return embeds
    # In float32: in half precision the two means would lose most of their digits.
    weights = torch.tensor([1.0, *chunk.weights, *[1.0] * (padding + 1)], device=embeds.device)
    before = embeds.float()
    weighted = before * weights[None, :, None]
    least = MEAN_MIN * before.square().mean().sqrt()
    if before.mean().abs() > least and weighted.mean().abs() > least:
        weighted *= before.mean() / weighted.mean()
    return weighted.to(embeds.dtype)
