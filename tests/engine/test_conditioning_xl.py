"""SDXL's two encoders, skipped layers, and words of several vectors."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from desktop_app.engine import conditioning
from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Recipe
from tests.engine.models import plain_pipeline, recipe_for
from tests.engine.tiny_families import save_tiny_family

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def xl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("families") / "sdxl"
    save_tiny_family("sdxl", folder)
    pipe: Any = diffusers.StableDiffusionXLPipeline.from_pretrained(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def asked(**changes: Any) -> Recipe:
    return recipe_for("tiny", **changes)


def picture(pipe: Any, told: dict[str, Any]) -> Any:
    generator = torch.Generator().manual_seed(3)
    size = {"width": 64, "height": 64, "num_inference_steps": 2, "output_type": "np"}
    return pipe(**told, generator=generator, guidance_scale=4.0, **size).images[0]


@pytest.mark.parametrize("negative", ["", "blurry"])
def test_embeddings_made_here_are_those_that_the_pipeline_makes(negative: str, xl: Any) -> None:
    """A weight so close to one that it changes no number takes the long way."""
    long = conditioning.encode_xl(
        xl, asked(prompt="(a fox:1.00000000001)", negative_prompt=negative)
    )
    told = {"prompt": "a fox", **({"negative_prompt": negative} if negative else {})}
    short = conditioning.encode_xl(xl, asked(prompt="a fox", negative_prompt=negative))
    assert short == told
    assert long.keys() == {
        f"{sign}{kind}prompt_embeds" for sign in ("", "negative_") for kind in ("", "pooled_")
    }
    assert np.abs(picture(xl, long) - picture(xl, told)).max() < 1e-4


def test_a_long_prompt_is_read_to_its_end(xl: Any) -> None:
    text = "a red fox in the snow " * 8
    first = conditioning.encode_xl(xl, asked(prompt=text))
    other = conditioning.encode_xl(xl, asked(prompt=text + "at night"))
    assert first["prompt_embeds"].shape[1] > 77
    assert first["prompt_embeds"].shape[1] % 77 == 0
    assert first["negative_prompt_embeds"].shape == first["prompt_embeds"].shape
    assert not torch.equal(first["prompt_embeds"], other["prompt_embeds"])
    assert torch.equal(first["pooled_prompt_embeds"], other["pooled_prompt_embeds"])


def test_a_weight_changes_the_words_it_stands_at(xl: Any) -> None:
    plain = conditioning.encode_xl(xl, asked(prompt="a (fox:1.0000000001)"))["prompt_embeds"]
    heavy = conditioning.encode_xl(xl, asked(prompt="a (fox:1.5)"))["prompt_embeds"]
    assert not torch.equal(plain, heavy)


def test_skipped_layers_are_left_out_in_both_encoders(xl: Any) -> None:
    """Against diffusers' own argument, which leaves them out of the prompt alone."""
    ours = conditioning.encode_xl(xl, asked(prompt="a fox", clip_skip=1))
    theirs = xl.encode_prompt("a fox", clip_skip=1)
    assert torch.equal(ours["prompt_embeds"], theirs[0])
    assert torch.equal(ours["pooled_prompt_embeds"], theirs[2])


def test_skipped_layers_of_the_first_models(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    ours = conditioning.encode(pipe, asked(prompt="a fox", clip_skip=1))["prompt_embeds"]
    told = pipe.tokenizer("a fox", padding="max_length", max_length=77, return_tensors="pt")
    with torch.no_grad():
        layers = pipe.text_encoder(told.input_ids, output_hidden_states=True).hidden_states
        norm = getattr(pipe.text_encoder, "text_model", pipe.text_encoder).final_layer_norm
        assert torch.equal(ours, norm(layers[-2]))
    with pytest.raises(AppError, match="has 2 layers; at most 1") as error:
        conditioning.encode(pipe, asked(clip_skip=2))
    assert error.value.code == "clip-skip"


def test_a_word_of_several_vectors_stands_with_all_of_them(tiny_model: Path) -> None:
    pipe: Any = plain_pipeline(tiny_model)
    pipe.tokenizer.add_tokens(["<style>", "<style>_1", "<style>_2"])
    assert conditioning.expanded(pipe.tokenizer, "a <style> b") == "a <style> <style>_1 <style>_2 b"
    assert conditioning.expanded(pipe.tokenizer, "a b") == "a b"
    (row,) = conditioning.chunks(pipe.tokenizer, "(<style>:1.2)")
    assert len(row.tokens) == 3
    assert row.weights == [1.2] * 3
