"""Downloads: orders that are kept on disk, and the transfers that carry them out."""

import concurrent.futures
import contextlib
import json
import os
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from desktop_app.errors import AppError
from desktop_app.files import PARTIAL_SUFFIX, sync_folder, write_atomically
from desktop_app.library.fetch_file import Wanted, check_room, disk_problem, fetch_file
from desktop_app.library.fetch_net import Net
from desktop_app.library.fetch_rate import Rate
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub import Offer, file_url
from desktop_app.library.hub_files import Pick, RemoteFile, is_plain_path
from desktop_app.library.reading import read_json

INCOMING = ".incoming"
"""The folder beside the models in which downloads lie until they are whole."""

SIDE_BY_SIDE = 3
_ORDER = "order.json"
_FILES = "files"
_SOURCE = "mezzotint-source.json"
_ORDER_MAX = 8 * 1024 * 1024
_GENERIC = ("diffusion_pytorch_model", "model", "pytorch_model", "pytorch_lora_weights")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One thing to download, wholly determined: it means the same bytes at any time.

    Attributes:
        id: of its folder below `INCOMING`.
        title: for people.
        repo: `owner/name` on the hub.
        commit: 40 hexadecimal digits.
        licence: its name, as it was shown.
        files: each with its path on our disk below the target, with slashes.
        folder: whether the files make one model as a folder.
        words: that call what it was trained on.
        began: seconds since 1970.
    """

    id: str
    title: str
    repo: str
    commit: str
    licence: str
    files: tuple[tuple[RemoteFile, str], ...]
    folder: bool
    words: str = ""
    began: float = 0.0

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file, _ in self.files)


def make_order(offer: Offer, pick: Pick) -> Order:
    """The order for one pick of an offer."""
    files = pick.files
    if not pick.folder:
        # `model.safetensors` says nothing in a list of a hundred; its repository's name does.
        remote, path = files[0]
        name = PurePosixPath(path)
        if name.name.partition(".")[0] in _GENERIC:
            path = offer.title + name.suffix
        files = ((remote, PurePosixPath(path).name),)
    return Order(
        id=secrets.token_hex(8),
        title=offer.title if pick.folder else files[0][1],
        repo=offer.address.repo,
        commit=offer.commit,
        licence=offer.licence.name,
        files=files,
        folder=pick.folder,
        words=offer.words,
        began=time.time(),
    )


def keep_order(order: Order, models: Path) -> None:
    """Put an order on the disk, so that it outlives the program.

    Args:
        models: the folder that it will be brought to.

    Raises:
        AppError: `download-folder` or `disk-full`.
    """
    place = models / INCOMING / order.id
    try:
        write_atomically(place / _ORDER, _encode(order))
    except OSError as fault:
        raise disk_problem(fault, models) from fault


def kept_orders(models: Path) -> tuple[Order, ...]:
    """The orders on the disk, oldest first; what is none is left alone."""
    try:
        places = sorted((models / INCOMING).iterdir())
    except OSError:
        return ()
    found = [order for place in places if (order := _decode(place)) is not None]
    return tuple(sorted(found, key=lambda order: order.began))


def bytes_here(order: Order, models: Path) -> int:
    """Bytes of an order that are on the disk already."""
    place = models / INCOMING / order.id / _FILES
    total = 0
    for file, path in order.files:
        whole, part = _size(place / path), _size(place / (path + PARTIAL_SUFFIX))
        total += file.size if whole == file.size else min(part, file.size)
    return total


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def drop_order(order: Order, models: Path) -> None:
    """Forget an order and what came of it.

    Raises:
        AppError: `download-folder` when the disk refuses.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(models / INCOMING / order.id)
    except OSError as fault:
        raise disk_problem(fault, models) from fault
    with contextlib.suppress(OSError):
        (models / INCOMING).rmdir()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a transfer is.

    Attributes:
        done: bytes that are here.
        total: bytes in all.
        rate: bytes a second, lately; 0 when nothing comes.
        left: seconds that it will still take at that rate; None when that cannot be told.
        waiting: why nothing comes at the moment; empty when it does.
        files_done: how many files are whole.
    """

    done: int
    total: int
    rate: float = 0.0
    left: float | None = None
    waiting: str = ""
    files_done: int = 0


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
        here = bytes_here(order, self._models)
        with self._lock:
            self._tally.done = here
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            check_room(self._place, order.size - here)
            self._fetch_all()
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
            self._place / _FILES / path,
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

    def _move_in(self) -> Path:
        """Give everything its place among the models; a name that is taken is never replaced."""
        order, here = self.order, self._place / _FILES
        owner, _, name = order.repo.partition("/")
        if order.folder:
            write_atomically(here / _SOURCE, _source(order))
            target = _free_name(self._models / f"{owner}--{name}", order.commit)
            here.rename(target)
        else:
            folder = self._models / f"{owner}--{name} files"
            folder.mkdir(parents=True, exist_ok=True)
            target = _free_name(folder / order.files[0][1], order.commit)
            (here / order.files[0][1]).rename(target)
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


def _source(order: Order) -> bytes:
    """Where a folder came from, for people and for later."""
    words = {
        "repository": order.repo,
        "commit": order.commit,
        "licence": order.licence,
        "trigger_words": order.words,
    }
    return json.dumps(words, indent=2, ensure_ascii=False).encode() + b"\n"


def _encode(order: Order) -> bytes:
    files = [
        {"path": f.path, "size": f.size, "sha256": f.sha256, "blob": f.blob, "to": to}
        for f, to in order.files
    ]
    document = {
        "version": 1,
        "title": order.title,
        "repo": order.repo,
        "commit": order.commit,
        "licence": order.licence,
        "folder": order.folder,
        "words": order.words,
        "began": order.began,
        "files": files,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def _decode(place: Path) -> Order | None:
    try:
        data = read_json(place / _ORDER, _ORDER_MAX)
    except AppError:
        return None
    rows = data.get("files")
    listed = cast("list[object]", rows) if isinstance(rows, list) else []
    files = tuple(pair for row in listed if (pair := _decode_file(row)) is not None)
    title, repo, commit = data.get("title"), data.get("repo"), data.get("commit")
    licence, words, began = data.get("licence"), data.get("words"), data.get("began")
    match title, repo, commit, licence, words, began:
        case str(), str(), str(), str(), str(), int() | float() if files:
            return Order(
                id=place.name,
                title=title,
                repo=repo,
                commit=commit,
                licence=licence,
                files=files,
                folder=data.get("folder") is True,
                words=words,
                began=float(began),
            )
        case _:
            return None


def _decode_file(row: object) -> tuple[RemoteFile, str] | None:
    fields = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    match [fields.get(name) for name in ("path", "size", "sha256", "blob", "to")]:
        case [str() as path, int() as size, str() as sha256, str() as blob, str() as to]:
            if is_plain_path(path) and is_plain_path(to) and size >= 0:
                return RemoteFile(path=path, size=size, sha256=sha256, blob=blob), to
            return None
        case _:
            return None
