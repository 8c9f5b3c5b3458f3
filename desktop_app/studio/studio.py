"""Studio: makes and joins everything that goes on; its verbs are what the windows can ask for."""

import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication

from desktop_app.engine.backend import Backend
from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES, Paths
from desktop_app.recipe.draft import after_run, expand
from desktop_app.recipe.recipe import FromNoise, ModelRef, Recipe, Variation
from desktop_app.settings import Settings
from desktop_app.studio import leftovers
from desktop_app.studio.album import Album, Part
from desktop_app.studio.background import Background
from desktop_app.studio.conductor import Conductor, EngineState
from desktop_app.studio.editor import Editor
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.leftovers import Leftovers
from desktop_app.studio.library import LibraryModel, fields_for
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.run_state import RunState
from desktop_app.studio.seeds import Seeds
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.shelf import ShelfModel, StyleModel
from desktop_app.studio.storage import Storage
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.tokens import TokenCounts
from desktop_app.studio.values import Job, JobKind, Notice, NoticeKind, bug
from desktop_app.studio.verdict import verdict_words

if TYPE_CHECKING:
    from desktop_app.engine.backend import DeviceInfo
    from desktop_app.engine.verify import Verdict
    from desktop_app.library.catalog import ModelInfo
    from desktop_app.store.pictures import Record

log = logging.getLogger(__name__)
VARY = {"subtle": 0.1, "strong": 0.4}
THREAD_MS = 15_000
"""How long the end of the program waits for the engine: a decode or a save that is under way."""
DISK_MS = 5_000
# Reasons for which the next picture would fail in the same way.
_HOLDS = frozenset({"disk-full", "read-only", "folder-gone", "write-failed", "database-gone"})


