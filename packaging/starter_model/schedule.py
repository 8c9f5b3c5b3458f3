"""Forward diffusion: a cosine of capped noise, the timesteps trained on, and the loss in v."""

from collections.abc import Callable
from functools import cache

import torch
from diffusers import DDIMScheduler
from torch import Tensor

MASK_WEIGHT = 2.0
BETA_CAP = 0.2  # the bare cosine ends at sigma 20,000, where Heun and Karras sigmas break down


def scheduler() -> DDIMScheduler:
    """Return the scheduler the model is trained and shipped with (v-prediction, trailing steps)."""
    cosine = DDIMScheduler(beta_schedule="squaredcos_cap_v2").betas.clamp(max=BETA_CAP)
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        trained_betas=[round(float(b), 10) for b in cosine],
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,  # without effect on trailing steps, but StableDiffusionPipeline asks for it
        clip_sample=False,
    )


@cache
def alphas() -> Tensor:
    """Return how much of the picture is left at each of the 1000 timesteps (cumulated, squared)."""
    return scheduler().alphas_cumprod


def timesteps(count: int, noise: torch.Generator) -> Tensor:
    """Return timesteps in 0..999: half spread evenly, half drawn towards the middle."""
    even = (torch.arange(count) + torch.rand(count, generator=noise)) / count
    middle = torch.sigmoid(torch.randn(count, generator=noise))
    pick = torch.rand(count, generator=noise) < 0.5
    return (torch.where(pick, even, middle) * 1000).long().clamp(0, 999)


def v_loss(
    predict: Callable[[Tensor, Tensor], Tensor],
    clean: Tensor,
    *,
    noise: Tensor,
    times: Tensor,
    cover: Tensor,
) -> Tensor:
    """Return the mean squared error in v (Salimans and Ho, 2022), subjects counting more.

    Args:
        predict: returns v, like `clean`, for noisy latents and their timesteps.
        clean: scaled latents, n x 4 x h x w; `noise` is like them.
        times: n timesteps in 0..999.
        cover: how much of each cell the subject covers, uint8, n x h x w.
    """
    alpha = alphas().to(times.device)[times].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    target = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
    weight = 1 + MASK_WEIGHT * cover[:, None].float() / 255
    error = (predict(noisy, times).float() - target).square() * (weight / weight.mean())
    return error.mean()
