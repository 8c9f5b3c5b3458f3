"""The same picture once more, worked out further."""

from dataclasses import replace

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import FromStep, Recipe
from desktop_app.recipe.samplers import SAMPLERS

STEPS_ENOUGH = 80
"""Steps after which no sampler changes a picture that the eye could tell."""
STEPS_LEAST = 30


def with_more_steps(recipe: Recipe) -> Recipe:
    """The same seed and settings with twice the steps, 30 at least and 80 at most.

    The size stays: at another size a seed is another noise, and gives another picture.

    Raises:
        AppError: `enough-steps`, or `branch-steps` for a branch, which begins between its parent's
            steps and would begin elsewhere with others.
    """
    if isinstance(recipe.start, FromStep):
        raise AppError(
            "branch-steps",
            "A branch keeps its steps, for it begins between two of its parent's.",
            hint="Make the picture it comes from again with more steps.",
        )
    steps = min(max(2 * recipe.num_inference_steps, STEPS_LEAST), STEPS_ENOUGH)
    if steps <= recipe.num_inference_steps:
        raise AppError(
            "enough-steps",
            f"This picture has {recipe.num_inference_steps} steps; more would not show.",
        )
    return replace(recipe, num_inference_steps=steps)


def what_more_steps_change(recipe: Recipe) -> str:
    """A sentence on what to expect of `with_more_steps`."""
    sampler = SAMPLERS[recipe.scheduler]
    if sampler.stochastic:
        return (
            f"{sampler.label} draws new noise at each step, so with other steps the picture will"
            " be another one of its kind."
        )
    return "The size stays, for at another size a seed gives another picture."
