"""The model families by the words artists know: how each is built, called and best used."""

from desktop_app.recipe.family import Family
from desktop_app.recipe.family_flows import FLOWING
from desktop_app.recipe.family_rows import DIFFUSING

_ROWS = (*DIFFUSING, *FLOWING)
_RENAMED = {
    "LuminaText2ImgPipeline": "LuminaPipeline",
    "Lumina2Text2ImgPipeline": "Lumina2Pipeline",
}
"""Pipelines that were published by another name."""
FAMILIES: dict[str, Family] = {row.key: row for row in _ROWS}


def families_of(pipeline: str) -> tuple[Family, ...]:
    """The families that a pipeline class belongs to; more than one share Stable Diffusion's."""
    name = present_name(pipeline)
    return tuple(row for row in _ROWS if name in row.pipelines)


def present_name(pipeline: str) -> str:
    """The name in diffusers of a pipeline class that an index names."""
    return _RENAMED.get(pipeline, pipeline)


def stable_family(cross_attention_dim: object) -> Family:
    """Which Stable Diffusion a UNet belongs to, told by the numbers it takes for each word.

    Version 1 reads CLIP ViT-L (768), version 2 OpenCLIP ViT-H (1024).
    """
    return FAMILIES["sd2" if cross_attention_dim == 1024 else "sd1"]
