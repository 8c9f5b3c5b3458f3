"""Headers of safetensors and GGUF files: read rightly, and refused when they lie."""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.weights import gguf
from desktop_app.weights.headers import BITS, Header, parse_header, read_header, spread
from tests.library.files import write_gguf, write_shapes

pytestmark = pytest.mark.core

PATH = Path("model.safetensors")
NAMES = st.text(max_size=20).filter(lambda name: name != "__metadata__")
SHAPES = st.lists(st.integers(0, 4), max_size=4)


def parsed(data: bytes) -> Header:
    return parse_header(PATH, io.BytesIO(data), len(data))


def framed(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def refused(data: bytes) -> AppError:
    with pytest.raises(AppError) as refusal:
        parsed(data)
    assert refusal.value.code == "model-damaged"
    return refusal.value


def whole(tensors: dict[str, list[int]], metadata: dict[str, str] | None = None) -> bytes:
    rows: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    place = 0
    for name, shape in tensors.items():
        size = 4
        for side in shape:
            size *= side
        rows[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + size]}
        place += size
    return framed(json.dumps(rows).encode(), bytes(place))


@given(
    st.dictionaries(NAMES, SHAPES, max_size=8),
    st.none() | st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4),
)
def test_what_is_sound_is_read_as_it_stands(
    tensors: dict[str, list[int]], metadata: dict[str, str] | None
) -> None:
    header = parsed(whole(tensors, metadata))
    assert {name: list(row.shape) for name, row in header.tensors.items()} == tensors
    assert header.metadata == (metadata or {})
    assert all(row.dtype == "F32" for row in header.tensors.values())


@given(st.data())
def test_every_shorter_file_is_refused(data: st.DataObject) -> None:
    file = whole({"a": [2, 3], "b": [1]}, {"format": "pt"})
    refused(file[: data.draw(st.integers(0, len(file) - 1))])
    refused(file + bytes(data.draw(st.integers(1, 20))))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parsed(data)
    except AppError as refusal:
        assert refusal.code == "model-damaged"


@given(st.data())
def test_any_change_of_a_byte_is_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(whole({"a": [2, 3], "b": [1]}, {"format": "pt"}))
    file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed(bytes(file))
    except AppError as refusal:
        assert refusal.code == "model-damaged"


ROW = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
LIES: dict[str, object] = {
    "no row": 5,
    "no dtype": {"shape": [1], "data_offsets": [0, 4]},
    "unknown dtype": {**ROW, "dtype": "F31"},
    "list for a dtype": {**ROW, "dtype": ["F32"]},
    "text for a shape": {**ROW, "shape": "1"},
    "negative side": {**ROW, "shape": [-1], "data_offsets": [0, -4]},
    "two negative sides": {**ROW, "shape": [-1, -1]},
    "truth for a side": {**ROW, "shape": [True]},
    "fraction for a side": {**ROW, "shape": [1.0]},
    "too many sides": {**ROW, "shape": [1] * 17},
    "enormous sides": {**ROW, "shape": [2**40, 2**40]},
    "negative start": {**ROW, "data_offsets": [-4, 0]},
    "end before start": {**ROW, "data_offsets": [4, 0]},
    "three ends": {**ROW, "data_offsets": [0, 2, 4]},
    "gap before": {**ROW, "data_offsets": [4, 8]},
    "fraction for a place": {**ROW, "data_offsets": [0.0, 4.0]},
    "nothing for a place": {**ROW, "data_offsets": None},
}


@pytest.mark.parametrize("row", LIES.values(), ids=LIES.keys())
def test_a_row_that_lies_is_refused(row: object) -> None:
    refused(framed(json.dumps({"a": row}).encode(), bytes(4)))
    refused(framed(json.dumps({"a": row}).encode(), bytes(8)))


def test_tensors_that_overlap_are_refused_and_another_order_is_not() -> None:
    rows = {"a": {**ROW, "data_offsets": [4, 8]}, "b": ROW}
    assert list(parsed(framed(json.dumps(rows).encode(), bytes(8))).tensors) == ["b", "a"]
    rows = {"a": ROW, "b": ROW}
    refused(framed(json.dumps(rows).encode(), bytes(4)))


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":%s,"a":%s}',
        b'{"a":%s,"\\u0061":%s}',
        b'{"a":%s,"b":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[4,8]}, "b":%s}',
    ],
)
def test_a_name_that_stands_twice_is_refused(header: bytes) -> None:
    first = json.dumps(ROW).encode()
    second = json.dumps({**ROW, "data_offsets": [4, 8]}).encode()
    refused(framed(header % (first, second), bytes(8)))


def test_a_word_of_the_format_in_the_metadata_does_no_harm() -> None:
    told = {"data_offsets": '"data_offsets"', "x": "\u00e9"}
    assert parsed(whole({"a": [1]}, told)).metadata == told


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"[]",
        b"null",
        b"",
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b'{"__metadata__":' + b"[" * 100_000,
    ],
)
def test_headers_that_are_no_header_are_refused(header: bytes) -> None:
    refused(framed(header))


def test_lengths_that_cannot_be_are_refused_without_reading_so_much() -> None:
    for length in (2**63, 2**64 - 1, 100_000_001, 3):
        refused(struct.pack("<Q", length) + b"{}")


