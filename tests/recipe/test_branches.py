"""Which picture a step belongs to, through branches of branches."""

from dataclasses import replace

import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.branches import from_step, lineage, root_of
from desktop_app.recipe.recipe import FromStep, ModelRef, Recipe

ROOT = Recipe(model=ModelRef(sha256="0" * 64, name="Test"), prompt="a fox", num_inference_steps=20)


def branch(parent: Recipe, step: int, **changes: object) -> Recipe:
    return replace(parent, start=from_step(parent, step), **changes)


def test_a_shared_step_is_the_first_ones_own() -> None:
    child = branch(ROOT, 8, prompt="a bear")
    grandchild = branch(child, 12, prompt="a wolf")
    assert from_step(grandchild, 13).parent == grandchild
    assert from_step(grandchild, 12) == FromStep(parent=child, step=12)
    assert from_step(grandchild, 8) == FromStep(parent=ROOT, step=8)
    assert from_step(grandchild, 1) == FromStep(parent=ROOT, step=1)
    assert lineage(grandchild) == ((ROOT, 0), (child, 8), (grandchild, 12))
    assert root_of(grandchild) == ROOT
    assert lineage(ROOT) == ((ROOT, 0),)


@pytest.mark.parametrize("step", [0, -1, 41, True, 10**9])
def test_a_step_that_is_not_there_is_refused(step: int) -> None:
    with pytest.raises(AppError):
        from_step(ROOT, step)


def test_a_recipe_cannot_name_a_step_of_its_grandparent_as_its_parents() -> None:
    child = branch(ROOT, 8)
    with pytest.raises(AppError, match="Step 8"):
        FromStep(parent=child, step=8)
    # A branch that took fewer steps than its parent still has those it shares.
    short = branch(ROOT, 19, num_inference_steps=3)
    assert FromStep(parent=short, step=20).step == 20
