"""Every kind and family of model file is known by its header, and what is not says why."""

import json
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from desktop_app.library.families import FAMILIES, fits
from desktop_app.library.identify import identify, look_at
from desktop_app.library.identity import Identity
from desktop_app.recipe.completing import COMPONENTS, NEEDED
from tests.library import files
from tests.library.files import below, checkpoint, diffusers_unet, kohya, unet, vae, write_shapes

pytestmark = pytest.mark.core

ATTENTION = "attentions.0.transformer_blocks.0"
FLUX = {
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
    "double_blocks.0.img_attn.proj.weight": (3072, 3072),
    "img_in.weight": (3072, 64),
}
FLUX_PARTS = {
    "single_transformer_blocks.0.attn.norm_q.weight": (128,),
    "time_text_embed.text_embedder.linear_1.weight": (3072, 768),
    "transformer_blocks.0.norm1_context.linear.weight": (18432, 3072),
    "x_embedder.weight": (3072, 64),
}
SD3 = {
    "joint_blocks.0.context_block.adaLN_modulation.1.bias": (9216,),
    "joint_blocks.0.x_block.mlp.fc1.weight": (6144, 1536),
}
SD3_PARTS = {
    "pos_embed.pos_embed": (1, 36864, 1536),
    "time_text_embed.text_embedder.linear_1.weight": (1536, 2048),
    "transformer_blocks.0.attn.add_k_proj.weight": (1536, 1536),
}
PIXART = {
    "blocks.0.cross_attn.kv_linear.weight": (2304, 1152),
    "y_embedder.y_embedding": (120, 4096),
    "t_block.1.weight": (6912, 1152),
}
NORM_Q = {"transformer_blocks.0.attn.norm_q.weight": (64,)}

