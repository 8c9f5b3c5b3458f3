"""Networks in files of their own, completed by others: the pixels of a plain pipeline."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from desktop_app.engine.assembly import Source, encoders_in
from desktop_app.engine.gguf_weights import GgufFile, packings, unpacked
from desktop_app.engine.lent import Lent
from desktop_app.errors import AppError
from tests.engine.gguf_files import write_packed
from tests.engine.kits import (
    SETTINGS,
    Kit,
    Tensors,
    encoder_of,
    lent_file,
    load,
    make_kit,
    network_of,
    pixels,
    plain,
    whole_sd3,
    write,
)
from tests.engine.original_names import original
from tests.engine.tiny_settings import tiny_configs
from tests.weights.vocabulary_files import GEMMA_PIECES, sentencepiece_file

pytestmark = [
    pytest.mark.slow,
    # Chroma's own code makes what diffusers calls deprecated.
    pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated:FutureWarning"),
]
SMALL = ("sdxl", "sd3", "sana", "z_image", "qwen_image")
WIDE = ("flux", "chroma", "lumina2")
"""Whose published width stands in diffusers' converters: some hundred million numbers each."""


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_configs(tmp_path_factory.mktemp("configs") / "model_configs")


@pytest.fixture(scope="module")
def kits(configs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kit]:
    made: dict[str, Kit] = {}

    def kit(family: str) -> Kit:
        if family not in made:
            folder = tmp_path_factory.mktemp(family)
            made[family] = make_kit(configs, folder, family, torch.float32)
        return made[family]

    return kit


@pytest.mark.parametrize("family", SMALL)
def test_a_network_with_its_companions_makes_the_pixels_of_a_plain_pipeline(
    family: str, kits: Callable[[str], Kit]
) -> None:
    kit = kits(family)
    model = load(kit, kit.lent())
    assert model.family.key == family
    assert model.lent == kit.lent().hashes
    for name, part in kit.parts.items():
        state = part.state_dict()
        ours = getattr(model.pipe, name).state_dict()
        assert ours.keys() == state.keys()
        for key, tensor in ours.items():
            assert torch.equal(tensor, state[key]), (name, key)
    told = SETTINGS.get(family, {})
    assert np.array_equal(pixels(model.pipe, **told), pixels(plain(kit), **told))


@pytest.mark.parametrize("family", SMALL)
def test_a_packed_network_makes_the_pixels_of_diffusers(
    family: str, kits: Callable[[str], Kit], tmp_path: Path
) -> None:
    kit = kits(family)
    # diffusers reads a UNet only by the names that it has inside a checkpoint.
    prefix = "model.diffusion_model." if family == "sdxl" else ""
    tensors = network_of(kit.parts, family)
    path = write_packed(tmp_path / "network.gguf", tensors, prefix=prefix)
    model = load(kit, kit.lent(), path)
    name = "unet" if family == "sdxl" else "transformer"
    network = getattr(model.pipe, name)
    assert packings(network) == "Q8_0"
    kit.parts[name].save_config(tmp_path / "config")
    known: Any = type(kit.parts[name]).from_single_file(
        str(path),
        config=str(tmp_path / "config"),
        quantization_config=diffusers.GGUFQuantizationConfig(compute_dtype=torch.float32),
        torch_dtype=torch.float32,
        local_files_only=True,
    )
    told = SETTINGS.get(family, {})
    plain_pipe = plain(kit, **{name: known})
    assert np.array_equal(pixels(model.pipe, **told), pixels(plain_pipe, **told))
    assert not np.array_equal(pixels(model.pipe, **told), pixels(plain(kit), **told))
    bare = load(kit, kit.lent(), write_packed(tmp_path / "bare.gguf", tensors))
    assert bare.family.key == family
    assert packings(getattr(bare.pipe, name)) == "Q8_0"


