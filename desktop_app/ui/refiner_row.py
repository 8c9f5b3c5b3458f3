"""The refiner of the next picture: which one, and where it takes over."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import REFINER_START
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.asset_use import fitting
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.asset_row import NONE, AssetRow
from desktop_app.ui.fields import Sentence, label
from desktop_app.ui.number_fields import SliderNumber

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

USUAL_START = 0.8
"""Where the authors of SDXL let it take over."""
_TIP = "A second model that takes the last steps of the picture"
_HELP = "Takes the last steps, from this share of the noise on"


class RefinerRow(QWidget):
    """Shown where the model's family can be refined, and while a refiner is set."""

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        desk: "AssetDesk",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._library, self._desk = editor, library, desk
        self.row = AssetRow("Refiner", NONE, _TIP)
        self.choice = self.row.choice
        self.start = SliderNumber(REFINER_START, step=0.05, decimals=2, default=USUAL_START)
        self.help = label(_HELP, "hint")
        self.trouble = Sentence(state="warn")
        self._build()
        self._connect()
        self._show_models()

    def _build(self) -> None:
        self.help.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        for part in (self.row, self.start, self.help, self.trouble):
            column.addWidget(part)

    def _connect(self) -> None:
        self.row.usual_wanted.connect(lambda: self._editor.set(refiner=None))
        self.row.wanted.connect(self._desk.use)
        self.start.edited.connect(self._set_start)
        self._editor.changed.connect(self._show_draft)
        self._library.current_changed.connect(self._show_models)
        self._desk.assets.read.connect(self._show_models)
        self._desk.hashing.connect(self._show_models)

    def _set_start(self, start: float) -> None:
        used = self._editor.draft.refiner
        if used is not None:
            self.start.attempt(lambda: self._editor.set(refiner=replace(used, start=start)))

    def _show_draft(self, draft: Draft, before: Draft) -> None:
        if draft.refiner != before.refiner:
            self._show_models()

    def _show_models(self) -> None:
        """Offer the refiners that fit; one in use that does not, or is not here, stands last."""
        used, family = self._editor.draft.refiner, self._library.family
        there = fitting(self._desk.assets.all, self._library.current, "refiner")
        refined = family is not None and family.refiner
        self.row.offer(NONE, there if refined else (), used.model if used is not None else None)
        if used is not None:
            self.start.set_value(used.start)
        self._show_trouble()
        for part in (self.start, self.help):
            part.setVisible(used is not None)
        self.setVisible(self.choice.count() > 1)

    def _show_trouble(self) -> None:
        used, words = self._editor.draft.refiner, ""
        if used is not None:
            asset = find_asset(self._desk, used.model)
            words = trouble_of(used.model, asset, self._desk, self._library, "refiner")
        self.trouble.say(words)
