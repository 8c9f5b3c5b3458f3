"""The oracle for weights: AUTOMATIC1111's method written a second time, from its description.

The description (its wiki, "Attention/emphasis", "Infinite prompt length" and "BREAK"): round
brackets multiply the attention to what is in them by 1.1, square ones divide it, `(words:1.5)` sets
the factor, a backslash makes a bracket a character; a prompt is cut into chunks of 75 tokens, each
between a start and an end token and filled up with the padding, after the last comma if that is at
most 20 tokens back; the embedding of each token is multiplied by its weight and all of it by one
factor that brings back the mean of the chunk. It shares no line with the program's own: a walk over
characters in place of a grammar, one token at a time in place of pieces, lists in place of tensors.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from desktop_app.engine.conditioning import encode
from desktop_app.recipe.recipe import ModelRef, Recipe

pytestmark = pytest.mark.slow
MODEL = ModelRef(sha256="0" * 64, name="Model")
SIZE, BACK = 75, 20


@pytest.fixture(scope="module")
def pipe(tiny_model: Path) -> StableDiffusionPipeline:
    """A text encoder whose embeddings have the mean of CLIP ViT-L's, about -0.1."""
    made = StableDiffusionPipeline.from_pretrained(
        tiny_model, local_files_only=True, safety_checker=None
    )
    with torch.no_grad():
        made.text_encoder.final_layer_norm.bias.fill_(-0.1)
    return made


def weighted(text: str) -> Iterator[tuple[str, float]]:
    """Runs of characters with their weight, for well-formed prompts: by recursion on brackets."""

    def closing(at: int) -> int:
        depth = 0
        while at < len(text):
            if text[at] == "\\":
                at += 1
            elif text[at] in "([":
                depth += 1
            elif text[at] in ")]":
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        raise AssertionError("only well-formed prompts are asked")

    def walk(at: int, end: int, weight: float) -> Iterator[tuple[str, float]]:
        run = ""
        while at < end:
            if text[at] == "\\":
                run += text[at + 1]
                at += 2
            elif text[at] in "([":
                yield run, weight
                run = ""
                last = closing(at)
                inside, factor = last, 1.1 if text[at] == "(" else 1 / 1.1
                colon = text.rfind(":", at, last)
                if (
                    text[at] == "("
                    and colon > 0
                    and set(text[colon + 1 : last]) <= set(".0123456789")
                ):
                    inside, factor = colon, float(text[colon + 1 : last])
                yield from walk(at + 1, inside, weight * factor)
                at = last + 1
            else:
                run += text[at]
                at += 1
        yield run, weight

    yield from walk(0, len(text), 1.0)


def reference(pipe: Any, text: str) -> list[list[list[float]]]:
    """The embedding of each token of each chunk."""
    comma = pipe.tokenizer.convert_tokens_to_ids(",</w>")
    whole: list[list[tuple[int, float]]] = []
    for part in text.split(" BREAK "):
        left: list[tuple[int, float]] = []
        for words, weight in joined(weighted(part)):
            ids = pipe.tokenizer.encode(words, add_special_tokens=False)
            left += [(number, weight) for number in ids]
        while True:
            if len(left) <= SIZE:
                whole.append(left)
                break
            cut = SIZE
            places = [at for at in range(SIZE) if left[at][0] == comma]
            if places and left[SIZE][0] != comma and SIZE - places[-1] <= BACK:
                cut = places[-1] + 1
            whole.append(left[:cut])
            left = left[cut:]
    return [one_chunk(pipe, chunk) for chunk in whole]


def joined(runs: Iterator[tuple[str, float]]) -> list[tuple[str, float]]:
    out: list[tuple[str, float]] = []
    for words, weight in runs:
        if words and out and out[-1][1] == weight:
            out[-1] = (out[-1][0] + words, weight)
        elif words:
            out.append((words, weight))
    return out


def one_chunk(pipe: Any, chunk: list[tuple[int, float]]) -> list[list[float]]:
    tokenizer = pipe.tokenizer
    ids = [tokenizer.bos_token_id, *(number for number, _ in chunk), tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * (SIZE + 2 - len(ids))
    weights = [1.0, *(weight for _, weight in chunk)]
    weights += [1.0] * (SIZE + 2 - len(weights))
    with torch.no_grad():
        rows: list[list[float]] = pipe.text_encoder(torch.tensor([ids]))[0][0].double().tolist()
    heavy = [[value * weight for value in row] for row, weight in zip(rows, weights, strict=True)]
    before = sum(map(sum, rows))
    after = sum(map(sum, heavy))
    return [[value * before / after for value in row] for row in heavy]


words = st.lists(st.sampled_from(["a", "fox", "red", "snow", ",", "\\(", "\\]", "é"]), min_size=1)
prompts = st.recursive(
    words.map(" ".join),
    lambda inner: st.one_of(
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"[{text}]"),
        st.tuples(inner, st.integers(5, 16)).map(lambda both: f"({both[0]}:{both[1] / 10})"),
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
    ),
    max_leaves=8,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(prompts, min_size=1, max_size=3).map(" BREAK ".join))
@example("a (red:1.4) fox, [snow] BREAK ((fog)), (a [b:0.5] c:1.3)")
@example("(x:1.2) " * 74 + ", y y y y")
@example("x " * 60 + ", (y y y y y y y y y y y y y y y y y y y y:1.3)")
def test_the_program_weighs_and_cuts_as_the_description_says(
    pipe: StableDiffusionPipeline, text: str
) -> None:
    # Another chunk at the end leads a prompt without weights the same way.
    text = f"{text} BREAK (z:1.1)"
    given = encode(pipe, Recipe(model=MODEL, prompt=text))
    ours = given["prompt_embeds"][0]
    theirs = torch.tensor(reference(pipe, text), dtype=torch.float64).flatten(0, 1)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5)
