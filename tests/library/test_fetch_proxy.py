"""A download through a proxy that sees nothing but the name of the host."""

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from desktop_app.library.fetch_file import Wanted, fetch_file
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub import file_url
from tests.library import hub_server
from tests.library.hub_server import COMMIT, serve

pytestmark = pytest.mark.core


@dataclass
class Proxy:
    """Lets CONNECT through to this machine.

    Attributes:
        heard: the head of every request.
        passed: the bytes that went through, both ways.
    """

    port: int = 0
    heard: list[bytes] = field(default_factory=list[bytes])
    passed: bytearray = field(default_factory=bytearray)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    listener = socket.create_server(("127.0.0.1", 0))
    made.port = listener.getsockname()[1]

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=relay, args=(listener.accept()[0], made)).start()

    thread = threading.Thread(target=answer)
    thread.start()
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def relay(client: socket.socket, proxy: Proxy) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    proxy.heard.append(head)
    port = int(head.split()[1].rpartition(b":")[2])
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        both = selectors.DefaultSelector()
        both.register(client, selectors.EVENT_READ, server)
        both.register(server, selectors.EVENT_READ, client)
        with contextlib.suppress(OSError):
            while True:
                for key, _ in both.select(10):
                    data = key.fileobj.recv(65536)  # pyright: ignore[reportAttributeAccessIssue]
                    if not data:
                        return
                    proxy.passed += data
                    key.data.sendall(data)


def test_a_file_comes_through_a_tunnel(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(hub_server.CERTIFICATE))
    data = os.urandom(200_000)
    with serve(tls=True) as hub:
        row = hub.put("x.safetensors", data).listed
        net = replace(
            hub.net(token="hf_secret"), proxies={"https": f"http://me:pass@localhost:{proxy.port}"}
        )
        wanted = Wanted(
            url=file_url(hub.endpoint, hub.repo, COMMIT, "x.safetensors"),
            size=row["size"],
            sha256=row["lfs"]["sha256"],
        )
        fetch_file(net, wanted, tmp_path / "x.safetensors", Stop(), count=lambda _: None)
        assert hub.requests[0].headers["Authorization"] == "Bearer hf_secret"
        assert "Proxy-Authorization" not in hub.requests[0].headers
    assert (tmp_path / "x.safetensors").read_bytes() == data
    assert proxy.heard[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic bWU6cGFzcw==" in proxy.heard[0]
    assert b"hf_secret" not in proxy.heard[0] + bytes(proxy.passed)