def test_a_header_of_brackets_is_refused_before_it_takes_memory() -> None:
    header = b'{"a":[' + b"{}," * 5_000_000 + b"{}]}"
    assert "too large" in refused(framed(header)).sentence


def test_a_metadata_that_is_no_mapping_of_texts_is_left_out() -> None:
    rows = {"__metadata__": {"a": 5, "b": "c", "d": None}, "x": ROW}
    assert parsed(framed(json.dumps(rows).encode(), bytes(4))).metadata == {"b": "c"}
    rows = {"__metadata__": [1], "x": ROW}
    assert parsed(framed(json.dumps(rows).encode(), bytes(4))).metadata == {}


def test_files_that_cannot_be_read_are_refused_in_words(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.safetensors"):
        with pytest.raises(AppError) as refusal:
            read_header(path)
        assert str(path) in refusal.value.sentence


@pytest.mark.parametrize(("dtype", "letter"), [("F32", "f"), ("F16", "e")])
def test_the_spread_of_a_small_tensor(tmp_path: Path, dtype: str, letter: str) -> None:
    numbers = [0.25, 0.5, 0.75, 1.0]
    path = tmp_path / "m.safetensors"
    size = 4 * BITS[dtype] // 8
    header = json.dumps({"b": {"dtype": dtype, "shape": [4], "data_offsets": [0, size]}}).encode()
    path.write_bytes(framed(header, struct.pack(f"<4{letter}", *numbers)))
    assert spread(path, read_header(path), "b") == pytest.approx(0.2795, abs=1e-3)
    assert spread(path, read_header(path), "c") == 0


def test_the_spread_of_bfloat16_and_of_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    header = json.dumps({"b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(framed(header, struct.pack("<f", 1.0)[2:] + struct.pack("<f", 3.0)[2:]))
    assert spread(path, read_header(path), "b") == 1.0
    path.write_bytes(framed(header, b"\x80\x7f\x80\x7f"))
    assert spread(path, read_header(path), "b") == 0


GGUF = {"blk.weight": (64, 256), "bias": (32,)}


@pytest.mark.parametrize("version", [2, 3])
def test_a_gguf_file_is_read(tmp_path: Path, version: int) -> None:
    path = write_gguf(
        tmp_path / "m.gguf",
        GGUF,
        kind=8,
        metadata={"general.architecture": "flux", "general.file_type": 7},
        version=version,
    )
    header = gguf.read_header(path)
    assert {name: row.shape for name, row in header.tensors.items()} == GGUF
    assert {row.dtype for row in header.tensors.values()} == {"Q8_0"}
    assert header.metadata["general.architecture"] == "flux"
    assert header.metadata["quantisation"] == "Q8_0"
    assert header.data_start % 32 == 0
    assert header.size == path.stat().st_size


def test_a_gguf_that_says_how_a_tensor_was_folded_has_the_old_shape(tmp_path: Path) -> None:
    name = "comfy.gguf.orig_shape.bias"
    path = write_gguf(tmp_path / "m.gguf", {"bias": (32,)})
    data = path.read_bytes()
    told = struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IIQ2i", 9, 5, 2, 4, 8)
    head = data[:16] + struct.pack("<Q", 1) + told + data[24:60]
    path.write_bytes(head + bytes(-len(head) % 32 + 128))
    assert gguf.read_header(path).tensors["bias"].shape == (4, 8)


def test_every_shorter_gguf_is_refused(tmp_path: Path) -> None:
    data = write_gguf(tmp_path / "m.gguf", GGUF, metadata={"general.name": "x"}).read_bytes()
    for length in (*range(0, 220), len(data) - 1):
        path = tmp_path / "cut.gguf"
        path.write_bytes(data[:length])
        with pytest.raises(AppError) as refusal:
            gguf.read_header(path)
        assert refusal.value.code == "model-damaged"


@given(st.data())
def test_any_change_of_a_gguf_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = write_gguf(folder / "fuzz.gguf", GGUF, metadata={"general.name": "x", "n": 3})
    file = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 200))
        file[place : place + 8] = data.draw(
            st.sampled_from([b"\xff" * 8, bytes(8), struct.pack("<Q", 2**40), struct.pack("<Q", 9)])
            | st.binary(min_size=8, max_size=8)
        )
    path.write_bytes(file)
    try:
        gguf.read_header(path)
    except AppError as refusal:
        assert refusal.code == "model-damaged"


def edited(place: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    "change",
    [
        edited(0, b"GGML"),
        edited(4, struct.pack("<I", 1)),
        edited(8, struct.pack("<Q", 2**62)),
        edited(16, struct.pack("<Q", 2**62)),
        edited(24, struct.pack("<Q", 2**62)),
    ],
)
def test_a_gguf_that_lies_about_itself_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = write_gguf(tmp_path / "m.gguf", GGUF, metadata={"general.name": "x"})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(AppError):
        gguf.read_header(path)


def test_a_large_file_is_not_read_behind_its_header(tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "m.safetensors", {"a": (100_000, 100_000)})
    assert read_header(path).size > 2 * 10**10
