"""The tensor names of adapters (LoRA, ControlNet, IP-Adapter ...), as tables."""

from desktop_app.library.rules import Rule

_LOW = "transformer_blocks.0.attn2.to_k.weight"
_OLD_HINT = "input_hint_block.0.weight"
_HINT = "controlnet_cond_embedding.conv_in.weight"
_IP = "ip_adapter.1.to_k_ip.weight"

CONTROLNETS: tuple[Rule, ...] = (
    Rule(
        result="z-image",
        has=(("control_all_x_embedder.2-1.weight", "control_layers.0.before_proj.weight"),),
    ),
    Rule(result="sdxl", has=("lora_controlnet",), variant="control-lora"),
    Rule(
        result="sdxl",
        has=(_OLD_HINT, f"input_blocks.4.1.{_LOW}"),
        shapes=((f"input_blocks.4.1.{_LOW}", (None, 2048)),),
        lacks=(f"input_blocks.1.1.{_LOW}",),
    ),
    Rule(result="sd1", has=(_OLD_HINT,), shapes=((f"input_blocks.1.1.{_LOW}", (None, 768)),)),
    Rule(result="sd2", has=(_OLD_HINT,), shapes=((f"input_blocks.1.1.{_LOW}", (None, 1024)),)),
    Rule(result="sdxl", naming="diffusers", variant="union", has=(_HINT, "task_embedding")),
    Rule(result="sdxl", naming="diffusers", has=(_HINT, "add_embedding.linear_1.weight")),
    Rule(
        result="sd1",
        naming="diffusers",
        has=(_HINT,),
        shapes=((f"down_blocks.0.attentions.0.{_LOW}", (None, 768)),),
    ),
    Rule(
        result="sd2",
        naming="diffusers",
        has=(_HINT,),
        shapes=((f"down_blocks.0.attentions.0.{_LOW}", (None, 1024)),),
    ),
    Rule(
        result="sdxl",
        naming="diffusers",
        has=(_HINT, "down_blocks.1.resnets.0.conv1.weight"),
        lacks=(f"down_blocks.0.attentions.0.{_LOW}",),
    ),
    Rule(
        result="flux-dev",
        naming="original",
        has=("controlnet_blocks.0.weight", "double_blocks.0.img_attn.proj.weight"),
    ),
    Rule(
        result="qwen-image",
        naming="diffusers",
        has=("controlnet_blocks.0.weight", "txt_norm.weight"),
    ),
    Rule(
        result="flux-dev",
        naming="diffusers",
        has=(
            "controlnet_blocks.0.weight",
            "controlnet_x_embedder.weight",
            "context_embedder.weight",
        ),
    ),
    Rule(
        result="sd3",
        naming="diffusers",
        has=("controlnet_blocks.0.weight", "pos_embed_input.proj.weight"),
    ),
    Rule(
        result="sana", naming="diffusers", has=("controlnet_blocks.0.weight", "input_block.weight")
    ),
)
"""`result` is the family; looked for below each of CONTROL_PREFIXES."""

CONTROL_PREFIXES = ("control_model.", "", "module.", "model.")

