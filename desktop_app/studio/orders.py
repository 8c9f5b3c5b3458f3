"""Orders: makes jobs of the draft, of stored pictures and of what is left, and queues them."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft, after_run, expand, varied
from desktop_app.recipe.film import Film
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import COUNT, Recipe, Variation
from desktop_app.studio.asset_use import hashes_in
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import fields_for
from desktop_app.studio.names import PromptNames
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.seeds import Seeds, seeds_of
from desktop_app.studio.values import Job

if TYPE_CHECKING:
    from desktop_app.studio.storage import Storage

RUN_MAX = int(COUNT.high)


class Orders(QObject):
    """Jobs are in the store before they are in the queue, so that none is lost.

    What is ordered before the store is open and the models are known is done as soon as they are.

    Signals:
        failed(AppError): what was ordered cannot be made.
        ordered(str): pictures are made with this prompt, as it was typed.
        using(frozenset): pictures are made with the models that have these hashes.
    """

    ordered = Signal(str)
    using = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        queue: QueueModel,
        names: PromptNames,
        disk: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._library = library
        self._queue = queue
        self._names = names
        self._disk = disk
        self._seeds = Seeds()
        self._runs = itertools.count(1)
        self._passing = itertools.count(-1, -1)
        self._storage: Storage | None = None
        self._later: list[Callable[[], object]] = []

    def open(self, storage: "Storage") -> None:
        """The store is open and its styles are known."""
        self._storage = storage
        self.catch_up()

    def random_seed(self) -> int:
        """One that is none of the last 10,000."""
        return self._seeds.draw()

    def take_up(self, recent: Sequence[int]) -> None:
        """Remember the seeds that earlier sessions used, the newest first.

        One that was drawn before they were known, and is among them, is drawn again.
        """
        self._seeds.take_up(recent)
        seed = self._editor.draft.seed
        if self._seeds.drawn(seed) and self._seeds.known(seed):
            self._editor.adjust(seed=self._seeds.draw())

    def draft(self) -> None:
        """Order the pictures that the draft asks for now, and move its seed as its rule says."""
        draft = self._editor.draft
        if self._waits:
            self._later.append(lambda: self._read_and_expand(draft))
            self._move_seed(draft)
        elif self._names.needed_by(draft):
            self._read_and_expand(draft)
            self._move_seed(draft)
        elif self._expand(draft):
            self._move_seed(draft)

    def _read_and_expand(self, draft: Draft) -> None:
        """With the wildcard files as they are now, if it needs them."""
        if self._names.needed_by(draft):
            self._names.refresh(lambda: self._expand(draft))
        else:
            self._expand(draft)

    @property
    def _waits(self) -> bool:
        """Whether the store is not open yet, or the draft may still get its model."""
        looking = self._editor.draft.model is None and self._library.scanning
        return self._storage is None or looking

    def _expand(self, draft: Draft) -> bool:
        first = next(iter(self._library.models), None)
        if draft.model is None and first is not None:
            draft = replace(draft, **fields_for(draft, None, first))
        try:
            recipes = self._resolved(draft)
        except AppError as error:
            self.failed.emit(error)
            return False
        if self._names.wait_for(recipes, lambda: self._expand(draft)):
            return True
        self.ordered.emit(draft.prompt)
        self.recipes(recipes, self._editor.origin_of(draft))
        return True

    def expanded(self, draft: Draft) -> tuple[Recipe, ...]:
        """The recipes that a draft asks for, with the styles, wildcards and LoRAs of now.

        Raises:
            AppError: as `recipe.draft.expand`, or `lora-unread`.
        """
        recipes = self._resolved(draft)
        unread = self._names.unread_in(recipes)
        if unread is not None:
            raise AppError(
                "lora-unread",
                f"The LoRA “{unread.name}” is still being read.",
                hint="Try again in a moment.",
                path=str(unread.path),
            )
        return recipes

    def _resolved(self, draft: Draft) -> tuple[Recipe, ...]:
        """As `expanded`; a LoRA that is not read yet stays in the words."""
        names = self._names.names
        return expand(draft, names.styles, names.wildcards, names.loras)

    def _move_seed(self, draft: Draft) -> None:
        after = after_run(draft, self._seeds.draw)
        self._editor.adjust(seed=after.seed, variation_seed=after.variation_seed)

    def variations(
        self, recipe: Recipe, weight: float, count: int, origin: Origin | None = None
    ) -> None:
        """Order pictures of a recipe with other noise mixed in.

        Args:
            weight: of the other noise, 0 ... 1.
            origin: the picture that has this recipe.
        """
        try:
            self.recipes([self._varied(recipe, weight) for _ in range(count)], origin)
        except AppError as error:
            self.failed.emit(error)

    def recipes(self, recipes: Sequence[Recipe], origin: Origin | None = None) -> None:
        """Order pictures as one run.

        Args:
            origin: what they are derived from.
        """
        self._seeds.note(seed for recipe in recipes for seed in seeds_of(recipe))
        self.using.emit(frozenset(one for recipe in recipes for one in hashes_in(recipe)))
        if self._waits:
            self._later.append(lambda: self._add(tuple(recipes), origin))
        else:
            self._add(tuple(recipes), origin)

    def again(self, waiting: Iterable[tuple[int, Recipe, Origin | None]]) -> None:
        """Queue jobs that are in the store already, as one run, or as several of at most `RUN_MAX`.

        A run is what the canvas shows side by side.
        """
        left = list(waiting)
        for start in range(0, len(left), RUN_MAX):
            run = next(self._runs)
            self._queue.add(
                Job(id=number, run=run, kind="render", recipe=recipe, origin=origin)
                for number, recipe, origin in left[start : start + RUN_MAX]
            )

    def verify(self, recipe: Recipe, picture: int, device: str = "") -> None:
        """Make a stored picture again to compare it.

        Args:
            device: `cpu` for the processor; empty for the usual one.
        """
        self._pass(Job(id=0, run=0, kind="verify", recipe=recipe, picture=picture, device=device))

    def reserve(self, count: int) -> list[int]:
        """Numbers for jobs that the store does not keep."""
        return list(itertools.islice(self._passing, count))

    def audit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs with reserved numbers, each as a run of its own."""
        self._queue.add([replace(job, run=next(self._runs)) for job in jobs])

    def finish(self, recipe: Recipe, token: str, origin: Origin | None = None) -> None:
        """Make a picture of a latent that the journal keeps."""
        self._pass(Job(id=0, run=0, kind="finish", recipe=recipe, token=token, origin=origin))

    def steps(self, recipe: Recipe, picture: int) -> None:
        """Make a stored picture again for the steps it goes through."""
        self._pass(Job(id=0, run=0, kind="steps", recipe=recipe, picture=picture))

    def film(self, recipe: Recipe, picture: int | None, film: Film, target: Path) -> int:
        """Write the steps of a picture; returns the job's number."""
        return self._pass(
            Job(id=0, run=0, kind="film", recipe=recipe, picture=picture, film=film, target=target)
        )

    def catch_up(self) -> None:
        """Do what was ordered too early."""
        if not self._waits:
            later, self._later = self._later, []
            for act in later:
                act()

    def _add(self, recipes: tuple[Recipe, ...], origin: Origin | None) -> None:
        storage = self._storage
        assert storage is not None

        def added(numbers: Sequence[int]) -> None:
            self.again((one, recipe, origin) for one, recipe in zip(numbers, recipes, strict=True))

        self._disk.run(storage.order, recipes, origin, done=added, failed=self.failed.emit)

    def _pass(self, job: Job) -> int:
        numbered = replace(job, id=next(self._passing), run=next(self._runs))
        self._queue.add([numbered])
        return numbered.id

    def _varied(self, recipe: Recipe, weight: float) -> Recipe:
        return varied(recipe, Variation(seed=self._seeds.draw(), weight=weight))