def test_a_packed_file_with_everything_inside(kits: Callable[[str], Kit], tmp_path: Path) -> None:
    kit = kits("sd3")
    whole = whole_sd3(kit)
    path = write_packed(tmp_path / "whole.gguf", whole)
    model = load(kit, Lent(words=kit.lent().words), path)
    assert model.lent is None
    assert packings(model.pipe.transformer) == "Q8_0"
    assert packings(model.pipe.text_encoder_3) == packings(model.pipe.vae) == ""
    found = GgufFile(path, "whole").tensors
    numbers = {name: unpacked(one).float() for name, one in found.items()}
    assert any(not torch.equal(numbers[name], one.float()) for name, one in whole.items())
    write(numbers, tmp_path / "whole.safetensors")
    wide = load(kit, Lent(words=kit.lent().words), tmp_path / "whole.safetensors")
    assert np.array_equal(pixels(model.pipe), pixels(wide.pipe))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("family", WIDE)
def test_networks_of_published_width_do_too(family: str, configs: Path, tmp_path: Path) -> None:
    kit = make_kit(configs, tmp_path, family, torch.bfloat16)  # a gigabyte as it is
    model = load(kit, kit.lent(), dtype=torch.bfloat16)
    kit.network.unlink()
    told = {"num_inference_steps": 1, "max_sequence_length": 16}
    assert np.array_equal(pixels(model.pipe, **told), pixels(plain(kit), **told))


def test_a_file_with_everything_inside_needs_no_companion(
    kits: Callable[[str], Kit], tmp_path: Path
) -> None:
    kit = kits("sd3")
    whole = whole_sd3(kit)
    write(whole, tmp_path / "whole.safetensors")
    model = load(kit, Lent(words=kit.lent().words), tmp_path / "whole.safetensors")
    assert model.lent is None
    assert np.array_equal(pixels(model.pipe), pixels(plain(kit)))


def test_stable_diffusion_3_does_without_t5(kits: Callable[[str], Kit]) -> None:
    kit = kits("sd3")
    model = load(kit, kit.lent("text_encoder_3"))
    assert model.pipe.text_encoder_3 is None
    other = plain(kit, text_encoder_3=None, tokenizer_3=None)
    assert np.array_equal(pixels(model.pipe), pixels(other))
    assert not np.array_equal(pixels(model.pipe), pixels(plain(kit)))


@pytest.mark.parametrize(
    ("family", "without", "says"),
    [
        ("sdxl", ("vae",), "sdxl_vae.safetensors"),
        ("sdxl", ("text_encoder_2",), "clip_g.safetensors"),
        ("sana", ("text_encoder",), "gemma_2_2b"),
        ("z_image", ("text_encoder", "vae"), "qwen_3_4b"),
    ],
)
def test_what_is_missing_is_named(
    family: str, without: tuple[str, ...], says: str, kits: Callable[[str], Kit]
) -> None:
    kit = kits(family)
    with pytest.raises(AppError) as error:
        load(kit, kit.lent(*without))
    assert error.value.code == "model-incomplete"
    assert says in error.value.hint


def test_a_text_encoder_of_another_family_is_refused(kits: Callable[[str], Kit]) -> None:
    kit = kits("sdxl")
    foreign = lent_file(kits("z_image").folder / "text_encoder.safetensors")
    lent = kit.lent()
    twice = Lent(vae=lent.vae, text_encoders=(*lent.text_encoders, lent.text_encoders[0]))
    for wrong in (twice, Lent(vae=lent.vae, text_encoders=(*lent.text_encoders, foreign))):
        with pytest.raises(AppError) as error:
            load(kit, wrong)
        assert error.value.code == "encoder-kind"


def test_words_that_are_not_here_are_asked_for_by_their_file(kits: Callable[[str], Kit]) -> None:
    kit = kits("sana")
    lent = kit.lent()
    with pytest.raises(AppError) as error:
        load(kit, Lent(vae=lent.vae, text_encoders=lent.text_encoders))
    assert error.value.code == "tokenizer-missing"
    assert "google/gemma-2-2b" in error.value.hint


def test_words_inside_the_text_encoders_file_are_read(
    kits: Callable[[str], Kit], tmp_path: Path
) -> None:
    kit = kits("sana")
    data = sentencepiece_file(GEMMA_PIECES, merges=True)
    pieces = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    file = tmp_path / "gemma.safetensors"
    write({**encoder_of(kit.parts["text_encoder"]), "spiece_model": pieces}, file)
    lent = Lent(vae=kit.lent().vae, text_encoders=(lent_file(file),))
    text = "a fox, FOX \u00e9"
    assert load(kit, lent).pipe.tokenizer(text) == load(kit, kit.lent()).pipe.tokenizer(text)


