"""Films: the steps of any picture on the timeline again, and written as a moving picture."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.engine.events import Frame
from desktop_app.errors import AppError
from desktop_app.recipe.film import Film
from desktop_app.studio.album import Album
from desktop_app.studio.conductor import Conductor
from desktop_app.studio.orders import Orders
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.values import Job, Notice


class Films(QObject):
    """Takes orders for steps and films; the queue does them like pictures.

    Signals:
        progressed(int, int): frames that are begun of the film that is made, and how many it has.
        ended(str): it is written, or not; the sentence why not is empty then.
        follow_wanted(): the canvas shall show the picture forming again.
        notice(Notice)
    """

    progressed = Signal(int, int)
    ended = Signal(str)
    follow_wanted = Signal()
    notice = Signal(object)

    def __init__(
        self,
        timeline: TimelineModel,
        album: Album,
        orders: Orders,
        conductor: Conductor,
        queue: QueueModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._album = album
        self._orders = orders
        self._conductor = conductor
        self._job = 0
        conductor.filming.connect(self._filming)
        conductor.filmed.connect(self._filmed)
        conductor.failed.connect(self._failed)
        queue.state_changed.connect(self._state_changed)

    @property
    def busy(self) -> bool:
        """Whether a film is made, or waits for that."""
        return self._job != 0

    def show_steps(self, picture: int) -> None:
        """Make a stored picture again for its steps; nothing is saved."""
        recipe = self._album.recipe_of(picture)
        if recipe is not None:
            self.follow_wanted.emit()
            self._orders.steps(recipe, picture)

    def export(self, film: Film, target: Path) -> bool:
        """Write the steps of the picture whose timeline is shown.

        Args:
            target: the file, or the folder for PNG pictures.

        Returns:
            whether it was ordered: one film at a time.
        """
        recipe = self._timeline.recipe
        if recipe is None or self.busy:
            return False
        self._job = self._orders.film(recipe, self._timeline.picture, film, target)
        return True

    @Slot()
    def cancel(self) -> None:
        """Stop the film; nothing of it is left."""
        if self._job:
            self._conductor.cancel_job(self._job)

    def _end(self, why: str) -> None:
        self._job = 0
        self.ended.emit(why)

    @Slot(object)
    def _filming(self, frame: Frame) -> None:
        self.progressed.emit(frame.index, frame.count)

    @Slot(object, object)
    def _filmed(self, job: Job, path: Path) -> None:
        self._end("")
        folder = path if path.is_dir() else path.parent
        self.notice.emit(
            Notice(
                text=f"Saved {path.name}.",
                kind="ok",
                action="Show in folder",
                act=lambda: self._album.open_folder(folder),
            )
        )

    @Slot(object, object)
    def _failed(self, job: Job, error: AppError) -> None:
        if job.id == self._job:
            self._end(str(error))

    @Slot(object)
    def _state_changed(self, job: Job) -> None:
        if job.id == self._job and job.state == "cancelled":
            self._end("The film was stopped.")
