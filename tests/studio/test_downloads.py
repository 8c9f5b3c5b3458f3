"""Downloads as the window sees them: real threads, a real server on this machine."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from desktop_app.errors import AppError
from desktop_app.library.fetch_net import Limits
from desktop_app.library.fetch_order import INCOMING
from desktop_app.library.hub import Offer
from desktop_app.library.hub_token import read_token
from desktop_app.paths import resolve
from desktop_app.studio.background import Background
from desktop_app.studio.downloads import Download, Downloads, DownloadState
from desktop_app.studio.hub_desk import HubDesk
from desktop_app.studio.settings_holder import SettingsHolder
from tests.library import hub_server as server
from tests.library.hub_server import SWIFT, Handler, Hub, Stored, serve

pytestmark = pytest.mark.gui

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as running:
        running.put("model_index.json", b"{}", lfs=False)
        running.put("unet/config.json", b"{}", lfs=False)
        running.put(UNET, bytes(range(256)) * 200)
        yield running


class Desk:
    """Downloads into a folder, and what they told."""

    def __init__(self, downloads: Downloads, bot: QtBot, models: Path) -> None:
        self.downloads, self.bot, self.models = downloads, bot, models
        self.offers: list[Offer] = []
        self.refusals: list[AppError] = []
        self.arrived: list[Download] = []
        self.errors: list[AppError] = []
        self.unfinished: list[int] = []
        downloads.hub.looked.connect(self.offers.append)
        downloads.hub.look_failed.connect(self.refusals.append)
        downloads.arrived.connect(self.arrived.append)
        downloads.failed.connect(self.errors.append)
        downloads.found_unfinished.connect(self.unfinished.append)
        self.tester = QAbstractItemModelTester(
            downloads, QAbstractItemModelTester.FailureReportingMode.Fatal
        )

    def until(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=15_000)

    def look(self, text: str = "maker/model") -> Offer:
        count = len(self.offers)
        self.downloads.hub.look_up(text)
        self.until(lambda: len(self.offers) > count)
        return self.offers[-1]

    def order(self, number: int = 0) -> str:
        """Order a pick; the row's id."""
        count = len(self.downloads.rows)
        offer = self.look()
        self.downloads.order(offer, offer.picks[number])
        self.until(lambda: len(self.downloads.rows) > count)
        return self.downloads.rows[-1].id

    def state(self, number: str) -> DownloadState | None:
        return next((one.state for one in self.downloads.rows if one.id == number), None)