DENOISERS: dict[str, tuple[str, Mapping[str, tuple[int, ...]]]] = {
    "sd1": ("sd1", unet(768)),
    "sd2": ("sd2", unet(1024)),
    "sdxl": ("sdxl", unet(2048, label=2816)),
    "refiner": ("sdxl-refiner", unet(1280, label=2560)),
    "unclip": ("unclip", unet(1024, label=1536)),
    "svd": ("svd", {**unet(1024), "input_blocks.1.0.time_stack.emb_layers.1.bias": (320,)}),
    "sd1 diffusers": ("sd1", diffusers_unet(768)),
    "sd2 diffusers": ("sd2", diffusers_unet(1024)),
    "sdxl diffusers": ("sdxl", diffusers_unet(2048, added=2816)),
    "refiner diffusers": ("sdxl-refiner", diffusers_unet(1280, added=2560)),
    "kandinsky": (
        "kandinsky22",
        {**diffusers_unet(768), "add_embedding.image_proj.weight": (1536, 1280)},
    ),
    "sd3": ("sd3", SD3),
    "sd35": ("sd35", {**SD3, "joint_blocks.0.x_block.attn.ln_k.weight": (64,)}),
    "sd3 diffusers": ("sd3", SD3_PARTS),
    "sd35 diffusers": ("sd35", {**SD3_PARTS, **NORM_Q}),
    "flux dev": ("flux-dev", {**FLUX, "guidance_in.in_layer.weight": (3072, 256)}),
    "flux schnell": ("flux-schnell", FLUX),
    "flux schnell diffusers": ("flux-schnell", FLUX_PARTS),
    "flux dev diffusers": (
        "flux-dev",
        {**FLUX_PARTS, "time_text_embed.guidance_embedder.linear_1.weight": (3072, 256)},
    ),
    "flux2": ("flux2", {"single_stream_modulation.lin.weight": (18432, 6144)}),
    "flux2 diffusers": ("flux2", {"single_stream_modulation.linear.weight": (18432, 6144)}),
    "chroma": ("chroma", {**FLUX, "distilled_guidance_layer.in_proj.weight": (5120, 64)}),
    "chroma diffusers": (
        "chroma",
        {"distilled_guidance_layer.in_proj.weight": (5120, 64), **NORM_Q},
    ),
    "pixart": ("pixart", PIXART),
    "pixart diffusers": (
        "pixart",
        {
            "pos_embed.proj.weight": (1152, 4, 2, 2),
            "adaln_single.linear.weight": (6912, 1152),
            "caption_projection.linear_1.weight": (1152, 4096),
        },
    ),
    "sana": ("sana", {**PIXART, "attention_y_norm.weight": (2240,)}),
    "sana diffusers": (
        "sana",
        {
            "caption_norm.weight": (2240,),
            "transformer_blocks.0.ff.conv_inverted.weight": (11200, 2240, 1, 1),
        },
    ),
    "lumina": (
        "lumina2",
        {"cap_embedder.0.weight": (2304,), "noise_refiner.0.attention.qkv.weight": (3840, 2304)},
    ),
    "z-image": (
        "z-image",
        {
            "cap_embedder.0.weight": (2560,),
            "layers.0.adaLN_modulation.0.weight": (15360, 256),
            "x_embedder.weight": (3840, 64),
        },
    ),
    "z-image diffusers": (
        "z-image",
        {
            "all_x_embedder.2-1.weight": (3840, 64),
            "cap_embedder.0.weight": (2560,),
            "layers.0.adaLN_modulation.0.weight": (15360, 256),
        },
    ),
    "qwen": (
        "qwen-image",
        {
            "txt_norm.weight": (3584,),
            "img_in.weight": (3072, 64),
            "transformer_blocks.0.img_mod.1.weight": (18432, 3072),
        },
    ),
    "hidream": (
        "hidream",
        {
            "double_stream_blocks.0.block.adaLN_modulation.1.weight": (30720, 2560),
            "caption_projection.0.linear.weight": (2560, 4096),
        },
    ),
    "cascade": (
        "cascade",
        {
            "clip_mapper.weight": (5120, 1280),
            "down_blocks.1.0.channelwise.0.weight": (2560, 640),
        },
    ),
    "flux2 klein": ("flux2-klein", {"single_stream_modulation.lin.weight": (9216, 3072)}),
    "flux2 klein diffusers": (
        "flux2-klein",
        {"single_stream_modulation.linear.weight": (12288, 4096)},
    ),
    "ovis": (
        "ovis-image",
        {
            "context_embedder_norm.weight": (2048,),
            "single_transformer_blocks.0.attn.norm_q.weight": (128,),
        },
    ),
    "longcat": (
        "longcat-image",
        {
            "context_embedder.weight": (3072, 3584),
            "single_transformer_blocks.0.attn.norm_q.weight": (128,),
            "time_embed.timestep_embedder.linear_1.weight": (3072, 256),
        },
    ),
    "bria": (
        "bria",
        {
            "context_embedder.weight": (3072, 4096),
            "single_transformer_blocks.0.attn.norm_q.weight": (128,),
            "time_embed.timestep_embedder.linear_1.weight": (3072, 256),
        },
    ),
    "ovis original": (
        "ovis-image",
        {
            **FLUX,
            "double_blocks.0.img_mlp.gate_proj.weight": (12288, 3072),
            "txt_in.weight": (3072, 2048),
            "txt_norm.scale": (2048,),
        },
    ),
    "longcat original": ("longcat-image", {**FLUX, "txt_in.weight": (3072, 3584)}),
    "bria fibo": (
        "bria-fibo",
        {
            "caption_projection.0.linear.weight": (1536, 2048),
            "context_embedder.weight": (3072, 4096),
            "single_transformer_blocks.0.attn.norm_q.weight": (128,),
            "time_embed.timestep_embedder.linear_1.weight": (3072, 256),
        },
    ),
    "krea": ("krea2", {"txtfusion.projector.weight": (1, 12)}),
    "krea diffusers": ("krea2", {"text_fusion.projector.weight": (1, 12)}),
    "ernie": (
        "ernie-image",
        {
            "text_proj.weight": (4096, 3072),
            "adaLN_modulation.1.weight": (24576, 4096),
            "layers.0.self_attention.norm_q.weight": (128,),
        },
    ),
    "lumina next": (
        "lumina",
        {
            "cap_embedder.0.weight": (2048,),
            "layers.0.attention.wk_y.weight": (768, 2048),
        },
    ),
    "lumina next diffusers": (
        "lumina",
        {
            "time_caption_embed.caption_embedder.0.weight": (2048,),
            "layers.0.attn1.to_q.weight": (2304, 2304),
            "layers.0.gate": (32,),
        },
    ),
    "cogview3": (
        "cogview3",
        {
            "time_condition_embed.condition_embedder.linear_1.weight": (512, 1536),
            "patch_embed.text_proj.weight": (2560, 4096),
        },
    ),
    "cogview4": (
        "cogview4",
        {
            "time_condition_embed.condition_embedder.linear_1.weight": (512, 1536),
            "patch_embed.text_proj.weight": (4096, 4096),
        },
    ),
    "kandinsky 3": (
        "kandinsky3",
        {
            "conv_in.weight": (192, 4, 3, 3),
            "add_time_condition.attention.to_k.weight": (4096, 4096),
            "encoder_hid_proj.projection_linear.weight": (4096, 4096),
        },
    ),
    "auraflow": ("auraflow", {"double_layers.0.attn.w1q.weight": (3072, 3072)}),
    "wan": ("wan", {"head.modulation": (1, 2, 5120), "blocks.0.cross_attn.k.weight": (1, 1)}),
    "hunyuan video": (
        "hunyuan-video",
        {**FLUX, "txt_in.individual_token_refiner.blocks.0.norm1.weight": (3072,)},
    ),
}


