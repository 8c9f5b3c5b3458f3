"""One file from the network to the disk, through every fault that a network has."""

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import AppError, Cancelled
from desktop_app.library import fetch_file as module
from desktop_app.library.fetch_disk import RESERVE
from desktop_app.library.fetch_file import Wanted, fetch_file
from desktop_app.library.fetch_stop import Stop, waiting_time
from desktop_app.library.hub import file_url
from tests.library import hub_server as server
from tests.library.hub_server import COMMIT, SWIFT, Fault, Hub, Stored, serve

pytestmark = pytest.mark.core

DATA = bytes(range(256)) * 40
NAME = "weights.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as running:
        running.put(NAME, DATA)
        yield running


def wanted(hub: Hub, path: str = NAME) -> Wanted:
    row = hub.files[path].listed
    return Wanted(
        url=file_url(hub.endpoint, hub.repo, COMMIT, path),
        size=row["size"],
        sha256=row["lfs"]["sha256"] if "lfs" in row else "",
        blob="" if "lfs" in row else row["blobId"],
    )


class Told:
    """What a transfer tells on its way."""

    def __init__(self) -> None:
        self.there = 0
        self.fresh = 0
        self.waits: list[tuple[str, float]] = []

    def count(self, change: int) -> None:
        self.there += change

    def came(self, count: int) -> None:
        self.fresh += count

    def waiting(self, sentence: str, seconds: float) -> None:
        if sentence and seconds:
            self.waits.append((sentence, seconds))


def fetch(hub: Hub, target: Path, told: Told | None = None, want: Wanted | None = None) -> None:
    """Fetch the file with a token set, so that every test would see it go astray."""
    told = told or Told()
    fetch_file(
        hub.net(token="hf_secret"),
        want or wanted(hub, target.name),
        target,
        Stop(),
        count=told.count,
        fresh=told.came,
        waiting=told.waiting,
    )


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_file_arrives(hub: Hub, tmp_path: Path) -> None:
    target, told = tmp_path / "deep" / NAME, Told()
    fetch(hub, target, told)
    assert target.read_bytes() == DATA
    assert leftovers(target) == []
    assert told.there == told.fresh == len(DATA)


def test_a_file_that_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(DATA)
    fetch(hub, tmp_path / NAME)
    assert hub.requests == []


def test_a_small_file_is_proved_by_its_name_in_git(hub: Hub, tmp_path: Path) -> None:
    hub.put("config.json", b'{"a": 1}', lfs=False)
    fetch(hub, tmp_path / "config.json")
    assert (tmp_path / "config.json").read_bytes() == b'{"a": 1}'
    hub.put("other.json", b'{"a": 1}', lfs=False)
    hub.faults["other.json"] = [server.other_bytes, server.other_bytes]
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / "other.json")
    assert caught.value.code == "download-damaged"


def test_an_empty_file_arrives(hub: Hub, tmp_path: Path) -> None:
    hub.put("empty.txt", b"", lfs=False)
    fetch(hub, tmp_path / "empty.txt")
    assert (tmp_path / "empty.txt").read_bytes() == b""


