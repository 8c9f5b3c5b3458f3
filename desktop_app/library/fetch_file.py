"""One file from a server to the disk: taken up where it broke off, and proved before it counts."""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_app.errors import AppError
from desktop_app.files import PARTIAL_SUFFIX, sync_folder, write_atomically
from desktop_app.library.fetch_disk import check_room, disk_problem
from desktop_app.library.fetch_net import Answer, Limits, Net
from desktop_app.library.fetch_refusals import no_hub
from desktop_app.library.fetch_stop import Hurdle, Stop, patiently
from desktop_app.library.reading import read_json

BLOCK = 1024 * 1024
_LOOK_EVERY = 64 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One file to fetch.

    Attributes:
        url: where it is.
        size: bytes.
        sha256: of its content; empty when only `blob` is known.
        blob: its name in git: the SHA-1 of `blob`, the size, NUL and the content; empty for none.
    """

    url: str
    size: int
    sha256: str = ""
    blob: str = ""


Count = Callable[[int], None]
Waiting = Callable[[str, float], None]


def fetch_file(
    net: Net,
    wanted: Wanted,
    target: Path,
    stop: Stop,
    *,
    count: Count,
    fresh: Count = lambda came: None,
    waiting: Waiting = lambda sentence, seconds: None,
) -> None:
    """Bring a file to `target`; what an earlier call left of it is used.

    The bytes go to a file with `.part` at the end, which gets its name only when size and hash are
    right. Next to it, a small JSON file remembers the server's mark of the content.

    Args:
        count: called with the change of the bytes that are there; negative when they are dropped.
        fresh: called with the bytes that came from the server just now.
        waiting: as `patiently` calls it.

    Raises:
        AppError: `download-damaged` when the content is not what was promised, twice;
            `disk-full`, `download-folder`, `download-network`, and what Net.open raises.
        Cancelled: `stop` was set; the part stays.
    """
    try:
        _fetch(net, wanted, target, stop, (count, fresh, waiting))
    except OSError as fault:
        raise disk_problem(fault, target.parent) from fault


def _fetch(
    net: Net, wanted: Wanted, target: Path, stop: Stop, tell: tuple[Count, Count, Waiting]
) -> None:
    count, fresh, waiting = tell
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.stat().st_size == wanted.size:
        return
    limits = net.limits
    with Part(target, wanted, stop, count, fresh) as part:
        waiting("checking what is here already", 0.0)
        part.take_up()
        waiting("", 0.0)
        for last in (False, True):
            patiently(
                lambda: _pull(net, wanted, part, stop),
                stop,
                tries=limits.tries,
                backoff=limits.backoff,
                longest=limits.longest,
                gained=lambda: part.gained,
                waiting=waiting,
            )
            if part.is_right():
                break
            part.restart()
            if last:
                raise AppError(
                    "download-damaged",
                    f"“{target.name}” does not arrive as it should: its hash is wrong.",
                    hint="Try later, or another mirror in the settings.",
                    file=target.name,
                )
        part.finish()


def _pull(net: Net, wanted: Wanted, part: "Part", stop: Stop) -> None:
    """One call for what is missing.

    Raises:
        Hurdle: it broke off; what came is in the part.
    """
    if part.size == wanted.size:
        return
    if part.size and not part.mark and not wanted.sha256:
        part.restart()
    headers: dict[str, str] = {}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.mark:
            headers["If-Range"] = part.mark
    with net.open(wanted.url, stop, headers) as answer:
        if answer.status == 416 or not _continues(answer, part, wanted):
            # The server has another file by now, or knows no ranges: from the beginning.
            if part.size and answer.status != 200:
                part.restart()
                raise Hurdle("the server's file has changed", wait=0.0)
            if answer.status != 200:
                raise no_hub()
            part.restart()
        if answer.header("Content-Type").startswith("text/html") and not part.is_page:
            raise no_hub()
        if answer.length is not None and part.size + answer.length != wanted.size:
            raise AppError(
                "download-changed",
                f"The server's “{part.name}” has another size than its list says.",
                hint="Look the model up again: it may just have been changed.",
                file=part.name,
            )
        part.remember(_strong(answer.header("ETag")))
        _pour(answer, part, wanted, net.limits)


def _continues(answer: Answer, part: "Part", wanted: Wanted) -> bool:
    """Whether the body goes on where the part ends."""
    if answer.status != 206:
        return answer.status == 200 and not part.size
    found = _RANGE.fullmatch(answer.header("Content-Range").strip())
    if found is None or int(found[1]) != part.size:
        return False
    if found[3] != "*" and int(found[3]) != wanted.size:
        return False
    tag = _strong(answer.header("ETag"))
    return not (part.mark and tag and tag != part.mark)


def _pour(answer: Answer, part: "Part", wanted: Wanted, limits: Limits) -> None:
    since, before = time.monotonic(), part.size
    while block := answer.read(BLOCK):
        if part.size + len(block) > wanted.size:
            part.restart()
            raise AppError(
                "download-changed",
                f"The server sends more of “{part.name}” than its list says.",
                hint="Look the model up again: it may just have been changed.",
                file=part.name,
            )
        part.write(block)
        now = time.monotonic()
        if now - since >= limits.window:
            if (part.size - before) / (now - since) < limits.slowest:
                raise Hurdle("the server has become too slow")
            since, before = now, part.size
    if part.size < wanted.size:
        raise Hurdle("the connection broke")


class Part:
    """A file that is being brought, and the hash of what is there.

    Attributes:
        name: of the file that it becomes.
        size: bytes that are there.
        gained: bytes written in this session, however often it was begun anew.
        mark: the server's ETag of the content; empty when it gave none that can be relied on.
    """

    def __init__(
        self, target: Path, wanted: Wanted, stop: Stop, count: Count, fresh: Count
    ) -> None:
        self._target, self._wanted, self._stop = target, wanted, stop
        self._count, self._fresh = count, fresh
        self._path = target.with_name(target.name + PARTIAL_SUFFIX)
        self._note = target.with_name(f"{target.name}{PARTIAL_SUFFIX}.json")
        self.name = target.name
        self.is_page = target.suffix.lower() in (".html", ".htm")
        self.size = self.gained = self._looked = 0
        self.mark = self._read_mark()
        self._hash = self._fresh_hash()
        # Never through a link that someone put there.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._path, flags, 0o666), "r+b", buffering=0)

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take_up(self) -> None:
        """Hash what an earlier session left; it is read at the disk's speed."""
        if os.fstat(self._file.fileno()).st_size > self._wanted.size:
            self.size = self._wanted.size
            self.restart()
        while block := self._file.read(BLOCK):
            self._stop.check()
            self._hash.update(block)
            self.size += len(block)

    def write(self, block: bytes) -> None:
        if self.gained - self._looked >= _LOOK_EVERY or not self.gained:
            self._looked = self.gained
            check_room(self._path.parent, self._wanted.size - self.size)
        left = memoryview(block)
        while left:
            written = self._file.write(left) or 0
            left = left[written:]
        self._hash.update(block)
        self.size += len(block)
        self.gained += len(block)
        self._count(len(block))
        self._fresh(len(block))

    def restart(self) -> None:
        """Drop everything that is there."""
        self._file.seek(0)
        self._file.truncate()
        self._count(-self.size)
        self.size, self.mark = 0, ""
        self._hash = self._fresh_hash()
        with contextlib.suppress(FileNotFoundError):
            self._note.unlink()

    def remember(self, mark: str) -> None:
        """Keep the server's mark on the disk, before the first byte that it stands for."""
        if mark != self.mark:
            self.mark = mark
            write_atomically(self._note, json.dumps({"etag": mark}).encode())

    def is_right(self) -> bool:
        """Whether it is whole and what was promised."""
        expected = self._wanted.sha256 or self._wanted.blob
        return self.size == self._wanted.size and self._hash.hexdigest() == expected

    def finish(self) -> None:
        """Give it its name."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target)
        sync_folder(self._target.parent)
        with contextlib.suppress(OSError):
            self._note.unlink()

    def _fresh_hash(self) -> Any:
        if self._wanted.sha256:
            return hashlib.sha256()
        start = f"blob {self._wanted.size}\0".encode()
        return hashlib.sha1(start, usedforsecurity=False)

    def _read_mark(self) -> str:
        try:
            mark = read_json(self._note, 10_000).get("etag")
        except AppError:
            return ""
        return _strong(mark) if isinstance(mark, str) else ""


def _strong(tag: str) -> str:
    """An ETag that stands for equal bytes (RFC 9110, 8.8.3); empty for a weak or odd one."""
    words = tag.strip()
    good = len(words) <= 500 and words.startswith('"') and words.endswith('"') and len(words) > 2
    return words if good and words.isascii() and words.isprintable() else ""
