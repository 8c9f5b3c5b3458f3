"""Which files in a component's folder its weights are loaded from: in full, or a copy in halves."""

from collections.abc import Mapping
from pathlib import Path

WEIGHTS: Mapping[str, str] = {
    "transformers": "model.safetensors",
    "diffusers": "diffusion_pytorch_model.safetensors",
}
"""Library of a component -> the file that its tensors are loaded from."""
VARIANTS = ("fp16", "bf16")
"""Words in the names of copies in half precision; only loaded where the full weights are not."""


def variant_in(place: Path, name: str) -> str | None:
    """The variant that is loaded from a folder; empty for the full weights, None for nothing.

    Args:
        name: of the file with the full weights, such as `model.safetensors`.
    """
    for variant in ("", *VARIANTS):
        whole, index = with_variant(name, variant), with_variant(f"{name}.index.json", variant)
        if (place / whole).is_file() or (place / index).is_file():
            return variant
    return None


def files_in(place: Path, name: str) -> list[Path]:
    """The file of the weights in a folder, or its pieces; see `variant_in`."""
    variant = variant_in(place, name) or ""
    whole = place / with_variant(name, variant)
    if whole.is_file():
        return [whole]
    marks = [f".{one}" for one in VARIANTS]
    wanted = [mark for mark in marks if mark == f".{variant}"]
    pieces = place.glob(f"{name.partition('.')[0]}*-of-*.safetensors")
    return sorted(path for path in pieces if [m for m in marks if m in path.name] == wanted)


def with_variant(name: str, variant: str) -> str:
    """A file's name as diffusers and transformers write it for a variant; empty for none."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{variant}.{suffix}" if variant else name
