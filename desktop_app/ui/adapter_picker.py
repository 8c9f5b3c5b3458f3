"""The sheet that offers the LoRAs and textual inversions that fit the model."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop_app.studio.assets import Asset, kind_words
from desktop_app.ui.fields import IconTextButton, label
from desktop_app.ui.popover import Popover
from desktop_app.ui.search_list import Choice, SearchList


class AdapterPicker(Popover):
    """Choose something to attach to the model.

    Signals:
        chosen(Asset)
        models_wanted(): show the page with all models.
    """

    chosen = Signal(object)
    models_wanted = Signal()

    def __init__(self, anchor: QWidget, assets: Sequence[Asset]) -> None:
        """Args:
        assets: what is offered, in this order.
        """
        super().__init__(anchor, "Add a LoRA", 300)
        self.offered = SearchList(
            [_choice(asset) for asset in assets],
            search="Search",
            name="What can be added",
            height=200,
        )
        self.offered.search.setAccessibleName("Search what can be added")
        self.offered.setVisible(bool(assets))
        self.empty = label(
            "There is none here that fits this model. On the page with the models, watch a folder "
            "that has some, or drop a file on the window.",
            "hint",
        )
        self.empty.setWordWrap(True)
        self.empty.setVisible(not assets)
        self.models = IconTextButton("layers", "Show the models")
        self.column.addWidget(label("Add a LoRA or a textual inversion", "title"))
        for part in (self.offered, self.empty, self.models):
            self.column.addWidget(part)
        self.offered.taken.connect(self.chosen)
        self.offered.taken.connect(self.close)
        self.models.clicked.connect(self.close)
        self.models.clicked.connect(self.models_wanted)

    def show_it(self) -> None:
        """Open with the focus in the search field."""
        self.open(self.models if self.offered.isHidden() else self.offered.search)


def _choice(asset: Asset) -> Choice:
    kind = kind_words(asset.identity.kind)
    own = "" if asset.identity.kind == "lora" else f"   ·   {kind}"
    words = ", ".join(asset.trigger_words[:6])
    return Choice(
        text=f"{asset.name}{own}",
        value=asset,
        words="\n".join((asset.name, asset.path.name, kind, *asset.trigger_words)),
        tooltip="\n".join(one for one in (asset.path.name, words) if one),
    )
