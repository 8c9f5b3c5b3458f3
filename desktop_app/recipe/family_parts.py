"""The components that several families share, by the classes that they may have."""

from desktop_app.recipe.family import Control, Part
from desktop_app.recipe.samplers import ALL_SIGMAS, Sigmas


def diffusers(name: str, *classes: str, named: str = "") -> Part:
    """A component that diffusers has the classes of."""
    return Part(name=name, library="diffusers", classes=classes, named=named)


def transformers(
    name: str, *classes: str, needed: bool = True, read_as: str = "", hint: str = ""
) -> Part:
    """A component that transformers has the classes of."""
    return Part(
        name=name,
        library="transformers",
        classes=classes,
        needed=needed,
        read_as=read_as,
        hint=hint,
    )


CLIP_WORDS = ("CLIPTokenizer", "CLIPTokenizerFast")
T5_WORDS = ("T5Tokenizer", "T5TokenizerFast")
GEMMA_WORDS = ("GemmaTokenizer", "GemmaTokenizerFast")
LLAMA_WORDS = ("LlamaTokenizer", "LlamaTokenizerFast")
QWEN_WORDS = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
ANY_WORDS = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""What a tokenizer.json is read with that belongs to no class of its own."""

CLIP = (
    transformers("tokenizer", *CLIP_WORDS),
    transformers("text_encoder", "CLIPTextModel"),
)
BIG_CLIP = (
    transformers("tokenizer_2", *CLIP_WORDS),
    transformers("text_encoder_2", "CLIPTextModelWithProjection"),
)
T5 = (
    transformers("tokenizer", *T5_WORDS),
    transformers("text_encoder", "T5EncoderModel", "UMT5EncoderModel"),
)
UNET = diffusers("unet", "UNet2DConditionModel")
KL = diffusers("vae", "AutoencoderKL")
MOVQ = diffusers("movq", "VQModel")
ANY_KL = diffusers("vae", "AutoencoderKL", "AutoencoderTiny")

WITHOUT_TIMESTEPS: tuple[Sigmas, ...] = tuple(one for one in ALL_SIGMAS if one != "ays")
"""The spacings for pipelines that cannot be told single timesteps."""

GUIDED: tuple[Control, ...] = ("negative_prompt", "guidance_scale")
SAMPLED: tuple[Control, ...] = (*GUIDED, "scheduler", "sigmas")
STABLE: tuple[Control, ...] = (*SAMPLED, "clip_skip", "tiling", "weights")
