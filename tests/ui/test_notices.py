"""Notices: how long they stay, what their button does, how many there are."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_app.studio.values import Notice
from desktop_app.ui.notices import MOST, Notices

pytestmark = pytest.mark.gui


@pytest.fixture
def notices(qtbot: QtBot) -> Iterator[Notices]:
    ground = QWidget()
    ground.resize(800, 600)
    qtbot.addWidget(ground)
    ground.show()
    yield Notices(ground)


def test_a_notice_goes_by_itself_and_an_error_stays(notices: Notices, qtbot: QtBot) -> None:
    notices.show_notice(Notice(text="bad", kind="bad", seconds=0.02))
    notices.show_notice(Notice(text="passing", seconds=0.02))
    qtbot.waitUntil(lambda: [card.notice.text for card in notices.cards] == ["bad"])
    notices.cards[0].close_button.click()
    assert notices.cards == ()
    assert not notices.isVisible()


def test_zero_seconds_means_until_dismissed(notices: Notices, qtbot: QtBot) -> None:
    notices.show_notice(Notice(text="stays", seconds=0))
    notices.show_notice(Notice(text="goes", seconds=0.02))
    qtbot.waitUntil(lambda: [card.notice.text for card in notices.cards] == ["stays"])


def test_the_action_is_done_once_and_takes_the_notice_away(notices: Notices) -> None:
    done: list[int] = []
    notices.show_notice(Notice(text="Moved.", action="Undo", act=lambda: done.append(1)))
    action = notices.cards[0].action
    assert action is not None
    action.click()
    assert done == [1]
    assert notices.cards == ()


def test_a_notice_without_an_action_has_no_button(notices: Notices) -> None:
    notices.show_notice(Notice(text="Moved."))
    assert notices.cards[0].action is None


def test_the_same_words_are_shown_once(notices: Notices) -> None:
    for _ in range(3):
        notices.show_notice(Notice(text="Copied the picture.", kind="ok"))
    assert len(notices.cards) == 1


def test_old_passing_notices_make_room_and_errors_do_not(notices: Notices) -> None:
    notices.show_notice(Notice(text="bad", kind="bad"))
    for i in range(MOST + 2):
        notices.show_notice(Notice(text=f"{i}"))
    texts = [card.notice.text for card in notices.cards]
    assert len(texts) == MOST
    assert texts[0] == "bad"
    assert texts[-1] == f"{MOST + 1}"


def test_long_words_wrap_inside_the_window(notices: Notices) -> None:
    notices.show_notice(Notice(text="a long story " * 40, kind="warn"))
    ground = notices.parentWidget()
    assert ground is not None
    assert ground.rect().contains(notices.geometry())
    card = notices.cards[0]
    assert card.label.height() >= card.label.heightForWidth(card.label.width())


def test_the_second_button_does_the_other_thing(notices: Notices) -> None:
    done: list[str] = []
    notices.show_notice(
        Notice(
            text="2 pictures were still waiting.",
            action="Continue",
            act=lambda: done.append("go on"),
            other="Forget",
            other_act=lambda: done.append("forget"),
        )
    )
    other = notices.cards[0].other
    assert other is not None
    assert other.text() == "Forget"
    other.click()
    assert done == ["forget"]
    assert notices.cards == ()


def test_notices_stay_above_the_pictures_while_those_are_seen(qtbot: QtBot) -> None:
    ground = QWidget()
    ground.resize(800, 600)
    strip = QWidget(ground)
    strip.setGeometry(200, 450, 500, 150)
    qtbot.addWidget(ground)
    ground.show()
    notices = Notices(ground, above=strip)
    notices.show_notice(Notice(text="Moved the picture to the trash.", seconds=0))
    assert notices.geometry().bottom() < 450
    assert abs(notices.geometry().center().x() - strip.geometry().center().x()) <= 1
    strip.move(200, 500)
    assert 450 < notices.geometry().bottom() < 500
    strip.hide()
    assert notices.geometry().bottom() > 500


def test_newer_words_on_a_topic_take_the_place_of_the_older(notices: Notices) -> None:
    stopped: list[int] = []

    def tell(text: str) -> None:
        notices.show_notice(
            Notice(
                text=text, action="Stop", act=lambda: stopped.append(1), seconds=0, topic="copy 1"
            )
        )

    tell("Copying … 1 %")
    notices.show_notice(Notice(text="Moved.", seconds=0))
    card = notices.cards[0]
    button = card.action
    tell("Copying … 2 %")
    assert [one.label.text() for one in notices.cards] == ["Copying … 2 %", "Moved."]
    assert notices.cards[0] is card, "a click that has begun still meets its button"
    assert card.action is button
    notices.show_notice(Notice(text="It is here.", kind="ok", seconds=0, topic="copy 1"))
    assert [one.notice.text for one in notices.cards] == ["Moved.", "It is here."]


def test_a_topic_that_was_closed_stays_closed_until_something_else_is_said(
    notices: Notices,
) -> None:
    for percent in (1, 2):
        notices.show_notice(Notice(text=f"Copying … {percent} %", seconds=0, topic="copy 1"))
        for card in notices.cards:
            card.close_button.click()
    assert notices.cards == ()
    notices.show_notice(Notice(text="Copying … 3 %", seconds=0, topic="copy 1"))
    assert notices.cards == ()
    notices.show_notice(Notice(text="Copying … 1 %", seconds=0, topic="copy 2"))
    notices.show_notice(Notice(text="It failed.", kind="bad", topic="copy 1"))
    assert [one.notice.text for one in notices.cards] == ["Copying … 1 %", "It failed."]