OTHERS: tuple[tuple[str, Rule], ...] = (
    (
        "t2i-adapter",
        Rule(
            result="sdxl",
            has=(("body.0.block1.weight", "adapter.body.0.resnets.0.block1.weight"),),
            shapes=(("conv_in.weight", (None, 768, None, None)),),
        ),
    ),
    (
        "t2i-adapter",
        Rule(
            result="sdxl",
            naming="diffusers",
            has=("adapter.body.0.resnets.0.block1.weight",),
            shapes=(("adapter.conv_in.weight", (None, 768, None, None)),),
        ),
    ),
    ("t2i-adapter", Rule(result="sd1", has=("body.0.block1.weight", "conv_in.weight"))),
    (
        "t2i-adapter",
        Rule(result="sd1", naming="diffusers", has=("adapter.body.0.resnets.0.block1.weight",)),
    ),
    ("t2i-adapter", Rule(result="sd1", has=("adapter.body.0.block1.weight",))),
    (
        "ip-adapter",
        Rule(
            result="sd1", variant="plus", has=("image_proj.latents",), shapes=((_IP, (None, 768)),)
        ),
    ),
    (
        "ip-adapter",
        Rule(
            result="sdxl",
            variant="plus",
            has=("image_proj.latents",),
            shapes=((_IP, (None, 2048)),),
        ),
    ),
    (
        "ip-adapter",
        Rule(
            result="sd1",
            variant="faceid",
            has=("image_proj.proj.0.weight",),
            shapes=((_IP, (None, 768)),),
        ),
    ),
    (
        "ip-adapter",
        Rule(
            result="sdxl",
            variant="faceid",
            has=("image_proj.proj.0.weight",),
            shapes=((_IP, (None, 2048)),),
        ),
    ),
    (
        "ip-adapter",
        Rule(result="sd1", has=("image_proj.proj.weight",), shapes=((_IP, (None, 768)),)),
    ),
    (
        "ip-adapter",
        Rule(result="sd2", has=("image_proj.proj.weight",), shapes=((_IP, (None, 1024)),)),
    ),
    (
        "ip-adapter",
        Rule(result="sdxl", has=("image_proj.proj.weight",), shapes=((_IP, (None, 2048)),)),
    ),
    (
        "ip-adapter",
        Rule(
            result="flux-dev",
            has=("double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight",),
        ),
    ),
    (
        "ip-adapter",
        Rule(
            result="flux-dev",
            variant="instantx",
            has=(
                ("image_proj.proj.0.weight", "image_proj.norm.weight"),
                "ip_adapter.0.to_k_ip.weight",
            ),
        ),
    ),
    ("ip-adapter", Rule(result="sd35", has=("image_proj.latents", "ip_adapter.0.proj.0.weight"))),
)
"""Kind and rule; `result` is the family."""

LORA_MARKS = (
    (".hada_w1_a", "loha"),
    (".lokr_w", "lokr"),
    (".oft_blocks", "oft"),
    (".oft_diag", "oft"),
    (".on_input", "ia3"),
    (".a1.weight", "glora"),
    (".lora_down.weight", "lora"),
    (".lora_up.weight", "lora"),
    (".lora_A.", "lora"),
    (".lora_B.", "lora"),
    (".lora.down.weight", "lora"),
    (".lora.up.weight", "lora"),
    ("_lora.down.weight", "lora"),
    ("_lora1.down.weight", "lora"),
    (".lora_linear_layer.down.weight", "lora"),
    (".diff\n", "full"),
    (".w_norm\n", "full"),
)
"""Part of a tensor's name -> method of the LoRA, the rarer methods first."""

DOWN_MARKS = (
    ".lora_down.weight\n",
    ".lora_A.weight\n",
    ".lora_A.default.weight\n",
    ".lora.down.weight\n",
    "_lora.down.weight\n",
    "_lora1.down.weight\n",
    "_lora2.down.weight\n",
    ".hada_w1_b\n",
)
"""Ends of the names whose shape is (rank, inputs)."""

LORA_NAMINGS = (
    ("\nlora_unet_", "kohya"),
    ("\nlora_te", "kohya"),
    ("\nlora_transformer_", "kohya"),
    ("\nlora_prior_", "kohya"),
    ("\nlycoris_", "kohya"),
    ("\nbase_model.model.", "peft"),
    ("\ndiffusion_model.", "original"),
    (".processor.", "original"),
    ("\nunet.", "diffusers"),
    ("\ntransformer.", "diffusers"),
    ("\ntext_encoder", "diffusers"),
)

LORA_TARGETS = (
    ("\nlora_te_", "text_encoder"),
    ("\nlora_te1_", "text_encoder"),
    ("\nlora_te2_", "text_encoder_2"),
    ("\nlora_te3_", "text_encoder_3"),
    ("\ntext_encoder.", "text_encoder"),
    ("\ntext_encoder_2.", "text_encoder_2"),
    ("\ntext_encoder_3.", "text_encoder_3"),
    ("\nlycoris_text_model", "text_encoder"),
)

