"""Infotext as other programs write it, also where it is ambiguous or hostile."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.foreign import ModelFile, NamedModel, NamedModels, NamedRefiner
from desktop_app.recipe.infotext import read
from desktop_app.recipe.infotext_writing import write
from desktop_app.recipe.lora_tags import lora_tags
from desktop_app.recipe.names import tag_name
from desktop_app.recipe.recipe import (
    ADAPTERS_MAX,
    SEED_MAX,
    TILINGS,
    VARIATION_METHODS,
    EmbeddingUse,
    FromNoise,
    LoraUse,
    ModelKind,
    ModelRef,
    Recipe,
    RefinerUse,
    Variation,
)
from desktop_app.recipe.samplers import all_labels

MODEL = ModelRef(sha256="6ce0161689" + "ab" * 27, name="v1-5-pruned-emaonly")
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768"

words = st.text(
    st.one_of(st.sampled_from('abc ,:()"\\\n{}[]<>|0123é雪'), st.characters(codec="utf-8")),
    max_size=120,
).filter(lambda text: "\0" not in text and "\r" not in text)
# What A1111's format can hold: no line of the prompt says that the negative prompt begins.
prompts = words.map(str.strip).filter(
    lambda text: not any(line.lstrip().startswith("Negative prompt:") for line in text.split("\n"))
)
seeds = st.integers(0, SEED_MAX)
sides = st.integers(8, 512).map(lambda n: n * 8)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    scheduler, sigmas = draw(st.sampled_from(list(all_labels().values())))
    variation = draw(
        st.none() | st.builds(Variation, seed=seeds, weight=st.floats(0, 1, exclude_min=True))
    )
    return Recipe(
        model=replace(MODEL, name=draw(words.filter(lambda w: "\n" not in w))),
        prompt=draw(prompts),
        negative_prompt=draw(prompts),
        width=draw(sides),
        height=draw(sides),
        seed=draw(seeds),
        scheduler=scheduler,
        sigmas=sigmas,
        num_inference_steps=draw(st.integers(1, 500)),
        guidance_scale=draw(st.floats(0, 50)),
        start=FromNoise(
            variations=(variation,) if variation else (),
            method=draw(st.sampled_from(VARIATION_METHODS)) if variation else "whole",
        ),
        clip_skip=draw(st.integers(0, 12)),
        tiling=draw(st.sampled_from(TILINGS)),
    )


@given(recipe=recipes())
@example(
    recipe=Recipe(
        model=MODEL, prompt="camera: Leica, lens: 50mm, film: Portra", negative_prompt=SETTINGS
    )
)
@example(recipe=Recipe(model=MODEL, prompt='{"a|b} fox'))
def test_what_is_written_is_read_back(recipe: Recipe) -> None:
    found = read(write(recipe, app="Mezzotint 0.1.0"))
    assert found is not None
    expected: dict[str, object] = {
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "width": recipe.width,
        "height": recipe.height,
        "seed": recipe.seed,
        "scheduler": recipe.scheduler,
        "sigmas": recipe.sigmas,
        "num_inference_steps": recipe.num_inference_steps,
        "guidance_scale": recipe.guidance_scale,
    }
    assert isinstance(recipe.start, FromNoise)
    for variation in recipe.start.variations:
        expected |= {"variation_seed": variation.seed, "variation_strength": variation.weight}
        expected["variation_method"] = recipe.start.method
    if recipe.clip_skip:
        expected["clip_skip"] = recipe.clip_skip
    if recipe.tiling == "both":
        expected["tiling"] = "both"
    assert dict(found.changes) == expected
    assert found.notes == ()
    assert found.model_hash == "6ce0161689"
    assert found.named == NamedModels()
    assert found.model_name.strip() == recipe.model.name.strip()
    replace(Draft(), **found.changes)


@given(text=st.text(max_size=400) | words.map(lambda prompt: f"{prompt}\n{SETTINGS}"))
def test_any_text_gives_a_draft_or_nothing(text: str) -> None:
    found = read(text)
    if found is not None:
        replace(Draft(), **found.changes)


def test_the_words_are_those_of_a1111() -> None:
    recipe = Recipe(
        model=MODEL,
        prompt="a fox, <lora:x:0.8>",
        negative_prompt="blurry",
        scheduler="dpmpp_2m",
        sigmas="karras",
        seed=SEED_MAX,
        guidance_scale=7.0,
        start=FromNoise(variations=(Variation(seed=12, weight=0.2),)),
    )
    assert write(recipe, app="Mezzotint 0.1.0") == (
        "a fox, <lora:x:0.8>\nNegative prompt: blurry\n"
        "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7,"
        " Seed: 18446744073709551615, Size: 512x512, Model hash: 6ce0161689,"
        " Model: v1-5-pruned-emaonly, RNG: CPU, Variation seed: 12,"
        " Variation seed strength: 0.2, Version: Mezzotint 0.1.0"
    )


def test_a_refiner_is_written_and_read_as_a1111_does() -> None:
    refiner = ModelRef(sha256="7440042bbd" + "0" * 54, name="sd_xl_refiner_1.0", kind="single")
    recipe = Recipe(model=MODEL, prompt="a fox", refiner=RefinerUse(model=refiner, start=0.75))
    text = write(recipe, app="Mezzotint 0.1.0")
    assert "RNG: CPU, Refiner: sd_xl_refiner_1.0 [7440042bbd], Refiner switch at: 0.75," in text
    found = read(text)
    assert found is not None
    assert found.named.refiner == NamedRefiner(
        name="sd_xl_refiner_1.0", hash="7440042bbd", start=0.75
    )
    for told, name, start, notes in (
        ("Refiner: fine", "fine", 0.8, 0),
        ("Refiner: my [best] one, Refiner switch at: 0.5", "my [best] one", 0.5, 0),
        ("Refiner: fine, Refiner switch at: 7", "fine", 0.8, 1),
        ("Refiner: fine, Refiner switch at: nan", "fine", 0.8, 1),
    ):
        other = read(f"a cat\n{SETTINGS}, {told}")
        assert other is not None
        assert other.named.refiner == NamedRefiner(name=name, start=start)
        assert len(other.notes) == notes


def ref(digit: str, name: str, kind: ModelKind) -> ModelRef:
    return ModelRef(sha256=digit * 64, name=name, kind=kind)


INK = ref("1", "Ink, the “style”", "lora")
OIL = ref("2", "oil", "lora")
BAD = ref("3", "bad hands", "embedding")
VAE = ref("4", "mse", "vae")
CLIP, T5 = ref("5", "clip l", "text_encoder"), ref("6", "t5, xxl", "text_encoder")
DRESSED = Recipe(
    model=MODEL,
    prompt="a fox",
    negative_prompt="badhands",
    adapters=(
        LoraUse(lora=INK, weight=0.8),
        EmbeddingUse(embedding=BAD, token="badhands"),
        LoraUse(lora=OIL, weight=-1.0, blocks=(("BASE", 0.0), ("M00", 0.25))),
    ),
    vae=VAE,
)
FILES = {
    MODEL.sha256: ModelFile(name="v1-5.ckpt", sha256="a0" * 32),
    INK.sha256: ModelFile(
        name="ink: v1, 2.safetensors", sha256="a1" * 32, lora_sha256="dba941975e80" + "0" * 52
    ),
    OIL.sha256: ModelFile(name="oil.safetensors", sha256="a2" * 32),
    BAD.sha256: ModelFile(name="badhands.pt", sha256="a3" * 32),
    VAE.sha256: ModelFile(name='mse "840, 000".safetensors', sha256="a4" * 32),
    T5.sha256: ModelFile(name="t5xxl_fp16.safetensors", sha256="a6" * 32),
}


def test_all_models_are_named_as_a1111_names_them() -> None:
    ones = ",".join(["0", *["1"] * 12, "0.25", *["1"] * 12])
    assert write(DRESSED, app="Mezzotint 0.1.0", files=FILES) == (
        f"a fox <lora:ink v1, 2:0.8> <lora:oil:-1:lbw={ones}>\nNegative prompt: badhands\n"
        "Steps: 25, Sampler: Euler, Schedule type: Uniform, CFG scale: 7.5, Seed: 0,"
        " Size: 512x512, Model hash: a0a0a0a0a0, Model: v1-5, VAE hash: a4a4a4a4a4,"
        ' VAE: "mse \\"840, 000\\".safetensors", RNG: CPU, Lora hashes: "ink v1 2: dba941975e80",'
        ' TI hashes: "badhands: a3a3a3a3a3a3", Version: Mezzotint 0.1.0,'
        ' Hashes: {"model": "a0a0a0a0a0", "vae": "a4a4a4a4a4", "lora:ink v1, 2": "a1a1a1a1a1",'
        ' "lora:oil": "a2a2a2a2a2", "embed:badhands": "a3a3a3a3a3"}'
    )


def test_where_no_file_is_known_our_names_stand_and_no_hash() -> None:
    text = write(DRESSED, app="Mezzotint 0.1.0")
    assert text.startswith("a fox <lora:Ink, the “style”:0.8> <lora:oil:-1:lbw=0,1,")
    assert "Model: v1-5-pruned-emaonly, VAE: mse, RNG: CPU, Version" in text


def test_text_encoders_are_named_as_forge_names_them() -> None:
    # Forge looks at no module where it finds a VAE.
    recipe = replace(DRESSED, adapters=(), text_encoders=(CLIP, T5))
    text = write(recipe, app="Mezzotint 0.1.0", files=FILES)
    modules = 'Module 1: "mse \\"840, 000\\"", Module 2: clip l, Module 3: t5xxl_fp16, RNG'
    assert f"VAE hash: a4a4a4a4a4, {modules}" in text
    found = read(text)
    assert found is not None
    assert found.named == NamedModels(
        vae=NamedModel(name="", hash="a4a4a4a4a4"),
        modules=tuple(NamedModel(name=name) for name in ('mse "840, 000"', "clip l", "t5xxl_fp16")),
    )


def test_the_models_that_are_written_are_read_back() -> None:
    found = read(write(DRESSED, app="Mezzotint 0.1.0", files=FILES))
    assert found is not None
    assert found.named == NamedModels(
        vae=NamedModel(name='mse "840, 000".safetensors', hash="a4a4a4a4a4"),
        loras=(
            NamedModel(name="ink v1 2", hash="a1a1a1a1a1"),
            NamedModel(name="oil", hash="a2a2a2a2a2"),
        ),
        embeddings=(NamedModel(name="badhands", hash="a3a3a3a3a3"),),
    )
    draft = replace(Draft(model=MODEL), **found.changes)
    (again,) = expand(draft, {}, loras={"ink v1, 2": INK, "oil": OIL})
    assert again.prompt.strip() == "a fox"
    assert again.adapters == tuple(use for use in DRESSED.adapters if isinstance(use, LoraUse))


@given(
    name=words.filter(str.strip),
    weight=st.floats(-4, 4),
    other=words.filter(lambda text: bool(text.strip()) and "\n" not in text),
)
@example(name="x", weight=1e-7, other="[] and more")
@example(name="<>:{}|\\\n", weight=0.1234567, other="Automatic, maybe")
def test_any_name_and_weight_can_be_read_back(name: str, weight: float, other: str) -> None:
    lora, vae = ref("1", name, "lora"), ref("4", other, "vae")
    recipe = Recipe(
        model=MODEL, prompt="a fox", adapters=(LoraUse(lora=lora, weight=weight),), vae=vae
    )
    text = write(recipe, app="Mezzotint 0.1.0")
    found = read(text)
    assert found is not None
    if other.strip().casefold() not in ("none", "automatic"):
        assert found.named.vae == NamedModel(name=other.strip())
    assert found.notes == ()
    tags = lora_tags(str(found.changes["prompt"]))
    assert [tag.call.name for tag in tags] == ([tag_name(name)] if tag_name(name) else [])
    assert all(abs(tag.call.weight - weight) <= 5e-7 for tag in tags)


def test_a_lora_that_the_prompt_calls_is_not_called_twice() -> None:
    recipe = Recipe(model=MODEL, prompt="a <lora:oil:1> fox", adapters=(LoraUse(lora=OIL),))
    assert write(recipe, app="Mezzotint 0.1.0").startswith("a <lora:oil:1> fox\n")


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("VAE: None", NamedModels()),
        ("VAE: Automatic, VAE hash: 735e4c3a44", NamedModels()),
        ("VAE hash: zzz", NamedModels()),
        ("VAE hash: 735E4C3A44", NamedModels(vae=NamedModel(name="", hash="735e4c3a44"))),
        ("VAE: x.pt, VAE hash: ../../x", NamedModels(vae=NamedModel(name="x.pt"))),
        (
            'TI hashes: "bad: fff5d51ab655, bad: fff5d51ab655, odd, : 12345678, x: y"',
            NamedModels(embeddings=(NamedModel(name="bad", hash="fff5d51ab655"),)),
        ),
        ('Lora hashes: "' + ", ".join(["a: 7c6b"] * 3) + '"',
         NamedModels(loras=(NamedModel(name="a", hash="7c6b"),))),
        ("Module 1: ae, Module 2: ae, Module 99: x", NamedModels(modules=(NamedModel(name="ae"),))),
        (
            'Lora hashes: "EPhsrKafka: dba941975e80", Version: v1.8.0-RC,'
            ' Hashes: {"vae": "63aeecb90f", "lora:EPhsrKafka": "5a3385485b",'
            ' "model": "529c72f6c3"}',
            NamedModels(loras=(NamedModel(name="EPhsrKafka", hash="5a3385485b"),)),
        ),
        (
            'Hashes: {"embed:bad, worse": "FFF5D51AB6", "lora:": "12345678", "lora:x": 12345678,'
            ' "lora:y": "../y", "embed:z": ["12345678"]}',
            NamedModels(embeddings=(NamedModel(name="bad worse", hash="fff5d51ab6"),)),
        ),
        ('Hashes: "[1]"', NamedModels()),
        ('Hashes: {"lora:x": "12345678"', NamedModels()),
    ],
)  # fmt: skip
def test_what_other_programs_name_is_bounded(told: str, named: NamedModels) -> None:
    found = read(f"a cat\n{SETTINGS}, {told}")
    assert found is not None
    assert found.named == named


@pytest.mark.parametrize(
    ("told", "changes", "notes"),
    [
        ("Clip skip: 1", {"clip_skip": 0}, 0),
        ("Clip skip: 2", {"clip_skip": 1}, 1),
        ("Clip skip: 2, Version: Mezzotint 0.1.0", {"clip_skip": 1}, 0),
        ("Clip skip: 0", {"clip_skip": 0}, 0),
        ("Clip skip: 13", {"clip_skip": 12}, 1),
        ("Clip skip: 99", {"clip_skip": 12}, 2),
        ("Clip skip: 1.5", {}, 1),
        ("Clip skip: two", {}, 1),
        ("Tiling: True", {"tiling": "both"}, 0),
        ("Tiling: False", {"tiling": "none"}, 0),
        ("Tiling: maybe", {}, 0),
    ],
)
def test_clip_skip_and_tiling_mean_what_they_mean_to_a1111(
    told: str, changes: dict[str, object], notes: int
) -> None:
    found = read(f"a cat\n{SETTINGS}, {told}")
    assert found is not None
    assert {
        name: found.changes[name] for name in found.changes.keys() & {"clip_skip", "tiling"}
    } == (changes)
    assert len(found.notes) == notes


def test_a_picture_of_a1111_gives_all_its_settings() -> None:
    found = read(
        "masterpiece, 1girl <lora:EPhsrKafka:0.7>\nNegative prompt: lowres, bad_prompt\n"
        "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 2416593601, Size: 512x768,"
        " Model hash: 529c72f6c3, Model: mistoonAnime_v20, VAE hash: 63aeecb90f,"
        " VAE: clearvae.safetensors, Clip skip: 2, ENSD: 31337, RNG: CPU, Tiling: True,"
        ' Lora hashes: "EPhsrKafka: dba941975e80", TI hashes: "bad_prompt: f9dfe1c982e2",'
        " Version: v1.7.0"
    )
    assert found is not None
    assert dict(found.changes) == {
        "prompt": "masterpiece, 1girl <lora:EPhsrKafka:0.7>",
        "negative_prompt": "lowres, bad_prompt",
        "num_inference_steps": 28,
        "guidance_scale": 7.0,
        "seed": 2416593601,
        "width": 512,
        "height": 768,
        "scheduler": "dpmpp_2m",
        "sigmas": "karras",
        "clip_skip": 1,
        "tiling": "both",
    }
    assert found.named == NamedModels(
        vae=NamedModel(name="clearvae.safetensors", hash="63aeecb90f"),
        loras=(NamedModel(name="EPhsrKafka", hash="dba941975e80"),),
        embeddings=(NamedModel(name="bad_prompt", hash="f9dfe1c982e2"),),
    )


def test_clip_skip_and_tiling_are_written_where_a1111_writes_them() -> None:
    recipe = Recipe(model=MODEL, prompt="a fox", clip_skip=1, tiling="both")
    text = write(recipe, app="Mezzotint 0.1.0")
    assert "Model: v1-5-pruned-emaonly, Clip skip: 2, RNG: CPU, Tiling: True, Version" in text
    assert "Tiling" not in write(replace(recipe, tiling="x"), app="Mezzotint 0.1.0")


def test_no_more_models_are_taken_than_a_recipe_can_hold() -> None:
    many = ", ".join(f"n{number}: {number:08x}" for number in range(500))
    found = read(f'a cat\n{SETTINGS}, Lora hashes: "{many}", VAE: {"v" * 5000}')
    assert found is not None
    assert len(found.named.loras) == ADAPTERS_MAX
    assert found.named.vae == NamedModel(name="v" * 300)


def taken(text: str) -> dict[str, object]:
    found = read(text)
    assert found is not None
    return dict(found.changes)


def test_a_negative_prompt_with_pairs_is_not_taken_for_the_settings() -> None:
    text = f"a cat\nNegative prompt: camera: Leica, lens: 50mm, film: Portra\n{SETTINGS}"
    assert taken(text)["negative_prompt"] == "camera: Leica, lens: 50mm, film: Portra"
    assert read("camera: Leica, lens: 50mm, film: Portra") is None


def test_lines_after_the_settings_do_not_hide_them() -> None:
    text = f"a cat\n{SETTINGS}\nTemplate: a {{cat|dog}}\nNegative Template: x: 1, y: 2, z: 3"
    assert taken(text)["prompt"] == "a cat"
    assert taken(text)["seed"] == 5


def test_windows_line_ends_and_empty_lines_do_not_matter() -> None:
    text = f"\r\n\r\na cat\r\nNegative prompt: dogs\r\n{SETTINGS}\r\n\r\n"
    assert taken(text) == taken(f"a cat\nNegative prompt: dogs\n{SETTINGS}")


def test_commas_in_names_quotes_and_brackets_stay_together() -> None:
    found = read(
        'a cat\nSteps: 20, Seed: 5, Model: my,model v1, Lora hashes: "a: 7c6b, b: 12",'
        ' Hires prompt: "a, b\\nc: \\"d\\"", Civitai resources: [{"type":"checkpoint","n":1}],'
        ' Broken: "never closed, N: 4, Size: 64x64'
    )
    assert found is not None
    assert found.model_name == "my,model v1"
    assert found.fields["Lora hashes"] == "a: 7c6b, b: 12"
    assert found.fields["Hires prompt"] == 'a, b\nc: "d"'
    assert found.fields["Civitai resources"] == '[{"type":"checkpoint","n":1}]'
    assert found.fields["N"] == "4"
    assert found.changes["width"] == 64


def test_of_two_fields_with_one_name_the_first_stays_as_it_is() -> None:
    found = read("a cat\nSteps: 20, Seed: 5, Model: my,model, VAE: x.pt, Model: another,one")
    assert found is not None
    assert found.model_name == "my,model"


def test_a_value_of_many_commas_is_kept_whole() -> None:
    found = read(f"a cat\n{SETTINGS}, X: a{',' * 300_000}")
    assert found is not None
    assert found.fields["X"] == "a" + "," * 299_999


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("Sampler: DPM++ 2M Karras", ("dpmpp_2m", "karras")),
        ("Sampler: DPM++ 2M, Schedule type: Karras", ("dpmpp_2m", "karras")),
        ("Sampler: DPM++ 2M SDE, Schedule type: Exponential", ("dpmpp_2m_sde", "exponential")),
        ("Sampler: Euler, Schedule type: Align Your Steps", ("euler", "ays")),
        ("Sampler: Euler, Schedule type: Automatic", ("euler", "default")),
        ("Sampler: PLMS", ("pndm", "default")),
        ("Sampler: k_euler_a", ("euler_a", "default")),
        ("Sampler: UniPC, Schedule type: Sideways", ("unipc", "default")),
    ],
)
def test_samplers_by_the_names_of_several_years(named: str, expected: tuple[str, str]) -> None:
    changes = taken(f"a cat\nSteps: 20, {named}, Seed: 1")
    assert (changes["scheduler"], changes["sigmas"]) == expected


def test_an_unknown_sampler_is_left_out_with_a_word_about_it() -> None:
    found = read("a cat\nSteps: 20, Sampler: DPM++ SDE, Seed: 1")
    assert found is not None
    assert "scheduler" not in found.changes
    assert "DPM++ SDE" in found.notes[0]


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("CFG scale: 1e309", {}),
        ("CFG scale: -0", {"guidance_scale": 0.0}),
        ("CFG scale: NaN", {}),
        ("CFG scale: 1000", {"guidance_scale": 50.0}),
        ("Seed: 18446744073709551616", {}),
        ("Seed: -1", {}),
        ("Seed: 7; rm -rf", {}),
        ("Seed: " + "9" * 5000, {}),
        ("Seed: ١٢", {}),
        ("Size: 0x0", {}),
        ("Size: 100000x100000", {}),
        ("Size: 513x512", {"width": 512, "height": 512}),
        ("Size: __import__('os')", {}),
        ("Seed resize from: 640x640", {}),
        ("Variation seed strength: 0.5", {}),
    ],
)
def test_values_out_of_range_are_clamped_or_left_out_and_the_prompt_stays(
    field: str, kept: dict[str, object]
) -> None:
    found = read(f"a (cat:1.2) <lora:../../x:1>\nSteps: 20, Sampler: Euler, {field}")
    assert found is not None
    expected: dict[str, object] = {
        "prompt": "a (cat:1.2) <lora:../../x:1>",
        "negative_prompt": "",
        "num_inference_steps": 20,
        "scheduler": "euler",
        "sigmas": "default",
        **kept,
    }
    assert dict(found.changes) == expected


def test_steps_out_of_range_are_clamped_with_a_word_about_it() -> None:
    found = read("a cat\nSteps: 100000, Seed: 5")
    assert found is not None
    assert found.changes["num_inference_steps"] == 500
    assert "100000" in found.notes[0]


def test_an_injected_settings_line_does_not_win_over_the_last_one() -> None:
    text = f"a cat\nNegative prompt: x\nSteps: 1, Seed: 666, Sampler: Euler\n{SETTINGS}"
    assert taken(text)["seed"] == 5


def test_a_prompt_that_is_too_long_is_cut() -> None:
    found = read("x" * 30_000 + "\n" + SETTINGS)
    assert found is not None
    assert found.changes["prompt"] == "x" * 20_000
    assert found.notes
    assert read("x" * 500_000 + "\n" + SETTINGS) is None


@pytest.mark.parametrize(
    "data",
    [
        {"sui_image_params": {"prompt": "p", "negativeprompt": "n", "seed": 3, "steps": 9,
         "cfgscale": 5, "width": 512, "height": 640, "sampler": "euler", "scheduler": "karras"}},
        {"prompt": "p", "negative_prompt": "n", "seed": "3", "steps": 9, "guidance_scale": 5.0,
         "resolution": "(512, 640)", "sampler": "euler", "scheduler": "karras"},
        {"positive_prompt": "p", "negative_prompt": "n", "seed": 3, "steps": 9, "cfg_scale": 5.0,
         "width": 512, "height": 640, "scheduler": "euler karras", "model": {"name": "x"}},
        {"prompt": "p", "uc": "n", "seed": 3, "steps": 9, "scale": 5.0, "width": 512,
         "height": 640, "sampler": "k_euler", "noise_schedule": "karras"},
    ],
    ids=["SwarmUI", "Fooocus", "InvokeAI", "NovelAI"],
)  # fmt: skip
def test_json_of_other_programs(data: dict[str, object]) -> None:
    assert taken(json.dumps(data)) == {
        "prompt": "p",
        "negative_prompt": "n",
        "seed": 3,
        "num_inference_steps": 9,
        "guidance_scale": 5.0,
        "width": 512,
        "height": 640,
        "scheduler": "euler",
        "sigmas": "karras",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '{"prompt": {"3": {"class_type": "KSampler"}}, "seed": 1}',
        '{"a":' * 60_000,
        '{"prompt": "x", "seed": ' + "1" * 6000 + "}",
        "Steps: 20",
        "Steps: 20, Size: 512x512, Model: x",
        "Steps" * 1000,
        ("Steps: 20, " * 20_000),
    ],
)
def test_what_is_no_infotext_says_nothing(text: str) -> None:
    assert read(text) is None
