"""Networks in files of their own, completed by others: the pixels of a plain pipeline."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

from desktop_app.engine.gguf_weights import GgufFile, packings, unpacked
from desktop_app.engine.lent import Lent, LentFile
from desktop_app.engine.loading import load_model
from desktop_app.engine.model import Model
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import ModelRef
from desktop_app.recipe.vocabularies import vocabulary_for
from tests.engine.checkpoints import checkpoint_of, vae_checkpoint_of
from tests.engine.gguf_files import write_packed
from tests.engine.original_names import original
from tests.engine.single_files import clip_words, empty_parts
from tests.engine.tiny_settings import tiny_configs
from tests.weights.vocabulary_files import GEMMA_PIECES, qwen_json, sentencepiece_file, t5_json

pytestmark = [
    pytest.mark.slow,
    # Chroma's own code makes what diffusers calls deprecated.
    pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated:FutureWarning"),
]
Tensors = dict[str, torch.Tensor]
SMALL = ("sdxl", "sd3", "sana", "z_image", "qwen_image")
WIDE = ("flux", "chroma", "lumina2")
"""Whose published width stands in diffusers' converters: some hundred million numbers each."""
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A family as an artist has it: a network and what completes it, in files of their own."""

    family: str
    folder: Path
    configs: Path
    parts: dict[str, Any]

    @property
    def network(self) -> Path:
        return self.folder / "network.safetensors"

    def lent(self, *without: str) -> Lent:
        encoders = [part for part in self.parts if part.startswith("text_encoder")]
        files = {
            part: lent_file(self.folder / f"{part}.safetensors") for part in (*encoders, "vae")
        }
        return Lent(
            vae=None if "vae" in without else files["vae"],
            text_encoders=tuple(files[part] for part in encoders if part not in without),
            words=lambda kind: words_place(self.folder, kind),
        )


def lent_file(path: Path, kind: Any = "text_encoder") -> LentFile:
    name = path.stem
    sha256 = (name.encode().hex() + "0" * 64)[:64]
    return LentFile(ref=ModelRef(sha256=sha256, name=name, kind=kind), path=path)


def words_place(folder: Path, kind: str) -> Path | None:
    place = {"t5": "tokenizer.json", "gemma": "tokenizer.model", "qwen": "tokenizer.json"}[kind]
    path = folder / kind / place
    return path if path.exists() else None


def random_parts(configs: Path, family: str, dtype: torch.dtype) -> dict[str, Any]:
    """Components with the small settings, seeded; none of their numbers is a plain zero."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.set_default_dtype(dtype)
        try:
            parts = empty_parts(configs, family)
        finally:
            torch.set_default_dtype(torch.float32)
        for part in parts.values():
            for one in part.parameters():
                if not bool(one.detach().any()):
                    torch.nn.init.normal_(one, std=0.05)
    if family == "sd3":
        # Its first text encoder is not projected, whatever is in the file.
        parts["text_encoder"].text_projection.weight.data = torch.eye(32)
    return {name: part.eval() for name, part in parts.items()}


def make_kit(configs: Path, folder: Path, family: str, dtype: torch.dtype) -> Kit:
    parts = random_parts(configs, family, dtype)
    folder.mkdir(exist_ok=True)
    write(network_of(parts, family), folder / "network.safetensors")
    write(vae_of(parts["vae"]), folder / "vae.safetensors")
    for name, part in parts.items():
        if name.startswith("text_encoder"):
            write(encoder_of(part), folder / f"{name}.safetensors")
    t5_json(folder / "t5" / "tokenizer.json")
    qwen_json(folder / "qwen" / "tokenizer.json")
    (folder / "gemma").mkdir(exist_ok=True)
    data = sentencepiece_file(GEMMA_PIECES, merges=True)
    (folder / "gemma" / "tokenizer.model").write_bytes(data)
    return Kit(family=family, folder=folder, configs=configs, parts=parts)


def write(tensors: Tensors, path: Path) -> None:
    save_file({key: one.detach().clone().contiguous() for key, one in tensors.items()}, path)


def network_of(parts: dict[str, Any], family: str) -> Tensors:
    if family == "sdxl":
        start = "model.diffusion_model."
        whole = checkpoint_of(parts, family)
        return {k.removeprefix(start): v for k, v in whole.items() if k.startswith(start)}
    return original(parts["transformer"])


