"""Requests to a server of models: bounded in time and size, stoppable, no secret told astray."""

import base64
import http.client
import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from desktop_app.errors import AppError, Cancelled
from desktop_app.library.fetch_refusals import no_hub, problem, redirect, refusal
from desktop_app.library.fetch_stop import Hurdle, Stop, waiting_time
from desktop_app.library.hub_address import is_loopback

AGENT = "Mezzotint (+desktop; python-http)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WORTH_A_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_SAFE = "/:?#[]@!$&'()*+,;=%-._~"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How patient a request is; in seconds where nothing else is said.

    Attributes:
        connect: until a server has taken the call.
        head: until the whole head of its answer is there, whatever trickles in.
        silence: without one byte of the body.
        slowest: bytes a second, on average over `window`, below which the call is made anew.
        redirects: how often a server may send us elsewhere.
        tries: calls in a row that bring nothing before it is given up.
        backoff: before the second try; each further one waits twice as long, up to `longest`.
        asked: the longest wait that a server may ask for.
    """

    connect: float = 20.0
    head: float = 60.0
    silence: float = 30.0
    slowest: int = 1024
    window: float = 60.0
    redirects: int = 8
    tries: int = 6
    backoff: float = 1.0
    longest: float = 30.0
    asked: float = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Net:
    """How to reach the server.

    Attributes:
        endpoint: its address without a path at the end, such as `https://huggingface.co`.
        token: told to the endpoint alone, in a header; never to a host it redirects to.
        proxies: by scheme, as `urllib.request.getproxies` gives them; None for the system's own.
    """

    endpoint: str
    token: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)
    proxies: Mapping[str, str] | None = None

    def open(self, url: str, stop: Stop, headers: Mapping[str, str] | None = None) -> "Answer":
        """Ask for `url` and follow where it leads.

        Returns:
            an answer of status 200, 206 or 416.

        Raises:
            Hurdle: what may pass: no answer, a break, a busy server.
            AppError: what will not: `download-refused`, `download-gated`, `download-not-found`,
                `download-certificate`, `download-redirect`, `download-proxy`, `download-address`.
            Cancelled: `stop` was set.
        """
        seen = {url}
        for _ in range(self.limits.redirects + 1):
            answer = self._call(url, stop, headers or {})
            if answer.status not in _REDIRECTS:
                return self._accept(answer)
            target = answer.header("Location")
            answer.close()
            url = self._next(url, target, seen)
        raise redirect("the server sends in circles")

    def json(self, url: str, stop: Stop, limit: int = 32 * 1024 * 1024) -> dict[str, object]:
        """The JSON object at `url`, of at most `limit` bytes.

        Raises: as `open` does, and AppError `download-answer` for anything else than an object.
        """
        data = self.read(url, stop, limit)
        try:
            value: object = json.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError) as fault:
            raise no_hub() from fault
        if not isinstance(value, dict):
            raise no_hub()
        return cast("dict[str, object]", value)

    def read(self, url: str, stop: Stop, limit: int) -> bytes:
        """The bytes at `url`.

        Raises: as `open` does, and AppError `download-answer` above `limit` bytes.
        """
        with self.open(url, stop) as answer:
            if answer.status != 200:
                raise no_hub()
            parts: list[bytes] = []
            size = 0
            while block := answer.read(256 * 1024):
                size += len(block)
                if size > limit:
                    raise no_hub()
                parts.append(block)
            return b"".join(parts)

    def _call(self, url: str, stop: Stop, headers: Mapping[str, str]) -> "Answer":
        stop.check()
        parts = _parts(url)
        line, own = _request_line(parts), _headers(headers)
        if self.token and _origin(parts) == _origin(_parts(self.endpoint)):
            own["Authorization"] = f"Bearer {self.token}"
        connection, proxied = self._connection(parts, own)
        sock: socket.socket | None = None
        timer: threading.Timer | None = None
        try:
            connection.connect()
            sock = cast("socket.socket", connection.sock)
            stop.watch(sock)
            sock.settimeout(self.limits.silence)
            # A head that trickles in byte by byte never trips the timeout of a single read.
            timer = threading.Timer(self.limits.head, _hang_up, (sock,))
            timer.daemon = True
            timer.start()
            connection.request("GET", url if proxied else line, headers=own)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as fault:
            connection.close()
            if sock is not None:
                stop.forget(sock)
            stop.check()
            raise problem(fault) from fault
        except Cancelled:
            connection.close()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return Answer(connection, response, sock, stop, parts.hostname or "")

    def _connection(
        self, parts: SplitResult, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, bool]:
        """A connection that is not open yet, and whether a proxy wants the whole address."""
        host, port = parts.hostname or "", parts.port
        secure = parts.scheme == "https"
        proxy = self._proxy(parts.scheme, host)
        timeout = self.limits.connect
        if proxy is None:
            if secure:
                return (
                    http.client.HTTPSConnection(host, port, timeout=timeout, context=_context()),
                    False,
                )
            return http.client.HTTPConnection(host, port, timeout=timeout), False
        pass_ = _proxy_password(proxy)
        if secure:
            made = http.client.HTTPSConnection(
                proxy.hostname or "", proxy.port or 80, timeout=timeout, context=_context()
            )
            made.set_tunnel(host, port or 443, headers=pass_)
            return made, False
        headers.update(pass_)
        return http.client.HTTPConnection(
            proxy.hostname or "", proxy.port or 80, timeout=timeout
        ), True

    def _proxy(self, scheme: str, host: str) -> SplitResult | None:
        if self.proxies is None:
            if is_loopback(host) or urllib.request.proxy_bypass(host):
                return None
            known = urllib.request.getproxies()
        else:
            known = self.proxies
        address = known.get(scheme) or known.get("all")
        if not address:
            return None
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme not in ("http", "") or not parts.hostname:
            raise AppError(
                "download-proxy",
                f"The system's proxy speaks {parts.scheme[:20]!r}, which is not known here.",
                hint="Set an http proxy in the system's settings, or none.",
            )
        return parts

    def _next(self, url: str, target: str, seen: set[str]) -> str:
        new = urljoin(url, quote(target.strip(), safe=_SAFE))
        parts = _parts(new)
        if urlsplit(url).scheme == "https" and parts.scheme != "https":
            raise redirect("the server sends to an address that is not encrypted")
        if new in seen:
            raise redirect("the server sends in circles")
        seen.add(new)
        return new

    def _accept(self, answer: "Answer") -> "Answer":
        if answer.status in (200, 206, 416):
            return answer
        status, host, code = answer.status, answer.host, answer.header("X-Error-Code")
        wait = waiting_time(answer.header("Retry-After"), self.limits.asked)
        answer.close()
        if status in _WORTH_A_RETRY:
            busy = "is busy" if status == 429 else f"has a fault of its own ({status})"
            raise Hurdle(f"{host} {busy}", wait=wait)
        ours = host == _parts(self.endpoint).hostname
        raise refusal(status, code, host, ours=ours, has_token=bool(self.token))


class Answer:
    """The head of an answer, and its body to be read piece by piece.

    Attributes:
        status: 200, 206 or 416.
        host: that gave it.
        length: bytes of the body; None where the server does not say.
    """

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        sock: socket.socket,
        stop: Stop,
        host: str,
    ) -> None:
        self._connection, self._response, self._sock = connection, response, sock
        self._stop = stop
        self.status, self.host = response.status, host
        self.length = response.length
        self._left = response.length
        kind = self.header("Content-Encoding").strip().lower()
        if kind not in ("", "identity") and self.status in (200, 206):
            self.close()
            raise no_hub()

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        return self._response.headers.get(name, "") or ""

    def read(self, most: int) -> bytes:
        """The next bytes, at most `most`; empty at the end.

        Raises:
            Hurdle: the connection broke, or the body ended before its announced length.
            Cancelled: the stop was set.
        """
        if self._left is not None:
            most = min(most, self._left)
            if most == 0:
                return b""
        try:
            block = self._response.read1(most)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as fault:
            # ValueError and AttributeError: the socket was closed by `stop` in the midst of it.
            self._stop.check()
            raise Hurdle("the connection broke") from fault
        self._stop.check()
        if self._left is not None:
            if not block:
                raise Hurdle("the connection broke")
            self._left -= len(block)
        return block

    def close(self) -> None:
        self._stop.forget(self._sock)
        self._response.close()
        self._connection.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        good, parts = False, SplitResult("", "", "", "", "")
    if not good or any(ord(c) <= 32 or ord(c) > 126 for c in url):
        raise AppError("download-address", "The server's address cannot be used.")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def _request_line(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(further: Mapping[str, str]) -> dict[str, str]:
    return {
        "User-Agent": AGENT,
        "Accept": "*/*",
        # A packed body could not be taken up in the middle.
        "Accept-Encoding": "identity",
        "Connection": "close",
        **further,
    }


def _proxy_password(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(words.encode()).decode('ascii')}"}


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
