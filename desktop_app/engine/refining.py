"""The models that make one picture: its own, and the refiner that takes the last steps."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from desktop_app.engine.model import Model
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """An ensemble of expert denoisers, or a model alone.

    Podell et al. 2023 (arXiv 2307.01952, section 2.5): the refiner was trained on low noise alone
    and takes over the latent of the model itself, with the words that it reads in its own way.

    Attributes:
        refiner: None where the recipe names none.
    """

    base: Model
    refiner: Model | None = None

    def of(self, recipe: Recipe) -> Model:
        """The one that works by a recipe: the refiner where it names one."""
        if recipe.refiner is None:
            return self.base
        assert self.refiner is not None
        return self.refiner

    def attached(self, recipe: Recipe) -> AbstractContextManager[None]:
        """The one that works by a recipe has what it attaches, for as long as this lasts.

        LoRAs and embeddings were made for the model itself and are not for its refiner.
        """
        return self.base.attached(recipe) if recipe.refiner is None else nullcontext()

    def check(self, recipe: Recipe) -> None:
        """See whether these can do what a recipe asks for, before anything is computed.

        Raises:
            AppError: `family-task` for a model that makes no pictures of its own, `refiner-family`
                for a refiner that does not belong to it, and as `Model.check`.
        """
        family = self.base.family
        if "text" not in family.tasks:
            raise AppError(
                "family-task",
                f"{self.base.name} only refines pictures that another model began.",
                hint="Choose a model of its kind, and this one as its refiner.",
            )
        self.base.check(recipe)
        if self.refiner is None:
            return
        if self.refiner.family.key != family.refiner:
            fitting = FAMILIES.get(family.refiner)
            raise AppError(
                "refiner-family",
                f"{self.refiner.name} cannot refine what {self.base.name} began.",
                hint="Take the refiner off."
                if fitting is None
                else f"Choose a {fitting.label}, or take the refiner off.",
            )
        self.refiner.check(replace(recipe, adapters=()))
