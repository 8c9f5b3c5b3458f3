"""Transfers: they carry out an order, some files side by side, and put the model in its place."""

import concurrent.futures
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.files import sync_folder, write_atomically
from desktop_app.library.fetch_disk import check_room, disk_problem
from desktop_app.library.fetch_file import Wanted, fetch_file
from desktop_app.library.fetch_net import Net
from desktop_app.library.fetch_order import (
    FILES,
    INCOMING,
    Order,
    Progress,
    bytes_here,
    drop_order,
)
from desktop_app.library.fetch_rate import Rate
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.folders import OWN_FOLDERS
from desktop_app.library.hub import file_url
from desktop_app.library.hub_files import RemoteFile, is_plain_path
from desktop_app.library.identify import look_at
from desktop_app.library.reading import read_json

SIDE_BY_SIDE = 3
"""Files of one order that come at the same time."""

_SOURCE = "mezzotint.json"
_MOVING = "moving.json"
_PLACING = threading.Lock()
"""Held while a name is looked for and taken: two downloads of one model end at the same time."""


class Transfer:
    """Carries out one order; `run` in a thread of its own, the rest from any thread."""

    def __init__(
        self, order: Order, models: Path, net: Net, *, side_by_side: int = SIDE_BY_SIDE
    ) -> None:
        self.order = order
        self._models, self._net, self._side_by_side = models, net, side_by_side
        self._place = models / INCOMING / order.id
        self._stop = Stop()
        self._lock = threading.Lock()
        self._tally = _Tally()
        self._rate = Rate()

    def run(self) -> Path:
        """Fetch what is missing, prove it, and put it under its name.

        Returns:
            the model's file or folder.

        Raises:
            AppError: see `fetch_file`; what has come is kept.
            Cancelled: it was paused.
        """
        order = self.order
        before = self._moved_before()
        if before is not None:
            drop_order(order, self._models)
            return before
        here = bytes_here(order, self._models)
        with self._lock:
            self._tally.done = here
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            check_room(self._place, order.size - here)
            self._fetch_all()
            with _PLACING:
                return self._move_in()
        except OSError as fault:
            raise disk_problem(fault, self._models) from fault

    def pause(self) -> None:
        """Break off; what has come is kept."""
        self._stop.set()

    def progress(self) -> Progress:
        with self._lock:
            tally = self._tally
            rate = self._rate.value(time.monotonic())
            left = (self.order.size - tally.done) / rate if rate > 1 else None
            return Progress(
                done=tally.done,
                total=self.order.size,
                rate=rate,
                left=left,
                waiting=next(iter(tally.waiting.values()), ""),
                files_done=tally.files,
            )

    def _fetch_all(self) -> None:
        """All files, small ones first: a refusal shows before the large ones are begun."""
        files = sorted(self.order.files, key=lambda pair: pair[0].size)
        with concurrent.futures.ThreadPoolExecutor(
            max_workers=max(1, min(self._side_by_side, len(files))), thread_name_prefix="fetch"
        ) as pool:
            jobs = [pool.submit(self._fetch, file, path) for file, path in files]
            done, _ = concurrent.futures.wait(jobs, return_when=concurrent.futures.FIRST_EXCEPTION)
            failed = next((job for job in jobs if job in done and job.exception()), None)
            if failed is not None:
                for job in jobs:
                    job.cancel()
                self._stop.set()
        first = failed or next((job for job in jobs if job.exception()), None)
        if first is not None:
            first.result()
        self._stop.check()

    def _fetch(self, file: RemoteFile, path: str) -> None:
        self._stop.check()
        wanted = Wanted(
            url=file_url(self._net.endpoint, self.order.repo, self.order.commit, file.path),
            size=file.size,
            sha256=file.sha256,
            blob=file.blob,
        )
        fetch_file(
            self._net,
            wanted,
            self._place / FILES / path,
            self._stop,
            count=self._count,
            fresh=self._came,
            waiting=lambda sentence, _: self._waits(path, sentence),
        )
        with self._lock:
            self._tally.files += 1

    def _count(self, change: int) -> None:
        with self._lock:
            self._tally.done += change

    def _came(self, count: int) -> None:
        with self._lock:
            self._rate.add(time.monotonic(), count)

    def _waits(self, path: str, sentence: str) -> None:
        with self._lock:
            self._tally.waiting.pop(path, None)
            if sentence:
                self._tally.waiting[path] = sentence

    def _moved_before(self) -> Path | None:
        """Where an earlier session put the whole model, just before it was killed."""
        try:
            to = read_json(self._place / _MOVING, 10_000).get("to")
        except AppError:
            return None
        if not isinstance(to, str) or not is_plain_path(to):
            return None
        files = self._place / FILES
        came = files if self.order.folder else files / self.order.files[0][1]
        target = self._models / to
        return target if target.exists() and not came.exists() else None

    def _move_in(self) -> Path:
        """Give everything its place among the models; a name that is taken is never replaced."""
        order, here = self.order, self._place / FILES
        owner, _, name = order.repo.partition("/")
        if order.folder:
            write_atomically(here / _SOURCE, _source(order))
            came, target = here, self._models / f"{owner}--{name}"
        else:
            came = here / order.files[0][1]
            target = self._models / OWN_FOLDERS[look_at(came).kind] / came.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target = _free_name(target, order.commit)
        # A kill between the move and the end of the order must not fetch it all again.
        to = target.relative_to(self._models).as_posix()
        write_atomically(self._place / _MOVING, json.dumps({"to": to}).encode())
        came.rename(target)
        if not order.folder:
            _note_beside(target, order)
        sync_folder(target.parent)
        drop_order(order, self._models)
        return target


@dataclass(kw_only=True, slots=True)
class _Tally:
    done: int = 0
    files: int = 0
    waiting: dict[str, str] = field(default_factory=dict[str, str])


def _free_name(path: Path, commit: str) -> Path:
    """`path`, or where that is taken, one with the commit or a number in it."""
    stem, suffix = (path.stem, path.suffix) if path.suffix in _SUFFIXES else (path.name, "")
    tries = [path, path.with_name(f"{stem}--{commit[:8]}{suffix}")]
    tries += [path.with_name(f"{stem}--{commit[:8]}-{i}{suffix}") for i in range(2, 1000)]
    for one in tries:
        if not os.path.lexists(one):
            return one
    raise AppError("download-folder", f"“{path.parent}” is full of models of this name.")


_SUFFIXES = frozenset({".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin"})


def _note_beside(target: Path, order: Order) -> None:
    """Where a file came from and which words call it, as A1111 keeps such notes."""
    note = target.with_suffix(".json")
    about = (
        f"From {order.repo} on Hugging Face, commit {order.commit[:8]}. Licence: {order.licence}."
    )
    words = {"description": about, "activation text": order.words}
    if not note.exists():
        data = json.dumps(words, indent=2, ensure_ascii=False).encode()
        write_atomically(note, data + b"\n")


def _source(order: Order) -> bytes:
    """What a folder is called, and where it came from."""
    words = {
        "name": order.title,
        "description": f"From {order.repo} on Hugging Face. Licence: {order.licence}.",
        "repository": order.repo,
        "commit": order.commit,
        "licence": order.licence,
        "trigger_words": order.words,
    }
    return json.dumps(words, indent=2, ensure_ascii=False).encode() + b"\n"
