"""Provenance: how a picture was made on this machine, and the hashes that prove it."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What could change a pixel although the recipe is the same.

    All values are plain text or numbers, so that two fingerprints can be compared by anyone.

    Attributes:
        rng: how noise is drawn, such as `torch-cpu-mt19937 float32`.
        attention: the attention implementation in use.
        threads: CPU threads torch computes with.
        cpu_capability: the vector instructions torch chose, such as `AVX512`.
        batch_size: pictures in one forward pass.
        decode: the way the latent was decoded: `plain`, `tiled`, `float32` or `cpu`.
        scheduler_class: the diffusers class.
        scheduler_config_sha256: of the class's full config as canonical JSON.
        timesteps_sha256: of the timesteps and noise levels actually used, float64 little-endian.
        model_config_sha256: of the configs of all components (not the weights).
    """

    app: str
    python: str
    torch: str
    diffusers: str
    transformers: str
    platform: str
    device: str
    device_name: str
    dtype: str
    threads: int
    cpu_capability: str
    attention: str
    deterministic: bool
    batch_size: int
    rng: str
    decode: str
    scheduler_class: str
    scheduler_config_sha256: str
    timesteps_sha256: str
    model_config_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Stands beside the recipe in the picture; not part of the recipe's digest.

    Attributes:
        created: UTC, ISO 8601 with seconds, such as `2026-11-21T02:30:00Z`.
        seconds: from the first step to the decoded picture.
        noise_sha256: of the initial noise, float32 little-endian, shape (1, C, H/f, W/f), unscaled.
        latents_sha256: of the final latent in its own dtype, little-endian, before the decode.
        pixels_sha256: of the RGB pixels, 8 bit, row by row.
        notes: what had to be done differently, one sentence each (a retry of the decode, say).
    """

    created: str
    seconds: float
    noise_sha256: str
    latents_sha256: str
    pixels_sha256: str
    fingerprint: Fingerprint
    notes: tuple[str, ...] = ()


# In the order of likelihood: what most often makes the same recipe give other pixels stands first.
_WORDS: dict[str, str] = {
    "device": "computed on {0}, now on {1}",
    "device_name": "computed by {0}, now by {1}",
    "dtype": "computed in {0}, now in {1}",
    "threads": "computed with {0} threads, now with {1}",
    "batch_size": "{0} pictures were computed at once, now {1}",
    "decode": "the latent was decoded the {0} way, now the {1} way",
    "torch": "made with torch {0}, now torch {1}",
    "diffusers": "made with diffusers {0}, now diffusers {1}",
    "transformers": "made with transformers {0}, now transformers {1}",
    "cpu_capability": "the processor's instructions were {0}, now {1}",
    "attention": "attention was computed by {0}, now by {1}",
    "deterministic": "deterministic algorithms were {0}, now {1}",
    "rng": "noise was drawn as {0}, now as {1}",
    "scheduler_class": "the sampler was {0}, now {1}",
    "scheduler_config_sha256": "the sampler's settings differ",
    "timesteps_sha256": "the sampler's noise levels differ",
    "model_config_sha256": "the model's configuration differs",
    "platform": "made on {0}, now on {1}",
    "python": "made with Python {0}, now Python {1}",
    "app": "made by Mezzotint {0}, now {1}",
}
assert set(_WORDS) == {f.name for f in fields(Fingerprint)}


def differences(then: Fingerprint, now: Fingerprint) -> tuple[str, ...]:
    """Every difference between two fingerprints as a clause, the likeliest cause first."""
    found: list[str] = []
    for name, words in _WORDS.items():
        old, new = getattr(then, name), getattr(now, name)
        if old != new:
            found.append(words.format(_plain(old), _plain(new)))
    return tuple(found)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
