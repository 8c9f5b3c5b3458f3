"""Prompts with weights, and prompts longer than the text encoder, turned into embeddings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from desktop_app.errors import AppError
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
    """The prompt arguments for a call of the pipeline of Stable Diffusion 1 or 2.

    Prompts without weights that fit into the text encoder are given as text, so that the call is
    the one that anybody would write. Otherwise the semantics are AUTOMATIC1111's: chunks of the
    encoder's length, broken at a comma near their end, each encoded by itself between the special
    tokens; each token's embedding multiplied by its weight, and the chunk brought back to the mean
    it had before (but see `MEAN_MIN`); all chunks joined. The prompt with fewer chunks is filled up
    with empty ones.

    Returns:
        `prompt` and `negative_prompt` as text, or `prompt_embeds` and `negative_prompt_embeds`,
        both (1, chunks * model_max_length, C) in the text encoder's dtype and on its device.

    Raises:
        AppError: `clip-skip` when the text encoder has not that many layers.
    """
    _check_skip(recipe, pipe.text_encoder)
    texts = [recipe.prompt, recipe.negative_prompt]
    plain = [plain_text(text) for text in texts]
    rows = [chunks(pipe.tokenizer, text) for text in texts]
    short = all(words is not None for words in plain) and all(len(row) == 1 for row in rows)
    if short and not recipe.clip_skip:
        return {"prompt": plain[0], "negative_prompt": plain[1]}

    def read(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        encoder = pipe.text_encoder
        if not recipe.clip_skip:
            return encoder(ids, attention_mask=mask)[0]
        every = encoder(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        # The last layer's norm belongs to whatever layer is taken, as in AUTOMATIC1111.
        norm = getattr(encoder, "text_model", encoder).final_layer_norm
        return norm(every[-1 - recipe.clip_skip])

    embeds = [
        torch.cat([_encode(pipe.tokenizer, pipe.text_encoder, chunk, read) for chunk in row], dim=1)
        for row in _filled(rows)
    ]
    return {"prompt_embeds": embeds[0], "negative_prompt_embeds": embeds[1]}


def encode_xl(pipe: Any, recipe: Recipe) -> dict[str, Any]:
    """The prompt arguments for a call of Stable Diffusion XL's pipelines; see `encode`.

    Every encoder reads the prompt, which are two, or in a refiner the large one alone; of each the
    last layer but one is taken, less those that are skipped. What sums up the prompt comes from
    the first chunk. Nothing to avoid is told as zeros where the model was trained so.
    """
    negative = recipe.negative_prompt.strip()
    zeros = not negative and bool(pipe.config.force_zeros_for_empty_prompt)
    texts = [recipe.prompt] if zeros else [recipe.prompt, recipe.negative_prompt]
    plain = [plain_text(text) for text in texts]
    pairs = [(pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)]
    pairs = [(tokenizer, encoder) for tokenizer, encoder in pairs if encoder is not None]
    rows = {tokenizer: [chunks(tokenizer, text) for text in texts] for tokenizer, _ in pairs}
    short = all(len(row) == 1 for each in rows.values() for row in each)
    if short and not recipe.clip_skip and all(words is not None for words in plain):
        return {"prompt": plain[0], **({} if zeros else {"negative_prompt": plain[1]})}
    told: list[list[torch.Tensor]] = [[] for _ in texts]
    pooled: list[torch.Tensor] = []
    for tokenizer, encoder in pairs:
        _check_skip(recipe, encoder)
        first: list[torch.Tensor] = []

        def read(
            ids: torch.Tensor,
            mask: torch.Tensor | None,
            encoder: Any = encoder,
            first: list[torch.Tensor] = first,
        ) -> torch.Tensor:
            found = encoder(ids, attention_mask=mask, output_hidden_states=True)
            first.append(found[0])
            return found.hidden_states[-2 - recipe.clip_skip]

        for text, row in zip(told, _filled(rows[tokenizer]), strict=True):
            first.clear()
            text.append(torch.cat([_encode(tokenizer, encoder, one, read) for one in row], dim=1))
            if first[0].ndim == 2:
                pooled.append(first[0])
    embeds = [torch.cat(text, dim=-1) for text in told]
    if zeros:
        embeds.append(torch.zeros_like(embeds[0]))
        pooled.append(torch.zeros_like(pooled[0]))
    return {
        "prompt_embeds": embeds[0],
        "negative_prompt_embeds": embeds[1],
        "pooled_prompt_embeds": pooled[0],
        "negative_pooled_prompt_embeds": pooled[1],
    }


def _filled(rows: list[list[Chunk]]) -> list[list[Chunk]]:
    longest = max(len(row) for row in rows)
    return [row + [Chunk()] * (longest - len(row)) for row in rows]


def _check_skip(recipe: Recipe, encoder: Any) -> None:
    layers = int(encoder.config.num_hidden_layers)
    if recipe.clip_skip >= layers:
        raise AppError(
            "clip-skip",
            f"The text encoder has {layers} layers; at most {layers - 1} can be left out.",
            hint="Set CLIP skip to a smaller number.",
        )


def expanded(tokenizer: Any, text: str) -> str:
    """A prompt in which a textual inversion of several vectors stands with all of them.

    As diffusers does it: the word `x` becomes `x x_1 x_2`, for as many as the tokenizer knows.
    """
    known = tokenizer.added_tokens_encoder
    for word in known:
        if word in text and f"{word}_1" in known:
            more = [word]
            while f"{word}_{len(more)}" in known:
                more.append(f"{word}_{len(more)}")
            text = text.replace(word, " ".join(more))
    return text


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
        for token in _tokens(tokenizer, piece.text):
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


def _tokens(tokenizer: Any, text: str) -> list[int]:
    words = expanded(tokenizer, text)
    return tokenizer(words, add_special_tokens=False, verbose=False).input_ids


def _encode(
    tokenizer: Any,
    encoder: Any,
    chunk: Chunk,
    read: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
) -> torch.Tensor:
    """Embeddings of one chunk, (1, model_max_length, C).

    Args:
        read: ids (1, model_max_length) and their mask to embeddings.
    """
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
        embeds = read(ids, mask)
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
