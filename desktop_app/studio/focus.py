"""Focus: which stored picture the canvas shows, or that it follows the run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.recipe import presets
from desktop_app.recipe.draft import Draft
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.run_state import RunState
from desktop_app.studio.timeline import TimelineModel

if TYPE_CHECKING:
    from desktop_app.store.pictures import Record


class Focus(QObject):
    """Keeps canvas, timeline and run in step with what the artist looks at.

    Signals:
        changed(Record | None): what the canvas shows; None to follow the run.
    """

    changed = Signal(object)

    def __init__(
        self,
        gallery: GalleryModel,
        run: RunState,
        timeline: TimelineModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._run = run
        self._timeline = timeline
        self._record: Record | None = None

    @property
    def record(self) -> "Record | None":
        """The stored picture on the canvas; None while it follows the run."""
        return self._record

    def show(self, picture: int) -> None:
        """Put a stored picture on the canvas, and its steps on the timeline if they are kept."""
        record = self._gallery.record_of(picture)
        if record is not None:
            self._record = record
            self._timeline.show_picture(picture)
            self.changed.emit(record)

    @Slot()
    def follow_run(self) -> None:
        """Put the running pictures, or the last ones that ran, on the canvas."""
        self._record = None
        self._timeline.show_live()
        self.changed.emit(None)

    def picture_of(self, draft: Draft) -> str:
        """Hash of the pixels of what is looked at, where it begins with the draft's noise.

        Returns:
            empty where neither the picture on the canvas nor one of the run does.
        """
        noise = draft.seed, presets.start_of(draft)
        for record in (self._record, *reversed(self._run.results)):
            if record and record.recipe and presets.noise_of(record.recipe) == noise:
                return record.pixels_sha256
        return ""

    @Slot(object)
    def refresh(self, records: "Sequence[Record]") -> None:
        """Pictures have another star, rating or badge."""
        for record in records:
            self._run.replace_result(record)
            if self._record is not None and self._record.id == record.id:
                self._record = record
                self.changed.emit(record)

    @Slot(object)
    def forget(self, pictures: Sequence[int]) -> None:
        """Pictures went to the trash."""
        self._run.forget(set(pictures))
        if self._record is not None and self._record.id in pictures:
            self.follow_run()