FAULTS: dict[str, Fault] = {
    "cut": server.cut_at(3000),
    "cut at once": server.cut_at(0),
    "500": server.status(500),
    "503 with a wait": server.status(503, Retry_After="0"),
    "429 with a wait": server.status(429, Retry_After="0"),
    "429 with a date": server.status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "chunked": server.chunked(),
    "silent": server.silent,
    "head byte by byte": server.drip_head,
    "body byte by byte": server.drip_body,
    "wrong bytes once": server.other_bytes,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_is_overcome(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.faults[NAME] = [FAULTS[name]]
    told = Told()
    fetch(hub, tmp_path / NAME, told)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert leftovers(tmp_path / NAME) == []
    assert told.there == len(DATA)


def test_what_came_before_a_break_is_not_fetched_twice(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.cut_at(3000), server.cut_at(2000)]
    told = Told()
    fetch(hub, tmp_path / NAME, told)
    ranges = [one.headers.get("Range") for one in hub.asked(NAME)]
    assert ranges == [None, "bytes=3000-", "bytes=5000-"]
    assert hub.asked(NAME)[1].headers["If-Range"] == hub.files[NAME].etag
    assert told.fresh == len(DATA)


FINAL: dict[str, tuple[Fault, str]] = {
    "log-in page": (server.page, "download-answer"),
    "packed": (server.packed, "download-answer"),
    "too long": (server.too_long, "download-changed"),
    "too long in chunks": (server.chunked(b"more"), "download-changed"),
    "401": (server.status(401), "download-token"),
    "no such file": (server.status(404, X_Error_Code="EntryNotFound"), "download-not-found"),
    "private": (server.status(401, X_Error_Code="RepoNotFound"), "download-not-found"),
    "gated": (server.status(403, X_Error_Code="GatedRepo"), "download-gated"),
    "gated without a code": (server.status(403), "download-gated"),
    "gone": (server.status(410), "download-not-found"),
    "451": (server.status(451), "download-refused"),
    "to nowhere": (server.redirect("ftp://example.invalid/x"), "download-address"),
    "to a password": (server.redirect("http://a:b@localhost/x"), "download-address"),
}


@pytest.mark.parametrize("name", FINAL)
def test_a_final_fault_is_told_and_leaves_no_file(hub: Hub, tmp_path: Path, name: str) -> None:
    fault, code = FINAL[name]
    hub.faults[NAME] = [fault]
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == code
    assert not (tmp_path / NAME).exists()
    assert "hf_secret" not in f"{caught.value} {caught.value.parameters}"
    assert len(hub.requests) == 1
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_fault_that_stays_is_told_after_some_tries(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.status(502)] * 10
    told = Told()
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME, told)
    assert caught.value.code == "download-network"
    assert len(hub.requests) == SWIFT.tries
    assert [seconds for _, seconds in told.waits] == [0.01, 0.02]


def test_breaks_that_bring_something_do_not_count_against_it(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.cut_at(1000)] * (SWIFT.tries + 3)
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_no_server_at_all_is_told(tmp_path: Path) -> None:
    with serve() as hub:
        hub.put(NAME, DATA)
        want = wanted(hub)
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME, want=want)
    assert caught.value.code == "download-network"


def test_a_wait_that_the_server_asks_for_is_kept(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.status(429, Retry_After="0.2")]
    told = Told()
    fetch(hub, tmp_path / NAME, told)
    assert told.waits == [("localhost is busy", 0.2)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("100000", 900.0),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("1e999", 900.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 900.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert waiting_time(header, 900.0) == seconds


def test_a_server_without_ranges_gives_it_anew(hub: Hub, tmp_path: Path) -> None:
    hub.files[NAME].ranges = False
    hub.faults[NAME] = [server.cut_at(3000)]
    told = Told()
    fetch(hub, tmp_path / NAME, told)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert told.there == len(DATA)
    assert told.fresh == len(DATA) + 3000


def test_a_wrong_range_is_not_glued_on(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.cut_at(3000), server.wrong_range]
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_416_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.cut_at(3000), server.status(416)]
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_file_that_changed_between_two_sessions_begins_anew(hub: Hub, tmp_path: Path) -> None:
    """The old part is dropped by If-Range, not glued to the new end and found wrong at the end."""
    hub.faults[NAME] = [server.cut_at(4000), server.status(404)]
    with pytest.raises(AppError):
        fetch(hub, tmp_path / NAME)
    assert (tmp_path / f"{NAME}.part").stat().st_size == 4000
    new = bytes(reversed(DATA))
    hub.put(NAME, new)
    told = Told()
    fetch(hub, tmp_path / NAME, told)
    assert (tmp_path / NAME).read_bytes() == new
    assert told.fresh == len(new)


def test_a_changed_mark_in_a_range_is_seen(hub: Hub, tmp_path: Path) -> None:
    """A server that ignores If-Range, and says by its ETag that the content is another."""

    def ignores(handler: server.Handler, stored: Stored) -> bool:
        headers = {"ETag": '"other"', "Content-Range": f"bytes 3000-{len(DATA) - 1}/{len(DATA)}"}
        handler.say(206, bytes(len(DATA) - 3000), headers)
        return True

    hub.faults[NAME] = [server.cut_at(3000), ignores]
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert [one.headers.get("Range") for one in hub.asked(NAME)] == [None, "bytes=3000-", None]


def test_wrong_bytes_twice_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.other_bytes, server.other_bytes]
    told = Told()
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME, told)
    assert caught.value.code == "download-damaged"
    assert not (tmp_path / NAME).exists()
    assert (tmp_path / f"{NAME}.part").stat().st_size == 0
    assert told.there == 0


