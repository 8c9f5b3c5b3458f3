"""Prompts become what a plain pipeline call makes of them, and weights what artists know."""

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.engine.conditioning import chunks, encode
from desktop_app.recipe.recipe import ModelRef, Recipe

pytestmark = pytest.mark.slow
MODEL = ModelRef(sha256="0" * 64, name="Model")


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        tiny_model, local_files_only=True, safety_checker=None
    )


@pytest.fixture(scope="module")
def with_a_mean(tiny_model: Path) -> StableDiffusionPipeline:
    """A text encoder whose embeddings have the mean of CLIP ViT-L's, about -0.1."""
    pipe = StableDiffusionPipeline.from_pretrained(
        tiny_model, local_files_only=True, safety_checker=None
    )
    with torch.no_grad():
        pipe.text_encoder.final_layer_norm.bias.fill_(-0.1)
    return pipe


@pytest.fixture(scope="module")
def starter(starter_model: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        starter_model, local_files_only=True, dtype=torch.float32
    )


def conditions(
    pipe: StableDiffusionPipeline, prompt: str, negative: str = ""
) -> tuple[torch.Tensor, torch.Tensor]:
    """Both embeddings as the pipeline will use them."""
    given = encode(pipe, Recipe(model=MODEL, prompt=prompt, negative_prompt=negative))
    both = pipe.encode_prompt(
        device=torch.device("cpu"),
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        **{"prompt": None, **given},
    )
    assert both[1] is not None
    return both[0], both[1]


def by_hand(
    pipe: StableDiffusionPipeline, words: list[tuple[str, float]], *, restore: bool = False
) -> torch.Tensor:
    """One chunk, written out: encode the joined words, multiply, bring back the mean or not."""
    tokenizer = pipe.tokenizer
    ids, weights = [tokenizer.bos_token_id], [1.0]
    for text, weight in words:
        for token in tokenizer.encode(text, add_special_tokens=False):
            ids.append(token)
            weights.append(weight)
    ids.append(tokenizer.eos_token_id)
    while len(ids) < tokenizer.model_max_length:
        ids.append(tokenizer.pad_token_id)
    weights += [1.0] * (len(ids) - len(weights))
    with torch.no_grad():
        plain = pipe.text_encoder(torch.tensor([ids])).last_hidden_state
    heavy = torch.stack([row * weight for row, weight in zip(plain[0], weights, strict=True)])
    return (heavy * (plain.mean() / heavy.mean()) if restore else heavy)[None]


def test_a_plain_prompt_is_the_call_anybody_would_write(tiny: StableDiffusionPipeline) -> None:
    recipe = Recipe(model=MODEL, prompt="a fox :)", negative_prompt="snow")
    assert encode(tiny, recipe) == {"prompt": "a fox :)", "negative_prompt": "snow"}
    escaped = Recipe(model=MODEL, prompt=r"a fox \(red\)")
    assert encode(tiny, escaped) == {"prompt": "a fox (red)", "negative_prompt": ""}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(alphabet="abc, .é", max_size=40), st.text(alphabet="xyz ", max_size=20))
def test_weights_of_one_equal_the_plain_encoding(
    tiny: StableDiffusionPipeline, prompt: str, negative: str
) -> None:
    both = tiny.encode_prompt(prompt, torch.device("cpu"), 1, True, negative)
    # A second chunk forces our own way; its first chunk must be what the pipeline makes.
    ours = conditions(tiny, prompt + " BREAK snow", negative)
    length = tiny.tokenizer.model_max_length
    assert torch.equal(ours[0][:, :length], _stripped(tiny, prompt))
    assert both[1] is not None and torch.equal(ours[1][:, :length], both[1])
    assert torch.equal(conditions(tiny, prompt)[0], both[0])


def _stripped(pipe: StableDiffusionPipeline, prompt: str) -> torch.Tensor:
    """The plain encoding; BREAK takes the space before it, which tokenizers ignore as well."""
    return pipe.encode_prompt(prompt.rstrip(), torch.device("cpu"), 1, False)[0]


