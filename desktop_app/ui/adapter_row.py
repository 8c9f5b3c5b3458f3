"""One LoRA or textual inversion in the sidebar: its name, weight, blocks and words."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.blocks import Layout, words_of
from desktop_app.recipe.lora_tags import LoraTag
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse
from desktop_app.ui import theme
from desktop_app.ui.block_fold import BlockFold
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import ElidedLabel, IconButton, Sentence
from desktop_app.ui.weight_row import WeightRow

WORDS_SHOWN = 12

Shown = LoraUse | EmbeddingUse | LoraTag
"""What a row stands for; a tag of the prompt looks like what it calls."""


class AdapterRow(QWidget):
    """One that is attached.

    Signals:
        weighed(float), blocks_weighed(Blocks), removed()
        word_asked(str): it shall be in the prompt.
    """

    weighed = Signal(object)
    blocks_weighed = Signal(object)
    removed = Signal()
    word_asked = Signal(str)

    def __init__(self, shown: Shown, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name = name_of(shown)
        self.name = ElidedLabel(name)
        self.remove = IconButton("x", f"Remove {name}", flat=True, size=14, side=22)
        self.weight = None if isinstance(shown, EmbeddingUse) else WeightRow(name)
        self.blocks = BlockFold(name) if isinstance(shown, LoraUse) else None
        self.origin = Sentence()
        self.words = ChipRow(f"Words of {name}", fill=False)
        self.trouble = Sentence(state="warn")
        self._build()
        self.remove.clicked.connect(self.removed)
        self.words.clicked.connect(self.word_asked)
        self.show_words(())
        self.show_it(shown)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.px(4))
        head.addWidget(self.name, 1)
        head.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(4))
        column.addLayout(head)
        column.addWidget(self.origin)
        if self.weight is not None:
            column.addWidget(self.weight)
            self.weight.edited.connect(self.weighed)
        if self.blocks is not None:
            column.addWidget(self.blocks)
            self.blocks.edited.connect(self.blocks_weighed)
        column.addWidget(self.words)
        column.addWidget(self.trouble)

    def show_it(self, shown: Shown) -> None:
        """Show the weights, and where they come from."""
        told = ""
        match shown:
            case LoraUse():
                self._show_weight(shown.weight)
                if self.blocks is not None:
                    self.blocks.show_blocks(shown.blocks)
                    self.blocks.setVisible(self.blocks.offers())
            case LoraTag():
                self._show_weight(shown.call.weight)
                told = "From the prompt, with weights of its blocks"
                self.origin.setToolTip(words_of(shown.call.blocks))
                if not shown.call.blocks:
                    told = "From the prompt"
            case EmbeddingUse():
                pass
        self.origin.say(told)

    def _show_weight(self, weight: float) -> None:
        if self.weight is not None:
            self.weight.set_value(weight)

    def show_layout(self, layout: Layout | None) -> None:
        """Offer the blocks of the model; without any, only the way back to one weight for all."""
        if self.blocks is not None:
            self.blocks.show_layout(layout)
            self.blocks.setVisible(self.blocks.offers())

    def show_words(self, words: tuple[str, ...]) -> None:
        """Show the words that call it."""
        self.words.set_chips(
            [
                Chip(
                    key=word,
                    tooltip=f"Add to the prompt: {word}",
                    name=f"Add to the prompt: {word}",
                    checkable=False,
                )
                for word in dict.fromkeys(words[:WORDS_SHOWN])
            ]
        )
        self.words.setVisible(bool(words))

    def say(self, sentence: str) -> None:
        """Say why it does not work; an empty sentence says nothing."""
        self.trouble.say(sentence)


def name_of(shown: Shown) -> str:
    """What it is called."""
    match shown:
        case LoraUse():
            return shown.lora.name
        case EmbeddingUse():
            return shown.embedding.name
        case LoraTag():
            return shown.call.name
