"""Models in memory: loaded by a plan, warm by least recent use, smaller once memory ran out."""

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from desktop_app.engine import residency
from desktop_app.engine.adapters.attachments import Attachments
from desktop_app.engine.backend import Report
from desktop_app.engine.events import Loading
from desktop_app.engine.families import caller
from desktop_app.engine.gguf_weights import packings
from desktop_app.engine.lent import NOTHING, Lent, lent_by
from desktop_app.engine.loading import Model, load_model
from desktop_app.engine.placing import DTYPES, carry_out, place_of
from desktop_app.engine.plan import (
    USUAL_PIXELS,
    Keeping,
    Plan,
    crowded,
    expected,
    load_down,
    make_plan,
    make_plan_beside,
    step_down,
)
from desktop_app.engine.refining import Ensemble
from desktop_app.errors import AppError
from desktop_app.recipe.branches import lineage
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.wishes import Wishes
from desktop_app.weights.counting import Held, add_lent, held_by

log = logging.getLogger(__name__)


class Models:
    """The models that were used last, each kept by its plan.

    Args:
        weights: finds the folder or the file of a model; raises AppError when it is missing.
        configs: see `loading.load_model`.
        words: where vocabularies lie, see `lent.Lent`.
        wishes: what the artist decides of how a model is kept; one that is kept otherwise is
            loaded anew.
        attachments: what every model finds its adapters with.

    Attributes:
        place: what their plans know of the device.
        kept: by their hash, the one that was used last at the end.
        then: decisions that come before the artist's, to make a picture as it was made.
    """

    def __init__(
        self,
        weights: Callable[[ModelRef], Path],
        device: torch.device,
        *,
        configs: Path | None,
        words: Callable[[str], Path | None],
        wishes: Callable[[ModelRef], Wishes] | None,
        attachments: Attachments,
    ) -> None:
        self.kept: OrderedDict[str, Model] = OrderedDict()
        self.then = Wishes()
        self._together: frozenset[str] = frozenset()
        self._weights = weights
        self._device = device
        self.place = place_of(device)
        self._configs = configs
        self._words = words
        self._wishes = wishes or (lambda _: Wishes())
        self._attachments = attachments

    def ensemble(self, recipe: Recipe, report: Report) -> Ensemble:
        """The models of a recipe; a refiner is loaded when the first leg of it is planned.

        Raises:
            AppError: as `get`; for a refiner that is missing before anything is loaded.
        """
        if recipe.refiner is not None:
            self._weights(recipe.refiner.model)
        self._together = _named_by(recipe)
        lent = lent_by(recipe, self._weights, self._words)
        base = self.get(recipe.model, report, lent=lent)
        _check_line(base, recipe)

        def refiner(ref: ModelRef) -> Model:
            # A model that is named as its own is there once; the ensemble says whether it fits.
            own = ref.sha256 == recipe.model.sha256
            return base if own else self.get(ref, report, beside=recipe.model)

        return Ensemble(base, refiner)

    def get(
        self,
        ref: ModelRef,
        report: Report,
        *,
        beside: ModelRef | None = None,
        lent: Lent = NOTHING,
    ) -> Model:
        """The model of a reference, from memory or from the disk.

        Args:
            beside: a model that is in memory and takes turns with this one.
            lent: what completes it where its own file lacks something.

        Raises:
            AppError: as `loading.load_model`, or `out-of-memory`.
        """
        if ref.sha256 not in self._together:
            self._together = frozenset({ref.sha256})
        wishes = self.then.over(self._wishes(ref))
        known = self.kept.get(ref.sha256)
        other = None if beside is None else self.kept[beside.sha256]
        if (
            known is not None
            and known.lent in (None, lent.hashes)
            and not lent.renews(known.words)
            and self._plan(known.held, wishes, other) == known.first
        ):
            self.kept.move_to_end(ref.sha256)
            self._make_room(beside, known.held, wishes)
            return known
        report(Loading(what=ref.name))
        path = self._weights(ref)
        if known is not None:
            del known, self.kept[ref.sha256]
            self._free()
        self._evict(residency.KEEP_MODELS - 1)
        held = _held(path, lent)
        self._make_room(beside, held, wishes)
        model = self._load(path, ref, held, wishes, report, other, lent)
        self.kept[ref.sha256] = model
        limit = residency.describe(self._device).memory_total * residency.KEEP_SHARE
        if limit and sum(one.size for one in self.kept.values()) > limit:
            self._evict(1)
        return model

    def smaller(self, recipe: Recipe, report: Report) -> bool:
        """Keep the models of a recipe by the next smaller plans, without others beside them.

        Their notes say so from then on.

        Returns:
            False where they are not the reason, or no smaller plan is left.
        """
        self._together = _named_by(recipe)
        self._attachments.make_room()
        self._evict(0)
        refs = (recipe.model, *((recipe.refiner.model,) if recipe.refiner else ()))
        return sum(self._step_down(ref, report) for ref in refs) > 0

    def _step_down(self, ref: ModelRef, report: Report) -> bool:
        model = self.kept.get(ref.sha256)
        down = None if model is None else step_down(model.plan, model.held, self.place)
        if model is None or down is None:
            return False
        plan, words = self._stepped(*down, model.held)
        carry_out(model.pipe, plan, self._device)
        self.kept[ref.sha256] = replace(model, plan=plan, notes=(*model.notes, words))
        self._tell(ref, plan, model.held, report)
        return True

    def clear(self) -> None:
        """Forget them all."""
        self.kept.clear()

    def _load(
        self,
        path: Path,
        ref: ModelRef,
        held: Held,
        wishes: Wishes,
        report: Report,
        other: Model | None,
        lent: Lent,
    ) -> Model:
        """A model by its plan; when memory runs out, with no other beside it, then one rung down.

        Raises:
            AppError: as `get`.
        """
        plan = first = self._plan(held, wishes, other)
        notes: tuple[str, ...] = ()
        self._tell(ref, plan, held, report)
        model = self._attempt(path, ref, plan, lent)
        if model is None and self.kept.keys() - self._together:
            self._evict(0)
            model = self._attempt(path, ref, plan, lent)
        down = load_down(plan, held, self.place, wishes)
        if model is None and down is not None:
            plan, words = self._stepped(*down, held)
            notes = (words,)
            self._tell(ref, plan, held, report)
            model = self._attempt(path, ref, plan, lent)
        if model is None:
            raise residency.out_of_memory(f"the model {ref.name}")
        return replace(model, plan=plan, first=first, held=held, notes=notes)

    def _attempt(self, path: Path, ref: ModelRef, plan: Plan, lent: Lent) -> Model | None:
        """The model on its place; None when memory runs out."""
        whole = plan.offload == "none" and not plan.float8
        try:
            model = load_model(
                path,
                ref.name,
                device=self._device if whole else torch.device("cpu"),
                dtype=DTYPES[plan.dtype],
                configs=self._configs,
                lent=lent,
            )
            carry_out(model.pipe, plan, self._device)
            network = getattr(model.pipe, caller(model.pipe).denoiser)
            return replace(model, attachments=self._attachments, stored=packings(network))
        except (RuntimeError, MemoryError) as error:
            if not residency.is_out_of_memory(error):
                raise
            log.warning("loading %s: %s", ref.name, error)
        # Out of the handler, so that the frames that hold what was loaded are gone.
        self._free()
        return None

    def _plan(self, held: Held, wishes: Wishes, other: Model | None) -> Plan:
        if other is None:
            return make_plan(held, self.place, USUAL_PIXELS, wishes)
        taken = other.first, other.size
        return make_plan_beside(held, self.place, USUAL_PIXELS, wishes, *taken)

    def _make_room(self, ref: ModelRef | None, held: Held, wishes: Wishes) -> None:
        """Keep one part of a model at a time on the device where it takes turns with another.

        Args:
            held: by the other, which is kept as `wishes` say.
        """
        if ref is None or "model" not in self.place.offloads:
            return
        other, decided = self.kept[ref.sha256], self.then.over(self._wishes(ref)).offload
        if other.plan.offload != "none" or decided is not None:
            return
        alone = self._plan(held, wishes, None)
        if crowded(alone, held, USUAL_PIXELS, other.first, other.size):
            plan = replace(other.plan, offload="model")
            carry_out(other.pipe, plan, self._device)
            self.kept[ref.sha256] = replace(other, plan=plan)

    def _stepped(self, plan: Plan, words: str, held: Held) -> tuple[Plan, str]:
        """A smaller plan with what it takes."""
        log.warning("%s", words)
        return replace(plan, expected=expected(plan, held, USUAL_PIXELS)), words

    def _tell(self, ref: ModelRef, plan: Plan, held: Held, report: Report) -> None:
        keeping = Keeping(plan=plan, held=held, place=self.place)
        log.info("%s: %s", ref.name, keeping.in_words())
        report(Loading(what=ref.name, keeping=keeping))

    def _evict(self, keep: int) -> None:
        """Forget the models that were not used for longest, but not those of one recipe."""
        others = [key for key in self.kept if key not in self._together]
        gone = others[: max(len(self.kept) - keep, 0)]
        for key in gone:
            del self.kept[key]
        if gone:
            self._free()

    def _free(self) -> None:
        gc.collect()
        # Now the pipelines are gone, and with them the need for what was read for them.
        self._attachments.make_room()
        residency.free_cached(self._device)


def _held(path: Path, lent: Lent) -> Held:
    held = held_by(path)
    vae = None if lent.vae is None else lent.vae.path
    add_lent(held, vae, [one.path for one in lent.text_encoders])
    return held


def _check_line(model: Model, recipe: Recipe) -> None:
    """Raises:
    AppError: `branch-model` for a branch that would read with other text encoders than the picture
        it comes from, where they are built into the model.
    """
    sets = {frozenset(ref.sha256 for ref in one.text_encoders) for one, _ in lineage(recipe)}
    if model.lent is not None and len(sets) > 1:
        raise AppError(
            "branch-model",
            "A branch goes on with the text encoders of the picture it comes from.",
            hint="Choose the same ones, or leave the branch.",
        )


def _named_by(recipe: Recipe) -> frozenset[str]:
    """The hashes of the models that make a picture."""
    line = [one for one, _ in lineage(recipe)]
    refiners = {one.refiner.model.sha256 for one in line if one.refiner is not None}
    return frozenset(refiners | {recipe.model.sha256})
