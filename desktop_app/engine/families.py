"""How the pipeline of each family is called, and how its latents become pixels."""

import sys
from typing import Any

import numpy as np
import torch

from desktop_app.engine import conditioning
from desktop_app.engine.schedulers import spacing_arguments
from desktop_app.errors import AppError
from desktop_app.recipe.prompt import parse
from desktop_app.recipe.recipe import Recipe


class Call:
    """Stable Diffusion 1 and 2, and what the others share with them.

    A pipeline is never subclassed or rewritten: it gets the arguments that anybody would give, and
    the noise that its own `prepare_latents` would have drawn.

    Attributes:
        denoiser: the component that predicts.
        decoder: the component that makes pixels.
    """

    denoiser = "unet"
    decoder = "vae"

    def multiple(self, pipe: Any) -> int:
        """Pixels that width and height are multiples of."""
        return int(pipe.vae_scale_factor)

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        """(1, C, H/f, W/f): the noise as it is drawn."""
        factor = int(pipe.vae_scale_factor)
        channels = int(getattr(pipe, self.denoiser).config.in_channels)
        return 1, channels, height // factor, width // factor

    def packed(self, pipe: Any, noise: torch.Tensor) -> torch.Tensor:
        """Noise of `shape` as the pipeline takes it for its argument `latents`."""
        return noise

    def unpacked(self, pipe: Any, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """What the pipeline works on, as (1, C, H/f, W/f)."""
        return latents

    def runner(self, pipe: Any) -> Any:
        """The pipeline that denoises: this one, or the one of two stages that makes the picture."""
        return pipe

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """The prompt and the words to avoid, as text or embeddings."""
        return conditioning.encode(pipe, recipe)

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """What else the pipeline is told, beside prompt, size, steps, noise and generator."""
        return {"guidance_scale": recipe.guidance_scale}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        """What the pipeline will tell `scheduler.set_timesteps`, beside the device."""
        return spacing_arguments(scheduler, recipe)

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """(1, C, H/f, W/f) -> (1, 3, H, W) in [-1, 1], exactly as the pipeline decodes."""
        return pipe.vae.decode(latents / pipe.vae.config.scaling_factor, return_dict=False)[0]

    def picture(self, pipe: Any, image: torch.Tensor) -> Any:
        """(1, 3, H, W) -> a PIL picture, as the pipeline makes it."""
        return pipe.image_processor.postprocess(image, output_type="pil")[0]


class Plain(Call):
    """Families whose pipelines read the prompt themselves, as one text without weights."""

    negative = True

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        told = {"prompt": words_of(recipe.prompt)}
        if self.negative:
            told["negative_prompt"] = words_of(recipe.negative_prompt)
        return told


class LCM(Call):
    """Latent Consistency Models (Luo et al. 2023, arXiv 2310.04378): guidance is an input."""

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        told = conditioning.encode(pipe, recipe)
        return {key: one for key, one in told.items() if not key.startswith("negative")}


class XL(Call):
    """Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952)."""

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return conditioning.encode_xl(pipe, recipe)

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        config = pipe.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is None or std is None:
            return super().image(pipe, latents)
        # Playground 2.5 and its like keep the statistics of each channel.
        mean = torch.tensor(mean).view(1, 4, 1, 1).to(latents.device, latents.dtype)
        std = torch.tensor(std).view(1, 4, 1, 1).to(latents.device, latents.dtype)
        return pipe.vae.decode(latents * std / config.scaling_factor + mean, return_dict=False)[0]


class Flow(Plain):
    """Transformers with flow matching on a 16 channel VAE: Stable Diffusion 3 and those below.

    Attributes:
        even: whether the pipeline spaces the noise levels evenly itself.
    """

    denoiser = "transformer"
    even = True

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        steps = recipe.num_inference_steps
        told: dict[str, Any] = {"num_inference_steps": steps}
        if self.even:
            told = {"sigmas": np.linspace(1.0, 1 / steps, steps)}
        if scheduler.config.get("use_dynamic_shifting"):
            # Each pipeline's module has the function that it shifts by the size of the picture.
            module: Any = sys.modules[type(pipe).__module__]
            keys = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
            usual = {"base_image_seq_len": 256, "max_image_seq_len": 4096, "base_shift": 0.5}
            usual["max_shift"] = 1.15
            shift = [scheduler.config.get(key, usual[key]) for key in keys]
            told["mu"] = module.calculate_shift(self.tokens(pipe, recipe), *shift)
        return told

    def tokens(self, pipe: Any, recipe: Recipe) -> int:
        """Patches of the latent, by which the noise levels are shifted."""
        side = int(pipe.vae_scale_factor) * 2
        return (recipe.height // side) * (recipe.width // side)

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        config = pipe.vae.config
        scaled = latents.to(pipe.vae.dtype) / config.scaling_factor + config.shift_factor
        return pipe.vae.decode(scaled, return_dict=False)[0]


class Stable3(Flow):
    """Stable Diffusion 3 and 3.5 (Esser et al. 2024, arXiv 2403.03206)."""

    even = False


class Lumina2(Flow):
    """Lumina Image 2.0 (Qin et al. 2025, arXiv 2503.21758)."""

    def tokens(self, pipe: Any, recipe: Recipe) -> int:
        # Its pipeline reads the number of channels where others read the number of patches.
        return self.shape(pipe, recipe.width, recipe.height)[1]


class ZImage(Flow):
    """Z-Image: its latent stays in float32."""

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        steps = recipe.num_inference_steps
        levels = torch.linspace(1.0, 1 / steps, steps).tolist()
        return {**super().timing(pipe, scheduler, recipe), "sigmas": levels}


class Packed(Flow):
    """Flux.1: the latent goes in patches of 2 by 2 as a row of tokens."""

    negative = False

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        factor = int(pipe.vae_scale_factor)
        channels = int(pipe.transformer.config.in_channels) // 4
        return 1, channels, height // factor, width // factor

    def packed(self, pipe: Any, noise: torch.Tensor) -> torch.Tensor:
        batch, channels, height, width = noise.shape
        return pipe._pack_latents(noise, batch, channels, height, width)

    def unpacked(self, pipe: Any, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        batch, channels, height, width = shape
        patches = latents.view(batch, height // 2, width // 2, channels, 2, 2)
        return patches.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, height, width)


class Chroma(Packed):
    """Chroma: Flux with true guidance."""

    negative = True


class Qwen(Packed):
    """Qwen-Image: packed latents of a VAE that was made for video."""

    negative = True

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {"true_cfg_scale": recipe.guidance_scale}

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        vae = pipe.vae
        frames = latents.unsqueeze(2).to(vae.dtype)
        rows = (1, vae.config.z_dim, 1, 1, 1)
        mean = torch.tensor(vae.config.latents_mean).view(rows).to(frames.device, frames.dtype)
        std = 1.0 / torch.tensor(vae.config.latents_std).view(rows).to(frames.device, frames.dtype)
        return vae.decode(frames / std + mean, return_dict=False)[0][:, :, 0]


class PixArt(Plain):
    """PixArt alpha and sigma (Chen et al. 2023, arXiv 2310.00426)."""

    denoiser = "transformer"

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # The size is the one that was asked for, not the nearest of a list; and the prompt is
        # read as it was written.
        exact = {"use_resolution_binning": False, "clean_caption": False}
        return {**super().options(pipe, recipe), **exact}


class Sana(PixArt):
    """Sana (Xie et al. 2024, arXiv 2410.10629): 32 pixels to a latent."""

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor)


class UnCLIP(Plain):
    """Stable unCLIP: a prior imagines the picture's embedding, as in DALL-E 2.

    Ramesh et al. 2022 (arXiv 2204.06125). The pipeline runs the prior itself, with the same
    generator, after our noise was drawn from it.
    """

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        return {"num_inference_steps": recipe.num_inference_steps}


class Kandinsky(Plain):
    """Kandinsky 2.2 (Razzhigaev et al. 2023, arXiv 2310.03502): a prior, then a decoder."""

    decoder = "movq"

    def runner(self, pipe: Any) -> Any:
        return pipe.decoder_pipe

    def multiple(self, pipe: Any) -> int:
        return self._factor(pipe) ** 2

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        factor = self._factor(pipe)
        return 1, int(pipe.unet.config.in_channels), height // factor, width // factor

    def _factor(self, pipe: Any) -> int:
        return int(pipe.decoder_pipe.movq_scale_factor)

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # A generator of its own, so that a branch imagines the same picture as its parent.
        generator = torch.Generator().manual_seed(recipe.seed)
        texts = super().prompts(pipe, recipe)
        found = pipe.prior_pipe(**texts, generator=generator, return_dict=False)
        return {"image_embeds": found[0], "negative_image_embeds": found[1]}

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        return pipe.movq.decode(latents, force_not_quantize=True)["sample"]

    def picture(self, pipe: Any, image: torch.Tensor) -> Any:
        shown = (image * 0.5 + 0.5).clamp(0, 1)
        return pipe.decoder_pipe.numpy_to_pil(shown.cpu().permute(0, 2, 3, 1).float().numpy())[0]


CALLS: dict[str, Call] = {
    "StableDiffusionPipeline": Call(),
    "LatentConsistencyModelPipeline": LCM(),
    "StableDiffusionXLPipeline": XL(),
    "StableDiffusion3Pipeline": Stable3(),
    "FluxPipeline": Packed(),
    "ChromaPipeline": Chroma(),
    "PixArtAlphaPipeline": PixArt(),
    "PixArtSigmaPipeline": PixArt(),
    "KandinskyV22CombinedPipeline": Kandinsky(),
    "StableUnCLIPPipeline": UnCLIP(),
    "SanaPipeline": Sana(),
    "Lumina2Pipeline": Lumina2(),
    "ZImagePipeline": ZImage(),
    "QwenImagePipeline": Qwen(),
}


def caller(pipe: Any) -> Call:
    """How this pipeline is called.

    Raises:
        AppError: `model-kind` when it makes no pictures from text here.
    """
    kind = type(pipe).__name__
    call = CALLS.get(kind)
    if call is None:
        raise AppError(
            "model-kind",
            f"Pictures cannot be made from text with a {kind}.",
            hint="Choose another model.",
            kind=kind,
        )
    return call


def words_of(text: str) -> str:
    """A prompt without the syntax for weights, for families that cannot weigh words."""
    return "".join(piece.text for piece in parse(text).pieces)
