"""Who may import whom: every import in the package, also those inside functions, is read here."""

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "desktop_app"

FLOOR = frozenset({"errors", "paths", "files", "settings", "log"})

ROOMS: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "__main__": frozenset({"app", "cli", "preflight", "errors"}),
    "app": frozenset({"ui", "studio", "recipe", "instance"}) | FLOOR,
    "cli": frozenset({"engine", "library", "store", "recipe"}) | FLOOR,
    "ui": frozenset({"studio", "recipe"}) | FLOOR,
    "studio": frozenset({"engine", "library", "store", "weights", "recipe"}) | FLOOR,
    "engine": frozenset({"weights", "recipe", "errors", "files"}),
    "library": frozenset({"weights", "recipe", "errors", "paths", "files"}),
    "store": frozenset({"recipe", "errors", "paths", "files"}),
    "weights": frozenset({"errors"}),
    "recipe": frozenset({"errors"}),
    "instance": frozenset({"paths", "errors"}),
    "settings": frozenset({"paths", "errors", "files"}),
    "log": frozenset({"paths", "errors"}),
    "preflight": frozenset({"errors"}),
    "files": frozenset({"errors"}),
    "paths": frozenset(),
    "errors": frozenset(),
}
"""Room -> the rooms it may import from besides itself; `desktop_app` itself is open to all."""

ENGINE_WITHOUT_TORCH = frozenset(
    {"desktop_app.engine.events", "desktop_app.engine.backend", "desktop_app.engine.plan"}
)
ENGINE_STARTERS = frozenset({"desktop_app.studio.render_thread", "desktop_app.studio.local_engine"})

OUTSIDE: dict[str, frozenset[str]] = {
    "torch": frozenset({"engine"}),
    "diffusers": frozenset({"engine"}),
    "transformers": frozenset({"engine"}),
    "safetensors": frozenset({"engine", "library"}),
    "tokenizers": frozenset({"library"}),
    "numpy": frozenset({"engine", "store", "studio", "cli"}),
    "PIL": frozenset({"engine", "store", "cli"}),
    "sqlite3": frozenset({"store", "library"}),
    "yaml": frozenset({"library"}),
    "accelerate": frozenset({"engine"}),
    "gguf": frozenset({"engine"}),
    "appdirs": frozenset({"paths"}),
    "PySide6": frozenset({"app", "instance", "ui", "studio"}),
}
"""Library -> the rooms that may load it; no other library from outside Python may be loaded."""

STANDARD = frozenset(sys.stdlib_module_names) - {"sqlite3"}
STUDIO_QT = frozenset({"QtCore", "QtGui"})

BROAD = frozenset({"Exception", "BaseException"})
DOORS = frozenset({"desktop_app.studio.render_thread", "desktop_app.studio.background"})
"""With the command line, the only places where any exception may end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One imported module, and how: at import time, inside a function, or for types only."""

    target: str
    line: int
    in_function: bool
    types_only: bool


