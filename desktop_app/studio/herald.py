"""Herald: what the artist is told at the bottom of the window, each thing once."""

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.studio.values import Notice, NoticeKind

REPEAT_SECONDS = 3.0


class Herald(QObject):
    """Turns errors and news into notices.

    Signals:
        notice(Notice): a line for the bottom of the window.
    """

    notice = Signal(object)
    _bug = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last = ("", 0.0)
        self._bug.connect(self._tell_bug)

    def say(self, text: str, kind: NoticeKind = "info", seconds: float = 8.0) -> None:
        self.notice.emit(Notice(text=text, kind=kind, seconds=seconds))

    @Slot(object)
    def tell(self, error: AppError) -> None:
        """Say what went wrong."""
        self.once(Notice(text=str(error), kind="bad", seconds=15))

    def offer(self, text: str, action: str, act: Callable[[], None]) -> None:
        """Say what went wrong, until it is dismissed, with a button for what can be done."""
        self.once(_offer(text, action, act))

    def hold(self, text: str, act: Callable[[], None]) -> None:
        """Say what everything waits for, each time anew, with a button to try again."""
        self.notice.emit(_offer(text, "Try again", act))

    def bug_found(self, line: str) -> None:
        """Tell of an error that no one caught, in one line; may be called in any thread."""
        self._bug.emit(line)

    def tell_of_crash(self, report: Path, show: Callable[[Path], None]) -> None:
        """Say that the last session crashed.

        Args:
            report: the file with the stacks it left.
            show: opens a folder.
        """
        self.notice.emit(
            Notice(
                text="Mezzotint ended unexpectedly last time. Your draft and queue were kept.",
                action="Show the report",
                act=lambda: show(report.parent),
                seconds=0,
            )
        )

    def once(self, notice: Notice) -> None:
        """Pass a notice on, unless it was the last one just now.

        A fault in a paint event comes back with every paint, and a missing model with every
        picture of a run.
        """
        now = time.monotonic()
        text, when = self._last
        self._last = (notice.text, now)
        if notice.text != text or now - when > REPEAT_SECONDS:
            self.notice.emit(notice)

    @Slot(str)
    def _tell_bug(self, line: str) -> None:
        text = f"Something went wrong inside Mezzotint ({line}). The log holds more."
        self.once(Notice(text=text, kind="bad"))


def _offer(text: str, action: str, act: Callable[[], None]) -> Notice:
    return Notice(text=text, kind="bad", action=action, act=act, seconds=0)
