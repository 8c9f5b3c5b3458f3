"""One model family: what it is built of, what it is best used with, and what it can do."""

from dataclasses import dataclass
from typing import Literal, cast

from desktop_app.recipe.samplers import ALL_SIGMAS, SAMPLERS, Sigmas

Library = Literal["diffusers", "transformers"]
Control = Literal[
    "negative_prompt", "guidance_scale", "scheduler", "sigmas", "clip_skip", "tiling", "weights"
]
"""What the sidebar may show for a family beside prompt, size, seed and steps.

`weights` stands for the prompt's syntax: (word:1.2), BREAK and prompts of any length.
"""
Task = Literal["text", "refine"]
_SETTINGS_MAX = 100
_WEIGHTLESS = ("Tokenizer", "TokenizerFast", "TokenizersBackend", "Scheduler", "Processor")


def is_setting(value: object) -> bool:
    """Whether what an index says is a setting of the pipeline: a plain number, or a list of some.

    Such as SDXL's `force_zeros_for_empty_prompt`; a component is a pair of words.
    """
    rows: list[object] = cast(list[object], value) if isinstance(value, list) else [value]
    return 0 < len(rows) <= _SETTINGS_MAX and all(
        isinstance(one, bool | int | float) for one in rows
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A component of a pipeline, and the classes it may have. No other class is ever loaded.

    Attributes:
        needed: whether the pipeline cannot work without it.
        named: what the index of a folder calls the library, where that is another word.
        read_as: the class that is loaded whatever the index names; empty for the one it names.
        hint: where it is to be had, for one that folders often lack.
    """

    name: str
    library: Library
    classes: tuple[str, ...]
    needed: bool = True
    named: str = ""
    read_as: str = ""
    hint: str = ""

    @property
    def index_library(self) -> str:
        """The library as the index of a folder mostly names it."""
        return self.named or self.library

    def is_of(self, library: str) -> bool:
        """Whether an index may name this library for it."""
        return library in (self.named, self.library) and library != ""

    @property
    def has_weights(self) -> bool:
        """Whether it has tensors of its own."""
        return not self.classes[0].endswith(_WEIGHTLESS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One row of the table.

    Attributes:
        key: what a catalogue stores.
        label: what the artist reads.
        pipelines: the classes in diffusers that make a picture from text; the first is the usual.
        parts: of these pipelines.
        native: side in pixels of the square it was trained at.
        multiple: sizes are multiples of this many pixels.
        sized: whether the config of its network tells the native size of a model.
        sizes: the only widths and heights that it makes; none where it makes all such multiples.
        steps, guidance_scale, scheduler, sigmas: what it works best with.
        schedulers: keys of the samplers that can be used with it.
        spacings: of the noise levels that its pipelines can be told.
        controls: what the sidebar shows.
        branches: whether a picture can go on from a step of another.
        adapters: kinds of files that can be attached: `lora`, `embedding`.
        tasks: `text` makes pictures from text, `refine` only works on another picture.
        refiner: key of the family that can take the last steps; empty where none can.
        latent_channels: of the latent as it is previewed; 0 where models of the family differ.
    """

    key: str
    label: str
    pipelines: tuple[str, ...]
    parts: tuple[Part, ...]
    native: int
    multiple: int = 8
    sized: bool = True
    sizes: tuple[tuple[int, int], ...] = ()
    steps: int = 25
    guidance_scale: float = 7.0
    scheduler: str = "dpmpp_2m"
    sigmas: Sigmas = "karras"
    schedulers: tuple[str, ...] = tuple(SAMPLERS)
    spacings: tuple[Sigmas, ...] = ALL_SIGMAS
    controls: tuple[Control, ...]
    branches: bool = True
    adapters: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ("text",)
    refiner: str = ""
    latent_channels: int = 4

    def part(self, name: str) -> Part | None:
        """The component of that name, if the family has it."""
        return next((part for part in self.parts if part.name == name), None)

    def samples(self, scheduler: str, sigmas: Sigmas) -> bool:
        """Whether it can be used with that sampler and that spacing of the noise levels."""
        spaced = sigmas == "default" or ("sigmas" in self.controls and sigmas in self.spacings)
        return scheduler in self.schedulers and spaced
