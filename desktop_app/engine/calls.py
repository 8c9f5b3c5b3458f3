"""What every family's call of its pipeline shares, and how Stable Diffusion's is made."""

from typing import Any

import torch

from desktop_app.engine import conditioning
from desktop_app.engine.schedulers import spacing_arguments
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
        """(1, C, H/f, W/f): the noise as it is drawn, and the final latent as it is kept."""
        factor = int(pipe.vae_scale_factor)
        channels = int(getattr(pipe, self.denoiser).config.in_channels)
        return 1, channels, height // factor, width // factor

    def packed(self, pipe: Any, noise: torch.Tensor) -> torch.Tensor:
        """Noise of `shape` in the form that the pipeline works on."""
        return noise

    def unpacked(self, pipe: Any, latents: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """What the pipeline works on, as (1, C, H/f, W/f)."""
        return latents

    def given(self, pipe: Any, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        """What the pipeline works on, as it takes it for its argument `latents`."""
        return latents

    def final(self, output: Any, last: torch.Tensor) -> torch.Tensor:
        """The final latent in the form that the pipeline works on.

        Args:
            output: what the pipeline gave for `output_type="latent"`.
            last: what the last step made.
        """
        return output[0]

    def shown(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """Latents of `shape` in the form that the decoder was fitted in for previews."""
        return latents

    def runner(self, pipe: Any) -> Any:
        """The pipeline that denoises: this one, or the one of two stages that makes the picture."""
        return pipe

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """The prompt and the words to avoid, as text or embeddings."""
        return conditioning.encode(pipe, recipe)

    def size(self, recipe: Recipe) -> dict[str, Any]:
        """How the pipeline is told the size."""
        return {"width": recipe.width, "height": recipe.height}

    def options(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        """What else the pipeline is told, beside prompt, size, steps, noise and generator."""
        return {"guidance_scale": recipe.guidance_scale}

    def timing(self, pipe: Any, scheduler: Any, recipe: Recipe) -> dict[str, Any]:
        """What the pipeline will tell `scheduler.set_timesteps`, beside the device."""
        return spacing_arguments(scheduler, recipe)

    def image(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """(1, C, H/f, W/f) -> (1, 3, H, W), exactly as the pipeline decodes; in [-1, 1] mostly."""
        return pipe.vae.decode(latents / pipe.vae.config.scaling_factor, return_dict=False)[0]

    def picture(self, pipe: Any, image: torch.Tensor) -> Any:
        """What `image` gives -> a PIL picture, as the pipeline makes it."""
        return pipe.image_processor.postprocess(image, output_type="pil")[0]


class Plain(Call):
    """Families whose pipelines read the prompt themselves, as one text without weights."""

    negative = True

    def prompts(self, pipe: Any, recipe: Recipe) -> dict[str, Any]:
        told = {"prompt": words_of(recipe.prompt)}
        if self.negative:
            told["negative_prompt"] = words_of(recipe.negative_prompt)
        return told


def words_of(text: str) -> str:
    """A prompt without the syntax for weights, for families that cannot weigh words."""
    return "".join(piece.text for piece in parse(text).pieces)


def steps_alone(recipe: Recipe) -> dict[str, Any]:
    """The timing of a pipeline that leaves the spacing of the steps to the scheduler."""
    return {"num_inference_steps": recipe.num_inference_steps}