def test_a_part_of_someone_else_is_found_wrong(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(bytes(5000))
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_part_that_is_too_long_begins_anew(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(DATA + b"more")
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_whole_part_needs_no_request(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(DATA)
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert hub.requests == []


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are not followed on POSIX only")
def test_a_part_that_is_a_link_is_not_written_through(hub: Hub, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"mine")
    (tmp_path / f"{NAME}.part").symlink_to(treasure)
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == "download-folder"
    assert treasure.read_bytes() == b"mine"


@pytest.mark.parametrize("mark", ["not json", '{"etag": 5}', '{"etag": "W/\\"weak\\""}', "[]"])
def test_an_odd_mark_does_no_harm(hub: Hub, tmp_path: Path, mark: str) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(DATA[:2000])
    (tmp_path / f"{NAME}.part.json").write_text(mark)
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert "If-Range" not in hub.requests[0].headers


def test_the_token_goes_to_the_hub_alone(hub: Hub, tmp_path: Path) -> None:
    with serve() as storage:
        storage.put(NAME, DATA)
        target = file_url(storage.endpoint, storage.repo, COMMIT, NAME)
        hub.faults[NAME] = [server.redirect(f"{target}?signature=abc")]
        storage.faults[NAME] = [server.cut_at(100)]
        hub.faults[NAME].append(server.redirect(target))
        fetch(hub, tmp_path / NAME)
    assert [one.headers.get("Authorization") for one in hub.requests] == ["Bearer hf_secret"] * 2
    assert storage.requests
    for one in storage.requests:
        assert "Authorization" not in one.headers
        assert "hf_secret" not in f"{one.path} {one.headers}"
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_store_that_refuses_is_not_taken_for_the_hub(hub: Hub, tmp_path: Path) -> None:
    """A 403 of a store is a link that ran out, and no licence to accept."""
    hub.faults[NAME] = [server.redirect(f"http://127.0.0.1:{hub.endpoint.rpartition(':')[2]}/x")]
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == "download-refused"


def test_redirects_in_a_circle_end(hub: Hub, tmp_path: Path) -> None:
    url = wanted(hub).url
    hub.faults[NAME] = [server.redirect(url)] * 5
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == "download-redirect"
    assert len(hub.requests) == 1


def test_redirects_without_end_end(hub: Hub, tmp_path: Path) -> None:
    url = wanted(hub).url
    hub.faults[NAME] = [server.redirect(f"{url}?{i}") for i in range(50)]
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == "download-redirect"
    assert len(hub.requests) == SWIFT.redirects + 1


def test_no_step_down_from_an_encrypted_connection(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.CERTIFICATE))
    with serve(tls=True) as secure:
        secure.put(NAME, DATA)
        fetch(secure, tmp_path / NAME)
        assert (tmp_path / NAME).read_bytes() == DATA
        secure.put("other.bin", DATA)
        secure.faults["other.bin"] = [server.redirect(wanted(hub).url)]
        with pytest.raises(AppError) as caught:
            fetch(secure, tmp_path / "other.bin")
    assert caught.value.code == "download-redirect"
    assert hub.requests == []


def test_a_server_that_cannot_prove_itself_is_not_used(tmp_path: Path) -> None:
    with serve(tls=True) as secure:
        secure.put(NAME, DATA)
        with pytest.raises(AppError) as caught:
            fetch(secure, tmp_path / NAME)
    assert caught.value.code == "download-certificate"
    assert secure.requests == []


def test_a_proxy_is_used_and_told_its_own_password_only(hub: Hub, tmp_path: Path) -> None:
    """The test server stands in for the proxy: it takes the whole address as its path."""
    port = hub.endpoint.rpartition(":")[2]
    net = replace(
        hub.net(token="hf_secret"),
        endpoint="http://models.invalid",
        proxies={"http": f"http://me:pass%21@localhost:{port}"},
    )
    want = replace(wanted(hub), url=f"http://models.invalid/{hub.repo}/resolve/{COMMIT}/{NAME}")
    with pytest.raises(AppError):
        fetch_file(net, want, tmp_path / NAME, Stop(), count=lambda _: None)
    asked = hub.requests[0]
    assert asked.path == want.url
    assert asked.headers["Proxy-Authorization"] == "Basic bWU6cGFzcyE="
    assert asked.headers["Host"] == "models.invalid"


def test_an_unknown_proxy_is_told(hub: Hub, tmp_path: Path) -> None:
    net = replace(hub.net(), proxies={"http": "socks5://localhost:1"})
    with pytest.raises(AppError) as caught:
        fetch_file(net, wanted(hub), tmp_path / NAME, Stop(), count=lambda _: None)
    assert caught.value.code == "download-proxy"


def test_a_refused_tunnel_is_told(hub: Hub, tmp_path: Path) -> None:
    port = hub.endpoint.rpartition(":")[2]
    net = replace(hub.net(), proxies={"https": f"http://localhost:{port}"})
    want = replace(wanted(hub), url="https://models.invalid/x")
    with pytest.raises(AppError) as caught:
        fetch_file(net, want, tmp_path / NAME, Stop(), count=lambda _: None)
    assert caught.value.code == "download-proxy"


def test_a_stop_reaches_through_a_silent_server(hub: Hub, tmp_path: Path) -> None:
    hub.faults[NAME] = [server.silent]
    stop, limits = Stop(), replace(SWIFT, silence=30.0, head=30.0, window=30.0)
    ended: list[BaseException] = []

    def work() -> None:
        try:
            fetch_file(
                hub.net(limits=limits), wanted(hub), tmp_path / NAME, stop, count=lambda _: None
            )
        except (Cancelled, AppError) as fault:
            ended.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    part = tmp_path / f"{NAME}.part"
    while not part.exists() or not part.stat().st_size:
        threading.Event().wait(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(ended[0], Cancelled)
    assert part.read_bytes() == DATA[: len(DATA) // 2]
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_full_disk_keeps_what_is_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up in the midst of it, and has room again later."""
    write = module.Part.write
    room = [4000]

    def full(part: module.Part, block: bytes) -> None:
        if part.size + len(block) > room[0]:
            write(part, block[: room[0] - part.size])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(part, block)

    with monkeypatch.context() as patch:
        patch.setattr(module.Part, "write", full)
        with pytest.raises(AppError) as caught:
            fetch(hub, tmp_path / NAME)
    assert caught.value.code == "disk-full"
    assert (tmp_path / f"{NAME}.part").stat().st_size == 4000
    fetch(hub, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert hub.requests[-1].headers["Range"] == "bytes=4000-"


def test_a_disk_that_is_almost_full_is_left_alone(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=RESERVE))
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME)
    assert caught.value.code == "disk-full"
    assert caught.value.parameters["wanted"] == len(DATA)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_written_is_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    want = wanted(hub)
    monkeypatch.setattr(module.os, "open", refuse)
    with pytest.raises(AppError) as caught:
        fetch(hub, tmp_path / NAME, want=want)
    assert caught.value.code == "download-folder"
    assert str(tmp_path) in caught.value.sentence
