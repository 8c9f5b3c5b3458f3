"""The tensor names by which models are told apart, as tables.

The names are those that the models were published with, and those that diffusers gives them
(diffusers.loaders.single_file_utils compares many of them).
"""

from desktop_app.library.rules import Rule

_ATTN2 = "transformer_blocks.0.attn2.to_k.weight"
_LDM_LOW, _LDM_HIGH = f"input_blocks.1.1.{_ATTN2}", f"input_blocks.4.1.{_ATTN2}"
_LOW, _HIGH = f"down_blocks.0.attentions.0.{_ATTN2}", f"down_blocks.1.attentions.0.{_ATTN2}"
_LDM_LABEL, _ADDED = "label_emb.0.0.weight", "add_embedding.linear_1.weight"

UNET_STEM = "input_blocks.0.0.weight"
DIFFUSERS_STEM = "conv_in.weight"

_FLUX2_MODULATION = (
    ("original", "single_stream_modulation.lin.weight"),
    ("diffusers", "single_stream_modulation.linear.weight"),
)
CHECKPOINT_PREFIX = "model.diffusion_model."
ENCODERS: tuple[tuple[str, str], ...] = (
    ("conditioner.embedders.1.model.token_embedding.weight", "sdxl"),
    ("conditioner.embedders.0.model.token_embedding.weight", "sdxl-refiner"),
    ("cond_stage_model.model.token_embedding.weight", "sd2"),
    ("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", "sd1"),
    ("cond_stage_model.transformer.embeddings.token_embedding.weight", "sd1"),
)
"""The text encoder inside -> family, for UNets of a width that nobody published."""

