"""How models are kept in memory: the plan in words, and what the artist decides of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.recipe.wishes import Wishes
from desktop_app.studio.assets import Asset
from desktop_app.studio.memory_desk import Choices, MemoryDesk
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, FoldSection, label

_ROWS: dict[str, tuple[str, str, dict[object, str]]] = {
    "dtype": (
        "Precision",
        "Of the numbers that are computed with. Another one gives slightly other pixels.",
        {
            "float32": "float32 – exact",
            "bfloat16": "bfloat16 – half the memory",
            "float16": "float16 – half the memory",
        },
    ),
    "offload": (
        "Kept",
        "What is not on the device waits in the computer's memory. The pixels are the same.",
        {
            "none": "Whole on the device",
            "model": "One part at a time",
            "group": "Block by block – slow",
        },
    ),
    "float8": (
        "Stored",
        "The image network's weights, while they wait. 8 bits change the pixels a little.",
        {False: "As it computes", True: "In 8 bits"},
    ),
    "tiled": (
        "Decoded",
        "Tiles take less memory, and can leave faint seams in large pictures.",
        {False: "In one piece", True: "In tiles"},
    ),
}
"""Field of `Wishes` -> its name, what it does, and its values in words."""
LABEL_WIDTH = 62
_KEPT = frozenset({"checkpoint", "denoiser", "refiner"})
_PIXELS = (
    "The pixels differ a little from those of the automatic plan. Each picture says what it was "
    "computed in."
)


class MemoryForm(QWidget):
    """One choice for each thing that can be decided here, each with a way to leave it open.

    Signals:
        decided(Wishes): something else is decided now.
    """

    decided = Signal(object)

    def __init__(self, undecided: str, reset: str, parent: QWidget | None = None) -> None:
        """Args:
        undecided: what leaving a thing open is called.
        reset: what leaving all of it open is called.
        """
        super().__init__(parent)
        self._undecided = undecided
        self._wishes = Wishes()
        self.fields: dict[str, Combo] = {}
        self._names: dict[str, QWidget] = {}
        self.reset = QPushButton(reset)
        self.reset.setProperty("small", True)
        self._build()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.px(8))
        grid.setVerticalSpacing(theme.px(6))
        grid.setColumnMinimumWidth(0, theme.px(LABEL_WIDTH))
        grid.setColumnStretch(1, 1)
        for row, (field, (words, tip, _)) in enumerate(_ROWS.items()):
            name, combo = label(words, "label", self), Combo(words, self)
            for part in (name, combo):
                part.setToolTip(tip)
                part.hide()
            grid.addWidget(name, row, 0)
            grid.addWidget(combo, row, 1)
            combo.activated.connect(lambda _, field=field: self._decide(field))
            self.fields[field], self._names[field] = combo, name
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.reset)
        self.reset.hide()
        self.reset.clicked.connect(lambda: self.decided.emit(Wishes()))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(grid)
        column.addLayout(foot)

    def show_wishes(self, wishes: Wishes, choices: Choices) -> None:
        """Show what is decided; only what there is a choice of here, and what is decided anyway."""
        self._wishes = wishes
        offered: dict[str, tuple[object, ...]] = {
            "dtype": choices.dtypes,
            "offload": choices.offloads,
            "float8": (False, True) if choices.float8 else (),
            "tiled": (False, True) if choices.dtypes else (),
        }
        for field, combo in self.fields.items():
            words = _ROWS[field][2]
            there = len(offered[field]) > 1
            self._names[field].setVisible(there)
            combo.setVisible(there)
            usual = getattr(choices.usual, field)
            first = words[usual].partition(" –")[0] if usual is not None else ""
            values = (None, *offered[field])
            lines = [f"{self._undecided}: {first}" if first else self._undecided]
            lines += [words[value] for value in offered[field]]
            combo.fill(zip(lines, values, strict=True))
            decided = getattr(wishes, field)
            combo.setCurrentIndex(values.index(decided) if decided in values else 0)
        self.reset.setVisible(wishes != Wishes())

    def _decide(self, field: str) -> None:
        value: Any = self.fields[field].currentData()
        wishes = replace(self._wishes, **{field: value})
        if wishes != self._wishes:
            self.decided.emit(wishes)


class MemoryFold(FoldSection):
    """How one model will be kept, in words, with what is decided of it.

    Signals:
        decided(Wishes): something else is decided of the model.
    """

    decided = Signal(object)

    def __init__(self, memory: MemoryDesk, parent: QWidget | None = None) -> None:
        super().__init__("Memory", parent)
        self._memory = memory
        self._asset: Asset | None = None
        self.words = label("", "hint", self)
        self.pixels = label(_PIXELS, "hint", self)
        self.form = MemoryForm("As usual", "Back to the usual", self)
        for words in (self.words, self.pixels):
            words.setWordWrap(True)
            self.body.addWidget(words)
        self.body.addWidget(self.form)
        self.form.decided.connect(self.decided)
        memory.changed.connect(self._render)
        memory.planned.connect(self._planned)

    def show_asset(self, asset: Asset) -> None:
        """Show how a model will be kept; nothing for what is no model."""
        self._asset = asset
        self.setVisible(asset.identity.kind in _KEPT and not (asset.missing or asset.unsupported))
        self._render()

    def _planned(self, path: Path) -> None:
        if self._asset is not None and self._asset.path == path:
            self._render()

    def _render(self) -> None:
        # Sizes are typed while another page is in front: then nothing is planned.
        if self._asset is None or not self.isVisible():
            return
        outlook = self._memory.outlook(self._asset)
        self.form.setVisible(bool(outlook.choices.dtypes))
        self.pixels.setVisible(not outlook.exact)
        self.words.setText(outlook.words)
        self.form.show_wishes(outlook.own, outlook.choices)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._render()
