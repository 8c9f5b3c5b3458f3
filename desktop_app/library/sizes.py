"""Sizes of pictures that a model can make, told from its configs."""

from collections.abc import Mapping
from math import lcm
from typing import cast

from desktop_app.recipe.recipe import HEIGHT, WIDTH

_RATIOS = ((1, 1), (4, 5), (2, 3), (3, 2), (16, 9))
_BLOCKS = ("block_out_channels", "encoder_block_out_channels", "dim_mult")


def factor_of(vae: Mapping[str, object]) -> int:
    """Pixels along a side of one latent pixel; `vae` is the config of the part that decodes."""
    if vae.get("_class_name") == "PaellaVQModel":
        return 4
    names = _BLOCKS if vae.get("_class_name") != "AutoencoderTiny" else _BLOCKS[1:]
    blocks = next((vae[name] for name in names if isinstance(vae.get(name), list)), None)
    count = len(cast(list[object], blocks)) if isinstance(blocks, list) else 4
    return 2 ** (min(max(count, 1), 7) - 1)


def native_size(
    own: Mapping[str, object], denoiser: Mapping[str, object], factor: int
) -> tuple[int, int] | None:
    """Width and height in pixels that a model was trained at; None where nothing says so.

    Args:
        own: what we wrote beside it.
        denoiser: the config of its U-Net or transformer.
    """
    native = _pair(own.get("native_size"))
    if native is None:
        latent = _pair(denoiser.get("sample_size")) or (0, 0)
        native = latent[0] * factor, latent[1] * factor
    return native if legal(native) else None


def sizes_for(
    own: Mapping[str, object], native: tuple[int, int], factor: int, multiple: int
) -> tuple[tuple[int, int], ...]:
    """The sizes to offer, the native one first: those that `own` lists, else the usual shapes.

    Args:
        multiple: of the pixels of a side that the family asks for.
    """
    listed = own.get("sizes")
    if isinstance(listed, list):
        rows = [_pair(row) for row in cast(list[object], listed)[:50]]
        found = [row for row in rows if row and legal(row)]
    else:
        found = [_with_ratio(native, *ratio, factor, multiple) for ratio in _RATIOS]
    return tuple(dict.fromkeys((native, *(size for size in found if legal(size)))))


def _with_ratio(
    native: tuple[int, int], across: int, down: int, factor: int, multiple: int
) -> tuple[int, int]:
    """The size of a shape with the native area, in steps that the network halves without rest."""
    area = native[0] * native[1]
    step = lcm(factor * 4, multiple) if min(native) >= 512 else factor
    width = (area * across / down) ** 0.5
    wide = max(step, round(width / step) * step)
    high = max(step, round(area / width / step) * step)
    return wide, high


def legal(size: tuple[int, int]) -> bool:
    """Whether a recipe may have this width and height."""
    return WIDTH.allows(size[0]) and HEIGHT.allows(size[1])


def _pair(value: object) -> tuple[int, int] | None:
    rows = cast(list[object], value) if isinstance(value, list) else [value, value]
    match rows:
        case [int() as width, int() as height] if 0 < width <= 100_000 and 0 < height <= 100_000:
            return width, height
        case _:
            return None
