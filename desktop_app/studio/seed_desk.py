"""SeedDesk: the verbs on seeds: keep one from a picture or a file, use one again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset import free_name
from desktop_app.recipe.presets import (
    SEED_PARTS,
    DraftPreset,
    Part,
    SeedPreset,
    applied,
    name_for,
    seed_preset,
    seed_preset_of,
)
from desktop_app.recipe.styles import Style
from desktop_app.studio.album import Album
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import with_model_of
from desktop_app.studio.orders import Orders
from desktop_app.studio.preset_model import PresetModel, now
from desktop_app.studio.seed_files import refuse_taken, seeds_of_pictures
from desktop_app.studio.seed_history import SeedHistoryModel
from desktop_app.studio.shelf import ParameterModel, ShelfModel
from desktop_app.studio.small_pictures import SmallPictures
from desktop_app.studio.styles import StyleModel
from desktop_app.studio.values import Job, Notice

if TYPE_CHECKING:
    from desktop_app.store.pictures import Record
    from desktop_app.store.seed_history import SeedUse
    from desktop_app.studio.storage import Storage

FILES_MAX = 200


class SeedDesk(QObject):
    """Everything about seeds and presets that is more than one list.

    Attributes:
        shelf: the seed presets.
        parameters: the settings presets.
        styles: the style presets.
        history: every use of a seed, to be searched.
        last_seeds: the seeds used last, each once.

    Signals:
        notice(Notice): what was done, or why not.
        generate_wanted(): the draft shall be made now.
        picture_wanted(int): this picture shall be shown.
    """

    notice = Signal(object)
    generate_wanted = Signal()
    picture_wanted = Signal(object)

    def __init__(
        self,
        editor: Editor,
        disk: Background,
        reads: Background,
        cache: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._disk = disk
        self._reads = reads
        self._drags = cache / "drag"
        self._album: Album | None = None
        self._gallery: GalleryModel | None = None
        self._library: LibraryModel | None = None
        self._orders: Orders | None = None
        self._storage: Storage | None = None
        self.pictures = SmallPictures(reads, cache, self)
        self.shelf = ShelfModel(editor, disk, self.pictures, self)
        self.parameters = ParameterModel(editor, disk, self.pictures, self)
        self.styles = StyleModel(editor, disk, self.pictures, self)
        self.history = SeedHistoryModel(reads, self.pictures, self)
        self.last_seeds = SeedHistoryModel(reads, self.pictures, self, each_once=True)
        for part in (self.shelf, self.parameters, self.styles):
            part.notice.connect(self.notice)
        for part in (self.shelf, self.parameters, self.styles, self.history, self.last_seeds):
            part.failed.connect(self.tell)

    def join(
        self, album: Album, gallery: GalleryModel, library: LibraryModel, orders: Orders
    ) -> None:
        """What knows the stored pictures and the models, and what orders new pictures."""
        self._album, self._gallery, self._orders = album, gallery, orders
        self._library = library

    def open(self, storage: "Storage") -> None:
        """The store is open; to be called before anything is ordered."""
        self._storage = storage
        self.pictures.open(storage)
        self.shelf.open(storage.shelves.seeds)
        self.parameters.open(storage.shelves.parameters)
        self.styles.open(storage.shelves.styles)
        for history in (self.history, self.last_seeds):
            history.open(storage.seed_history)
        # In the disk's order: the seeds of earlier sessions are known before the first is drawn.
        self._disk.run(storage.seed_history.recent, done=self._recent, failed=self.tell)

    def made(self, job: Job, record: "Record") -> None:
        """A picture is safe on the disk: its use of a seed and the presets that it shows get it."""
        storage = self._storage
        if storage is None or job.kind == "verify":
            return
        pixels = record.pixels_sha256
        self._disk.run(storage.seed_history.made, job.id, job.recipe, pixels, failed=self.tell)
        self.pictures.look_again()
        for model in (self.shelf, self.parameters):
            model.note_picture(job.recipe, pixels)

    # Keeping seeds.

    def keep_picture(self, picture: int, name: str, parts: Collection[Part] = SEED_PARTS) -> None:
        """Keep the seed of a stored picture under a name."""
        recipe = self._album.recipe_of(picture) if self._album is not None else None
        record = self._gallery.record_of(picture) if self._gallery is not None else None
        if recipe is None or record is None:
            return
        try:
            samples = (record.pixels_sha256,)
            preset = seed_preset_of(name, recipe, parts, created=now(), samples=samples)
        except AppError as error:
            self.tell(error)
            return
        self.shelf.add([preset])

    def name_for_picture(self, picture: int) -> str:
        """A name to offer for the seed of a stored picture."""
        record = self._gallery.record_of(picture) if self._gallery is not None else None
        recipe = record.recipe if record is not None else None
        if recipe is None:
            return free_name("Seed", self.shelf.names())
        return name_for(recipe.prompt, recipe.seed, self.shelf.names())

    def keep_files(self, paths: Sequence[Path]) -> None:
        """Keep the seeds of pictures of any program, and take in files of presets."""
        pictures: list[Path] = []
        models = {one.kind.suffix: one for one in (self.shelf, self.parameters, self.styles)}
        for path in paths[:FILES_MAX]:
            model = next((m for end, m in models.items() if path.name.lower().endswith(end)), None)
            if model is not None:
                model.import_file(path)
            else:
                pictures.append(path)
        if pictures:
            taken = self.shelf.names()
            self._disk.run(
                seeds_of_pictures, pictures, taken, done=self._found_seeds, failed=self.tell
            )

    def _found_seeds(self, found: "tuple[list[SeedPreset], list[str]]") -> None:
        presets, problems = found
        if presets:
            self.shelf.add(presets)
        if problems:
            more = f" So do {len(problems) - 1} others." if len(problems) > 1 else ""
            self.notice.emit(Notice(text=f"{problems[0]}{more}", kind="warn"))

    def keep_parameters(self, name: str, parts: Collection[Part]) -> None:
        """Keep the draft's settings under a name.

        Raises:
            AppError: `preset-exists`.
        """
        refuse_taken(name, self.parameters.names())
        self.parameters.save(name, "", parts)

    def keep_style(self, style: Style) -> None:
        """Keep a new style.

        Raises:
            AppError: `preset-exists`.
        """
        refuse_taken(style.name, self.styles.names())
        self.styles.save(style)

    def use_parameters(self, name: str) -> None:
        """Put the settings of a preset into the draft."""
        preset = self.parameters.preset(name)
        if preset is not None:
            self.use(preset)

    # Using seeds.

    def use(self, preset: DraftPreset, parts: Iterable[Part] | None = None) -> None:
        """Put a preset into the draft as one step to undo, with all it keeps or some parts of it.

        A model or a style that is not here is left out, and a notice says so.
        """
        before = self._editor.draft
        draft, lacks = self._possible(applied(preset, before, parts), before)
        self._editor.replace(draft, f"“{preset.name}”")
        if lacks:
            self._say(f"Not here: {lacks}. Pictures will differ from those of the preset.", "warn")
        elif isinstance(preset, SeedPreset) and _size(draft) != _size(preset.draft):
            self._offer_size(preset)
        elif draft != before:
            undo = self._editor.undo
            self.notice.emit(
                Notice(text=f"Took “{preset.name}”.", action="Undo", act=undo, seconds=5)
            )

    def _possible(self, draft: Draft, before: Draft) -> tuple[Draft, str]:
        """A draft with what is here only, and what is missing in words; empty for nothing."""
        lacks: list[str] = []
        known, library = self.styles.by_name, self._library
        # Before they are read, none is known to be missing.
        lost = [name for name in draft.styles if known and name not in known]
        if lost:
            draft = replace(draft, styles=tuple(name for name in draft.styles if name in known))
            lacks += [f"the style “{name[:40]}”" for name in lost[:3]]
        other = draft.model if draft.model != before.model else None
        models = library is not None and bool(library.models)
        if other is not None and library is not None and models and library.find(other) is None:
            lacks.append(f"the model {other.name}")
            draft = with_model_of(draft, before)
        return draft, ", ".join(lacks)

    def use_and_generate(self, preset: SeedPreset) -> None:
        """Put a preset's seed into the draft and make it, at the size it was found at."""
        self.use(preset, ("size",))
        self.generate_wanted.emit()

    def show_sample(self, preset: SeedPreset) -> None:
        """Show the newest picture of a preset that the gallery has."""
        missing = f"The gallery has no picture of “{preset.name}” yet."
        self._show_first(preset.samples, missing)

    def show_pixels(self, pixels_sha256: str) -> None:
        """Show the picture whose pixels have this hash."""
        self._show_first((pixels_sha256,), "That picture is no longer in the gallery.")

    def _show_first(self, hashes: Sequence[str], missing: str) -> None:
        storage = self._storage
        if storage is None:
            return

        def done(found: dict[str, int]) -> None:
            number = next((found[one] for one in hashes if one in found), None)
            if number is None:
                self._say(missing, "info")
            else:
                self.picture_wanted.emit(number)

        self._reads.run(storage.pictures_with, hashes, done=done, failed=self.tell)

    @Slot(str, object)
    def drop(self, place: str, preset: SeedPreset) -> None:
        """A preset was dropped on the Create page.

        Args:
            place: `prompt`, `make` or `show`.
        """
        match place:
            case "prompt":
                self.use(preset, ("prompt",))
            case "make":
                self.use_and_generate(preset)
            case _:
                self.show_sample(preset)

    def use_again(self, use: "SeedUse", *, everything: bool = False) -> None:
        """Put a seed from the history into the draft and lock it there.

        Args:
            everything: also the prompt and the size it was used with.
        """
        parts: tuple[Part, ...] = ("prompt", "size") if everything else ()
        self.use(self._preset_of_use("Seed", use), parts)

    def keep_use(self, use: "SeedUse") -> None:
        """Keep a seed from the history on the shelf."""
        name = name_for(use.prompt, use.seed, self.shelf.names())
        preset = self._preset_of_use(name, use)
        samples = (use.picture,) if use.picture else ()
        self.shelf.add([replace(preset, samples=samples, created=now())])

    def _preset_of_use(self, name: str, use: "SeedUse") -> SeedPreset:
        variations = use.start.variations
        first = variations[0] if variations else None
        draft = Draft(
            prompt=use.prompt,
            seed=use.seed,
            variation_seed=first.seed if first else 0,
            variation_strength=first.weight if first else 0.0,
            more_variations=variations[1:],
            variation_method=use.start.method,
            width=use.width,
            height=use.height,
        )
        return seed_preset(name, draft, ("prompt", "size"))

    def drag_file(self, model: PresetModel[Any], names: Sequence[str], data: bytes) -> Path | None:
        """A file of presets for other programs to take from a drag; None where none is possible.

        Args:
            data: what it holds.
        """
        kind = model.kind
        plain = "".join(c if c.isalnum() or c in " -_" else "-" for c in names[0])[:60].strip(" .")
        stem = plain if len(names) == 1 and plain else kind.words
        path = self._drags / f"{stem}{kind.suffix}"
        try:
            write_atomically(path, data)
        except OSError:
            return None
        return path

    def _offer_size(self, preset: SeedPreset) -> None:
        def resize() -> None:
            self._editor.set(width=preset.width, height=preset.height)

        found = f"{preset.width} × {preset.height}"
        self.notice.emit(
            Notice(
                text=f"“{preset.name}” was found at {found}: at another size a seed gives another "
                "picture.",
                action=f"Use {found}",
                act=resize,
                seconds=12,
            )
        )

    def _recent(self, seeds: list[int]) -> None:
        if self._orders is not None:
            self._orders.take_up(seeds)

    @Slot(object)
    def tell(self, error: AppError) -> None:
        """Show an error as a notice."""
        self.notice.emit(Notice(text=str(error), kind="bad", seconds=15))

    def _say(self, text: str, kind: Any) -> None:
        self.notice.emit(Notice(text=text, kind=kind))


def _size(draft: Draft) -> tuple[int, int]:
    return draft.width, draft.height
