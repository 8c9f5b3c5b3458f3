"""FolderGlance: notices that something came or went in the models' folders."""

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication

from desktop_app.library.stamp import stamp
from desktop_app.studio.background import Background
from desktop_app.studio.library import LibraryModel


class FolderGlance(QObject):
    """Looks at names, sizes and times only, in the background; where they are not those that were
    read, the folders are read again. So a drive that is plugged in, or a file that another program
    put there, is seen without being asked for.

    It looks when `look` is called and whenever the artist comes back to the program. Watching all
    the time would keep drives awake, and does not work over a network.
    """

    def __init__(
        self, library: LibraryModel, reads: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._library, self._reads = library, reads
        self._looking = False
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._state_changed)

    @Slot()
    def look(self) -> None:
        """Look now; does nothing while the folders are being read."""
        if self._looking or self._library.scanning or self._library.catalog is None:
            return
        self._looking = True
        self._reads.run(stamp, self._library.folders, done=self._looked, failed=self._not_seen)

    def _looked(self, seen: str) -> None:
        self._looking = False
        catalog = self._library.catalog
        if catalog is not None and not self._library.scanning and seen != catalog.seen:
            self._library.rescan()

    def _not_seen(self, _: object) -> None:
        self._looking = False

    @Slot(Qt.ApplicationState)
    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self.look()
