"""The settings that a model starts with when it is chosen, as the artist wants them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import ADAPTER_WEIGHT, GUIDANCE, HEIGHT, STEPS, WIDTH, Range
from desktop_app.recipe.samplers import all_labels
from desktop_app.studio.assets import Asset, Defaults
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, Refusal, label

_AS_IT_IS = "Leave as it is"
_ADAPTERS = frozenset({"lora", "embedding", "controlnet", "t2i-adapter", "ip-adapter"})
_PICTURES = frozenset({"checkpoint", "denoiser"})
DEFAULTED = _ADAPTERS | _PICTURES
"""The kinds of models that settings to start with are kept for."""


class OptionalNumber(QLineEdit):
    """A number of a `Range`, or nothing.

    Signals:
        edited(int | float | None): a good entry.
        refused(str): why it is not taken; empty when it is.
    """

    edited = Signal(object)
    refused = Signal(str)

    def __init__(self, range_: Range, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = range_
        self._value: float | int | None = None
        self.setAccessibleName(f"{range_.name} to start with")
        self.setPlaceholderText("—")
        self.setProperty("number", True)
        self.setMaxLength(12)
        self.editingFinished.connect(self._read)

    def set_value(self, value: float | int | None) -> None:
        """Show a value; None shows an empty field."""
        self._value = value
        text = "" if value is None else f"{value:g}"
        if text != self.text():
            self.setText(text)

    def _read(self) -> None:
        words = self.text().strip().replace(",", ".")
        if not words:
            self._take(None)
            return
        whole = bool(self._range.multiple)
        try:
            value = int(words) if whole else float(words)
        except ValueError:
            kind = "a whole number" if whole else "a number"
            self.refused.emit(f"{self._range.name} is {kind}, or empty.")
            return
        self._take(value)

    def _take(self, value: float | int | None) -> None:
        try:
            if value is not None:
                self._range.check(value)
        except AppError as error:
            self.refused.emit(str(error))
            return
        self.refused.emit("")
        if value != self._value:
            self._value = value
            self.edited.emit(value)


class DefaultsForm(QWidget):
    """The fields; only those that mean something for the kind of model are there.

    Signals:
        changed(Defaults): one of them was edited.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = Defaults()
        self.steps = OptionalNumber(STEPS, self)
        self.guidance = OptionalNumber(GUIDANCE, self)
        self.width_field = OptionalNumber(WIDTH, self)
        self.height_field = OptionalNumber(HEIGHT, self)
        self.weight = OptionalNumber(ADAPTER_WEIGHT, self)
        self.sampler = Combo("Sampler to start with", self)
        self.avoid = QLineEdit(self)
        self.refusal = Refusal(self)
        self._rows: list[tuple[str, tuple[QWidget, ...]]] = []
        self._build()
        self._connect()

    def _build(self) -> None:
        self.sampler.addItem(_AS_IT_IS)
        self.sampler.addItems(list(all_labels()))
        self.avoid.setAccessibleName("Words to avoid, to start with")
        self.avoid.setPlaceholderText("—")
        self.avoid.setMaxLength(5000)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.px(8))
        grid.setVerticalSpacing(theme.px(6))
        fields: list[tuple[str, QWidget, str]] = [
            ("Steps", self.steps, "picture"),
            ("Guidance", self.guidance, "picture"),
            ("Sampler", self.sampler, "picture"),
            ("Width", self.width_field, "picture"),
            ("Height", self.height_field, "picture"),
            ("Avoid", self.avoid, "picture"),
            ("Weight", self.weight, "adapter"),
        ]
        for row, (words, field, sort) in enumerate(fields):
            name = label(words, "label", self)
            grid.addWidget(name, row, 0)
            grid.addWidget(field, row, 1)
            self._rows.append((sort, (name, field)))
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addWidget(self.refusal)

    def _connect(self) -> None:
        names = {
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "width": self.width_field,
            "height": self.height_field,
            "weight": self.weight,
        }
        for name, field in names.items():
            field.edited.connect(self._setter(name))
            field.refused.connect(self.refusal.say)
        self.sampler.activated.connect(self._take_sampler)
        self.avoid.editingFinished.connect(
            lambda: self._set(negative_prompt=self.avoid.text().strip() or None)
        )

    def show_asset(self, asset: Asset) -> bool:
        """Show what is kept for a model; False when nothing can be kept for its kind."""
        kind = asset.identity.kind
        self._values = values = asset.facts.defaults
        self.refusal.say("")
        self.steps.set_value(values.num_inference_steps)
        self.guidance.set_value(values.guidance_scale)
        self.width_field.set_value(values.width)
        self.height_field.set_value(values.height)
        self.weight.set_value(values.weight)
        if self.avoid.text() != (values.negative_prompt or ""):
            self.avoid.setText(values.negative_prompt or "")
        self.sampler.setCurrentIndex(max(0, self.sampler.findText(_sampler(values))))
        shown = {"picture": kind in _PICTURES, "adapter": kind in _ADAPTERS}
        for sort, widgets in self._rows:
            for widget in widgets:
                widget.setVisible(shown[sort])
        return any(shown.values())

    def first(self) -> QWidget:
        """The first of the fields that are shown."""
        return next(
            (widgets[-1] for _, widgets in self._rows if widgets[-1].isVisibleTo(self)), self.steps
        )

    def _take_sampler(self, row: int) -> None:
        pair = all_labels().get(self.sampler.itemText(row))
        scheduler, sigmas = pair if pair is not None else (None, None)
        self._set(scheduler=scheduler, sigmas=sigmas)

    def _setter(self, name: str) -> Callable[[object], None]:
        return lambda value: self._set(**{name: value})

    def _set(self, **fields: Any) -> None:
        new = replace(self._values, **fields)
        if new != self._values:
            self._values = new
            self.changed.emit(new)


def _sampler(values: Defaults) -> str:
    """The name of the sampler that is kept; that of none where it is not known any more."""
    for words, (scheduler, sigmas) in all_labels().items():
        if (scheduler, sigmas) == (values.scheduler, values.sigmas or "default"):
            return words
    return _AS_IT_IS
