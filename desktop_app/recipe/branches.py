"""Branches as values: which picture a step belongs to, and the line from the first noise on."""

from desktop_app.recipe.recipe import FromStep, Recipe


def from_step(recipe: Recipe, step: int) -> FromStep:
    """The start of a branch from a step of a picture.

    Args:
        step: of all that the picture has, those among them that it shares with the one it was
            branched from itself: such a step is that one's.

    Raises:
        AppError: `branch-step` or `branches` when there is no such step, or too long a line.
    """
    start = recipe.start
    while isinstance(start, FromStep) and step <= start.step:
        recipe = start.parent
        start = recipe.start
    return FromStep(parent=recipe, step=step)


def lineage(recipe: Recipe) -> tuple[tuple[Recipe, int], ...]:
    """The recipes whose settings make a picture, the first one from noise, the last one itself.

    Returns:
        With each recipe, the calls of a scheduler that were done before its settings begin.
    """
    rows: list[tuple[Recipe, int]] = []
    while isinstance(recipe.start, FromStep):
        rows.append((recipe, recipe.start.step))
        recipe = recipe.start.parent
    rows.append((recipe, 0))
    return tuple(reversed(rows))


def root_of(recipe: Recipe) -> Recipe:
    """The recipe whose noise a picture comes from; itself where it is no branch."""
    return lineage(recipe)[0][0]
