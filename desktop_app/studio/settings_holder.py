"""SettingsHolder: the program's own settings, one frozen value, kept on disk as it changes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app import settings
from desktop_app.errors import AppError
from desktop_app.settings import Settings
from desktop_app.studio.background import Background

SAVE_AFTER_MS = 500


class SettingsHolder(QObject):
    """What the settings dialog edits and everyone else follows.

    Signals:
        changed(Settings, Settings): the new ones and those before.
        failed(AppError): they could not be written.
    """

    changed = Signal(object, object)
    failed = Signal(object)

    def __init__(self, file: Path, disk: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._disk = disk
        self.loaded = settings.load(file)
        """How the settings were found, and what of them had to be reset."""
        self._values = self.loaded.settings
        self._kept: Settings | None = self._values
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self._save)

    @property
    def values(self) -> Settings:
        return self._values

    def set(self, **fields: Any) -> None:
        """Change some settings.

        Raises:
            TypeError: for a name that is none.
        """
        new = replace(self._values, **fields)
        if new == self._values:
            return
        before, self._values = self._values, new
        if not self._timer.isActive():
            self._timer.start()
        self.changed.emit(new, before)

    def flush(self) -> None:
        """Write what has not been written yet, before the program ends; after `disk` was closed.

        Raises:
            AppError: `settings-save` when the disk refuses.
        """
        self._timer.stop()
        if self._values != self._kept:
            _write(self._file, self._values)

    @Slot()
    def _save(self) -> None:
        self._kept = self._values
        self._disk.run(_write, self._file, self._values, failed=self._not_saved)

    def _not_saved(self, error: AppError) -> None:
        self._kept = None
        self.failed.emit(error)


def _write(file: Path, values: Settings) -> None:
    try:
        settings.save(file, values)
    except OSError as fault:
        raise AppError(
            "settings-save",
            f"The program's settings cannot be kept: {fault.strerror or fault}.",
            hint="Make room on the disk; they are written again with the next change.",
            path=str(file),
        ) from fault
