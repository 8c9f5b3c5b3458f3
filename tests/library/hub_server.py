"""A model hub on this machine's own loopback, with the faults that real ones have."""

import hashlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from desktop_app.library.fetch_net import Limits, Net

CERTIFICATE = Path(__file__).with_name("localhost.pem")
COMMIT = "a1b2c3d4e5" * 4
SWIFT = Limits(
    connect=5, head=0.5, silence=0.5, slowest=200, window=0.3, tries=3, backoff=0.01, longest=0.05
)
"""Limits for a server that answers at once, or on purpose not at all."""

Fault = Callable[["Handler", "Stored"], bool]
"""Answers a request in a wrong way; False leaves it to the server."""


@dataclass(kw_only=True)
class Stored:
    """A file of a repository, as this server gives it."""

    path: str
    data: bytes
    lfs: bool = True
    etag: str = ""
    ranges: bool = True

    def __post_init__(self) -> None:
        self.etag = self.etag or f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'

    @property
    def listed(self) -> dict[str, Any]:
        git = b"blob %d\0" % len(self.data)
        row: dict[str, Any] = {
            "rfilename": self.path,
            "size": len(self.data),
            "blobId": hashlib.sha1(git + self.data, usedforsecurity=False).hexdigest(),
        }
        if self.lfs:
            sha256 = hashlib.sha256(self.data).hexdigest()
            row["lfs"] = {"sha256": sha256, "size": len(self.data), "pointerSize": 135}
        return row


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for."""

    path: str
    headers: dict[str, str]


@dataclass(kw_only=True)
class Hub:
    """The server, what it holds, and what it was asked.

    Attributes:
        faults: by the file's path; each is used once, in order.
        api_faults: the same for the list of files.
    """

    repo: str = "maker/model"
    files: dict[str, Stored] = field(default_factory=dict[str, Stored])
    card: dict[str, Any] = field(default_factory=dict[str, Any])
    gated: Any = False
    faults: dict[str, list[Fault]] = field(default_factory=dict[str, list[Fault]])
    api_faults: list[Fault] = field(default_factory=list[Fault])
    requests: list[Request] = field(default_factory=list[Request])
    endpoint: str = ""
    active: int = 0
    most_active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, data: bytes, **fields: Any) -> Stored:
        self.files[path] = Stored(path=path, data=data, **fields)
        return self.files[path]

    def net(self, *, token: str = "", limits: Limits = SWIFT) -> Net:
        return Net(endpoint=self.endpoint, token=token, limits=limits, proxies={})

    def asked(self, path: str) -> list[Request]:
        """The requests for one file."""
        return [one for one in self.requests if one.path.endswith(f"/{path}")]


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        hub = self.hub
        path = unquote(self.path)
        with hub.lock:
            hub.requests.append(Request(path=path, headers=dict(self.headers)))
            hub.active += 1
            hub.most_active = max(hub.most_active, hub.active)
        try:
            self._answer(path)
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True
        finally:
            with hub.lock:
                hub.active -= 1

    def _answer(self, path: str) -> None:
        hub = self.hub
        if path.startswith(f"/api/models/{hub.repo}/revision/"):
            if hub.api_faults and hub.api_faults.pop(0)(self, Stored(path="", data=b"")):
                return
            body = {
                "sha": COMMIT,
                "gated": hub.gated,
                "cardData": hub.card,
                "siblings": [one.listed for one in hub.files.values()],
            }
            self.say(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
            return
        found = re.fullmatch(rf"/{hub.repo}/resolve/{COMMIT}/([^?]+)(\?.*)?", path)
        stored = hub.files.get(found[1]) if found else None
        if stored is None:
            self.say(404, b"no", {"X-Error-Code": "EntryNotFound"})
            return
        queue = hub.faults.get(stored.path, [])
        if queue and queue.pop(0)(self, stored):
            return
        self.give(stored)

    def give(self, stored: Stored) -> None:
        """The file, or the range that is asked for."""
        start = self.wanted_start(stored)
        body = stored.data[start:]
        headers = {"ETag": stored.etag, "Content-Type": "application/octet-stream"}
        if stored.ranges and "Range" in self.headers and start >= len(stored.data):
            self.say(416, b"", {"Content-Range": f"bytes */{len(stored.data)}"})
        elif start:
            end = len(stored.data) - 1
            headers["Content-Range"] = f"bytes {start}-{end}/{len(stored.data)}"
            self.say(206, body, headers)
        else:
            self.say(200, body, headers)

    def wanted_start(self, stored: Stored) -> int:
        """Where the wanted range begins; 0 where the whole file is to be sent."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, stored.etag)
        return int(found[1]) if found and same and stored.ranges else 0

    def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.wfile.flush()
        # The request still holds the socket, and a close would wait for it.
        with suppress(OSError):  # the other end was quicker
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def serve(hub: Hub | None = None, *, tls: bool = False) -> Iterator[Hub]:
    """Run a hub for as long as the block lasts."""
    own = hub or Hub()
    handler = type("OwnHandler", (Handler,), {"hub": own})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    own.endpoint = f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# Faults.


