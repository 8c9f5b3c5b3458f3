"""FolderGlance: notices that something came or went in the models' folders."""

import os
from hashlib import sha256
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication

from desktop_app.studio.background import Background
from desktop_app.studio.library import LibraryModel

ENTRIES_MAX = 50_000
_DEPTH_MAX = 8


class FolderGlance(QObject):
    """Looks at names, sizes and times only, in the background; where they are other ones, the
    folders are read again. So a drive that is plugged in, or a file that another program put
    there, is seen without being asked for.

    It looks when `look` is called and whenever the artist comes back to the program. Watching all
    the time would keep drives awake, and does not work over a network.
    """

    def __init__(
        self, library: LibraryModel, reads: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._library, self._reads = library, reads
        self._seen: tuple[tuple[Path, ...], str] | None = None
        self._looking = False
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._state_changed)

    @Slot()
    def look(self) -> None:
        """Look now; the first time only remembers what there is."""
        if self._looking or self._library.scanning:
            return
        self._looking = True
        folders = self._library.folders
        self._reads.run(
            _stamp, folders, done=lambda stamp: self._looked(folders, stamp), failed=self._not_seen
        )

    def _looked(self, folders: tuple[Path, ...], stamp: str) -> None:
        self._looking = False
        before, self._seen = self._seen, (folders, stamp)
        # Folders that were not glanced at before they were read may have changed in between.
        if before is not None and before != self._seen:
            self._library.rescan()

    def _not_seen(self, _: object) -> None:
        self._looking = False

    @Slot(Qt.ApplicationState)
    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self.look()


def _stamp(folders: tuple[Path, ...]) -> str:
    """Changes when anything below the folders does; links are not followed."""
    digest = sha256()
    waiting = [(str(folder), 0) for folder in reversed(folders)]
    left = ENTRIES_MAX
    while waiting and left > 0:
        place, depth = waiting.pop()
        digest.update(f"\0{place}\0".encode("utf-8", "surrogateescape"))
        try:
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda one: one.name)
        except OSError:
            digest.update(b"not there")
            continue
        left -= len(entries)
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth < _DEPTH_MAX:
                        waiting.append((entry.path, depth + 1))
                    continue
                about = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            told = f"{entry.name}\0{about.st_size}\0{about.st_mtime_ns}\0"
            digest.update(told.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
