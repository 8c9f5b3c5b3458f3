"""The models that make one picture: its own, and refiners that take the last steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from desktop_app.engine.model import Model
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import ModelRef, Recipe


class Ensemble:
    """An ensemble of expert denoisers, or a model alone.

    Podell et al. 2023 (arXiv 2307.01952, section 2.5): a refiner was trained on low noise alone and
    takes over the latent of the model itself, with the words that it reads in its own way.

    Args:
        load: gives the refiner of a reference; called once, when its leg is planned.

    Attributes:
        base: the model itself.
    """

    def __init__(self, base: Model, load: Callable[[ModelRef], Model]) -> None:
        self.base = base
        self._load = load
        self._refiners: dict[str, Model] = {}

    @property
    def models(self) -> tuple[Model, ...]:
        """The model itself, then the refiners that were needed so far."""
        return self.base, *self._refiners.values()

    def of(self, recipe: Recipe) -> Model:
        """The one that works by a recipe: the refiner where it names one.

        Raises:
            AppError: `refiner-family` for a refiner that does not belong to the model, and as
                `load`.
        """
        if recipe.refiner is None:
            return self.base
        ref = recipe.refiner.model
        if ref.sha256 not in self._refiners:
            fitting = self.base.family.refiner
            refiner = self._load(ref) if fitting else None
            if refiner is None or refiner.family.key != fitting:
                raise self._misfit(ref)
            self._refiners[ref.sha256] = refiner
        return self._refiners[ref.sha256]

    def part_of(self, recipe: Recipe) -> tuple[Model, ...]:
        """The models that the state depends on to which a recipe brings it."""
        return (self.base,) if recipe.refiner is None else (self.base, self.of(recipe))

    def attached(self, recipe: Recipe) -> AbstractContextManager[None]:
        """The one that works by a recipe has what it attaches, for as long as this lasts.

        LoRAs and embeddings were made for the model itself and are not for its refiner.
        """
        return self.base.attached(recipe) if recipe.refiner is None else nullcontext()

    def check(self, recipe: Recipe) -> None:
        """See whether these can do what a recipe asks for, before anything is computed.

        Raises:
            AppError: `family-task` for a model that makes no pictures of its own, and as `of` and
                `Model.check`.
        """
        if "text" not in self.base.family.tasks:
            raise AppError(
                "family-task",
                f"{self.base.name} only refines pictures that another model began.",
                hint="Choose a model of its kind, and this one as its refiner.",
            )
        self.base.check(recipe)
        if recipe.refiner is not None:
            self.of(recipe).check(replace(recipe, adapters=()))

    def _misfit(self, ref: ModelRef) -> AppError:
        fitting = FAMILIES.get(self.base.family.refiner)
        return AppError(
            "refiner-family",
            f"{ref.name} cannot refine what {self.base.name} began.",
            hint="Take the refiner off."
            if fitting is None
            else f"Choose a {fitting.label}, or take the refiner off.",
        )