def cut_at(count: int) -> Fault:
    """Promise the whole, send so many bytes of it, and hang up."""

    def fault(handler: Handler, stored: Stored) -> bool:
        start = handler.wanted_start(stored)
        body = stored.data[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", stored.etag)
        handler.send_header("Content-Length", str(len(body)))
        if start:
            handler.send_header(
                "Content-Range", f"bytes {start}-{len(stored.data) - 1}/{len(stored.data)}"
            )
        handler.end_headers()
        handler.wfile.write(body[:count])
        handler.hang_up()
        return True

    return fault


def status(code: int, **headers: str) -> Fault:
    """Answer with a status alone; `Retry_After="1"` becomes a header."""

    def fault(handler: Handler, stored: Stored) -> bool:
        handler.say(code, b"no", {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return fault


def page(handler: Handler, stored: Stored) -> bool:
    """A page to log in, as a hotel's network puts in between."""
    handler.say(200, b"<html>Welcome, guest</html>", {"Content-Type": "text/html; charset=utf-8"})
    return True


def redirect(target: str) -> Fault:
    return status(302, Location=target)


def other_bytes(handler: Handler, stored: Stored) -> bool:
    """As many bytes as promised, but wrong ones."""
    handler.say(200, bytes(len(stored.data)), {"ETag": '"wrong"'})
    return True


def too_long(handler: Handler, stored: Stored) -> bool:
    handler.say(200, stored.data + b"more", {"ETag": stored.etag})
    return True


def chunked(extra: bytes = b"") -> Fault:
    """The whole in chunks, without a length."""

    def fault(handler: Handler, stored: Stored) -> bool:
        handler.say(200, b"", {"Transfer-Encoding": "chunked", "ETag": stored.etag})
        data = stored.data + extra
        for at in range(0, len(data), 1000):
            piece = data[at : at + 1000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
        return True

    return fault


def silent(handler: Handler, stored: Stored) -> bool:
    """Half of it, and then nothing for longer than anyone waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(stored.data)))
    handler.send_header("ETag", stored.etag)
    handler.end_headers()
    handler.wfile.write(stored.data[: len(stored.data) // 2])
    time.sleep(1.2)
    handler.hang_up()
    return True


def drip_head(handler: Handler, stored: Stored) -> bool:
    """A head that never ends, byte by byte."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(100):
        handler.wfile.write(b"a")
        time.sleep(0.03)
    handler.hang_up()
    return True


def drip_body(handler: Handler, stored: Stored) -> bool:
    """A body that comes byte by byte."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(stored.data)))
    handler.send_header("ETag", stored.etag)
    handler.end_headers()
    for at in range(60):
        handler.wfile.write(stored.data[at : at + 1])
        time.sleep(0.03)
    handler.hang_up()
    return True


def wrong_range(handler: Handler, stored: Stored) -> bool:
    """A part of the file that is not the one that was asked for."""
    size = len(stored.data)
    headers = {"Content-Range": f"bytes 0-{size - 1}/{size}", "ETag": stored.etag}
    handler.say(206, stored.data, headers)
    return True


def packed(handler: Handler, stored: Stored) -> bool:
    handler.say(200, stored.data, {"Content-Encoding": "gzip"})
    return True
