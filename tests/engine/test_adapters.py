"""LoRAs, embeddings and VAEs: what plain diffusers makes of them, and nothing left behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file, save_file

from desktop_app.engine import conditioning
from desktop_app.engine.adapters import embedding, lora
from desktop_app.engine.render import LocalBackend
from desktop_app.errors import AppError
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse, ModelRef
from tests.engine.checkpoints import vae_checkpoint_of
from tests.engine.models import plain_call, plain_pipeline, recipe_for, ref, render
from tests.engine.tiny_families import save_tiny_family
from tests.tiny_model import save_tiny_model

pytestmark = [
    pytest.mark.slow,
    # peft's word on a second adapter, in the plain call.
    pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning"),
]
ASKED = {"prompt": "a fox", "width": 64, "height": 64, "num_inference_steps": 3}
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def kohya(pipe: Any, seed: int, *, text: bool = True) -> dict[str, torch.Tensor]:
    """A LoRA by the names that kohya's trainer gives."""
    generator = torch.Generator().manual_seed(seed)
    file: dict[str, torch.Tensor] = {}

    def add(key: str, linear: torch.nn.Linear) -> None:
        file[key + ".lora_down.weight"] = (
            torch.randn(2, linear.in_features, generator=generator) / 3
        )
        file[key + ".lora_up.weight"] = torch.randn(linear.out_features, 2, generator=generator) / 3
        file[key + ".alpha"] = torch.tensor(2.0)

    for name, module in pipe.unet.named_modules():
        if isinstance(module, torch.nn.Linear) and ".to_" in name:
            add("lora_unet_" + name.replace(".", "_"), module)
    for name, module in pipe.text_encoder.named_modules() if text else ():
        if isinstance(module, torch.nn.Linear) and name.endswith(TEXT):
            plain = name.removeprefix("text_model.").replace(".", "_")
            add("lora_te_text_model_" + plain, module)
    return file


