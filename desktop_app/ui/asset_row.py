"""A part of the model that a file here can stand in for: its name, and which one is in use."""

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.assets import Asset
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo
from desktop_app.ui.number_fields import LABEL_WIDTH, ResetLabel

OWN = "The model\u2019s own"
NONE = "None"


class AssetRow(QWidget):
    """The usual one first, then the files that fit, then one in use that does not or is not here.

    It holds no truth: what is wanted is reported, `offer` shows what is so.

    Signals:
        usual_wanted(): the first one was chosen, or its name double-clicked.
        wanted(Asset): one of the files was chosen.
    """

    usual_wanted = Signal()
    wanted = Signal(object)

    def __init__(
        self, title: str, usual: str, tooltip: str, spoken: str = "", parent: QWidget | None = None
    ) -> None:
        """Args:
        title: of the part.
        usual: what the first one is called, as the name's tooltip says it.
        tooltip: what the part does.
        spoken: the name of the choice for screen readers, where the title is not enough.
        """
        super().__init__(parent)
        self._offered: tuple[Asset, ...] = ()
        self._at = 0
        self.name = ResetLabel(title)
        self.name.setFixedWidth(theme.px(LABEL_WIDTH))
        self.name.setToolTip(f"Double-click for {usual[:1].lower()}{usual[1:]}")
        self.choice = Combo(spoken or title)
        self.choice.setToolTip(tooltip)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.px(10))
        line.addWidget(self.name)
        line.addWidget(self.choice, 1)
        self.name.reset_asked.connect(self.usual_wanted)
        self.choice.activated.connect(self._choose)

    def offer(self, usual: str, assets: Iterable[Asset], used: ModelRef | None) -> None:
        """Show what there is to choose from, and what is in use.

        Args:
            usual: what the first one is called.
            assets: the others; of copies only one is shown.
            used: None for the usual one.
        """
        self._offered = tuple({one.key: one for one in assets}.values())
        names = [usual, *(one.name for one in self._offered)]
        self._at = 0
        if used is not None:
            hashes = [one.sha256 for one in self._offered]
            known = used.sha256 in hashes
            self._at = hashes.index(used.sha256) + 1 if known else len(names)
            names += [] if known else [used.name]
        self.choice.fill((name, None) for name in names)
        self.choice.setCurrentIndex(self._at)

    def _choose(self, row: int) -> None:
        if row == 0:
            self.usual_wanted.emit()
        elif row <= len(self._offered):
            self.wanted.emit(self._offered[row - 1])
        # What was refused, or is read first to know its hash, is not in use.
        self.choice.setCurrentIndex(self._at)
