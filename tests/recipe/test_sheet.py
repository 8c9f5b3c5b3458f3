"""A sheet is read back as it was written, and nothing hostile gets through."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import PROMPT_MAX, ModelRef, Recipe
from desktop_app.recipe.sheet import Direction, Sheet, dumps, loads
from desktop_app.recipe.sweep import Cell

MODEL = ModelRef(sha256="ab" * 32, name="One")
BASE = Recipe(model=MODEL, prompt="a fox")


def sheet_of(columns: int = 3, rows: int = 2, picture: str = "") -> Sheet:
    cells = tuple(
        Cell(at=(x, y), recipe=replace(BASE, seed=2**63 + x, num_inference_steps=10 + y))
        for y in range(rows)
        for x in range(columns)
    )
    return Sheet(
        id="0123456789abcdef",
        axes=(
            Direction(name="Seed", labels=tuple(f"{2**63 + x}" for x in range(columns))),
            Direction(name="Steps", labels=tuple(str(10 + y) for y in range(rows))),
        ),
        cells=cells,
        picture=picture,
    )


@pytest.mark.parametrize("picture", ["", "cd" * 32])
def test_a_sheet_is_read_back_as_it_was(picture: str) -> None:
    sheet = sheet_of(20, 25, picture)
    text = dumps(sheet)
    assert loads(text) == sheet
    assert len(text) < 70_000
    assert sheet.title == "Seed × Steps"
    assert sheet.words(sheet.cells[-1]) == f"Seed {2**63 + 19}, Steps 34"
    assert sheet.origin.sheet == sheet.id


def test_a_sheet_with_gaps_is_one_too() -> None:
    sheet = replace(sheet_of(), cells=sheet_of().cells[::2])
    assert loads(dumps(sheet)) == sheet


DAMAGE = [
    ("version", 2),
    ("id", "../../../../etc/x"),
    ("id", 7),
    ("picture", "zz"),
    ("axes", []),
    ("axes", [{"name": "x", "labels": []}] * 2),
    ("axes", [{"name": "x", "labels": ["1"] * 200}] * 2),
    ("axes", {"name": "x"}),
    ("cells", []),
    ("cells", [{"at": [0, 0], "changes": {}}] * 2),
    ("cells", [{"at": [0, 0], "changes": {}}] * 600),
    ("cells", [{"at": [-1, 0], "changes": {}}]),
    ("cells", [{"at": [True, 0], "changes": {}}]),
    ("cells", [{"at": [0], "changes": {}}]),
    ("cells", [{"at": [0, 99], "changes": {}}]),
    ("cells", [{"at": [0, 0], "changes": {"seed": "-1"}}]),
    ("cells", [{"at": [0, 0], "changes": {"shell": "rm"}}]),
    ("cells", [{"at": [0, 0], "changes": []}]),
    ("cells", ["x"]),
    ("recipe", None),
]


@pytest.mark.parametrize(("part", "value"), DAMAGE)
def test_what_is_malformed_is_refused_in_a_sentence(part: str, value: object) -> None:
    data = json.loads(dumps(sheet_of()))
    data[part] = value
    with pytest.raises(AppError) as refusal:
        loads(json.dumps(data))
    assert refusal.value.sentence.endswith(".")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one), max_leaves=8))
def test_any_json_is_refused(value: object) -> None:
    with pytest.raises(AppError):
        loads(json.dumps(value))


def test_a_sheet_of_endless_prompts_is_refused() -> None:
    sheet = sheet_of(20, 25)
    long = tuple(
        replace(cell, recipe=replace(cell.recipe, prompt=f"{i} " + "x" * (PROMPT_MAX - 10)))
        for i, cell in enumerate(sheet.cells)
    )
    with pytest.raises(AppError, match="too long"):
        dumps(replace(sheet, cells=long))
