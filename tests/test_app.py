"""The whole program in a process of its own: how it starts, and that it ends without an abort."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from desktop_app.app import Look
from desktop_app.studio.background import Background
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.ui import theme
from tests.studio.models import write_model

pytestmark = pytest.mark.gui

ROOT = Path(__file__).resolve().parent.parent
# A backend that takes its time with every step, in place of the engine; all else is the program.
PROGRAM = """
import functools, sys, time
sys.path.insert(0, {root!r})
from desktop_app import app
from desktop_app.studio.studio import Studio

def slow():
    from tests.studio.scripted import ScriptedBackend  # brings numpy

    backend = ScriptedBackend()
    def before(stage):
        print(stage, flush=True)
        time.sleep({pause})
    backend.before = before
    return backend

made = []
class Shown(Studio):
    def __init__(self, places):
        super().__init__(places, make_backend=slow)
        made.append(self)
        self.engine_state.connect(lambda state: print("engine", state, flush=True))
        self.notice.connect(lambda notice: print("notice", notice.text, flush=True))
    def start(self):
        heavy = [name for name in ("torch", "numpy", "PIL", "diffusers") if name in sys.modules]
        print("painted", heavy, flush=True)
        super().start()
        {then}
app.Studio = Shown
sys.exit(app.main({arguments!r}))
"""


class Program:
    """A running Mezzotint and what it prints."""

    def __init__(self, *, pause: float = 0.0, then: str = "pass", picture: str = "") -> None:
        code = PROGRAM.format(
            root=str(ROOT), pause=pause, then=then, arguments=[picture] if picture else []
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )

    def until(self, words: str, part: str = "") -> str:
        """Read its output up to a line that begins so, with this part in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(words) and part in line:
                return line.strip()
        raise AssertionError(f"it ended before it said {words!r}: {self.process.communicate()[1]}")

    def end(self, number: int = signal.SIGTERM) -> str:
        """Ask it to end; what it wrote to stderr. It must end by itself, with 0."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=40)
        assert self.process.returncode == 0, errors
        return errors


@pytest.fixture
def programs(home: Path) -> Iterator[list[Program]]:
    write_model(home / "data" / "models" / "scripted", "Scripted")
    running: list[Program] = []
    yield running
    for program in running:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


def _quiet(errors: str) -> bool:
    return not any(word in errors for word in ("QThread", "Traceback", "Fatal", "destroyed"))


def test_it_paints_first_and_ends_while_the_engine_starts(programs: list[Program]) -> None:
    program = Program(pause=3.0)
    programs.append(program)
    assert program.until("painted") == "painted []"
    program.until("start")
    assert _quiet(program.end())


RENDER = "self.editor.set(prompt='a fox', num_inference_steps=500); self.generate()"


def test_it_ends_in_the_middle_of_a_picture(programs: list[Program], home: Path) -> None:
    program = Program(pause=0.2, then=RENDER)
    programs.append(program)
    program.until("step 3")
    assert _quiet(program.end())
    assert "a fox" in (home / "data" / "draft.json").read_text()
    assert list((home / "pictures").rglob("*.png")) == []


def test_a_kill_loses_neither_the_draft_nor_the_queue(programs: list[Program], home: Path) -> None:
    program = Program(pause=0.2, then=RENDER)
    programs.append(program)
    program.until("step 5")
    program.process.kill()
    program.process.communicate()
    assert "a fox" in (home / "data" / "draft.json").read_text()
    again = Program()
    programs.append(again)
    assert again.until("notice") == "notice 1 picture was still waiting."
    assert _quiet(again.end())


def test_a_second_start_hands_over_and_ends_at_once(programs: list[Program], home: Path) -> None:
    first = Program()
    programs.append(first)
    first.until("engine ready")
    picture = home / "no settings.png"
    picture.write_bytes(b"no picture")
    second = Program(picture=str(picture))
    programs.append(second)
    output, errors = second.process.communicate(timeout=30)
    assert (second.process.returncode, output, _quiet(errors)) == (0, "", True)
    assert "no settings.png" in first.until("notice")
    assert _quiet(first.end(signal.SIGINT))


def test_it_takes_a_pictures_settings_and_lives_through_an_exception_in_a_slot(
    programs: list[Program], home: Path
) -> None:
    from tests.studio.scripted import save_picture

    save_picture(home / "fox.png", prompt="a fox at dusk", seed=77)
    fault = "self.settings.changed.connect(lambda *_: 1 / 0); self.settings.set(threads=1)"
    program = Program(picture=str(home / "fox.png"), then=fault)
    programs.append(program)
    program.until("notice", "ZeroDivisionError")
    program.until("notice", "fox.png")
    assert _quiet(program.end())
    assert "a fox at dusk" in (home / "data" / "draft.json").read_text()


def test_a_folder_that_cannot_be_written_is_told_in_the_window(
    programs: list[Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("MEZZOTINT_HOME", str(blocked))
    program = Program()
    programs.append(program)
    assert str(blocked) in program.until("notice")
    assert _quiet(program.end())


def test_a_crash_is_told_of_at_the_next_start_and_then_no_more(
    programs: list[Program], home: Path
) -> None:
    first = Program()
    programs.append(first)
    first.until("engine ready")
    first.process.send_signal(signal.SIGSEGV)
    first.process.communicate(timeout=40)
    second = Program()
    programs.append(second)
    assert "ended unexpectedly last time" in second.until("notice")
    assert _quiet(second.end())
    third = Program(then="self.herald.bug_found('the first notice')")
    programs.append(third)
    assert "the first notice" in third.until("notice")
    assert _quiet(third.end())


def test_the_look_follows_the_settings_and_the_desktop(qapp: QApplication, home: Path) -> None:
    disk = Background()
    settings = SettingsHolder(home / "settings.json", disk)
    settings.set(theme="light", text_percent=120)
    look = Look(qapp, settings)
    try:
        assert (theme.current(), theme.px(100)) == ("light", 120)
        settings.set(theme="dark")
        assert theme.current() == "dark"
        # This screen's desktop says nothing of light or dark, which counts as dark.
        theme.apply(qapp, "light")
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Unknown)
        assert theme.current() == "light"
        settings.set(theme="system")
        theme.apply(qapp, "light")
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Unknown)
        assert theme.current() == "dark"
    finally:
        look.deleteLater()
        theme.apply(qapp, "dark")
        disk.close()
