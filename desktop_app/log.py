"""Where the program writes down what it did and what went wrong; prompts only at DEBUG."""

import faulthandler
import logging
import sys
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

LOG_NAME = "mezzotint.log"
CRASH_NAME = "crash.log"
LOG_BYTES = 1_000_000
LOG_FILES = 4

_log = logging.getLogger(__name__)


def start(folder: Path, *, level: int = logging.INFO) -> Path | None:
    """Write the log of this process to `folder`, and the stacks of a crash beside it.

    Where nothing can be written there the log goes to stderr: a full disk or a locked folder is
    no reason not to start.

    Args:
        folder: made if need be; holds `mezzotint.log`, its elder copies, and `crash.log`.
        level: DEBUG adds prompts; every level above leaves them out.

    Returns:
        The stacks of the last session's crash, told of once; None when there was none.
    """
    root = logging.getLogger()
    handler = _handler(folder)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    return _watch_for_crashes(folder / CRASH_NAME)


def hook_exceptions(tell: Callable[[str], None]) -> Callable[[], None]:
    """Log what no one caught, in slots and in threads, and `tell` it; the program goes on.

    Args:
        tell: called with one line, in whichever thread the exception came from.

    Returns:
        A function that puts the hooks back as they were.
    """
    before = sys.excepthook, threading.excepthook

    def report(fault: BaseException, trace: TracebackType | None) -> None:
        _log.critical("uncaught", exc_info=(type(fault), fault, trace))
        tell(f"{type(fault).__name__}: {fault}")

    def in_process(
        kind: type[BaseException], fault: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before[0](kind, fault, trace)
            return
        report(fault, trace)

    def in_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            report(arguments.exc_value, arguments.exc_traceback)

    def undo() -> None:
        sys.excepthook, threading.excepthook = before

    sys.excepthook, threading.excepthook = in_process, in_thread
    return undo


def _handler(folder: Path) -> logging.Handler:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            folder / LOG_NAME, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8"
        )
    except OSError:
        return logging.StreamHandler()


def _watch_for_crashes(path: Path) -> Path | None:
    """Let the interpreter write all stacks to `path` if it dies; those of last time, if it did."""
    kept = None
    try:
        if path.exists() and path.stat().st_size:
            kept = path.replace(path.with_suffix(".previous.log"))
            _log.warning("the last session crashed; its stacks are in %s", kept)
        # Open for the life of the process: faulthandler writes when nothing else works any more.
        faulthandler.enable(path.open("w", encoding="utf-8"))
    except OSError:
        faulthandler.enable()
    return kept
