"""How the pipeline of each family is called, and how its latents become pixels."""

from typing import Any

import torch

from desktop_app.engine import conditioning
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

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """The prompt and the words to avoid, as text or embeddings."""
        return conditioning.encode(pipe, recipe)

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """What else the pipeline is told, beside prompt, size, steps, noise and generator."""
        return {"guidance_scale": recipe.guidance_scale}

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


class LCM(Plain):
    """Latent Consistency Models (Luo et al. 2023, arXiv 2310.04378)."""

    negative = False


class XL(Plain):
    """Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952)."""

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        config = pipe.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is None or std is None:
            return super().image(pipe, latents)
        # Playground 2.5 and its like keep the statistics of each channel.
        mean = torch.tensor(mean).view(1, 4, 1, 1).to(latents.device, latents.dtype)
        std = torch.tensor(std).view(1, 4, 1, 1).to(latents.device, latents.dtype)
        return pipe.vae.decode(latents * std / config.scaling_factor + mean, return_dict=False)[0]


class Shifted(Plain):
    """Transformers on the latents of a 16 channel VAE: Stable Diffusion 3, Lumina 2."""

    denoiser = "transformer"

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        config = pipe.vae.config
        scaled = latents.to(pipe.vae.dtype) / config.scaling_factor + config.shift_factor
        return pipe.vae.decode(scaled, return_dict=False)[0]


class ZImage(Shifted):
    """Z-Image; without guidance the words to avoid are not read."""


class Packed(Shifted):
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


CALLS: dict[str, Call] = {
    "StableDiffusionPipeline": Call(),
    "LatentConsistencyModelPipeline": LCM(),
    "StableDiffusionXLPipeline": XL(),
    "StableDiffusion3Pipeline": Shifted(),
    "FluxPipeline": Packed(),
    "ChromaPipeline": Chroma(),
    "PixArtAlphaPipeline": PixArt(),
    "PixArtSigmaPipeline": PixArt(),
    "SanaPipeline": Sana(),
    "Lumina2Pipeline": Shifted(),
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
