"""The log: where it goes, what it keeps out, and what it says of exceptions nobody caught."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app import log

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parent.parent


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_prompts_stay_out_unless_asked_for(tmp_path: Path) -> None:
    code = (
        "import logging\n"
        "from pathlib import Path\n"
        "from desktop_app import log\n"
        "log.start(Path({folder!r}), level={level})\n"
        "logging.getLogger('x').debug('a secret fox')\n"
        "logging.getLogger('x').info('step 3')\n"
    )
    quiet, loud = tmp_path / "quiet", tmp_path / "loud"
    for folder, level in ((quiet, logging.INFO), (loud, logging.DEBUG)):
        assert run(code.format(folder=str(folder), level=level)).returncode == 0
    assert "step 3" in (quiet / log.LOG_NAME).read_text("utf-8")
    assert "secret" not in (quiet / log.LOG_NAME).read_text("utf-8")
    assert "a secret fox" in (loud / log.LOG_NAME).read_text("utf-8")


@pytest.mark.fault
@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
def test_a_crash_leaves_its_stacks_and_the_next_start_says_so(tmp_path: Path) -> None:
    begin = (
        "from pathlib import Path\n"
        "from desktop_app import log\n"
        f"log.start(Path({str(tmp_path)!r}))\n"
    )
    crashed = run(begin + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert crashed.returncode < 0
    assert "Segmentation fault" in (tmp_path / log.CRASH_NAME).read_text("utf-8")
    told = run(begin.replace("log.start(", "print(log.start(").rstrip() + ")")
    assert told.returncode == 0
    assert told.stdout.strip() == str(tmp_path / "crash.previous.log")
    assert run(begin.replace("log.start(", "print(log.start(").rstrip() + ")").stdout == "None\n"
    assert "last session crashed" in (tmp_path / log.LOG_NAME).read_text("utf-8")
    assert "Segmentation fault" in (tmp_path / "crash.previous.log").read_text("utf-8")


def test_a_folder_that_cannot_be_made_stops_no_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(
        f"from pathlib import Path\nfrom desktop_app import log\n"
        f"log.start(Path({str(tmp_path / 'file' / 'logs')!r}))\n"
        "import logging\nlogging.getLogger('x').warning('still here')\n"
    )
    assert done.returncode == 0, done.stderr
    assert "still here" in done.stderr


@pytest.fixture
def told() -> Iterator[list[str]]:
    lines: list[str] = []
    undo = log.hook_exceptions(lines.append)
    yield lines
    undo()


def test_an_exception_in_a_thread_is_logged_and_told(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    def work() -> None:
        raise ZeroDivisionError("by the fox")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == ["ZeroDivisionError: by the fox"]
    assert "in work" in caplog.text


def test_an_exception_in_the_process_is_logged_and_told(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    fault = ValueError("odd")
    sys.excepthook(ValueError, fault, None)
    assert told == ["ValueError: odd"]
    assert "ValueError: odd" in caplog.text


def test_ctrl_c_is_no_bug() -> None:
    done = run("from desktop_app import log\nlog.hook_exceptions(print)\nraise KeyboardInterrupt\n")
    assert done.stdout == ""
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_the_hooks_come_off_again() -> None:
    before = sys.excepthook, threading.excepthook
    undo = log.hook_exceptions(print)
    assert (sys.excepthook, threading.excepthook) != before
    undo()
    assert (sys.excepthook, threading.excepthook) == before
