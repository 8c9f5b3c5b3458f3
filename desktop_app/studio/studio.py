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
from desktop_app.engine.events import Loading, Step
from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES, Paths
from desktop_app.recipe.draft import after_run, expand
from desktop_app.recipe.recipe import FromNoise, ModelRef, Recipe, Variation
from desktop_app.settings import Settings
from desktop_app.studio.album import Album, Part
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.library import LibraryModel, fields_for
from desktop_app.studio.queue_model import QueueModel
from desktop_app.studio.render_thread import RenderThread, ThreadEvent
from desktop_app.studio.run_state import RunState
from desktop_app.studio.seeds import Seeds
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.shelf import ShelfModel, StyleModel
from desktop_app.studio.storage import Storage
from desktop_app.studio.timeline import TimelineModel
from desktop_app.studio.tokens import TokenCounts
from desktop_app.studio.values import Job, JobKind, Notice, bug

if TYPE_CHECKING:
    from desktop_app.engine.backend import DeviceInfo
    from desktop_app.engine.verify import Verdict
    from desktop_app.library.catalog import ModelInfo
    from desktop_app.store.pictures import Record

log = logging.getLogger(__name__)
EngineState = Literal["starting", "ready", "failed"]
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
        self._thread = RenderThread(lambda: maker(self), self)
        self._seeds = Seeds()
        self._runs = itertools.count(1)
        self._passing = itertools.count(-1, -1)
        self._later: list[Callable[[], None]] = []
        self._storage: Storage | None = None
        self._engine: EngineState = "starting"
        self._device: DeviceInfo | None = None
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
        self.queue.submitted.connect(self._begin)
        self.queue.state_changed.connect(self._keep_state)
        self._thread.ready.connect(self._engine_ready)
        self._thread.engine_failed.connect(self._engine_failed)
        self._thread.device_changed.connect(self._set_device)
        self._thread.mail.connect(self._read_mail)
        self._thread.stored.connect(self._stored)
        self._thread.verdict.connect(self._judged)
        self._thread.failed.connect(self._failed)
        self._thread.cancelled.connect(self._cancelled)
        self._thread.done.connect(self._done)

    # What the windows read.

    @property
    def device(self) -> "DeviceInfo | None":
        """Where pictures are made; None until the engine is ready."""
        return self._device

    @property
    def engine(self) -> EngineState:
        return self._engine

    @property
    def focused(self) -> "Record | None":
        """The stored picture on the canvas; None while it follows the run."""
        return self._focused

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def catalog(self) -> "LibraryModel":
        return self.library
