"""What changed from one picture to the next, in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.recipe.changes import changes
from desktop_app.recipe.recipe import (
    FromNoise,
    FromStep,
    LoraUse,
    ModelRef,
    Recipe,
    RefinerUse,
    Variation,
)

MODEL = ModelRef(sha256="ab" * 32, name="One")
LORA = ModelRef(sha256="cd" * 32, name="Ink", kind="lora")
REFINER = ModelRef(sha256="ba" * 32, name="Fine", kind="single")
BASE = Recipe(model=MODEL, prompt="a fox, sunny, 35mm", seed=5, guidance_scale=3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ()),
        ({"guidance_scale": 5.5}, ("guidance 3 → 5.5",)),
        ({"prompt": "a fox, foggy, 35mm"}, ("prompt + foggy", "prompt − sunny")),
        ({"prompt": "a fox, sunny, 35mm, (fog:1.3)"}, ("prompt + (fog: 1.3)",)),
        ({"prompt": "a  fox, sunny, 35mm"}, ("prompt written otherwise",)),
        ({"prompt": "x " * 500}, ("another prompt",)),
        ({"negative_prompt": "blur"}, ("avoid + blur",)),
        ({"seed": 6, "num_inference_steps": 30}, ("seed 5 → 6", "steps 25 → 30")),
        (
            {"scheduler": "dpmpp_2m", "sigmas": "karras"},
            ("sampler Euler → DPM++ 2M Karras",),
        ),
        ({"width": 768}, ("size 512 × 512 → 768 × 512",)),
        ({"model": ModelRef(sha256="ef" * 32, name="Two")}, ("model One → Two",)),
        ({"tiling": "x"}, ("tiling across",)),
        (
            {"start": FromNoise(variations=(Variation(seed=9, weight=0.25),))},
            ("+ 0.25 of seed 9",),
        ),
        ({"start": FromStep(parent=BASE, step=3)}, ("from step 3",)),
        ({"adapters": (LoraUse(lora=LORA, weight=0.5),)}, ("+ Ink 0.5",)),
        (
            {"adapters": (LoraUse(lora=LORA, weight=0.5, blocks=(("IN04", 0.5), ("M00", 0.0))),)},
            ("+ Ink 0.5", "Ink in blocks: IN04 0.5, M00 0"),
        ),
        ({"vae": ModelRef(sha256="aa" * 32, name="Sharp", kind="vae")}, ("VAE Sharp",)),
        (
            {"text_encoders": (ModelRef(sha256="ac" * 32, name="Long", kind="text_encoder"),)},
            ("text encoder Long",),
        ),
        ({"refiner": RefinerUse(model=REFINER)}, ("refiner Fine from 0.8",)),
        ({"clip_skip": 2}, ("CLIP skip 0 → 2",)),
    ],
)
def test_changes(fields: dict[str, object], words: tuple[str, ...]) -> None:
    assert changes(BASE, replace(BASE, **fields)) == words


def test_what_is_taken_away_is_said() -> None:
    mixed = replace(
        BASE,
        start=FromNoise(variations=(Variation(seed=9, weight=0.25),)),
        adapters=(LoraUse(lora=LORA, weight=0.5),),
    )
    assert changes(mixed, BASE) == ("− 0.25 of seed 9", "− Ink")
    read = replace(
        BASE, text_encoders=(ModelRef(sha256="ac" * 32, name="Long", kind="text_encoder"),)
    )
    assert changes(read, BASE) == ("the model's own text encoders",)
    refined = replace(BASE, refiner=RefinerUse(model=REFINER))
    later = replace(BASE, refiner=RefinerUse(model=REFINER, start=0.9))
    assert changes(refined, BASE) == ("no refiner",)
    assert changes(refined, later) == ("refiner from 0.8 → 0.9",)
    heavier = replace(mixed, adapters=(LoraUse(lora=LORA, weight=1.0),))
    assert changes(mixed, heavier) == ("Ink 0.5 → 1",)
    branch = replace(BASE, start=FromStep(parent=BASE, step=3))
    assert changes(branch, BASE) == ("from the noise again",)


prompts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)


@given(prompts, prompts)
def test_any_two_prompts_differ_in_words_or_not_at_all(one: str, other: str) -> None:
    before, after = replace(BASE, prompt=one), replace(BASE, prompt=other)
    assert bool(changes(before, after)) == (one != other)
