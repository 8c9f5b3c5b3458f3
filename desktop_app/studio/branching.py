"""Branching: the draft goes on from a step of a picture, until the artist leaves the branch."""

import logging
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QBuffer, QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.recipe.branches import from_step
from desktop_app.recipe.codec import digest
from desktop_app.recipe.draft import Draft, draft_of
from desktop_app.recipe.recipe import FromStep, Recipe
from desktop_app.recipe.samplers import SAMPLERS
from desktop_app.studio.album import Album
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor, Source
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.values import Notice

log = logging.getLogger(__name__)
_SIDE = 192
"""Pixels of the longer side of the picture that is kept."""
_FILE_MAX = 1_000_000
_MARK = "branch"


class Branching(QObject):
    """Whether the draft is a branch is said by the draft alone; so undo leaves it and comes back.

    Signals:
        changed(): the draft is a branch now, of another step, or none any more.
        notice(Notice): why a step cannot be branched from.
    """

    changed = Signal()
    notice = Signal(object)

    def __init__(
        self,
        editor: Editor,
        timeline: TimelineModel,
        album: Album,
        kept: Path,
        disk: Background,
        parent: QObject | None = None,
    ) -> None:
        """Args:
        kept: file for the picture of the branch, so that a later session has it too.
        disk: where it is written and read.
        """
        super().__init__(parent)
        self._kept, self._disk = kept, disk
        self._editor = editor
        self._timeline = timeline
        self._album = album
        self._image: tuple[FromStep, QImage] | None = None
        editor.changed.connect(self._draft_changed)

    def start(self) -> None:
        """Bring back the picture of a branch that an earlier session began."""
        branch = self.branch
        if branch is not None and self.image is None:
            self._disk.run(
                _read, self._kept, _key(branch), done=lambda image: self._found(branch, image)
            )

    @property
    def branch(self) -> FromStep | None:
        """Where the draft goes on from; None when it begins with noise."""
        return self._editor.draft.branch

    @property
    def image(self) -> QImage | None:
        """How the picture looked at that step; None when that is not kept."""
        return self._image[1] if self._image and self._image[0] == self.branch else None

    @property
    def seed_words(self) -> str:
        """What the seed means in a branch with the draft's sampler."""
        draft = self._editor.draft
        sampler = SAMPLERS[draft.scheduler]
        if not sampler.stochastic:
            return f"{sampler.label} draws no noise in its steps: the seed changes nothing here."
        if draft.branch is not None and draft.seed != draft.branch.parent.seed:
            return "The noise of the steps is drawn anew from this seed."
        return "Another seed draws other noise for the steps that follow."

    def refusal(self, row: int) -> str:
        """Why the shown timeline's step cannot be branched from; empty when it can."""
        timeline = self._timeline
        if timeline.recipe is None:
            return "It is not known how this picture was made."
        if not 0 <= row < timeline.filled:
            return "That step is not there yet."
        if row + 1 >= timeline.rowCount():
            return "After the last step nothing is left to change."
        return ""

    def begin_at(self, row: int) -> bool:
        """Go on from a step of the shown timeline with the settings of its picture.

        Args:
            row: 0 for the state after the first step.

        Returns:
            whether the draft is that branch now.
        """
        timeline = self._timeline
        words = self.refusal(row)
        if words:
            self.notice.emit(Notice(text=words, kind="warn"))
            return False
        assert timeline.recipe is not None
        return self._begin(timeline.recipe, row + 1, timeline.picture, timeline.seen(row))

    def begin(self, picture: int, step: int) -> bool:
        """Go on from a step of a stored picture with its settings.

        Args:
            step: 1 for the state after the first step.
        """
        recipe = self._album.recipe_of(picture)
        return recipe is not None and self._begin(recipe, step, picture, None)

    @Slot()
    def leave(self) -> None:
        """Begin with noise again; the words and settings stay as they are."""
        draft = self._editor.draft
        if draft.branch is not None:
            self._editor.replace(replace(draft, branch=None), "Branch", None)

    def _begin(self, recipe: Recipe, step: int, picture: int | None, image: QImage | None) -> bool:
        try:
            start = from_step(recipe, step)
            draft = replace(draft_of(recipe, self._editor.draft), branch=start)
        except AppError as error:
            self.notice.emit(Notice(text=str(error), kind="warn"))
            return False
        self._image = None if image is None else (start, image)
        if image is not None:
            self._disk.run(_keep, self._kept, _key(start), image)
        self._editor.replace(draft, "Branch", self._source(picture, recipe))
        return True

    def _source(self, picture: int | None, recipe: Recipe) -> Source | None:
        origin = None if picture is None else self._album.origin(picture, "branch")
        return None if origin is None else Source(picture=origin.picture, recipe=recipe)

    def _found(self, branch: FromStep, image: QImage | None) -> None:
        if image is not None and self.branch == branch and self.image is None:
            self._image = (branch, image)
            self.changed.emit()

    @Slot(object, object)
    def _draft_changed(self, new: Draft, before: Draft) -> None:
        sampled = (new.scheduler, new.seed) != (before.scheduler, before.seed)
        if new.branch != before.branch or (new.branch is not None and sampled):
            self.changed.emit()


def _key(branch: FromStep) -> str:
    """Names a branch in the file with its picture."""
    return f"{digest(branch.parent)} {branch.step}"


def _keep(file: Path, key: str, image: QImage) -> None:
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    large = max(image.width(), image.height()) > _SIDE
    small = image.scaled(_SIDE, _SIDE, keep, smooth) if large else image.copy()
    small.setText(_MARK, key)
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    small.save(buffer, "PNG")  # pyright: ignore[reportCallIssue, reportArgumentType]
    try:
        write_atomically(file, bytes(buffer.data().data()))
    except OSError as fault:
        # A convenience: a full disk is told by what matters more.
        log.warning("the picture of the branch cannot be kept: %s", fault)


def _read(file: Path, key: str) -> QImage | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_FILE_MAX + 1)
    except OSError:
        return None
    image = QImage.fromData(data, "PNG") if len(data) <= _FILE_MAX else QImage()  # pyright: ignore
    right = not image.isNull() and max(image.width(), image.height()) <= _SIDE
    return image if right and image.text(_MARK) == key else None
