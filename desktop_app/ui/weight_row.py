"""A slider and a number for the weight of something attached to the model."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.recipe import ADAPTER_WEIGHT, Range
from desktop_app.ui import theme
from desktop_app.ui.fields import Refusal
from desktop_app.ui.number_fields import NumberEdit, Slider

STEP = 0.05
SLIDER_END = 2.0
"""Either way; the number takes the whole range."""


class WeightRow(QWidget):
    """A slider and its number.

    Signals:
        edited(float): the artist chose another weight.
    """

    edited = Signal(object)

    def __init__(
        self,
        name: str,
        range_: Range = ADAPTER_WEIGHT,
        *,
        low: float = -SLIDER_END,
        high: float = SLIDER_END,
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        name: whose weight it is.
        low, high: where the slider ends; the number takes the whole range.
        """
        super().__init__(parent)
        self.slider = Slider()
        self.slider.setAccessibleName(f"Weight of {name}, slider")
        self.slider.setRange(round(low / STEP), round(high / STEP))
        self.slider.setPageStep(round(0.25 / STEP))
        self.slider.setToolTip("0 is without it, 1 as it was trained")
        self.number = NumberEdit(range_, step=STEP, decimals=2)
        self.number.setAccessibleName(f"Weight of {name}")
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.number.setFixedWidth(theme.px(52))
        self.refusal = Refusal()
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(2))
        column.addLayout(row)
        column.addWidget(self.refusal)
        self.slider.valueChanged.connect(self._slid)
        self.number.edited.connect(self._take)
        self.number.refused.connect(self.refusal.say)

    def set_value(self, weight: float) -> None:
        """Show `weight`."""
        self.number.set_value(weight)
        self.slider.setValue(self._position(weight))

    def _position(self, weight: float) -> int:
        return min(max(round(weight / STEP), self.slider.minimum()), self.slider.maximum())

    def _slid(self, position: int) -> None:
        if position != self._position(self.number.value):
            weight = round(position * STEP, 6)
            self.number.set_value(weight)
            self.edited.emit(weight)

    def _take(self, weight: float) -> None:
        self.slider.setValue(self._position(weight))
        self.edited.emit(float(weight))
