"""Chips: a row of short choices that wraps and fills its width, walked with the arrow keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QSizePolicy, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import plain_tip

_USUAL_WIDTH = 260
_COLUMNS_MIN = 3
TEXT_MAX = 24
"""Characters a chip shows; a longer name ends in … and stands in the tooltip."""


class FlowLayout(QLayout):
    """Lays its items out in one line that is stretched to the full width, or where that is too
    short in columns of one width; items too wide for columns go in lines like words."""

    def __init__(self, parent: QWidget | None = None, *, gap: int = 6, fill: bool = True) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self._fill = fill
        self.setContentsMargins(QMargins())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._items:
            wide = min(item.sizeHint().width(), width)
            if lines[-1] and used + wide > width:
                lines.append([])
                used = 0
            lines[-1].append(item)
            used += wide + theme.px(self._gap)
        return lines

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Place the items inside `rect`; returns the height they take."""
        gap, top = theme.px(self._gap), rect.y()
        if not self._items:
            return 0
        lines = self._lines(rect.width())
        columns = self._columns(rect.width()) if len(lines) > 1 else 0
        if columns:
            return self._place_grid(rect, columns, move=move)
        for line in lines:
            wide = [min(item.sizeHint().width(), rect.width()) for item in line]
            spare = max(0, rect.width() - sum(wide) - gap * (len(line) - 1))
            if len(lines) > 1 and spare > rect.width() // 3:
                spare = 0
            height = max(item.sizeHint().height() for item in line)
            left = rect.x()
            for at, item in enumerate(line):
                share = spare * (at + 1) // len(line) - spare * at // len(line)
                width = wide[at] + (share if self._fill else 0)
                if move:
                    item.setGeometry(QRect(left, top, width, height))
                left += width + gap
            top += height + gap
        return top - gap - rect.y()

    def _columns(self, width: int) -> int:
        """How many columns of one width the items make; 0 when that would be fewer than three."""
        gap = theme.px(self._gap)
        widest = max(item.sizeHint().width() for item in self._items)
        columns = (width + gap) // (widest + gap)
        return columns if self._fill and columns >= _COLUMNS_MIN else 0

    def _place_grid(self, rect: QRect, columns: int, *, move: bool) -> int:
        gap = theme.px(self._gap)
        height = max(item.sizeHint().height() for item in self._items)
        room = rect.width() - gap * (columns - 1)
        for at, item in enumerate(self._items if move else ()):
            row, column = divmod(at, columns)
            left, right = room * column // columns, room * (column + 1) // columns
            place = QRect(left + gap * column, row * (height + gap), right - left, height)
            item.setGeometry(place.translated(rect.topLeft()))
        rows = -(-len(self._items) // columns)
        return rows * (height + gap) - gap

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """As wide as a panel; from the smallest width Qt would derive a far too large height."""
        return QSize(
            max(theme.px(_USUAL_WIDTH), self.minimumSize().width()), self.minimumSize().height()
        )

    def minimumSize(self) -> QSize:
        wide = max((min(i.sizeHint().width(), theme.px(60)) for i in self._items), default=0)
        tall = max((i.sizeHint().height() for i in self._items), default=0)
        return QSize(wide, tall)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One choice.

    Attributes:
        key: what the row reports; the text that is shown, where `text` is empty.
        name: what a screen reader says; the text, where empty.
        checkable: False for a chip that does something, such as `+`.
        quiet: whether its words are dimmed, for one that changes nothing.
    """

    key: str
    text: str = ""
    tooltip: str = ""
    name: str = ""
    checkable: bool = True
    quiet: bool = False


class ChipRow(QWidget):
    """Short choices side by side. It holds no truth: a click is reported, `set_checked` shows.

    Signals:
        clicked(str): the key of the chip that was clicked, or chosen with Space or Return.
        menu_asked(str, QPoint): key and place on the screen where a menu was asked for.
    """

    clicked = Signal(str)
    menu_asked = Signal(str, QPoint)

    def __init__(self, name: str, parent: QWidget | None = None, *, fill: bool = True) -> None:
        """Args:
        fill: whether a line of chips is stretched to the full width.
        """
        super().__init__(parent)
        self.setAccessibleName(name)
        self._chips: tuple[Chip, ...] = ()
        self._buttons: dict[str, QPushButton] = {}
        self._checked: frozenset[str] = frozenset()
        self._flow = FlowLayout(self, fill=fill)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_chips(self, chips: Sequence[Chip]) -> None:
        """Show these chips in this order; unchanged ones stay, with their focus."""
        if tuple(chips) == self._chips:
            return
        focused = next((key for key, one in self._buttons.items() if one.hasFocus()), "")
        self._chips = tuple(chips)
        while self._flow.takeAt(0) is not None:
            pass
        for button in self._buttons.values():
            button.hide()
            button.deleteLater()
        self._buttons = {chip.key: self._button(chip) for chip in chips}
        for button in self._buttons.values():
            self._flow.addWidget(button)
        # New widgets come last in the tab order; these belong where the row stands. Qt leaves out
        # a widget that takes no focus, so the row takes it for as long as this lasts.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        before: QWidget = self
        for button in self._buttons.values():
            QWidget.setTabOrder(before, button)
            before = button
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._render()
        if focused in self._buttons:
            self._buttons[focused].setFocus()
        self.updateGeometry()

    def set_checked(self, keys: Collection[str]) -> None:
        """Show these as chosen and no others."""
        self._checked = frozenset(keys)
        self._render()

    def button(self, key: str) -> QPushButton:
        """The button of one chip, to put a popover beside it."""
        return self._buttons[key]

    def shown(self) -> tuple[str, ...]:
        return tuple(self._buttons)

    def _button(self, chip: Chip) -> QPushButton:
        text = chip.text or chip.key
        shown = text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1].rstrip() + "…"
        made = QPushButton(shown.replace("&", "&&"), self)
        made.setProperty("chip", True)
        made.setProperty("dim", chip.quiet)
        made.setCheckable(chip.checkable)
        made.setAutoDefault(False)
        made.setAccessibleName(chip.name or text)
        made.setToolTip(plain_tip(chip.tooltip or (text if shown != text else "")))
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        made.clicked.connect(lambda: self._report(chip.key))
        made.customContextMenuRequested.connect(
            lambda at: self.menu_asked.emit(chip.key, made.mapToGlobal(at))
        )
        return made

    def _report(self, key: str) -> None:
        self._render()
        self.clicked.emit(key)

    def _render(self) -> None:
        for key, button in self._buttons.items():
            if button.isCheckable():
                button.setChecked(key in self._checked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys walk along the chips; they reach here because a button ignores them."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
        }
        step = steps.get(Qt.Key(event.key()))
        buttons = list(self._buttons.values())
        at = next((i for i, one in enumerate(buttons) if one.hasFocus()), None)
        if at is None:
            super().keyPressEvent(event)
        elif step is not None:
            buttons[(at + step) % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            buttons[at].click()
        else:
            super().keyPressEvent(event)
