"""What is shown over the Create page while a seed of the shelf is dragged onto it."""

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.presets import SeedPreset
from desktop_app.ui.drop_overlay import paint_place
from desktop_app.ui.preset_drag import has_seeds, seeds_in
from desktop_app.ui.theme import token

_WORDS = {
    "prompt": ("message-square", "Use prompt and seed", "What the card keeps of them"),
    "make": ("sparkles", "Generate with it", "The seed, with the prompt that is typed"),
    "show": ("image", "Show its picture", "The newest one made with it"),
}


class SeedDrop(QWidget):
    """Three places: one over the prompt panel, two over the canvas.

    Signals:
        dropped(str, SeedPreset): `prompt`, `make` or `show`, and what was dropped.
        refused(AppError): what was dropped is no whole preset.
    """

    dropped = Signal(str, object)
    refused = Signal(object)

    def __init__(self, parent: QWidget, areas: Callable[[], tuple[QRect, QRect]]) -> None:
        """Args:
        areas: where the prompt panel and the canvas are now, in the parent.
        """
        super().__init__(parent)
        self._areas = areas
        self._hot = ""
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop a seed here")
        self.hide()

    def offer(self, mime: QMimeData) -> bool:
        """Come up over the whole parent; False when no seed is dragged."""
        parent = self.parentWidget()
        if not has_seeds(mime) or parent is None:
            return False
        self._hot = ""
        self.setGeometry(parent.rect())
        self.raise_()
        self.show()
        return True

    def places(self) -> dict[str, QRectF]:
        """The places by name."""
        prompt, canvas = (QRectF(one) for one in self._areas())
        gap = 16.0
        found: dict[str, QRectF] = {}
        if prompt.width() > 80:
            found["prompt"] = prompt.adjusted(gap, gap, -gap, -gap)
        half = canvas.width() / 2
        found["make"] = canvas.adjusted(gap, gap, -half - gap / 2, -gap)
        found["show"] = canvas.adjusted(half + gap / 2, gap, -gap, -gap)
        return found

    def _place_at(self, event: QDropEvent) -> str:
        at = event.position()
        return next((name for name, rect in self.places().items() if rect.contains(at)), "")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if has_seeds(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        hot = self._place_at(event)
        if hot != self._hot:
            self._hot = hot
            self.update()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(bool(hot))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        place = self._place_at(event)
        self.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        try:
            preset: SeedPreset = seeds_in(event.mimeData())[0]
        except AppError as error:
            self.refused.emit(error)
            return
        if place:
            self.dropped.emit(place, preset)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = token("bg.0")
        veil.setAlpha(150)
        painter.fillRect(self.rect(), veil)
        for name, rect in self.places().items():
            paint_place(painter, self, rect, _WORDS[name], hot=name == self._hot)
