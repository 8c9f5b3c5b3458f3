"""The recipe in the picture: ours exactly, others as far as it goes, hostile ones in words."""

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from desktop_app.errors import AppError
from desktop_app.recipe import infotext_writing
from desktop_app.recipe.foreign import ModelFile, NamedModel, NamedModels
from desktop_app.recipe.recipe import SEED_MAX, FromNoise, ModelRef, Recipe, Variation
from desktop_app.store.containers import parse_container, user_comment
from desktop_app.store.metadata import (
    KEYWORD,
    pixels_sha256,
    read_container,
    read_infotext,
    read_picture,
    write_plain_png,
    write_png,
)
from desktop_app.store.pixels import decode, read_pixels
from tests.store.samples import INFOTEXT, MODEL, exif_of, pixels_of, provenance_of, recipe_of

FOX = {
    "prompt": "a fox",
    "negative_prompt": "dogs",
    "num_inference_steps": 20,
    "scheduler": "euler",
    "sigmas": "default",
    "guidance_scale": 7.0,
    "seed": 5,
}


def test_what_other_programs_call_the_models_leaves_our_own_record_as_it_is() -> None:
    pixels = pixels_of()
    recipe = replace(recipe_of(), vae=ModelRef(sha256="4" * 64, name="mse", kind="vae"))
    files = {"4" * 64: ModelFile(name="mse.pt", sha256="a4" * 32)}
    plain, named = (
        parse_container(write_png(pixels, recipe, provenance_of(pixels), files=known))
        for known in ({}, files)
    )
    assert read_container(named).recipe == recipe
    assert "VAE hash: a4a4a4a4a4, VAE: mse.pt, RNG" in (named.text("parameters") or "")
    assert "VAE: mse, RNG" in (plain.text("parameters") or "")
    assert named.text(KEYWORD) == plain.text(KEYWORD)


def test_without_our_record_the_other_models_are_named() -> None:
    recipe = replace(recipe_of(), vae=ModelRef(sha256="4" * 64, name="mse", kind="vae"))
    words = infotext_writing.write(recipe, app="Mezzotint 0.1.0")
    found = read_container(parse_container(with_chunks(text_chunk(words))))
    assert found.recipe is None
    assert found.named == NamedModels(vae=NamedModel(name="mse"))


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    place = 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(*extra: bytes, after_pixels: bool = False) -> bytes:
    data = write_plain_png(pixels_of())
    end = len(data) - 12
    cut = end if after_pixels else 33
    return data[:cut] + b"".join(extra) + data[cut:]


def text_chunk(text: str, keyword: bytes = b"parameters") -> bytes:
    return chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode())


def full_recipe() -> Recipe:
    return Recipe(
        model=MODEL,
        prompt="a “fox”, (雪:1.2)\nNegative prompt: not one\nSteps: 3, Seed: 4, Sampler: LMS",
        negative_prompt="blurry\n{a|b}",
        seed=SEED_MAX,
        width=64,
        height=64,
        scheduler="dpmpp_2m",
        sigmas="karras",
        guidance_scale=6.5,
        start=FromNoise(variations=(Variation(seed=1, weight=0.25), Variation(seed=2, weight=1))),
    )


def test_recipe_provenance_and_pixels_come_back_exactly(tmp_path: Path) -> None:
    pixels = pixels_of()
    recipe, provenance = full_recipe(), provenance_of(pixels)
    path = tmp_path / "x.png"
    path.write_bytes(write_png(pixels, recipe, provenance))
    found = read_picture(path)
    assert found.recipe == recipe
    assert found.provenance == provenance
    assert found.problem == ""
    assert found.draft_changes is None
    back = read_pixels(path)
    assert np.array_equal(back, pixels)
    assert pixels_sha256(back) == provenance.pixels_sha256


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_compression_changes_no_pixel(level: int) -> None:
    pixels = pixels_of(3, side=128)
    data = write_png(pixels, recipe_of(side=128), provenance_of(pixels), compress_level=level)
    assert np.array_equal(decode(data), pixels)


def test_the_texts_are_plain_and_stand_before_the_pixels() -> None:
    pixels = pixels_of()
    data = write_png(pixels, full_recipe(), provenance_of(pixels))
    kinds = [kind for kind, _ in chunks(data)]
    first_pixels = kinds.index(b"IDAT")
    texts = [body for kind, body in chunks(data)[:first_pixels] if kind in (b"tEXt", b"iTXt")]
    assert kinds.index(b"sRGB") < first_pixels
    assert b"zTXt" not in kinds
    keywords = [body.split(b"\0")[0] for body in texts]
    assert keywords == [b"parameters", b"mezzotint", b"XML:com.adobe.xmp", b"Software"]
    assert all(body.split(b"\0")[1:2] != [b"\1"] for body in texts[:3])
    own = json.loads(texts[1].split(b"\0", 5)[5])
    assert sorted(own) == ["app", "provenance", "recipe"]
    assert b"trainedAlgorithmicMedia" in texts[2]
    with Image.open(io.BytesIO(data)) as image:
        assert "\nSteps: 25, Sampler: DPM++ 2M" in str(image.info["parameters"])


def test_a_latin_prompt_is_written_as_other_programs_expect_it() -> None:
    pixels = pixels_of()
    data = write_png(pixels, recipe_of(prompt="café"), provenance_of(pixels))
    assert (b"tEXt", True) in [(k, b.startswith(b"parameters\0caf\xe9")) for k, b in chunks(data)]
    found = read_container(parse_container(data))
    assert found.infotext is not None
    assert found.infotext.startswith("café\n")


