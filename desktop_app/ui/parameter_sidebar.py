"""The sidebar on the right: seed, model, picture, and what is proved about it."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop_app.recipe.presets import Part
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.proofs import Proofs
from desktop_app.studio.run_state import RunState
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.ui import theme
from desktop_app.ui.adapters_panel import AdaptersPanel
from desktop_app.ui.advanced_fold import AdvancedFold
from desktop_app.ui.fields import Separator
from desktop_app.ui.model_section import ModelSection
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.picture_section import PictureSection
from desktop_app.ui.proof_card import ProofCard
from desktop_app.ui.seed_section import SeedSection
from desktop_app.ui.settings_presets import SettingsPresets

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk
    from desktop_app.studio.values import Record

WIDTH = 312
"""Pixels at 100 % text size."""


class ParameterSidebar(QFrame):
    """Everything about the next picture but its words.

    Signals:
        dice_thrown(): a new random seed is wanted.
        model_chosen(ModelInfo): another model is wanted.
        folder_asked(): open the folder where models are put.
        rescan_asked(): read the models' folders again.
        models_asked(): show the page with all models.
        verify_asked(int): make the picture with this id again, and compare.
        difference_asked(int, bool), why_asked(int): as the proof card has them.
        shelf_asked(str): the whole shelf is wanted: `seeds`, `settings` or `history`.
    """

    dice_thrown = Signal()
    model_chosen = Signal(object)
    folder_asked = Signal()
    rescan_asked = Signal()
    models_asked = Signal()
    verify_asked = Signal(object)
    difference_asked = Signal(object, bool)
    why_asked = Signal(object)
    shelf_asked = Signal(str)

    def __init__(
        self,
        *,
        editor: Editor,
        seeds: SeedDesk,
        library: LibraryModel,
        desk: "AssetDesk",
        settings: SettingsHolder,
        run: RunState,
        proofs: Proofs,
        random_seed: Callable[[], int],
        save_seed: Callable[[str, Collection[Part]], object],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        random_seed: draws a seed for a variation.
        save_seed: keeps the draft's seed under a name, with some parts of the draft.
        """
        super().__init__(parent)
        self.setObjectName("panel")
        self.setMinimumWidth(theme.px(WIDTH - 42))
        self.seed = SeedSection(editor, seeds, random_seed, save_seed)
        self.presets = SettingsPresets(seeds)
        self.model = ModelSection(editor, library)
        self.picture = PictureSection(editor, library)
        self.adapters = AdaptersPanel(editor, library, desk)
        self.advanced = AdvancedFold(
            editor=editor, library=library, desk=desk, settings=settings, run=run
        )
        self.proof = ProofCard(run, proofs)
        self._build()
        self.seed.dice_thrown.connect(self.dice_thrown)
        self.seed.shelf_asked.connect(lambda: self.shelf_asked.emit("seeds"))
        self.seed.history_asked.connect(lambda: self.shelf_asked.emit("history"))
        self.presets.shelf_asked.connect(lambda: self.shelf_asked.emit("settings"))
        self.model.model_chosen.connect(self.model_chosen)
        self.model.folder_asked.connect(self.folder_asked)
        self.model.rescan_asked.connect(self.rescan_asked)
        self.model.more_asked.connect(self.models_asked)
        self.model.adapter_asked.connect(lambda: self.adapters.offer(self.model.add))
        self.adapters.models_wanted.connect(self.models_asked)
        self.proof.verify_asked.connect(self.verify_asked)
        self.proof.difference_asked.connect(self.difference_asked)
        self.proof.why_asked.connect(self.why_asked)

    def _build(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(theme.px(16), theme.px(18), theme.px(16), theme.px(8))
        column.setSpacing(theme.px(12))
        for part in (self.seed, self.model, self.picture):
            column.addWidget(part)
            column.addWidget(Separator())
            if part is self.model:
                column.addWidget(self.adapters)
        column.addWidget(self.presets)
        column.addWidget(self.advanced)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(PanelScroll(body), 1)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(16))
        bottom.addWidget(self.proof)
        whole.addLayout(bottom)

    def show_picture(self, record: "Record | None") -> None:
        """The picture on the canvas is this one; None for the one being made."""
        self.proof.show_picture(record)
