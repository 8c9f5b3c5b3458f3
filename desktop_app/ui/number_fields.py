"""Numbers: typed, dragged, scrolled when focused, reset at their label, refused in place."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Range
from desktop_app.ui import theme
from desktop_app.ui.fields import Refusal, restyle, settles

_PIXELS_A_STEP = 4
"""How far the pointer moves for one step while a number is dragged."""

_WHEEL_NOTCH = 120


class NumberEdit(QLineEdit):
    """One number of a `Range`. It holds no truth: a good entry is reported, `set_value` shows.

    Whatever is typed stays until it is corrected; Escape brings back the value in use.

    Signals:
        edited(int | float): a number inside the range was typed, stepped or dragged.
        refused(str): why the entry is not taken; empty when all is well again.
    """

    edited = Signal(object)
    refused = Signal(str)

    def __init__(
        self,
        range_: Range,
        parent: QWidget | None = None,
        *,
        step: float = 1,
        decimals: int = 0,
        prefix: str = "",
    ) -> None:
        super().__init__(parent)
        self._range, self._step, self._decimals = range_, step, decimals
        self._prefix = prefix
        self._value: int | float = int(range_.low) if range_.multiple else range_.low
        self._refusal = ""
        self._pressed: QPoint | None = None
        self._pressed_value: int | float = self._value
        self._by_mouse = False
        self._wheel = 0
        self.setProperty("number", True)
        self.setAccessibleName(range_.name)
        self.setAccessibleDescription(words_of(range_))
        self.setToolTip(f"{range_.name}: {words_of(range_)}")
        self.setText(self._words(self._value))
        self.textEdited.connect(self._typed)
        self.editingFinished.connect(self._finish)

    @property
    def value(self) -> int | float:
        """The value in use, whatever stands in the field."""
        return self._value

    def set_value(self, value: int | float) -> None:
        """Show `value`; an entry that is being typed and means the same is left alone."""
        if value == self._value and (self._refusal or self._same(value)):
            return
        self._value = value
        if not (self.hasFocus() and self._same(value)):
            self.setText(self._words(value))
        self.refuse("")

    def refuse(self, sentence: str) -> None:
        """Mark the entry as not taken, with the reason; an empty one clears the mark."""
        if sentence == self._refusal:
            return
        self._refusal = sentence
        restyle(self, "refused", bool(sentence))
        self.setAccessibleDescription(sentence or words_of(self._range))
        self.refused.emit(sentence)

    def set_range(self, range_: Range) -> None:
        """Take numbers of another range from now on; the entry is judged anew."""
        if range_ == self._range:
            return
        self._range, self._step = range_, range_.multiple or self._step
        self.setToolTip(f"{range_.name}: {words_of(range_)}")
        self.setAccessibleDescription(words_of(range_))
        self._typed()
        self._finish()

    def check(self) -> str:
        """Judge the entry as it stands; why it is not taken, empty when it is."""
        self._finish()
        return self._refusal

    def step_by(self, steps: float, start: int | float | None = None) -> None:
        """Move by steps from `start` (else from the value in use), to the end of the range."""
        begin = self._value if start is None else start
        moved = round(begin + steps * self._step, 6)
        moved = min(self._range.high, max(self._range.low, moved))
        if self._range.multiple:
            moved = int(moved) // self._range.multiple * self._range.multiple
        if moved != self._value:
            self._value = moved
            self.setText(self._words(moved))
            self.refuse("")
            self.edited.emit(moved)

    def _words(self, value: int | float) -> str:
        text = f"{value:.{self._decimals}f}"
        exact = text if float(text) == value else repr(value)
        return self._prefix + exact

    def _parse(self) -> int | float:
        """Raises:
        AppError: what stands in the field is no number of the range.
        """
        text = self.text().strip().removeprefix(self._prefix).removesuffix(self._range.unit)
        text = text.strip().replace(",", ".").replace(" ", "")
        try:
            number = float(text)
        except ValueError:
            number = text
        if isinstance(number, float) and self._range.multiple and number.is_integer():
            number = int(number)
        self._range.check(number)
        assert not isinstance(number, str)
        return number

    def _same(self, value: int | float) -> bool:
        try:
            return self._parse() == value
        except AppError:
            return False

    def _typed(self) -> None:
        try:
            value = self._parse()
        except AppError:
            return
        self.refuse("")
        if value != self._value:
            self._value = value
            self.edited.emit(value)

    def _finish(self) -> None:
        try:
            value = self._parse()
        except AppError as error:
            self.refuse(str(error))
            return
        if not self._refusal:
            self.setText(self._words(value))

    def _restore(self) -> None:
        self.setText(self._words(self._value))
        self.refuse("")
        self.selectAll()

    def event(self, event: QEvent) -> bool:
        return settles(event, lambda: not self._same(self._value)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_PageUp: 10,
            Qt.Key.Key_PageDown: -10,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.step_by(step)
        elif event.key() == Qt.Key.Key_Escape and not self._same(self._value):
            self._restore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()
            return
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / _WHEEL_NOTCH)
        self._wheel -= steps * _WHEEL_NOTCH
        if steps:
            self.step_by(steps)
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._by_mouse = event.reason() == Qt.FocusReason.MouseFocusReason
        if not self._by_mouse:
            self.selectAll()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._by_mouse and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.globalPosition().toPoint()
            self._pressed_value = self._value
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        moved = event.globalPosition().toPoint().x() - self._pressed.x()
        if abs(moved) >= QApplication.startDragDistance() or self.cursor().shape() == (
            Qt.CursorShape.SizeHorCursor
        ):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
            self.step_by(int(moved / _PIXELS_A_STEP), self._pressed_value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._by_mouse = False
        if self._pressed is None:
            super().mouseReleaseEvent(event)
            return
        self._pressed = None
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.selectAll()


class Slider(QSlider):
    """A horizontal slider that goes where it is clicked and scrolls only when it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        if event.button() == Qt.MouseButton.LeftButton and not handle.contains(
            event.position().toPoint()
        ):
            room = max(1, self.width() - handle.width())
            at = round(event.position().x() - handle.width() / 2)
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room))
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ResetLabel(QLabel):
    """A field's name; a double-click on it asks for the default.

    Signals:
        reset_asked()
    """

    reset_asked = Signal()

    def __init__(self, text: str, role: str = "label", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.reset_asked.emit()


class SliderNumber(QWidget):
    """Name, slider and number in one row, and a line for a refusal under it.

    Args:
        range_: what the number may be; `range_.name` is shown.
        step: of the slider, the arrow keys and the wheel.
        default: what a double-click on the name brings back.
        top: where the slider ends when the range goes on for numbers that are seldom wanted.

    Signals:
        edited(int | float): the artist chose another value.
    """

    edited = Signal(object)

    def __init__(
        self,
        range_: Range,
        parent: QWidget | None = None,
        *,
        step: float = 1,
        decimals: int = 0,
        default: float = 0,
        top: float | None = None,
    ) -> None:
        super().__init__(parent)
        self._range, self._step = range_, step
        self._top = range_.high if top is None else top
        self._default: int | float = default
        self.name = ResetLabel(range_.name)
        self.slider = Slider()
        self.number = NumberEdit(range_, step=step, decimals=decimals)
        self.refusal = Refusal()
        self._build()
        self.slider.valueChanged.connect(self._slid)
        self.number.edited.connect(self._take)
        self.number.refused.connect(self.refusal.say)
        self.name.reset_asked.connect(self.reset)
        self.set_default(default)

    def _build(self) -> None:
        name = self._range.name
        self.slider.setAccessibleName(f"{name} slider")
        self.slider.setRange(0, round((self._top - self._range.low) / self._step))
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.number.setFixedWidth(theme.px(52))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.px(10))
        grid.setVerticalSpacing(theme.px(2))
        grid.setColumnMinimumWidth(0, theme.px(LABEL_WIDTH))
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.slider, 0, 1)
        grid.addWidget(self.number, 0, 2)
        grid.addWidget(self.refusal, 1, 0, 1, 3)

    def set_default(self, value: int | float, whose: str = "") -> None:
        """What a double-click on the name brings back, and in a word whose it is."""
        self._default = value
        words = words_of(self._range)
        tooltip = f"{self._range.name}: {words}\nDouble-click the name for {value:g}{whose}"
        for part in (self.name, self.slider, self.number):
            part.setToolTip(tooltip)

    def set_value(self, value: int | float) -> None:
        """Show `value`."""
        self.number.set_value(value)
        self.slider.setValue(self._position(value))

    def reset(self) -> None:
        """Ask for the default."""
        self.number.set_value(self._default)
        self.edited.emit(self._default)

    def attempt(self, edit: Callable[[], object]) -> None:
        """Do `edit`; an AppError from it is shown here."""
        try:
            edit()
        except AppError as error:
            self.number.refuse(str(error))

    def _position(self, value: int | float) -> int:
        return round((value - self._range.low) / self._step)

    def _slid(self, position: int) -> None:
        shown = min(self.slider.maximum(), self._position(self.number.value))
        if position == shown:
            return
        value = round(self._range.low + position * self._step, 6)
        value = int(value) if self._range.multiple else value
        self.number.set_value(value)
        self.edited.emit(value)

    def _take(self, value: int | float) -> None:
        self.slider.setValue(self._position(value))
        self.edited.emit(value)


LABEL_WIDTH = 92
"""Pixels of the column of names in the sidebar."""


def words_of(range_: Range) -> str:
    """A range in words, such as `64 to 4 096 px, in steps of 8`."""
    low, high = (f"{end:,.0f}".replace(",", " ") for end in (range_.low, range_.high))
    unit = f" {range_.unit}" if range_.unit else ""
    steps = f", in steps of {range_.multiple}" if range_.multiple > 1 else ""
    return f"{low} to {high}{unit}{steps}"
