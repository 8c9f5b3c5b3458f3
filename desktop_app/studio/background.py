"""Short tasks in a pool of threads; the result or the error arrives in the GUI thread."""

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

from desktop_app.errors import AppError, Cancelled
from desktop_app.studio.values import bug

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class Background(QObject):
    """A pool; with one thread it keeps the order in which tasks were given.

    Signals:
        failed(AppError): of a task that was started without a `failed` of its own.
    """

    failed = Signal(object)
    _landed = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 1) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._closed = False
        self._landed.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Callable[..., R],
        *arguments: Any,
        done: Callable[[R], None] | None = None,
        failed: Callable[[AppError], None] | None = None,
    ) -> None:
        """Call `work(*arguments)` in a thread of the pool, then `done(result)` in the GUI thread.

        `failed(error)` is called instead when `work` raised: with the AppError it raised, or with
        one that says `bug` for anything else.
        """
        if self._closed:
            return
        self._pool.start(lambda: self._work(work, arguments, done, failed))

    def close(self, milliseconds: int = 5000) -> bool:
        """Take no more tasks, and wait for those that run; results no longer arrive.

        Tasks that wait for a thread still run: they are writes that someone was promised.

        Returns:
            whether all of them ended in time.
        """
        self._closed = True
        return self._pool.waitForDone(milliseconds)

    def _work(
        self,
        work: Callable[..., R],
        arguments: tuple[Any, ...],
        done: Callable[[R], None] | None,
        failed: Callable[[AppError], None] | None,
    ) -> None:
        try:
            value = work(*arguments)
        except Cancelled:
            return
        except AppError as error:
            self._landed.emit(failed or self.failed.emit, error)
        except Exception as fault:
            log.exception("a background task failed")
            self._landed.emit(failed or self.failed.emit, bug(fault))
        else:
            # After `close` this object may be gone, when the task took longer than was waited.
            if done is not None and not self._closed:
                self._landed.emit(done, value)

    @Slot(object, object)
    def _deliver(self, receive: Callable[[object], None], value: object) -> None:
        if not self._closed:
            receive(value)