@pytest.mark.parametrize("model", ["tiny", "with_a_mean", "starter"])
def test_weights_multiply_and_a_mean_that_counts_stays(
    model: str, request: pytest.FixtureRequest
) -> None:
    pipe: StableDiffusionPipeline = request.getfixturevalue(model)
    prompt, negative = conditions(pipe, "a (red:1.4) fox, [snow]", "((fog))")
    words = [("a ", 1), ("red", 1.4), (" fox, ", 1), ("snow", 1 / 1.1)]
    restore = model == "with_a_mean"
    torch.testing.assert_close(prompt, by_hand(pipe, words, restore=restore))
    torch.testing.assert_close(negative, by_hand(pipe, [("fog", 1.1 * 1.1)], restore=restore))
    assert prompt.dtype == pipe.text_encoder.dtype


@pytest.mark.parametrize("model", ["tiny", "starter"])
def test_long_prompts_are_encoded_in_chunks(model: str, request: pytest.FixtureRequest) -> None:
    pipe: StableDiffusionPipeline = request.getfixturevalue(model)
    length = pipe.tokenizer.model_max_length
    (piece,) = pipe.tokenizer.encode("x", add_special_tokens=False)
    prompt, negative = conditions(pipe, " ".join("x" * (length + 5)))
    assert prompt.shape == negative.shape == (1, 2 * length, pipe.text_encoder.config.hidden_size)
    first = " ".join("x" * (length - 2))
    torch.testing.assert_close(prompt[:, :length], by_hand(pipe, [(first, 1)]))
    torch.testing.assert_close(prompt[:, length:], by_hand(pipe, [("x x x x x x x", 1)]))
    torch.testing.assert_close(negative[:, length:], by_hand(pipe, []))
    many = chunks(pipe.tokenizer, "x " * 1000)
    assert len(many[0].tokens) == length - 2
    assert [t for chunk in many for t in chunk.tokens] == [piece] * 1000


def test_a_full_chunk_breaks_after_a_near_comma(tiny: StableDiffusionPipeline) -> None:
    def sizes(text: str) -> list[int]:
        return [len(chunk.tokens) for chunk in chunks(tiny.tokenizer, text)]

    words = "x " * 70
    assert sizes(words + ", " + "y " * 10) == [71, 10]
    assert sizes("x " * 50 + ", " + "y " * 30) == [75, 6]
    assert sizes("x " * 75 + ", " + "y " * 5) == [75, 6]
    assert sizes("x " * 74 + ", " + "y " * 5) == [75, 5]
    assert sizes("x " * 75) == [75]
    assert sizes("") == [0]
    assert sizes("a BREAK b BREAK") == [1, 1]
    assert sizes("BREAK a") == [0, 1]
    assert sizes("a BREAK BREAK b") == [1, 0, 1]


def test_weights_follow_their_words_into_the_next_chunk(tiny: StableDiffusionPipeline) -> None:
    first, second = chunks(tiny.tokenizer, "x " * 73 + ", (y y y:1.5) z")
    assert first.weights == [1.0] * 74
    assert second.weights == [1.5, 1.5, 1.5, 1.0]


def test_extreme_weights_stay_finite(tiny: StableDiffusionPipeline) -> None:
    for text in ("(" * 3000 + "fox" + ")" * 3000, "(fox:0)", "(fox:-10)", "(a b c:0) BREAK (d:0)"):
        assert torch.isfinite(conditions(tiny, text)[0]).all()


def test_the_padding_of_other_encoders_is_kept(tiny_model: Path) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(
        tiny_model, local_files_only=True, safety_checker=None
    )
    pipe.tokenizer.pad_token = "!</w>"
    assert pipe.tokenizer.pad_token_id != pipe.tokenizer.eos_token_id
    plain = pipe.encode_prompt("a fox", torch.device("cpu"), 1, False)[0]
    both = conditions(pipe, "a fox", "x BREAK y")[0]
    assert torch.equal(both[:, : pipe.tokenizer.model_max_length], plain)
