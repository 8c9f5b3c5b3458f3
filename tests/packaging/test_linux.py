"""What Linux desktops read about the program agrees with the program."""

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENTRY = ROOT / "packaging" / "linux" / "mezzotint.desktop"


@pytest.fixture
def entry() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] # keys keep their case
    parser.read(ENTRY, "utf-8")
    return dict(parser["Desktop Entry"])


def test_the_entry_starts_an_installed_command(entry: dict[str, str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    command, argument = entry["Exec"].split()
    assert command in project["gui-scripts"]
    assert argument == "%f"
    assert entry["Terminal"] == "false"


def test_the_window_says_it_belongs_to_the_entry(entry: dict[str, str]) -> None:
    app = (ROOT / "desktop_app" / "app.py").read_text("utf-8")
    named = re.search(r'setDesktopFileName\("([^"]+)"\)', app)
    assert named is not None
    assert named[1] == ENTRY.stem == entry["StartupWMClass"] == entry["Icon"]


def test_the_desktops_own_validator_agrees() -> None:
    validator = shutil.which("desktop-file-validate")
    if validator is None:
        pytest.skip("desktop-file-validate is not installed")
    done = subprocess.run([validator, ENTRY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
