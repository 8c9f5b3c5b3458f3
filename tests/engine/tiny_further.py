"""One tiny pipeline of the real classes for each family that came later, with random weights."""

from collections.abc import Callable
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.deprecated.wuerstchen import PaellaVQModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from tests.engine.tiny_parts import (
    LETTERS,
    clip,
    flow,
    flux_sizes,
    gemma_words,
    kl,
    qwen_words,
    shifted_kl,
    t5,
    t5_words,
)
from tests.tiny_model import byte_letters, tiny_tokenizer

LOOSE: Any = diffusers
LOOSE_TOO: Any = transformers
"""For classes whose annotations refuse the small numbers and missing parts that they work with."""
LANGUAGE: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
CHAT = (
    "{{ '<s>' }}{% for message in messages %}{{ message.role }}: "
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for one in message.content %}{{ one.text }}{% endfor %}{% endif %}\n{% endfor %}"
)


def plain_words() -> Any:
    """A tokenizer of no class of its own, with a template for talks."""
    words = [*byte_letters(), "<pad>", "<s>", "</s>"]
    inner: Any = Tokenizer(models.BPE(vocab={one: at for at, one in enumerate(words)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", words.index("<s>"))]
    )
    return LOOSE_TOO.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=512,
        chat_template=CHAT,
    )


def _llama_words() -> Any:
    words = ["<unk>", "<s>", "</s>", "▁", *LETTERS]
    made = LOOSE_TOO.LlamaTokenizer(
        vocab={one: at for at, one in enumerate(words)}, merges=[], model_max_length=256
    )
    made.pad_token = "</s>"
    return made


def _flux2_vae() -> Any:
    vae = LOOSE.AutoencoderKLFlux2(
        block_out_channels=(16, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=8,
        norm_num_groups=8,
        sample_size=64,
    )
    torch.nn.init.normal_(vae.bn.running_mean, std=0.5)
    torch.nn.init.uniform_(vae.bn.running_var, 0.5, 2.0)
    return vae


def _flux2_network(width: int, *, guided: bool) -> Any:
    return LOOSE.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=32,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=width,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guided,
    )


def _mistral(layers: int) -> Any:
    return LOOSE_TOO.Mistral3Config(
        text_config={"model_type": "mistral", "num_hidden_layers": layers, **LANGUAGE},
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
        bos_token_id=257,
        eos_token_id=258,
        pad_token_id=256,
        image_token_index=299,
    )


def _flux2() -> Any:
    return LOOSE.Flux2Pipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=_flux2_vae(),
        text_encoder=LOOSE_TOO.Mistral3ForConditionalGeneration(_mistral(30)),
        tokenizer=plain_words(),
        transformer=_flux2_network(48, guided=True),
    )


def _flux2_klein() -> Any:
    config = LOOSE_TOO.Qwen3Config(num_hidden_layers=27, **LANGUAGE)
    return LOOSE.Flux2KleinPipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=_flux2_vae(),
        text_encoder=LOOSE_TOO.Qwen3ForCausalLM(config),
        tokenizer=qwen_words(),
        transformer=_flux2_network(48, guided=False),
    )


def _ernie_image() -> Any:
    return LOOSE.ErnieImagePipeline(
        scheduler=flow(),
        vae=_flux2_vae(),
        text_encoder=LOOSE_TOO.Mistral3Model(_mistral(2)),
        tokenizer=plain_words(),
        transformer=LOOSE.ErnieImageTransformer2DModel(
            hidden_size=32,
            num_attention_heads=2,
            num_layers=1,
            ffn_hidden_size=32,
            in_channels=32,
            out_channels=32,
            text_in_dim=16,
            rope_axes_dim=(4, 6, 6),
        ),
    )


def _ovis_image() -> Any:
    sizes = flux_sizes() | {"joint_attention_dim": 16}
    return LOOSE.OvisImagePipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=shifted_kl(),
        text_encoder=LOOSE_TOO.Qwen3Model(LOOSE_TOO.Qwen3Config(num_hidden_layers=2, **LANGUAGE)),
        tokenizer=qwen_words(),
        transformer=LOOSE.OvisImageTransformer2DModel(**sizes),
    )


def _longcat_image() -> Any:
    text = {
        **LANGUAGE,
        "num_hidden_layers": 2,
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
    }
    seen = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
    }
    none: Any = None
    sizes = flux_sizes() | {"joint_attention_dim": 16, "pooled_projection_dim": 16}
    return LOOSE.LongCatImagePipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=shifted_kl(),
        text_encoder=LOOSE_TOO.Qwen2_5_VLForConditionalGeneration(
            LOOSE_TOO.Qwen2_5_VLConfig(text_config=text, vision_config=seen)
        ),
        tokenizer=qwen_words(),
        text_processor=none,
        transformer=LOOSE.LongCatImageTransformer2DModel(**sizes),
    )


