"""Networks in files of their own: what completes them, chosen by itself, or asked for by name."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.assets import Assets
from desktop_app.library.bring_in import copy_in
from desktop_app.library.catalog import Catalog
from desktop_app.library.completion import with_text_encoder
from desktop_app.library.identity import Asset, Identity
from desktop_app.library.memory import Memory
from desktop_app.recipe.codec import digest
from desktop_app.recipe.recipe import ModelRef, Recipe
from tests.library.files import TE, checkpoint, unet, vae, write_shapes
from tests.weights.vocabulary_files import T5_PIECES, qwen_json, sentencepiece_file, t5_json

CLIP_L = {TE: (49408, 768)}
CLIP_G = {TE: (49408, 1280), "text_projection.weight": (1280, 1280)}
T5 = {"shared.weight": (32128, 4096)}
GEMMA = {"model.embed_tokens.weight": (256000, 2304)}
QWEN = {"model.embed_tokens.weight": (151936, 2560)}
FLUX = {
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
    "img_in.weight": (3072, 64),
    "guidance_in.in_layer.weight": (3072, 256),
}
SD3 = {
    "joint_blocks.0.x_block.mlp.fc1.weight": (6144, 1536),
    "x_embedder.proj.weight": (1536, 16, 2, 2),
}
Z_IMAGE = {
    "cap_embedder.0.weight": (2560,),
    "layers.0.adaLN_modulation.0.weight": (15360, 256),
    "x_embedder.weight": (3840, 64),
}
LUMINA = {"cap_embedder.0.weight": (2304,), "noise_refiner.0.attention.qkv.weight": (3840, 2304)}


class Studio:
    """A folder as ComfyUI has it, and what the program knows of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "ComfyUI" / "models"
        self.words = root / "data" / "tokenizers"

    def put(self, place: str, shapes: Mapping[str, tuple[int, ...]]) -> Path:
        return write_shapes(self.models / place, shapes)

    def assets(self) -> Assets:
        memory = Memory(self.root / "data" / "facts.json")
        return Assets((self.models,), self.root / "cache", memory, self.root / "data")

    def find(self, place: str) -> tuple[Asset, Assets]:
        assets = self.assets()
        return next(one for one in assets.scan() if one.path == self.models / place), assets


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    found = Studio(tmp_path)
    found.put("vae/ae.safetensors", vae(16))
    found.put("vae/sd3_vae.safetensors", vae(16))
    found.put("vae/sdxl_vae.safetensors", vae(4))
    found.put("vae/vae-ft-mse-840000-ema-pruned.safetensors", vae(4))
    found.put("clip/clip_l.safetensors", CLIP_L)
    found.put("clip/clip_g.safetensors", CLIP_G)
    found.put("text_encoders/t5xxl_fp16.safetensors", T5)
    return found


def names(assets: Assets, asset: Asset) -> set[str]:
    return {one.path.name for one in assets.completion(asset).assets}


@pytest.mark.parametrize(
    ("network", "companions"),
    [
        (unet(768), {"vae-ft-mse-840000-ema-pruned.safetensors", "clip_l.safetensors"}),
        (
            unet(2048, label=2816),
            {"sdxl_vae.safetensors", "clip_l.safetensors", "clip_g.safetensors"},
        ),
        (FLUX, {"ae.safetensors", "clip_l.safetensors", "t5xxl_fp16.safetensors"}),
        (
            SD3,
            {
                "sd3_vae.safetensors",
                "clip_l.safetensors",
                "clip_g.safetensors",
                "t5xxl_fp16.safetensors",
            },
        ),
    ],
)
def test_companions_are_chosen_by_what_they_are(
    network: dict[str, tuple[int, ...]], companions: set[str], studio: Studio
) -> None:
    t5_json(studio.words / "t5" / "tokenizer.json")
    studio.put("diffusion_models/network.safetensors", network)
    asset, assets = studio.find("diffusion_models/network.safetensors")
    assert asset.identity.kind == "denoiser"
    assert asset.unsupported == ""
    assert names(assets, asset) == companions


