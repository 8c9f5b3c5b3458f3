"""Restoring: the settings of pictures, files and the clipboard, put into the draft."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from desktop_app.errors import AppError
from desktop_app.recipe import infotext
from desktop_app.recipe.draft import Draft, draft_of
from desktop_app.recipe.foreign import NamedModels
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.album import Album
from desktop_app.studio.background import Background
from desktop_app.studio.editor import LABELS, Editor, Source
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import with_model_of
from desktop_app.studio.named_models import fields_named
from desktop_app.studio.originals import said_by
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.store.metadata import Imported

Part = Literal["all", "seed", "prompt"]


class Restoring(QObject):
    """Files are read in the background; each change of the draft can be undone from its notice.

    Signals:
        notice(Notice): what was taken, or why nothing was.
    """

    notice = Signal(object)

    def __init__(
        self,
        editor: Editor,
        album: Album,
        gallery: GalleryModel,
        library: LibraryModel,
        disk: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._album = album
        self._gallery = gallery
        self._library = library
        self._disk = disk

    def restore(self, picture: int, what: Part = "all") -> None:
        """Put a picture's settings, its seed alone, or its prompt alone into the draft."""
        recipe = self._album.recipe_of(picture)
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

    def open_file(self, path: Path) -> None:
        """Use the settings of any picture, one of ours or another program's."""

        def done(imported: "Imported") -> None:
            self._use(path, imported)

        self._disk.run(said_by, path, done=done, failed=self._album.tell)

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
            self._album.add_image(image)
        else:
            words = "The clipboard holds no picture and no settings."
            self.notice.emit(Notice(text=words, kind="warn"))

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
                    act=lambda: self._album.add_file(path),
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
            self._album.tell(error)
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