def test_a_plain_copy_tells_nothing() -> None:
    data = write_plain_png(pixels_of())
    assert {kind for kind, _ in chunks(data)} == {b"IHDR", b"IDAT", b"IEND"}


def test_a_picture_whose_size_was_changed_says_so() -> None:
    pixels = pixels_of(side=72)
    found = read_container(parse_container(write_png(pixels, recipe_of(), provenance_of(pixels))))
    assert found.recipe == recipe_of()
    assert "size was changed" in found.problem


@pytest.mark.parametrize(
    "own",
    [
        "{",
        "[]",
        '{"recipe": {}}',
        '{"recipe": {"version": 99}}',
        "[" * 100_000,
        '{"recipe": {"version": 1, "seed": "99999999999999999999"}}',
    ],
)
def test_a_damaged_record_leaves_the_words_of_a1111(own: str) -> None:
    data = with_chunks(text_chunk(own, b"mezzotint"), text_chunk(INFOTEXT))
    found = read_container(parse_container(data))
    assert found.recipe is None
    assert found.provenance is None
    assert found.draft_changes == FOX
    assert found.problem


def test_text_after_the_pixels_compressed_or_in_the_wrong_encoding_is_read() -> None:
    packed = zlib.compress(INFOTEXT.encode())
    for data in (
        with_chunks(text_chunk(INFOTEXT), after_pixels=True),
        with_chunks(chunk(b"zTXt", b"parameters\0\0" + packed)),
        with_chunks(chunk(b"iTXt", b"parameters\0\1\0en\0Parameter\0" + packed)),
        with_chunks(chunk(b"tEXt", b"parameters\0" + INFOTEXT.encode())),
    ):
        assert read_container(parse_container(data)).draft_changes == FOX


def test_a_wrong_checksum_of_a_text_does_not_hide_it() -> None:
    bad = text_chunk(INFOTEXT)[:-4] + b"oops"
    assert read_container(parse_container(with_chunks(bad))).draft_changes == FOX


@pytest.mark.parametrize("inner", [True, False], ids=["exif", "ifd0"])
@pytest.mark.parametrize("big", [True, False], ids=["MM", "II"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + INFOTEXT.encode("utf-16-be"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16"),
        b"ASCII\0\0\0" + INFOTEXT.encode(),
        b"\0" * 8 + INFOTEXT.encode(),
        INFOTEXT.encode(),
    ],
    ids=["utf-16-be", "utf-16-le", "bom", "ascii", "undefined", "bare"],
)
def test_a_user_comment_is_read_however_it_is_written(
    comment: bytes, big: bool, inner: bool
) -> None:
    exif = exif_of(comment, big=big, inner=inner)
    image = Image.fromarray(pixels_of())
    for kind in ("JPEG", "WEBP"):
        stream = io.BytesIO()
        image.save(stream, format=kind, exif=b"Exif\0\0" + exif)
        found = read_container(parse_container(stream.getvalue()))
        assert found.draft_changes == FOX
        assert (found.width, found.height) == (64, 64)
        assert found.problem == ""
    data = with_chunks(chunk(b"eXIf", exif))
    assert read_container(parse_container(data)).draft_changes == FOX


def test_a_comment_of_japanese_without_a_zero_byte_follows_the_files_byte_order() -> None:
    text = "雪の中の狐"
    assert user_comment(b"UNICODE\0" + text.encode("utf-16-be"), ">") == text
    assert user_comment(b"UNICODE\0" + text.encode("utf-16-le"), "<") == text


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_sizes(lossless: bool) -> None:
    stream = io.BytesIO()
    Image.fromarray(pixels_of(side=72)[:40]).save(stream, format="WEBP", lossless=lossless)
    found = parse_container(stream.getvalue())
    assert (found.kind, found.width, found.height, found.whole) == ("webp", 72, 40, True)


def test_progressive_jpeg_sizes() -> None:
    stream = io.BytesIO()
    Image.fromarray(pixels_of(side=72)[:40]).save(stream, format="JPEG", progressive=True)
    found = parse_container(stream.getvalue())
    assert (found.kind, found.width, found.height, found.whole) == ("jpeg", 72, 40, True)


def test_swarm_json_in_parameters() -> None:
    data = with_chunks(text_chunk('{"sui_image_params": {"prompt": "a cat", "seed": 9}}'))
    found = read_container(parse_container(data))
    assert found.draft_changes == {"prompt": "a cat", "negative_prompt": "", "seed": 9}


def test_words_that_say_nothing_are_kept_to_be_shown() -> None:
    found = read_container(parse_container(with_chunks(text_chunk("just a note"))))
    assert found.infotext == "just a note"
    assert found.draft_changes is None


def test_words_from_the_clipboard() -> None:
    assert dict(read_infotext(INFOTEXT)) == FOX
    with pytest.raises(AppError) as refusal:
        read_infotext("hello")
    assert refusal.value.code == "no-infotext"


def test_bombs_of_text_are_left_out() -> None:
    bomb = zlib.compress(bytes(40_000_000), 1)
    many = [chunk(b"tEXt", b"x%d\0" % n + b"y" * 1_000_000) for n in range(40)]
    data = with_chunks(chunk(b"zTXt", b"parameters\0\0" + bomb), *many, text_chunk("z" * 3_000_000))
    found = parse_container(data)
    assert sum(len(text) for _, text in found.texts) <= 16 * 1024 * 1024
    assert read_container(found).recipe is None


def test_a_picture_as_a1111_saves_it(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", INFOTEXT)
    path = tmp_path / "x.png"
    Image.fromarray(pixels_of()).save(path, pnginfo=info)
    found = read_picture(path)
    assert found.draft_changes == FOX
    assert found.infotext == INFOTEXT
