"""Lets the Nth call to the file system fail, as SQLite's own tests do."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any

import pytest

CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "close", "unlink")


class Faults:
    """Counts calls of the file system and raises ENOSPC at one of them.

    Attributes:
        calls: how many there were since `arm`.
        struck: the name of the call that failed; empty when none did.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.struck = ""
        self._at = 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self._guard(name, getattr(os, name)))
        opened = self._guard("open", io.open)
        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(builtins, "open", opened)

    def arm(self, at: int) -> None:
        """Fail at call number `at`, counted from 1; 0 for never."""
        self.calls, self.struck, self._at = 0, "", at

    def _guard(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if not self._at or self.struck:
                return call(*arguments, **named)
            self.calls += 1
            if self.calls == self._at:
                self.struck = name
                if name == "close":
                    call(*arguments, **named)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **named)

        return guarded
