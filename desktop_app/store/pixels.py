"""Pixels of picture files, decoded within bounds, upright and in sRGB; and small copies of them."""

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import AppError
from desktop_app.store.containers import FILE_MAX, parse_container
from desktop_app.store.files import read_bounded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

PIXELS_MAX = 64_000_000
"""A picture with more is refused before it is decoded (192 MB as RGB)."""
THUMBNAIL = 400
"""Pixels: the longer side of a thumbnail at most."""

# What Pillow's decoders are known to raise for bytes that are no picture; found by fuzzing.
_DECODE_FAULTS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    SyntaxError,
    EOFError,
    struct.error,
)


def read_pixels(path: Path) -> "NDArray[np.uint8]":
    """The picture in a file, (H, W, 3) uint8 sRGB, turned upright; our own PNGs byte for byte.

    Raises:
        AppError: `picture-size`, `picture-damaged`, `not-a-picture` or a `file-…` error.
    """
    return decode(read_bounded(path, FILE_MAX), path.name)


def decode(data: bytes, name: str = "picture") -> "NDArray[np.uint8]":
    """As `read_pixels`, for the bytes of a file."""
    import numpy as np
    from PIL import Image, ImageOps

    size = parse_container(data, name)
    if size.width * size.height > PIXELS_MAX:
        raise AppError(
            "picture-size",
            f"“{name}” has {size.width}×{size.height} pixels; at most"
            f" {PIXELS_MAX // 1_000_000} million can be opened.",
        )
    try:
        with Image.open(io.BytesIO(data), formats=[size.kind]) as image:
            if (image.width, image.height) != (size.width, size.height):
                raise AppError("picture-damaged", f"“{name}” does not agree about its size.")
            image.load()
            upright = image if size.kind == "png" else ImageOps.exif_transpose(image)
            return np.array(_rgb(upright), dtype=np.uint8)
    except MemoryError as fault:
        raise AppError("no-memory", f"There is no memory left to open “{name}”.") from fault
    except (*_DECODE_FAULTS, Image.DecompressionBombError) as fault:
        raise AppError("picture-damaged", f"“{name}” is damaged or cut short.") from fault


def thumbnail_jpeg(pixels: "NDArray[np.uint8]") -> bytes:
    """A JPEG of the picture, its longer side at most `THUMBNAIL` pixels, quality 85."""
    from PIL import Image

    image = Image.fromarray(pixels)
    # Small pictures are shown larger than they are, where halved colour would be seen.
    small = max(image.size) <= THUMBNAIL
    image.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=3.0)
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=85, subsampling=0 if small else 2)
    return stream.getvalue()


def _rgb(image: "Image") -> "Image":
    from PIL import Image

    profile: object = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits a channel and more
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    if isinstance(profile, bytes) and profile and image.mode in ("RGB", "CMYK", "L"):
        image = _in_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _in_srgb(image: "Image", profile: bytes) -> "Image":
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore
        changed = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a broken profile: the numbers are all there is
    return image if changed is None else changed
