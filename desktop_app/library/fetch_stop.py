"""What ends a transfer early: the artist's stop, which reaches through a blocked read, and hurdles
that may pass.
"""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from desktop_app.errors import AppError, Cancelled

R = TypeVar("R")


class Hurdle(Exception):
    """Something between us and the server that may pass by itself.

    Args:
        sentence: what it is, without a full stop.
        wait: seconds that the server asked to wait; None when it did not.
    """

    def __init__(self, sentence: str, *, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.wait = wait


class Stop:
    """Set once, by any thread; it breaks the connections that are open, so that no read blocks."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()
        with self._lock:
            sockets = tuple(self._sockets)
        for sock in sockets:
            with contextlib.suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raises:
        Cancelled: it was set.
        """
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Cancelled: it was set meanwhile.
        """
        if self._event.wait(seconds):
            raise Cancelled

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.add(sock)
        self.check()

    def forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(sock)


def interrupted(hurdle: Hurdle) -> AppError:
    """What a download says that gives up."""
    return AppError(
        "download-network",
        f"The download was interrupted: {hurdle.sentence}.",
        hint="What is here is kept. Go on when the network is back.",
    )


def patiently(
    work: Callable[[], R],
    stop: Stop,
    *,
    tries: int,
    backoff: float,
    longest: float,
    gained: Callable[[], int] = lambda: 0,
    waiting: Callable[[str, float], None] = lambda sentence, seconds: None,
    gave_up: Callable[[Hurdle], AppError] = interrupted,
) -> R:
    """Do `work` again and again until no Hurdle is in the way.

    Args:
        gained: bytes that are there; while they grow the count of tries starts anew.
        waiting: told what is in the way, and the seconds until the next try (0: it goes on).

    Raises:
        AppError: what `gave_up` makes of it when `tries` calls in a row brought nothing.
        Cancelled: `stop` was set.
    """
    failed, had = 0, gained()
    while True:
        try:
            return work()
        except Hurdle as hurdle:
            if gained() > had:
                failed, had = 0, gained()
            failed += 1
            if failed >= tries:
                raise gave_up(hurdle) from hurdle
            seconds = min(backoff * 2 ** (failed - 1), longest)
            if hurdle.wait is not None:
                seconds = max(hurdle.wait, backoff)
            waiting(hurdle.sentence, seconds)
            stop.wait(seconds)
            waiting("", 0.0)


def waiting_time(header: str, most: float) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3), 0 ... `most`; None for
    none. It is a number of seconds or a date.
    """
    words = header.strip()
    if not words:
        return None
    try:
        seconds = float(words)
    except ValueError:
        import email.utils

        try:
            seconds = email.utils.parsedate_to_datetime(words).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), most)