def modules() -> dict[str, str]:
    """Every module of the package by its dotted name, with its source."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text("utf-8")
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(source: str, known: frozenset[str] = frozenset()) -> Iterator[Import]:
    """All imports in `source`; `from a import b` counts as `a.b` where that is a module."""
    yield from _walk(ast.parse(source), known, in_function=False, types_only=False)


def _walk(
    node: ast.AST, known: frozenset[str], *, in_function: bool, types_only: bool
) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            targets = [each.name for each in names]
        case ast.ImportFrom(module=module, names=names, level=0):
            deeper = [f"{module}.{each.name}" for each in names]
            outside = not str(module).startswith("desktop_app")
            targets = [each if each in known or outside else str(module) for each in deeper]
        case ast.ImportFrom():
            targets = ["relative"]
        case _:
            targets = []
    for target in targets:
        line = getattr(node, "lineno", 0)
        yield Import(target=target, line=line, in_function=in_function, types_only=types_only)
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for child in ast.iter_child_nodes(node):
        yield from _walk(
            child, known, in_function=in_function or function, types_only=types_only or types
        )


def forbidden(module: str, each: Import) -> str:
    """Why `module` may not have this import; empty if it may."""
    room, top = room_of(module), each.target.partition(".")[0]
    if each.target == "relative":
        return "imports are absolute"
    if top == "desktop_app":
        target = room_of(each.target)
        if target not in {"__init__", room, *ROOMS[room]}:
            return f"{room} may not know {target}"
        return _engine_too_early(module, each)
    if each.types_only or top in STANDARD:
        return ""
    if top not in OUTSIDE:
        return f"{top} is no dependency of the program"
    if room not in OUTSIDE[top]:
        return f"{room} may not load {top}"
    if room == "studio" and top == "PySide6" and not STUDIO_QT.intersection(each.target.split(".")):
        return "studio knows QtCore and QtGui only"
    return ""


def _engine_too_early(module: str, each: Import) -> str:
    """Torch costs seconds: it comes in inside the render thread, or inside a command."""
    if room_of(module) == "engine" or room_of(each.target) != "engine" or each.types_only:
        return ""
    if each.target in ENGINE_WITHOUT_TORCH:
        return ""
    if not each.in_function:
        return "the engine is imported inside a function, where it is needed"
    if room_of(module) == "studio" and module not in ENGINE_STARTERS:
        return "only the render thread starts the engine"
    return ""


def test_every_import_is_an_allowed_arrow() -> None:
    found = modules()
    known = frozenset(found)
    wrong = [
        f"{module}:{each.line} imports {each.target}: {why}"
        for module, source in found.items()
        for each in imports_of(source, known)
        if (why := forbidden(module, each))
    ]
    assert wrong == []


def test_every_library_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"]["gguf"]
    asked = {re.split(r"[<>=]", each)[0].lower() for each in (*project["dependencies"], *extra)}
    names = {"PIL": "pillow", "PySide6": "pyside6-essentials", "yaml": "pyyaml"}
    assert {names.get(each, each) for each in OUTSIDE.keys() - STANDARD - {"sqlite3"}} <= asked


def test_every_room_has_its_rules() -> None:
    assert {room_of(module) for module in modules()} <= ROOMS.keys()


def test_no_module_needs_itself() -> None:
    found = modules()
    known = frozenset(found)
    graph = {
        module: {
            each.target
            for each in imports_of(source, known)
            if each.target in known - {module} and not each.in_function and not each.types_only
        }
        for module, source in found.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_only_the_doors_catch_everything() -> None:
    swallowed = [
        f"{module}:{line}"
        for module, source in modules().items()
        if module not in DOORS and room_of(module) != "cli"
        for line in swallowing_lines(source)
    ]
    assert swallowed == []


def swallowing_lines(source: str) -> list[int]:
    """Lines of handlers that take any exception and do not raise it again."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type).split(".")[-1] in BROAD)
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("desktop_app.ui.canvas", "import desktop_app.store.pictures"),
        ("desktop_app.ui.canvas", "def f():\n    from desktop_app.engine import events"),
        ("desktop_app.ui.canvas", "import numpy"),
        ("desktop_app.engine.render", "from desktop_app import settings"),
        ("desktop_app.engine.render", "from PySide6.QtCore import QObject"),
        ("desktop_app.store.pictures", "from desktop_app.library.catalog import Catalog"),
        ("desktop_app.store.pictures", "import torch"),
        ("desktop_app.recipe.recipe", "import numpy as np"),
        ("desktop_app.recipe.recipe", "from desktop_app.store import database"),
        ("desktop_app.studio.studio", "from PySide6.QtWidgets import QWidget"),
        ("desktop_app.studio.studio", "from PySide6 import QtWidgets"),
        ("desktop_app.studio.studio", "from desktop_app.engine.render import render"),
        ("desktop_app.studio.queue", "def f():\n    from desktop_app.engine.render import render"),
        ("desktop_app.cli", "from desktop_app.engine.render import render"),
        ("desktop_app.cli", "from desktop_app.studio import studio"),
        ("desktop_app.cli", "import PySide6"),
        ("desktop_app.ui.canvas", "from . import theme"),
        ("desktop_app.ui.canvas", "import requests"),
        (
            "desktop_app.engine.render",
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from desktop_app.studio import x",
        ),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, source: str) -> None:
    known = frozenset(
        {
            "desktop_app.settings",
            "desktop_app.engine.events",
            "desktop_app.store.database",
            "desktop_app.studio.studio",
        }
    )
    assert any(forbidden(module, each) for each in imports_of(source, known))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("desktop_app.studio.queue", "from desktop_app.engine.events import Step"),
        (
            "desktop_app.studio.render_thread",
            "def f():\n    from desktop_app.engine.render import go",
        ),
        ("desktop_app.cli", "def f():\n    from desktop_app.engine.render import go"),
        ("desktop_app.recipe.recipe", "import dataclasses, json"),
        (
            "desktop_app.engine.events",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        ),
        ("desktop_app.ui.canvas", "from PySide6.QtWidgets import QWidget"),
        ("desktop_app.ui.canvas", "from desktop_app import __version__"),
    ],
)
def test_a_right_arrow_is_let_through(module: str, source: str) -> None:
    assert not any(forbidden(module, each) for each in imports_of(source))


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", [3]),
        ("try:\n    f()\nexcept:\n    pass", [3]),
        ("try:\n    f()\nexcept BaseException:\n    tidy()\n    raise", []),
        ("try:\n    f()\nexcept ValueError:\n    pass", []),
    ],
)
def test_a_swallowed_error_is_seen(source: str, lines: list[int]) -> None:
    assert swallowing_lines(source) == lines
