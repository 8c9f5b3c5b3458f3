"""The seed's part of the sidebar: the number, its variation, and the shelf."""

from collections.abc import Callable, Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.presets import Part
from desktop_app.recipe.recipe import STRENGTH
from desktop_app.studio.editor import Editor
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, Refusal, label
from desktop_app.ui.number_fields import LABEL_WIDTH, SliderNumber
from desktop_app.ui.seed_field import SeedEdit, SeedField
from desktop_app.ui.seed_history import LastSeeds
from desktop_app.ui.seed_shelf import SeedShelf
from desktop_app.ui.variations import MoreVariations


class SeedSection(QWidget):
    """Seed, variation and shelf.

    Signals:
        dice_thrown(): a new random seed is wanted.
        shelf_asked(): the whole shelf is wanted.
        history_asked(): all seeds that were ever used are wanted.
    """

    dice_thrown = Signal()
    shelf_asked = Signal()
    history_asked = Signal()

    def __init__(
        self,
        editor: Editor,
        desk: SeedDesk,
        random_seed: Callable[[], int],
        save: Callable[[str, Collection[Part]], object],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        random_seed: draws a seed for the variation.
        save: keeps the draft's seed under a name, with some parts of the draft.
        """
        super().__init__(parent)
        self._desk = desk
        self._editor, self._random_seed = editor, random_seed
        self.seed = SeedField()
        self.variation = SliderNumber(STRENGTH, step=0.01, decimals=2, default=0.0)
        self.second = SeedEdit("Variation seed")
        self.second_dice = IconButton("dices", "New random variation seed", size=16)
        self.refusal = Refusal()
        self.more = MoreVariations(editor, random_seed)
        self.shelf = SeedShelf(desk, save)
        self._build()
        self._connect()
        self._show_draft(editor.draft)

    def _build(self) -> None:
        for part in (self.variation.name, self.variation.slider):
            part.setToolTip(
                "How much of a second seed's noise is mixed in: 0 to 1\n"
                "Small values give the same picture with other details\n"
                "Double-click the name for none"
            )
        self._second_row = QWidget()
        row = QHBoxLayout(self._second_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(5))
        name = label("of seed")
        name.setFixedWidth(theme.px(LABEL_WIDTH + 5))
        row.addWidget(name)
        row.addWidget(self.second, 1)
        row.addWidget(self.second_dice)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(9))
        column.addWidget(self.seed)
        column.addWidget(self.variation)
        column.addWidget(self._second_row)
        column.addWidget(self.more)
        column.addWidget(self.refusal)
        column.addWidget(self.shelf)

    def _connect(self) -> None:
        self.seed.edited.connect(self._set_seed)
        self.seed.dice_thrown.connect(self.dice_thrown)
        self.seed.rule_chosen.connect(self._set_rule)
        self.seed.bookmark_asked.connect(lambda: self.shelf.ask_to_keep(self.seed.bookmark))
        self.variation.edited.connect(self._set_variation)
        self.second.edited.connect(self._set_second)
        self.second.refused.connect(self.refusal.say)
        self.second_dice.clicked.connect(lambda: self._set_second(self._random_seed()))
        self._editor.changed.connect(self._show_draft)
        self.seed.history_asked.connect(self.open_history)
        self.shelf.shelf_asked.connect(self.shelf_asked)

    def open_history(self) -> LastSeeds:
        """Open the sheet with the seeds used last."""
        sheet = LastSeeds(self.seed.history, self._desk)
        sheet.all_wanted.connect(self.history_asked)
        sheet.show_it()
        return sheet

    def _set_seed(self, seed: int) -> None:
        try:
            self._editor.set(seed=seed)
        except AppError as error:
            self.seed.refuse(error)

    def _set_rule(self, rule: str) -> None:
        self._editor.set(seed_rule=rule)

    def _set_variation(self, strength: float) -> None:
        draft = self._editor.draft
        fresh = draft.variation_strength == 0 and draft.variation_seed in (0, draft.seed)
        seed = self._random_seed() if fresh and strength > 0 else draft.variation_seed
        self.variation.attempt(
            lambda: self._editor.set(variation_strength=float(strength), variation_seed=seed)
        )

    def _set_second(self, seed: int) -> None:
        try:
            self._editor.set(variation_seed=seed)
        except AppError as error:
            self.second.refuse(str(error))

    def _show_draft(self, draft: Draft) -> None:
        self.seed.show_seed(draft.seed, draft.seed_rule)
        self.variation.set_value(draft.variation_strength)
        self.second.set_value(draft.variation_seed)
        self._second_row.setVisible(draft.variation_strength > 0)
