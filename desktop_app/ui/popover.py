"""A small sheet beside the control that opened it; a click elsewhere or Escape closes it."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import Refusal, label


class Popover(QFrame):
    """A sheet with a column of contents; it deletes itself when it closes.

    Args:
        name: what it is for, said by a screen reader.
        width: pixels at 100 % text size.
    """

    def __init__(self, anchor: QWidget, name: str, width: int = 260) -> None:
        super().__init__(anchor.window(), Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAccessibleName(name)
        self._anchor = anchor
        self.setFixedWidth(theme.px(width))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        sheet = QFrame()
        sheet.setObjectName("popover")
        whole.addWidget(sheet)
        self.column = QVBoxLayout(sheet)
        self.column.setContentsMargins(*(theme.px(12),) * 4)
        self.column.setSpacing(theme.px(8))

    def fit(self) -> None:
        """Become as high as the contents are at this width, wrapped lines included."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        high = layout.totalHeightForWidth(self.width())
        self.setFixedHeight(high if high > 0 else layout.totalSizeHint().height())

    def open(self, focus: QWidget) -> None:
        """Show it below its anchor, or above where there is no room, with the focus inside.

        It stays inside the window it belongs to, where that is large enough.
        """
        self.fit()
        room = self._anchor.screen().availableGeometry()
        inside = room.intersected(self._anchor.window().geometry())
        if inside.width() > self.width() and inside.height() > self.height():
            room = inside.adjusted(0, 0, -theme.px(4), -theme.px(4))
        anchor = QRect(self._anchor.mapToGlobal(QPoint(0, 0)), self._anchor.size())
        gap = theme.px(4)
        top = anchor.bottom() + gap
        if top + self.height() > room.bottom():
            top = anchor.top() - gap - self.height()
        left = min(anchor.left(), room.right() - self.width())
        self.move(max(room.left(), left), max(room.top(), top))
        self.show()
        focus.setFocus(Qt.FocusReason.PopupFocusReason)


def at_pointer(parent: QWidget) -> QWidget:
    """Something to open a sheet beside where there is no control: the place of the pointer, or the
    middle of `parent` when the pointer is elsewhere.
    """
    place = parent.mapFromGlobal(QCursor.pos())
    if not parent.rect().contains(place):
        place = parent.rect().center()
    spot = QWidget(parent)
    spot.setGeometry(QRect(place, QSize(1, 1)))
    return spot


def ask_name(
    anchor: QWidget, title: str, name: str, verb: str, take: Callable[[str], object]
) -> Popover:
    """Ask for a name beside `anchor`; what `take` refuses is said there, and it stays open.

    Args:
        name: what stands in the field at first, selected.
        verb: what the button says.
        take: called with the name, stripped; it may raise AppError.
    """
    sheet = Popover(anchor, title)
    field = QLineEdit(name)
    field.setAccessibleName(title)
    field.setMaxLength(NAME_MAX)
    field.selectAll()
    refusal = Refusal()
    button = QPushButton(verb)
    row = QHBoxLayout()
    row.setSpacing(theme.px(6))
    row.addWidget(field, 1)
    row.addWidget(button)
    sheet.column.addWidget(label(title, "title"))
    sheet.column.addLayout(row)
    sheet.column.addWidget(refusal)

    def finish() -> None:
        wanted = field.text().strip()
        if not wanted:
            refusal.say("Give it a name.")
        elif refusal.attempt(lambda: take(wanted)):
            sheet.close()
            return
        sheet.fit()

    field.returnPressed.connect(finish)
    button.clicked.connect(finish)
    sheet.open(field)
    return sheet


NAME_MAX = 60
"""Characters of a name that is asked for."""
