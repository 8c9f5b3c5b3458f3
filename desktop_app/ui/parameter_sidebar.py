"""The sidebar on the right: seed, model, picture, and what is proved about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from desktop_app.settings import Settings
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.run_state import RunState
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.shelf import ShelfModel
from desktop_app.ui import theme
from desktop_app.ui.fields import FoldSection, Separator
from desktop_app.ui.model_section import ModelSection
from desktop_app.ui.picture_section import PictureSection
from desktop_app.ui.prompt_panel import scrolled
from desktop_app.ui.proof_card import ProofCard
from desktop_app.ui.seed_section import SeedSection

if TYPE_CHECKING:
    from desktop_app.studio.values import Record

WIDTH = 300
"""Pixels at 100 % text size."""


class ParameterSidebar(QFrame):
    """Everything about the next picture but its words.

    Signals:
        dice_thrown(): a new random seed is wanted.
        model_chosen(ModelInfo): another model is wanted.
        folder_asked(): open the folder where models are put.
        rescan_asked(): read the models' folders again.
        verify_asked(int): make the picture with this id again, and compare.
    """

    dice_thrown = Signal()
    model_chosen = Signal(object)
    folder_asked = Signal()
    rescan_asked = Signal()
    verify_asked = Signal(object)

    def __init__(
        self,
        *,
        editor: Editor,
        shelf: ShelfModel,
        library: LibraryModel,
        settings: SettingsHolder,
        run: RunState,
        random_seed: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setMinimumWidth(theme.px(WIDTH - 30))
        self.seed = SeedSection(editor, shelf, random_seed)
        self.model = ModelSection(editor, library)
        self.picture = PictureSection(editor, library)
        self.advanced = PreviewFold(settings)
        self.proof = ProofCard(run)
        self._build()
        self.seed.dice_thrown.connect(self.dice_thrown)
        self.model.model_chosen.connect(self.model_chosen)
        self.model.folder_asked.connect(self.folder_asked)
        self.model.rescan_asked.connect(self.rescan_asked)
        self.proof.verify_asked.connect(self.verify_asked)

    def _build(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(theme.px(16), theme.px(18), theme.px(16), theme.px(8))
        column.setSpacing(theme.px(12))
        for part in (self.seed, self.model, self.picture):
            column.addWidget(part)
            column.addWidget(Separator())
        column.addWidget(self.advanced)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scrolled(body), 1)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(16))
        bottom.addWidget(self.proof)
        whole.addLayout(bottom)

    def show_picture(self, record: "Record | None") -> None:
        """The picture on the canvas is this one; None for the one being made."""
        self.proof.show_picture(record)


class PreviewFold(FoldSection):
    """Advanced: whether the picture is shown while it forms."""

    def __init__(self, settings: SettingsHolder, parent: QWidget | None = None) -> None:
        super().__init__("Advanced", parent)
        self._settings = settings
        self.previews = QCheckBox("Show the picture while it forms")
        self.previews.setToolTip(
            "Without it each step is a little quicker; the pixels are the same"
        )
        self.body.addWidget(self.previews)
        self.previews.toggled.connect(self._set_previews)
        settings.changed.connect(self._show_settings)
        self._show_settings(settings.values)

    def _set_previews(self, on: bool) -> None:
        self._settings.set(previews=on)

    def _show_settings(self, values: Settings) -> None:
        self.previews.setChecked(values.previews)
