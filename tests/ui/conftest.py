"""The whole window on a studio at work with the scripted backend."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_app.ui import theme
from desktop_app.ui.canvas_panel import CanvasPanel
from desktop_app.ui.main_window import MainWindow
from tests.studio.conftest import Stage, open_stage, stage

__all__ = ["Shown", "open_stage", "shown", "stage"]


@dataclass(kw_only=True)
class Shown:
    """A window on the offscreen screen, and the studio behind it."""

    stage: Stage
    window: MainWindow

    @property
    def canvas(self) -> CanvasPanel:
        return self.window.create_page.canvas

    @property
    def ids(self) -> list[int]:
        """Of the gallery's pictures, newest first."""
        gallery = self.stage.studio.gallery
        found = [gallery.id_at(row) for row in range(gallery.total)]
        return [one for one in found if one is not None]

    def until(self, condition: Callable[[], object]) -> None:
        self.stage.until(condition)

    def make(self, count: int = 1, prompt: str = "a fox", **fields: object) -> list[int]:
        """Make pictures, and wait until the canvas has read them; their numbers, newest first."""
        total = self.stage.studio.gallery.total
        self.stage.order(prompt, count=count, **fields)
        self.stage.made(total + count)
        self.until(lambda: self.canvas.showing.kind == "sheet" or self.canvas.picture is not None)
        return self.ids[:count]

    def settle(self) -> None:
        """Let everything that is due happen."""
        QTest.qWait(30)


def show_window(stage: Stage, qapp: QApplication) -> Iterator[Shown]:
    """A window on a stage that was started, for as long as a test lasts."""
    theme.apply(qapp, "dark")
    window = MainWindow(stage.studio)
    window.resize(1280, 720)
    window.show()
    QTest.qWaitForWindowExposed(window)
    yield Shown(stage=stage, window=window)
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def shown(stage: Stage, qapp: QApplication) -> Iterator[Shown]:
    """A window with an empty gallery, ready for work."""
    yield from show_window(stage, qapp)
