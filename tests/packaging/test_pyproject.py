"""What pyproject.toml promises: bounded dependencies, one version, every room in the wheel."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import desktop_app

ROOT = Path(__file__).resolve().parent.parent.parent
TORCHVISION_FRIENDS = {"torchvision", "spandrel", "controlnet-aux", "timm", "segment-anything"}


@pytest.fixture
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_dependency_has_both_bounds(pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (each for group in lists for each in group):
        if requirement.startswith("mezzotint"):
            continue
        assert re.fullmatch(r"[\w.-]+(\[\w+\])?>=[\w.]+,<[\w.]+", requirement), requirement


def test_nothing_brings_torchvision(pyproject: dict[str, Any]) -> None:
    names = {re.split(r"[\[<>=]", each)[0].lower() for each in pyproject["project"]["dependencies"]}
    assert not names & TORCHVISION_FRIENDS


def test_the_version_is_said_once_and_the_same(pyproject: dict[str, Any]) -> None:
    assert pyproject["project"]["version"] == desktop_app.__version__


def test_every_room_goes_into_the_wheel(pyproject: dict[str, Any]) -> None:
    rooms = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "desktop_app").rglob("__init__.py")
    }
    assert set(pyproject["tool"]["setuptools"]["packages"]) == rooms | {"desktop_app.resources"}


def test_the_set_up_takes_the_pythons_that_are_promised(pyproject: dict[str, Any]) -> None:
    bootstrap = (ROOT / "packaging" / "bootstrap.py").read_text("utf-8")
    promised = re.search(r"^PYTHONS = \((.+)\)", bootstrap, re.MULTILINE)
    assert promised is not None
    first, *_, last = re.findall(r"3\.(\d+)", promised[1])
    assert pyproject["project"]["requires-python"] == f">=3.{first},<3.{int(last) + 1}"
