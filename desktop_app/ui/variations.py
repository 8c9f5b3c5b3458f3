"""Further variations of the seed: what else is mixed in, and how; and many of them at once."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import (
    COUNT,
    STRENGTH,
    VARIATION_METHODS,
    VARIATIONS_MAX,
    Variation,
    VariationMethod,
)
from desktop_app.studio.editor import Editor
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, IconButton, IconTextButton, Refusal, drop_contents, label
from desktop_app.ui.number_fields import LABEL_WIDTH, SliderNumber
from desktop_app.ui.popover import Popover
from desktop_app.ui.seed_field import SeedEdit
from desktop_app.ui.words import grouped

METHODS: dict[VariationMethod, tuple[str, str]] = {
    "whole": ("Whole noise", "The noises are mixed as wholes: even steps, even change"),
    "a1111": ("As A1111", "Each column by itself, as A1111 mixes its variation seed"),
}
USUAL = 0.2
"""How much of a new seed is mixed in at first."""


class MoreVariations(QWidget):
    """The variations after the first one as chips that can be changed and taken away, a chip for
    another, and how all of them are mixed. It is not there while nothing is mixed in.
    """

    def __init__(
        self, editor: Editor, random_seed: Callable[[], int], parent: QWidget | None = None
    ) -> None:
        """Args:
        random_seed: draws a seed for another variation.
        """
        super().__init__(parent)
        self._editor, self._random_seed = editor, random_seed
        self._shown: tuple[Variation, ...] | None = None
        self.rows: list[tuple[QPushButton, IconButton]] = []
        self.refusal = Refusal()
        self.add = IconTextButton("plus", "Mix in another seed")
        self.add.setProperty("small", True)
        self.method = Combo("How the noises are mixed")
        for method in VARIATION_METHODS:
            self.method.addItem(METHODS[method][0], method)
            self.method.setItemData(self.method.count() - 1, METHODS[method][1], 3)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.px(4))
        mixed = QHBoxLayout()
        mixed.setSpacing(theme.px(5))
        name = label("mixed")
        name.setFixedWidth(theme.px(LABEL_WIDTH + 5))
        mixed.addWidget(name)
        mixed.addWidget(self.method, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(self._list)
        column.addWidget(self.refusal)
        column.addWidget(self.add)
        column.addLayout(mixed)
        self.add.clicked.connect(self._add)
        self.method.activated.connect(self._set_method)
        editor.changed.connect(self._show_draft)
        self._show_draft(editor.draft)

    def change(self, at: int) -> "VariationSheet":
        """Open the sheet that changes one of them.

        Args:
            at: counted from 0 in `Draft.more_variations`.
        """
        variation = self._editor.draft.more_variations[at]
        sheet = VariationSheet(self.rows[at][0], variation, lambda new: self._replace(at, new))
        sheet.open(sheet.weight.number)
        return sheet

    def _show_draft(self, draft: Draft, _: object = None) -> None:
        mixed = len(draft.more_variations) + (draft.variation_strength > 0)
        self.setVisible(mixed > 0)
        self.add.setVisible(mixed < VARIATIONS_MAX)
        self.method.setCurrentIndex(VARIATION_METHODS.index(draft.variation_method))
        self.method.setToolTip(METHODS[draft.variation_method][1])
        if draft.more_variations != self._shown:
            self._shown = draft.more_variations
            self._fill()

    def _fill(self) -> None:
        for row in (self._list.itemAt(at) for at in range(self._list.count())):
            layout = row.layout() if row is not None else None
            if layout is not None:
                drop_contents(layout)
        while self._list.takeAt(0) is not None:
            pass
        self.rows = []
        for at, one in enumerate(self._shown or ()):
            words = f"{one.weight:.2f} of {grouped(one.seed)}"
            chip = QPushButton(words)
            chip.setProperty("chip", True)
            chip.setAccessibleName(f"Variation {words}")
            chip.setToolTip("Change how much, or of which seed")
            away = IconButton("x", f"Take away the variation {words}", flat=True, size=14, side=24)
            away.setToolTip("Take it away")
            chip.clicked.connect(lambda _=False, at=at: self.change(at))
            away.clicked.connect(lambda _=False, at=at: self._remove(at))
            row = QHBoxLayout()
            row.setSpacing(theme.px(4))
            row.addWidget(chip, 1)
            row.addWidget(away)
            self._list.addLayout(row)
            self.rows.append((chip, away))

    def _add(self) -> None:
        new = Variation(seed=self._random_seed(), weight=USUAL)
        self._set((*self._editor.draft.more_variations, new))

    def _remove(self, at: int) -> None:
        before = self._editor.draft.more_variations
        self._set((*before[:at], *before[at + 1 :]))

    def _replace(self, at: int, new: Variation) -> None:
        before = self._editor.draft.more_variations
        if at < len(before):
            self._set((*before[:at], new, *before[at + 1 :]))

    def _set(self, variations: tuple[Variation, ...]) -> None:
        self.refusal.attempt(lambda: self._editor.set(more_variations=variations))

    def _set_method(self) -> None:
        self._editor.set(variation_method=self.method.currentData())


class VariationSheet(Popover):
    """How much of which seed is mixed in; changes are taken at once."""

    def __init__(
        self, anchor: QWidget, variation: Variation, take: Callable[[Variation], object]
    ) -> None:
        super().__init__(anchor, "Variation", 290)
        self._variation, self._take = variation, take
        self.weight = SliderNumber(STRENGTH, step=0.01, decimals=2, default=USUAL)
        self.seed = SeedEdit("Seed that is mixed in")
        self.refusal = Refusal()
        self.weight.set_value(variation.weight)
        self.seed.set_value(variation.seed)
        for part in (label("Mixed in", "title"), self.weight, label("of seed"), self.seed):
            self.column.addWidget(part)
        self.column.addWidget(self.refusal)
        self.weight.edited.connect(self._set_weight)
        self.seed.edited.connect(lambda seed: self._set(replace(self._variation, seed=seed)))
        self.seed.refused.connect(self.refusal.say)

    def _set_weight(self, weight: float) -> None:
        try:
            self._set(replace(self._variation, weight=float(weight)))
        except AppError as error:
            self.refusal.say(str(error))

    def _set(self, variation: Variation) -> None:
        self._variation = variation
        self._take(variation)


class VarySheet(Popover):
    """How many variations of a picture, and how far from it.

    Args:
        make: called with the weight of the other noise, 0 ... 1, and the count.
    """

    def __init__(self, anchor: QWidget, make: Callable[[float, int], object]) -> None:
        super().__init__(anchor, "A batch of variations", 300)
        self.weight = SliderNumber(STRENGTH, step=0.01, decimals=2, default=USUAL)
        self.count = SliderNumber(COUNT, default=8)
        self.weight.set_value(USUAL)
        self.count.set_value(8)
        self.button = QPushButton("Make 8 variations")
        self.button.setProperty("primary", True)
        hint = label(
            "Each has another seed’s noise mixed in: 0 the same picture, 1 another.", "hint"
        )
        hint.setWordWrap(True)
        for part in (label("A batch of variations", "title"), self.weight, self.count, hint):
            self.column.addWidget(part)
        self.column.addWidget(self.button)
        self._weight, self._count = USUAL, 8
        self.weight.edited.connect(self._set_weight)
        self.count.edited.connect(self._set_count)
        self.button.clicked.connect(lambda: self._finish(make))

    def _set_weight(self, weight: float) -> None:
        self.weight.attempt(lambda: STRENGTH.check(weight))
        self._weight = weight
        self.weight.set_value(weight)

    def _set_count(self, count: int) -> None:
        self._count = count
        self.count.set_value(count)
        self.button.setText(f"Make {count} variation{'s' if count != 1 else ''}")

    def _finish(self, make: Callable[[float, int], object]) -> None:
        self.close()
        make(float(self._weight), int(self._count))
