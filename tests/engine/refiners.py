"""A tiny SDXL model with a tiny refiner, and the two plain calls that make a picture with both."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray

from desktop_app.engine.schedulers import make_scheduler, spacing_arguments
from desktop_app.recipe.recipe import ModelRef, Recipe, RefinerUse
from tests.engine.models import recipe_for, ref
from tests.engine.tiny_families import save_tiny_family
from tests.engine.tiny_parts import clip, euler, kl, unet
from tests.tiny_model import tiny_tokenizer

Picture = tuple[NDArray[Any], NDArray[np.uint8]]


def save_both(folder: Path) -> dict[str, Path]:
    """A model `xl` and its refiner `fine`, in diffusers format."""
    made = {"xl": folder / "xl", "fine": folder / "fine"}
    save_tiny_family("sdxl", made["xl"])
    with torch.random.fork_rng():
        torch.manual_seed(5)
        none: Any = None
        refiner = diffusers.StableDiffusionXLImg2ImgPipeline(
            vae=kl(force_upcast=True),
            text_encoder=none,
            tokenizer=none,
            text_encoder_2=clip(48, projects=True),
            tokenizer_2=tiny_tokenizer(),
            unet=unet(
                cross_attention_dim=48,
                use_linear_projection=True,
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                transformer_layers_per_block=(1, 2),
                projection_class_embeddings_input_dim=8 * 5 + 32,
            ),
            scheduler=euler(timestep_spacing="leading"),
            requires_aesthetics_score=True,
            force_zeros_for_empty_prompt=False,
            add_watermarker=False,
        )
    refiner.save_pretrained(made["fine"], safe_serialization=True)
    return made


def refined(start: float = 0.5, *, by: str = "fine", **changes: Any) -> Recipe:
    usual: dict[str, Any] = {"num_inference_steps": 8, "scheduler": "euler", "guidance_scale": 3.0}
    use = RefinerUse(model=ModelRef(sha256=ref(by).sha256, name=by), start=start)
    return recipe_for("xl", refiner=use, **{**usual, **changes})


def plain_pipes(folders: dict[str, Path]) -> tuple[Any, Any]:
    """Both as anybody would load them."""
    told: dict[str, Any] = {"dtype": torch.float32, "add_watermarker": False}
    base = diffusers.StableDiffusionXLPipeline.from_pretrained(folders["xl"], **told)
    fine = diffusers.StableDiffusionXLImg2ImgPipeline.from_pretrained(folders["fine"], **told)
    for pipe in (base, fine):
        pipe.set_progress_bar_config(disable=True)
    return base, fine


def two_calls(pipes: tuple[Any, Any], recipe: Recipe) -> Picture:
    """Final latents and pixels of the calls that diffusers' documentation shows, one generator."""
    base, fine = pipes
    assert recipe.refiner is not None
    generator = torch.Generator().manual_seed(recipe.seed)
    own = [pipe.scheduler for pipe in pipes]
    for pipe in pipes:
        pipe.scheduler = make_scheduler(pipe.scheduler.config, recipe)
    words = {"prompt": recipe.prompt, "guidance_scale": recipe.guidance_scale}
    if recipe.negative_prompt:
        words["negative_prompt"] = recipe.negative_prompt
    told = {**words, **spacing_arguments(base.scheduler, recipe), "generator": generator}
    size = {"width": recipe.width, "height": recipe.height}
    began = base(**told, **size, denoising_end=recipe.refiner.start, output_type="latent").images
    last: list[torch.Tensor] = []

    def remember(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        last[:] = [values["latents"].clone()]
        return {}

    picture = fine(
        **told,
        image=began,
        denoising_start=recipe.refiner.start,
        callback_on_step_end=remember,
    ).images[0]
    for pipe, scheduler in zip(pipes, own, strict=True):
        pipe.scheduler = scheduler
    return last[0].numpy(), np.array(picture)
