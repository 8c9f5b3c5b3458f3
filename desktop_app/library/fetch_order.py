"""Orders: what is to be fetched, kept on the disk until it is whole, whatever happens between."""

import contextlib
import json
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from desktop_app.errors import AppError
from desktop_app.files import PARTIAL_SUFFIX, write_atomically
from desktop_app.library.fetch_disk import disk_problem
from desktop_app.library.hub_files import Pick, RemoteFile, is_plain_path
from desktop_app.library.reading import read_json

if TYPE_CHECKING:
    from desktop_app.library.hub import Offer

INCOMING = ".incoming"
"""The folder beside the models in which downloads lie until they are whole."""

_ORDER = "order.json"
FILES = "files"
"""The folder of an order in which its files come together."""
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


def make_order(offer: "Offer", pick: Pick) -> Order:
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


def sweep(models: Path) -> None:
    """Take away what a kill left before an order was whole: folders with nothing in them."""
    try:
        places = list((models / INCOMING).iterdir())
    except OSError:
        return
    for place in places:
        if not (place / _ORDER).exists() and not (place / FILES).exists():
            shutil.rmtree(place, ignore_errors=True)


def bytes_here(order: Order, models: Path) -> int:
    """Bytes of an order that are on the disk already."""
    place = models / INCOMING / order.id / FILES
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
