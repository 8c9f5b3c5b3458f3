"""A whole studio on the scripted backend: real threads, a real store in a folder of its own."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from desktop_app.paths import resolve
from desktop_app.studio.render_thread import RenderThread
from desktop_app.studio.studio import Studio
from desktop_app.studio.values import Notice
from tests.studio.models import write_model, write_network
from tests.studio.scripted import ScriptedBackend

WAIT_MS = 15_000


class Listener(QObject):
    """Keeps what a studio tells."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.notices: list[Notice] = []
        self.focus: list[object] = []
        studio.notice.connect(self._notice)
        studio.focus_picture.connect(self._focus)

    def texts(self) -> str:
        return "\n".join(notice.text for notice in self.notices)

    def with_action(self, action: str) -> Notice:
        return next(one for one in self.notices if one.action == action)

    @Slot(object)
    def _notice(self, notice: Notice) -> None:
        self.notices.append(notice)

    @Slot(object)
    def _focus(self, record: object) -> None:
        self.focus.append(record)


@dataclass(kw_only=True)
class Stage:
    """A studio at work, with what it stands on.

    Attributes:
        backend: the one its thread uses.
    """

    studio: Studio
    backend: ScriptedBackend
    listener: Listener
    bot: QtBot
    home: Path

    def until(self, condition: Callable[[], object]) -> None:
        """Let the event loop run until something is so."""
        self.bot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)

    def start(self) -> None:
        """Wait until jobs can be done."""
        self.studio.start()
        self.until(lambda: self.studio.engine == "ready" and self.studio.gallery.ready)
        self.until(lambda: not self.studio.queue.held and not self.studio.library.scanning)
        self.until(lambda: not self.studio.desk.looking)

    def choose_network(self) -> None:
        """Take a model that other files complete."""
        write_network(self.home / "models")
        self.studio.library.rescan()
        self.until(lambda: any(one.title == "dreams" for one in self.studio.library.models))
        models = {one.title: one for one in self.studio.library.models}
        self.studio.choose_model(models["dreams"])

    def order(self, prompt: str = "a fox", **fields: object) -> None:
        """Press the button after these edits."""
        self.studio.editor.set(prompt=prompt, **fields)
        self.studio.generate()

    def idle(self) -> None:
        """Wait until nothing is left to do."""
        self.until(lambda: self.studio.queue.active == 0 and not self.studio.run.busy)

    def made(self, count: int) -> None:
        """Wait for so many pictures in the gallery."""
        self.until(lambda: self.studio.gallery.total == count)
        self.idle()

    def end(self) -> bool:
        """Shut down; the gates open only after the thread was asked to stop."""
        thread = self.studio.findChild(RenderThread)
        assert thread is not None

        def open_gates() -> None:
            thread._closing.wait(20)  # pyright: ignore[reportPrivateUsage]
            for gate in self.backend.gates.values():
                gate.open.set()

        opener = threading.Thread(target=open_gates)
        opener.start()
        ended = self.studio.shutdown()
        opener.join()
        return ended


@pytest.fixture
def open_stage(qtbot: QtBot, home: Path) -> Iterator[Callable[..., Stage]]:
    """Makes studios on the same folders, one after the other; all are shut down at the end."""
    stages: list[Stage] = []
    write_model(home / "models" / "scripted", "Scripted")

    def make(backend: ScriptedBackend | None = None) -> Stage:
        script = backend or ScriptedBackend()
        studio = Studio(resolve(), make_backend=lambda: script, model_folders=(home / "models",))
        stage = Stage(
            studio=studio, backend=script, listener=Listener(studio), bot=qtbot, home=home
        )
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        assert stage.end()
        stage.studio.deleteLater()


@pytest.fixture
def stage(open_stage: Callable[..., Stage]) -> Stage:
    """A studio that is ready for work."""
    stage = open_stage()
    stage.start()
    return stage