class Studio(QObject):
    """Everything between the windows and the engine, for as long as the program runs.

    Nothing works before `start`, and nothing after `shutdown`; verbs are safe all the same.

    Signals:
        notice(Notice): a line for the bottom of the window.
        device_changed(DeviceInfo | None): where pictures are made, and its memory.
        engine_state(str): `starting`, `ready` or `failed`.
        focus_picture(Record | None): what the canvas shows; None to follow the run.
    """

    notice = Signal(object)
    device_changed = Signal(object)
    engine_state = Signal(str)
    focus_picture = Signal(object)
    _bug = Signal(object)

    def __init__(
        self,
        paths: Paths,
        parent: QObject | None = None,
        *,
        make_backend: Callable[["Studio"], Backend] | None = None,
        model_folders: tuple[Path, ...] | None = None,
    ) -> None:
        """Args:
        make_backend: called in the render thread; the engine of this machine if left out.
        model_folders: where models lie; the built-in ones and the artist's if left out.
        """
        super().__init__(parent)
        self.paths = paths
        self._disk = Background(self, threads=1)
        self._reads = Background(self, threads=2)
        self.settings = SettingsHolder(paths.settings_file, self._disk, self)
        self.editor = Editor(paths.draft_file, self._disk, self)
        folders = model_folders or (
            RESOURCES / "models",
            *(Path(one) for one in self.settings.values.model_folders),
            paths.models,
        )
        self.library = LibraryModel(self.editor, self._reads, folders, paths.cache, self)
        self.tokens = TokenCounts(self.editor, self.library, self._reads, self)
        self.shelf = ShelfModel(self.editor, self._disk, self)
        self.styles = StyleModel(self.editor, self._disk, self)
        self.gallery = GalleryModel(self._reads, self)
        self.timeline = TimelineModel(self)
        self.queue = QueueModel(self)
        self.run = RunState(self)
        self.album = Album(self.editor, self.gallery, self.library, self._disk, self)
        maker = make_backend or _local_backend
        self._conductor = Conductor(lambda: maker(self), self.queue, self.run, self.timeline, self)
        self._seeds = Seeds()
        self._runs = itertools.count(1)
        self._passing = itertools.count(-1, -1)
        self._later: list[Callable[[], None]] = []
        self._storage: Storage | None = None
        self._focused: Record | None = None
        self._started = self._closing = False
        if self.editor.fresh:
            self.editor.adjust(seed=self._seeds.draw())
        self._connect()

    def _connect(self) -> None:
        for part in (self.editor, self.settings, self.library, self.shelf, self.styles):
            part.failed.connect(self._tell)
        for part in (self.gallery, self._disk, self._reads):
            part.failed.connect(self._tell)
        self._bug.connect(self._tell)
        self.album.notice.connect(self.notice)
        self.album.updated.connect(self._pictures_changed)
        self.album.gone.connect(self._pictures_gone)
        self.library.changed.connect(self._scanned)
        self.settings.changed.connect(self._settings_changed)
        self._conductor.engine_state.connect(self.engine_state)
        self._conductor.engine_failed.connect(self._engine_failed)
        self._conductor.device_changed.connect(self.device_changed)
        self._conductor.stored.connect(self._stored)
        self._conductor.judged.connect(self._judged)
        self._conductor.failed.connect(self._failed)

    @property
    def device(self) -> "DeviceInfo | None":
        """Where pictures are made; None until the engine is ready."""
        return self._conductor.device

    @property
    def engine(self) -> EngineState:
        return self._conductor.engine

    @property
    def focused(self) -> "Record | None":
        """The stored picture on the canvas; None while it follows the run."""
        return self._focused

    @property
    def closing(self) -> bool:
        return self._closing

    def weights(self, ref: ModelRef) -> Path:
        """Where a model's weights lie; may be called in any thread.

        Raises:
            AppError: `model-missing`.
        """
        return self.library.path(ref)

    @Slot()
    def start(self) -> None:
        """Bring the engine into memory and open the store; once, after the first paint."""
        if self._started or self._closing:
            return
        self._started = True
        self._conductor.set_previews(self.settings.values.previews)
        self._conductor.start()
        self.library.rescan()
        self._open_store()
        if self.editor.problem is not None:
            self._say(f"The last settings could not be read. {self.editor.problem}", "warn")

    def shutdown(self) -> bool:
        """End everything in the order in which nothing is lost; what was typed is kept first.

        Returns:
            whether the engine's thread has ended; if not, the process must be left without
            taking the objects down, for Qt aborts at a thread that still runs.
        """
        if self._closing:
            return True
        self._closing = True
        self._disk.close(DISK_MS)
        for part in (self.editor, self.settings):
            try:
                part.flush()
            except AppError as error:
                log.warning("%s", error)
        ended = self._conductor.stop(THREAD_MS)
        self._reads.close(DISK_MS)
        if self._storage is not None and ended:
            self._storage.close()
        return ended

    def bug_found(self, fault: BaseException) -> None:
        """Tell of an error that no one caught; may be called in any thread."""
        self._bug.emit(bug(fault))

    # Making pictures.

    @Slot()
    def generate(self) -> None:
        """Make the pictures that the draft asks for, and show them as they form."""
        self._order(show=True)

    @Slot()
    def enqueue(self) -> None:
        """Make them after everything that waits; the canvas stays with what it shows."""
        self._order(show=False)

    @Slot()
    def cancel(self) -> None:
        """Stop the running picture and the rest of its run; the next run goes on."""
        self._conductor.cancel_run()

    def cancel_job(self, job_id: int) -> None:
        """Stop one picture: running, waiting, or failed and still listed."""
        self._conductor.cancel_job(job_id)

    @Slot()
    def clear_queue(self) -> None:
        """Drop everything that waits and what failed; the running picture goes on."""
        for job in self.queue.jobs():
            if job.state != "running":
                self._conductor.cancel_job(job.id)

    def reproduce(self, picture: int) -> None:
        """Make a stored picture again and say whether it is the same; nothing is saved."""
        recipe = self.album.recipe_of(picture)
        if recipe is not None:
            self.follow_run()
            self._pass(recipe, "verify", picture=picture)

    def vary(self, picture: int, how: Literal["subtle", "strong"]) -> None:
        """Make pictures like a stored one, as many as the draft counts, with other noise mixed in.

        The picture's own noise keeps 90 % (`subtle`) or 60 % (`strong`).
        """
        recipe = self.album.recipe_of(picture)
        if recipe is None:
            return
        try:
            recipes = tuple(self._varied(recipe, VARY[how]) for _ in range(self.editor.draft.count))
        except AppError as error:
            self._tell(error)
            return
        self.follow_run()
        self._add(recipes)

    # The canvas.

    def show(self, picture: int) -> None:
        """Put a stored picture on the canvas, and its steps on the timeline if they are kept."""
        record = self.gallery.record_of(picture)
        if record is not None:
            self._focused = record
            self.timeline.show_picture(picture)
            self.focus_picture.emit(record)

    @Slot()
    def follow_run(self) -> None:
        """Put the running pictures, or the last ones that ran, on the canvas."""
        self._focused = None
        self.timeline.show_live()
        self.focus_picture.emit(None)

    # The draft.

    def use_prompt(self, text: str) -> None:
        """Put a prompt in place of the draft's; all else stays."""
        self.editor.replace(replace(self.editor.draft, prompt=text), "Prompt")

    @Slot()
    def dice(self) -> None:
        """A new random seed."""
        self.editor.set(seed=self._seeds.draw())

    def choose_model(self, model: "ModelInfo | ModelRef") -> None:
        """Take another model; numbers that were the old one's defaults become its own."""
        ref = model if isinstance(model, ModelRef) else model.ref
        info = self.library.find(ref)
        if info is None:
            self._say(f"The model {ref.name} is not there any more.", "warn")
            return
        draft = self.editor.draft
        fields = fields_for(draft, self.library.current, info)
        self.editor.replace(replace(draft, **fields), "Model")

    def save_seed_preset(self, name: str) -> None:
        """Keep the draft's seed under a name on the shelf."""
        same = self._focused
        fits = same is not None and same.recipe is not None
        fits = fits and same.recipe.seed == self.editor.draft.seed
        self.shelf.save(name, same.pixels_sha256 if fits else "")

    # Stored pictures: the album does it.

    def restore(self, picture: int, what: Part = "all") -> None:
        self.album.restore(picture, what)

    def open_file(self, path: Path | str) -> None:
        self.album.open_file(Path(path))

    def add_file(self, path: Path | str) -> None:
        self.album.add_file(Path(path))

    @Slot()
    def paste_image(self) -> None:
        self.album.paste(QGuiApplication.clipboard().mimeData())

    def trash(self, pictures: Iterable[int]) -> None:
        self.album.trash(pictures)

    def set_favourite(self, pictures: Iterable[int], on: bool) -> None:
        self.album.set_favourite(pictures, on)

    def set_rating(self, pictures: Iterable[int], rating: int) -> None:
        self.album.set_rating(pictures, rating)

    def copy(self, picture: int) -> None:
        self.album.copy(picture)

    def copy_settings(self, picture: int) -> None:
        self.album.copy_settings(picture)

    def reveal(self, picture: int) -> None:
        self.album.reveal(picture)

    def export(self, picture: int, target: Path | str) -> None:
        self.album.export(picture, Path(target))

    @Slot()
    def open_pictures_folder(self) -> None:
        self.album.open_folder(Path(self.settings.values.pictures or self.paths.pictures))

    def _order(self, *, show: bool) -> None:
        if self._closing:
            return
        if self._storage is None or (self.editor.draft.model is None and self.library.scanning):
            self._later.append(lambda: self._order(show=show))
            return
        draft = self.editor.draft
        try:
            recipes = expand(draft, self.styles.by_name)
        except AppError as error:
            self._tell(error)
            return
        self._seeds.note(recipe.seed for recipe in recipes)
        self.editor.adjust(seed=after_run(draft, self._seeds.draw).seed)
        if show:
            self.follow_run()
        self._add(recipes)

    def _add(self, recipes: tuple[Recipe, ...]) -> None:
        storage = self._storage
        if storage is None:
            self._later.append(lambda: self._add(recipes))
            return
        run = next(self._runs)

        def added(ids: list[int]) -> None:
            self.queue.add(
                Job(id=job_id, run=run, kind="render", recipe=recipe)
                for job_id, recipe in zip(ids, recipes, strict=True)
            )

        self._disk.run(storage.jobs.add, recipes, done=added, failed=self._tell)

    def _pass(
        self, recipe: Recipe, kind: JobKind, *, picture: int | None = None, token: str = ""
    ) -> None:
        job = Job(
            id=next(self._passing),
            run=next(self._runs),
            kind=kind,
            recipe=recipe,
            picture=picture,
            token=token,
        )
        self.queue.add([job])

    def _varied(self, recipe: Recipe, weight: float) -> Recipe:
        mixed = Variation(seed=self._seeds.draw(), weight=weight)
        return replace(recipe, start=FromNoise(variations=(*recipe.start.variations, mixed)))

    @Slot()
    def _scanned(self) -> None:
        draft = self.editor.draft
        if draft.model is None:
            starter = next(iter(self.library.models), None)
            if starter is not None:
                self.editor.adjust(**fields_for(draft, None, starter))
        elif self.library.current is None:
            self._offer_starter(draft.model)
        self._do_later()

    def _offer_starter(self, missing: ModelRef) -> None:
        starter = next(iter(self.library.models), None)
        text = f"The model {missing.name} is not there any more."
        if starter is None:
            self._say(text, "warn")
            return
        self.notice.emit(
            Notice(
                text=text,
                kind="warn",
                action=f"Use {starter.title}",
                act=lambda: self.choose_model(starter),
                seconds=0,
            )
        )

    def _opened(self, storage: Storage) -> None:
        self._storage = storage
        for part in (self.album, self.gallery, self._conductor):
            part.open(storage)
        self.shelf.open(storage.seed_presets)
        self.styles.open(storage.styles)
        self._disk.run(leftovers.find, storage, done=self._offer, failed=self._tell)

    def _store_unusable(self, error: AppError) -> None:
        self.notice.emit(
            Notice(
                text=str(error),
                kind="bad",
                action="Try again",
                act=self._open_store,
                seconds=0,
            )
        )

    def _open_store(self) -> None:
        pictures = Path(self.settings.values.pictures or self.paths.pictures)
        self._disk.run(
            Storage, self.paths, pictures, done=self._opened, failed=self._store_unusable
        )

    def _offer(self, left: Leftovers) -> None:
        # The disk's tasks answer in their order, so the styles are known by now.
        def go_on() -> None:
            run = next(self._runs)
            self.queue.add(
                Job(id=job_id, run=run, kind="render", recipe=recipe)
                for job_id, recipe in left.waiting
            )

        def finish() -> None:
            storage = self._storage
            for token, recipe in left.latents:
                self._pass(recipe, "finish", token=token)
            for job_id in left.covered if storage is not None else ():
                storage.note_job(job_id, "done", "")

        for notice in leftovers.offers(left, go_on, finish):
            self.notice.emit(notice)
        self._do_later()

    def _do_later(self) -> None:
        later, self._later = self._later, []
        for act in later:
            act()

    @Slot(object)
    def _engine_failed(self, error: AppError) -> None:
        self.notice.emit(
            Notice(
                text=str(error),
                kind="bad",
                action="Try again",
                act=self._conductor.start_engine,
                seconds=0,
            )
        )

    @Slot(object, object)
    def _stored(self, job: Job, record: "Record") -> None:
        self.gallery.add(record)

    @Slot(object, object)
    def _judged(self, job: Job, verdict: "Verdict") -> None:
        assert job.picture is not None
        self.album.reload(job.picture)
        text, kind = verdict_words(verdict)
        self.notice.emit(Notice(text=text, kind=kind, seconds=15))

    @Slot(object, object)
    def _failed(self, job: Job, error: AppError) -> None:
        if error.code not in _HOLDS:
            self._tell(error)
            return
        self._conductor.pause()
        self.notice.emit(
            Notice(
                text=f"{error} The queue waits.",
                kind="bad",
                action="Try again",
                act=lambda: self._try_again(job),
                seconds=0,
            )
        )

    def _try_again(self, job: Job) -> None:
        storage = self._storage
        if storage is None:
            return

        def found(left: Leftovers) -> None:
            for token, recipe in left.latents:
                if recipe == job.recipe:
                    self.queue.dismiss(job.id)
                    self._pass(recipe, "finish", token=token)
                    break
            self._conductor.resume()

        self._disk.run(leftovers.find, storage, done=found, failed=self._tell)

    @Slot(object)
    def _pictures_changed(self, records: "tuple[Record, ...]") -> None:
        for record in records:
            self.run.replace_result(record)
            if self._focused is not None and self._focused.id == record.id:
                self._focused = record
                self.focus_picture.emit(record)

    @Slot(object)
    def _pictures_gone(self, pictures: tuple[int, ...]) -> None:
        self.run.forget(set(pictures))
        if self._focused is not None and self._focused.id in pictures:
            self.follow_run()

    @Slot(object, object)
    def _settings_changed(self, new: Settings, before: Settings) -> None:
        self._conductor.set_previews(new.previews)

    @Slot(object)
    def _tell(self, error: AppError) -> None:
        self.notice.emit(Notice(text=str(error), kind="bad", seconds=15))

    def _say(self, text: str, kind: NoticeKind = "info") -> None:
        self.notice.emit(Notice(text=text, kind=kind))


def _local_backend(studio: Studio) -> Backend:
    """The engine of this machine; called in the render thread, for it imports torch."""
    from desktop_app.engine.render import LocalBackend

    return LocalBackend(
        studio.weights, cache=studio.paths.cache, threads=studio.settings.values.threads or None
    )
