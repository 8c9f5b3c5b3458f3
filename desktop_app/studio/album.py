"""Album: what can be done with pictures that are stored: trash, copy, show, rate, take in."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QProcess, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage

from desktop_app import __version__
from desktop_app.errors import AppError
from desktop_app.recipe import infotext_writing
from desktop_app.recipe.provenance import Origin, OriginKind
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.qimage import without_text
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.store.pictures import Record
    from desktop_app.studio.storage import Storage

APP = f"Mezzotint {__version__}"
PIXELS_MAX = 64_000_000


class Album(QObject):
    """The verbs on pictures. Disk work is done in the background; trouble becomes a notice.

    Signals:
        notice(Notice): what was done, with a way back where there is one.
        updated(tuple[Record, ...]): pictures have another star, rating or badge.
        gone(tuple[int, ...]): pictures went to the trash.
        wanted(int): this picture shall be shown.
    """

    notice = Signal(object)
    updated = Signal(object)
    gone = Signal(object)
    wanted = Signal(object)

    def __init__(
        self,
        gallery: GalleryModel,
        library: LibraryModel,
        disk: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._library = library
        self._disk = disk
        self._storage: Storage | None = None

    def open(self, storage: "Storage") -> None:
        self._storage = storage

    def recipe_of(self, picture: int) -> Recipe | None:
        """How a picture was made; says so in a notice when that is not known."""
        record = self._gallery.record_of(picture)
        if record is None:
            self._say("That picture is no longer in the gallery.", "warn")
            return None
        if record.recipe is None:
            self._say("This picture does not say how it was made.", "warn")
        return record.recipe

    def origin(self, picture: int, kind: OriginKind) -> Origin | None:
        """The tie of what is derived from a picture; None when that is gone."""
        record = self._gallery.record_of(picture)
        return None if record is None else Origin(picture=record.pixels_sha256, kind=kind)

    def add_file(self, path: Path) -> None:
        """Copy a picture into the gallery."""
        storage = self._open()
        if storage is None:
            return

        def done(added: "tuple[Record, bool]") -> None:
            self._added(*added, path.name)

        self._disk.run(storage.add_file, path, done=done, failed=self.tell)

    def add_image(self, image: QImage) -> None:
        """Keep a picture that came without a file, as from the clipboard, in the gallery."""
        storage = self._open()
        if storage is None:
            return

        def done(added: "tuple[Record, bool]") -> None:
            self._added(*added, "The picture")

        self._disk.run(_store_image, storage, QImage(image), done=done, failed=self.tell)

    def _added(self, record: "Record", new: bool, name: str) -> None:
        self._gallery.add(record)
        self.notice.emit(
            Notice(
                text=f"{name} was added to the gallery."
                if new
                else f"{name} is already in the gallery.",
                kind="ok" if new else "info",
                action="Show",
                act=lambda: self.wanted.emit(record.id),
            )
        )

    def trash(self, pictures: Iterable[int]) -> None:
        """Move pictures to the trash; the notice takes it back."""
        storage = self._open()
        ids = tuple(dict.fromkeys(pictures))
        if storage is None or not ids:
            return

        def failed(error: AppError) -> None:
            # Some of them may be in the trash all the same.
            self._gallery.refresh()
            self.tell(error)

        def done(gone: tuple[int, ...]) -> None:
            if len(gone) < len(ids):
                # Pictures whose file is not there any more are forgotten without a trace.
                self._gallery.refresh()
            if not gone:
                return
            self._gallery.remove(gone)
            self.gone.emit(gone)
            words = "Moved the picture" if len(gone) == 1 else f"Moved {len(gone)} pictures"
            self.notice.emit(
                Notice(
                    text=f"{words} to the trash.",
                    action="Undo",
                    act=lambda: self._untrash(gone),
                    seconds=15,
                )
            )

        self._disk.run(storage.pictures.trash, ids, done=done, failed=failed)

    def _untrash(self, pictures: tuple[int, ...]) -> None:
        storage = self._open()
        if storage is not None:
            self._disk.run(
                storage.pictures.restore,
                pictures,
                done=self._gallery.bring_back,
                failed=self.tell,
            )

    def set_favourite(self, pictures: Iterable[int], on: bool) -> None:
        self._mark(pictures, lambda storage, ids: storage.pictures.set_favourite(ids, on))

    def set_rating(self, pictures: Iterable[int], rating: int) -> None:
        """Args:
        rating: 0 (none) ... 5.
        """
        self._mark(pictures, lambda storage, ids: storage.pictures.set_rating(ids, rating))

    def _mark(
        self, pictures: Iterable[int], change: "Callable[[Storage, tuple[int, ...]], object]"
    ) -> None:
        storage = self._open()
        ids = tuple(dict.fromkeys(pictures))
        if storage is None or not ids:
            return

        def work() -> "Sequence[Record]":
            change(storage, ids)
            return storage.records(ids)

        self._disk.run(work, done=self._changed, failed=self.tell)

    def reload(self, picture: int) -> None:
        """A picture's row was changed in the store: show it as it is now."""
        storage = self._open()
        if storage is not None:
            self._disk.run(storage.records, (picture,), done=self._changed, failed=self.tell)

    def _changed(self, records: "Sequence[Record]") -> None:
        self._gallery.update(records)
        self.updated.emit(tuple(records))

    def copy(self, picture: int) -> None:
        """Put the pixels on the clipboard, without the prompt that the file holds."""
        path = self._gallery.path_of(picture)
        if path is None:
            return

        def done(image: QImage) -> None:
            QGuiApplication.clipboard().setImage(image)
            self._say("Copied the picture.", "ok", 3)

        self._disk.run(_pixels, path, done=done, failed=self.tell)

    def copy_settings(self, picture: int) -> None:
        """Put how the picture was made on the clipboard, in the words other programs read."""
        record = self._gallery.record_of(picture)
        words = record.infotext if record is not None else ""
        if not words:
            recipe, files = self.recipe_of(picture), self._library.files()
            words = infotext_writing.write(recipe, app=APP, files=files) if recipe else ""
        if words:
            QGuiApplication.clipboard().setText(words)
            self._say("Copied the settings.", "ok", 3)

    def reveal(self, picture: int) -> None:
        """Show the file in the system's file manager."""
        path = self._gallery.path_of(picture)
        if path is None or not path.exists():
            self._say("The picture's file is not where it was.", "warn")
        elif sys.platform == "win32":
            QProcess.startDetached("explorer", ["/select,", str(path)])
        elif sys.platform == "darwin":
            QProcess.startDetached("open", ["-R", str(path)])
        else:
            self.open_folder(path.parent)

    def open_folder(self, folder: Path) -> None:
        """Show a folder in the system's file manager."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._say(f"No program opens folders here. The folder is {folder}", "warn")

    def export(self, picture: int, target: Path) -> None:
        """Copy a picture's file, settings and all, to where the artist wants it."""
        path = self._gallery.path_of(picture)
        if path is not None:
            self._disk.run(
                _copy_file,
                path,
                target,
                done=lambda _: self._say(f"Saved {target.name}.", "ok"),
                failed=self.tell,
            )

    def tell(self, error: AppError) -> None:
        """Show an error as a notice."""
        self.notice.emit(Notice(text=str(error), kind="bad", seconds=15))

    def _open(self) -> "Storage | None":
        if self._storage is None:
            self._say("The gallery is still being opened. Try again in a moment.", "warn")
        return self._storage

    def _say(self, text: str, kind: Literal["info", "ok", "warn"], seconds: float = 8) -> None:
        self.notice.emit(Notice(text=text, kind=kind, seconds=seconds))


def _store_image(storage: "Storage", image: QImage) -> "tuple[Record, bool]":
    if image.isNull() or image.width() * image.height() > PIXELS_MAX:
        raise AppError(
            "picture-size",
            f"A picture of {image.width()} × {image.height()} pixels cannot be taken over.",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pasted.png")
        # No more than the pixels: where they come from is the other program's to tell.
        if not without_text(image).save(str(path)):
            raise AppError("picture-size", "The picture cannot be written to the disk.")
        return storage.add_file(path)


def _pixels(path: Path) -> QImage:
    image = QImage(str(path))
    if image.isNull():
        raise AppError("unreadable", f"The picture {path.name} cannot be read.")
    return without_text(image)


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as fault:
        raise AppError(
            "export", f"{target.name} cannot be written: {fault.strerror or fault}."
        ) from fault
