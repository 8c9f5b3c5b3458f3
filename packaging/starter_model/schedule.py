"""The noise schedule: a cosine whose betas are capped, so that every sampler works on it."""

from functools import cache

from diffusers import DDIMScheduler
from torch import Tensor

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
