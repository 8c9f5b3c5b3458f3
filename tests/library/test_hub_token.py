"""The access token on the disk."""

import os
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.hub_token import keep_token, read_token

pytestmark = pytest.mark.core


HUB = "https://huggingface.co"


def test_a_token_is_kept_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "hub_token"
    assert read_token(file, HUB) == ""
    keep_token(file, " hf_one\n", HUB)
    keep_token(file, "hf_two", HUB)
    assert read_token(file, HUB) == "hf_two"
    assert read_token(file, "https://mirror.example") == ""
    assert [path.name for path in file.parent.iterdir()] == ["hub_token"]
    keep_token(file, "", HUB)
    keep_token(file, "", HUB)
    assert read_token(file, HUB) == ""
    assert not file.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_no_one_else_may_read_it(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        keep_token(tmp_path / "hub_token", "hf_one", HUB)
    finally:
        os.umask(mask)
    assert (tmp_path / "hub_token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "hf_é", "x" * 501, "a\0b"])
def test_what_can_be_no_token_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(AppError) as caught:
        keep_token(tmp_path / "hub_token", token, HUB)
    assert caught.value.code == "token-form"
    assert token not in str(caught.value)
    assert not (tmp_path / "hub_token").exists()


def test_a_file_that_holds_none_is_none(tmp_path: Path) -> None:
    (tmp_path / "hub_token").write_bytes(b"https://huggingface.co\n\xff\r\nAuthorization: x")
    assert read_token(tmp_path / "hub_token", HUB) == ""