def test_what_is_missing_is_asked_for_by_file_and_place(studio: Studio) -> None:
    studio.put("unet/z.safetensors", Z_IMAGE)
    asset, _ = studio.find("unet/z.safetensors")
    assert "qwen_3_4b.safetensors" in asset.unsupported
    assert str(studio.root / "data" / "models" / "text_encoders") in asset.unsupported
    studio.put("clip/qwen.safetensors", QWEN)
    asset, _ = studio.find("unet/z.safetensors")
    assert "tokenizer.json from Qwen/Qwen3-4B" in asset.unsupported
    assert str(studio.words / "qwen") in asset.unsupported
    qwen_json(studio.words / "qwen" / "tokenizer.json")
    asset, assets = studio.find("unet/z.safetensors")
    assert asset.unsupported == ""
    assert names(assets, asset) == {"ae.safetensors", "qwen.safetensors"}
    (studio.models / "vae" / "ae.safetensors").unlink()
    (studio.models / "vae" / "sd3_vae.safetensors").unlink()
    asset, _ = studio.find("unet/z.safetensors")
    assert "the VAE of Flux, such as ae.safetensors" in asset.unsupported


def test_a_vae_named_for_another_family_is_not_taken(studio: Studio) -> None:
    t5_json(studio.words / "t5" / "tokenizer.json")
    (studio.models / "vae" / "ae.safetensors").unlink()
    studio.put("unet/flux.safetensors", FLUX)
    asset, _ = studio.find("unet/flux.safetensors")
    assert "the VAE of Flux" in asset.unsupported
    studio.put("vae/sixteen.safetensors", vae(16))
    asset, assets = studio.find("unet/flux.safetensors")
    assert "sixteen.safetensors" in names(assets, asset)


@pytest.mark.parametrize(
    ("network", "channels", "scale", "other"),
    [
        (FLUX, 16, 0.3611, 1.5305),
        (SD3, 16, 1.5305, 0.3611),
        (unet(768), 4, 0.18215, 0.13025),
        (unet(2048, label=2816), 4, 0.13025, 0.18215),
    ],
)
def test_vaes_that_are_built_alike_are_told_by_the_config_beside_them(
    network: dict[str, tuple[int, ...]], channels: int, scale: float, other: float, studio: Studio
) -> None:
    t5_json(studio.words / "t5" / "tokenizer.json")
    for file in (studio.models / "vae").iterdir():
        file.unlink()
    studio.put("unet/network.safetensors", network)
    for folder, told in (("a", other), ("b", scale), ("c", other)):
        path = studio.put(f"vae/{folder}/diffusion_pytorch_model.safetensors", vae(channels))
        path.with_name("config.json").write_text(json.dumps({"scaling_factor": told}))
    asset, assets = studio.find("unet/network.safetensors")
    found = assets.completion(asset).vae
    assert found is not None
    assert found.path.parent.name == "b"
    for folder in "ac":
        (studio.models / "vae" / folder / "config.json").write_text("{}")
    (studio.models / "vae" / "b" / "config.json").write_text(json.dumps({"scaling_factor": other}))
    asset, assets = studio.find("unet/network.safetensors")
    found = assets.completion(asset).vae
    assert found is not None
    assert found.path.parent.name == "a"


def test_a_vae_whose_config_tells_whose_it_is_goes_before_a_guess(studio: Studio) -> None:
    t5_json(studio.words / "t5" / "tokenizer.json")
    for file in (studio.models / "vae").iterdir():
        file.unlink()
    studio.put("unet/network.safetensors", FLUX)
    studio.put("vae/sixteen.safetensors", vae(16))
    path = studio.put("vae/z/diffusion_pytorch_model.safetensors", vae(16))
    path.with_name("config.json").write_text(json.dumps({"scaling_factor": 0.3611}))
    asset, assets = studio.find("unet/network.safetensors")
    found = assets.completion(asset).vae
    assert found is not None
    assert found.path.parent.name == "z"


