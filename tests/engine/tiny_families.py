"""One tiny pipeline of the real classes for each family, with random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from tests.engine import tiny_further
from tests.engine.tiny_parts import (
    clip,
    euler,
    flow,
    flux_sizes,
    gemma,
    gemma_words,
    kl,
    prior,
    qwen_words,
    shifted_kl,
    t5,
    t5_words,
    unet,
)
from tests.tiny_model import tiny_tokenizer

LOOSE: Any = diffusers
"""For pipelines whose annotations refuse the schedulers that they work with."""


def save_tiny_family(key: str, folder: Path) -> None:
    """Write a model folder of that row of the table; equal in every run."""
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        pipe = MAKERS[key]()
        for part in pipe.components.values():
            if isinstance(part, torch.nn.Module):
                # What was made as zeros would hide what goes through it.
                for one in part.parameters():
                    if not bool(one.detach().any()):
                        torch.nn.init.normal_(one, std=0.05)
        pipe.save_pretrained(folder)


def _sd2() -> Any:
    none: Any = None
    return diffusers.StableDiffusionPipeline(
        vae=kl(),
        text_encoder=clip(1024, projects=False),
        tokenizer=tiny_tokenizer(),
        unet=unet(cross_attention_dim=1024, use_linear_projection=True),
        scheduler=euler("v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing"),
        safety_checker=none,
        feature_extractor=none,
        requires_safety_checker=False,
    )


def _lcm() -> Any:
    none: Any = None
    return diffusers.LatentConsistencyModelPipeline(
        vae=kl(),
        text_encoder=clip(32, projects=False),
        tokenizer=tiny_tokenizer(),
        unet=unet(time_cond_proj_dim=32),
        scheduler=diffusers.LCMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False
        ),
        safety_checker=none,
        feature_extractor=none,
        requires_safety_checker=False,
    )


def _xl_parts() -> dict[str, Any]:
    return {
        "vae": kl(force_upcast=True),
        "text_encoder": clip(32, projects=False),
        "text_encoder_2": clip(48, projects=True),
        "tokenizer": tiny_tokenizer(),
        "tokenizer_2": tiny_tokenizer(),
        "unet": unet(
            cross_attention_dim=80,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=8 * 6 + 32,
        ),
        "scheduler": euler(timestep_spacing="leading"),
    }


def _sdxl() -> Any:
    return diffusers.StableDiffusionXLPipeline(**_xl_parts(), add_watermarker=False)


def _sd3() -> Any:
    none: Any = None
    return diffusers.StableDiffusion3Pipeline(
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=32,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            pos_embed_max_size=32,
        ),
        scheduler=flow(),
        vae=shifted_kl(),
        text_encoder=clip(32, projects=True),
        tokenizer=tiny_tokenizer(),
        text_encoder_2=clip(32, projects=True),
        tokenizer_2=tiny_tokenizer(),
        text_encoder_3=none,
        tokenizer_3=none,
    )


def _flux() -> Any:
    return diffusers.FluxPipeline(
        scheduler=flow(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15),
        text_encoder=clip(32, projects=False),
        text_encoder_2=t5(),
        tokenizer=tiny_tokenizer(),
        tokenizer_2=t5_words(),
        transformer=diffusers.FluxTransformer2DModel(
            **flux_sizes(), pooled_projection_dim=32, guidance_embeds=True
        ),
        vae=shifted_kl(),
    )


def _chroma() -> Any:
    return diffusers.ChromaPipeline(
        scheduler=flow(),
        text_encoder=t5(),
        tokenizer=t5_words(),
        transformer=diffusers.ChromaTransformer2DModel(
            **flux_sizes(),
            approximator_num_channels=16,
            approximator_hidden_dim=16,
            approximator_layers=1,
        ),
        vae=shifted_kl(),
    )


def _pixart() -> Any:
    return LOOSE.PixArtSigmaPipeline(
        tokenizer=t5_words(),
        text_encoder=t5(),
        vae=kl(),
        transformer=diffusers.PixArtTransformer2DModel(
            sample_size=8,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            caption_channels=32,
            in_channels=4,
            cross_attention_dim=24,
            out_channels=8,
            norm_type="ada_norm_single",
            use_additional_conditions=False,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )


def _sana() -> Any:
    scheduler: Any = diffusers.DPMSolverMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0
    )
    blocks: dict[str, Any] = {
        "block_types": ("ResBlock", "EfficientViTBlock"),
        "block_out_channels": (8, 8),
        "layers_per_block": (1, 1),
        "qkv_multiscales": ((), (5,)),
    }
    return diffusers.SanaPipeline(
        transformer=diffusers.SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=32,
            sample_size=32,
        ),
        vae=diffusers.AutoencoderDC(
            latent_channels=4,
            attention_head_dim=2,
            **{
                f"{side}_{key}": value
                for side in ("encoder", "decoder")
                for key, value in blocks.items()
            },
            upsample_block_type="interpolate",
            downsample_block_type="stride_conv",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
            scaling_factor=0.41407,
        ),
        scheduler=scheduler,
        text_encoder=gemma(),
        tokenizer=gemma_words(),
    )


def _lumina2() -> Any:
    return diffusers.Lumina2Pipeline(
        transformer=diffusers.Lumina2Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=16,
            hidden_size=24,
            num_layers=1,
            num_refiner_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            multiple_of=2,
            axes_dim_rope=(4, 2, 2),
            axes_lens=(400, 64, 64),
            cap_feat_dim=32,
        ),
        scheduler=flow(use_dynamic_shifting=True),
        vae=shifted_kl(),
        text_encoder=gemma(),
        tokenizer=gemma_words(),
    )


def _z_image() -> Any:
    return diffusers.ZImagePipeline(
        transformer=diffusers.ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[512, 64, 64],
        ),
        scheduler=flow(),
        vae=shifted_kl(),
        text_encoder=transformers.Qwen3Model(
            transformers.Qwen3Config(
                vocab_size=300,
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=2,
                head_dim=8,
            )
        ),
        tokenizer=qwen_words(),
    )


def _qwen_image() -> Any:
    text: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 300,
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
    }
    seen = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
    }
    return diffusers.QwenImagePipeline(
        transformer=diffusers.QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=64,
            out_channels=16,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ),
        vae=diffusers.AutoencoderKLQwenImage(
            base_dim=8, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1
        ),
        scheduler=flow(use_dynamic_shifting=True),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(
            transformers.Qwen2_5_VLConfig(text_config=text, vision_config=seen)
        ),
        tokenizer=qwen_words(),
    )


def _kandinsky22() -> Any:
    seen = transformers.CLIPVisionConfig(
        hidden_size=32,
        image_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        patch_size=16,
    )
    network = unet(
        out_channels=8,
        addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        encoder_hid_dim=32,
        encoder_hid_dim_type="image_proj",
        cross_attention_dim=16,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
        class_embed_type=None,
    )
    movq = diffusers.VQModel(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
        up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=8,
        norm_type="spatial",
        num_vq_embeddings=12,
        vq_embed_dim=4,
    )
    return diffusers.KandinskyV22CombinedPipeline(
        unet=network,
        scheduler=diffusers.DDPMScheduler(
            beta_schedule="linear",
            beta_start=0.00085,
            beta_end=0.012,
            clip_sample=False,
            variance_type="learned_range",
        ),
        movq=movq,
        prior_prior=prior(),
        prior_image_encoder=transformers.CLIPVisionModelWithProjection(seen),
        prior_text_encoder=clip(32, projects=True),
        prior_tokenizer=tiny_tokenizer(),
        prior_scheduler=diffusers.UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            clip_sample=True,
            clip_sample_range=5.0,
            num_train_timesteps=1000,
        ),
        prior_image_processor=transformers.CLIPImageProcessor(crop_size=32, size=32),
    )


def _unclip() -> Any:
    from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer

    return LOOSE.StableUnCLIPPipeline(
        prior_tokenizer=tiny_tokenizer(),
        prior_text_encoder=clip(32, projects=True),
        prior=prior(),
        prior_scheduler=diffusers.UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            clip_sample=True,
            clip_sample_range=5.0,
            beta_schedule="squaredcos_cap_v2",
        ),
        image_normalizer=StableUnCLIPImageNormalizer(embedding_dim=32),
        image_noising_scheduler=diffusers.DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
        tokenizer=tiny_tokenizer(),
        text_encoder=clip(32, projects=False),
        unet=unet(
            class_embed_type="projection",
            projection_class_embeddings_input_dim=64,
            use_linear_projection=True,
        ),
        scheduler=euler("v_prediction"),
        vae=kl(),
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "sd2": _sd2,
    "lcm": _lcm,
    "sdxl": _sdxl,
    "sd3": _sd3,
    "flux": _flux,
    "chroma": _chroma,
    "pixart": _pixart,
    "kandinsky22": _kandinsky22,
    "unclip": _unclip,
    "sana": _sana,
    "lumina2": _lumina2,
    "z_image": _z_image,
    "qwen_image": _qwen_image,
    **tiny_further.MAKERS,
}
