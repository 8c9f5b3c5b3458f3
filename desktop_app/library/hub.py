"""What a repository of models on the Hugging Face hub, or on a mirror of it, has to offer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import quote

from desktop_app.errors import AppError
from desktop_app.library.fetch_net import Net
from desktop_app.library.fetch_refusals import no_hub
from desktop_app.library.fetch_stop import Hurdle, Stop, patiently
from desktop_app.library.hub_address import Address
from desktop_app.library.hub_files import Pick, RemoteFile, is_plain_path, picks_of
from desktop_app.library.hub_licence import Licence, licence_file, licence_of

R = TypeVar("R")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILES_MAX = 20_000
_TEXT_MAX = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A repository at one commit, as it can be fetched.

    Attributes:
        endpoint: the server that was asked.
        commit: 40 hexadecimal digits; the same files for ever.
        title: the repository's own name.
        gated: whether its makers want its licence accepted first.
        picks: what can be fetched from it, the best first.
        left_out: why some files are not offered, one sentence each.
        words: that call what it was trained on, as its page tells; empty for none.
    """

    address: Address
    endpoint: str
    commit: str
    title: str
    gated: bool
    licence: Licence
    picks: tuple[Pick, ...]
    left_out: tuple[str, ...]
    words: str = ""

    def url(self, file: RemoteFile) -> str:
        """Where a file of this commit is fetched from."""
        return file_url(self.endpoint, self.address.repo, self.commit, file.path)


def look(net: Net, address: Address, stop: Stop) -> Offer:
    """Ask the hub what a repository holds; three small requests at most.

    Raises:
        AppError: see `Net.open`; `download-empty` when nothing in it can be used.
        Cancelled: `stop` was set.
    """
    about = _patient(net, stop, lambda: net.json(_api(net, address), stop))
    commit = about.get("sha")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise no_hub()
    files, odd = _files(about)
    picks, left_out = picks_of(files, address.path)
    if odd:
        left_out = (*left_out, f"{odd} files with names that no disk should have.")
    if not picks:
        raise AppError(
            "download-empty",
            f"“{address.repo}” holds nothing that can be used here.",
            hint=" ".join(left_out),
        )
    gated = about.get("gated") not in (None, False)
    card = about.get("cardData")
    facts = cast("dict[str, object]", card) if isinstance(card, dict) else {}
    text = _licence_text(net, address.repo, commit, files, stop)
    prompt = facts.get("instance_prompt")
    return Offer(
        address=address,
        endpoint=net.endpoint,
        commit=commit,
        title=address.repo.partition("/")[2],
        gated=gated,
        licence=licence_of(facts, text, address.page),
        picks=picks,
        left_out=left_out,
        words=prompt[:500] if isinstance(prompt, str) else "",
    )


def file_url(endpoint: str, repo: str, commit: str, path: str) -> str:
    """The address of one file at one commit."""
    return f"{endpoint}/{repo}/resolve/{commit}/{quote(path)}"


def _api(net: Net, address: Address) -> str:
    revision = quote(address.revision, safe="")
    return f"{net.endpoint}/api/models/{address.repo}/revision/{revision}?blobs=true"


def _licence_text(
    net: Net, repo: str, commit: str, files: tuple[RemoteFile, ...], stop: Stop
) -> str:
    """The licence's own words; empty where there is no such file, or it is shown to no one yet."""
    file = licence_file(files)
    if file is None or file.size > _TEXT_MAX:
        return ""
    url = file_url(net.endpoint, repo, commit, file.path)
    try:
        data = _patient(net, stop, lambda: net.read(url, stop, _TEXT_MAX))
    except AppError as refusal:
        if refusal.code in ("download-gated", "download-not-found", "download-token"):
            return ""
        raise
    return data.decode("utf-8", "replace").replace("\0", "")


def _patient(net: Net, stop: Stop, work: Callable[[], R]) -> R:
    """`work` with a few tries: the artist sits and waits for it."""
    limits = net.limits
    return patiently(
        work,
        stop,
        tries=min(limits.tries, 3),
        backoff=limits.backoff,
        longest=limits.longest,
        gave_up=_not_asked,
    )


def _not_asked(hurdle: Hurdle) -> AppError:
    return AppError(
        "download-network",
        f"Nothing could be looked up: {hurdle.sentence}.",
        hint="See whether the network is there, then try again.",
    )


def _files(about: dict[str, object]) -> tuple[tuple[RemoteFile, ...], int]:
    """The files of the list, and how many of it have names that cannot be used."""
    rows = about.get("siblings")
    if not isinstance(rows, list):
        raise no_hub()
    found: dict[str, RemoteFile] = {}
    odd = 0
    for row in cast("list[object]", rows)[:_FILES_MAX]:
        file = _file(row)
        if file is None or file.path.casefold() in found:
            odd += 1
        else:
            found[file.path.casefold()] = file
    return tuple(found.values()), odd


def _file(row: object) -> RemoteFile | None:
    fields = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    path, size, blob = fields.get("rfilename"), fields.get("size"), fields.get("blobId")
    lfs = fields.get("lfs")
    stored = cast("dict[str, object]", lfs) if isinstance(lfs, dict) else {}
    sha256 = stored.get("sha256") or stored.get("oid") or ""
    if stored:
        size, blob = stored.get("size", size), ""
    if not isinstance(path, str) or not is_plain_path(path):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**50:
        return None
    sha256 = sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else ""
    blob = blob if isinstance(blob, str) and _COMMIT.fullmatch(blob) else ""
    if not sha256 and not blob:
        return None
    return RemoteFile(path=path, size=size, sha256=sha256, blob=blob)
