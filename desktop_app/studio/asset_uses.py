"""AssetUses: when each model was used last, kept on disk."""

import json
import logging
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QObject, Signal

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.recipe.codec import TEXT_MAX, loads
from desktop_app.studio.assets import AssetsModel
from desktop_app.studio.background import Background
from desktop_app.studio.settings_holder import SettingsHolder

log = logging.getLogger(__name__)
USES_MAX = 5000
_DIGITS = frozenset("0123456789abcdef")


class AssetUses(QObject):
    """At most 5,000 models by the hash of their tensors; the file is read and written in the
    background, and a model that is not here now keeps its date.

    Signals:
        changed()
    """

    changed = Signal()

    def __init__(self, file: Path, disk: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file, self._disk = file, disk
        self._uses: dict[str, float] = {}
        self._read = False

    @property
    def times(self) -> Mapping[str, float]:
        """When a model was used last, in seconds since 1970."""
        return MappingProxyType(self._uses)

    def follow(self, assets: AssetsModel, settings: SettingsHolder) -> None:
        """Sort the assets as the artist wants them, from now on."""

        def sort() -> None:
            assets.set_order(settings.values.models_order, self.times)

        self.changed.connect(sort)
        settings.changed.connect(sort)
        sort()

    def start(self) -> None:
        """Read what earlier sessions left."""
        self._disk.run(_read, self._file, done=self._found)

    def add(self, hashes: Iterable[str]) -> None:
        """These are used now."""
        now = time.time()
        fresh = dict.fromkeys(hashes, now)
        if fresh:
            self._take(self._uses | fresh)
            # Before the file was read, what is written would lose what it says.
            if self._read:
                self._disk.run(_write, self._file, dict(self._uses))

    def _found(self, uses: dict[str, float]) -> None:
        self._read = True
        newer = bool(self._uses)
        self._take(uses | self._uses)
        if newer:
            self._disk.run(_write, self._file, dict(self._uses))

    def _take(self, uses: dict[str, float]) -> None:
        latest = sorted(uses.items(), key=lambda pair: -pair[1])[:USES_MAX]
        self._uses = dict(latest)
        self.changed.emit()


def _read(file: Path) -> dict[str, float]:
    try:
        with file.open("rb") as stream:
            data = loads(stream.read(TEXT_MAX + 1).decode("utf-8", "replace"))
    except FileNotFoundError:
        return {}
    except (OSError, AppError) as fault:
        log.warning("when the models were used cannot be read: %s", fault)
        return {}
    rows = data.get("used") if isinstance(data, dict) else None
    pairs = list(rows.items())[:USES_MAX] if isinstance(rows, dict) else []
    return {key: float(at) for key, at in pairs if _is_hash(key) and _is_time(at)}


def _is_hash(key: str) -> bool:
    return len(key) == 64 and _DIGITS.issuperset(key)


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value < 1e11  # pyright: ignore


def _write(file: Path, uses: dict[str, float]) -> None:
    text = json.dumps({"version": 1, "used": {key: round(at) for key, at in uses.items()}})
    try:
        write_atomically(file, text.encode())
    except OSError as fault:
        # A convenience: a full disk is told by what matters more.
        log.warning("when the models were used cannot be kept: %s", fault)
