"""Takes the README's screenshots: the real window, the built-in model, fixed seeds; no display.

Run: python packaging/readme/shoot.py. Writes the WebP files beside this file.
"""

# ruff: noqa: E402 -- Qt and the program read the two variables below when they are imported.

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["MEZZOTINT_HOME"] = tempfile.mkdtemp(prefix="mezzotint-shoot-")

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication, QSplitter

from desktop_app import paths
from desktop_app.studio.studio import Studio
from desktop_app.ui import icons, theme
from desktop_app.ui.main_window import MainWindow

SIZE = 1600, 1000
SEED = 2_847_190_663
PATIENCE_MS = 600_000
GALLERY = (
    ("a rocket in space", 5),
    ("a snowman in the snowy mountains", 7),
    ("a sailboat on the sea at sunset", 3),
    ("a panda in a flower field", 11),
    ("a red car in the city", 2),
    ("an owl in a pine forest at night", 21),
    ("a mushroom in an autumn forest", 4),
)
LAST = "a fox in the snowy mountains under a (full moon:1.2), {sunset|night}"


class Shoot:
    """One window, driven as its buttons drive it."""

    def __init__(self) -> None:
        self.studio = Studio(paths.resolve())
        self.window = MainWindow(self.studio)
        self.window.resize(*SIZE)
        self.window.show()
        self.studio.start()
        self.until(lambda: self.studio.editor.draft.model is not None)
        for splitter in self.window.findChildren(QSplitter):
            if splitter.orientation() is Qt.Orientation.Vertical:
                splitter.setSizes([740, 210])

    def until(self, ready: Callable[[], object]) -> None:
        """Let the program go on until something holds; SystemExit after ten minutes."""
        loop = QEventLoop()
        look, limit = QTimer(), QTimer()
        look.timeout.connect(lambda: ready() and loop.quit())
        limit.timeout.connect(lambda: sys.exit("the program took too long"))
        look.start(5)
        limit.start(PATIENCE_MS)
        loop.exec()

    def wait(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def make(self, prompt: str, seed: int, **more: object) -> None:
        self.studio.editor.set(prompt=prompt, seed=seed, seed_rule="keep", **more)
        self.studio.generate()

    def grab(self, name: str) -> None:
        QApplication.processEvents()
        if not self.window.grab().save(str(HERE / f"{name}.webp"), "WEBP", 90):
            sys.exit(f"{name} cannot be written")


def _verified(studio: Studio, picture: int) -> bool:
    record = studio.gallery.record_of(picture)
    return record is not None and record.verified != ""


def main() -> None:
    application = QApplication(sys.argv[:1])
    application.setWindowIcon(icons.app_icon())
    theme.apply(application, "dark")
    shoot = Shoot()
    studio = shoot.studio
    for count, (prompt, seed) in enumerate(GALLERY, start=1):
        shoot.make(prompt, seed)
        shoot.until(lambda count=count: studio.gallery.total == count and not studio.run.busy)
    shoot.make(LAST, SEED, num_inference_steps=24, styles=("Watercolor",))
    shoot.until(lambda: studio.run.busy and 0 < studio.run.step < 15)  # no longer the last one's
    shoot.until(lambda: studio.run.step >= 15)
    shoot.grab("forming")
    shoot.until(lambda: studio.gallery.total > len(GALLERY) and not studio.run.busy)
    newest = studio.gallery.id_at(0)
    assert newest is not None
    studio.again.reproduce(newest)
    shoot.until(lambda: _verified(studio, newest) and not studio.run.busy)
    shoot.wait(1500)  # until the picture is read from its file
    shoot.grab("proved")
    shoot.window.close()
    studio.shutdown()


if __name__ == "__main__":
    main()
