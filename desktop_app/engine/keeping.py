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
from desktop_app.engine.loading import Model, load_model
from desktop_app.engine.placing import DTYPES, carry_out, parameters_of, place_of
from desktop_app.engine.plan import Plan, Wishes, expected, in_words, make_plan, step_down
from desktop_app.recipe.recipe import ModelRef

log = logging.getLogger(__name__)
USUAL_PIXELS = 1024 * 1024
"""Of the pictures that a model must have room for beside its weights."""


class Models:
    """The models that were used last, each kept by its plan.

    Args:
        weights: finds the folder or the file of a model; raises AppError when it is missing.
        configs: see `loading.load_model`.
        attachments: what every model finds its adapters with.

    Attributes:
        kept: by their hash, the one that was used last at the end.
    """

    def __init__(
        self,
        weights: Callable[[ModelRef], Path],
        device: torch.device,
        *,
        configs: Path | None,
        wishes: Wishes | None,
        attachments: Attachments,
    ) -> None:
        self.kept: OrderedDict[str, Model] = OrderedDict()
        self._weights = weights
        self._device = device
        self._place = place_of(device)
        self._configs = configs
        self._wishes = wishes
        self._attachments = attachments

    def get(self, ref: ModelRef, report: Report) -> Model:
        """The model of a reference, from memory or from the disk.

        Raises:
            AppError: as `loading.load_model`, or `out-of-memory`.
        """
        known = self.kept.get(ref.sha256)
        if known is not None:
            self.kept.move_to_end(ref.sha256)
            return known
        report(Loading(what=ref.name))
        path = self._weights(ref)
        self._evict(residency.KEEP_MODELS - 1)
        sizes = parameters_of(path)
        # Transformers were trained in bfloat16, and their numbers can be too large for float16.
        wide = "transformer" in sizes
        plan = make_plan(sizes, self._place, USUAL_PIXELS, self._wishes, wide=wide)
        words = in_words(plan, self._place)
        log.info("%s: %s", ref.name, words)
        report(Loading(what=ref.name, plan=words))
        with residency.refused_when_full(self._device, f"the model {ref.name}"):
            model = self._loaded(path, ref, plan)
        self.kept[ref.sha256] = model
        limit = residency.describe(self._device).memory_total * residency.KEEP_SHARE
        if limit and sum(one.size for one in self.kept.values()) > limit:
            self._evict(1)
        return model

    def smaller(self, ref: ModelRef, report: Report) -> str:
        """Keep a model by the next smaller plan, and alone; what was done, for people.

        Returns:
            Nothing where the model is not the reason, or no smaller plan is left.
        """
        model = self.kept.get(ref.sha256)
        down = None if model is None else step_down(model.plan, self._place)
        if model is None or down is None:
            return ""
        plan, words = down
        sizes = parameters_of(self._weights(ref))
        plan = replace(plan, expected=expected(plan, sizes, USUAL_PIXELS))
        self.kept.move_to_end(ref.sha256)
        self._evict(1)
        carry_out(model.pipe, plan, self._device)
        self.kept[ref.sha256] = replace(model, plan=plan)
        report(Loading(what=ref.name, plan=in_words(plan, self._place)))
        log.warning("%s", words)
        return words

    def clear(self) -> None:
        """Forget them all."""
        self.kept.clear()

    def _loaded(self, path: Path, ref: ModelRef, plan: Plan) -> Model:
        whole = plan.offload == "none" and not plan.float8
        model = load_model(
            path,
            ref.name,
            device=self._device if whole else torch.device("cpu"),
            dtype=DTYPES[plan.dtype],
            configs=self._configs,
        )
        carry_out(model.pipe, plan, self._device)
        return replace(model, attachments=self._attachments, plan=plan)

    def _evict(self, keep: int) -> None:
        """Forget the models that were not used for longest."""
        if len(self.kept) <= keep:
            return
        while len(self.kept) > keep:
            self.kept.popitem(last=False)
        gc.collect()
        residency.free_cached(self._device)
