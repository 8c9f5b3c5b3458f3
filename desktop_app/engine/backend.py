"""The Protocol that a place to render offers; imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from desktop_app.engine.events import Event, Latents
from desktop_app.engine.plan import Place
from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Report = Callable[[Event], None]
"""Called in the rendering thread; raises `errors.Cancelled` to stop."""
Take = Callable[[int, int, "NDArray[np.uint8]"], None]
"""Called with the number of a frame, 1 ... count, the count, and pixels (h, w, 3) RGB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A finished picture.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
    """

    recipe: Recipe
    provenance: Provenance
    pixels: "NDArray[np.uint8]"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceChoice:
    """A device that pictures can be made on.

    Attributes:
        key: as torch names it, such as `cuda:1`.
        name: as the maker calls it.
    """

    key: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceInfo:
    """Where the work is done.

    Attributes:
        kind: `cpu`, `cuda`, `mps` or `xpu`.
        name: as the maker calls it.
        memory_total: bytes; 0 when it cannot be known.
        memory_used: bytes, by all programs on a GPU, by this one on a CPU.
        place: what a plan of the memory has to know of it; None where none is made.
        choices: all devices here that pictures can be made on, this one too.
    """

    kind: str
    name: str
    memory_total: int
    memory_used: int
    place: Place | None = None
    choices: tuple[DeviceChoice, ...] = ()


class Backend(Protocol):
    """A place to render: this machine's device; later perhaps another machine's.

    All methods are called from one thread only.
    """

    def start(self, report: Report) -> None:
        """Bring the engine into memory (imports of torch and diffusers); safe to call again."""
        ...

    def device(self) -> DeviceInfo:
        """What the artist sees in the top bar; only after `start`."""
        ...

    def render(
        self,
        recipe: Recipe,
        report: Report,
        *,
        previews: bool = True,
        like: Fingerprint | None = None,
        device: str = "",
    ) -> Rendered:
        """Make the picture of a recipe.

        Args:
            like: compute as it was computed then, as far as this place can without another device:
                with as many threads, which change the last bits on a CPU.
            device: another one for this picture alone, such as `cpu`; empty for the usual one.

        Raises:
            AppError: for what the artist can act on (model missing, no memory ...).
            Cancelled: when `report` raised it.
        """
        ...

    def decode(self, recipe: Recipe, latents: Latents, report: Report) -> Rendered:
        """Finish a picture whose latent was kept in the journal.

        Raises:
            AppError, Cancelled: as `render`.
        """
        ...

    def film(
        self,
        recipe: Recipe,
        report: Report,
        take: Take,
        *,
        noisy: bool,
        small: bool,
        only: int = 0,
    ) -> None:
        """Make a picture of each step of a recipe, the last one of the finished picture.

        Args:
            take: is given each one as it is made; may raise to stop.
            noisy: the state after each step, instead of what the network saw in it.
            small: quickly, at the size of the latent, instead of by the decoder.
            only: this step alone, and nothing when it is not kept; 0 for all.

        Raises:
            AppError, Cancelled: as `render`.
        """
        ...

    def close(self) -> None:
        """Free the memory; the backend can be started again."""
        ...
