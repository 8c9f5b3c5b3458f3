"""Studio: makes and joins everything that goes on; its verbs are what the windows can ask for."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.engine.backend import Backend
from desktop_app.errors import AppError
from desktop_app.paths import Paths
from desktop_app.recipe import presets
from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.again import Again
from desktop_app.studio.album import Album
from desktop_app.studio.asset_desk import AssetDesk
from desktop_app.studio.asset_uses import AssetUses
from desktop_app.studio.audit import Audit
from desktop_app.studio.background import Background
from desktop_app.studio.branching import Branching
from desktop_app.studio.conductor import Conductor, EngineState
from desktop_app.studio.downloads import Downloads
from desktop_app.studio.editor import Editor
from desktop_app.studio.explorer import Explorer
from desktop_app.studio.films import Films
from desktop_app.studio.focus import Focus
from desktop_app.studio.folder_glance import FolderGlance
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.herald import Herald
from desktop_app.studio.hub_desk import HubDesk
from desktop_app.studio.inline import InlineParameters
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.lineage import Lineage
from desktop_app.studio.local_engine import local_backend
from desktop_app.studio.looks import Looks
from desktop_app.studio.memory_desk import MemoryDesk
from desktop_app.studio.model_choice import ModelChoice
from desktop_app.studio.names import PromptNames
from desktop_app.studio.orders import Orders
from desktop_app.studio.outcomes import Outcomes
from desktop_app.studio.prompt_history import PROMPTS_MAX, PromptHistory
from desktop_app.studio.proofs import Proofs
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.restoring import Restoring
from desktop_app.studio.run_state import RunState
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.studio.session import Session
from desktop_app.studio.settings_effects import SettingsEffects, folders_of_models
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.storage import Storage
from desktop_app.studio.sweeps import Sweeps
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.tokens import TokenCounts

if TYPE_CHECKING:
    from desktop_app.engine.backend import DeviceInfo
    from desktop_app.library.catalog import ModelInfo
    from desktop_app.store.pictures import Record

log = logging.getLogger(__name__)
DISK_MS = 5_000


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

    def __init__(
        self,
        paths: Paths,
        parent: QObject | None = None,
        *,
        make_backend: Callable[[], Backend] | None = None,
        model_folders: tuple[Path, ...] | None = None,
    ) -> None:
        """Args:
        make_backend: called in the render thread; the engine of this machine if left out.
        model_folders: where models lie; the built-in ones and the artist's if left out.
        """
        super().__init__(parent)
        self.paths = paths
        self.herald = Herald(self)
        self._disk = Background(self, threads=1)
        self._reads = Background(self, threads=2)
        self.settings = SettingsHolder(paths.settings_file, self._disk, self)
        self.editor = Editor(paths.draft_file, self._disk, self)
        folders = model_folders
        if folders is None:
            folders = folders_of_models(paths, self.settings.values)
        self.library = LibraryModel(
            self.editor, self._reads, folders, paths.cache, self, memory=paths.model_facts
        )
        self.memory = MemoryDesk(self.editor, self.library, self.settings, self._reads, self)
        self.seeds = SeedDesk(self.editor, self._disk, self._reads, paths.cache, self)
        self.shelf, self.styles = self.seeds.shelf, self.seeds.styles
        self.names = PromptNames(paths.wildcards, self.styles, self._reads, self)
        self.inline = InlineParameters(self.editor, self.library, self.styles, self)
        self.tokens = TokenCounts(self.editor, self.library, self.names, self._reads, self)
        self.gallery = GalleryModel(self._reads, self)
        self.timeline = TimelineModel(self)
        self.queue = QueueModel(self)
        self.run = RunState(self)
        self.album = Album(self.gallery, self.library, self._disk, self)
        self.restoring = Restoring(
            self.editor, self.album, self.gallery, self.library, self._disk, self
        )
        self._conductor = Conductor(
            make_backend or self._local_backend, self.queue, self.run, self.timeline, self
        )
        self._effects = SettingsEffects(
            self.settings, paths, self.library, self._conductor, self.herald, self
        )
        self._orders = Orders(self.editor, self.library, self.queue, self.names, self._disk, self)
        self.explorer = Explorer(self.editor, self._orders, self._conductor, self._reads, self)
        self.sweeps = Sweeps(
            self.editor,
            self._orders,
            self.queue,
            self.library,
            self.names,
            self.shelf,
            self._disk,
            self._reads,
            self,
        )
        self.audit = Audit(self._orders, self.queue, self._disk, self)
        self.proofs = Proofs(self)
        kept = paths.cache / "branch.png"
        self.branching = Branching(self.editor, self.timeline, self.album, kept, self._disk, self)
        self.films = Films(
            self.timeline, self.album, self._orders, self._conductor, self.queue, self
        )
        self.lineage = Lineage(self._reads, self)
        self.again = Again(self.editor, self.album, self._orders, self)
        self.looks = Looks(self.timeline, self._orders, self._conductor, self)
        self._history = PromptHistory(paths.data / "prompts.json", self._disk, self)
        self._choice = ModelChoice(self.editor, self.library, self)
        self.downloads = Downloads(HubDesk(self.settings, paths.hub_token, self), folders[-1], self)
        self.desk = AssetDesk(
            self.editor,
            self.library,
            self._choice,
            self.downloads,
            self.settings,
            self,
            rendering=lambda: self.run.busy,
        )
        self.glance = FolderGlance(self.library, self._reads, self)
        self.uses = AssetUses(paths.model_uses, self._disk, self)
        self._focus = Focus(self.gallery, self.run, self.timeline, self)
        self._session = Session(paths, self._pictures, self._orders, self._disk, self._reads, self)
        self._outcomes = Outcomes(
            self._conductor,
            self.queue,
            self.album,
            self.gallery,
            self._focus,
            self.proofs,
            self.audit,
            self.seeds,
            self._session,
            self.herald,
            lambda: self.library.models_folder,
            self,
        )
        self._started = self._closing = False
        if self.editor.fresh:
            self.editor.adjust(seed=self._orders.random_seed())
        self._connect()

    def _connect(self) -> None:
        for part in (self.editor, self.settings, self.library, self.memory):
            part.failed.connect(self.herald.tell)
        for part in (self.gallery, self._orders, self.audit, self._disk, self._reads):
            part.failed.connect(self.herald.tell)
        self.herald.notice.connect(self.notice)
        self.memory.notice.connect(self.notice)
        for part in (self.album, self.restoring):
            part.notice.connect(self.notice)
        self.album.updated.connect(self._focus.refresh)
        self.album.gone.connect(self._focus.forget)
        self.album.wanted.connect(self.show)
        self.library.changed.connect(self._choice.check)
        self.library.changed.connect(self._orders.catch_up)
        self._choice.notice.connect(self.notice)
        self.branching.notice.connect(self.notice)
        for part in (self.films, self.again):
            part.notice.connect(self.notice)
            part.follow_wanted.connect(self.follow_run)
        self.names.follow(self.desk)
        self.names.changed.connect(self.explorer.names_changed)
        self.desk.notice.connect(self.notice)
        self.uses.follow(self.desk.assets, self.settings)
        self.desk.used.connect(lambda asset: self.uses.add([asset.sha256]))
        self._orders.using.connect(self.uses.add)
        self.desk.failed.connect(self.herald.tell)
        self.seeds.join(self.album, self.gallery, self.library, self._orders)
        self.seeds.notice.connect(self.notice)
        self.seeds.generate_wanted.connect(self.generate)
        self.seeds.picture_wanted.connect(self.show)
        self.engine_state.connect(self.seeds.pictures.engine_ready)
        self._orders.ordered.connect(self._history.add)
        self.sweeps.notice.connect(self.notice)
        self.sweeps.wanted.connect(self.show)
        self.sweeps.ordered.connect(self.follow_run)
        self.sweeps.sheet_made.connect(self.gallery.add)
        self._focus.changed.connect(self.focus_picture)
        self._session.opened.connect(self._opened)
        self._session.indexed.connect(self.gallery.refresh)
        self._session.notice.connect(self.notice)
        self._conductor.engine_state.connect(self.engine_state)
        self._conductor.device_changed.connect(self.device_changed)
        self.memory.follow(self._conductor)

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
        return self._focus.record

    @property
    def closing(self) -> bool:
        return self._closing

    @Slot()
    def start(self) -> None:
        """Bring the engine into memory and open the store; once, after the first paint."""
        if self._started or self._closing:
            return
        self._started = True
        self._conductor.start()
        self.library.rescan()
        self.names.refresh()
        self._history.start()
        self.uses.start()
        self.branching.start()
        self.downloads.start()
        self._session.start()
        if self.editor.problem is not None:
            self.herald.say(f"The last settings could not be read. {self.editor.problem}", "warn")

    def shutdown(self) -> bool:
        """End everything in the order in which nothing is lost; what was typed is kept first.

        Returns:
            whether the engine's thread has ended; if not, the process must be left without
            taking the objects down, for Qt aborts at a thread that still runs.
        """
        if self._closing:
            return True
        self._closing = True
        self._conductor.stop()
        self.desk.stop()
        self.downloads.stop()
        self._session.stop()
        self._disk.close(DISK_MS)
        for part in (self.editor, self.settings):
            try:
                part.flush()
            except AppError as error:
                log.warning("%s", error)
        ended = self._conductor.end()
        self._reads.close(DISK_MS)
        if ended or self.queue.running is None:
            self._session.close()
        return ended

    def wait_for_engine(self, milliseconds: int) -> bool:
        """After `shutdown` said that the engine had not ended: whether it has by now."""
        return self._conductor.wait(milliseconds)

    def save_now(self) -> None:
        """Put the draft on the disk at once: the system may end the session any moment."""
        try:
            self.editor.flush()
        except AppError as error:
            log.warning("%s", error)

    # Making pictures.

    @Slot()
    def generate(self) -> None:
        """Make the pictures that the draft asks for, and show them as they form."""
        self.follow_run()
        self.enqueue()

    @Slot()
    def enqueue(self) -> None:
        """Make them after everything that waits; the canvas stays with what it shows."""
        if not self._closing:
            self.inline.take()
            self._orders.draft()

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

    @Slot()
    def cancel_audit(self) -> None:
        """Leave the pictures that are still to be verified, the one at work too."""
        running = self.queue.running
        owned = running is not None and self.audit.owns(running)
        self.audit.cancel()
        if running is not None and owned:
            self._conductor.cancel_job(running.id)

    # The canvas.

    def show(self, picture: int) -> None:
        """Put a stored picture on the canvas, and its steps on the timeline if they are kept."""
        self._focus.show(picture)

    @Slot()
    def follow_run(self) -> None:
        """Put the running pictures, or the last ones that ran, on the canvas."""
        self._focus.follow_run()

    # The draft.

    @Slot()
    def dice(self) -> None:
        """A new random seed."""
        self.editor.set(seed=self._orders.random_seed())

    def random_seed(self) -> int:
        """A seed that is none of the last 10,000."""
        return self._orders.random_seed()

    def choose_model(self, model: "ModelInfo | ModelRef") -> None:
        """Take another model; numbers that were the old one's defaults become its own."""
        self._choice.choose(model)

    def prompt_history(self, words: str = "", limit: int = PROMPTS_MAX) -> list[str]:
        """Prompts that pictures were made with, newest first; `words` narrows."""
        return self._history.find(words, limit)

    def save_seed_preset(
        self, name: str, parts: Collection[presets.Part] = presets.SEED_PARTS
    ) -> None:
        """Keep the draft's seed under a name on the shelf, with these parts of the draft."""
        self.shelf.save(name, self._focus.picture_of(self.editor.draft), parts=parts)

    def open_file(self, path: Path | str) -> None:
        """Use the settings of a picture; of a contact sheet, list them."""
        self.sweeps.read(Path(path), lambda: self.restoring.open_file(Path(path)))

    @Slot()
    def open_wildcards_folder(self) -> None:
        """Show the folder with the wildcard files, made if need be."""

        def made() -> None:
            self.album.open_folder(self.names.folder)
            if not self.names.names.wildcards:
                self.herald.say(
                    "Each text file in this folder is a wildcard: where a prompt says __colours__,"
                    " a line of colours.txt is put."
                )

        self.names.make_folder(made)

    @Slot()
    def open_pictures_folder(self) -> None:
        self.album.open_folder(self._pictures())

    @Slot(object)
    def _opened(self, storage: Storage) -> None:
        storage.model_files = self.library.files
        for part in (self.album, self.gallery, self._conductor, self.sweeps, self.audit):
            part.open(storage)
        self.seeds.open(storage)
        self.lineage.open(storage)

    def _pictures(self) -> Path:
        return Path(self.settings.values.pictures or self.paths.pictures)

    def _local_backend(self) -> Backend:
        values = self.settings.values
        return local_backend(
            self.library.path,
            self.paths.cache,
            values.threads,
            values.snapshot_megabytes,
            device=values.device,
            words=self.library.vocabulary,
            wishes=self.memory.wishes,
        )
