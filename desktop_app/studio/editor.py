"""Holds the one Draft: checks every edit, undoes it, and keeps it on disk as it changes."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.recipe.branches import lineage
from desktop_app.recipe.codec import TEXT_MAX, draft_from_json, draft_to_json, dumps, loads
from desktop_app.recipe.draft import Draft, draft_of
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background

log = logging.getLogger(__name__)
SAVE_AFTER_MS = 300
MERGE_SECONDS = 1.0
HISTORY_MAX = 500

LABELS = {
    "prompt": "Prompt",
    "negative_prompt": "Avoid",
    "styles": "Style",
    "seed": "Seed",
    "seed_rule": "Seed rule",
    "variation_seed": "Variation seed",
    "variation_strength": "Variation",
    "model": "Model",
    "width": "Width",
    "height": "Height",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "scheduler": "Sampler",
    "sigmas": "Noise levels",
    "tiling": "Tiling",
    "count": "Count",
    "branch": "Branch",
    "adapters": "LoRA",
    "vae": "VAE",
    "text_encoders": "Text encoder",
    "clip_skip": "CLIP skip",
    "refiner": "Refiner",
}
"""What the fields of a Draft are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The stored picture that a draft was taken from.

    Attributes:
        picture: sha256 of its pixels.
    """

    picture: str
    recipe: Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class _Past:
    draft: Draft
    source: Source | None
    label: str


class Editor(QObject):
    """The Draft that all panels show and edit.

    Signals:
        changed(Draft, Draft): the new one and the one before.
        history_changed(): what undo and redo would do is another thing now.
        failed(AppError): the draft could not be written; said once until it works again.
    """

    changed = Signal(object, object)
    history_changed = Signal()
    failed = Signal(object)

    def __init__(
        self,
        file: Path,
        disk: Background,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args:
        file: where the draft is kept; what lies there is taken up again.
        disk: a pool with one thread, so that an older draft never lands on a newer one.
        """
        super().__init__(parent)
        self._file = file
        self._disk = disk
        self._clock = clock
        self._past: list[_Past] = []
        self._future: list[_Past] = []
        self._last_edit: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self._told = False
        self.problem: AppError | None = None
        """Why the last session's draft could not be read, if it could not."""
        kept = self._load()
        self.fresh = kept is None
        """Whether no draft was kept from an earlier session."""
        self._draft = kept or Draft()
        self._source: Source | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self._save)

    @property
    def draft(self) -> Draft:
        return self._draft

    def origin_of(self, draft: Draft) -> Origin | None:
        """What pictures of this draft are derived from: the picture whose settings were taken up.

        With another seed and another prompt as well they have no more to do with it.
        """
        source = self._source
        if source is None:
            return None
        # A step that a branch shares with the picture it came from belongs to that one's recipe.
        if draft.branch is not None and any(
            recipe == draft.branch.parent for recipe, _ in lineage(source.recipe)
        ):
            return Origin(picture=source.picture, kind="branch")
        then = draft_of(source.recipe)
        if draft.seed != then.seed and draft.prompt != then.prompt:
            return None
        return Origin(picture=source.picture, kind="settings")

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    @property
    def undo_label(self) -> str:
        """What undo takes back, such as `Steps`; empty when there is nothing."""
        return self._past[-1].label if self._past else ""

    @property
    def redo_label(self) -> str:
        return self._future[-1].label if self._future else ""

    def set(self, **fields: Any) -> None:
        """Change some fields of the draft as one step to undo.

        Edits of the same fields within a second become one step.

        Raises:
            AppError: for a value out of range; nothing is changed then.
        """
        new = replace(self._draft, **fields)
        if new == self._draft:
            return
        names, now = frozenset(fields), self._clock()
        last, when = self._last_edit
        merges = names == last and now - when < MERGE_SECONDS and self.can_undo
        if not merges or self._future:
            self._remember(", ".join(LABELS.get(name, name) for name in sorted(names)))
        self._last_edit = (names, now)
        self._take(new)

    def replace(
        self, draft: Draft, label: str, source: Source | Literal["same"] | None = "same"
    ) -> None:
        """Put another draft in place of this one, as one step to undo called `label`.

        Args:
            source: the picture that the draft was taken from; None for none.
        """
        if draft != self._draft:
            self._remember(label)
        if source != "same":
            self._source = source
        if draft != self._draft:
            self._take(draft)

    def adjust(self, **fields: Any) -> None:
        """Change fields on the program's own account: no step to undo, no merging across it.

        Raises:
            AppError: as `set`.
        """
        new = replace(self._draft, **fields)
        if new != self._draft:
            self._last_edit = (frozenset(), 0.0)
            self._take(new)

    @Slot()
    def undo(self) -> None:
        """Go back one step; does nothing when there is none."""
        self._travel(self._past, self._future)

    @Slot()
    def redo(self) -> None:
        """Take back an undo; does nothing when there is none."""
        self._travel(self._future, self._past)

    def flush(self) -> None:
        """Write the draft now, before the program ends; only after `disk` was closed.

        Raises:
            AppError: `draft-save` when the disk refuses.
        """
        self._timer.stop()
        _write(self._file, self._draft)

    def _remember(self, label: str) -> None:
        self._past.append(_Past(draft=self._draft, source=self._source, label=label))
        del self._past[:-HISTORY_MAX]
        self._future.clear()
        self._last_edit = (frozenset(), 0.0)

    def _travel(self, source: list[_Past], target: list[_Past]) -> None:
        if not source:
            return
        step = source.pop()
        target.append(_Past(draft=self._draft, source=self._source, label=step.label))
        self._last_edit = (frozenset(), 0.0)
        self._source = step.source
        self._take(step.draft)

    def _take(self, draft: Draft) -> None:
        before, self._draft = self._draft, draft
        # Not restarted while it runs: someone who types without a pause is saved all the same.
        if not self._timer.isActive():
            self._timer.start()
        self.changed.emit(draft, before)
        self.history_changed.emit()

    @Slot()
    def _save(self) -> None:
        self._disk.run(_write, self._file, self._draft, done=self._saved, failed=self._not_saved)

    def _saved(self, _: None) -> None:
        self._told = False

    def _not_saved(self, error: AppError) -> None:
        if not self._told:
            self._told = True
            self.failed.emit(error)

    def _load(self) -> Draft | None:
        try:
            with self._file.open("rb") as file:
                data = file.read(TEXT_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as fault:
            log.warning("the draft cannot be read: %s", fault)
            return None
        try:
            return draft_from_json(loads(data.decode("utf-8", "replace")))
        except AppError as error:
            self.problem = error
            self._set_aside()
            return None

    def _set_aside(self) -> None:
        try:
            self._file.replace(self._file.with_name(self._file.name + ".bad"))
        except OSError as fault:
            log.warning("the unreadable draft stays where it is: %s", fault)


def _write(file: Path, draft: Draft) -> None:
    try:
        write_atomically(file, dumps(draft_to_json(draft)).encode("utf-8", "replace"))
    except OSError as fault:
        raise AppError(
            "draft-save",
            f"The settings cannot be kept in {file.parent}: {fault.strerror or fault}.",
            hint="See that the disk has room and the folder can be written to; the next change"
            " tries again.",
            path=str(file),
        ) from fault
