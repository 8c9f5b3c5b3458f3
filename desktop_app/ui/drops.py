"""Drops: the places to drop on that come up when something is dragged into the window."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRect, Signal
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtWidgets import QWidget

from desktop_app.ui.create_page import CreatePage
from desktop_app.ui.drop_overlay import DropOverlay
from desktop_app.ui.seed_drop import SeedDrop

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio


class Drops(QObject):
    """They come first where a field would take a dropped picture as its text.

    Signals:
        models_taken(): models were dropped and are brought in.

    Attributes:
        files: for pictures, models, and files of presets.
        seeds: for a seed of the shelf, over the Create page.
    """

    models_taken = Signal()

    def __init__(self, studio: "Studio", whole: QWidget, page: CreatePage) -> None:
        """Args:
        whole: everything in the window, which the places come up over.
        """
        super().__init__(whole)
        self._studio, self._whole, self._page = studio, whole, page
        self._left_alone: set[QWidget] = set()
        self.files = DropOverlay(
            whole,
            use=studio.open_file,
            keep=studio.seeds.keep_files,
            add=studio.album.add_file,
            add_image=studio.album.add_image,
            watch=self._watch_models,
            copy=self._copy_models,
        )
        self.seeds = SeedDrop(whole, self._areas)
        self.seeds.dropped.connect(studio.seeds.drop)
        self.seeds.refused.connect(studio.seeds.tell)

    def leave_alone(self, page: QWidget) -> None:
        """Offer nothing while this page is shown: it takes itself what is dropped on it."""
        self._left_alone.add(page)

    def watch(self, window: QWidget) -> None:
        """Be asked first about what is dragged into a window; again after it got more widgets."""
        for widget in (window, *window.findChildren(QWidget)):
            if widget.acceptDrops() and widget is not self.files:
                # A filter that is there already is only moved to the front.
                widget.installEventFilter(self)

    def _offer(self, mime: QMimeData) -> bool:
        """Show what can be done with a drag; False where that is nothing."""
        if any(page.isVisible() for page in self._left_alone):
            return False
        return (self._page.isVisible() and self.seeds.offer(mime)) or self.files.offer(mime)

    def _areas(self) -> tuple[QRect, QRect]:
        """Where the prompt panel and the canvas are."""

        def place(part: QWidget) -> QRect:
            seen = part.isVisible()
            return QRect(part.mapTo(self._whole, QPoint(0, 0)), part.size()) if seen else QRect()

        return place(self._page.prompts), place(self._page.canvas)

    def _watch_models(self, paths: tuple[Path, ...]) -> None:
        self._studio.desk.watch_place(paths)
        self.models_taken.emit()

    def _copy_models(self, paths: tuple[Path, ...]) -> None:
        self._studio.desk.copy_in(paths)
        self.models_taken.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        on_a_name = bool(watched.property("tab"))  # a drag that rests there opens the page
        if isinstance(event, QDragEnterEvent) and not on_a_name and self._offer(event.mimeData()):
            event.acceptProposedAction()
            return True
        return False
