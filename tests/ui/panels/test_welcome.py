"""The empty canvas: its prompts stay whole in any size."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from desktop_app.ui.welcome import MOST, Welcome
from tests.ui.panels.conftest import Scene

pytestmark = pytest.mark.gui


@pytest.fixture
def welcome(scene: Scene) -> Iterator[Welcome]:
    """The welcome of a studio with the built-in model, large."""
    scene.start()
    window = QWidget()
    made = Welcome(scene.studio.library, window)
    made.resize(900, 800)
    scene.show(window, 1000, 900)
    yield made


def seen(welcome: Welcome) -> list[QPushButton]:
    return [one for one in welcome.buttons() if one.isVisible()]


def test_all_prompts_are_there_where_there_is_room(welcome: Welcome) -> None:
    assert len(seen(welcome)) == MOST
    assert len({one.x() for one in seen(welcome)}) == 2


@pytest.mark.parametrize("size", [(636, 396), (420, 700), (420, 420), (380, 300), (900, 240)])
def test_prompts_give_way_and_are_never_cut(
    welcome: Welcome, scene: Scene, size: tuple[int, int]
) -> None:
    welcome.resize(*size)
    columns = 2 if size[0] > 440 else 1
    scene.until(lambda: whole(welcome) and len({one.x() for one in seen(welcome)}) == columns)
    welcome.resize(900, 800)
    scene.until(lambda: whole(welcome) and len(seen(welcome)) == MOST)


def test_a_picture_that_waits_for_the_engine_is_told(welcome: Welcome) -> None:
    words = welcome.findChildren(QLabel)
    before = [one.text() for one in words]
    welcome.set_waiting(2)
    assert any("2 pictures are made as soon as" in one.text() for one in words)
    welcome.set_waiting(0)
    assert [one.text() for one in words] == before


def test_a_model_without_examples_offers_nothing_to_click(scene: Scene) -> None:
    window = QWidget()
    welcome = Welcome(scene.studio.library, window)
    assert welcome.buttons() == []
    assert not any("click" in one.text() for one in welcome.findChildren(QLabel))
    scene.bot.addWidget(window)


def whole(welcome: Welcome) -> bool:
    """Whether the prompts that are seen lie inside, beside each other, with all their words."""
    there = seen(welcome)
    places = [QRect(one.mapTo(welcome, QPoint()), one.size()) for one in there]
    return bool(places) and all(
        welcome.rect().contains(place)
        and place.height() >= there[at].heightForWidth(place.width())
        and not any(place.intersects(other) for other in places[at + 1 :])
        for at, place in enumerate(places)
    )
