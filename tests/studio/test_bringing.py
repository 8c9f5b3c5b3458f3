"""Models are copied in with words on how far it is, and can be stopped."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.library import bring_in
from desktop_app.studio.bringing import Bringing
from desktop_app.studio.values import Notice
from tests.library import files

pytestmark = pytest.mark.gui


@pytest.fixture
def bringing(qtbot: QtBot) -> Iterator[Bringing]:
    made = Bringing()
    yield made
    made.stop(5000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return files.write_shapes(tmp_path / "from" / "ft-mse.safetensors", files.vae())


def told_by(bringing: Bringing) -> tuple[list[Notice], list[Path]]:
    """What it tells from now on: its notices, and what has arrived."""
    notices: list[Notice] = []
    arrived: list[Path] = []
    bringing.notice.connect(notices.append)
    bringing.arrived.connect(arrived.append)
    return notices, arrived


def test_a_copy_tells_how_far_it_is_under_one_topic(
    bringing: Bringing, file: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bring_in, "_BLOCK", file.stat().st_size // 4)
    notices, arrived = told_by(bringing)
    bringing.copy_in(file, tmp_path / "models")
    qtbot.waitUntil(lambda: len(arrived) == 1, timeout=10_000)
    assert arrived == [tmp_path / "models" / "vae" / file.name]
    words = [notice.text for notice in notices]
    assert words[0] == "Copying “ft-mse.safetensors” …"
    assert words[-2:] == ["Copying “ft-mse.safetensors” … 100 %", "“ft-mse.safetensors” is here."]
    assert len(words) == len(set(words)) >= 5
    assert len({notice.topic for notice in notices}) == 1
    assert [notice.action for notice in notices[-2:]] == ["Stop", "Show it"]


def test_each_can_be_stopped_and_leaves_nothing(
    bringing: Bringing, file: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (notices, arrived), gate = told_by(bringing), threading.Event()
    bringing._writer.run(gate.wait)  # pyright: ignore[reportPrivateUsage]
    other = files.write_shapes(tmp_path / "from" / "other.safetensors", files.vae())
    bringing.copy_in(file, tmp_path / "models")
    bringing.copy_in(other, tmp_path / "models")
    stop = notices[0].act
    assert stop is not None
    stop()
    gate.set()
    qtbot.waitUntil(lambda: len(arrived) == 1, timeout=10_000)
    assert [one.name for one in (tmp_path / "models" / "vae").iterdir()] == ["other.safetensors"]
    (told,) = [one for one in notices if one.text == "“ft-mse.safetensors” was not copied."]
    assert told.topic == notices[0].topic


def test_what_fails_is_said_in_place_of_how_far_it_was(
    bringing: Bringing, tmp_path: Path, qtbot: QtBot
) -> None:
    notices, arrived = told_by(bringing)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\0" * 100)
    bringing.copy_in(bad, tmp_path / "models")
    qtbot.waitUntil(lambda: notices[-1].kind == "bad", timeout=10_000)
    assert notices[-1].topic == notices[0].topic
    assert "bad.safetensors" in notices[-1].text
    assert arrived == []
