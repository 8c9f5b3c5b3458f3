"""Conversion: turns pickles that the artist trusts into safetensors, one after the other."""

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop_app.errors import AppError
from desktop_app.library.convert import CONSENT
from desktop_app.library.identity import Asset
from desktop_app.studio.background import Background

__all__ = ["CONSENT", "Conversion"]


class Conversion(QObject):
    """Converts in the background, in processes of their own.

    Signals:
        done(Path, str): the safetensors file is there, and the name of the model.
        failed(AppError)
    """

    done = Signal(object, str)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = Background(self, threads=1)
        self._stop = threading.Event()
        self._running: set[Path] = set()

    def start(self, asset: Asset, models: Path) -> bool:
        """Convert a model that the artist trusts; False when it is under way already.

        Args:
            models: our own folder of models, where the safetensors file goes.
        """
        if asset.path in self._running:
            return False
        self._running.add(asset.path)

        def came(target: Path) -> None:
            self._running.discard(asset.path)
            self.done.emit(target, asset.name)

        def refused(error: AppError) -> None:
            self._running.discard(asset.path)
            self.failed.emit(error)

        self._worker.run(_convert, asset.path, models, self._stop.is_set, done=came, failed=refused)
        return True

    def stop(self, milliseconds: int = 3000) -> None:
        """End what runs; nothing half-made stays."""
        self._stop.set()
        self._worker.close(milliseconds)


def _convert(path: Path, models: Path, stop: Callable[[], bool]) -> Path:
    from desktop_app.library.convert import convert_outside

    return convert_outside(path, models, stop)
