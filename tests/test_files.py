"""A file is the old one or the new one: after every failing call, and after a kill."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_app.files import PARTIAL_SUFFIX, write_atomically

pytestmark = pytest.mark.core


@pytest.mark.fault
@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_a_failing_call_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = tmp_path / "draft.json"
    write_atomically(file, b"old")

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    owner = Path if failing == "replace" else os
    with monkeypatch.context() as patch:
        patch.setattr(owner, failing, fail)
        with pytest.raises(OSError, match="No space"):
            write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.fault
def test_a_folder_that_cannot_be_synced_is_no_failed_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync
    calls: list[int] = []

    def second_fails(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 1:
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr("os.fsync", second_fails)
    write_atomically(tmp_path / "draft.json", b"new")
    assert (tmp_path / "draft.json").read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_new_files_have_the_usual_rights(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", b"x")
    (tmp_path / "plain").write_bytes(b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


WRITER = """
import sys
from pathlib import Path
from desktop_app.files import write_atomically
file = Path(sys.argv[1])
for number in range(10**9):
    write_atomically(file, bytes([number % 256]) * 300_000)
    print(number, flush=True)
"""


@pytest.mark.fault
@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)],
            cwd=Path(__file__).resolve().parent.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        data = file.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1
    strays = [each for each in tmp_path.iterdir() if each != file]
    assert all(each.name.endswith(PARTIAL_SUFFIX) for each in strays)
