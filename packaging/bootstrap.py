"""From a fresh checkout to the running program, in one command that does nothing the second time.

    python3 packaging/bootstrap.py run [...]     set up if need be, then main.py [...]
    python3 packaging/bootstrap.py test [...]    the same with the tests' tools, then pytest [...]
    python3 packaging/bootstrap.py check         the same with the linters', then all of them

Standard library only, and readable by any Python from 3.7, so that an old one can say what it
needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Iterator, Sequence  # noqa: UP035 - those of collections.abc need 3.9

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / ".venv.lock"
STAMP = VENV / "mezzotint-setup.json"
EXTRAS = {"run": ["gguf"], "test": ["gguf", "test"], "check": ["gguf", "test", "dev"]}
PYTHONS = ("3.11", "3.12", "3.13")  # as requires-python says
TEST_TOOLS = {"Xvfb": "xvfb", "xauth": "xauth", "xdotool": "xdotool"}
TORCH_INDEX = "https://download.pytorch.org/whl/"
SPACE = 3, 9
"""GB that must be free for a CPU and for a CUDA build; 1.5 and 6 stay, pip unpacks beside them."""


class SetupError(Exception):
    """The machine lacks something that only its owner can give; the text says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Set up what is missing, then hand over to the program.

    Returns:
        Its exit code; before that 1 where a step failed, 2 where the machine lacks something.
    """
    if not arguments or arguments[0] not in EXTRAS:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    task, rest = arguments[0], list(arguments[1:])
    try:
        _switch_python(arguments)
        set_up(task, rest)
        return _hand_over(task, rest)
    except SetupError as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as failure:
        print(
            f"\nThe set-up stopped: `{' '.join(map(str, failure.cmd[:4]))} ...` failed, see above."
            "\nRun the same command again to go on; what was downloaded is kept.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return 130


def set_up(task: str, rest: Sequence[str]) -> None:
    """Make everything that `task` needs and that is not there yet."""
    sys.path.insert(0, str(ROOT))
    from desktop_app.__main__ import needs_window

    window = task != "run" or needs_window(rest)
    if _is_ready(task, window):
        return
    with _alone():
        if _is_ready(task, window):
            return
        started = time.monotonic()
        print("Setting Mezzotint up. This is done once and takes some minutes.", flush=True)
        if sys.platform == "linux":
            _say(1, "System libraries")
            _system_libraries(task, window)
        _say(2, "Virtual environment")
        state = _environment()
        _say(3, "Python libraries")
        _libraries(task, state)
        seen = window or bool(state.get("window"))
        _write_stamp({**_wanted(task, state), "python": _base_python(), "window": seen})
        print(f"Ready after {time.monotonic() - started:.0f} s.\n", flush=True)


def _is_ready(task: str, window: bool) -> bool:
    state = _read_stamp()
    wanted = {**_wanted(task, state), "python": _base_python()}
    same = all(state.get(name) == value for name, value in wanted.items())
    return same and _venv_python().exists() and (not window or bool(state.get("window")))


def _wanted(task: str, state: dict[str, object]) -> dict[str, object]:
    """What the stamp says when `task` can start; extras that are there already stay."""
    there = state.get("extras")
    extras = sorted({*EXTRAS[task], *(there if isinstance(there, list) else ())})
    digest = hashlib.sha256("\n".join(_requirements(extras)).encode()).hexdigest()
    return {"state": "complete", "extras": extras, "requirements": digest}


def _requirements(extras: Sequence[str]) -> list[str]:
    """The dependencies in pyproject.toml, with those of `extras`."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    lists = [project["dependencies"], *(optional.get(each, []) for each in extras)]
    return [each for group in lists for each in group if not each.startswith(project["name"])]


# System libraries, on Linux


def _system_libraries(task: str, window: bool) -> None:
    from desktop_app import preflight

    required = preflight.debian_packages(
        preflight.missing_libraries(preflight.WINDOW_LIBRARIES) if window else ()
    )
    if importlib.util.find_spec("ensurepip") is None:
        required.append("python{}.{}-venv".format(*sys.version_info[:2]))
    useful = preflight.debian_packages(
        preflight.missing_libraries(preflight.WAYLAND_LIBRARIES) if window else ()
    )
    if task == "test":
        useful += [package for tool, package in TEST_TOOLS.items() if shutil.which(tool) is None]
    packages = sorted({*required, *useful})
    if not packages:
        return
    if shutil.which("apt-get") is None:
        print("      Missing here, by the names Debian gives them:", *packages, flush=True)
        return
    rights = _rights()
    line = preflight.apt_line(packages)
    if rights is not None:
        _apt(rights, packages)
    elif required:
        raise SetupError(f"Mezzotint needs system libraries. Install them, then go on:\n\n  {line}")
    else:
        print(f"      Some things are missing that can be done without: {line}", flush=True)


