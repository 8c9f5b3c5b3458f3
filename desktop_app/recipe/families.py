"""The model families by the words artists know: how each is built, called and best used."""

from dataclasses import dataclass
from typing import Literal

from desktop_app.recipe.samplers import SAMPLERS, Sigmas

Library = Literal["diffusers", "transformers"]
Control = Literal[
    "negative_prompt", "guidance_scale", "scheduler", "sigmas", "clip_skip", "tiling", "weights"
]
"""What the sidebar may show for a family beside prompt, size, seed and steps.

`weights` stands for the prompt's syntax: (word:1.2), BREAK and prompts of any length.
"""
Task = Literal["text", "refine"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A component of a pipeline, and the classes it may have. No other class is ever loaded.

    Attributes:
        needed: whether the pipeline cannot work without it.
        named: what the index of a folder calls the library, where that is another word.
    """

    name: str
    library: Library
    classes: tuple[str, ...]
    needed: bool = True
    named: str = ""

    @property
    def index_library(self) -> str:
        """The library as the index of a folder names it."""
        return self.named or self.library

    @property
    def has_weights(self) -> bool:
        """Whether it has tensors of its own."""
        return not self.classes[0].endswith(("Tokenizer", "Scheduler", "Processor"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One row of the table.

    Attributes:
        key: what a catalogue stores.
        label: what the artist reads.
        pipelines: the classes in diffusers that make a picture from text; the first is the usual.
        parts: of these pipelines.
        native: side in pixels of the square it was trained at.
        multiple: sizes are multiples of this many pixels.
        steps, guidance_scale, scheduler, sigmas: what it works best with.
        schedulers: keys of the samplers that can be used with it.
        controls: what the sidebar shows.
        adapters: kinds of files that can be attached: `lora`, `embedding`.
        tasks: `text` makes pictures from text, `refine` only works on another picture.
        latent_channels: of the latent as it is previewed; 0 where models of the family differ.
        single_file: whether one file can hold everything that it needs beside what is shipped.
        tokenizer_file: the file of a tokenizer that may not be shipped; empty where none is needed.
    """

    key: str
    label: str
    pipelines: tuple[str, ...]
    parts: tuple[Part, ...]
    native: int
    multiple: int = 8
    steps: int = 25
    guidance_scale: float = 7.0
    scheduler: str = "dpmpp_2m"
    sigmas: Sigmas = "karras"
    schedulers: tuple[str, ...] = tuple(SAMPLERS)
    controls: tuple[Control, ...]
    adapters: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ("text",)
    latent_channels: int = 4
    single_file: bool = False
    tokenizer_file: str = ""

    def part(self, name: str) -> Part | None:
        """The component of that name, if the family has it."""
        return next((part for part in self.parts if part.name == name), None)

    def samples(self, scheduler: str, sigmas: Sigmas) -> bool:
        """Whether it can be used with that sampler and that spacing of the noise levels."""
        spaced = sigmas == "default" or "sigmas" in self.controls
        return scheduler in self.schedulers and spaced


def _diffusers(name: str, *classes: str) -> Part:
    return Part(name=name, library="diffusers", classes=classes)


def _transformers(name: str, *classes: str, needed: bool = True) -> Part:
    return Part(name=name, library="transformers", classes=classes, needed=needed)


_CLIP_WORDS = ("CLIPTokenizer", "CLIPTokenizerFast")
_T5_WORDS = ("T5Tokenizer", "T5TokenizerFast")
_CLIP = (
    _transformers("tokenizer", *_CLIP_WORDS),
    _transformers("text_encoder", "CLIPTextModel"),
)
_BIG_CLIP = (
    _transformers("tokenizer_2", *_CLIP_WORDS),
    _transformers("text_encoder_2", "CLIPTextModelWithProjection"),
)
_T5 = (
    _transformers("tokenizer", *_T5_WORDS),
    _transformers("text_encoder", "T5EncoderModel", "UMT5EncoderModel"),
)
_UNET = _diffusers("unet", "UNet2DConditionModel")
_KL = _diffusers("vae", "AutoencoderKL")
_ANY_KL = _diffusers("vae", "AutoencoderKL", "AutoencoderTiny")

_PRIOR_CLIP = (
    _transformers("prior_tokenizer", *_CLIP_WORDS),
    _transformers("prior_text_encoder", "CLIPTextModelWithProjection"),
    _diffusers("prior_scheduler", "UnCLIPScheduler", "DDPMScheduler"),
)

_GUIDED: tuple[Control, ...] = ("negative_prompt", "guidance_scale")
_SAMPLED: tuple[Control, ...] = (*_GUIDED, "scheduler", "sigmas")
_STABLE: tuple[Control, ...] = (*_SAMPLED, "clip_skip", "tiling", "weights")
_FLOW = ("euler",)

_ROWS = (
    Family(
        key="sd1",
        label="Stable Diffusion 1.x",
        pipelines=("StableDiffusionPipeline",),
        parts=(*_CLIP, _UNET, _ANY_KL),
        native=512,
        controls=_STABLE,
        adapters=("lora", "embedding"),
        single_file=True,
    ),
    Family(
        key="sd2",
        label="Stable Diffusion 2.x",
        pipelines=("StableDiffusionPipeline",),
        parts=(*_CLIP, _UNET, _ANY_KL),
        native=768,
        controls=_STABLE,
        adapters=("lora", "embedding"),
        single_file=True,
    ),
    Family(
        key="lcm",
        label="Latent Consistency Model",
        pipelines=("LatentConsistencyModelPipeline",),
        parts=(*_CLIP, _UNET, _ANY_KL),
        native=768,
        steps=4,
        guidance_scale=8.0,
        scheduler="lcm",
        sigmas="default",
        schedulers=("lcm",),
        controls=("guidance_scale", "clip_skip", "weights"),
        adapters=("lora", "embedding"),
    ),
    Family(
        key="sdxl",
        label="Stable Diffusion XL",
        pipelines=("StableDiffusionXLPipeline",),
        parts=(*_CLIP, *_BIG_CLIP, _UNET, _ANY_KL),
        native=1024,
        steps=30,
        guidance_scale=6.0,
        controls=_STABLE,
        adapters=("lora",),
        single_file=True,
    ),
    Family(
        key="sdxl_refiner",
        label="Stable Diffusion XL refiner",
        pipelines=("StableDiffusionXLImg2ImgPipeline",),
        parts=(*_BIG_CLIP, _UNET, _ANY_KL),
        native=1024,
        steps=30,
        guidance_scale=6.0,
        controls=_STABLE,
        tasks=("refine",),
        single_file=True,
    ),
    Family(
        key="sd3",
        label="Stable Diffusion 3",
        pipelines=("StableDiffusion3Pipeline",),
        parts=(
            _transformers("tokenizer", *_CLIP_WORDS),
            _transformers("text_encoder", "CLIPTextModelWithProjection"),
            *_BIG_CLIP,
            _transformers("tokenizer_3", *_T5_WORDS, needed=False),
            _transformers("text_encoder_3", "T5EncoderModel", needed=False),
            _diffusers("transformer", "SD3Transformer2DModel"),
            _KL,
        ),
        native=1024,
        multiple=16,
        steps=28,
        guidance_scale=4.5,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=_GUIDED,
        adapters=("lora",),
        latent_channels=16,
        tokenizer_file="google/t5-v1_1-xxl: tokenizer.json",
    ),
    Family(
        key="flux",
        label="Flux.1",
        pipelines=("FluxPipeline",),
        parts=(
            *_CLIP,
            _transformers("tokenizer_2", *_T5_WORDS),
            _transformers("text_encoder_2", "T5EncoderModel"),
            _diffusers("transformer", "FluxTransformer2DModel"),
            _KL,
        ),
        native=1024,
        multiple=16,
        steps=28,
        guidance_scale=3.5,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=("guidance_scale",),
        adapters=("lora",),
        latent_channels=16,
        tokenizer_file="google/t5-v1_1-xxl: tokenizer.json",
    ),
    Family(
        key="chroma",
        label="Chroma",
        pipelines=("ChromaPipeline",),
        parts=(*_T5, _diffusers("transformer", "ChromaTransformer2DModel"), _KL),
        native=1024,
        multiple=16,
        steps=35,
        guidance_scale=5.0,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=_GUIDED,
        adapters=("lora",),
        latent_channels=16,
        tokenizer_file="google/t5-v1_1-xxl: tokenizer.json",
    ),
    Family(
        key="pixart",
        label="PixArt",
        pipelines=("PixArtSigmaPipeline", "PixArtAlphaPipeline"),
        parts=(*_T5, _diffusers("transformer", "PixArtTransformer2DModel"), _KL),
        native=1024,
        steps=20,
        guidance_scale=4.5,
        sigmas="default",
        controls=_SAMPLED,
    ),
    Family(
        key="kandinsky22",
        label="Kandinsky 2.2",
        pipelines=("KandinskyV22CombinedPipeline",),
        parts=(
            *_PRIOR_CLIP,
            _transformers("prior_image_encoder", "CLIPVisionModelWithProjection"),
            _transformers("prior_image_processor", "CLIPImageProcessor", "CLIPImageProcessorPil"),
            _diffusers("prior_prior", "PriorTransformer"),
            _UNET,
            _diffusers("movq", "VQModel"),
        ),
        native=512,
        multiple=64,
        steps=50,
        guidance_scale=4.0,
        scheduler="ddpm",
        sigmas="default",
        schedulers=("ddpm",),
        controls=_GUIDED,
    ),
    Family(
        key="unclip",
        label="Stable unCLIP",
        pipelines=("StableUnCLIPPipeline",),
        parts=(
            *_PRIOR_CLIP,
            _diffusers("prior", "PriorTransformer"),
            Part(
                name="image_normalizer",
                library="diffusers",
                classes=("StableUnCLIPImageNormalizer",),
                named="stable_diffusion",
            ),
            _diffusers("image_noising_scheduler", "DDPMScheduler"),
            *_CLIP,
            _UNET,
            _KL,
        ),
        native=768,
        steps=20,
        guidance_scale=10.0,
        sigmas="default",
        controls=_SAMPLED,
    ),
    Family(
        key="sana",
        label="Sana",
        pipelines=("SanaPipeline",),
        parts=(
            _transformers("tokenizer", "GemmaTokenizer", "GemmaTokenizerFast"),
            _transformers("text_encoder", "Gemma2Model", "Gemma2ForCausalLM"),
            _diffusers("transformer", "SanaTransformer2DModel"),
            _diffusers("vae", "AutoencoderDC"),
        ),
        native=1024,
        multiple=32,
        steps=20,
        guidance_scale=4.5,
        sigmas="default",
        scheduler="dpmpp_2m",
        schedulers=("dpmpp_2m", "euler"),
        controls=(*_GUIDED, "scheduler"),
        adapters=("lora",),
        latent_channels=32,
    ),
    Family(
        key="lumina2",
        label="Lumina 2",
        pipelines=("Lumina2Pipeline",),
        parts=(
            _transformers("tokenizer", "GemmaTokenizer", "GemmaTokenizerFast"),
            _transformers("text_encoder", "Gemma2Model"),
            _diffusers("transformer", "Lumina2Transformer2DModel"),
            _KL,
        ),
        native=1024,
        multiple=16,
        steps=30,
        guidance_scale=4.0,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=_GUIDED,
        adapters=("lora",),
        latent_channels=16,
    ),
    Family(
        key="z_image",
        label="Z-Image",
        pipelines=("ZImagePipeline",),
        parts=(
            _transformers("tokenizer", "Qwen2Tokenizer", "Qwen2TokenizerFast"),
            _transformers("text_encoder", "Qwen3Model", "Qwen3ForCausalLM"),
            _diffusers("transformer", "ZImageTransformer2DModel"),
            _KL,
        ),
        native=1024,
        multiple=16,
        steps=9,
        guidance_scale=0.0,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=_GUIDED,
        adapters=("lora",),
        latent_channels=16,
    ),
    Family(
        key="qwen_image",
        label="Qwen-Image",
        pipelines=("QwenImagePipeline",),
        parts=(
            _transformers("tokenizer", "Qwen2Tokenizer", "Qwen2TokenizerFast"),
            _transformers("text_encoder", "Qwen2_5_VLForConditionalGeneration"),
            _diffusers("transformer", "QwenImageTransformer2DModel"),
            _diffusers("vae", "AutoencoderKLQwenImage"),
        ),
        native=1328,
        multiple=16,
        steps=50,
        guidance_scale=4.0,
        scheduler="euler",
        sigmas="default",
        schedulers=_FLOW,
        controls=_GUIDED,
        adapters=("lora",),
        latent_channels=16,
    ),
)
FAMILIES: dict[str, Family] = {row.key: row for row in _ROWS}


def families_of(pipeline: str) -> tuple[Family, ...]:
    """The families that a pipeline class belongs to; more than one share Stable Diffusion's."""
    return tuple(row for row in _ROWS if pipeline in row.pipelines)


def stable_family(cross_attention_dim: object) -> Family:
    """Which Stable Diffusion a UNet belongs to, told by the numbers it takes for each word.

    Version 1 reads CLIP ViT-L (768), version 2 OpenCLIP ViT-H (1024).
    """
    return FAMILIES["sd2" if cross_attention_dim == 1024 else "sd1"]
