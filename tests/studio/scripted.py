"""A second Backend: it makes small pictures at once, waits where it is told to, fails on order."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from desktop_app.engine.backend import DeviceInfo, Rendered, Report, Take
from desktop_app.engine.events import Decoding, Encoding, Frame, Latents, Loading, Step
from desktop_app.recipe.codec import digest
from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import FromStep, ModelRef, Recipe

FINGERPRINT = Fingerprint(
    app="0.1.0",
    python="3.11.0",
    torch="none",
    diffusers="none",
    transformers="none",
    platform="tests",
    device="cpu",
    device_name="script",
    dtype="float32",
    threads=1,
    cpu_capability="none",
    attention="none",
    deterministic=True,
    batch_size=1,
    rng="numpy",
    decode="plain",
    scheduler_class="none",
    scheduler_config_sha256="00",
    timesteps_sha256="00",
    model_config_sha256="00",
)


@dataclass(kw_only=True, slots=True)
class Gate:
    """A place in a render where the test can meet the thread.

    Attributes:
        reached: set by the thread when it stands there.
        open: set by the test to let it go on.
    """

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        self.reached.set()
        if not self.open.wait(20):
            raise TimeoutError("the test never opened the gate")


class ScriptedBackend:
    """Pictures of the recipe's size whose pixels come from its digest.

    Stages, in order: start, loading, encoding, step 1 ... n, latents, decoding.

    Attributes:
        gates: by stage; the thread waits there before it reports.
        faults: by stage; raised there once for each time it is put in.
        rendered: recipes that were finished.
        devices: asked for by each render; empty for the usual one.
        shift: added to every pixel, as other hardware would.
    """

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}
        self.faults: dict[str, list[BaseException]] = {}
        self.rendered: list[Recipe] = []
        self.decoded: list[Recipe] = []
        self.filmed: list[tuple[Recipe, bool, bool]] = []
        self.threads: set[int] = set()
        self.shift = 0
        self.devices: list[str] = []
        self.closed = False
        self.before: Callable[[str], None] = lambda stage: None

    def gate(self, stage: str) -> Gate:
        """Make the thread wait at a stage."""
        return self.gates.setdefault(stage, Gate())

    def fail(self, stage: str, fault: BaseException) -> None:
        """Raise `fault` the next time the stage is reached."""
        self.faults.setdefault(stage, []).append(fault)

    def start(self, report: Report) -> None:
        self._at("start")
        report(Loading(what="engine"))

    def device(self) -> DeviceInfo:
        return DeviceInfo(kind="cpu", name="Script", memory_total=0, memory_used=1)

    def render(
        self,
        recipe: Recipe,
        report: Report,
        *,
        previews: bool = True,
        like: Fingerprint | None = None,
        device: str = "",
    ) -> Rendered:
        self.devices.append(device)
        self._at("loading")
        report(Loading(what=recipe.model.name))
        self._at("encoding")
        report(Encoding())
        small = pixels_of(recipe)[::8, ::8].copy()
        count = recipe.num_inference_steps
        for index in range(1, count + 1):
            self._at(f"step {index}")
            report(
                Step(
                    index=index,
                    count=count,
                    timestep=999.0 - index,
                    sigma=float(count - index),
                    preview=small.copy() if previews else None,
                    seconds=0.01,
                    noisy=255 - small if previews else None,
                    shared=isinstance(recipe.start, FromStep) and index <= recipe.start.step,
                )
            )
        self._at("latents")
        report(Latents(latents=np.zeros((1, 4, 2, 2), np.float32), noise_sha256="11" * 32))
        rendered = self._decode(recipe, report)
        self.rendered.append(recipe)
        return rendered

    def decode(self, recipe: Recipe, latents: Latents, report: Report) -> Rendered:
        self.decoded.append(recipe)
        return self._decode(recipe, report)

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
        count = recipe.num_inference_steps
        for index in [only] if only else range(1, count + 1):
            self._at(f"frame {index}")
            report(Frame(index=index, count=count))
            pixels = pixels_of(recipe) if index == count else np.full_like(pixels_of(recipe), index)
            take(index, count, pixels[::8, ::8].copy() if small else pixels)
        self.filmed.append((recipe, noisy, small))

    def close(self) -> None:
        self.closed = True

    def _decode(self, recipe: Recipe, report: Report) -> Rendered:
        self._at("decoding")
        report(Decoding(way="plain"))
        return rendered(recipe, self.shift)

    def _at(self, stage: str) -> None:
        self.threads.add(threading.get_ident())
        self.before(stage)
        gate = self.gates.get(stage)
        if gate is not None:
            gate.wait()
        faults = self.faults.get(stage)
        if faults:
            raise faults.pop(0)


def rendered(recipe: Recipe, shift: int = 0) -> Rendered:
    """The picture of a recipe, with all that is said about it.

    Args:
        shift: added to every pixel.
    """
    pixels = pixels_of(recipe)
    pixels = np.clip(pixels.astype(np.int16) + shift, 0, 255).astype(np.uint8)
    provenance = Provenance(
        created="2026-11-21T02:30:00Z",
        seconds=0.1,
        noise_sha256="11" * 32,
        latents_sha256="22" * 32,
        pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        fingerprint=replace(FINGERPRINT, device_name="other" if shift else "script"),
    )
    return Rendered(recipe=recipe, provenance=provenance, pixels=pixels)


def pixels_of(recipe: Recipe) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """(H, W, 3) uint8, the same for the same recipe."""
    rng = np.random.default_rng(int(digest(recipe)[:16], 16))
    return rng.integers(0, 240, (recipe.height, recipe.width, 3), np.uint8)


def save_picture(path: Path, *, prompt: str, seed: int) -> Recipe:
    """Write a PNG as the store writes it, at 64 x 64 pixels; returns its recipe."""
    from desktop_app.store.metadata import write_png

    model = ModelRef(sha256="ab" * 32, name="Elsewhere")
    recipe = Recipe(model=model, prompt=prompt, seed=seed, width=64, height=64)
    made = rendered(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_png(made.pixels, recipe, made.provenance))
    return recipe
