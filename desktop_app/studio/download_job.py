"""What of a download is done in a thread; the machinery of the network is loaded there alone."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop_app.errors import Cancelled
from desktop_app.library.fetch_order import Order, Progress
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub_address import Address
from desktop_app.library.hub_token import read_token

if TYPE_CHECKING:
    from desktop_app.library.fetch import Transfer
    from desktop_app.library.fetch_net import Limits, Net
    from desktop_app.library.hub import Offer


DownloadState = Literal["waiting", "running", "pausing", "paused", "failed", "done"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """One row.

    Attributes:
        error: the sentence, when `state` is `failed`.
        target: the model's file or folder, when it is `done`.
    """

    order: Order
    state: DownloadState
    progress: Progress
    error: str = ""
    target: Path | None = None

    @property
    def id(self) -> str:
        return self.order.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How to reach the server.

    Attributes:
        token_file: read when it is needed, in the thread that needs it.
        limits: how patient requests are; None for the usual ones.
    """

    endpoint: str
    token_file: Path
    limits: "Limits | None" = None

    def net(self) -> "Net":
        from desktop_app.library.fetch_net import Limits, Net

        token = read_token(self.token_file, self.endpoint)
        return Net(endpoint=self.endpoint, token=token, limits=self.limits or Limits())


def look_up(way: Way, address: Address, stop: Stop) -> "Offer":
    """Ask the hub; raises what `library.hub.look` does."""
    from desktop_app.library.hub import look

    return look(way.net(), address, stop)


class DownloadJob:
    """A transfer that is made in its own thread, and can be paused before it is there."""

    def __init__(self, order: Order, models: Path, way: Way) -> None:
        self._order, self._models, self._way = order, models, way
        self._lock = threading.Lock()
        self._transfer: Transfer | None = None
        self._paused = False

    def carry_out(self) -> Path | None:
        """Returns: the model; None when it was paused."""
        from desktop_app.library.fetch import Transfer

        transfer = Transfer(self._order, self._models, self._way.net())
        with self._lock:
            self._transfer = transfer
            paused = self._paused
        if paused:
            return None
        try:
            return transfer.run()
        except Cancelled:
            return None

    def pause(self) -> None:
        with self._lock:
            self._paused = True
            transfer = self._transfer
        if transfer is not None:
            transfer.pause()

    def progress(self) -> Progress:
        with self._lock:
            transfer = self._transfer
        return (
            transfer.progress()
            if transfer is not None
            else Progress(done=0, total=self._order.size)
        )
