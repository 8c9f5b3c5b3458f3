"""How much of a LoRA goes into each block of the model: usual choices, and a slider for each."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.blocks import BASE, Blocks, Layout, blocks_of, only
from desktop_app.recipe.recipe import BLOCK_WEIGHT
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, FoldSection, drop_contents, label
from desktop_app.ui.weight_row import WeightRow

SLIDER_END = 2.0
NAME_WIDTH = 46
_OWN = "Own weights"
_TIPS = {
    BASE: "The text encoders: what the words mean",
    "M00": "The middle, where the picture is smallest",
}


def choices(layout: Layout | None) -> dict[str, Blocks]:
    """The usual choices for a model, by what they are called."""
    found: dict[str, Blocks] = {"All alike": ()}
    if layout is None:
        return found
    deep_in, deep_out = layout.deep_in, layout.deep_out
    return found | {
        "Without the words": blocks_of({BASE: 0.0}),
        "Composition: deep blocks": only((BASE, *deep_in, "M00", *deep_out)),
        "Style: shallow blocks": only((BASE, *layout.shallow_in, *layout.shallow_out)),
        "The way in": only((BASE, *layout.shallow_in, *deep_in)),
        "The way out": only((BASE, *deep_out, *layout.shallow_out)),
    }


class BlockFold(FoldSection):
    """The weights in the blocks; each times that of the whole LoRA.

    Signals:
        edited(Blocks): the artist wants other ones.
    """

    edited = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """Args:
        name: of the LoRA.
        """
        super().__init__("Blocks", parent)
        self._name = name
        self._blocks: Blocks = ()
        self._layout: Layout | None = None
        self._choices = choices(None)
        self.choice = Combo(f"Blocks of {name}")
        self.choice.setPlaceholderText(_OWN)
        self.choice.addItems(list(self._choices))
        self.rows: dict[str, WeightRow] = {}
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.px(4))
        self.body.addWidget(self.choice)
        self.body.addLayout(self._column)
        self.choice.activated.connect(lambda at: self.edited.emit([*self._choices.values()][at]))
        self.folded.connect(lambda folded: self._make_rows())

    def offers(self) -> bool:
        """Whether there is anything to choose: blocks, or the way back to one weight for all."""
        return self._layout is not None or bool(self._blocks)

    def show_layout(self, layout: Layout | None) -> None:
        """Offer the blocks of such a model; None for one that has none."""
        if layout == self._layout:
            return
        self._layout = layout
        self._choices = choices(layout)
        self.choice.clear()
        self.choice.addItems(list(self._choices))
        self._make_rows()
        self.show_blocks(self._blocks)

    def show_blocks(self, blocks: Blocks) -> None:
        """Show these weights."""
        self._blocks = blocks
        weights = dict(blocks)
        for name, row in self.rows.items():
            row.set_value(weights.get(name, 1.0))
        known = [*self._choices.values()]
        at = known.index(blocks) if blocks in known else -1
        self.choice.setCurrentIndex(at)
        told = [*self._choices][at].partition(":")[0] if at >= 0 else _OWN
        self.set_title(f"Blocks: {told[0].lower()}{told[1:]}" if blocks else "Blocks")

    def _make_rows(self) -> None:
        """One for each block, from when they are looked at: most artists never do."""
        wanted = (BASE, *self._layout.attention) if self._layout and self.is_open() else ()
        if tuple(self.rows) == wanted:
            return
        drop_contents(self._column)
        self.rows.clear()
        for name in wanted:
            row = WeightRow(f"{self._name} in {name}", BLOCK_WEIGHT, low=0.0, high=SLIDER_END)
            row.edited.connect(lambda weight, name=name: self._weigh(name, weight))
            title = label("Words" if name == BASE else name)
            title.setFixedWidth(theme.px(NAME_WIDTH))
            title.setToolTip(_TIPS.get(name, _tip(name)))
            line = QWidget()
            beside = QHBoxLayout(line)
            beside.setContentsMargins(0, 0, 0, 0)
            beside.setSpacing(theme.px(8))
            beside.addWidget(title)
            beside.addWidget(row, 1)
            self._column.addWidget(line)
            self.rows[name] = row
        self.show_blocks(self._blocks)

    def _weigh(self, name: str, weight: float) -> None:
        self.edited.emit(blocks_of({**dict(self._blocks), name: weight}))


def _tip(name: str) -> str:
    way = "On the way in" if name.startswith("IN") else "On the way out"
    return f"{way}; the nearer to the middle, the more it is about composition"
