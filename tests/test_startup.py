"""What starting costs and what it refuses: nothing heavy before the window, never an abort."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_app import preflight
from desktop_app.__main__ import COMMANDS, needs_window
from desktop_app.errors import AppError

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "diffusers", "transformers", "accelerate", "numpy", "PIL", "scipy", "sqlite3")
OPEN = "from desktop_app.__main__ import main\nraise SystemExit(main([]))"
USABLE = """
import os
from desktop_app import preflight
print(preflight.usable_platforms(os.environ))
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lacks Qt's libraries")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new interpreter that knows of no screen but what `environment` says."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in {"QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"}
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def loaded_after(code: str, names: tuple[str, ...], **environment: str) -> list[str]:
    """Which of the modules `names` are loaded once `code` has run."""
    report = f"\nimport json, sys\nprint(json.dumps([n for n in {names!r} if n in sys.modules]))"
    done = run(code + report, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_window_needs_nothing_heavy_to_be_imported() -> None:
    code = "import desktop_app.app"
    assert loaded_after(code, HEAVY, QT_QPA_PLATFORM="offscreen") == []


def test_commands_never_import_qt_and_lists_no_torch() -> None:
    code = "from desktop_app.__main__ import main\nassert main(['samplers']) == 0"
    assert loaded_after(code, ("PySide6", "torch", "diffusers", "transformers")) == []


def test_every_command_is_known_to_the_command_line() -> None:
    code = (
        "import contextlib, sys\n"
        "from desktop_app.__main__ import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main([command, '--help'])\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert all(f" {command} " in done.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ([], True),
        (["fox.png"], True),
        (["render", "--prompt", "a fox"], False),
        (["--help"], False),
    ],
)
def test_commands_and_options_need_no_window(arguments: list[str], window: bool) -> None:
    assert needs_window(arguments) is window


@pytest.mark.parametrize("arguments", [["missing.png"], ["redner"], ["README.md", "README.md"]])
def test_wrong_use_exits_2_with_a_sentence(arguments: list[str]) -> None:
    done = run(f"from desktop_app.__main__ import main\nraise SystemExit(main({arguments!r}))")
    assert done.returncode == 2
    assert done.stderr.startswith(("The window opens", f'"{arguments[0]}" is no picture'))
    assert "Traceback" not in done.stderr


@on_linux
def test_no_display_exits_2() -> None:
    done = run(OPEN)
    assert done.returncode == 2
    assert "There is no display" in done.stderr
    assert "Traceback" not in done.stderr


@on_linux
def test_a_display_that_does_not_answer_exits_2() -> None:
    done = run(OPEN, DISPLAY=":987")
    assert done.returncode == 2
    assert 'The display ":987" does not answer' in done.stderr


@on_linux
def test_an_unknown_platform_exits_2_and_names_the_known() -> None:
    done = run(OPEN, QT_QPA_PLATFORM="cardboard")
    assert done.returncode == 2
    assert '"cardboard"' in done.stderr
    assert "offscreen" in done.stderr


@on_linux
def test_a_missing_library_exits_2_with_its_apt_line(tmp_path: Path) -> None:
    fake_qt(tmp_path, b"libxcb-icccm.so.4", b"libxcb-icccm.so.9")
    code = (
        "from desktop_app import preflight\n"
        "from desktop_app.__main__ import main\n"
        "preflight.WINDOW_LIBRARIES['libxcb-icccm.so.9'] = 'libxcb-icccm9'\n"
        "preflight.shutil.which = lambda name: '/usr/bin/' + name\n"
        "raise SystemExit(main([]))"
    )
    done = run(code, PYTHONPATH=f"{tmp_path}:{ROOT}", DISPLAY=":0")
    assert done.returncode == 2, done.stderr
    assert "libxcb-icccm.so.9" in done.stderr
    assert "sudo apt-get install --no-install-recommends libxcb-icccm9" in done.stderr
    assert "Traceback" not in done.stderr


@on_linux
def test_a_second_platform_is_taken_where_the_first_lacks_something(tmp_path: Path) -> None:
    fake_qt(tmp_path, b"libxcb-icccm.so.4", b"libxcb-icccm.so.9")
    wanted = {"QT_QPA_PLATFORM": "xcb;offscreen", "DISPLAY": ":0"}
    done = run(USABLE, PYTHONPATH=f"{tmp_path}:{ROOT}", **wanted)
    assert done.stdout.strip() == "offscreen", done.stderr


@on_linux
def test_without_pyside6_the_set_up_is_named(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
        "from desktop_app.__main__ import main\nraise SystemExit(main([]))"
    )
    done = run(code)
    assert done.returncode == 2
    assert "bootstrap.py run" in done.stderr


@on_linux
def test_every_library_in_the_table_has_a_debian_package() -> None:
    table = preflight.WINDOW_LIBRARIES | preflight.WAYLAND_LIBRARIES
    assert preflight.debian_packages(table) == sorted(set(table.values()))
    assert preflight.missing_libraries(["libsurely-not-there.so.1"]) == ["libsurely-not-there.so.1"]


@on_linux
def test_offscreen_is_usable_here() -> None:
    try:
        assert preflight.usable_platforms({"QT_QPA_PLATFORM": "offscreen"}) == ""
    except AppError as refusal:
        pytest.fail(str(refusal))


def fake_qt(folder: Path, needed: bytes, instead: bytes) -> None:
    """A PySide6 whose X11 plugin asks the loader for a library that no system has.

    The plugin is the real one with the name of one library changed in its table of needs.
    """
    import PySide6

    real = Path(str(PySide6.__file__)).parent / "Qt"
    fake = folder / "PySide6" / "Qt"
    platforms = fake / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    (folder / "PySide6" / "__init__.py").touch()
    (fake / "lib").symlink_to(real / "lib")
    for plugin in (real / "plugins" / "platforms").glob("libq*.so"):
        (platforms / plugin.name).write_bytes(plugin.read_bytes().replace(needed, instead))