def seen(tmp_path: Path, shapes: Mapping[str, tuple[int, ...]], **more: object) -> Identity:
    return identify(write_shapes(tmp_path / "m.safetensors", shapes, **more))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model.", "model."])
@pytest.mark.parametrize(("family", "shapes"), DENOISERS.values(), ids=DENOISERS.keys())
def test_every_denoiser_is_known_whatever_stands_before_its_names(
    tmp_path: Path, family: str, shapes: Mapping[str, tuple[int, ...]], prefix: str
) -> None:
    found = seen(tmp_path, shapes, prefix=prefix)
    assert (found.kind, found.family) == ("denoiser", family)
    row = FAMILIES[family].row
    completed = row is not None and row.key in NEEDED and "text" in row.tasks
    assert bool(found.unsupported) != completed
    assert found.parts[0] in ("unet", "transformer")
    assert found.tensors == len(shapes)


@pytest.mark.parametrize(
    "name",
    [
        *("flux2", "flux2 klein", "hidream", "ernie", "ovis", "ovis original"),
        *("longcat", "longcat original", "bria", "krea", "krea diffusers"),
    ],
)
def test_a_network_that_nothing_completes_says_where_the_whole_model_is(
    tmp_path: Path, name: str
) -> None:
    family, shapes = DENOISERS[name]
    assert seen(tmp_path, shapes).unsupported == (
        f"Single files of {FAMILIES[family].title} cannot be put together here: get the whole model"
        " as a folder in diffusers format, such as Hugging Face has it."
    )


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "sdxl-refiner"])
def test_a_complete_checkpoint_can_be_used(tmp_path: Path, family: str) -> None:
    found = seen(tmp_path, checkpoint(family))
    assert (found.family, found.naming) == (family, "original")
    assert not found.unsupported
    assert found.kind == ("refiner" if family == "sdxl-refiner" else "checkpoint")
    assert {"unet", "vae"} < set(found.parts)
    assert (found.in_channels, found.latent_channels, found.dtype) == (4, 4, "F16")
    assert found.native_size == FAMILIES[family].native_size
    assert found.prediction == "epsilon"
    path = tmp_path / "m.safetensors"
    assert found.bytes == path.stat().st_size
    assert 0 < found.bytes - 2 * found.parameters < 10_000


def test_a_checkpoint_of_another_width_is_told_by_its_text_encoder(tmp_path: Path) -> None:
    shapes = checkpoint("sd1")
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    shapes[name] = (32, 32)
    assert seen(tmp_path, shapes).family == "sd1"
    bare = below("model.diffusion_model.", {"input_blocks.0.0.weight": (32, 4, 3, 3)})
    found = seen(tmp_path, bare)
    assert (found.kind, found.family) == ("denoiser", "")
    assert found.unsupported