def _bria() -> Any:
    sizes = flux_sizes() | {"in_channels": 16}
    none: Any = None
    return LOOSE.BriaPipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=kl(4, shift_factor=0.0),
        text_encoder=t5(),
        tokenizer=t5_words(),
        transformer=LOOSE.BriaTransformer2DModel(**sizes),
        image_encoder=none,
        feature_extractor=none,
    )


def _hidream() -> Any:
    llama = LOOSE_TOO.LlamaConfig(num_hidden_layers=2, **LANGUAGE)
    return LOOSE.HiDreamImagePipeline(
        scheduler=flow(),
        vae=shifted_kl(),
        text_encoder=clip(32, projects=True, positions=248),
        tokenizer=tiny_tokenizer(),
        text_encoder_2=clip(32, projects=True, positions=248),
        tokenizer_2=tiny_tokenizer(),
        text_encoder_3=t5(),
        tokenizer_3=t5_words(),
        text_encoder_4=LOOSE_TOO.LlamaForCausalLM(llama),
        tokenizer_4=plain_words(),
        transformer=LOOSE.HiDreamImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=1,
            caption_channels=[32, 16],
            text_emb_dim=64,
            num_routed_experts=2,
            num_activated_experts=1,
            axes_dims_rope=(4, 2, 2),
            max_resolution=(128, 128),
            llama_layers=[0, 1],
            force_inference_output=True,
        ),
    )


def _auraflow() -> Any:
    config = LOOSE_TOO.UMT5Config(
        vocab_size=32,
        d_model=32,
        d_ff=37,
        d_kv=8,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
    )
    return LOOSE.AuraFlowPipeline(
        scheduler=flow(),
        vae=kl(),
        text_encoder=LOOSE_TOO.UMT5EncoderModel(config),
        tokenizer=_llama_words(),
        transformer=LOOSE.AuraFlowTransformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pos_embed_max_size=64,
        ),
    )


def _cogview4() -> Any:
    config = LOOSE_TOO.GlmConfig(num_hidden_layers=2, pad_token_id=256, **LANGUAGE)
    return LOOSE.CogView4Pipeline(
        scheduler=LOOSE.FlowMatchEulerDiscreteScheduler(
            base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True, time_shift_type="linear"
        ),
        vae=kl(16),
        text_encoder=LOOSE_TOO.GlmModel(config),
        tokenizer=plain_words(),
        transformer=LOOSE.CogView4Transformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            text_embed_dim=16,
            time_embed_dim=8,
            condition_dim=4,
            pos_embed_max_size=16,
            sample_size=8,
            rope_axes_dim=(4, 4),
        ),
    )


def _cogview3() -> Any:
    return LOOSE.CogView3PlusPipeline(
        scheduler=LOOSE.CogVideoXDDIMScheduler(
            prediction_type="v_prediction",
            timestep_spacing="trailing",
            rescale_betas_zero_snr=True,
            snr_shift_scale=4.0,
        ),
        vae=kl(16),
        text_encoder=t5(),
        tokenizer=t5_words(),
        transformer=LOOSE.CogView3PlusTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            text_embed_dim=32,
            time_embed_dim=8,
            condition_dim=4,
            pos_embed_max_size=16,
            sample_size=8,
        ),
    )


def _lumina() -> Any:
    config = LOOSE_TOO.GemmaConfig(num_hidden_layers=2, **(LANGUAGE | {"vocab_size": 64}))
    network = LOOSE.LuminaNextDiT2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        hidden_size=32,
        num_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=2,
        ffn_dim_multiplier=1,
        norm_eps=1e-5,
        learn_sigma=True,
        qk_norm=True,
        cross_attention_dim=16,
        scaling_factor=1.0,
    )
    # Left as the memory was.
    torch.nn.init.zeros_(network.pad_token)
    return LOOSE.LuminaPipeline(
        scheduler=LOOSE.FlowMatchEulerDiscreteScheduler(),
        vae=kl(),
        text_encoder=LOOSE_TOO.GemmaModel(config),
        tokenizer=gemma_words(),
        transformer=network,
    )


