"""Tasks in the pool: results and errors arrive in the GUI thread."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.errors import AppError, Cancelled
from desktop_app.studio.background import Background

pytestmark = pytest.mark.gui


@pytest.fixture
def pool(qtbot: QtBot) -> Background:
    return Background(threads=1)


def test_the_result_arrives_in_the_gui_thread(pool: Background, qtbot: QtBot) -> None:
    found: list[tuple[int, int, int]] = []
    pool.run(
        lambda x: (x, threading.get_ident()),
        5,
        done=lambda value: found.append((*value, threading.get_ident())),
    )
    qtbot.waitUntil(lambda: bool(found))
    ((value, worker, receiver),) = found
    assert value == 5
    assert worker != receiver == threading.get_ident()


def test_a_known_error_arrives_as_it_is(pool: Background, qtbot: QtBot) -> None:
    error = AppError("why", "Because.")
    found: list[AppError] = []

    def work() -> None:
        raise error

    pool.run(work, failed=found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert found == [error]


def test_a_bug_is_logged_and_told(
    pool: Background, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    found: list[AppError] = []
    pool.failed.connect(found.append)
    pool.run(lambda: 1 / 0)
    qtbot.waitUntil(lambda: bool(found))
    assert (found[0].code, found[0].parameters["kind"]) == ("bug", "ZeroDivisionError")
    assert "division by zero" in caplog.text


def test_a_cancelled_task_says_nothing(pool: Background, qtbot: QtBot) -> None:
    said: list[object] = []

    def stop() -> None:
        raise Cancelled

    pool.run(stop, done=said.append, failed=said.append)
    pool.run(lambda: "last", done=said.append)
    qtbot.waitUntil(lambda: said == ["last"])


def test_one_thread_keeps_the_order(pool: Background, qtbot: QtBot) -> None:
    begun: list[int] = []
    ended: list[int] = []
    for i in range(50):
        pool.run(begun.append, i, done=lambda _, i=i: ended.append(i))
    qtbot.waitUntil(lambda: len(ended) == 50)
    assert begun == ended == list(range(50))


def test_close_finishes_the_writes_and_drops_the_results(pool: Background, qtbot: QtBot) -> None:
    gate = threading.Event()
    written: list[int] = []
    shown: list[object] = []
    pool.run(gate.wait, 10, done=shown.append)
    pool.run(written.append, 1, done=shown.append)
    gate.set()
    assert pool.close()
    assert written == [1]
    pool.run(written.append, 2)
    qtbot.wait(20)
    assert (written, shown) == ([1], [])


def test_close_gives_up_on_a_task_that_hangs(pool: Background) -> None:
    gate = threading.Event()
    pool.run(gate.wait, 20)
    assert not pool.close(10)
    gate.set()
    assert pool.close()
