"""One SQLite file behind one lock: transactions, WAL, numbered migrations, damage set aside."""

import secrets
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from desktop_app.errors import AppError
from desktop_app.files import PARTIAL_SUFFIX
from desktop_app.store.files import free_space, told
from desktop_app.store.schema import APPLICATION_ID, LIBRARY

_BUSY_MS = 10_000
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _Damaged(Exception):
    """The file is no database of ours, or not whole."""


class Database:
    """The index on disk. One connection, shared by all threads behind one lock.

    SQLite before 3.51.3 can damage a WAL file when two connections of one program checkpoint at
    once, so there is never a second one.

    Attributes:
        path: the file.
        put_aside: where a damaged file was moved to when this one was opened; else None.
        fresh: whether the file was new (or is new after a damaged one), so that what it indexes
            has to be read again.
    """

    def __init__(
        self, path: Path, *, migrations: Sequence[str] = LIBRARY, durable: bool = True
    ) -> None:
        """Open or create the file, bring its tables up to date, and check that it is whole.

        Args:
            durable: whether a commit is on the disk when it returns (`synchronous=FULL`); a cache
                does without.

        Raises:
            AppError: `database-newer`, `database-locked`, `disk-full` or `database-unusable`.
        """
        self.path = path
        self.put_aside: Path | None = None
        self._migrations = tuple(migrations)
        self._durable = durable
        self._lock = threading.RLock()
        self._depth = 0
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.fresh = not path.exists() or path.stat().st_size == 0
        try:
            self._connection = self._open()
        except _Damaged:
            self.put_aside = self._set_aside()
            self.fresh = True
            self._connection = self._open()
        self._identity = self._on_disk()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._lock, self._told():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All of the block or nothing of it; one inside another joins the outer one.

        Raises:
            AppError: `disk-full`, `database-locked`, `database-gone` or `database-unusable`;
                nothing has changed then.
        """
        with self._lock:
            if self._depth:
                yield self._connection
                return
            if self._on_disk() != self._identity:
                raise AppError(
                    "database-gone",
                    f"The gallery's index “{self.path}” was removed or replaced by something else.",
                    hint="Connect its drive again and start the program anew.",
                )
            self._depth = 1
            try:
                with self._told():
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield self._connection
                    self._connection.execute("COMMIT")
            finally:
                self._depth = 0
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Put all into the one file and let go of it."""
        with self._lock:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        with ExitStack() as undo:
            try:
                with self._told():
                    connection = sqlite3.connect(
                        self.path,
                        check_same_thread=False,
                        isolation_level=None,
                        timeout=_BUSY_MS / 1000,
                    )
                    undo.callback(connection.close)
                    self._prepare(connection)
            except AppError as fault:
                cause = fault.__cause__
                if isinstance(cause, sqlite3.DatabaseError) and (
                    cause.sqlite_errorcode & 0xFF in _DAMAGED
                ):
                    raise _Damaged from fault
                raise
            undo.pop_all()
            return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = _number(connection, "PRAGMA user_version")
        identity = _number(connection, "PRAGMA application_id")
        tables = _number(connection, "SELECT count(*) FROM sqlite_master")
        if identity != APPLICATION_ID and (identity or tables):
            raise _Damaged
        if version > len(self._migrations):
            raise AppError(
                "database-newer",
                f"The gallery's index “{self.path}” was written by a newer Mezzotint.",
                hint="Update the program; nothing was changed.",
                version=version,
            )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys=ON")
        if tables and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _Damaged
        if 0 < version < len(self._migrations):
            self._back_up(connection, version)
        for number in range(version, len(self._migrations)):
            # executescript() commits what is open and begins its own transaction.
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{self._migrations[number]}\n;"
                f"PRAGMA application_id={APPLICATION_ID};\n"
                f"PRAGMA user_version={number + 1};\nCOMMIT;"
            )

    def _back_up(self, connection: sqlite3.Connection, version: int) -> None:
        part = self.path.with_name(f".{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
        copy = sqlite3.connect(part)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        part.replace(self.path.with_name(f"{self.path.name}.version-{version}"))

    def _set_aside(self) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}-{number}")
        with told(self.path):
            self.path.rename(aside)
            for ending in ("-wal", "-shm"):
                companion = self.path.with_name(self.path.name + ending)
                if companion.exists():
                    companion.rename(aside.with_name(aside.name + ending))
        return aside

    def _on_disk(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _told(self) -> Generator[None]:
        """Say what the artist can act on in words; a wrong statement stays the bug that it is."""
        try:
            yield
        except sqlite3.DatabaseError as fault:
            said = self._in_words(fault.sqlite_errorcode & 0xFF)
            if said is None:
                raise
            raise said from fault

    def _in_words(self, code: int) -> AppError | None:
        match code:
            case sqlite3.SQLITE_FULL:
                free = free_space(self.path)
                return AppError(
                    "disk-full",
                    f"The gallery's index in “{self.path.parent}” cannot grow: the disk is full"
                    f" ({free / 1e6:,.0f} MB free).",
                    hint="Free some space and try again; nothing was changed.",
                    path=str(self.path),
                    free=free,
                )
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return AppError(
                    "database-locked",
                    "Another Mezzotint is busy with the gallery's index.",
                    hint="Try again when it is done.",
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                reason = "it cannot be opened or written"
            case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                reason = "the disk or the file is damaged"
            case _:
                return None
        return AppError(
            "database-unusable",
            f"The gallery's index “{self.path}” cannot be used: {reason}.",
            hint="Check the folder and start the program again; the pictures themselves are safe.",
            path=str(self.path),
        )


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
