"""Downloads as a whole: side by side, paused, killed, moved in."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop_app.errors import AppError, Cancelled
from desktop_app.library import fetch, fetch_disk
from desktop_app.library.fetch import Transfer
from desktop_app.library.fetch_order import (
    INCOMING,
    Order,
    bytes_here,
    drop_order,
    keep_order,
    kept_orders,
    make_order,
    sweep,
)
from desktop_app.library.fetch_rate import Rate
from desktop_app.library.fetch_stop import Stop
from desktop_app.library.hub import look
from desktop_app.library.hub_address import parse_address
from desktop_app.library.hub_files import RemoteFile
from tests.library import files
from tests.library import hub_server as server
from tests.library.hub_server import COMMIT, Handler, Hub, Stored, serve

pytestmark = pytest.mark.core

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as running:
        fill(running)
        yield running


def fill(hub: Hub) -> None:
    """A pipeline of four files."""
    hub.put("model_index.json", b'{"_class_name": "StableDiffusionPipeline"}', lfs=False)
    hub.put("unet/config.json", b"{}", lfs=False)
    hub.put(UNET, bytes(range(256)) * 200)
    hub.put("vae/config.json", b"{ }", lfs=False)
    hub.put("vae/diffusion_pytorch_model.safetensors", b"vae" * 5000)
    hub.put("README.md", b"# a model", lfs=False)


def order_of(hub: Hub, models: Path, number: int = 0) -> Order:
    offer = look(hub.net(), parse_address(hub.repo), Stop())
    order = make_order(offer, offer.picks[number])
    keep_order(order, models)
    return order


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_pipeline_arrives_as_a_folder(hub: Hub, tmp_path: Path) -> None:
    order = order_of(hub, tmp_path)
    transfer = Transfer(order, tmp_path, hub.net())
    target = transfer.run()
    assert target == tmp_path / "maker--model"
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {
        "mezzotint.json",
        "model_index.json",
        "unet/config.json",
        UNET,
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    }
    assert (target / UNET).read_bytes() == hub.files[UNET].data
    assert json.loads((target / "mezzotint.json").read_bytes())["commit"] == COMMIT
    assert transfer.progress().done == order.size == transfer.progress().total
    assert transfer.progress().files_done == 5
    assert kept_orders(tmp_path) == ()
    assert not (tmp_path / INCOMING).exists()


def test_a_single_file_arrives_under_a_name_that_says_something(hub: Hub, tmp_path: Path) -> None:
    hub.files.clear()
    data = files.write_shapes(tmp_path / "x", files.kohya([("lora_unet_a", 8, 8)])).read_bytes()
    hub.put("pytorch_lora_weights.safetensors", data)
    hub.card = {"instance_prompt": "a TOK fox", "license": "mit"}
    models = tmp_path / "models"
    target = Transfer(order_of(hub, models), models, hub.net()).run()
    assert target == models / "loras" / "model.safetensors"
    assert target.read_bytes() == data
    note = json.loads(target.with_suffix(".json").read_bytes())
    assert note["activation text"] == "a TOK fox"
    assert note["description"] == "From maker/model on Hugging Face, commit a1b2c3d4. Licence: MIT."


def test_a_name_that_is_taken_is_never_replaced(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "maker--model").mkdir()
    (tmp_path / "maker--model" / "mine.txt").write_text("mine")
    first = Transfer(order_of(hub, tmp_path), tmp_path, hub.net()).run()
    second = Transfer(order_of(hub, tmp_path), tmp_path, hub.net()).run()
    assert first.name == f"maker--model--{COMMIT[:8]}"
    assert second.name == f"maker--model--{COMMIT[:8]}-2"
    assert (tmp_path / "maker--model" / "mine.txt").read_text() == "mine"


def test_nothing_is_seen_among_the_models_before_it_is_whole(hub: Hub, tmp_path: Path) -> None:
    hub.faults[UNET] = [server.status(404)]
    order = order_of(hub, tmp_path)
    with pytest.raises(AppError):
        Transfer(order, tmp_path, hub.net()).run()
    assert [path.name for path in tmp_path.iterdir()] == [INCOMING]
    assert kept_orders(tmp_path) == (order,)


def test_files_come_side_by_side_but_not_all_at_once(hub: Hub, tmp_path: Path) -> None:
    hub.files.clear()
    hub.put("model_index.json", b"{}", lfs=False)
    meet = threading.Barrier(2)

    def together(handler: Handler, stored: Stored) -> bool:
        meet.wait(10)
        time.sleep(0.05)
        return False

    for i in range(6):
        path = f"part{i}/model.safetensors"
        hub.put(path, bytes([i]) * 3000)
        hub.faults[path] = [together]
    Transfer(order_of(hub, tmp_path), tmp_path, hub.net(), side_by_side=2).run()
    assert hub.most_active == 2


def test_one_refused_file_ends_the_others_and_is_what_is_told(hub: Hub, tmp_path: Path) -> None:
    reached = threading.Event()

    def refuse(handler: Handler, stored: Stored) -> bool:
        reached.wait(10)
        return server.status(403, X_Error_Code="GatedRepo")(handler, stored)

    def slow(handler: Handler, stored: Stored) -> bool:
        reached.set()
        return server.silent(handler, stored)

    hub.faults["vae/diffusion_pytorch_model.safetensors"] = [refuse]
    hub.faults[UNET] = [slow]
    with pytest.raises(AppError) as caught:
        Transfer(order_of(hub, tmp_path), tmp_path, hub.net()).run()
    assert caught.value.code == "download-gated"
    assert "Accept the licence" in caught.value.hint


def test_pause_and_go_on(hub: Hub, tmp_path: Path) -> None:
    hub.faults[UNET] = [server.silent]
    order = order_of(hub, tmp_path)
    first = Transfer(order, tmp_path, hub.net())
    ended: list[BaseException] = []

    def work() -> None:
        try:
            first.run()
        except (Cancelled, AppError) as fault:
            ended.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    half = len(hub.files[UNET].data) // 2
    others = order.size - len(hub.files[UNET].data)
    until(lambda: first.progress().done == half + others)
    first.pause()
    thread.join(10)
    assert isinstance(ended[0], Cancelled)
    assert bytes_here(order, tmp_path) == half + others
    second = Transfer(order, tmp_path, hub.net())
    assert second.run() == tmp_path / "maker--model"
    assert hub.asked(UNET)[-1].headers["Range"] == f"bytes={half}-"
    assert second.progress().done == order.size


def test_progress_counts_what_was_here_before(hub: Hub, tmp_path: Path) -> None:
    order = order_of(hub, tmp_path)
    place = tmp_path / INCOMING / order.id / "files" / "unet"
    place.mkdir(parents=True)
    (place / "diffusion_pytorch_model.safetensors.part").write_bytes(b"wrong")
    transfer = Transfer(order, tmp_path, hub.net())
    transfer.run()
    assert transfer.progress().done == order.size


def test_a_waiting_server_is_told_of(hub: Hub, tmp_path: Path) -> None:
    hub.faults[UNET] = [server.status(429, Retry_After="0.4")]
    transfer = Transfer(order_of(hub, tmp_path), tmp_path, hub.net())
    thread = threading.Thread(target=transfer.run)
    thread.start()
    until(lambda: transfer.progress().waiting == "localhost is busy")
    thread.join(10)
    assert transfer.progress().waiting == ""


def test_too_little_room_is_told_before_anything_is_asked(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = order_of(hub, tmp_path)
    hub.requests.clear()
    usage = fetch_disk.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(fetch_disk.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(AppError) as caught:
        Transfer(order, tmp_path, hub.net()).run()
    assert caught.value.code == "disk-full"
    assert hub.requests == []


def test_an_order_is_dropped_with_all_that_came(hub: Hub, tmp_path: Path) -> None:
    order = order_of(hub, tmp_path)
    hub.faults[UNET] = [server.status(404)]
    with pytest.raises(AppError):
        Transfer(order, tmp_path, hub.net()).run()
    drop_order(order, tmp_path)
    drop_order(order, tmp_path)
    assert list(tmp_path.iterdir()) == []


ODD = [
    b"",
    b"[]",
    b"{",
    b'{"files": []}',
    b'{"title": 1, "repo": "a/b", "commit": "c", "licence": "", "words": "", "began": 1}',
]


@pytest.mark.parametrize("data", ODD)
def test_what_is_no_order_is_left_alone(tmp_path: Path, data: bytes) -> None:
    place = tmp_path / INCOMING / "odd"
    place.mkdir(parents=True)
    (place / "order.json").write_bytes(data)
    assert kept_orders(tmp_path) == ()
    assert (place / "order.json").read_bytes() == data


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "C:x", "a\\b", "con.json"])
def test_an_order_that_would_leave_its_folder_is_none(tmp_path: Path, path: str) -> None:
    order = Order(
        id="x",
        title="x",
        repo="a/b",
        commit=COMMIT,
        licence="",
        files=((RemoteFile(path="a.safetensors", size=1, sha256="0" * 64), path),),
        folder=False,
    )
    keep_order(order, tmp_path)
    assert kept_orders(tmp_path) == ()


def test_an_order_comes_back_as_it_was(hub: Hub, tmp_path: Path) -> None:
    orders = [order_of(hub, tmp_path), order_of(hub, tmp_path)]
    assert list(kept_orders(tmp_path)) == orders


KILLED = """
import sys
from pathlib import Path
from desktop_app.library.fetch import Transfer
from desktop_app.library.fetch_order import kept_orders
from desktop_app.library.fetch_net import Net
endpoint, models = sys.argv[1], Path(sys.argv[2])
Transfer(kept_orders(models)[0], models, Net(endpoint=endpoint, proxies={})).run()
"""


def test_a_killed_program_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    """kill -9 three times in the midst of it; every byte is sent once."""
    data = os.urandom(400_000)
    hub.put(UNET, data)
    order = order_of(hub, tmp_path)
    part = tmp_path / INCOMING / order.id / "files" / f"{UNET}.part"

    def stall(count: int) -> server.Fault:
        def fault(handler: Handler, stored: Stored) -> bool:
            start = handler.wanted_start(stored)
            handler.send_response(206 if start else 200)
            handler.send_header("ETag", stored.etag)
            handler.send_header("Content-Length", str(len(data) - start))
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            handler.end_headers()
            handler.wfile.write(data[start : start + count])
            until(lambda: handler.connection.recv(1) == b"")
            handler.close_connection = True
            return True

        return fault

    hub.faults[UNET] = [stall(100_000)] * 3
    command = [sys.executable, "-c", KILLED, hub.endpoint, str(tmp_path)]
    for turn in (1, 2, 3):
        child = subprocess.Popen(command, cwd=server.CERTIFICATE.parents[2])
        until(lambda n=turn: part.exists() and part.stat().st_size == n * 100_000)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert kept_orders(tmp_path) == (order,)
    subprocess.run(command, cwd=server.CERTIFICATE.parents[2], check=True, timeout=60)
    assert (tmp_path / "maker--model" / UNET).read_bytes() == data
    ranges = [one.headers.get("Range") for one in hub.asked(UNET)]
    assert ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]
    assert not (tmp_path / INCOMING).exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_kill_after_the_move_does_not_fetch_it_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    hub.put("vae.safetensors", b"vae" * 100)
    order = order_of(hub, tmp_path, number)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetch, "drop_order", die)
        with pytest.raises(KeyboardInterrupt):
            Transfer(order, tmp_path, hub.net()).run()
    hub.requests.clear()
    target = Transfer(order, tmp_path, hub.net()).run()
    assert target.exists()
    assert hub.requests == []
    assert kept_orders(tmp_path) == ()


def test_two_that_end_together_have_two_places(hub: Hub, tmp_path: Path) -> None:
    orders = [order_of(hub, tmp_path) for _ in range(4)]
    targets: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda o=one: targets.append(Transfer(o, tmp_path, hub.net()).run())
        )
        for one in orders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(targets)) == 4
    assert all((target / UNET).exists() for target in targets)


def test_what_a_kill_left_of_an_order_is_swept(hub: Hub, tmp_path: Path) -> None:
    order = order_of(hub, tmp_path)
    empty = tmp_path / INCOMING / "half"
    empty.mkdir()
    (empty / ".0123.part").write_bytes(b"{")
    valuable = tmp_path / INCOMING / "other"
    (valuable / "files").mkdir(parents=True)
    sweep(tmp_path)
    assert kept_orders(tmp_path) == (order,)
    assert not empty.exists()
    assert valuable.exists()


def test_the_rate_forgets_what_was_long_ago() -> None:
    rate = Rate()
    assert rate.value(0.0) == 0.0
    for second in range(10):
        rate.add(float(second), 1000)
    assert rate.value(9.0) == pytest.approx(9000 / 8)
    assert rate.value(100.0) == 0.0
