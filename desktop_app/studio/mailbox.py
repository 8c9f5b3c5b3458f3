"""What the render thread has to tell, kept in order until the window looks at it."""

import threading
from dataclasses import dataclass

from desktop_app.engine.events import Event, Step

MAIL_BYTES = 64 * 2**20
"""Of the small pictures of steps that wait to be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """The finished picture is being written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparing:
    """A picture that was made again is being held against the stored one."""


ThreadEvent = Event | Saving | Comparing


class Mailbox:
    """Events with the job that each is about; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[tuple[int | None, ThreadEvent]] = []
        self._bytes = 0

    def post(self, job_id: int | None, event: ThreadEvent) -> bool:
        """Put an event in; whether it is the first since the box was emptied."""
        size = event.preview.nbytes if isinstance(event, Step) and event.preview is not None else 0
        with self._lock:
            if self._bytes + size > MAIL_BYTES:
                # The window has not looked for a long while: only the newest picture is of use.
                self._events = [one for one in self._events if not isinstance(one[1], Step)]
                self._bytes = 0
            self._events.append((job_id, event))
            self._bytes += size
            return len(self._events) == 1

    def take(self) -> list[tuple[int | None, ThreadEvent]]:
        """All events since the last call, in order."""
        with self._lock:
            taken, self._events = self._events, []
            self._bytes = 0
        return taken
