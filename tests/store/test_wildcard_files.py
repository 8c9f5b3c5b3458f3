"""Wildcard files: whatever lies in the folder is read within bounds, and nothing raises."""

import os
from pathlib import Path

import pytest

from desktop_app.store import wildcard_files
from desktop_app.store.wildcard_files import WildcardFiles

pytestmark = pytest.mark.core


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def options(files: WildcardFiles, name: str) -> list[str]:
    return [one.text for one in files.read()[name].options]


def test_names_are_paths_and_every_encoding_is_read(tmp_path: Path) -> None:
    write(tmp_path / "cat.txt", b"\xef\xbb\xbftabby\r\nmanx\r\n")
    write(tmp_path / "Animals" / "Big Cats.TXT", "lion\n__cat__\n")
    write(tmp_path / "wide.txt", "é\nü".encode("utf-16"))
    write(tmp_path / "old.txt", "caf\xe9".encode("cp1252"))
    write(tmp_path / "notes.md", "no\n")
    write(tmp_path / ".hidden" / "x.txt", "no\n")
    write(tmp_path / "a__b{c}.txt", "no\n")
    files = WildcardFiles(tmp_path)
    assert sorted(files.read()) == ["animals/big cats", "cat", "old", "wide"]
    assert options(files, "cat") == ["tabby", "manx"]
    assert options(files, "wide") == ["é", "ü"]
    assert options(files, "old") == ["café"]
    assert files.read()["animals/big cats"].name == "Animals/Big Cats"
    assert files.read()["animals/big cats"].calls == ("cat",)
    assert set(files.places()) == {tmp_path, tmp_path / "Animals"}


def test_what_changed_is_read_again_and_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.txt", "tabby")
    files = WildcardFiles(tmp_path)
    first = files.read()["cat"]
    assert files.read()["cat"] is first
    write(path, "manx")
    os.utime(path, ns=(1, 1))
    assert options(files, "cat") == ["manx"]
    path.unlink()
    assert files.read() == {}


def test_a_missing_folder_links_and_a_folder_named_as_a_file_are_nothing(tmp_path: Path) -> None:
    assert WildcardFiles(tmp_path / "none").read() == {}
    assert WildcardFiles(tmp_path / "none").places() == ()
    outside = write(tmp_path / "secret.txt", "key")
    folder = tmp_path / "wildcards"
    (folder / "odd.txt").mkdir(parents=True)
    (folder / "link.txt").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    assert WildcardFiles(folder).read() == {}


def test_bounds_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(5):
        write(tmp_path / f"w{at}.txt", "é" * 100)
    monkeypatch.setattr(wildcard_files, "FILE_MAX", 101)
    assert options(WildcardFiles(tmp_path), "w0") == ["é" * 50]
    monkeypatch.setattr(wildcard_files, "FILES_MAX", 3)
    assert len(WildcardFiles(tmp_path).read()) == 3
    monkeypatch.setattr(wildcard_files, "WHOLE_MAX", 250)
    assert len(WildcardFiles(tmp_path).read()) == 2
    deep = tmp_path.joinpath(*"abcdefgh")
    write(deep / "x.txt", "deep")
    assert not any("/" in name for name in WildcardFiles(tmp_path).read())
