"""How much each component of a model holds, counted from the headers of its files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.weights import gguf, headers
from desktop_app.weights.headers import Header, Tensor
from desktop_app.weights.variants import WEIGHTS, files_in

PREFIXES = {
    "model.diffusion_model.": "unet",
    "first_stage_model.": "vae",
    "vae.": "vae",
    "cond_stage_model.": "text_encoder",
    "conditioner.": "text_encoder",
    "text_encoders.": "text_encoder",
}
"""The components in a checkpoint of one file, by the beginning of their tensors' names."""
CONVOLUTIONS = ("input_blocks.", "down_blocks.")
"""Names that a UNet has and a transformer has not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the components of a model hold.

    Attributes:
        numbers: by component, those that take the precision that is computed with.
        packed: by component, bytes of weights in blocks that stay as they are (GGUF, bitsandbytes).
    """

    numbers: dict[str, int] = field(default_factory=dict[str, int])
    packed: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, part: str, rows: Iterable[Tensor]) -> None:
        """Count further tensors of a component."""
        for row in rows:
            if row.dtype[:1] == "F" or row.dtype == "BF16":
                self.numbers[part] = self.numbers.get(part, 0) + prod(row.shape)
            else:
                self.packed[part] = self.packed.get(part, 0) + row.end - row.start

    @property
    def components(self) -> set[str]:
        """The names of those that hold anything."""
        return self.numbers.keys() | self.packed.keys()

    @property
    def wide(self) -> bool:
        """Whether it is a transformer: their numbers can be too large for float16."""
        return "transformer" in self.numbers or "transformer" in self.packed


def held_by(place: Path) -> Held:
    """What a model on disk holds: a folder in diffusers format, or a file.

    What cannot be read is left out: loading it will say why.
    """
    held = Held()
    if place.is_file():
        _add_file(held, _header(place))
        return held
    for part in sorted(place.glob("*/")):
        for name in WEIGHTS.values():
            for path in files_in(part, name):
                held.add(part.name, _header(path).tensors.values())
    return held


def add_lent(held: Held, vae: Path | None, text_encoders: Iterable[Path]) -> None:
    """Count the files that complete a network; those of a whole model are attached to it later."""
    if not held.components & {"vae", "text_encoder"} and vae is not None:
        held.add("vae", _header(vae).tensors.values())
    if "text_encoder" not in held.components:
        for path in text_encoders:
            held.add("text_encoder", _header(path).tensors.values())


def _add_file(held: Held, header: Header) -> None:
    """Count a file by the components in it; one without their names is a network alone."""
    names = header.tensors
    unet = any(mark in name for name in names for mark in CONVOLUTIONS)
    network = "unet" if unet else "transformer"
    whole = not any(name.startswith(start) for name in names for start in PREFIXES)
    for name, row in names.items():
        part = next((one for start, one in PREFIXES.items() if name.startswith(start)), "")
        if part == "unet" or whole:
            held.add(network, [row])
        elif part:
            held.add(part, [row])


def _header(path: Path) -> Header:
    read = gguf.read_header if path.suffix.lower() == ".gguf" else headers.read_header
    try:
        return read(path)
    except AppError:
        return Header(tensors={}, data_start=0, size=0)