def vae_of(vae: Any) -> Tensors:
    return vae_checkpoint_of(vae) if type(vae).__name__ == "AutoencoderKL" else vae.state_dict()


def encoder_of(part: Any) -> Tensors:
    """As the files of ComfyUI have them: the names that their makers published."""
    state = dict(part.state_dict())
    match type(part).__name__:
        case "CLIPTextModel":
            return {f"text_model.{key}": one for key, one in state.items()}
        case "T5EncoderModel":
            del state["encoder.embed_tokens.weight"]
            return state
        case "Gemma2Model" | "Qwen3Model":
            return {f"model.{key}": one for key, one in state.items()}
        case "Qwen2_5_VLForConditionalGeneration":
            short = {k.replace("model.language_model.", "model."): v for k, v in state.items()}
            return {k.replace("model.visual.", "visual."): v for k, v in short.items()}
        case _:
            return state


def whole_sd3(kit: Kit) -> Tensors:
    """Everything in one file, as ComfyUI writes it."""
    starts = {"text_encoder": "clip_l", "text_encoder_2": "clip_g", "text_encoder_3": "t5xxl"}
    whole = {f"model.diffusion_model.{k}": v for k, v in network_of(kit.parts, "sd3").items()}
    whole |= {f"first_stage_model.{k}": v for k, v in vae_of(kit.parts["vae"]).items()}
    for part, name in starts.items():
        tensors = encoder_of(kit.parts[part])
        whole |= {f"text_encoders.{name}.transformer.{k}": v for k, v in tensors.items()}
    return whole


def plain(kit: Kit, **changed: Any) -> Any:
    """The pipeline as anybody would put it together who has the components."""
    row = FAMILIES[kit.family]
    index = json.loads((kit.configs / kit.family / "model_index.json").read_text("utf-8"))
    told: dict[str, Any] = dict(kit.parts)
    for part in row.parts:
        kind = vocabulary_for(part)
        if kind == "clip":
            told[part.name] = clip_words(kit.configs, kit.family, part.name)
        elif kind:
            told[part.name] = plain_words(kit, part.name, kind)
    place = kit.configs / kit.family / "scheduler" / "scheduler_config.json"
    scheduler: Any = getattr(diffusers, index["scheduler"][1])
    told["scheduler"] = scheduler.from_config(json.loads(place.read_text("utf-8")))
    made = getattr(diffusers, row.pipelines[0])(**{**told, **changed})
    made.set_progress_bar_config(disable=True)
    return made


def plain_words(kit: Kit, part: str, kind: str) -> Any:
    """By transformers alone, from the file as it was published."""
    place = kit.configs / kit.family / part / "tokenizer_config.json"
    settings = json.loads(place.read_text("utf-8"))
    if kind == "gemma":
        numbers = {text: number for number, (text, _, _) in enumerate(GEMMA_PIECES)}
        merges: Any = [("f", "o"), ("fo", "x"), ("\u2581", "fox")]
        made = transformers.GemmaTokenizer(vocab=numbers, merges=merges, **settings)
        made.add_bos_token = True
        return made
    known: Any = {"t5": transformers.T5Tokenizer, "qwen": transformers.Qwen2Tokenizer}[kind]
    return known.from_pretrained(kit.folder / kind, **settings)


def load(kit: Kit, lent: Lent, path: Path | None = None, dtype: Any = torch.float32) -> Model:
    return load_model(
        path or kit.network, "Test", device=CPU, dtype=dtype, configs=kit.configs, lent=lent
    )


def pixels(pipe: Any, **more: Any) -> Any:
    told = {"width": 64, "height": 64, "num_inference_steps": 2, "output_type": "np", **more}
    pipe.set_progress_bar_config(disable=True)
    return pipe("a fox", generator=torch.Generator().manual_seed(1), **told).images[0]


SETTINGS: dict[str, dict[str, Any]] = {
    "sana": {"use_resolution_binning": False, "clean_caption": False},
    "qwen_image": {"true_cfg_scale": 2.0, "negative_prompt": "dim"},
}


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


@pytest.mark.parametrize("family", WIDE)
def test_networks_of_published_width_do_too(family: str, configs: Path, tmp_path: Path) -> None:
    kit = make_kit(configs, tmp_path, family, torch.float32)
    model = load(kit, kit.lent())
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
    made = diffusers.SD3Transformer2DModel.from_config({**config, **deeper})
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
