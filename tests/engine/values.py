"""A recipe and a provenance to compare with."""

from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import ModelRef, Recipe

RECIPE = Recipe(model=ModelRef(sha256="0" * 64, name="Test"), prompt="a fox", width=64, height=64)
FINGERPRINT = Fingerprint(
    app="0.1.0",
    python="3.11.7",
    torch="2.13.0",
    diffusers="0.42.1",
    transformers="5.23.0",
    platform="Linux x86_64",
    device="cpu",
    device_name="A processor",
    dtype="float32",
    threads=1,
    cpu_capability="AVX2",
    attention="AttnProcessor2_0",
    deterministic=True,
    batch_size=1,
    rng="torch-cpu-mt19937 float32",
    decode="plain",
    scheduler_class="EulerDiscreteScheduler",
    scheduler_config_sha256="1" * 64,
    timesteps_sha256="2" * 64,
    model_config_sha256="3" * 64,
)
PROVENANCE = Provenance(
    created="2026-11-21T02:30:00Z",
    seconds=1.0,
    noise_sha256="a" * 64,
    latents_sha256="b" * 64,
    pixels_sha256="c" * 64,
    fingerprint=FINGERPRINT,
)