@pytest.fixture
def open_desk(qtbot: QtBot, hub: Hub, home: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []
    places = resolve()

    def make(limits: Limits = SWIFT) -> Desk:
        disk = Background()
        settings = SettingsHolder(places.settings_file, disk)
        settings.set(hub_mirror=hub.endpoint)
        hub_desk = HubDesk(settings, places.hub_token, limits=limits)
        downloads = Downloads(hub_desk, places.models)
        hub_desk.setParent(downloads)
        disk.setParent(downloads)
        settings.setParent(downloads)
        desks.append(Desk(downloads, qtbot, places.models))
        return desks[-1]

    yield make
    for desk in desks:
        desk.downloads.stop()
        desk.downloads.deleteLater()


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


def test_nothing_is_asked_before_the_artist_asks(desk: Desk, hub: Hub) -> None:
    desk.downloads.start()
    desk.bot.wait(50)
    assert hub.requests == []


def test_a_model_is_looked_up_and_arrives(desk: Desk, hub: Hub) -> None:
    offer = desk.look()
    assert not desk.downloads.hub.looking
    assert offer.picks[0].size == sum(len(one.data) for one in hub.files.values())
    number = desk.order()
    desk.until(lambda: desk.arrived)
    assert desk.state(number) == "done"
    assert desk.arrived[0].target == desk.models / "maker--model"
    assert (desk.models / "maker--model" / UNET).read_bytes() == hub.files[UNET].data
    assert desk.downloads.rows[0].progress.done == offer.picks[0].size
    assert desk.downloads.active == 0
    desk.downloads.cancel(number)
    assert desk.downloads.rows == ()
    assert (desk.models / "maker--model" / UNET).exists()


def test_an_odd_address_is_refused_at_once(desk: Desk, hub: Hub) -> None:
    with pytest.raises(AppError):
        desk.downloads.hub.look_up("fox")
    assert not desk.downloads.hub.looking
    assert hub.requests == []


def test_a_look_that_fails_is_told(desk: Desk, hub: Hub) -> None:
    desk.downloads.hub.look_up("maker/other")
    assert desk.downloads.hub.looking
    desk.until(lambda: desk.refusals)
    assert desk.refusals[0].code == "download-not-found"
    assert not desk.downloads.hub.looking


def test_only_the_last_look_is_told(desk: Desk, hub: Hub) -> None:
    desk.downloads.hub.look_up("maker/other")
    desk.look()
    desk.bot.wait(50)
    assert desk.refusals == []
    assert len(desk.offers) == 1


def stall(hub: Hub) -> None:
    hub.faults[UNET] = [server.silent] * 3


def test_pause_and_go_on(desk: Desk, hub: Hub) -> None:
    stall(hub)
    number = desk.order()
    half = len(hub.files[UNET].data) // 2
    desk.until(lambda: desk.downloads.rows[0].progress.done >= half)
    desk.downloads.pause(number)
    desk.until(lambda: desk.state(number) == "paused")
    assert desk.downloads.rows[0].progress.done >= half
    hub.faults.clear()
    desk.downloads.resume(number)
    desk.until(lambda: desk.state(number) == "done")
    assert hub.asked(UNET)[-1].headers["Range"] == f"bytes={half}-"


def test_cancel_takes_everything_away(desk: Desk, hub: Hub) -> None:
    stall(hub)
    number = desk.order()
    desk.until(lambda: desk.downloads.rows[0].progress.done > 4)
    desk.downloads.cancel(number)
    desk.until(lambda: not desk.downloads.rows)
    desk.until(lambda: not (desk.models / INCOMING).exists())


def test_a_failed_one_says_why_and_can_go_on(desk: Desk, hub: Hub) -> None:
    hub.faults[UNET] = [server.status(403, X_Error_Code="GatedRepo")]
    number = desk.order()
    desk.until(lambda: desk.state(number) == "failed")
    assert "accept its licence" in desk.downloads.rows[0].error
    assert desk.errors[0].code == "download-gated"
    desk.downloads.resume(number)
    desk.until(lambda: desk.state(number) == "done")
    assert desk.downloads.rows[0].error == ""


def test_two_run_and_the_third_waits_for_its_turn(open_desk: Callable[..., Desk], hub: Hub) -> None:
    desk = open_desk(replace(SWIFT, silence=30.0, head=30.0, window=30.0))
    go_on = threading.Event()

    def hold(handler: Handler, stored: Stored) -> bool:
        go_on.wait(30)
        return False

    for name in ("a", "b", "c"):
        hub.put(f"{name}.safetensors", name.encode())
        hub.faults[f"{name}.safetensors"] = [hold]
    numbers = [desk.order(number) for number in (1, 2, 3)]
    desk.until(lambda: desk.state(numbers[1]) == "running")
    assert [desk.state(one) for one in numbers] == ["running", "running", "waiting"]
    assert desk.downloads.active == 3
    desk.downloads.pause(numbers[2])
    assert desk.state(numbers[2]) == "paused"
    desk.downloads.resume(numbers[2])
    assert desk.state(numbers[2]) == "waiting"
    go_on.set()
    desk.until(lambda: [desk.state(one) for one in numbers] == ["done"] * 3)
    assert len({one.target for one in desk.downloads.rows}) == 3


def test_what_was_begun_goes_on_when_it_is_asked_for_again(desk: Desk, hub: Hub) -> None:
    hub.faults[UNET] = [server.status(404)]
    number = desk.order()
    desk.until(lambda: desk.state(number) == "failed")
    offer = desk.look()
    desk.downloads.order(offer, offer.picks[0])
    desk.until(lambda: desk.state(number) == "done")
    assert len(desk.downloads.rows) == 1


def test_the_same_model_twice_has_two_places(desk: Desk, hub: Hub) -> None:
    first = desk.order()
    desk.until(lambda: desk.state(first) == "done")
    second = desk.order()
    desk.until(lambda: desk.state(second) == "done")
    assert len({one.target for one in desk.downloads.rows}) == 2


def test_a_restart_lists_what_is_not_whole_and_asks_for_nothing(
    open_desk: Callable[..., Desk], hub: Hub
) -> None:
    first = open_desk()
    stall(hub)
    number = first.order()
    half = len(hub.files[UNET].data) // 2
    first.until(lambda: first.downloads.rows[0].progress.done >= half)
    first.downloads.stop()
    hub.faults.clear()
    hub.requests.clear()
    second = open_desk()
    second.downloads.start()
    second.until(lambda: second.unfinished == [1])
    assert second.state(number) == "paused"
    second.until(lambda: second.downloads.rows[0].progress.done >= half)
    assert hub.requests == []
    second.downloads.resume_all()
    second.until(lambda: second.state(number) == "done")
    assert hub.asked(UNET)[0].headers["Range"] == f"bytes={half}-"


def test_the_token_is_for_the_server_it_was_given_for(desk: Desk, hub: Hub) -> None:
    desk.downloads.hub.set_token("hf_secret")
    assert desk.downloads.hub.has_token
    desk.look()
    assert hub.requests[-1].headers["Authorization"] == "Bearer hf_secret"
    with serve() as other:
        other.put("x.safetensors", b"x")
        desk.downloads.hub.set_mirror(other.endpoint)
        assert not desk.downloads.hub.has_token
        desk.look()
        assert "Authorization" not in other.requests[-1].headers
    with pytest.raises(AppError):
        desk.downloads.hub.set_mirror("http://example.com")
    assert read_token(resolve().hub_token, hub.endpoint) == "hf_secret"


def test_a_stop_in_the_midst_of_a_look_ends_at_once(desk: Desk, hub: Hub) -> None:
    def hang(handler: Handler, stored: Stored) -> bool:
        handler.connection.recv(1)
        handler.close_connection = True
        return True

    hub.api_faults = [hang]
    desk.downloads.hub.look_up("maker/model")
    desk.until(lambda: hub.requests)
    desk.downloads.hub.cancel_look()
    assert not desk.downloads.hub.looking
    desk.look()
    assert desk.refusals == []
