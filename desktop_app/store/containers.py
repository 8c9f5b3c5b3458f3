"""What PNG, JPEG and WebP files hold beside their pixels, read within bounds, not decoded."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from desktop_app.errors import AppError
from desktop_app.store.files import opened

FILE_MAX = 256 * 1024 * 1024
"""Bytes: a larger file is not read."""
TEXT_MAX = 4 * 1024 * 1024
"""Bytes of one text, unpacked; longer ones are left out."""
ALL_TEXT_MAX = 16 * 1024 * 1024
PARTS_MAX = 200_000
TEXTS_MAX = 200

_Data = TypeVar("_Data")
_PNG = b"\x89PNG\r\n\x1a\n"
_USER_COMMENT = 0x9286
_IMAGE_DESCRIPTION = 0x010E
_EXIF_IFD = 0x8769
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One picture file, opened.

    Attributes:
        kind: `png`, `jpeg` or `webp`.
        width: pixels as stored, before any rotation; so is `height`.
        texts: keyword and text, in the order of the file; of EXIF the user comments, under
            `UserComment`, and of XMP the packet, under `XML:com.adobe.xmp`.
        whole: whether the file's structure goes on to its end; a file cut short is not whole.
    """

    kind: str
    width: int
    height: int
    texts: tuple[tuple[str, str], ...]
    whole: bool

    def text(self, keyword: str) -> str | None:
        """The first text under a keyword."""
        return next((text for name, text in self.texts if name == keyword), None)


def open_container(path: Path) -> Container:
    """Read the texts and sizes of a picture file.

    Raises:
        AppError: `not-a-picture` for anything but a PNG, JPEG or WebP file; `file-…` errors when
            it cannot be read.
    """
    with opened(path) as stream:
        pieces = _Pieces(stream)
        if len(pieces) > FILE_MAX:
            raise AppError("file-size", f"“{path}” is too large to be real.", path=str(path))
        if pieces[: len(_PNG)] == _PNG:
            # Most of a PNG is pixels, which are stepped over: a gallery is read in minutes, not
            # hours.
            return _checked(_png, pieces, path.name)
        return parse_container(pieces[: len(pieces)], path.name)


def parse_container(data: bytes, name: str = "picture") -> Container:
    """As `open_container`, for the bytes of a file."""
    if data.startswith(_PNG):
        return _checked(_png, data, name)
    if data.startswith(b"\xff\xd8\xff"):
        return _checked(_jpeg, data, name)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _checked(_webp, data, name)
    raise AppError("not-a-picture", f"“{name}” is no PNG, JPEG or WebP picture.")


def _checked(reader: Callable[[_Data], Container], data: _Data, name: str) -> Container:
    try:
        found = reader(data)
    except (struct.error, IndexError) as fault:
        raise AppError("picture-damaged", f"“{name}” is cut short.") from fault
    if found.width < 1 or found.height < 1:
        raise AppError("picture-damaged", f"“{name}” has no size.")
    return found


class _Pieces:
    """The bytes of an open file, of which only those asked for are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._length = os.fstat(stream.fileno()).st_size

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, part: slice) -> bytes:
        self._stream.seek(part.start or 0)
        return self._stream.read(part.stop - (part.start or 0))


class _Texts:
    """Texts as they are found, up to the bounds."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self._room = ALL_TEXT_MAX

    def add(self, keyword: str, text: str) -> None:
        if len(self.rows) < TEXTS_MAX and len(text) <= min(TEXT_MAX, self._room):
            self._room -= len(text)
            self.rows.append((keyword, text))


def _png(data: "bytes | _Pieces") -> Container:
    width, height = struct.unpack(">II", data[16:24])
    texts = _Texts()
    whole = False
    place = 8
    for _ in range(PARTS_MAX):
        if place + 12 > len(data):
            break
        head = data[place : place + 8]
        length, kind = int.from_bytes(head[:4]), head[4:]
        if place + 12 + length > len(data):
            break
        if kind == b"IEND":
            whole = True
            break
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf") and length <= TEXT_MAX:
            _png_text(kind, data[place + 8 : place + 8 + length], texts)
        place += 12 + length
    return Container(kind="png", width=width, height=height, texts=tuple(texts.rows), whole=whole)


def _png_text(kind: bytes, body: bytes, texts: _Texts) -> None:
    if kind == b"eXIf":
        _exif(body, texts)
        return
    head, _, rest = body.partition(b"\0")
    keyword = head[:79].decode("latin-1")
    match kind:
        case b"tEXt":
            # Latin-1 says the standard; many programs write UTF-8 all the same.
            texts.add(keyword, _utf8(rest) or rest.decode("latin-1"))
        case b"zTXt":
            texts.add(keyword, (_inflate(rest[1:]) or b"").decode("latin-1"))
        case _:
            packed = rest[:1] == b"\1"
            _language, _, rest = rest[2:].partition(b"\0")
            _translated, _, rest = rest.partition(b"\0")
            text = _inflate(rest) if packed else rest
            texts.add(keyword, (text or b"").decode("utf-8", "replace"))