@pytest.mark.parametrize(
    ("channels", "variant"), [(9, "inpaint"), (8, "edit"), (5, "depth"), (7, "upscale")]
)
def test_a_checkpoint_for_another_task_says_which(
    tmp_path: Path, channels: int, variant: str
) -> None:
    found = seen(tmp_path, checkpoint("sd1", channels=channels))
    assert (found.variant, found.in_channels) == (variant, channels)
    assert "not for making pictures from words alone" in found.unsupported


@pytest.mark.parametrize(
    ("left_out", "word"), [("first_stage_model.", "VAE"), ("conditioner.", "text encoder")]
)
def test_a_refiner_that_lacks_a_part_says_which(tmp_path: Path, left_out: str, word: str) -> None:
    whole = checkpoint("sdxl-refiner")
    found = seen(tmp_path, {k: v for k, v in whole.items() if not k.startswith(left_out)})
    assert word in found.unsupported


def test_version_2_predicts_v_where_its_weights_say_so(tmp_path: Path) -> None:
    name = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    path = write_shapes(tmp_path / "m.safetensors", checkpoint("sd2"))
    assert (identify(path).family, identify(path).prediction) == ("sd2", "epsilon")
    with path.open("r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        start, end = json.loads(file.read(length))[name]["data_offsets"]
        file.seek(8 + length + start)
        file.write(struct.pack("<2e", 0.5, -0.5) * ((end - start) // 4))
    found = identify(path)
    assert (found.family, found.prediction) == ("sd2-v", "v_prediction")
    assert found.native_size == (768, 768)


def test_what_the_metadata_and_marks_tell_of_the_prediction(tmp_path: Path) -> None:
    told = {"modelspec.prediction_type": "v", "modelspec.resolution": "768x1024"}
    found = seen(tmp_path, checkpoint("sd1"), metadata=told)
    assert (found.prediction, found.native_size) == ("v_prediction", (768, 1024))
    assert seen(
        tmp_path, checkpoint("sd1"), metadata={"modelspec.predict_key": "V"}
    ).prediction == ("v_prediction")
    found = seen(tmp_path, {**checkpoint("sdxl"), "v_pred": (), "ztsnr": ()})
    assert found.prediction == "v_prediction"
    assert found.zero_snr
    found = seen(tmp_path, checkpoint("sd2"), metadata={"modelspec.prediction_type": "epsilon"})
    assert (found.family, found.prediction) == ("sd2", "epsilon")


LORAS: dict[str, tuple[str, str, tuple[str, ...], Mapping[str, tuple[int, ...]]]] = {
    "sd1 kohya": (
        "sd1",
        "kohya",
        ("unet", "text_encoder"),
        kohya(
            [
                ("lora_te_text_model_encoder_layers_0_mlp_fc1", 768, 3072),
                (f"lora_unet_down_blocks_0_{ATTENTION.replace('.', '_')}_attn2_to_k", 768, 320),
            ]
        ),
    ),
    "sd2 kohya": (
        "sd2",
        "kohya",
        ("unet",),
        kohya([(f"lora_unet_down_blocks_0_{ATTENTION.replace('.', '_')}_attn2_to_k", 1024, 320)]),
    ),
    "sdxl kohya": (
        "sdxl",
        "kohya",
        ("unet", "text_encoder", "text_encoder_2"),
        kohya(files.sdxl_lora_modules()),
    ),
    "sdxl without cross attention": (
        "sdxl",
        "kohya",
        ("unet",),
        kohya([("lora_unet_mid_block_attentions_0_transformer_blocks_1_attn1_to_q", 1280, 1280)]),
    ),
    "sdxl, sgm names": (
        "sdxl",
        "kohya",
        ("unet",),
        kohya([("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 2048, 640)]),
    ),
    "sd1 diffusers": (
        "sd1",
        "diffusers",
        ("unet",),
        {
            f"unet.down_blocks.0.{ATTENTION}.attn2.to_k.lora_A.weight": (4, 768),
            f"unet.down_blocks.0.{ATTENTION}.attn2.to_k.lora_B.weight": (320, 4),
        },
    ),
    "sdxl diffusers": (
        "sdxl",
        "diffusers",
        ("unet", "text_encoder_2"),
        {
            f"unet.down_blocks.1.{ATTENTION}.attn2.to_k.lora.down.weight": (4, 2048),
            f"unet.down_blocks.1.{ATTENTION}.attn2.to_k.lora.up.weight": (640, 4),
            "text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj.lora.down.weight": (
                4,
                1280,
            ),
        },
    ),
    "text encoder alone": (
        "sd1",
        "kohya",
        ("text_encoder",),
        kohya([("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, 768)]),
    ),
    "flux kohya": (
        "flux-dev",
        "kohya",
        ("transformer",),
        kohya([("lora_unet_double_blocks_0_img_attn_qkv", 3072, 9216)]),
    ),
    "flux diffusers": (
        "flux-dev",
        "diffusers",
        ("transformer",),
        {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (16, 3072)},
    ),
    "flux original": (
        "flux-dev",
        "original",
        ("transformer",),
        {"diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight": (16, 3072)},
    ),
    "flux xlabs": (
        "flux-dev",
        "original",
        ("transformer",),
        {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)},
    ),
    "flux2": (
        "flux2",
        "diffusers",
        ("transformer",),
        {"transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj.lora_A.weight": (16, 6144)},
    ),
    "sd3": (
        "sd3",
        "kohya",
        ("transformer",),
        kohya([("lora_unet_joint_blocks_0_x_block_attn_qkv", 1536, 4608)]),
    ),
    "sd35 large": (
        "sd35",
        "kohya",
        ("transformer",),
        kohya([(f"lora_unet_joint_blocks_{n}_x_block_attn_qkv", 2432, 7296) for n in range(38)]),
    ),
    "sd35 diffusers": (
        "sd35",
        "diffusers",
        ("transformer",),
        {"transformer.transformer_blocks.0.attn.to_q.lora_A.weight": (16, 2432)},
    ),
    "qwen": (
        "qwen-image",
        "original",
        ("transformer",),
        {"diffusion_model.transformer_blocks.0.img_mlp.net.0.proj.lora_A.weight": (16, 3072)},
    ),
    "z-image": (
        "z-image",
        "original",
        ("transformer",),
        {"diffusion_model.layers.0.attention.to_q.lora_A.weight": (16, 3840)},
    ),
    "hidream": (
        "hidream",
        "original",
        ("transformer",),
        {"diffusion_model.double_stream_blocks.0.block.attn1.to_q.lora_A.weight": (16, 2560)},
    ),
    "wan": (
        "wan",
        "original",
        ("transformer",),
        {"diffusion_model.blocks.0.cross_attn.k.lora_A.weight": (16, 5120)},
    ),
    "peft": (
        "flux-dev",
        "peft",
        ("transformer",),
        {"base_model.model.single_transformer_blocks.0.attn.to_q.lora_A.weight": (16, 3072)},
    ),
}


@pytest.mark.parametrize(
    ("family", "naming", "targets", "shapes"), LORAS.values(), ids=LORAS.keys()
)
def test_every_lora_is_known_by_its_names(
    tmp_path: Path,
    family: str,
    naming: str,
    targets: tuple[str, ...],
    shapes: Mapping[str, tuple[int, ...]],
) -> None:
    found = seen(tmp_path, shapes)
    assert (found.kind, found.variant) == ("lora", "lora")
    assert (found.family, found.naming, found.targets) == (family, naming, targets)
    downs = ("down.weight", "lora_A.weight")
    assert found.rank == max(row[0] for name, row in shapes.items() if name.endswith(downs))


MODULE = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("loha", {"hada_w1_a": (320, 8), "hada_w1_b": (8, 768), "hada_w2_a": (320, 8)}),
        ("lokr", {"lokr_w1": (8, 8), "lokr_w2": (40, 96)}),
        ("lokr", {"lokr_w1_a": (8, 2), "lokr_w1_b": (2, 8), "lokr_w2_b": (4, 96)}),
        ("dora", {"lora_down.weight": (8, 768), "dora_scale": (320, 1)}),
        ("oft", {"oft_blocks": (4, 80, 80)}),
        ("ia3", {"on_input": (), "weight": (320,)}),
        ("glora", {"a1.weight": (768, 8), "a2.weight": (8, 768), "b1.weight": (8, 768)}),
        ("full", {"diff": (320, 768)}),
    ],
)
def test_the_methods_of_lycoris_are_told_apart(
    tmp_path: Path, variant: str, names: Mapping[str, tuple[int, ...]]
) -> None:
    found = seen(tmp_path, below(f"{MODULE}.", names))
    assert (found.kind, found.variant, found.family) == ("lora", variant, "sd1")
    assert found.unsupported == ""


@pytest.mark.parametrize(
    "names",
    [
        {"lokr_w1": (16, 16), "lokr_w2": (40, 128)},
        {"lokr_w1_b": (2, 16), "lokr_w2_b": (2, 128)},
        {"diff": (640, 2048)},
        {"a2.weight": (2048, 8), "a1.weight": (8, 2048), "b1.weight": (8, 2048)},
        {"hada_w1_a": (640, 8), "hada_w1_b": (8, 2048)},
    ],
)
def test_the_family_is_told_by_what_a_method_changes(
    tmp_path: Path, names: Mapping[str, tuple[int, ...]]
) -> None:
    module = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
    assert seen(tmp_path, below(f"{module}.", names)).family == "sdxl"


@pytest.mark.parametrize(
    ("family", "module", "parts"),
    [
        (
            "flux-dev",
            "lora_unet_double_blocks_0_img_attn_qkv.",
            {"lokr_w1": (16, 16), "lokr_w2": (576, 192)},
        ),
        (
            "z-image",
            "diffusion_model.layers.0.attention.to_q.",
            {"lokr_w1": (16, 16), "lokr_w2": (240, 240)},
        ),
    ],
)
def test_methods_of_lycoris_are_taken_for_transformers_too(
    tmp_path: Path, family: str, module: str, parts: Mapping[str, tuple[int, ...]]
) -> None:
    found = seen(tmp_path, below(module, parts))
    assert (found.family, found.variant, found.unsupported) == (family, "lokr", "")


def test_what_trainers_write_is_read(tmp_path: Path) -> None:
    tags = {"10_sks": {"sks fox": 20, "forest": 15, "rare": 1}, "5_more": {"sks fox": 4}}
    told = {
        "ss_base_model_version": "sdxl_base_v1-0",
        "ss_output_name": "Fox\u202e  style",
        "ss_sd_model_name": "sd_xl_base_1.0.safetensors",
        "ss_tag_frequency": json.dumps(tags),
        "modelspec.thumbnail": "data:" + "x" * 5000,
        "ss_learning_rate": "0.0001",
    }
    shapes = {"lora_unet_x.lora_down.weight": (8, 8), "lora_unet_x.lora_up.weight": (8, 8)}
    found = seen(tmp_path, shapes, metadata=told)
    assert (found.family, found.title, found.base) == (
        "sdxl",
        "Fox style",
        "sd_xl_base_1.0.safetensors",
    )
    assert found.trigger_words == ("sks fox", "forest")
    assert found.metadata["ss_learning_rate"] == "0.0001"
    assert "modelspec.thumbnail" not in found.metadata


@pytest.mark.parametrize(
    "frequency", ["[" * 100_000, "{}", "5", '{"a":{"b":1e999}}', '{"a":{"b":"c"}}', '{"a":[1]}']
)
def test_nonsense_in_the_metadata_is_left_out(tmp_path: Path, frequency: str) -> None:
    shapes = {"lora_unet_x.lora_down.weight": (8, 8)}
    told = {"ss_tag_frequency": frequency, "modelspec.resolution": "0x99999999999"}
    found = seen(tmp_path, shapes, metadata=told)
    assert found.kind == "lora"
    assert found.trigger_words == ()


OTHERS: dict[str, tuple[str, str, str, Mapping[str, tuple[int, ...]]]] = {
    "embedding": ("embedding", "sd1", "", {"emb_params": (4, 768)}),
    "embedding 2": ("embedding", "sd2", "", {"emb_params": (4, 1024)}),
    "embedding xl": ("embedding", "sdxl", "", {"clip_l": (4, 768), "clip_g": (4, 1280)}),
    "embedding, diffusers": ("embedding", "sd1", "", {"<cat-toy>": (768,)}),
    "vae": ("vae", "", "", vae()),
    "vae of 16 channels": ("vae", "", "", vae(16)),
    "vae, diffusers": (
        "vae",
        "",
        "",
        {
            "decoder.up_blocks.0.resnets.0.norm1.weight": (512,),
            "decoder.conv_in.weight": (512, 4, 3, 3),
        },
    ),
    "tiny vae": (
        "vae",
        "",
        "tiny",
        {"decoder.1.weight": (64, 4, 3, 3), "decoder.3.conv.0.weight": (64, 64, 3, 3)},
    ),
    "qwen vae": ("vae", "qwen-image", "", {"decoder.middle.0.residual.0.gamma": (384, 1, 1, 1)}),
    "clip l": ("text-encoder", "", "clip-l", {files.TE: (49408, 768)}),
    "clip g": ("text-encoder", "", "clip-g", {files.TE: (49408, 1280)}),
    "clip, flat": ("text-encoder", "", "clip-l", {files.TE[11:]: (49408, 768)}),
    "t5": ("text-encoder", "", "t5-xxl", {"shared.weight": (32128, 4096)}),
    "qwen": (
        "text-encoder",
        "qwen-image",
        "qwen2.5-vl-7b",
        {"model.embed_tokens.weight": (152064, 3584)},
    ),
    "vision": ("image-encoder", "", "", {"vision_model.embeddings.class_embedding": (1024,)}),
    "controlnet": (
        "controlnet",
        "sd1",
        "",
        below("control_model.", {**unet(768), "input_hint_block.0.weight": (16, 3, 3, 3)}),
    ),
    "controlnet xl": (
        "controlnet",
        "sdxl",
        "",
        {
            "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
            **diffusers_unet(2048, added=2816),
        },
    ),
    "controlnet, diffusers": (
        "controlnet",
        "sd1",
        "",
        {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), **diffusers_unet(768)},
    ),
    "control lora": (
        "controlnet",
        "sdxl",
        "control-lora",
        {"lora_controlnet": (), "input_blocks.0.0.weight": (320, 4, 3, 3)},
    ),
    "lllite": ("controlnet", "sdxl", "lllite", {"lllite_unet_x.conditioning1.0.weight": (1, 1)}),
    "t2i": (
        "t2i-adapter",
        "sd1",
        "",
        {"body.0.block1.weight": (320, 320, 3, 3), "conv_in.weight": (320, 192, 3, 3)},
    ),
    "t2i xl": (
        "t2i-adapter",
        "sdxl",
        "",
        {"body.0.block1.weight": (320, 320, 3, 3), "conv_in.weight": (320, 768, 3, 3)},
    ),
    "ip-adapter": (
        "ip-adapter",
        "sd1",
        "",
        {"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)},
    ),
    "ip-adapter plus xl": (
        "ip-adapter",
        "sdxl",
        "plus",
        {"image_proj.latents": (1, 16, 1280), "ip_adapter.1.to_k_ip.weight": (640, 2048)},
    ),
    "esrgan": (
        "upscaler",
        "",
        "ESRGAN",
        {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)},
    ),
    "old esrgan": (
        "upscaler",
        "",
        "ESRGAN",
        {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)},
    ),
    "prior": (
        "prior",
        "kandinsky22",
        "",
        {
            "prd_embedding": (1, 1, 2048),
            "clip_mean": (1, 1280),
            "transformer_blocks.0.attn1.to_q.weight": (2048, 2048),
        },
    ),
    "cascade prior": ("prior", "cascade", "", {"clip_txt_mapper.weight": (8192, 1280)}),
}


@pytest.mark.parametrize(
    ("kind", "family", "variant", "shapes"), OTHERS.values(), ids=OTHERS.keys()
)
def test_everything_else_is_known_by_its_names(
    tmp_path: Path, kind: str, family: str, variant: str, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    found = seen(tmp_path, shapes)
    assert (found.kind, found.family, found.variant) == (kind, family, variant)
    usable = kind == "text-encoder" and variant in COMPONENTS
    if kind not in ("vae", "embedding") and not usable:
        assert found.unsupported.endswith(".")


def test_the_latent_channels_of_a_vae(tmp_path: Path) -> None:
    assert seen(tmp_path, vae()).latent_channels == 4
    assert seen(tmp_path, vae(16)).latent_channels == 16


@pytest.mark.parametrize(
    ("shapes", "word"),
    [
        ({"model.layers.0.self_attn.q_proj.weight": (8, 8)}, "language model"),
        ({"something.else": (8, 8)}, "something.else"),
        ({}, "no tensors"),
    ],
)
def test_what_is_unknown_says_why(
    tmp_path: Path, shapes: Mapping[str, tuple[int, ...]], word: str
) -> None:
    found = seen(tmp_path, shapes)
    assert found.kind == "unknown"
    assert word in found.unsupported


def test_quantised_weights_are_named(tmp_path: Path) -> None:
    assert seen(tmp_path, checkpoint("sd1"), dtype="F8_E4M3").quantisation == "fp8"
    packed = {**checkpoint("sd1"), "x.weight.quant_state.bitsandbytes__nf4": (64,)}
    found = seen(tmp_path, packed, dtype="U8")
    assert found.quantisation == "nf4"
    assert "nf4" in found.unsupported
    path = files.write_gguf(
        tmp_path / "m.gguf",
        {**FLUX, "img_in.weight": (3072, 256)},
        kind=1,
        metadata={"general.architecture": "flux"},
    )
    found = identify(path)
    assert (found.kind, found.family, found.format) == ("denoiser", "flux-schnell", "gguf")
    assert found.quantisation == ""
    rows = dict.fromkeys(FLUX, (32, 256))
    found = identify(files.write_gguf(path, rows, kind=12, metadata={"general.file_type": 15}))
    assert (found.dtype, found.quantisation) == ("Q4_K", "Q4_K_M")


def test_damaged_and_absent_files_are_unknown_and_say_why(tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "m.safetensors", checkpoint("sd1"))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    found = identify(path)
    assert (found.kind, found.format) == ("unknown", "safetensors")
    assert "damaged" in found.unsupported
    assert identify(tmp_path / "none.gguf").unsupported


@pytest.mark.parametrize(("kind", "packing"), [(8, ""), (14, ""), (17, "IQ2_XS"), (22, "IQ2_S")])
def test_packings_that_cannot_be_read_are_named(tmp_path: Path, kind: int, packing: str) -> None:
    rows = dict.fromkeys(FLUX, (32, 256))
    found = identify(files.write_gguf(tmp_path / "m.gguf", rows, kind=kind))
    assert found.kind == "denoiser"
    assert (f"packed as {packing}," in found.unsupported) == bool(packing)
    assert bool(found.unsupported) == bool(packing)
    (tmp_path / "page.safetensors").write_text("<!DOCTYPE html><html>Log in</html>")
    assert "damaged" in identify(tmp_path / "page.safetensors").unsupported


class _Planted:
    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.sentinel,)


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin", ".safetensors", ".gguf"])
def test_a_pickle_is_never_opened(tmp_path: Path, suffix: str) -> None:
    sentinel = tmp_path / "ran"
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(_Planted(sentinel)))
    found = identify(path)
    assert found.unsupported
    assert not sentinel.exists()
    pickle.loads(path.read_bytes())
    assert sentinel.exists(), "the trap would have worked"


def test_adapters_fit_their_own_base_only() -> None:
    assert fits("flux-dev", "flux-schnell")
    assert fits("sd2", "sd2-v")
    assert fits("", "sd1")
    assert not fits("sdxl", "sd1")
    assert not fits("sd1", "sdxl")


def test_looking_does_not_judge(tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "m.safetensors", checkpoint("sd1", channels=9))
    assert look_at(path).unsupported == ""
    assert identify(path).unsupported
