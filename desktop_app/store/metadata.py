"""The recipe in the file: writes PNGs that say how they were made, and reads any program's."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from desktop_app import __version__
from desktop_app.errors import AppError
from desktop_app.recipe import codec, infotext, infotext_writing
from desktop_app.recipe.foreign import NO_FILES, Files, Infotext, NamedModels
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import Recipe
from desktop_app.store.containers import Container, open_container

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

APP = f"Mezzotint {__version__}"
KEYWORD = "mezzotint"
"""Of our own iTXt chunk: canonical JSON of `recipe`, `provenance` and `app`."""

# https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="{app}"
    Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_FOREIGN_KEYS = ("parameters", "UserComment", "invokeai_metadata", "Comment", "ImageDescription")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What a picture file says about how it was made.

    Attributes:
        recipe: ours, whole; None for other programs' pictures.
        provenance: stands only beside a recipe.
        draft_changes: fields of a Draft with valid values, from another program's words; None when
            there is a recipe or nothing was understood.
        infotext: the text in A1111's form as it stands in the file.
        width: pixels as stored; so is `height`.
        problem: one sentence when something is wrong with the file or its record, else empty.
        model_name: the model that another program names, and the first digits of its hash.
        named: the other models that it names.
        notes: one sentence for each value that was clamped or left out.
    """

    recipe: Recipe | None
    provenance: Provenance | None
    draft_changes: Mapping[str, object] | None
    infotext: str | None
    width: int
    height: int
    problem: str = ""
    model_name: str = ""
    model_hash: str = ""
    named: NamedModels = field(default_factory=NamedModels)
    notes: tuple[str, ...] = ()


def write_png(
    pixels: "NDArray[np.uint8]",
    recipe: Recipe,
    provenance: Provenance,
    *,
    compress_level: int = 1,
    files: Files = NO_FILES,
) -> bytes:
    """A PNG of the pixels that says how they were made, in our words and in A1111's.

    The texts are not compressed, for readers refuse large compressed ones, and stand before the
    pixels. The bytes of the pixels are unchanged: read back, they have the hash they had.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        compress_level: zlib's, 0 to 9; 1 is four times as fast as 6 for a file 15 % larger.
        files: what other programs call the models; see `infotext_writing.write`.
    """
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add(b"sRGB", b"\0")
    info.add_text("parameters", infotext_writing.write(recipe, app=APP, files=files))
    info.add_itxt(KEYWORD, record_text(recipe, provenance))
    info.add_itxt("XML:com.adobe.xmp", _XMP.format(app=APP))
    info.add_text("Software", APP)
    return _encode(pixels, compress_level, info)


def write_plain_png(pixels: "NDArray[np.uint8]", *, compress_level: int = 1) -> bytes:
    """A PNG of the pixels alone, for copies that should not tell the prompt."""
    return _encode(pixels, compress_level, None)


def record_text(recipe: Recipe, provenance: Provenance) -> str:
    """What our own chunk holds."""
    return codec.dumps(
        {
            "app": APP,
            "provenance": codec.provenance_to_json(provenance),
            "recipe": codec.recipe_to_json(recipe),
        }
    )


def pixels_sha256(pixels: "NDArray[np.uint8]") -> str:
    """The hash that `Provenance.pixels_sha256` holds: of the RGB bytes, row by row."""
    import numpy as np

    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def read_picture(path: Path) -> Imported:
    """What a PNG, JPEG or WebP file says, without decoding its pixels.

    Our own record wins; then A1111's infotext (also in EXIF), then JSON of other programs.
    Everything found is bounded and checked; nothing in it is run or followed.

    Raises:
        AppError: `not-a-picture`, `picture-damaged` or a `file-…` error.
    """
    return read_container(open_container(path))


def read_infotext(text: str) -> Mapping[str, object]:
    """Fields of a Draft with valid values, from settings in words such as those on a clipboard.

    Raises:
        AppError: `no-infotext` when the text says nothing that is understood.
    """
    found = infotext.read(text)
    if found is None or not found.changes:
        raise AppError(
            "no-infotext",
            "The words do not say how a picture is made.",
            hint="Settings have a line that begins with “Steps:”.",
        )
    return found.changes


def read_container(container: Container) -> Imported:
    """As `read_picture`, for a file that was opened already."""
    problem = "" if container.whole else "The file is cut short."
    own = container.text(KEYWORD) if container.kind == "png" else None
    recipe: Recipe | None = None
    provenance: Provenance | None = None
    if own is not None:
        try:
            recipe, provenance = _own(own)
        except AppError as refusal:
            problem = problem or str(refusal)
    if recipe and (recipe.width, recipe.height) != (container.width, container.height):
        problem = problem or "The picture's size was changed after it was made."
    if recipe:
        words, found = container.text("parameters"), None
    else:
        words, found = _foreign(container)
    return Imported(
        recipe=recipe,
        provenance=provenance,
        draft_changes=found.changes if found else None,
        infotext=words,
        width=container.width,
        height=container.height,
        problem=problem,
        model_name=found.model_name if found else "",
        model_hash=found.model_hash if found else "",
        named=found.named if found else NamedModels(),
        notes=found.notes if found else (),
    )


def _own(text: str) -> tuple[Recipe, Provenance]:
    data = codec.loads(text)
    if not isinstance(data, dict):
        raise AppError("recipe-fields", "The record in the picture is not readable.")
    parts = cast(dict[str, object], data)
    return (
        codec.recipe_from_json(parts.get("recipe")),
        codec.provenance_from_json(parts.get("provenance")),
    )


def _foreign(container: Container) -> tuple[str | None, Infotext | None]:
    """The first text that is understood, as it stands and as it is understood."""
    unread: str | None = None
    for keyword in _FOREIGN_KEYS:
        for text in (text for name, text in container.texts if name == keyword):
            found = infotext.read(text)
            if found is not None:
                return text, found
            if keyword == "parameters" and len(text) <= infotext.TEXT_MAX:
                unread = unread or text
    return unread, None


def _encode(pixels: "NDArray[np.uint8]", compress_level: int, info: object) -> bytes:
    import numpy as np
    from PIL import Image

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"pixels are (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    stream = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(stream, format="PNG", compress_level=compress_level, pnginfo=info)
    return stream.getvalue()
