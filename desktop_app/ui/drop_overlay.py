"""What is shown over the whole window while a picture or a model is dragged onto it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from desktop_app.studio.bringing import is_words
from desktop_app.ui.icons import pixmap
from desktop_app.ui.preset_drag import has_seeds, preset_files
from desktop_app.ui.theme import token

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
MODEL_SUFFIXES = {".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin"}
MOST_FILES = 200
OWN_PICTURES = "application/x-mezzotint-pictures"
"""On a drag that starts in the gallery: those pictures need not be added to it again."""


def picture_files(mime: QMimeData) -> list[Path]:
    """The local picture files of a drag or of the clipboard, at most 200."""
    found: list[Path] = []
    for url in mime.urls()[:MOST_FILES]:
        path = Path(url.toLocalFile()) if url.isLocalFile() else None
        if path is not None and path.suffix.lower() in SUFFIXES:
            found.append(path)
    return found


def has_picture(mime: QMimeData) -> bool:
    """Whether something in it is a picture."""
    return bool(picture_files(mime)) or (mime.hasImage() and not mime.hasText())


def model_paths(mime: QMimeData) -> tuple[Path, ...]:
    """The local files of models and vocabularies, and the folders of a drag, at most 200."""
    found: list[Path] = []
    for url in mime.urls()[:MOST_FILES]:
        path = Path(url.toLocalFile()) if url.isLocalFile() else None
        if path is None:
            continue
        if path.suffix.lower() in MODEL_SUFFIXES or is_words(path) or path.is_dir():
            found.append(path)
    return tuple(found)


class DropOverlay(QWidget):
    """Large places to drop a picture on: take its settings, keep its seed, or add it to the
    gallery; for models: use them where they lie, or copy them.

    Args:
        use: called with the file whose settings are wanted.
        keep: called with the files whose seeds shall be kept, and with files of presets.
        add: called with each file to add.
        add_image: called with a picture that comes without a file.
        watch: called with models to use where they lie.
        copy: called with models to copy among our own.
    """

    def __init__(
        self,
        parent: QWidget,
        *,
        use: Callable[[Path], None],
        keep: Callable[[list[Path]], None],
        add: Callable[[Path], None],
        add_image: Callable[[QImage], None],
        watch: Callable[[tuple[Path, ...]], None],
        copy: Callable[[tuple[Path, ...]], None],
    ) -> None:
        super().__init__(parent)
        self._use, self._keep = use, keep
        self._add, self._add_image = add, add_image
        self._watch, self._copy = watch, copy
        self._places: list[str] = []
        self._hot = -1
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop a picture or a model here")
        self.hide()

    def offer(self, mime: QMimeData) -> bool:
        """Come up over the whole parent; False when there is nothing to take in the drag."""
        self._places = _places(mime)
        if not self._places:
            return False
        self._hot = -1
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.raise_()
        self.show()
        return True

    @property
    def offered(self) -> tuple[str, ...]:
        """What can be done with what is dragged, from left to right."""
        return tuple(self._places)

    def _rects(self) -> list[QRectF]:
        gap, margin = 24.0, 48.0
        count = len(self._places)
        width = min((self.width() - 2 * margin - gap * (count - 1)) / max(count, 1), 420.0)
        height = min(self.height() - 2 * margin, 260.0)
        left = (self.width() - width * count - gap * (count - 1)) / 2
        top = (self.height() - height) / 2
        return [QRectF(left + i * (width + gap), top, width, height) for i in range(count)]

    def _place_at(self, event: QDropEvent) -> int:
        """The place nearest to the pointer: the halves of the window belong to the two places."""
        count = max(len(self._places), 1)
        return min(max(int(event.position().x() / max(self.width(), 1) * count), 0), count - 1)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _places(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        hot = self._place_at(event)
        if hot != self._hot:
            self._hot = hot
            self.update()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        place = self._places[self._place_at(event)]
        files = picture_files(event.mimeData())
        image = event.mimeData().imageData() if not files else None
        self.hide()
        if not _places(event.mimeData()):
            event.ignore()  # the program it came from has ended, and its data with it
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if place in ("watch", "copy"):
            take = self._watch if place == "watch" else self._copy
            take(model_paths(event.mimeData()))
        elif place == "shelf":
            self._keep(preset_files(event.mimeData()))
        elif place == "keep":
            self._keep(files)
        elif place == "use":
            self._use(files[0])
        elif isinstance(image, QImage):
            self._add_image(image)
        else:
            for file in files:
                self._add(file)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = token("bg.0")
        veil.setAlpha(225)
        painter.fillRect(self.rect(), veil)
        words = {
            "use": ("sliders-horizontal", "Use its settings", "Prompt, seed and all numbers"),
            "keep": ("bookmark", "Keep its seed", "On the shelf, with how it was made"),
            "shelf": ("bookmark", "Put it on the shelf", "Seeds, settings or styles in a file"),
            "add": ("image-plus", "Add to gallery", "Keeps a copy with your pictures"),
            "watch": (
                "folder",
                "Use it where it lies",
                "Its folder is only looked through",
            ),
            "copy": ("download", "Copy it in", "Into Mezzotint’s own folder of models"),
        }
        for i, (place, rect) in enumerate(zip(self._places, self._rects(), strict=True)):
            paint_place(painter, self, rect, words[place], hot=i == self._hot)


def paint_place(
    painter: QPainter, widget: QWidget, rect: QRectF, words: tuple[str, str, str], *, hot: bool
) -> None:
    """One place to drop on.

    Args:
        words: icon, title and hint.
        hot: the pointer is over it.
    """
    icon, title, hint = words
    painter.setPen(QPen(token("accent" if hot else "text.3"), 2 if hot else 1.5))
    painter.setBrush(token("accent.fill" if hot else "bg.1"))
    painter.drawRoundedRect(rect, 14, 14)
    mark = pixmap(icon, "accent" if hot else "text.2", 36, widget.devicePixelRatioF())
    painter.drawPixmap(round(rect.center().x() - 18), round(rect.center().y() - 58), mark)
    for text, colour, size, bold, down in (
        (title, "text", 15, True, 12),
        (hint, "text.2", 12, False, 40),
    ):
        font = QFont(widget.font())
        font.setPixelSize(size)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(token(colour))
        painter.drawText(rect.translated(0, down), Qt.AlignmentFlag.AlignCenter, text)


def _places(mime: QMimeData) -> list[str]:
    """What can be done with what is dragged, from left to right."""
    if has_seeds(mime):
        return []  # a card of the shelf, which has places of its own
    if preset_files(mime):
        return ["shelf"]
    if model_paths(mime):
        return ["watch", "copy"]
    if not has_picture(mime):
        return []
    files = picture_files(mime)
    places = ["use"] if len(files) == 1 else []
    places += ["keep"] if files else []
    return places if mime.hasFormat(OWN_PICTURES) else [*places, "add"]
