"""How the pipelines of the families with flow matching are called."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from desktop_app.engine.calls import Plain, steps_alone
from desktop_app.recipe.recipe import Recipe


class Flow(Plain):
    """Transformers with flow matching on a 16 channel VAE: Stable Diffusion 3 and those below.

    Attributes:
        even: whether the pipeline spaces the noise levels evenly itself.
        shifts: what a scheduler may say of the shift, and what is taken where it does not.
    """

    denoiser = "transformer"
    even = True
    shifts: Mapping[str, float] = {
        "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
        "base_shift": 0.5,
        "max_shift": 1.15,
    }

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        told = {"sigmas": evenly(recipe.num_inference_steps)} if self.even else steps_alone(recipe)
        if scheduler.config.get("use_dynamic_shifting"):
            told["mu"] = self.shift(pipe, scheduler, recipe)
        return told

    def shift(self, pipe: Any, scheduler: Any, recipe: Recipe) -> float:
        """The logarithm by which the noise levels are shifted, for the size of the picture."""
        told = [scheduler.config.get(key, usual) for key, usual in self.shifts.items()]
        return module_of(pipe).calculate_shift(self.tokens(pipe, recipe), *told)

    def tokens(self, pipe: Any, recipe: Recipe) -> int:
        """Patches of the latent, by which the noise levels are shifted."""
        side = self.multiple(pipe)
        return (recipe.height // side) * (recipe.width // side)

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        config = pipe.vae.config
        scaled = latents.to(pipe.vae.dtype) / config.scaling_factor + config.shift_factor
        return pipe.vae.decode(scaled, return_dict=False)[0]


def evenly(steps: int) -> Any:
    """Noise levels from 1 to one step above 0."""
    return np.linspace(1.0, 1 / steps, steps)


def module_of(pipe: Any) -> Any:
    """The module of a pipeline, which has the function that it shifts by."""
    return sys.modules[type(pipe).__module__]


class Stable3(Flow):
    """Stable Diffusion 3 and 3.5 (Esser et al. 2024, arXiv 2403.03206)."""

    even = False


class AuraFlow(Flow):
    """AuraFlow: the VAE of Stable Diffusion XL, which shifts nothing."""

    even = False

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        scaled = latents.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor
        return pipe.vae.decode(scaled, return_dict=False)[0]


class Lumina(AuraFlow):
    """Lumina-Next (Zhuo et al. 2024, arXiv 2406.18583)."""

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # The prompt is read as it was written.
        return {**super().options(pipe, recipe), "clean_caption": False}


class CogView4(AuraFlow):
    """CogView 4: the noise levels are those of whole timesteps, and shifted by their root."""

    shifts: Mapping[str, float] = {"base_image_seq_len": 256, "base_shift": 0.25, "max_shift": 0.75}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        count = scheduler.config.num_train_timesteps
        spaced = np.linspace(count, 1.0, recipe.num_inference_steps)
        timesteps = spaced.astype(np.int64).astype(np.float32)
        return {
            "timesteps": timesteps,
            "sigmas": timesteps / count,
            "mu": self.shift(pipe, scheduler, recipe),
        }


class HiDream(Flow):
    """HiDream-I1 (Cai et al. 2025, arXiv 2505.22705): shifted as for its largest picture."""

    even = False

    def tokens(self, pipe: Any, recipe: Recipe) -> int:
        return int(pipe.transformer.max_seq)


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
        factor = self.multiple(pipe) // 2
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
    """Flux with true guidance: Chroma and Ovis-Image."""

    negative = True


class LongCat(Chroma):
    """LongCat-Image: the prompt is read as it was written, not as its language model puts it."""

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {**super().options(pipe, recipe), "enable_prompt_rewrite": False}


class Bria(Chroma):
    """Bria 3.2: its pipeline counts the pixels of a patch, not of a latent."""

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor)

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        if scheduler.config.get("use_dynamic_shifting"):
            return super().timing(pipe, scheduler, recipe)
        count = scheduler.config.num_train_timesteps
        steps = recipe.num_inference_steps
        levels = module_of(pipe).get_original_sigmas(
            num_train_timesteps=count, num_inference_steps=steps
        )
        return {"sigmas": levels}

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        vae = pipe.vae
        scaled = latents.to(torch.float32) / vae.config.scaling_factor + vae.config.shift_factor
        return vae.decode(scaled.to(vae.dtype), return_dict=False)[0]


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


class Krea2(Qwen):
    """Krea 2: a few-step model has a shift of its own, whatever the size."""

    shifts: Mapping[str, float] = {**Flow.shifts, "max_image_seq_len": 6400}

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {"guidance_scale": recipe.guidance_scale}

    def shift(self, pipe: Any, scheduler: Any, recipe: Recipe) -> float:
        return 1.15 if pipe.config.is_distilled else super().shift(pipe, scheduler, recipe)


class Ernie(Flow):
    """ERNIE-Image: patches of 2 by 2 as channels, each with the mean and spread that it has."""

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor)

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {**super().options(pipe, recipe), "use_pe": False}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        return {"sigmas": torch.linspace(1.0, 0.0, recipe.num_inference_steps + 1)[:-1]}

    def epsilon(self, pipe: Any) -> float:
        """What is added to the squares of the spreads."""
        return 1e-5

    def shown(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        norm = pipe.vae.bn
        rows = (1, -1, 1, 1)
        mean = norm.running_mean.view(rows).to(latents.device, latents.dtype)
        spread = torch.sqrt(norm.running_var.view(rows) + self.epsilon(pipe))
        return pipe._unpatchify_latents(latents * spread.to(latents.device, latents.dtype) + mean)

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        return pipe.vae.decode(self.shown(pipe, latents), return_dict=False)[0]


class Flux2(Ernie):
    """Flux.2: the same patches, as a row of tokens that the pipeline makes itself."""

    negative = False

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        side = self.multiple(pipe)
        return 1, int(pipe.transformer.config.in_channels), height // side, width // side

    def packed(self, pipe: Any, noise: torch.Tensor) -> torch.Tensor:
        return pipe._pack_latents(noise)

    def unpacked(self, pipe: Any, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        return latents.permute(0, 2, 1).reshape(shape)

    def given(self, pipe: Any, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        return self.unpacked(pipe, latents, self.shape(pipe, recipe.width, recipe.height))

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {"guidance_scale": recipe.guidance_scale}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        steps = recipe.num_inference_steps
        mu = module_of(pipe).compute_empirical_mu(self.tokens(pipe, recipe), steps)
        return {"sigmas": evenly(steps), "mu": mu}

    def epsilon(self, pipe: Any) -> float:
        return pipe.vae.config.batch_norm_eps


class Flux2Klein(Flux2):
    """Flux.2 Klein: its pipeline takes the latent apart before it gives it."""

    def final(self, output: Any, last: torch.Tensor) -> torch.Tensor:
        return last