def words_for(folder: Path, *others: str) -> dict[str, torch.Tensor]:
    """Vectors for the first encoder of a model, and for its second by these names."""
    pipe: Any = DiffusionPipeline.from_pretrained(folder)
    generator = torch.Generator().manual_seed(3)
    found = {"clip_l": pipe.text_encoder}
    found |= dict.fromkeys(others, getattr(pipe, "text_encoder_2", None))
    return {
        key: torch.randn(2, network.get_input_embeddings().embedding_dim, generator=generator)
        for key, network in found.items()
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models and what can be attached to them, by name."""
    folder = tmp_path_factory.mktemp("adapters")
    made = {name: folder / name for name in ("model", "xl", "flux")}
    save_tiny_model(made["model"])
    save_tiny_family("sdxl", made["xl"])
    save_tiny_family("flux", made["flux"])
    for name, others in (("xl word", ("clip_g",)), ("flux word", ()), ("flux words", ("t5",))):
        made[name] = folder / f"{name}.safetensors"
        save_file(words_for(made[name.partition(" ")[0]], *others), made[name])
    pipe = plain_pipeline(made["model"])
    for number, name in enumerate(("ink", "oil")):
        made[name] = folder / f"{name}.safetensors"
        save_file(kohya(pipe, number), made[name])
    made["magnitude"] = folder / "magnitude.safetensors"
    save_file(magnitudes(pipe), made["magnitude"])
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    made["word"] = folder / "word.safetensors"
    save_file({"emb_params": vectors}, made["word"])
    save_tiny_model(folder / "other", seed=9)
    other = plain_pipeline(folder / "other")
    made["vae"] = folder / "vae.safetensors"
    save_file(vae_checkpoint_of(other.vae), made["vae"])
    made["plain_vae"] = folder / "other" / "vae" / "diffusion_pytorch_model.safetensors"
    return made


@pytest.fixture(scope="module")
def dressing(files: dict[str, Path], cache: Path) -> Iterator[LocalBackend]:
    refs = {ref(name).sha256: path for name, path in files.items()}
    backend = LocalBackend(lambda one: refs[one.sha256], cache=cache, threads=1, device="cpu")
    yield backend
    backend.close()


def wearing(*adapters: Any, **changes: Any) -> Any:
    return recipe_for("model", adapters=adapters, guidance_scale=4.0, scheduler="euler", **changes)


def ink(weight: float = 1.0) -> LoraUse:
    return LoraUse(lora=named("ink", "lora"), weight=weight)


def named(name: str, kind: Any) -> ModelRef:
    return ModelRef(sha256=ref(name).sha256, name=name, kind=kind)


def state_of(pipe: Any) -> dict[str, torch.Tensor]:
    return {
        f"{part}.{key}": one.clone()
        for part in ("unet", "text_encoder", "vae")
        for key, one in getattr(pipe, part).state_dict().items()
    }


def test_several_loras_give_the_bits_of_the_plain_call(
    dressing: LocalBackend, files: dict[str, Path]
) -> None:
    oil = LoraUse(lora=named("oil", "lora"), weight=-0.4)
    rendered, _ = render(dressing, wearing(ink(0.7), oil))
    pipe: Any = plain_pipeline(files["model"])
    before, pixels_without = state_of(pipe), plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    pipe.load_lora_weights(load_file(files["ink"]), adapter_name="ink")
    pipe.load_lora_weights(load_file(files["oil"]), adapter_name="oil")
    pipe.set_adapters(["ink", "oil"], [0.7, -0.4])
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    assert np.array_equal(rendered.pixels, pixels)
    assert not np.array_equal(pixels, pixels_without)
    assert before.keys() == state_of(plain_pipeline(files["model"])).keys()
    # And afterwards the model is what it was.
    assert np.array_equal(render(dressing, wearing())[0].pixels, pixels_without)


def test_a_lora_is_in_the_text_encoder_too(files: dict[str, Path]) -> None:
    """By the sum that defines it: W x + alpha / rank * B A x."""
    pipe: Any = plain_pipeline(files["model"])
    layer = "encoder.layers.0.mlp.fc1"
    encoder = getattr(pipe.text_encoder, "text_model", pipe.text_encoder)
    base = encoder.get_submodule(layer)
    given = torch.randn(1, 32)
    file = load_file(files["ink"])
    key = "lora_te_text_model_" + layer.replace(".", "_")
    down, up = file[key + ".lora_down.weight"], file[key + ".lora_up.weight"]
    wanted = base(given) + 0.5 * (given @ down.T) @ up.T
    used = lora.Lora(path=files["ink"], name="ink", weight=0.5)
    with lora.attached(pipe, [used], "Test"), torch.no_grad():
        assert torch.allclose(encoder.get_submodule(layer)(given), wanted, atol=1e-6)


def test_detached_the_base_is_bit_identical(files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    tokenizer, length = pipe.tokenizer, len(pipe.tokenizer)
    loras = [lora.Lora(path=files[name], name=name, weight=1.0) for name in ("ink", "oil")]
    words = [embedding.Embedding(path=files["word"], name="word", token="<ink>")]
    for failing in (False, True):
        try:
            with lora.attached(pipe, loras, "Test"), embedding.known(pipe, words, "Test"):
                assert state_of(pipe).keys() != before.keys()
                if failing:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert failing
        after = state_of(pipe)
        assert after.keys() == before.keys()
        assert all(torch.equal(after[key], before[key]) for key in before)
        assert pipe.tokenizer is tokenizer
        assert len(tokenizer) == length


def test_a_dora_as_peft_writes_it_gives_the_bits_of_the_plain_call(
    dressing: LocalBackend, files: dict[str, Path]
) -> None:
    rendered, _ = render(dressing, wearing(LoraUse(lora=named("magnitude", "lora"), weight=0.7)))
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    pipe.load_lora_weights(load_file(files["magnitude"]), adapter_name="one")
    pipe.set_adapters("one", 0.7)
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    assert np.array_equal(rendered.pixels, pixels)
    assert not np.array_equal(render(dressing, wearing())[0].pixels, pixels)
    own: Any = plain_pipeline(files["model"])
    used = lora.Lora(path=files["magnitude"], name="one", weight=1.0)
    with lora.attached(own, [used], "Test"):
        assert state_of(own).keys() != before.keys()
    assert all(torch.equal(before[key], one) for key, one in state_of(own).items())


def magnitudes(pipe: Any) -> dict[str, torch.Tensor]:
    """A DoRA (Liu et al. 2024) by the names that peft gives."""
    generator = torch.Generator().manual_seed(8)
    file: dict[str, torch.Tensor] = {}
    for name, module in pipe.unet.named_modules():
        if isinstance(module, torch.nn.Linear) and ".to_q" in name:
            key = f"unet.{name}"
            file[f"{key}.lora_A.weight"] = torch.randn(2, module.in_features, generator=generator)
            file[f"{key}.lora_B.weight"] = torch.randn(module.out_features, 2, generator=generator)
            length = module.weight.detach().norm(dim=1)
            file[f"{key}.lora_magnitude_vector"] = 1.5 * length
    return file


def test_a_weight_for_each_block_is_that_of_diffusers(
    dressing: LocalBackend, files: dict[str, Path]
) -> None:
    blocks = (("BASE", 0.5), ("IN03", 0.25), ("M00", 0.0), ("OUT00", -1.0))
    use = LoraUse(lora=named("ink", "lora"), weight=0.8, blocks=blocks)
    rendered, _ = render(dressing, wearing(use))
    pipe: Any = plain_pipeline(files["model"])
    pipe.load_lora_weights(load_file(files["ink"]), adapter_name="ink")
    up = {"block_0": [0.8 * -1.0, 0.8]}
    unet = {"down": {"block_1": [0.8 * 0.25]}, "mid": 0.0, "up": up}
    pipe.set_adapters("ink", {"unet": unet, "text_encoder": 0.8 * 0.5})
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    assert np.array_equal(rendered.pixels, pixels)
    assert not np.array_equal(render(dressing, wearing(ink(0.8)))[0].pixels, pixels)


def test_layers_without_attention_belong_to_a_block_too(
    files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    file: dict[str, torch.Tensor] = {}
    paths = {
        "conv_in": "IN00",
        "down_blocks.0.resnets.0.conv1": "IN01",
        "down_blocks.0.downsamplers.0.conv": "IN02",
        "down_blocks.1.resnets.0.conv2": "IN03",
        "mid_block.resnets.1.conv1": "M00",
        "up_blocks.0.upsamplers.0.conv": "OUT01",
        "up_blocks.1.resnets.1.conv1": "OUT03",
        "time_embedding.linear_1": "BASE",
    }
    for path in paths:
        weight = pipe.unet.get_submodule(path).weight
        file[f"unet.{path}.lora_A.weight"] = torch.randn(2, *weight.shape[1:])
        file[f"unet.{path}.lora_B.weight"] = torch.randn(len(weight), 2, *[1] * (weight.ndim - 2))
    save_file(file, tmp_path / "conv.safetensors")
    for path, block in paths.items():
        used = lora.Lora(
            path=tmp_path / "conv.safetensors", name="conv", weight=0.8, blocks=((block, 0.5),)
        )
        with lora.attached(pipe, [used], "Test"):
            scales = {one: pipe.unet.get_submodule(one).scaling["lora0"] for one in paths}
        assert scales == {one: 0.4 if one == path else 0.8 for one in paths}


def test_a_model_without_blocks_refuses_weights_for_them(files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    used = lora.Lora(path=files["ink"], name="ink", weight=1.0, blocks=(("M00", 0.5),))
    pipe.unet = None
    with pytest.raises(AppError) as error, lora.attached(pipe, [used], "Test"):
        pass
    assert error.value.code == "adapter-blocks"


def test_a_weight_of_zero_attaches_nothing(dressing: LocalBackend) -> None:
    without, _ = render(dressing, wearing())
    assert np.array_equal(render(dressing, wearing(ink(0.0)))[0].pixels, without.pixels)


def test_an_embedding_gives_the_bits_of_the_plain_call(
    dressing: LocalBackend, files: dict[str, Path]
) -> None:
    word = EmbeddingUse(embedding=named("word", "embedding"), token="<ink>")
    rendered, _ = render(dressing, wearing(word, prompt="a <ink> fox"))
    pipe: Any = plain_pipeline(files["model"])
    pipe.load_textual_inversion(load_file(files["word"]), token="<ink>")
    asked = {**ASKED, "prompt": "a <ink> fox"}
    assert np.array_equal(rendered.pixels, plain_call(pipe, 7, guidance_scale=4.0, **asked)[1])
    without, _ = render(dressing, wearing(prompt="a <ink> fox"))
    assert not np.array_equal(rendered.pixels, without.pixels)


@pytest.mark.parametrize("prompt", ["a <ink> fox", "a (<ink> fox:1.3)"])
def test_a_word_for_both_encoders_gives_the_bits_of_the_plain_call(
    prompt: str, dressing: LocalBackend, files: dict[str, Path]
) -> None:
    word = EmbeddingUse(embedding=named("xl word", "embedding"), token="<ink>")
    told = {"guidance_scale": 4.0, "scheduler": "euler", "prompt": prompt}
    rendered, _ = render(dressing, recipe_for("xl", adapters=(word,), **told))
    pipe: Any = DiffusionPipeline.from_pretrained(files["xl"])
    learn(pipe, load_file(files["xl word"]), "clip_g")
    given: dict[str, Any] = {"prompt": prompt}
    if ":" in prompt:
        # What the prompt's weights make of it, the tokens being those that the pipeline has now.
        given = conditioning.encode_xl(pipe, recipe_for("xl", **told))
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **{**ASKED, "prompt": None, **given})[1]
    assert np.array_equal(rendered.pixels, pixels)
    without, _ = render(dressing, recipe_for("xl", **told))
    assert not np.array_equal(rendered.pixels, without.pixels)


@pytest.mark.parametrize("name", ["flux word", "flux words"])
def test_flux_learns_a_word_in_the_encoders_that_a_file_is_for(
    name: str, dressing: LocalBackend, files: dict[str, Path]
) -> None:
    word = EmbeddingUse(embedding=named(name, "embedding"), token="<ink>")
    told = {"guidance_scale": 3.0, "scheduler": "euler", "prompt": "a <ink> fox"}
    rendered, _ = render(dressing, recipe_for("flux", adapters=(word,), **told))
    pipe: Any = DiffusionPipeline.from_pretrained(files["flux"])
    learn(pipe, load_file(files[name]), "t5")
    generator = torch.Generator().manual_seed(7)
    asked = {**ASKED, "prompt": "a <ink> fox", "guidance_scale": 3.0}
    picture = pipe(**asked, generator=generator).images[0]
    assert np.array_equal(rendered.pixels, np.array(picture))
    without, _ = render(dressing, recipe_for("flux", **told))
    assert not np.array_equal(rendered.pixels, without.pixels)


def learn(pipe: Any, vectors: dict[str, torch.Tensor], second: str) -> None:
    """What anybody would write to load a word for two encoders."""
    pipe.load_textual_inversion(
        vectors["clip_l"],
        token="<ink>",
        text_encoder=pipe.text_encoder,
        tokenizer=pipe.tokenizer,
    )
    if second in vectors:
        pipe.load_textual_inversion(
            vectors[second],
            token="<ink>",
            text_encoder=pipe.text_encoder_2,
            tokenizer=pipe.tokenizer_2,
        )


def test_a_word_that_means_something_already_is_named(files: dict[str, Path]) -> None:
    pipe: Any = plain_pipeline(files["model"])
    word = embedding.Embedding(path=files["word"], name="ink", token="a")
    with pytest.raises(AppError) as error, embedding.known(pipe, [word], "Test"):
        pass
    assert error.value.code == "adapter-word"


@pytest.mark.parametrize("name", ["vae", "plain_vae"])
def test_another_vae_decodes(name: str, dressing: LocalBackend, files: dict[str, Path]) -> None:
    rendered, _ = render(dressing, wearing(vae=named(name, "vae")))
    pipe: Any = plain_pipeline(files["model"])
    pipe.vae = plain_pipeline(files["vae"].parent / "other").vae
    pixels = plain_call(pipe, 7, guidance_scale=4.0, **ASKED)[1]
    assert np.array_equal(rendered.pixels, pixels)
    assert not np.array_equal(render(dressing, wearing())[0].pixels, pixels)


def spoiled(files: dict[str, Path], tensors: dict[str, torch.Tensor], to: Path) -> lora.Lora:
    save_file(tensors, to)
    return lora.Lora(path=to, name="ink", weight=1.0)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            lambda k, t: (k, torch.randn(2, 48) if "attn2_to_k.lora_down" in k else t),
            "adapter-family",
            "48",
        ),
        (lambda k, t: ("other." + k, t), "adapter-family", "not made for a model like Test"),
        (
            lambda k, t: (k.replace("lora_down.weight", "hada_w1_a"), t),
            "adapter-broken",
            "lacks hada_w1_b",
        ),
        (lambda k, t: (k, t * torch.nan), "adapter-broken", "not finite"),
    ],
)
def test_a_misfit_is_named_before_anything_is_attached(
    change: Any, code: str, says: str, files: dict[str, Path], tmp_path: Path
) -> None:
    pipe: Any = plain_pipeline(files["model"])
    before = state_of(pipe)
    tensors = dict(change(key, one) for key, one in load_file(files["ink"]).items())
    used = spoiled(files, tensors, tmp_path / "a.safetensors")
    with pytest.raises(AppError) as error, lora.attached(pipe, [used], "Test"):
        pass
    assert error.value.code == code
    assert says in str(error.value)
    assert error.value.hint
    after = state_of(pipe)
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_a_lora_of_another_family_is_named(dressing: LocalBackend) -> None:
    recipe = recipe_for("xl", adapters=(ink(),), scheduler="euler")
    with pytest.raises(AppError) as error:
        render(dressing, recipe)
    assert error.value.code == "adapter-family"


def test_pickles_and_what_is_gone(files: dict[str, Path], tmp_path: Path) -> None:
    pipe: Any = plain_pipeline(files["model"])
    (tmp_path / "a.pt").write_bytes(b"x")
    (tmp_path / "b.safetensors").write_bytes(files["ink"].read_bytes()[:200])
    for name, code in (
        ("a.pt", "adapter-kind"),
        ("b.safetensors", "adapter-broken"),
        ("c.safetensors", "adapter-missing"),
    ):
        used = lora.Lora(path=tmp_path / name, name="ink", weight=1.0)
        with pytest.raises(AppError) as error, lora.attached(pipe, [used], "Test"):
            pass
        assert error.value.code == code
        word = embedding.Embedding(path=tmp_path / name, name="ink", token="<x>")
        with pytest.raises(AppError) as error, embedding.known(pipe, [word], "Test"):
            pass
        assert error.value.code == code


def test_an_embedding_of_another_length_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    pipe: Any = plain_pipeline(files["model"])
    save_file({"emb_params": torch.zeros(1, 768)}, tmp_path / "a.safetensors")
    word = embedding.Embedding(path=tmp_path / "a.safetensors", name="ink", token="<x>")
    refused = pytest.raises(AppError, match="768 numbers and not 32")
    with refused as error, embedding.known(pipe, [word], "Test"):
        pass
    assert error.value.code == "adapter-family"
