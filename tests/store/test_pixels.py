"""Any bytes are a picture in the right colours or are refused in words."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from desktop_app.errors import AppError
from desktop_app.store.containers import parse_container
from desktop_app.store.metadata import read_container, read_picture, write_plain_png, write_png
from desktop_app.store.pixels import decode, read_pixels, thumbnail_jpeg
from tests.store.samples import INFOTEXT, exif_of, pixels_of, provenance_of, recipe_of


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (12_000, 12_000)])
def test_decompression_bombs_are_refused_before_they_are_decoded(width: int, height: int) -> None:
    data = bytearray(write_plain_png(pixels_of()))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    with pytest.raises(AppError) as refusal:
        decode(bytes(data))
    assert refusal.value.code == "picture-size"


def samples() -> dict[str, bytes]:
    pixels = pixels_of(side=32)
    image = Image.fromarray(pixels)
    found = {"png": write_png(pixels, recipe_of(side=64), provenance_of(pixels))}
    comment = exif_of(b"UNICODE\0" + INFOTEXT.encode("utf-16-be"), big=False, inner=True)
    for kind in ("JPEG", "WEBP"):
        stream = io.BytesIO()
        image.save(stream, format=kind, exif=b"Exif\0\0" + comment)
        found[kind.lower()] = stream.getvalue()
    return found


SAMPLES = samples()


def read_anything(data: bytes) -> None:
    """Nothing but AppError may come out, whatever the bytes."""
    try:
        read_container(parse_container(data))
    except AppError:
        pass
    try:
        pixels = decode(data)
    except AppError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@pytest.mark.parametrize("kind", list(SAMPLES))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_damage_is_refused_in_words(kind: str, data: st.DataObject) -> None:
    sample = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(sample) - 1))
        sample[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sample)))
    read_anything(bytes(sample if data.draw(st.booleans()) else sample[:cut]))


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF\xff\0\0\0WEBPVP8X"]
    ),
    data=st.binary(max_size=300),
)
def test_any_bytes_are_refused_in_words(start: bytes, data: bytes) -> None:
    read_anything(start + data)


@pytest.mark.parametrize("kind", list(SAMPLES))
def test_a_file_cut_short_is_told_and_not_decoded(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(SAMPLES[kind][: len(SAMPLES[kind]) * 2 // 3])
    with pytest.raises(AppError):
        read_pixels(path)
    try:
        assert read_picture(path).problem == "The file is cut short."
    except AppError as refusal:
        assert refusal.code == "picture-damaged"


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for name in ("text.png", "empty.png", "folder.png", "absent.png"):
        with pytest.raises(AppError):
            read_picture(tmp_path / name)


def test_colours_of_other_kinds_of_picture() -> None:
    def decoded(image: Image.Image, **how: object) -> list[int]:
        stream = io.BytesIO()
        image.save(stream, **how)  # pyright: ignore[reportArgumentType]
        return decode(stream.getvalue())[0, 0].tolist()

    assert decoded(Image.new("L", (8, 8), 77), format="PNG") == [77, 77, 77]
    assert decoded(Image.new("1", (8, 8), 1), format="PNG") == [255, 255, 255]
    assert decoded(Image.new("RGBA", (8, 8), (10, 20, 30, 0)), format="PNG") == [255, 255, 255]
    deep = Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16))
    assert decoded(deep, format="PNG") == [128, 128, 128]
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    assert decoded(palette, format="PNG") == [200, 100, 50]
    ink = decoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), format="JPEG", quality=100)
    assert ink[0] > 200
    assert max(ink[1:]) < 60


def test_a_profile_of_srgb_changes_nothing_and_a_broken_or_wrong_one_is_ignored() -> None:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))  # pyright: ignore
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore
    plain = Image.new("RGB", (8, 8), (200, 100, 50))
    for profile in (srgb.tobytes(), b"broken", lab.tobytes()):
        stream = io.BytesIO()
        plain.save(stream, format="PNG", icc_profile=profile)
        found = decode(stream.getvalue())[0, 0].astype(int)
        assert np.abs(found - [200, 100, 50]).max() <= 1


def test_a_turned_photograph_stands_upright() -> None:
    image = Image.fromarray(pixels_of(side=64)[:32])
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, format="JPEG", exif=exif)
    assert decode(stream.getvalue()).shape == (64, 32, 3)


def test_thumbnails_are_small_jpegs() -> None:
    for side, expected in ((1000, 400), (128, 128)):
        jpeg = thumbnail_jpeg(pixels_of(side=side))
        with Image.open(io.BytesIO(jpeg)) as image:
            assert image.format == "JPEG"
            assert image.size == (expected, expected)
