"""How the pipelines of the families that diffuse are called, beside Stable Diffusion's."""

from math import ceil
from typing import Any

import torch

from desktop_app.engine import conditioning
from desktop_app.engine.calls import Call, Plain, steps_alone
from desktop_app.recipe.recipe import Recipe


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


class Refiner(XL):
    """The refiner of Stable Diffusion XL, which goes on with what the model itself began.

    Its pipeline wants a picture to begin with as well, and looks at it only where no latent is
    given; with the full strength it takes all the steps that its scheduler shows it.
    """

    def given(self, pipe: Any, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        # Others bring a given latent to their device; this one takes it as it is.
        return latents.to(pipe._execution_device)

    def size(self, recipe: Recipe) -> dict[str, Any]:
        return {}

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        blank = torch.zeros(self.shape(pipe, recipe.width, recipe.height))
        return {**super().options(pipe, recipe), "image": blank, "strength": 1.0}


class CogView3(Plain):
    """CogView 3 plus (Zheng et al. 2024, arXiv 2403.05121)."""

    denoiser = "transformer"

    def multiple(self, pipe: Any) -> int:
        return int(pipe.vae_scale_factor) * 2


class HunyuanDiT(CogView3):
    """HunyuanDiT (Li et al. 2024, arXiv 2405.08748)."""

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # The size is the one that was asked for, not the nearest of a list.
        return {**super().options(pipe, recipe), "use_resolution_binning": False}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        return steps_alone(recipe)


class PixArt(CogView3):
    """PixArt alpha and sigma (Chen et al. 2023, arXiv 2310.00426)."""

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # As above, and the prompt is read as it was written.
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
        return steps_alone(recipe)


class Kandinsky3(Plain):
    """Kandinsky 3 (Arkhipkin et al. 2023, arXiv 2312.03511): a large UNet on MoVQ's latents."""

    decoder = "movq"

    def multiple(self, pipe: Any) -> int:
        # The pipeline rounds up to what its UNet halves without rest.
        return self.factor(pipe) ** 2

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        factor = self.factor(pipe)
        return 1, int(pipe.unet.config.in_channels), height // factor, width // factor

    def factor(self, pipe: Any) -> int:
        """Pixels along a side of one latent pixel; the pipeline is told eight too."""
        return 8

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        return steps_alone(recipe)

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        return pipe.movq.decode(latents, force_not_quantize=True)["sample"]

    def picture(self, pipe: Any, image: torch.Tensor) -> Any:
        return _picture(pipe, (image * 0.5 + 0.5).clamp(0, 1))


class Kandinsky22(Kandinsky3):
    """Kandinsky 2.2 (Razzhigaev et al. 2023, arXiv 2310.03502): a prior, then a decoder."""

    def runner(self, pipe: Any) -> Any:
        return pipe.decoder_pipe

    def factor(self, pipe: Any) -> int:
        return int(pipe.decoder_pipe.movq_scale_factor)

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        # A generator of its own, so that a branch imagines the same picture as its parent.
        generator = torch.Generator().manual_seed(recipe.seed)
        texts = super().prompts(pipe, recipe)
        found = pipe.prior_pipe(**texts, generator=generator, return_dict=False)
        return {"image_embeds": found[0], "negative_image_embeds": found[1]}


class Cascade(Plain):
    """Stable Cascade: a prior composes in few numbers, a decoder makes the picture of them.

    Pernias et al. 2023 (arXiv 2306.00637). The prior takes twice as many steps as the decoder and
    has all of the guidance: so its authors call it, with 20 and 10 steps.
    """

    denoiser = "decoder"
    decoder = "vqgan"

    def runner(self, pipe: Any) -> Any:
        return pipe.decoder_pipe

    def multiple(self, pipe: Any) -> int:
        # The prior has 3 numbers a side for 128 pixels, the decoder 32; between, both are rounded.
        return 128

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, ...]:
        coarse, scale = pipe.prior_pipe.config.resolution_multiple, self._scale(pipe)
        sides = [int(ceil(side / coarse) * scale) for side in (height, width)]
        return 1, 4, *sides

    def _scale(self, pipe: Any) -> float:
        return float(pipe.decoder_pipe.config.latent_dim_scale)

    def size(self, recipe: Recipe) -> dict[str, Any]:
        return {}  # the prior's picture has one

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        return {"guidance_scale": 0.0}

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(recipe.seed)
        found = pipe.prior_pipe(
            **super().prompts(pipe, recipe),
            width=recipe.width,
            height=recipe.height,
            num_inference_steps=2 * recipe.num_inference_steps,
            guidance_scale=recipe.guidance_scale,
            generator=generator,
        )
        return {
            "image_embeddings": found.image_embeddings,
            "prompt_embeds": found.prompt_embeds,
            "prompt_embeds_pooled": found.prompt_embeds_pooled,
            "negative_prompt_embeds": found.negative_prompt_embeds,
            "negative_prompt_embeds_pooled": found.negative_prompt_embeds_pooled,
        }

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        return steps_alone(recipe)

    def final(self, output: Any, last: torch.Tensor) -> torch.Tensor:
        return output

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """(1, 4, H/4, W/4) -> (1, 3, H, W) in [0, 1]."""
        return pipe.vqgan.decode(pipe.vqgan.config.scale_factor * latents).sample.clamp(0, 1)

    def picture(self, pipe: Any, image: torch.Tensor) -> Any:
        return _picture(pipe, image)


def _picture(pipe: Any, image: torch.Tensor) -> Any:
    """(1, 3, H, W) in [0, 1] -> a PIL picture, as the two-stage pipelines make it."""
    return pipe.numpy_to_pil(image.cpu().permute(0, 2, 3, 1).float().numpy())[0]