# Looked for in the names with every dot made an underscore, so that kohya's and diffusers' are one.
LORA_FAMILIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("cascade", ("prior_unet",), ()),
    ("hidream", ("double_stream_blocks_",), ()),
    ("chroma", ("distilled_guidance_layer_",), ()),
    ("flux2", ("to_qkv_mlp_proj",), ()),
    ("flux2", ("single_stream_modulation",), ()),
    ("flux2", ("single_blocks_47_",), ()),
    ("hunyuan-video", ("individual_token_refiner",), ()),
    ("hunyuan-video", ("single_blocks_39_",), ()),
    ("auraflow", ("joint_transformer_blocks_",), ()),
    ("auraflow", ("double_layers_",), ()),
    ("flux-dev", ("double_blocks_",), ()),
    ("flux-dev", ("single_blocks_",), ()),
    ("flux-dev", ("single_transformer_blocks_",), ()),
    ("sd35", ("joint_blocks_24_",), ()),
    ("sd35", ("x_block_attn2",), ()),
    ("sd3", ("joint_blocks_",), ()),
    ("qwen-image", ("_img_mlp_",), ()),
    ("qwen-image", ("_img_mod_",), ()),
    ("qwen-image", ("transformer_blocks_40_attn_",), ("down_blocks",)),
    ("sd35", ("transformer_blocks_24_attn_",), ("down_blocks",)),
    ("wan", ("blocks_0_cross_attn_", "blocks_0_self_attn_"), ()),
    ("wan", ("blocks_0_cross_attn_k",), ()),
)
"""Family, parts of names that must be there, and those that must not."""

LORA_WIDTHS: tuple[tuple[str, str, int], ...] = (
    ("attn2_to_k", "sd1", 768),
    ("attn2_to_k", "sd2", 1024),
    ("attn2_to_k", "sdxl", 2048),
    ("attn2_to_k", "sdxl-refiner", 1280),
    ("attn2_to_k", "pixart", 1152),
    ("attn2_to_k", "sana", 2240),
    ("layers_0_attention_to_q", "z-image", 3840),
    ("layers_0_attention_qkv", "z-image", 3840),
    ("layers_0_attn_to_q", "lumina2", 2304),
    ("layers_0_attention_qkv", "lumina2", 2304),
    ("blocks_0_attn_to_q", "sd3", 1536),
    ("blocks_0_attn_to_q", "sd35", 2432),
    ("blocks_0_attn_to_q", "flux-dev", 3072),
    ("blocks_0_attn_to_q", "flux2", 6144),
    ("self_attn_q_proj", "sd1", 768),
    ("self_attn_q_proj", "sd2", 1024),
    ("self_attn_q_proj", "sdxl", 1280),
)
"""Part of a module's name, and the family where its inputs are so many."""

UNET_MARKS: tuple[tuple[str, str], ...] = (
    ("\nlora_te2_", "sdxl"),
    ("\nlora_te1_", "sdxl"),
    ("\ntext_encoder_2_", "sdxl"),
    ("_attentions_0_transformer_blocks_1_", "sdxl"),
    ("_1_transformer_blocks_1_", "sdxl"),
    ("down_blocks_0_attentions_", "sd1"),
    ("up_blocks_3_attentions_", "sd1"),
    ("input_blocks_1_1_", "sd1"),
    ("output_blocks_11_1_", "sd1"),
)
"""Of LoRAs for a UNet whose inputs do not tell it."""

ARCHITECTURES: tuple[tuple[str, str], ...] = (
    ("stable-diffusion-xl-v1-refiner", "sdxl-refiner"),
    ("stable-diffusion-xl", "sdxl"),
    ("stable-diffusion-v1", "sd1"),
    ("stable-diffusion-v2-768-v", "sd2-v"),
    ("stable-diffusion-v2-unclip", "unclip"),
    ("stable-diffusion-v2", "sd2"),
    ("stable-diffusion-v3.5", "sd35"),
    ("stable-diffusion-3.5", "sd35"),
    ("stable-diffusion-v3", "sd3"),
    ("stable-diffusion-3", "sd3"),
    ("stable-cascade", "cascade"),
    ("flux-1-schnell", "flux-schnell"),
    ("flux-1-dev", "flux-dev"),
    ("flux-2", "flux2"),
    ("flux1", "flux-dev"),
    ("flux", "flux-dev"),
    ("sdxl", "sdxl"),
    ("sd_v1", "sd1"),
    ("sd_v2", "sd2"),
    ("sd3", "sd3"),
    ("sd1", "sd1"),
    ("chroma", "chroma"),
    ("qwen-image", "qwen-image"),
    ("qwen_image", "qwen-image"),
    ("z-image", "z-image"),
    ("z_image", "z-image"),
    ("zimage", "z-image"),
    ("hidream", "hidream"),
    ("lumina", "lumina2"),
    ("auraflow", "auraflow"),
    ("wan", "wan"),
    ("hunyuan", "hunyuan-video"),
    ("ltx", "ltx"),
    ("pixart", "pixart"),
    ("sana", "sana"),
    ("cosmos", "cosmos"),
)
"""Beginning of `modelspec.architecture`, `ss_base_model_version` or `general.architecture`."""