def test_eight_bits_with_a_scale_are_widened(kits: Callable[[str], Kit], tmp_path: Path) -> None:
    kit = kits("z_image")
    tensors = network_of(kit.parts, "z_image")
    small: Tensors = {"scaled_fp8": torch.zeros(0, dtype=torch.float8_e4m3fn)}
    for key, tensor in tensors.items():
        if tensor.ndim == 2 and "layers.0" in key:
            small[key] = (tensor * 4).to(torch.float8_e4m3fn)
            small[key.replace(".weight", ".scale_weight")] = torch.tensor(0.25)
        else:
            small[key] = tensor
    write(small, tmp_path / "small.safetensors")
    ours = load(kit, kit.lent(), tmp_path / "small.safetensors").pipe.transformer.state_dict()
    key = "layers.0.feed_forward.w1.weight"
    assert torch.equal(ours[key], small[key].float() * 0.25)


def test_deeper_sisters_are_told_by_their_weights(configs: Path, tmp_path: Path) -> None:
    config = json.loads((configs / "sd3" / "transformer" / "config.json").read_text("utf-8"))
    deeper = {"num_layers": 3, "dual_attention_layers": (0, 1), "qk_norm": "rms_norm"}
    made: Any = diffusers.SD3Transformer2DModel.from_config({**config, **deeper})
    kit = make_kit(configs, tmp_path, "sd3", torch.float32)
    write(original(made), kit.network)
    ours = load(kit, kit.lent()).pipe.transformer
    assert ours.config.num_layers == 3
    assert list(ours.config.dual_attention_layers) == [0, 1]
    state = made.state_dict()
    assert all(torch.equal(one, state[key]) for key, one in ours.state_dict().items())


def test_networks_by_diffusers_names_are_read_too(
    kits: Callable[[str], Kit], tmp_path: Path
) -> None:
    for family in ("sdxl", "sd3", "z_image", "sana"):
        kit = kits(family)
        part = "unet" if family == "sdxl" else "transformer"
        path = tmp_path / f"{family}.safetensors"
        write(kit.parts[part].state_dict(), path)
        model = load(kit, kit.lent(), path)
        assert model.family.key == family
        state = kit.parts[part].state_dict()
        ours = getattr(model.pipe, part).state_dict()
        assert all(torch.equal(one, state[key]) for key, one in ours.items())


def test_sizes_that_no_model_has_are_refused(kits: Callable[[str], Kit], tmp_path: Path) -> None:
    kit = kits("z_image")
    tensors = network_of(kit.parts, "z_image")
    tensors["layers.90000000.attention.out.weight"] = torch.zeros(1)
    write(tensors, tmp_path / "deep.safetensors")
    with pytest.raises(AppError) as error:
        load(kit, kit.lent(), tmp_path / "deep.safetensors")
    assert error.value.code == "model-broken"
    assert "90000001 blocks" in error.value.sentence


def test_a_file_of_many_text_encoders_is_gone_through_once() -> None:
    passes: list[str] = []

    class Counted(dict[str, torch.Tensor]):
        def items(self) -> Any:
            passes.append("items")
            return super().items()

    names = (f"text_encoders.of{number}.transformer.shared.weight" for number in range(50))
    tensors = Counted({name: torch.zeros(1) for name in names})
    file: Any = None
    assert len(encoders_in(Source(what="many", tensors=tensors, file=file))) == 50
    assert len(passes) == 1


@pytest.mark.parametrize(
    ("family", "ending", "shape"),
    [
        ("sd3", "pos_embed", (1, 2**50, 0)),
        ("sd3", "context_embedder.weight", (32,)),
        ("sdxl", "attn2.to_k.weight", (32,)),
    ],
)
def test_a_tensor_of_another_form_is_a_damaged_model(
    family: str, ending: str, shape: tuple[int, ...], kits: Callable[[str], Kit], tmp_path: Path
) -> None:
    kit = kits(family)
    tensors = dict(network_of(kit.parts, family))
    names = [name for name in tensors if name.endswith(ending)]
    assert names
    write(tensors | {name: torch.zeros(shape) for name in names}, tmp_path / "network.safetensors")
    with pytest.raises(AppError) as error:
        load(kit, kit.lent(), tmp_path / "network.safetensors")
    assert error.value.code in ("model-broken", "model-kind")