def _hunyuan_dit() -> Any:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{a}" for a in LETTERS)]
    config = LOOSE_TOO.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    none: Any = None
    return LOOSE.HunyuanDiTPipeline(
        vae=kl(),
        text_encoder=LOOSE_TOO.BertModel(config),
        tokenizer=LOOSE_TOO.BertTokenizer(vocab={one: at for at, one in enumerate(words)}),
        text_encoder_2=t5(),
        tokenizer_2=t5_words(),
        transformer=LOOSE.HunyuanDiT2DModel(
            sample_size=8,
            num_layers=2,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            in_channels=4,
            cross_attention_dim=32,
            cross_attention_dim_t5=32,
            pooled_projection_dim=16,
            hidden_size=24,
            text_len=77,
            text_len_t5=256,
        ),
        scheduler=LOOSE.DDPMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.03,
            prediction_type="v_prediction",
            clip_sample=False,
            steps_offset=1,
        ),
        safety_checker=none,
        feature_extractor=none,
        requires_safety_checker=False,
    )


def movq() -> Any:
    return LOOSE.VQModel(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
        up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=8,
        norm_type="spatial",
        num_vq_embeddings=12,
        vq_embed_dim=4,
    )


def _kandinsky3() -> Any:
    return LOOSE.Kandinsky3Pipeline(
        tokenizer=t5_words(),
        text_encoder=t5(),
        unet=LOOSE.Kandinsky3UNet(
            in_channels=4,
            time_embedding_dim=4,
            groups=2,
            attention_head_dim=4,
            layers_per_block=3,
            block_out_channels=(32, 64),
            cross_attention_dim=4,
            encoder_hid_dim=32,
        ),
        scheduler=LOOSE.DDPMScheduler(
            beta_start=0.00085,
            beta_end=0.02,
            steps_offset=1,
            beta_schedule="squaredcos_cap_v2",
            clip_sample=True,
            thresholding=False,
        ),
        movq=movq(),
    )


def _cascade_network(**changes: Any) -> Any:
    sizes: dict[str, Any] = {
        "conditioning_dim": 32,
        "block_out_channels": (16, 32),
        "num_attention_heads": (2, 2),
        "down_num_layers_per_block": (1, 1),
        "up_num_layers_per_block": (1, 1),
        "clip_text_pooled_in_channels": 32,
        "dropout": (0.1, 0.1),
        "switch_level": (False,),
    }
    return LOOSE.StableCascadeUNet(**(sizes | changes))


def _cascade() -> Any:
    return LOOSE.StableCascadeCombinedPipeline(
        tokenizer=tiny_tokenizer(),
        text_encoder=clip(32, projects=True),
        decoder=_cascade_network(
            in_channels=4,
            out_channels=4,
            patch_size=2,
            effnet_in_channels=16,
            down_blocks_repeat_mappers=(1, 1),
            up_blocks_repeat_mappers=(1, 1),
            block_types_per_layer=(
                ("SDCascadeResBlock", "SDCascadeTimestepBlock"),
                ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),
            ),
        ),
        scheduler=LOOSE.DDPMWuerstchenScheduler(),
        vqgan=PaellaVQModel(bottleneck_blocks=1, num_vq_embeddings=2),
        prior_prior=_cascade_network(
            in_channels=16,
            out_channels=16,
            clip_text_in_channels=32,
            clip_image_in_channels=32,
        ),
        prior_text_encoder=clip(32, projects=True),
        prior_tokenizer=tiny_tokenizer(),
        prior_scheduler=LOOSE.DDPMWuerstchenScheduler(),
    )


def _krea2() -> Any:
    text = {
        **LANGUAGE,
        "num_hidden_layers": 3,
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
    }
    seen = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
        "deepstack_visual_indexes": [0],
    }
    return LOOSE.Krea2Pipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=LOOSE.AutoencoderKLQwenImage(
            base_dim=8, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1
        ),
        text_encoder=LOOSE_TOO.Qwen3VLModel(
            LOOSE_TOO.Qwen3VLConfig(text_config=text, vision_config=seen)
        ),
        tokenizer=qwen_words(),
        transformer=LOOSE.Krea2Transformer2DModel(
            in_channels=64,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=32,
            timestep_embed_dim=16,
            text_hidden_dim=16,
            num_text_layers=2,
            text_num_attention_heads=2,
            text_num_key_value_heads=2,
            text_intermediate_size=16,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(4, 6, 6),
        ),
        text_encoder_select_layers=(1, 3),
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "flux2": _flux2,
    "flux2_klein": _flux2_klein,
    "ernie_image": _ernie_image,
    "ovis_image": _ovis_image,
    "longcat_image": _longcat_image,
    "bria": _bria,
    "krea2": _krea2,
    "hidream": _hidream,
    "auraflow": _auraflow,
    "cogview4": _cogview4,
    "cogview3": _cogview3,
    "lumina": _lumina,
    "hunyuan_dit": _hunyuan_dit,
    "kandinsky3": _kandinsky3,
    "cascade": _cascade,
}