DENOISERS: tuple[Rule, ...] = (
    # UNets with the first authors' names; films first, because they only add to a picture's UNet.
    Rule(result="svd", has=(UNET_STEM, "input_blocks.1.0.time_stack.emb_layers.1.bias")),
    Rule(
        result="animatediff",
        has=(
            (
                "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight",
                "input_blocks.1.2.temporal_transformer.norm.weight",
            ),
        ),
    ),
    Rule(result="playground25", has=(UNET_STEM, "edm_mean")),
    Rule(
        result="kolors",
        has=((UNET_STEM, DIFFUSERS_STEM), "encoder_hid_proj.weight"),
        lacks=("add_embedding.norm1.weight",),
        shapes=(("encoder_hid_proj.weight", (None, 4096)),),
    ),
    Rule(
        result="sdxl-refiner",
        has=(UNET_STEM,),
        shapes=((_LDM_HIGH, (None, 1280)), (_LDM_LABEL, (None, 2560))),
    ),
    Rule(
        result="sdxl",
        has=(UNET_STEM, _LDM_LABEL),
        lacks=(_LDM_LOW,),
        shapes=((_LDM_HIGH, (None, 2048)),),
    ),
    Rule(result="unclip", has=(UNET_STEM, _LDM_LABEL), shapes=((_LDM_LOW, (None, 1024)),)),
    Rule(result="sd2", has=(UNET_STEM,), shapes=((_LDM_LOW, (None, 1024)),)),
    Rule(result="sd1", has=(UNET_STEM,), shapes=((_LDM_LOW, (None, 768)),)),
    # The same with diffusers' names.
    Rule(
        result="deepfloyd-if",
        naming="diffusers",
        has=(DIFFUSERS_STEM, "encoder_hid_proj.weight", "add_embedding.norm1.weight"),
    ),
    Rule(
        result="kandinsky22",
        naming="diffusers",
        has=(DIFFUSERS_STEM, "add_embedding.image_proj.weight"),
    ),
    Rule(
        result="kandinsky3",
        naming="diffusers",
        has=(
            DIFFUSERS_STEM,
            "add_time_condition.attention.to_k.weight",
            "encoder_hid_proj.projection_linear.weight",
        ),
    ),
    Rule(
        result="sdxl-refiner",
        naming="diffusers",
        has=(DIFFUSERS_STEM,),
        shapes=((_HIGH, (None, 1280)), (_ADDED, (None, 2560))),
    ),
    Rule(
        result="sdxl",
        naming="diffusers",
        has=(DIFFUSERS_STEM, _ADDED),
        lacks=(_LOW,),
        shapes=((_HIGH, (None, 2048)),),
    ),
    Rule(
        result="unclip",
        naming="diffusers",
        has=(DIFFUSERS_STEM, "class_embedding.linear_1.weight"),
        shapes=((_LOW, (None, 1024)),),
    ),
    Rule(result="sd2", naming="diffusers", has=(DIFFUSERS_STEM,), shapes=((_LOW, (None, 1024)),)),
    Rule(result="sd1", naming="diffusers", has=(DIFFUSERS_STEM,), shapes=((_LOW, (None, 768)),)),
    # Transformers. Those that add to another's names come before it.
    Rule(
        result="hunyuan-image",
        has=(
            "txt_in.individual_token_refiner.blocks.0.norm1.weight",
            ("double_blocks.0.img_attn_qkv.weight", "double_blocks.0.img_attn.qkv.weight"),
        ),
        shapes=(("img_in.proj.weight", (None, None, None, None)),),
    ),
    Rule(
        result="hunyuan-video",
        has=("txt_in.individual_token_refiner.blocks.0.norm1.weight",),
    ),
    Rule(
        result="hunyuan-video",
        naming="diffusers",
        has=("context_embedder.token_refiner.refiner_blocks.0.norm1.weight",),
    ),
    Rule(
        result="chroma",
        has=("distilled_guidance_layer.in_proj.weight", "double_blocks.0.img_attn.proj.weight"),
    ),
    Rule(
        result="chroma",
        naming="diffusers",
        has=("distilled_guidance_layer.in_proj.weight", "transformer_blocks.0.attn.norm_q.weight"),
    ),
    Rule(result="flux3", has=("early_stream_modulations.image.lin.weight",)),
    *(
        Rule(result="flux2-klein", naming=naming, has=(name,), shapes=((name, (3 * width, width)),))
        for naming, name in _FLUX2_MODULATION
        for width in (3072, 4096)
    ),
    *(Rule(result="flux2", naming=naming, has=(name,)) for naming, name in _FLUX2_MODULATION),
    # Built as Flux.1 is, but read by another text encoder and without its vector of the prompt.
    Rule(result="ovis-image", has=("double_blocks.0.img_mlp.gate_proj.weight", "img_in.weight")),
    Rule(
        result="longcat-image",
        has=("double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight"),
        lacks=("vector_in.in_layer.weight",),
        shapes=(("txt_in.weight", (None, 3584)),),
    ),
    Rule(
        result="ovis-image",
        naming="diffusers",
        has=("context_embedder_norm.weight", "single_transformer_blocks.0.attn.norm_q.weight"),
    ),
    Rule(
        result="bria-fibo",
        naming="diffusers",
        has=(
            "single_transformer_blocks.0.attn.norm_q.weight",
            "time_embed.timestep_embedder.linear_1.weight",
            "caption_projection.0.linear.weight",
        ),
    ),
    *(
        Rule(
            result=family,
            naming="diffusers",
            has=(
                "single_transformer_blocks.0.attn.norm_q.weight",
                "time_embed.timestep_embedder.linear_1.weight",
            ),
            shapes=(("context_embedder.weight", (None, width)),),
        )
        for family, width in (("longcat-image", 3584), ("bria", 4096))
    ),
    Rule(
        result="flux-dev",
        has=("double_blocks.0.img_attn.norm.key_norm.scale", "guidance_in.in_layer.weight"),
    ),
    Rule(
        result="flux-schnell",
        has=("double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight"),
    ),
    Rule(
        result="flux-dev",
        naming="diffusers",
        has=(
            "single_transformer_blocks.0.attn.norm_q.weight",
            "time_text_embed.guidance_embedder.linear_1.weight",
        ),
    ),
    Rule(
        result="flux-schnell",
        naming="diffusers",
        has=(
            "single_transformer_blocks.0.attn.norm_q.weight",
            "time_text_embed.text_embedder.linear_1.weight",
            "transformer_blocks.0.norm1_context.linear.weight",
        ),
    ),
    Rule(
        result="sd35",
        has=("joint_blocks.0.x_block.mlp.fc1.weight", "joint_blocks.0.x_block.attn.ln_k.weight"),
    ),
    Rule(result="sd3", has=("joint_blocks.0.x_block.mlp.fc1.weight",)),
    Rule(
        result="sd35",
        naming="diffusers",
        has=(
            "pos_embed.pos_embed",
            "time_text_embed.text_embedder.linear_1.weight",
            "transformer_blocks.0.attn.norm_q.weight",
        ),
    ),
    Rule(
        result="sd3",
        naming="diffusers",
        has=(
            "pos_embed.pos_embed",
            "time_text_embed.text_embedder.linear_1.weight",
            "transformer_blocks.0.attn.add_k_proj.weight",
        ),
    ),
    Rule(result="auraflow", has=("double_layers.0.attn.w1q.weight",)),
    Rule(
        result="auraflow",
        naming="diffusers",
        has=("joint_transformer_blocks.0.attn.add_q_proj.weight", "register_tokens"),
    ),
    Rule(result="hunyuan-dit", has=("mlp_t5.0.weight",)),
    Rule(
        result="hunyuan-dit",
        naming="diffusers",
        has=("time_extra_emb.extra_embedder.linear_1.weight",),
    ),
    Rule(
        result="sana",
        has=("attention_y_norm.weight", "blocks.0.cross_attn.kv_linear.weight"),
    ),
    Rule(
        result="sana",
        naming="diffusers",
        has=("caption_norm.weight", "transformer_blocks.0.ff.conv_inverted.weight"),
    ),
    Rule(
        result="pixart",
        has=("blocks.0.cross_attn.kv_linear.weight", "y_embedder.y_embedding", "t_block.1.weight"),
    ),
    Rule(
        result="pixart",
        naming="diffusers",
        has=(
            "pos_embed.proj.weight",
            "adaln_single.linear.weight",
            "caption_projection.linear_1.weight",
        ),
    ),
    Rule(
        result="lumina",
        has=("cap_embedder.0.weight", "layers.0.attention.wk_y.weight"),
    ),
    Rule(
        result="lumina",
        naming="diffusers",
        has=(
            "time_caption_embed.caption_embedder.0.weight",
            "layers.0.attn1.to_q.weight",
            "layers.0.gate",
        ),
    ),
    Rule(
        result="ernie-image",
        naming="diffusers",
        has=(
            "text_proj.weight",
            "adaLN_modulation.1.weight",
            "layers.0.self_attention.norm_q.weight",
        ),
    ),
    Rule(
        result="z-image",
        has=("cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight", "x_embedder.weight"),
    ),
    Rule(
        result="z-image",
        naming="diffusers",
        has=("all_x_embedder.2-1.weight", "layers.0.adaLN_modulation.0.weight"),
    ),
    Rule(
        result="lumina2",
        has=("cap_embedder.0.weight", "noise_refiner.0.attention.qkv.weight"),
    ),
    Rule(
        result="lumina2",
        naming="diffusers",
        has=("time_caption_embed.caption_embedder.0.weight", "noise_refiner.0.attn.to_q.weight"),
        shapes=(("x_embedder.weight", (2304, None)),),
    ),
    Rule(result="qwen-image-2.1", has=("txt_in.text_norm.weight",)),
    Rule(
        result="qwen-image",
        naming="diffusers",
        has=("txt_norm.weight", "transformer_blocks.0.img_mod.1.weight", "img_in.weight"),
    ),
    Rule(
        result="hidream",
        naming="diffusers",
        has=(
            "double_stream_blocks.0.block.adaLN_modulation.1.weight",
            "caption_projection.0.linear.weight",
        ),
    ),
    Rule(result="cascade", has=("clip_txt_mapper.weight",), variant="prior"),
    Rule(
        result="cascade",
        has=(
            "clip_txt_pooled_mapper.weight",
            "down_blocks.0.0.channelwise.0.weight",
            "clip_img_mapper.weight",
        ),
        naming="diffusers",
        variant="prior",
    ),
    Rule(result="cascade", has=("clip_mapper.weight", "down_blocks.1.0.channelwise.0.weight")),
    Rule(
        result="cascade",
        has=("clip_txt_pooled_mapper.weight", "down_blocks.1.0.channelwise.0.weight"),
        naming="diffusers",
    ),
    Rule(result="krea2", has=("txtfusion.projector.weight",)),
    Rule(result="krea2", naming="diffusers", has=("text_fusion.projector.weight",)),
    Rule(result="kandinsky5", has=("visual_transformer_blocks.0.cross_attention.to_query.weight",)),
    Rule(
        result="cogview3",
        naming="diffusers",
        has=("time_condition_embed.condition_embedder.linear_1.weight",),
        shapes=(("patch_embed.text_proj.weight", (2560, None)),),
    ),
    Rule(
        result="cogview4",
        has=(
            "time_condition_embed.condition_embedder.linear_1.weight",
            "patch_embed.text_proj.weight",
        ),
        naming="diffusers",
    ),
    Rule(result="wan", has=("head.modulation", "blocks.0.cross_attn.k.weight")),
    Rule(
        result="wan",
        naming="diffusers",
        has=("condition_embedder.time_embedder.linear_1.weight", "patch_embedding.weight"),
    ),
    Rule(result="ltx", has=("patchify_proj.weight",)),
    Rule(
        result="ltx",
        naming="diffusers",
        has=(
            ("adaln_single.linear.weight", "time_embed.linear.weight"),
            "proj_in.weight",
            "transformer_blocks.0.scale_shift_table",
        ),
    ),
    Rule(result="mochi", has=(("blocks.0.attn.qkv_x.weight", "pos_frequencies"),)),
    Rule(result="cosmos", has=("x_embedder.proj.1.weight",)),
    Rule(result="cosmos", naming="diffusers", has=("time_embed.t_embedder.linear_1.weight",)),
    Rule(
        result="cogvideo",
        has=("patch_embed.text_proj.weight", "transformer_blocks.0.norm1.linear.weight"),
        naming="diffusers",
    ),
    Rule(result="omnigen", has=("llm.layers.0.self_attn.qkv_proj.weight",)),
)
"""Denoisers by the names below the prefix of their file; `result` is a family."""

PRIORS: tuple[Rule, ...] = (
    Rule(
        result="kandinsky22",
        naming="diffusers",
        has=("prd_embedding", "clip_mean", "transformer_blocks.0.attn1.to_q.weight"),
        shapes=(("clip_mean", (None, 1280)),),
    ),
    Rule(
        result="unclip",
        naming="diffusers",
        has=("prd_embedding", "clip_mean", "transformer_blocks.0.attn1.to_q.weight"),
    ),
)
