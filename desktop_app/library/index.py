"""What is known of every file that was looked at, so that it is looked at once."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.library.identity import KINDS, Identity
from desktop_app.library.reading import read_json

VERSION = 2
"""Raised when identification changes what it finds, so that files are looked at again."""
_FILE_MAX = 512 * 1024 * 1024
_FIELDS = frozenset(field.name for field in fields(Identity))
_FORMATS = ("folder", "safetensors", "gguf", "pickle")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One file or folder as it was when it was looked at.

    Attributes:
        sha256: of its tensors; file_sha256 of the whole file; None while not computed.
    """

    size: int
    mtime_ns: int
    identity: Identity
    sha256: str | None = None
    file_sha256: str | None = None


class Index:
    """Rows by path, in one file that may be lost at any time. Safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._rows: dict[str, Row] | None = None
        self._changed = False

    def get(self, path: Path, size: int, mtime_ns: int) -> Row | None:
        """What is known of a file that has not changed since."""
        row = self.last(path)
        same = row is not None and (row.size, row.mtime_ns) == (size, mtime_ns)
        return row if same else None

    def last(self, path: Path) -> Row | None:
        """What was last known of a path."""
        with self._lock:
            return self._all().get(str(path))

    def put(self, path: Path, row: Row) -> None:
        with self._lock:
            rows = self._all()
            if rows.get(str(path)) != row:
                rows[str(path)] = row
                self._changed = True

    def all(self) -> dict[Path, Row]:
        with self._lock:
            return {Path(path): row for path, row in self._all().items()}

    def drop(self, paths: list[Path]) -> None:
        """Forget what is gone for good."""
        with self._lock:
            rows = self._all()
            for path in paths:
                self._changed = rows.pop(str(path), None) is not None or self._changed

    def save(self) -> None:
        """Write it, if anything is new; a disk that does not take it costs time, nothing else."""
        with self._lock:
            if not self._changed:
                return
            rows = {path: _to_json(row) for path, row in self._all().items()}
            data = json.dumps({"version": VERSION, "files": rows})
            try:
                write_atomically(self._path, data.encode())
            except OSError:
                return
            self._changed = False

    def _all(self) -> dict[str, Row]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> dict[str, Row]:
        try:
            data = read_json(self._path, _FILE_MAX)
        except AppError:
            return {}
        rows = data.get("files")
        if data.get("version") != VERSION or not isinstance(rows, dict):
            return {}
        found = {path: _from_json(row) for path, row in cast(dict[str, object], rows).items()}
        return {path: row for path, row in found.items() if row is not None}


def _to_json(row: Row) -> dict[str, object]:
    blank = Identity(kind=row.identity.kind, format=row.identity.format)
    told = {
        name: getattr(row.identity, name)
        for name in _FIELDS
        if getattr(row.identity, name) != getattr(blank, name)
    }
    return {
        "size": row.size,
        "mtime_ns": row.mtime_ns,
        "sha256": row.sha256,
        "file_sha256": row.file_sha256,
        "identity": {**told, "kind": row.identity.kind, "format": row.identity.format},
    }


def _from_json(value: object) -> Row | None:
    match value:
        case {
            "size": int() as size,
            "mtime_ns": int() as mtime_ns,
            "sha256": str() | None as sha256,
            "file_sha256": str() | None as file_sha256,
            "identity": {"kind": str() as kind, "format": str() as form},
        } if kind in KINDS and form in _FORMATS:
            told = cast(dict[str, Any], cast(dict[str, object], value)["identity"])
        case _:
            return None
    identity = _identity(told)
    if identity is None:
        return None
    return Row(
        size=size,
        mtime_ns=mtime_ns,
        identity=identity,
        sha256=sha256,
        file_sha256=file_sha256,
    )


def _identity(told: Mapping[str, Any]) -> Identity | None:
    blank = Identity(kind="unknown", format="safetensors")
    given: dict[str, Any] = {}
    for name in _FIELDS & told.keys():
        value, usual = told[name], getattr(blank, name)
        if isinstance(value, list):
            value = tuple(cast(list[object], value))
        if name != "native_size" and type(value) is not type(usual):
            return None
        given[name] = value
    return Identity(**given)
