"""A real studio for the panels to show: the built-in model, and a backend that plays a script."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.paths import RESOURCES, resolve
from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.studio import Studio
from desktop_app.ui import theme
from desktop_app.ui.prompt_panel import PromptPanel
from tests.studio.scripted import ScriptedBackend

WAIT_MS = 15_000
MODEL = ModelRef(sha256="ab" * 32, name="A model that is not here")


@dataclass(kw_only=True)
class Scene:
    """A studio for widgets to show.

    Attributes:
        backend: what its render thread uses.
    """

    studio: Studio
    backend: ScriptedBackend
    bot: QtBot

    def until(self, condition: Callable[[], object]) -> None:
        """Let the event loop run until something is so."""
        self.bot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)

    def start(self) -> None:
        """Wait until jobs can be done and the models, styles and seeds are there."""
        studio = self.studio
        studio.start()
        self.until(lambda: studio.engine == "ready" and studio.gallery.ready)
        self.until(lambda: studio.library.current is not None and studio.styles.rowCount())

    def show(self, widget: QWidget, width: int = 330, height: int = 900) -> None:
        """Put a widget on the screen, active."""
        self.bot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        self.bot.waitExposed(widget)
        widget.activateWindow()
        QApplication.processEvents()


def prompt_panel(scene: Scene, history: Callable[[], tuple[str, ...]] = tuple) -> PromptPanel:
    """The prompt panel of a scene's studio, on the screen.

    Args:
        history: the prompts that were used before, the newest first.
    """
    studio = scene.studio
    made = PromptPanel(
        editor=studio.editor,
        styles=studio.styles,
        library=studio.library,
        tokens=studio.tokens,
        names=studio.names,
        inline=studio.inline,
        run=studio.run,
        history=history,
    )
    scene.show(made)
    return made


@pytest.fixture
def scene(qtbot: QtBot, qapp: QApplication, home: Path) -> Iterator[Scene]:
    """A studio on folders of its own, not started yet."""
    theme.apply(qapp, "dark")
    script = ScriptedBackend()
    folders = (RESOURCES / "models", home / "models")
    studio = Studio(resolve(), make_backend=lambda: script, model_folders=folders)
    yield Scene(studio=studio, backend=script, bot=qtbot)
    for gate in script.gates.values():
        gate.open.set()
    assert studio.shutdown()
    studio.deleteLater()
