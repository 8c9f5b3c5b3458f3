"""The tensor names of the parts beside the denoiser: VAEs, text encoders, upscalers."""

from desktop_app.library.rules import Rule, Shape

VAES: tuple[Rule, ...] = (
    Rule(
        result="sana",
        has=("encoder.project_in.conv.bias", "decoder.stages.1.op_list.0.main.conv.conv.bias"),
    ),
    Rule(
        result="sana",
        naming="diffusers",
        has=("encoder.conv_in.bias", "decoder.up_blocks.0.0.conv.weight"),
    ),
    Rule(result="dc-ae", has=("decoder.stages.1.op_list.0.main.conv.conv.bias",)),
    Rule(result="qwen-image", has=("decoder.middle.0.residual.0.gamma",)),
    Rule(result="qwen-image", naming="diffusers", has=("decoder.mid_block.resnets.0.norm1.gamma",)),
    Rule(
        result="cascade",
        has=(("vquantizer.codebook.weight", "vquantizer.embedding.weight"), "up_blocks.0.0.weight"),
    ),
    Rule(result="tiny", naming="diffusers", has=("decoder.layers.0.weight",)),
    Rule(
        result="tiny",
        has=(("decoder.1.weight", "1.weight"), ("decoder.3.conv.0.weight", "3.conv.0.weight")),
    ),
    Rule(result="tiny", has=("taesd_decoder.1.weight",)),
    Rule(
        result="kandinsky22",
        naming="diffusers",
        has=("quantize.embedding.weight", "decoder.up_blocks.0.resnets.0.norm1.weight"),
    ),
    Rule(
        result="flux2",
        has=("bn.running_mean", "decoder.conv_in.weight", "decoder.up.0.block.0.norm1.weight"),
    ),
    Rule(
        result="flux2",
        naming="diffusers",
        has=(
            "bn.running_mean",
            "decoder.conv_in.weight",
            "decoder.up_blocks.0.resnets.0.norm1.weight",
        ),
    ),
    Rule(result="kl", has=("decoder.up.0.block.0.norm1.weight", "decoder.conv_in.weight")),
    Rule(
        result="kl",
        naming="diffusers",
        has=("decoder.up_blocks.0.resnets.0.norm1.weight", "decoder.conv_in.weight"),
    ),
)
"""`kl` is told further by its latent channels; `tiny` is a small copy of one."""

VAE_SCALES: tuple[tuple[str, int, float], ...] = (
    ("sd", 4, 0.18215),
    ("sdxl", 4, 0.13025),
    ("sd3", 16, 1.5305),
    ("flux", 16, 0.3611),
)
"""Whose `kl` it is, its latent channels and the `scaling_factor` in its config: the weights have
the same names and shapes, and one in the place of the other washes the colours out."""

TEXT_ENCODERS: tuple[tuple[str, str, Shape], ...] = (
    ("clip-l", "text_model.embeddings.token_embedding.weight", (None, 768)),
    ("clip-h", "text_model.embeddings.token_embedding.weight", (None, 1024)),
    ("clip-g", "text_model.embeddings.token_embedding.weight", (None, 1280)),
    ("clip-l", "embeddings.token_embedding.weight", (None, 768)),
    ("clip-h", "embeddings.token_embedding.weight", (None, 1024)),
    ("clip-g", "embeddings.token_embedding.weight", (None, 1280)),
    ("clip-l", "token_embedding.weight", (49408, 768)),
    ("clip-h", "token_embedding.weight", (49408, 1024)),
    ("clip-g", "token_embedding.weight", (49408, 1280)),
    ("umt5-xxl", "shared.weight", (256384, 4096)),
    ("t5-xxl", "shared.weight", (None, 4096)),
    ("t5-xl", "shared.weight", (None, 2048)),
    ("t5-large", "shared.weight", (None, 1024)),
    ("byt5", "shared.weight", (None, 1472)),
    ("t5-xxl", "token_embd.weight", (32128, 4096)),
    ("gemma-2-2b", "model.embed_tokens.weight", (None, 2304)),
    ("qwen2.5-vl-7b", "model.embed_tokens.weight", (152064, 3584)),
    ("qwen3-4b", "model.embed_tokens.weight", (151936, 2560)),
    ("qwen3-8b", "model.embed_tokens.weight", (151936, 4096)),
    ("llama-3.1-8b", "model.embed_tokens.weight", (128256, 4096)),
    ("mistral-small", "model.embed_tokens.weight", (131072, 5120)),
)
"""Name, the tensor with the words' vectors, and its shape."""

TEXT_ENCODER_FAMILIES: dict[str, str] = {
    "t5-xl": "auraflow",
    "umt5-xxl": "wan",
    "gemma-2-2b": "lumina2",
    "qwen2.5-vl-7b": "qwen-image",
    "qwen3-4b": "z-image",
    "qwen3-8b": "flux2",
    "llama-3.1-8b": "hidream",
    "mistral-small": "flux2",
}

UPSCALERS: tuple[Rule, ...] = (
    Rule(
        result="ESRGAN",
        has=("conv_first.weight", ("body.0.rdb1.conv1.weight", "RRDB_trunk.0.RDB1.conv1.weight")),
    ),
    Rule(result="ESRGAN", has=("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight")),
    Rule(
        result="SwinIR", has=("conv_first.weight", "layers.0.residual_group.blocks.0.norm1.weight")
    ),
    Rule(result="DAT", has=("conv_first.weight", "layers.0.blocks.0.norm1.weight")),
    Rule(result="SPAN", has=("block_1.c1_r.sk.weight",)),
    Rule(result="PLKSR", has=("feats.0.weight", "feats.1.channe_mixer.0.weight")),
    Rule(result="RealPLKSR", has=("feats.0.weight", "feats.1.channel_mixer.0.weight")),
    Rule(result="OmniSR", has=("residual_layer.0.residual_layer.0.layer.0.fn.0.weight",)),
    Rule(
        result="compact",
        has=("body.0.weight", "body.1.weight", "body.2.weight"),
        lacks=("body.0.block1.weight",),
    ),
)

QUANTISED: tuple[tuple[str, str], ...] = (
    (".quant_state.bitsandbytes__nf4", "nf4"),
    (".quant_state.bitsandbytes__fp4", "fp4"),
    (".SCB", "int8"),
    (".wscales", "svdquant"),
    (".weight_scale_2", "nvfp4"),
)
"""Part of a tensor's name -> how the numbers are packed."""