def _rights() -> list[str] | None:
    """What to put before a command that only root may run; None where there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    silent = subprocess.run(
        ["sudo", "-n", "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if silent.returncode == 0:
        return ["sudo", "-n"]
    if sys.stdin is not None and sys.stdin.isatty():
        print("      sudo asks for your password to install them.", flush=True)
        return ["sudo"]
    return None


def _apt(rights: Sequence[str], packages: Sequence[str]) -> None:
    print("      Installing", *packages, flush=True)
    apt = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    if subprocess.run(install, stdin=subprocess.DEVNULL, check=False).returncode == 0:
        return
    # A system that was never updated knows no package; one that was interrupted takes none.
    subprocess.run([*rights, "dpkg", "--configure", "-a"], stdin=subprocess.DEVNULL, check=False)
    subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, check=False)
    subprocess.run(install, stdin=subprocess.DEVNULL, check=True)


# The virtual environment and what is in it


def _environment() -> dict[str, object]:
    """Make the virtual environment, or keep the one there; returns what its stamp says.

    From here to the end of the set-up the stamp says "incomplete": pip copies files one by one, so
    an environment in which it was stopped cannot be trusted and is made anew.
    """
    state = _read_stamp()
    usable = _venv_python().exists() and state.get("state") != "incomplete"
    if usable and state.get("python") in (None, _base_python()):
        _write_stamp({**state, "state": "incomplete"})
        return state
    if VENV.exists() and not state and any(VENV.iterdir()):
        raise SetupError(f"{VENV} is there, but it is no working environment. Move it away.")
    if state:
        print("      The one here is unfinished or its Python is gone: making it anew.", flush=True)
    _check_space()
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    _write_stamp({"state": "incomplete"})
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    return {"window": state.get("window", False)}


def _libraries(task: str, state: dict[str, object]) -> None:
    wanted = _wanted(task, state)
    extras = wanted["extras"]
    assert isinstance(extras, list)
    print(
        "      Downloads show as they come; then, while they are unpacked, pip is silent for a"
        "\n      minute or two.",
        flush=True,
    )
    pip = [str(_venv_python()), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-input", *_torch_build(pip), *_requirements(extras)]
    subprocess.run(install, stdin=subprocess.DEVNULL, check=True)


def _torch_build(pip: Sequence[str]) -> list[str]:
    """Options that let pip see the torch build for this machine, where PyPI's is another.

    PyPI has CUDA builds for Linux (2.6 GB) and CPU builds for Windows; a build from PyTorch's own
    index has a local version, which pip prefers. Nothing is added where pip has been told by its
    owner where to look, or where the index cannot be reached.
    """
    config = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)
    if any(key in config.stdout for key in ("index-url", "find-links", "no-index")):
        return []
    build = {("Linux", False): "cpu", ("Windows", True): "cu126"}.get(
        (platform.system(), _has_nvidia())
    )
    if build is None:
        return []
    try:
        with urllib.request.urlopen(f"{TORCH_INDEX}{build}/torch/", timeout=5):
            return ["--extra-index-url", TORCH_INDEX + build]
    except OSError:
        return []


def _has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _check_space() -> None:
    cpu, cuda = SPACE
    needed = cuda if _has_nvidia() else cpu
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise SetupError(
            f"Mezzotint's libraries need {needed} GB, and {ROOT} has {free:.1f} GB left. "
            "Make room there, then go on."
        )


def _venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _base_python() -> str:
    """Which Python the environment stands on; it goes when the system's is upgraded."""
    return "" if os.name == "nt" else os.path.realpath(_venv_python())


def _read_stamp() -> dict[str, object]:
    try:
        state = json.loads(STAMP.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"state": "incomplete"}
    return state if isinstance(state, dict) else {"state": "incomplete"}


def _write_stamp(state: dict[str, object]) -> None:
    partial = STAMP.with_suffix(".part")
    partial.write_text(json.dumps(state), "utf-8")
    partial.replace(STAMP)


# Starting


def _switch_python(arguments: Sequence[str]) -> None:
    """Go on with a Python that the libraries exist for, where this one is not."""
    if "{}.{}".format(*sys.version_info[:2]) in PYTHONS:
        return
    for version in PYTHONS:
        other = shutil.which("python" + version)
        if other is not None:
            sys.exit(subprocess.call([other, __file__, *arguments]))
    raise SetupError(
        f"Mezzotint needs Python {PYTHONS[0]} to {PYTHONS[-1]}; this one is "
        f"{platform.python_version()}. Install one of them, from python.org or your system."
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other set-up works on this folder; the lock ends with its process."""
    with LOCK.open("a+b") as file:
        told = False
        while not _take(file.fileno()):
            if not told:
                print("Another set-up is at work here; waiting for it.", flush=True)
                told = True
            time.sleep(0.5)
        yield


def _take(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _hand_over(task: str, rest: Sequence[str]) -> int:
    python = str(_venv_python())
    if task == "check":
        os.chdir(ROOT)
        checks = (["ruff", "check"], ["ruff", "format", "--check"], ["pyright", "--project", "."])
        return max([subprocess.call([python, "-m", *check]) != 0 for check in checks])
    if task == "test":
        os.chdir(ROOT)
        # One process a core, each with a QApplication of its own.
        workers = ["-n", str(min(os.cpu_count() or 1, 4))]
        command = [python, "-m", "pytest", *(rest or workers)]
    else:
        command = [python, str(ROOT / "main.py"), *rest]
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(python, command)
    return subprocess.call(command)


def _say(number: int, what: str) -> None:
    print(f"[{number}/3] {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
