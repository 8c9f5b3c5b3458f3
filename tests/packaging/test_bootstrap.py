"""The set-up, done for real in small projects: once, again, interrupted, broken, two at a time."""

import ast
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from desktop_app import preflight

ROOT = Path(__file__).resolve().parent.parent.parent
BOOTSTRAP = ROOT / "packaging" / "bootstrap.py"

# A virtual environment takes some seconds, and much longer beside other tests.
pytestmark = pytest.mark.timeout(300)

posix = pytest.mark.skipif(os.name == "nt", reason="signals and rights as POSIX has them")


def a_wheel(folder: Path, name: str) -> str:
    """A library of one empty module, as a requirement that needs no network."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/RECORD", "")
    return f"{name} @ {wheel.as_uri()}"


class Project:
    """A checkout as the set-up sees it: its own script and door, and a program that reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("__init__", "__main__", "errors", "preflight"):
            self._copy(f"desktop_app/{name}.py")
        self._copy("packaging/bootstrap.py")
        self.program("import sys, lib_a\nprint('program', *sys.argv[1:])\nsys.exit(7)\n")
        self.require(a_wheel(folder, "lib_a"))

    def _copy(self, name: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, self.folder / name)

    @property
    def stamp(self) -> Path:
        return self.folder / ".venv" / "mezzotint-setup.json"

    def program(self, source: str) -> None:
        (self.folder / "main.py").write_text(source, "utf-8")

    def require(self, *requirements: str) -> None:
        (self.folder / "pyproject.toml").write_text(
            "[project]\n"
            'name = "mezzotint"\n'
            f"dependencies = {json.dumps(requirements)}\n"
            "[project.optional-dependencies]\n"
            "test = []\n",
            "utf-8",
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "packaging/bootstrap.py", *arguments],
            cwd=self.folder,
            env={**os.environ, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "a project"
    folder.mkdir()
    return Project(folder)


def test_once_then_only_what_changed(project: Project) -> None:
    code, output = project.run("run", "render", "--prompt", "a red fox")
    assert code == 7, output
    assert "[1/3]" in output
    assert output.splitlines()[-1] == "program render --prompt a red fox"
    before = project.stamp.stat().st_mtime_ns
    assert project.run("run", "inspect", "--help") == (7, "program inspect --help\n")
    assert project.stamp.stat().st_mtime_ns == before

    project.require(a_wheel(project.folder, "lib_a"), a_wheel(project.folder, "lib_b"))
    project.program("import lib_a, lib_b\nprint('both')")
    code, output = project.run("run", "models")
    assert (code, output.splitlines()[-1]) == (0, "both")

    shutil.rmtree(project.folder / ".venv" / ("Scripts" if os.name == "nt" else "bin"))
    code, output = project.run("run", "models")
    assert "making it anew" in output
    assert (code, output.splitlines()[-1]) == (0, "both")


@posix
@pytest.mark.fault
def test_a_killed_set_up_is_made_anew_once(project: Project) -> None:
    killed = project.start("run", "models")
    deadline = time.monotonic() + 120
    while not project.stamp.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    both = [project.start("run", "models") for _ in range(2)]
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [7, 7], outputs
    assert sorted("making it anew" in output for output in outputs) == [False, True]
    assert sorted("[3/3]" in output for output in outputs) == [False, True]


@pytest.mark.fault
def test_a_library_that_cannot_be_had_is_said_and_can_be_repaired(project: Project) -> None:
    project.require("surely-no-such-library")
    code, output = project.run("run", "models")
    assert code == 1
    assert "Run the same command again" in output
    assert "Traceback" not in output
    project.require(a_wheel(project.folder, "lib_a"))
    assert project.run("run", "models")[0] == 7


def test_somebody_elses_folder_is_left_alone(project: Project) -> None:
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "diary.txt").write_text("mine", "utf-8")
    code, output = project.run("run", "models")
    assert code == 2
    assert "Move it away" in output
    assert (project.folder / ".venv" / "diary.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["start"]])
def test_wrong_use_explains_itself(project: Project, arguments: list[str]) -> None:
    code, output = project.run(*arguments)
    assert code == 2
    assert "bootstrap.py run" in output


def test_an_old_python_can_read_it() -> None:
    ast.parse(BOOTSTRAP.read_text("utf-8"), feature_version=(3, 7))


# In this process, with programs of our own on PATH


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", BOOTSTRAP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Machine:
    """A Debian machine: a PATH of scripts that write down how they were called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(folder))
        (folder / "env").symlink_to(str(shutil.which("env", path="/usr/bin:/bin")))
        monkeypatch.setattr(preflight, "WINDOW_LIBRARIES", {"libno.so.1": "libno1"})
        monkeypatch.setattr(preflight, "WAYLAND_LIBRARIES", {"libnor.so.2": "libnor2"})

    def tool(self, name: str, script: str = "exit 0") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.calls_file}"\n{script}\n', "utf-8")
        path.chmod(0o755)

    def user(self, number: int) -> None:
        self.monkeypatch.setattr(os, "geteuid", lambda: number)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text("utf-8").splitlines() if self.calls_file.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    machine = Machine(folder, monkeypatch)
    machine.tool("apt-get")
    machine.tool("dpkg")
    return machine


INSTALL = "apt-get -q install -y --no-install-recommends libno1 libnor2"


@posix
def test_root_installs_what_is_missing(bootstrap: ModuleType, machine: Machine) -> None:
    machine.user(0)
    bootstrap._system_libraries("run", True)
    assert machine.calls == [INSTALL]


@posix
def test_a_command_without_window_asks_for_no_library(
    bootstrap: ModuleType, machine: Machine
) -> None:
    machine.user(0)
    bootstrap._system_libraries("run", False)
    assert machine.calls == []


@posix
def test_tests_bring_their_tools(bootstrap: ModuleType, machine: Machine) -> None:
    machine.user(0)
    bootstrap._system_libraries("test", True)
    assert machine.calls == [INSTALL + " xauth xdotool xvfb"]


@posix
def test_a_system_never_updated_is_updated_first(bootstrap: ModuleType, machine: Machine) -> None:
    machine.user(0)
    updated = machine.folder / "updated"
    machine.tool(
        "apt-get",
        f'case "$*" in *update) : > "{updated}";; *) [ -e "{updated}" ] || exit 100;; esac',
    )
    bootstrap._system_libraries("run", True)
    assert machine.calls == [INSTALL, "dpkg --configure -a", "apt-get -q update", INSTALL]


@posix
def test_sudo_is_used_where_it_asks_nothing(bootstrap: ModuleType, machine: Machine) -> None:
    machine.user(1000)
    machine.tool("sudo", '[ "$2" = true ] && exit 0\nshift\nexec "$@"')
    bootstrap._system_libraries("run", True)
    env = "env DEBIAN_FRONTEND=noninteractive"
    assert machine.calls == ["sudo -n true", f"sudo -n {env} {INSTALL}", INSTALL]


@posix
@pytest.mark.parametrize("sudo", [True, False])
def test_without_rights_the_exact_line_is_said(
    bootstrap: ModuleType, machine: Machine, sudo: bool
) -> None:
    machine.user(1000)
    machine.monkeypatch.setattr(sys, "stdin", None)
    if sudo:
        machine.tool("sudo", "exit 1")
    with pytest.raises(bootstrap.SetupError) as refusal:
        bootstrap._system_libraries("run", True)
    line = "sudo apt-get install --no-install-recommends libno1 libnor2"
    assert str(refusal.value).splitlines()[-1].strip() == line
    assert not any("install" in call for call in machine.calls)


@posix
def test_what_can_be_done_without_stops_no_one(
    bootstrap: ModuleType, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.user(1000)
    machine.monkeypatch.setattr(preflight, "WINDOW_LIBRARIES", {})
    bootstrap._system_libraries("run", True)
    assert "sudo apt-get install --no-install-recommends libnor2" in capsys.readouterr().out


@posix
def test_a_system_without_apt_is_told_the_names(
    bootstrap: ModuleType, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.user(0)
    (machine.folder / "apt-get").unlink()
    bootstrap._system_libraries("run", True)
    assert "libno1 libnor2" in capsys.readouterr().out


@posix
def test_another_python_takes_over(bootstrap: ModuleType, machine: Machine) -> None:
    machine.monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    machine.tool("python3.12", "exit 5")
    with pytest.raises(SystemExit) as end:
        bootstrap._switch_python(["run", "models"])
    assert end.value.code == 5
    assert machine.calls == [f"python3.12 {BOOTSTRAP} run models"]


def test_no_fitting_python_is_said(bootstrap: ModuleType, machine: Machine) -> None:
    machine.monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(bootstrap.SetupError, match=r"needs Python 3\.11 to 3\.13"):
        bootstrap._switch_python(["run"])


def test_a_full_disk_is_said_before_anything_is_made(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "SPACE", (10**9, 10**9))
    with pytest.raises(bootstrap.SetupError, match="GB left"):
        bootstrap._check_space()
