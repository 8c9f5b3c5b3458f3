"""Notices at the bottom of the window: what happened and what can be done, never a box to close."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop_app.studio.values import Notice
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton
from desktop_app.ui.icons import pixmap

MOST = 4
"""Notices seen at once; older ones that would time out anyway make room."""
WIDTH_MAX = 620
_MOVES = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide}
ICONS = {
    "info": ("info", "text.2"),
    "ok": ("circle-check", "ok"),
    "warn": ("triangle-alert", "warn"),
    "bad": ("circle-alert", "bad"),
}


class NoticeCard(QFrame):
    """One notice: icon, plain text, an action where there is one, and a way to dismiss it."""

    def __init__(self, notice: Notice, parent: "Notices") -> None:
        super().__init__(parent)
        self.notice = notice
        self.setObjectName("notice")
        self.setProperty("kind", notice.kind)
        self.setAccessibleName(notice.text)
        self._build()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.dismiss)
        if notice.seconds > 0 and notice.kind != "bad":
            self._timer.start(round(notice.seconds * 1000))

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(10)
        name, colour = ICONS[self.notice.kind]
        mark = QLabel(self)
        mark.setPixmap(pixmap(name, colour, 18, self.devicePixelRatioF()))
        row.addWidget(mark)
        self.label = QLabel(self)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setText(self.notice.text)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self.label, 1)
        notice = self.notice
        self.action = self._button(notice.action, notice.act)
        self.other = self._button(notice.other, notice.other_act)
        for button in self._buttons():
            row.addWidget(button)
        if self.other is not None:
            self.other.setProperty("quiet", True)
        self.close_button = IconButton("x", "Dismiss this notice", self, flat=True, size=15)
        self.close_button.clicked.connect(self._close)
        row.addWidget(self.close_button)

    def retell(self, notice: Notice) -> bool:
        """Take the words of a notice on the same topic with the same buttons; False for others."""
        if _form(notice) != _form(self.notice):
            return False
        self.notice = notice
        self.label.setText(notice.text)
        self.setAccessibleName(notice.text)
        return True

    def _button(self, text: str, act: Callable[[], None] | None) -> QPushButton | None:
        if not text or act is None:
            return None
        made = QPushButton(text, self)
        made.setObjectName("noticeAction")
        made.clicked.connect(lambda: self._do(act))
        return made

    def _buttons(self) -> list[QPushButton]:
        return [one for one in (self.action, self.other) if one is not None]

    def natural_width(self) -> int:
        """Logical pixels that the text takes on one line, with all that stands beside it."""
        text = self.label.fontMetrics().horizontalAdvance(self.notice.text)
        buttons = sum(one.sizeHint().width() + 10 for one in self._buttons())
        return text + buttons + theme.px(116)

    def _do(self, act: Callable[[], None]) -> None:
        self.dismiss()
        act()

    def _close(self) -> None:
        parent = self.parentWidget()
        if isinstance(parent, Notices):
            parent.hush(self.notice)
        self.dismiss()

    def dismiss(self) -> None:
        """Take the notice away."""
        self._timer.stop()
        parent = self.parentWidget()
        self.hide()
        if isinstance(parent, Notices):
            parent.forget(self)
        self.deleteLater()

    def enterEvent(self, event: QEvent) -> None:
        """Wait while somebody reads."""
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self.notice.seconds > 0 and self.notice.kind != "bad":
            self._timer.start(round(self.notice.seconds * 1000))


class Notices(QWidget):
    """The stack of notices, floating over the lower edge of the widget it is given.

    Args:
        above: what the stack stays above while that is visible, such as a strip of pictures.
    """

    def __init__(self, parent: QWidget, above: QWidget | None = None) -> None:
        super().__init__(parent)
        self._above = above
        self.setObjectName("notices")
        self._cards: list[NoticeCard] = []
        self._hushed: set[tuple[str, str, str, str]] = set()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        for one in (parent, above):
            if one is not None:
                one.installEventFilter(self)
        self.hide()

    @property
    def cards(self) -> tuple[NoticeCard, ...]:
        """The notices on show, the oldest first."""
        return tuple(self._cards)

    def show_notice(self, notice: Notice) -> None:
        """Add a notice at the bottom of the stack and tell screen readers."""
        if notice.topic and _form(notice) in self._hushed:
            return
        for card in self._cards:
            if notice.topic and card.retell(notice):
                self._place()
                return
            same = card.notice.text == notice.text and card.notice.kind == notice.kind
            if same or (notice.topic and card.notice.topic == notice.topic):
                card.dismiss()
                break
        passing = [card for card in self._cards if card.notice.kind != "bad"]
        if len(self._cards) >= MOST and passing:
            passing[0].dismiss()
        card = NoticeCard(notice, self)
        self._cards.append(card)
        self._column.addWidget(card)
        card.show()
        self.show()
        self.raise_()
        self._place()
        QAccessible.updateAccessibility(QAccessibleEvent(card, QAccessible.Event.Alert))

    def hush(self, notice: Notice) -> None:
        """The artist has closed it: no later words of the same kind on its topic are shown."""
        if notice.topic:
            self._hushed.add(_form(notice))

    def forget(self, card: NoticeCard) -> None:
        """Called by a card that goes away."""
        if card in self._cards:
            self._cards.remove(card)
            self._column.removeWidget(card)
        self.setVisible(bool(self._cards))
        self._place()

    def dismiss_last(self) -> bool:
        """Take the newest notice away; False when there was none."""
        if not self._cards:
            return False
        self._cards[-1].dismiss()
        return True

    def _place(self) -> None:
        over = self.parentWidget()
        if over is None or not self._cards:
            return
        wanted = max(card.natural_width() for card in self._cards)
        width = min(wanted, theme.px(WIDTH_MAX), over.width() - 48)
        self.setFixedWidth(width)
        self._column.activate()
        height = max(
            self._column.heightForWidth(width)
            if self._column.hasHeightForWidth()
            else self._column.sizeHint().height(),
            1,
        )
        floor, middle = over.height() - 20, over.width() // 2
        above = self._above
        if above is not None and above.isVisible():
            place = QRect(above.mapTo(over, QPoint()), above.size())
            floor, middle = place.top() - 8, place.center().x()
        left = min(max(middle - width // 2, 0), over.width() - width)
        self.setGeometry(left, max(floor - height, 0), width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _MOVES:
            self._place()
        return False


def _form(notice: Notice) -> tuple[str, str, str, str]:
    """What two notices share when one only has newer words than the other."""
    return notice.topic, notice.kind, notice.action, notice.other