@pytest.mark.parametrize(
    ("network", "channels", "base", "serves"),
    [
        (FLUX, 16, "Flux.1 D", True),
        (FLUX, 16, "ZImageTurbo", True),
        (FLUX, 16, "SD 3.5", False),
        (FLUX, 16, "SDXL 1.0", True),  # which it cannot be: 16 channels
        (FLUX, 16, "Other", True),
        (unet(768), 4, "SD 1.5", True),
        (unet(768), 4, "Pony", False),
    ],
)
def test_a_vae_is_told_by_the_base_model_that_its_maker_names(
    network: dict[str, tuple[int, ...]], channels: int, base: str, serves: bool, studio: Studio
) -> None:
    t5_json(studio.words / "t5" / "tokenizer.json")
    for file in (studio.models / "vae").iterdir():
        file.unlink()
    studio.put("unet/network.safetensors", network)
    path = studio.put("vae/colours.safetensors", vae(channels))
    path.with_name("colours.civitai.info").write_text(json.dumps({"baseModel": base}))
    asset, _ = studio.find("unet/network.safetensors")
    assert ("add the VAE of" not in asset.unsupported) == serves


def encoder(kind: str, digit: str) -> Asset:
    identity = Identity(kind="text-encoder", format="safetensors", variant=kind)
    return Asset(path=Path(f"{digit}.safetensors"), identity=identity, name=kind, sha256=digit * 64)


def test_text_encoders_chosen_in_any_order_make_the_same_recipe() -> None:
    ones = (encoder("t5-xxl", "1"), encoder("clip-g", "2"), encoder("clip-l", "3"))
    other = encoder("clip-g", "4")
    everything = (*ones, other)
    recipe = Recipe(model=ModelRef(sha256="a" * 64, name="whole", kind="single"), prompt="a fox")
    digests: set[str] = set()
    for order in itertools.permutations(ones):
        refs: tuple[ModelRef, ...] = ()
        for one in order:
            refs = with_text_encoder(refs, one, everything)
        assert [ref.name for ref in refs] == ["clip-l", "clip-g", "t5-xxl"]
        refs = with_text_encoder(refs, other, everything)
        assert [ref.sha256[0] for ref in refs] == ["3", "4", "1"]
        digests.add(digest(replace(recipe, text_encoders=refs)))
    assert len(digests) == 1


def test_a_text_encoder_from_elsewhere_is_chosen_once_and_what_is_not_here_stays() -> None:
    clip, away = encoder("clip-l", "3"), ModelRef(sha256="9" * 64, name="x", kind="text_encoder")
    refs = with_text_encoder((away,), clip, ())
    assert with_text_encoder(refs, clip, ()) == refs
    assert refs == (clip.ref, away)


def test_stable_diffusion_3_goes_without_t5_where_its_words_are_not_here(studio: Studio) -> None:
    studio.put("unet/sd3.safetensors", SD3)
    asset, assets = studio.find("unet/sd3.safetensors")
    assert asset.unsupported == ""
    assert "t5xxl_fp16.safetensors" not in names(assets, asset)


def test_a_checkpoint_without_a_vae_is_completed_too(studio: Studio) -> None:
    shapes = {k: v for k, v in checkpoint("sd1").items() if not k.startswith("first_stage_model.")}
    studio.put("checkpoints/novae.safetensors", shapes)
    asset, assets = studio.find("checkpoints/novae.safetensors")
    assert asset.identity.kind == "checkpoint"
    assert names(assets, asset) == {"vae-ft-mse-840000-ema-pruned.safetensors"}


