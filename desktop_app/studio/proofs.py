"""Proofs: what the pictures that were made again looked like, for as long as the program runs."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_app.studio.values import Job

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict

BYTES_MAX = 256 * 2**20


class Proofs(QObject):
    """The last verdicts by picture, the oldest dropped first when they take too much memory.

    Signals:
        changed(int): there is another verdict on this picture.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._verdicts: OrderedDict[int, Verdict] = OrderedDict()

    def add(self, job: Job, verdict: "Verdict") -> None:
        """Keep what making a stored picture again came to."""
        if job.picture is None:
            return
        self._verdicts.pop(job.picture, None)
        self._verdicts[job.picture] = verdict
        while len(self._verdicts) > 1 and self._bytes() > BYTES_MAX:
            self._verdicts.popitem(last=False)
        self.changed.emit(job.picture)

    def verdict(self, picture: int) -> "Verdict | None":
        """The last one on a picture; None when it was not verified since the program started."""
        return self._verdicts.get(picture)

    def _bytes(self) -> int:
        return sum(
            one.evidence.pixels.nbytes
            for one in self._verdicts.values()
            if one.evidence is not None
        )
