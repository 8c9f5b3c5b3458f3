"""What can be done with pictures that are stored: restore, trash, copy, show, rate, take in."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QProcess, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage

from desktop_app import __version__
from desktop_app.errors import AppError
from desktop_app.recipe import infotext, infotext_writing
from desktop_app.recipe.draft import Draft, draft_of
from desktop_app.recipe.foreign import NamedModels
from desktop_app.recipe.provenance import Origin, OriginKind
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.background import Background
from desktop_app.studio.editor import LABELS, Editor, Source
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import with_model_of
from desktop_app.studio.named_models import fields_named
from desktop_app.studio.qimage import without_text
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.store.metadata import Imported
    from desktop_app.store.pictures import Record
    from desktop_app.studio.storage import Storage

APP = f"Mezzotint {__version__}"
PIXELS_MAX = 64_000_000
Part = Literal["all", "seed", "prompt"]


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
        editor: Editor,
        gallery: GalleryModel,
        library: LibraryModel,
        disk: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._gallery = gallery
        self._library = library
        self._disk = disk
        self._storage: Storage | None = None

    def open(self, storage: "Storage") -> None:
        self._storage = storage

    def restore(self, picture: int, what: Part = "all") -> None:
        """Put a picture's settings, its seed alone, or its prompt alone into the draft."""
        recipe = self.recipe_of(picture)
        if recipe is None:
            return
        draft = self._editor.draft
        whole = draft_of(recipe, draft)
        match what:
            case "all":
                words = "Took all settings of the picture."
                self._take(whole, "Settings of a picture", words, self._source(picture))
            case "seed":
                new = replace(
                    draft,
                    seed=whole.seed,
                    seed_rule="keep",
                    variation_seed=whole.variation_seed,
                    variation_strength=whole.variation_strength,
                )
                words = f"Took the seed {recipe.seed}."
                self._take(new, "Seed of a picture", words, self._source(picture))
            case "prompt":
                new = replace(
                    draft,
                    prompt=whole.prompt,
                    negative_prompt=whole.negative_prompt,
                    styles=(),
                )
                self._take(new, "Prompt of a picture", "Took the prompt of the picture.")

    def take_recipe(self, recipe: Recipe, name: str) -> None:
        """Put all settings of a recipe that is no stored picture's into the draft."""
        draft = draft_of(recipe, self._editor.draft)
        self._take(draft, "Settings of a picture", f"Took all settings of {name}.")

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

    def open_file(self, path: Path) -> None:
        """Use the settings of any picture, one of ours or another program's."""

        def done(imported: "Imported") -> None:
            self._use(path, imported)

        self._disk.run(_read_picture, path, done=done, failed=self.tell)

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

    @Slot()
    def paste(self) -> None:
        """Use what is on the clipboard: a picture's file, its settings as words, or its pixels."""
        data = QGuiApplication.clipboard().mimeData()
        files = [Path(url.toLocalFile()) for url in data.urls()[:1] if url.isLocalFile()]
        if files:
            self.open_file(files[0])
            return
        found = infotext.read(data.text()[: infotext.TEXT_MAX]) if data.hasText() else None
        if found is not None and found.changes:
            self._use_changes(found.changes, "the clipboard", found.notes, found.named)
        elif data.hasImage() and isinstance(image := data.imageData(), QImage):
            self.add_image(image)
        else:
            self._say("The clipboard holds no picture and no settings.", "warn")

    def tell(self, error: AppError) -> None:
        """Show an error as a notice."""
        self.notice.emit(Notice(text=str(error), kind="bad", seconds=15))

    def _use(self, path: Path, imported: "Imported") -> None:
        if imported.recipe is not None:
            draft = draft_of(imported.recipe, self._editor.draft)
            self._take(draft, "Settings of a picture", f"Took all settings of {path.name}.")
        elif imported.draft_changes:
            self._use_changes(imported.draft_changes, path.name, imported.notes, imported.named)
        else:
            why = f" {imported.problem}" if imported.problem else ""
            self.notice.emit(
                Notice(
                    text=f"{path.name} does not say how it was made.{why}",
                    kind="warn",
                    action="Add to gallery",
                    act=lambda: self.add_file(path),
                )
            )

    def _use_changes(
        self,
        changes: Mapping[str, Any],
        source: str,
        notes: tuple[str, ...],
        named: NamedModels,
    ) -> None:
        catalog = self._library.catalog
        assets = catalog.assets() if catalog is not None else ()
        try:
            draft = replace(self._editor.draft, **changes)
            models, missing = fields_named(draft, named, assets, self._library.current)
            draft = replace(draft, **models)
        except AppError as error:
            self.tell(error)
            return
        taken = (LABELS.get(name, name).lower() for name in (*changes, *models))
        told = (*missing, *notes)[:3]
        words = " ".join((f"Took from {source}: {', '.join(dict.fromkeys(taken))}.", *told))
        self._take(draft, "Settings of a picture", words)

    def _source(self, picture: int) -> Source | None:
        record = self._gallery.record_of(picture)
        if record is None or record.recipe is None:
            return None
        return Source(picture=record.pixels_sha256, recipe=record.recipe)

    def _take(self, draft: Draft, label: str, words: str, source: Source | None = None) -> None:
        kept = self._editor.draft.model
        known = self._library.find(draft.model) is not None or not self._library.models
        if draft.model is not None and kept is not None and not known:
            words += f" Its model, {draft.model.name}, is not here, so {kept.name} stays."
            draft = with_model_of(draft, self._editor.draft)
        self._editor.replace(draft, label, source)
        self.notice.emit(Notice(text=words, action="Undo", act=self._editor.undo, seconds=6))

    def _open(self) -> "Storage | None":
        if self._storage is None:
            self._say("The gallery is still being opened. Try again in a moment.", "warn")
        return self._storage

    def _say(self, text: str, kind: Literal["info", "ok", "warn"], seconds: float = 8) -> None:
        self.notice.emit(Notice(text=text, kind=kind, seconds=seconds))


def _read_picture(path: Path) -> "Imported":
    from desktop_app.store.metadata import read_picture

    return read_picture(path)


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
