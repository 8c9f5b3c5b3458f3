"""Bringing: models are copied among our own, or converted, and a notice tells how far that is."""

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError, Cancelled
from desktop_app.library.words import is_words
from desktop_app.studio.background import Background
from desktop_app.studio.values import Notice

__all__ = ["Bringing", "here", "is_words"]


class Bringing(QObject):
    """One model after the other, in the background; each can be stopped, and leaves nothing then.

    Signals:
        notice(Notice): how far a model is, and what became of it.
        arrived(Path): a file or folder is among our own models.
        wanted(Path): the artist asks to see it.
    """

    notice = Signal(object)
    arrived = Signal(object)
    wanted = Signal(object)
    _went = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writer = Background(self, threads=1)
        self._stops: dict[str, threading.Event] = {}
        self._count = 0
        self._closing = threading.Event()
        self._went.connect(self._tell)

    def copy_in(self, path: Path, models: Path) -> None:
        """Copy a file or a folder.

        Args:
            models: our own folder of models.
        """

        def work(stop: Callable[[], bool], tell: Callable[[str], None]) -> Path:
            from desktop_app.library.bring_in import copy_in

            last = -1

            def progress(done: int, size: int) -> None:
                nonlocal last
                percent = 100 * done // max(size, 1)
                if percent != last:
                    last = percent
                    tell(f"Copying “{path.name}” … {percent} %")

            return copy_in(path, models, stop, progress)

        self._begin(f"Copying “{path.name}” …", f"“{path.name}” was not copied.", work)

    def convert(self, path: Path, name: str, models: Path) -> None:
        """Make a safetensors file of a pickle whose maker the artist trusts; the pickle stays.

        Args:
            name: of the model, for the artist.
            models: our own folder of models.
        """

        def work(stop: Callable[[], bool], _tell: Callable[[str], None]) -> Path:
            from desktop_app.library.convert import convert_outside

            return convert_outside(path, models, stop)

        self._begin(f"“{name}” is being converted …", f"“{name}” was not converted.", work)

    def stop(self, milliseconds: int) -> None:
        """End what runs; what waits is not begun."""
        self._closing.set()
        self._writer.close(milliseconds)

    def _begin(
        self,
        words: str,
        not_done: str,
        work: Callable[[Callable[[], bool], Callable[[str], None]], Path],
    ) -> None:
        self._count += 1
        topic = f"bringing {self._count}"
        stopped = self._stops[topic] = threading.Event()

        def stops() -> bool:
            return stopped.is_set() or self._closing.is_set()

        def run() -> Path | None:
            try:
                if stops():
                    raise Cancelled
                return work(stops, lambda told: self._went.emit(topic, told))
            except Cancelled:
                return None

        def done(target: Path | None) -> None:
            del self._stops[topic]
            if target is None:
                self.notice.emit(Notice(text=not_done, topic=topic))
                return
            self.notice.emit(here(target.name, lambda: self.wanted.emit(target), topic))
            self.arrived.emit(target)

        def failed(error: AppError) -> None:
            del self._stops[topic]
            self.notice.emit(Notice(text=str(error), kind="bad", topic=topic))

        self._tell(topic, words)
        self._writer.run(run, done=done, failed=failed)

    @Slot(str, object)
    def _tell(self, topic: str, words: str) -> None:
        stopped = self._stops.get(topic)
        if stopped is not None:
            self.notice.emit(
                Notice(text=words, action="Stop", act=stopped.set, seconds=0, topic=topic)
            )


def here(name: str, show: Callable[[], None], topic: str = "") -> Notice:
    """That a model can be used now, with a button to see it."""
    return Notice(
        text=f"“{name}” is here.", kind="ok", action="Show it", act=show, seconds=15, topic=topic
    )
