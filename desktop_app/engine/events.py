"""What a render tells while it works: plain values and numpy arrays; imports no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.engine.plan import Keeping

DecodeWay = Literal["plain", "tiled", "float32", "cpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loading:
    """The engine or the model is being brought into memory.

    Attributes:
        what: the model's name, or `engine` while torch and diffusers are imported.
        keeping: where and in what form the model will be kept, once that is planned.
    """

    what: str
    keeping: "Keeping | None" = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """The prompt is being turned into embeddings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One denoising step is done.

    Attributes:
        index: 1 ... count; count can be above the recipe's steps for samplers that look twice.
        timestep: the network's time, 999 is all noise.
        sigma: the noise level this step started from, sigma = sqrt((1 - a) / a) for a = cumulative
            alpha: comparable across samplers.
        preview: predicted x0 as RGB, (H/f, W/f, 3) uint8, owned by the receiver; None when previews
            are off.
        seconds: this step alone.
        noisy: the state after the step likewise, as much of it noise as there is.
        shared: whether the step is that of the picture that this one is branched from.
    """

    index: int
    count: int
    timestep: float
    sigma: float
    preview: "NDArray[np.uint8] | None"
    seconds: float
    noisy: "NDArray[np.uint8] | None" = None
    shared: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Latents:
    """The last step is done; sent before the decode, so that it can be kept.

    Attributes:
        latents: (1, C, H/f, W/f) float32, owned by the receiver.
        noise_sha256: of the initial noise; a decode on a later day needs it for the provenance.
    """

    latents: "NDArray[np.float32]"
    noise_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """The latent is being turned into pixels; a second one says that another way is tried."""

    way: DecodeWay


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A step is being turned into a picture of a film.

    Attributes:
        index: 1 ... count.
    """

    index: int
    count: int


Event = Loading | Encoding | Step | Latents | Decoding | Frame