def _inflate(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, TEXT_MAX)
    except zlib.error:
        return None


def _jpeg(data: bytes) -> Container:
    texts = _Texts()
    width = height = 0
    place = 2
    for _ in range(PARTS_MAX):
        if data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in (0xD9, 0xDA):  # the pixels begin, and texts end
            break
        (length,) = struct.unpack_from(">H", data, place + 2)
        body = data[place + 4 : place + 2 + length]
        if marker in _FRAMES and not width:
            height, width = struct.unpack_from(">HH", body, 1)
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            _exif(body[6:], texts)
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            texts.add("XML:com.adobe.xmp", body[29:].decode("utf-8", "replace"))
        elif marker == 0xFE:
            texts.add("Comment", _utf8(body) or body.decode("latin-1"))
        place += 2 + max(length, 2)
    # Some cameras and editors add bytes after the end mark.
    whole = b"\xff\xd9" in data[-65536:]
    return Container(kind="jpeg", width=width, height=height, texts=tuple(texts.rows), whole=whole)


def _webp(data: bytes) -> Container:
    texts = _Texts()
    width = height = 0
    place = 12
    for _ in range(PARTS_MAX):
        if place + 8 > len(data):
            break
        kind = data[place : place + 4]
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        body = data[place + 8 : place + 8 + min(length, TEXT_MAX)]
        if kind == b"VP8X":
            width = 1 + int.from_bytes(body[4:7], "little")
            height = 1 + int.from_bytes(body[7:10], "little")
        elif kind == b"VP8L" and not width:
            bits = int.from_bytes(body[1:5], "little")
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"VP8 " and not width:
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        elif kind == b"EXIF":
            _exif(body.removeprefix(b"Exif\0\0"), texts)
        elif kind == b"XMP ":
            texts.add("XML:com.adobe.xmp", body.decode("utf-8", "replace"))
        place += 8 + length + length % 2
    (length,) = struct.unpack_from("<I", data, 4)
    return Container(
        kind="webp",
        width=width,
        height=height,
        texts=tuple(texts.rows),
        whole=len(data) >= length + 8,
    )


def _exif(data: bytes, texts: _Texts) -> None:
    """The user comments and descriptions of a TIFF structure; nothing where it makes no sense."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    (first,) = struct.unpack_from(order + "I", data, 4)
    for tag, value in _entries(data, order, first):
        if tag == _EXIF_IFD and len(value) == 4:
            (inner,) = struct.unpack(order + "I", value)
            for tag_inside, comment in _entries(data, order, inner):
                if tag_inside == _USER_COMMENT:
                    texts.add("UserComment", user_comment(comment, order))
        elif tag == _USER_COMMENT:
            texts.add("UserComment", user_comment(value, order))
        elif tag == _IMAGE_DESCRIPTION:
            texts.add("ImageDescription", value.rstrip(b"\0").decode("utf-8", "replace"))


def _entries(data: bytes, order: str, place: int) -> Iterator[tuple[int, bytes]]:
    if place + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, place)
    for row in range(min(count, 500)):
        start = place + 2 + row * 12
        if start + 12 > len(data):
            return
        tag, kind, number = struct.unpack_from(order + "HHI", data, start)
        length = number * {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}.get(kind, 0)
        if length <= 4:
            yield tag, data[start + 8 : start + 8 + length]
        elif length <= TEXT_MAX:
            (where,) = struct.unpack_from(order + "I", data, start + 8)
            yield tag, data[where : where + length]


def user_comment(value: bytes, order: str = ">") -> str:
    """The text of an EXIF UserComment, whatever its author took the standard for.

    Eight bytes name the character set. `UNICODE` is UTF-16 of either byte order in the wild, so the
    order is taken from where the zero bytes are; others leave the eight bytes out.

    Args:
        order: `<` or `>`, the byte order of the file, for texts without a zero byte.
    """
    charset, body = value[:8], value[8:]
    if charset == b"UNICODE\0":
        body = body[: len(body) // 2 * 2]
        if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return body.decode("utf-16", "replace").rstrip("\0")
        high, low = body[0::2].count(0), body[1::2].count(0)
        big = high > low or (high == low and order == ">")
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
    if charset in (b"ASCII\0\0\0", b"\0" * 8, b"JIS\0\0\0\0\0"):
        return (_utf8(body) or body.decode("latin-1")).rstrip("\0")
    return (_utf8(value) or value.decode("latin-1")).rstrip("\0")


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
