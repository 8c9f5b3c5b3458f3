"""Addresses: of the hub or a mirror of it, and of what lies on it."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from desktop_app.errors import AppError
from desktop_app.library.hub_files import is_plain_path

HUB = "https://huggingface.co"
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com"})
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_NOT_MODELS = frozenset({"datasets", "spaces", "docs", "papers", "collections", "blog", "api"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """What the artist asked for.

    Attributes:
        repo: `owner/name`.
        revision: a branch, a tag or a commit.
        path: of one file, or of a folder of the repository; empty for all of it.
    """

    repo: str
    revision: str = "main"
    path: str = ""

    @property
    def page(self) -> str:
        """The page for people, on the hub itself: a mirror takes no acceptance of a licence."""
        return f"{HUB}/{self.repo}"


def parse_address(text: str) -> Address:
    """Read `owner/name`, `owner/name@revision`, or the address of a page or file on the hub.

    Raises:
        AppError: `download-address` for anything else.
    """
    words = text.strip().strip("<>\"'")
    if len(words) > 2000 or not words:
        raise _unknown_address()
    host = words.split("/", 1)[0].lower()
    if words.startswith(("hf://", "huggingface://")):
        words = words.split("://", 1)[1].removeprefix("models/")
    elif "://" in words:
        parts = urlsplit(words)
        if parts.scheme not in ("http", "https") or (parts.hostname or "") not in _HOSTS:
            raise AppError(
                "download-address",
                "Only addresses of the Hugging Face hub can be fetched from.",
                hint="For other sites: download in the browser, then drop the file on the window.",
            )
        words = unquote(parts.path)
    elif host in _HOSTS:
        words = unquote(words.split("/", 1)[1]) if "/" in words else ""
    pieces = [piece for piece in words.split("/") if piece]
    if pieces and pieces[0] in _NOT_MODELS:
        raise AppError("download-address", f"That is the address of {pieces[0]}, not of a model.")
    return _address(pieces)


def _address(pieces: list[str]) -> Address:
    if len(pieces) < 2:
        raise _unknown_address()
    name, at, revision = pieces[1].partition("@")
    path = ""
    match pieces[2:]:
        case [("tree" | "blob" | "resolve" | "raw"), found, *rest] if not at:
            revision, path = found, "/".join(rest)
        case []:
            pass
        case rest:
            path = "/".join(rest)
    revision = revision or "main"
    good = all(_NAME.fullmatch(one) and ".." not in one for one in (pieces[0], name))
    if not good or not _REVISION.fullmatch(revision) or ".." in revision:
        raise _unknown_address()
    if path and not is_plain_path(path):
        raise _unknown_address()
    return Address(repo=f"{pieces[0]}/{name}", revision=revision, path=path)


def check_endpoint(text: str) -> str:
    """The address of a mirror as it is used; the hub's own for an empty one.

    Raises:
        AppError: `mirror-address`.
    """
    words = text.strip().rstrip("/")
    if not words:
        return HUB
    try:
        parts = urlsplit(words)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = parts.scheme == "http" and host is not None and is_loopback(host)
    extras = parts.query or parts.fragment or parts.username is not None
    if not host or not (parts.scheme == "https" or plain) or extras or not words.isascii():
        raise AppError(
            "mirror-address",
            "A mirror's address begins with https:// and has no question mark or password in it.",
            hint="Such as https://hf-mirror.com.",
        )
    return words


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unknown_address() -> AppError:
    return AppError(
        "download-address",
        "That is no name or address of a model.",
        hint="Such as stabilityai/sd-turbo, or the address of its page on huggingface.co.",
    )
