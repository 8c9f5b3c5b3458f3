"""Settings survive bad files, full disks and every value they can take."""

import errno
import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app import settings
from desktop_app.settings import Settings

pytestmark = pytest.mark.core

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
any_settings = st.builds(
    Settings,
    theme=st.sampled_from(["dark", "light", "system"]),
    models_order=st.sampled_from(["kind", "name", "newest", "size", "used", "family"]),
    text_percent=st.integers(80, 160),
    pictures=plain_text,
    model_folders=st.lists(plain_text, max_size=3).map(tuple),
    previews=st.booleans(),
    device=plain_text,
    memory=st.dictionaries(plain_text, plain_text | st.booleans(), max_size=3),
    threads=st.integers(0, 256),
    snapshot_megabytes=st.integers(0, 65536),
    thumbnail_size=st.integers(80, 400),
    window_geometry=plain_text,
    splitters=st.dictionaries(
        plain_text, st.lists(st.integers(0, 9999), max_size=4).map(tuple), max_size=3
    ),
)


@given(any_settings)
def test_settings_come_back_as_they_were(values: Settings) -> None:
    assert settings.decode(settings.encode(values)) == (values, ())


@given(st.binary(max_size=300))
def test_any_bytes_give_settings(data: bytes) -> None:
    assert isinstance(settings.decode(data)[0], Settings)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.sampled_from([each.name for each in fields(Settings)]), json_values)
def test_a_bad_value_costs_itself_only(name: str, value: object) -> None:
    document = json.loads(settings.encode(Settings(theme="light", threads=3)))
    document[name] = value
    found, reset = settings.decode(json.dumps(document).encode())
    assert set(reset) <= {name}
    if name != "theme":
        assert found.theme == "light"
    if name != "threads":
        assert found.threads == 3
    if reset:
        assert getattr(found, name) == getattr(Settings(), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", True),
        ("threads", 257),
        ("snapshot_megabytes", -1),
        ("snapshot_megabytes", 65537),
        ("threads", 1.0),
        ("threads", float("nan")),
        ("threads", 10**400),
        ("previews", 1),
        ("theme", "pink"),
        ("models_order", "colour"),
        ("pictures", "a\0b"),
        ("pictures", "\ud800"),
        ("pictures", "x" * 40_000),
        ("model_folders", ["good", 7]),
        ("splitters", {"main": [1, -1]}),
        ("splitters", {"main": 5}),
        ("splitters", []),
        ("surprise", 1),
    ],
)
def test_what_cannot_be_used_is_reset_and_the_file_kept(
    tmp_path: Path, name: str, value: object
) -> None:
    file = tmp_path / "settings.json"
    data = json.dumps({"version": 1, "thumbnail_size": 200, name: value}).encode()
    file.write_bytes(data)
    found = settings.load(file)
    assert found.reset == (name,)
    assert found.settings == Settings(thumbnail_size=200)
    kept = tmp_path / "settings.json.bad"
    assert found.kept == kept
    assert kept.read_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"dark"',
        b"{",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"threads": ' + b"9" * 5000 + b"}",
        b" " * (settings.LARGEST_FILE + 1),
    ],
)
def test_a_file_that_is_no_settings_is_kept(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(data)
    found = settings.load(file)
    assert (found.settings, found.reset) == (Settings(), ("*",))
    assert found.kept is not None
    assert found.kept.read_bytes() == data[: settings.LARGEST_FILE + 1]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"\xef\xbb\xbf" + settings.encode(Settings(threads=2)))
    assert settings.load(file) == settings.Loaded(settings=Settings(threads=2))


def test_settings_of_a_later_version_are_kept_before_they_are_replaced(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"version": 2, "theme": "light"}', "utf-8")
    found = settings.load(file)
    assert found.settings.theme == "light"
    assert found.reset == ("version",)
    assert found.kept is not None


def test_no_file_and_no_folder_give_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none" / "settings.json").settings == Settings()
    assert settings.load(tmp_path).reset == ("*",)


def test_saving_makes_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "settings.json"
    settings.save(file, Settings(threads=2))
    assert settings.load(file).settings.threads == 2


@pytest.mark.fault
def test_a_full_disk_leaves_the_old_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.json"
    settings.save(file, Settings(threads=2))

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        settings.save(file, Settings(threads=3))
    assert settings.load(file).settings.threads == 2
    assert [each.name for each in tmp_path.iterdir()] == ["settings.json"]
