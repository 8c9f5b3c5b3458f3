"""Provenance: how a picture was made on this machine, and the hashes that prove it."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from desktop_app.errors import AppError

OriginKind = Literal["variation", "branch", "explorer", "grid", "settings"]
ORIGIN_KINDS: tuple[OriginKind, ...] = get_args(OriginKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Which picture another one was derived from, and how.

    Attributes:
        picture: sha256 of that picture's pixels, 64 lower-case hex digits: it is found wherever it
            lies, and if it is gone the tie stays. Empty for a cell of a grid that was made of no
            picture.
        kind: the change: other noise mixed in, a branch from a step, a place on the explorer's map,
            a cell of a grid, or its settings taken up and altered.
        sheet: which grid it is a cell of, 16 lower-case hex digits; empty for none.
    """

    picture: str
    kind: OriginKind
    sheet: str = ""

    def __post_init__(self) -> None:
        if not _is_hash(self.picture, 64) and (self.picture or not self.sheet):
            raise AppError("origin", "The picture this one comes from has no readable hash.")
        if self.sheet and not _is_hash(self.sheet, 16):
            raise AppError("origin", "The grid that this picture is a cell of has no readable id.")
        if self.kind not in ORIGIN_KINDS:
            raise AppError("origin", f"A picture cannot come from another by {self.kind!r:.40}.")


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
        origin: what it was derived from; None for a picture of its own.
    """

    created: str
    seconds: float
    noise_sha256: str
    latents_sha256: str
    pixels_sha256: str
    fingerprint: Fingerprint
    notes: tuple[str, ...] = ()
    origin: Origin | None = None


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
FINGERPRINT_ORDER = tuple(_WORDS)
"""The fields of a Fingerprint, the one that most often matters first."""


def differences(then: Fingerprint, now: Fingerprint) -> tuple[str, ...]:
    """Every difference between two fingerprints as a clause, the likeliest cause first."""
    found: list[str] = []
    for name, words in _WORDS.items():
        old, new = getattr(then, name), getattr(now, name)
        if old != new:
            found.append(words.format(_plain(old), _plain(new)))
    return tuple(found)


def _is_hash(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
