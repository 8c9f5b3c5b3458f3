"""One running program for one set of folders, whatever the last one left behind."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLockFile
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from desktop_app.errors import AppError
from desktop_app.instance import Instance

pytestmark = pytest.mark.gui

SECOND = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop_app.instance import Instance
application = QCoreApplication([])
instance = Instance(Path(sys.argv[1]))
print("first" if instance.claim() else f"handed {instance.hand_over(sys.argv[2])}")
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop_app.instance import Instance
application = QCoreApplication([])
instance = Instance(Path(sys.argv[1]))
assert instance.claim()
instance.listen()
os.kill(os.getpid(), signal.SIGKILL)
"""


def _python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def first(tmp_path: Path, qapp: object) -> Instance:
    return Instance(tmp_path / "data")


def test_a_second_start_hands_over_its_picture(
    first: Instance, tmp_path: Path, qtbot: QtBot
) -> None:
    assert first.claim()
    first.listen()
    called: list[str] = []
    first.called.connect(called.append)
    second = _python(SECOND, str(tmp_path / "data"), "/pictures/größe 1.png")
    qtbot.waitUntil(lambda: bool(called), timeout=20_000)
    assert called == ["/pictures/größe 1.png"]
    assert second.communicate(timeout=20)[0] == "handed True\n"
    first.release()


def test_a_second_start_without_a_picture_still_calls(
    first: Instance, tmp_path: Path, qtbot: QtBot
) -> None:
    assert first.claim()
    first.listen()
    with qtbot.waitSignal(first.called, timeout=20_000) as told:
        second = _python(SECOND, str(tmp_path / "data"), "")
    assert told.args == [""]
    assert second.communicate(timeout=20)[0] == "handed True\n"
    first.release()


def test_what_a_killed_program_left_is_overcome(
    first: Instance, tmp_path: Path, qtbot: QtBot
) -> None:
    killed = _python(KILLED, str(tmp_path / "data"))
    killed.communicate(timeout=20)
    assert killed.returncode != 0
    assert first.claim()
    first.listen()
    with qtbot.waitSignal(first.called, timeout=20_000):
        second = _python(SECOND, str(tmp_path / "data"), "x")
    assert second.communicate(timeout=20)[0] == "handed True\n"
    first.release()


def test_the_next_start_can_claim_after_release(first: Instance, tmp_path: Path) -> None:
    assert first.claim()
    other = Instance(tmp_path / "data")
    assert not other.claim()
    first.release()
    assert other.claim()
    other.release()


def test_other_folders_are_another_program(first: Instance, tmp_path: Path) -> None:
    other = Instance(tmp_path / "elsewhere")
    assert first.claim()
    assert other.claim()
    first.release()
    other.release()


def test_no_one_there_is_no_hand_over(first: Instance) -> None:
    assert not first.hand_over("x")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[" * 60_000, b"[]", b'{"picture": 5}', b'{"picture": "a\\u0000b"}'],
)
def test_nonsense_from_the_socket_is_ignored(
    first: Instance, tmp_path: Path, qtbot: QtBot, data: bytes
) -> None:
    assert first.claim()
    first.listen()
    called: list[str] = []
    first.called.connect(called.append)
    for message in (data, b'{"picture": "good"}'):
        socket = QLocalSocket()
        socket.connectToServer(first._name)  # pyright: ignore[reportPrivateUsage]
        assert socket.waitForConnected(2000)
        socket.write(message)
        socket.flush()
        socket.disconnectFromServer()
    qtbot.waitUntil(lambda: called == ["good"])
    first.release()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, qapp: object) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(AppError, match="cannot keep its data"):
        Instance(blocked / "data").claim()


def test_a_lock_of_a_running_process_is_never_stale(first: Instance, tmp_path: Path) -> None:
    assert first.claim()
    lock = QLockFile(str(tmp_path / "data" / "running.lock"))
    lock.setStaleLockTime(0)
    assert not lock.tryLock(50)
    first.release()
