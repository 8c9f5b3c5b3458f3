"""The window's program: what is made in which order, and what ends in which order."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app import __version__, log, paths
from desktop_app.errors import AppError
from desktop_app.instance import Instance
from desktop_app.settings import Settings
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.studio import Studio
from desktop_app.ui import icons, theme
from desktop_app.ui.main_window import MainWindow

SIGNAL_MS = 100
PAINT_MS = 1500
"""After this the engine starts although nothing was painted: the window may be minimised."""

_log = logging.getLogger(__name__)


class FirstPaint(QObject):
    """Watches a window until it has been painted once.

    Signals:
        seen(): once.
    """

    seen = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._done = False
        window.installEventFilter(self)
        QTimer.singleShot(PAINT_MS, self, self._tell)

    @Slot()
    def _tell(self) -> None:
        if not self._done:
            self._done = True
            self._window.removeEventFilter(self)
            self.seen.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            # The filter comes before the painting itself.
            QTimer.singleShot(0, self, self._tell)
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed.

    Args:
        arguments: a picture whose settings the window shall show, or nothing; those of the process
            by default.

    Returns:
        the exit code: 0, or 1 when another Mezzotint runs and does not answer.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    picture = str(Path(given[0]).absolute()) if given else ""
    places = paths.resolve()
    crash = log.start(places.logs)
    instance = Instance(places.data)
    try:
        if not instance.claim():
            return _hand_over(instance, picture)
    except AppError as refusal:
        # A window that says so is of more use than none: what cannot be kept is told there.
        _log.warning("%s", refusal)
    application = _make_application()
    instance.listen()
    code, ended = _run(application, instance, places, picture, crash)
    instance.release()
    logging.shutdown()
    if not ended:
        # The engine is deep inside an import or a system call. All is saved and closed; taking
        # the thread's object down would abort the process.
        os._exit(code)
    return code


def _hand_over(instance: Instance, picture: str) -> int:
    application = QCoreApplication(sys.argv[:1])
    handed = instance.hand_over(picture)
    del application
    if not handed:
        print("Mezzotint is running already, but does not answer.", file=sys.stderr)
    return 0 if handed else 1


def _make_application() -> QApplication:
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Mezzotint")
    application.setApplicationDisplayName("Mezzotint")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("mezzotint")
    application.setWindowIcon(icons.app_icon())
    return application


def _run(
    application: QApplication,
    instance: Instance,
    places: paths.Paths,
    picture: str,
    crash: Path | None,
) -> tuple[int, bool]:
    """Returns: the exit code, and whether everything was taken down."""
    studio = Studio(places)
    look = Look(application, studio.settings)
    window = MainWindow(studio)
    door = _Door(studio, window)
    unhook = log.hook_exceptions(studio.herald.bug_found)
    instance.called.connect(door.call)
    application.commitDataRequest.connect(door.save)
    first_paint = FirstPaint(window)
    first_paint.seen.connect(studio.start)
    if crash is not None:
        first_paint.seen.connect(
            lambda: studio.herald.tell_of_crash(crash, studio.album.open_folder)
        )
    if picture:
        first_paint.seen.connect(lambda: studio.open_file(picture))
    window.show()
    with _Signals(application):
        code = application.exec()
    window.hide()
    ended = studio.shutdown()
    unhook()
    if ended:
        for part in (door, look, window, studio):
            part.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    _log.info("ended with %d", code)
    return code, ended


class Look(QObject):
    """Keeps the theme as the settings, and where they say so the desktop, want it."""

    def __init__(self, application: QApplication, settings: SettingsHolder) -> None:
        super().__init__()
        self._application = application
        self._settings = settings
        # Sizes are taken when a widget is made, so another text size waits for the next start.
        self._text_scale = settings.values.text_percent / 100
        self._apply()
        settings.changed.connect(self._settings_changed)
        application.styleHints().colorSchemeChanged.connect(self._desktop_changed)

    def _apply(self) -> None:
        theme.apply(self._application, self._settings.values.theme, self._text_scale)

    @Slot(object, object)
    def _settings_changed(self, new: Settings, before: Settings) -> None:
        if new.theme != before.theme:
            self._apply()

    @Slot()
    def _desktop_changed(self) -> None:
        if self._settings.values.theme == "system":
            self._apply()


class _Door(QObject):
    """What comes to the window from outside."""

    def __init__(self, studio: Studio, window: QWidget) -> None:
        super().__init__()
        self._studio = studio
        self._window = window

    @Slot(str)
    def call(self, picture: str) -> None:
        """A second start: come to the front, with its picture's settings if it brings one."""
        self._window.showNormal() if self._window.isMinimized() else self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        if picture:
            self._studio.open_file(picture)

    @Slot()
    def save(self) -> None:
        """The session ends and may not wait for the window: keep what was typed now."""
        self._studio.save_now()


class _Signals:
    """Ctrl+C and SIGTERM close the program as its window's button does."""

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._timer = QTimer()
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._quit)
        # Python runs its handlers between its own instructions only, and Qt's loop has none.
        self._timer.timeout.connect(self._breathe)
        self._timer.start(SIGNAL_MS)

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _quit(self, number: int, frame: FrameType | None) -> None:
        _log.info("asked to end by signal %d", number)
        self._application.quit()

    def _breathe(self) -> None:
        return