def test_words_inside_a_text_encoder_and_in_other_folders_are_found(studio: Studio) -> None:
    studio.put("unet/lumina.safetensors", LUMINA)
    studio.put("clip/gemma.safetensors", GEMMA)
    asset, _ = studio.find("unet/lumina.safetensors")
    assert "google/gemma-2-2b-it" in asset.unsupported
    studio.put("clip/gemma.safetensors", {**GEMMA, "spiece_model": (4000,)})
    asset, _ = studio.find("unet/lumina.safetensors")
    assert asset.unsupported == ""
    studio.put("unet/flux.safetensors", FLUX)
    assert "spiece.model or tokenizer.json" in studio.find("unet/flux.safetensors")[0].unsupported
    place = studio.models.parent / "comfy" / "text_encoders" / "t5_tokenizer"
    t5_json(place / "tokenizer.json")
    asset, assets = studio.find("unet/flux.safetensors")
    assert asset.unsupported == ""
    assert assets.words("t5") == place
    own = studio.words / "t5" / "spiece.model"
    own.parent.mkdir(parents=True)
    own.write_bytes(sentencepiece_file(T5_PIECES, merges=False))
    assert assets.words("t5") == own


def test_the_hash_of_a_network_comes_with_those_of_its_companions(studio: Studio) -> None:
    studio.put("unet/small.safetensors", unet(768))
    asset, assets = studio.find("unet/small.safetensors")
    assets.hash(asset)
    known = {one.path.name for one in assets.all() if one.sha256 is not None}
    assert known == names(assets, asset) | {"small.safetensors"}


def test_a_vocabulary_is_brought_to_its_place(tmp_path: Path) -> None:
    models = tmp_path / "data" / "models"
    dropped = t5_json(tmp_path / "downloads" / "tokenizer.json")
    assert copy_in(dropped, models, lambda: False) == models.parent / "tokenizers/t5/tokenizer.json"
    pieces = tmp_path / "downloads" / "spiece.model"
    pieces.write_bytes(sentencepiece_file(T5_PIECES, merges=False))
    assert copy_in(pieces, models, lambda: False).parent.name == "t5"
    pieces.write_bytes(b"\x0a\xff\xff\xff\xff\x0f")
    dropped.write_text('{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}', "utf-8")
    for wrong in (pieces, dropped):
        with pytest.raises(AppError) as error:
            copy_in(wrong, models, lambda: False)
        assert error.value.code == "tokenizer-file"


def test_a_catalogue_lists_a_network_with_what_completes_it(studio: Studio) -> None:
    studio.put("unet/dreams.safetensors", unet(768))
    studio.put("clip/clip_l.safetensors", {TE: (90, 768)})
    facts = studio.root / "data" / "facts.json"
    catalog = Catalog((studio.models,), studio.root / "cache", facts)
    assert catalog.scan(hashing=False) == ()
    model = catalog.open("dreams")
    assert model.own_vae is not None
    assert model.own_vae.name.startswith("vae-ft-mse")
    assert [ref.name for ref in model.own_text_encoders] == ["clip_l"]
    assert model.reads_with == ("clip-l",)
    assert model in catalog.refresh()
    studio.put("vae/vae-ft-ema-560000.safetensors", {**vae(4), "more": (1,)})
    again = Catalog((studio.models,), studio.root / "cache", facts)
    assert again.scan(hashing=False) == ()
    found = again.find(model.ref)
    assert found.own_vae is not None
    assert found.own_vae.name.startswith("vae-ft-ema")
    assert catalog.path(model.own_text_encoders[0]).name == "clip_l.safetensors"
    assert catalog.open_other("clip_l", "text-encoder") == model.own_text_encoders[0]
    path = str(studio.models / "vae" / "sdxl_vae.safetensors")
    assert catalog.open_other(path, "vae").kind == "vae"
    for name, code in ((path, "model-kind"), ("nobody", "model-unknown")):
        with pytest.raises(AppError) as error:
            catalog.open_other(name, "text-encoder")
        assert error.value.code == code
