"""Which layers the names in adapters mean: kohya's, the first authors' and diffusers' own."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accelerate
import pytest
import torch
from diffusers import FluxPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.loaders.lora_conversion_utils import _convert_kohya_flux_lora_to_diffusers

from desktop_app.engine.adapters.joined import parts_of
from desktop_app.engine.adapters.layers import Layer, Layers, block_of, depth_of, parted
from desktop_app.recipe.blocks import LAYOUTS
from tests.engine.checkpoints import _unet_name  # pyright: ignore[reportPrivateUsage]
from tests.engine.models import plain_pipeline
from tests.engine.tiny_families import save_tiny_family
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.slow
_DOWN, _UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
TRUE: dict[str, dict[str, Any]] = {
    "sd1": {
        "block_out_channels": (320, 640, 1280, 1280),
        "down_block_types": (_DOWN, _DOWN, _DOWN, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", _UP, _UP, _UP),
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    "sdxl": {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", _DOWN, _DOWN),
        "up_block_types": (_UP, _UP, "UpBlock2D"),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
"""What the UNets of the published models are made of."""
FLUX_LAYERS = ("attn_qkv", "attn_proj", "mlp_0", "mlp_2", "mod_lin")


@pytest.fixture(scope="module")
def xl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("xl")
    save_tiny_family("sdxl", folder)
    return StableDiffusionXLPipeline.from_pretrained(folder)


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("flux")
    save_tiny_family("flux", folder)
    return FluxPipeline.from_pretrained(folder)


def test_the_first_authors_names_mean_what_diffusers_reads_in_them(xl: Any) -> None:
    layers = Layers(xl)
    depth = xl.unet.config.layers_per_block
    spelled = {
        f"lora_unet_{way}_{row}_{rest}"
        for way in ("input_blocks", "output_blocks")
        for row in range(1, 3 * (depth + 1))
        for rest in ("0_in_layers_2", "0_emb_layers_1", "0_op", "2_conv", "1_proj_in")
    } | {"lora_unet_middle_block_1_proj_out", "lora_unet_middle_block_2_out_layers_3"}
    known = {name: found for name in spelled if (found := layers.find(name))}
    assert len(known) > 12
    for name, (layer,) in known.items():
        plain = {f"{name}.lora_down.weight": torch.ones(1), f"{name}.lora_up.weight": torch.ones(1)}
        mapped, _ = xl.lora_state_dict(plain, unet_config=xl.unet.config)
        (path,) = {re.sub(r"[._]lora\..*$", "", key) for key in mapped}
        assert path == f"unet.{layer.path}", name
    assert layers.find("lora_unet_label_emb_0_2") == layers.find("unet.add_embedding.linear_2")
    assert layers.find("lora_unet_time_embed_0") == layers.find("unet.time_embedding.linear_1")
    assert layers.find("lora_unet_input_blocks_0_0") == layers.find("unet.conv_in") != ()
    assert layers.find("lora_unet_out_2") == layers.find("lycoris_conv_out") != ()


@pytest.mark.parametrize(("key", "count", "depth"), [("sd1", 391, 12), ("sdxl", 1050, 9)])
def test_every_layer_of_the_true_models_is_told_by_any_spelling(
    key: str, count: int, depth: int
) -> None:
    """And its block has the number that the first authors gave it."""
    with accelerate.init_empty_weights():
        unet: Any = UNet2DConditionModel(**TRUE[key])
    layers, blocks, found = Layers(SimpleNamespace(unet=unet)), set[str](), 0
    for path, module in unet.named_modules():
        if not isinstance(getattr(module, "weight", None), torch.nn.Parameter):
            continue
        theirs = _unet_name(f"{path}.weight", unet.config).removesuffix(".weight")
        spelled = [f"unet.{path}", f"diffusion_model.{theirs}"]
        for name in (path, theirs):
            plain = name.replace(".", "_")
            spelled += [f"lora_unet_{plain}", f"lycoris_{plain}"]
        assert {layers.find(one) for one in spelled} == {(Layer(part="unet", path=path),)}
        block = block_of("unet", path, depth_of(unet))
        ways = {"IN": "input_blocks.", "OUT": "output_blocks.", "M": "middle_block."}
        way = block.rstrip("0123456789")
        if way in ways and way != "M":
            assert theirs.startswith(f"{ways[way]}{int(block.removeprefix(way))}."), path
        elif way == "M":
            assert theirs.startswith(ways[way]), path
        blocks.add(block)
        found += 1
    numbers = [f"{number:02}" for number in range(depth)]
    assert blocks == {"BASE", "M00", *(way + one for way in ("IN", "OUT") for one in numbers)}
    assert found == count
    assert set(LAYOUTS[key].attention) <= blocks


def test_kohyas_names_for_flux_mean_what_diffusers_reads_in_them(flux: Any) -> None:
    layers = Layers(flux)
    transformer = flux.transformer
    names = [
        *(f"double_blocks_{{}}_{way}_{rest}" for way in ("img", "txt") for rest in FLUX_LAYERS),
        *(f"single_blocks_{{}}_{rest}" for rest in ("linear1", "linear2", "modulation_lin")),
    ]
    for name in names:
        meant = layers.find("lora_unet_" + name.format(0))
        assert meant, name
        weights = [transformer.get_submodule(layer.path).weight for layer in meant]
        rows, columns = sum(len(one) for one in weights), weights[0].shape[1]
        file: dict[str, torch.Tensor] = {}
        generator = torch.Generator().manual_seed(1)
        # The reader wants every block to be there.
        for number in range(19 if name.startswith("double") else 38):
            key = "lora_unet_" + name.format(number)
            file[f"{key}.lora_down.weight"] = torch.randn(4, columns, generator=generator)
            file[f"{key}.lora_up.weight"] = torch.randn(rows, 4, generator=generator)
            file[f"{key}.alpha"] = torch.tensor(4.0)
        if name == "single_blocks_{}_linear1":
            # It would split the rows by the sizes of the true model.
            assert [layer.path.rpartition("_")[2] for layer in meant] == ["q", "k", "v", "mlp"]
            continue
        mapped = _convert_kohya_flux_lora_to_diffusers(dict(file))
        first = {key: one for key, one in mapped.items() if "_blocks.0." in key}
        paths = [key.removeprefix("transformer.") for key in first if ".lora_B" in key]
        assert [layer.path for layer in meant] == [one.partition(".lora_B")[0] for one in paths]
        ups = [one for key, one in first.items() if ".lora_B" in key]
        downs = [one for key, one in first.items() if ".lora_A" in key]
        whole = torch.cat([up @ down for up, down in zip(ups, downs, strict=True)])
        key = "lora_unet_" + name.format(0)
        wanted = file[f"{key}.lora_up.weight"] @ file[f"{key}.lora_down.weight"]
        assert torch.allclose(whole, wanted, atol=1e-5)


def test_the_first_authors_names_of_other_transformers() -> None:
    everything = {"layers_3_attn_to_q", "layers_3_attn_to_k", "layers_3_attn_to_v"}
    assert set(parts_of("layers_3_attention_qkv", everything.__contains__)) == everything
    turbo = {"layers_3_attention_to_q", "layers_3_attention_to_k", "layers_3_attention_to_v"}
    assert set(parts_of("layers_3_attention_qkv", turbo.__contains__)) == turbo
    assert parts_of("layers_3_attention_qkv", {"layers_3_attn_to_q"}.__contains__) == ()
    own = "transformer_blocks_11_ff_context_net_2"
    assert parts_of("joint_blocks_11_context_block_mlp_fc2", {own}.__contains__) == (own,)


def test_a_layer_is_told_by_any_spelling(tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    layers = Layers(plain_pipeline(tmp_path))
    path = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
    spelled = [
        "lora_unet_" + path.replace(".", "_"),
        "lycoris_" + path.replace(".", "_"),
        f"unet.{path}",
        "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k",
        "diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k",
    ]
    assert {layers.find(name) for name in spelled} == {layers.find(f"unet.{path}")}
    assert layers.find(f"unet.{path}") != ()
    words = "text_model_encoder_layers_0_self_attn_q_proj"
    assert layers.find(f"lora_te_{words}") == layers.find(f"lora_te1_{words}") != ()
    assert layers.find(f"lora_te2_{words}") == ()


def test_parts_are_told_from_the_layer_they_belong_to() -> None:
    names = ("a.b.lora.down.weight", "a.b.lora_up.weight", "c.a1.weight", "c.weight")
    found = parted({name: torch.ones(1) for name in names})
    assert {name: set(parts) for name, parts in found.items()} == {
        "a.b": {"down", "up"},
        "c": {"a1.weight", "weight"},
    }
