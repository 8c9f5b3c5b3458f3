"""The refiner of the next picture: which one, and where it takes over."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import REFINER_START
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.asset_use import fitting
from desktop_app.studio.assets import Asset
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, Sentence, label
from desktop_app.ui.number_fields import LABEL_WIDTH, ResetLabel, SliderNumber

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

USUAL_START = 0.8
"""Where the authors of SDXL let it take over."""
_NONE = "None"
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
        self._offered: tuple[Asset, ...] = ()
        self.name = ResetLabel("Refiner")
        self.choice = Combo("Refiner")
        self.start = SliderNumber(REFINER_START, step=0.05, decimals=2, default=USUAL_START)
        self.help = label(_HELP, "hint")
        self.trouble = Sentence(state="warn")
        self._build()
        self._connect()
        self._show_models()

    def _build(self) -> None:
        self.name.setFixedWidth(theme.px(LABEL_WIDTH))
        self.name.setToolTip("Double-click for none")
        self.choice.setToolTip("A second model that takes the last steps of the picture")
        self.help.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addWidget(self.name)
        row.addWidget(self.choice, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(row)
        for part in (self.start, self.help, self.trouble):
            column.addWidget(part)

    def _connect(self) -> None:
        self.choice.activated.connect(self._choose)
        self.name.reset_asked.connect(lambda: self._editor.set(refiner=None))
        self.start.edited.connect(self._set_start)
        self._editor.changed.connect(self._show_draft)
        self._library.current_changed.connect(self._show_models)
        self._desk.assets.read.connect(self._show_models)
        self._desk.hashing.connect(self._show_models)

    def _set_start(self, start: float) -> None:
        used = self._editor.draft.refiner
        if used is not None:
            self.start.attempt(lambda: self._editor.set(refiner=replace(used, start=start)))

    def _choose(self, row: int) -> None:
        if row == 0:
            self._editor.set(refiner=None)
        elif row <= len(self._offered):
            self._desk.use(self._offered[row - 1])
        self._show_models()

    def _show_draft(self, draft: Draft, before: Draft) -> None:
        if draft.refiner != before.refiner:
            self._show_models()

    def _show_models(self) -> None:
        """Offer the refiners that fit; one in use that does not, or is not here, stands last."""
        used, family = self._editor.draft.refiner, self._library.family
        there = fitting(self._desk.assets.all, self._library.current, "refiner")
        refined = family is not None and family.refiner
        self._offered = tuple({one.key: one for one in there}.values()) if refined else ()
        names = [_NONE, *(one.name for one in self._offered)]
        at = 0
        if used is not None:
            hashes = [one.sha256 for one in self._offered]
            sha256 = used.model.sha256
            at = hashes.index(sha256) + 1 if sha256 in hashes else len(names)
            names += [used.model.name] if at == len(names) else []
            self.start.set_value(used.start)
        if names != [self.choice.itemText(row) for row in range(self.choice.count())]:
            self.choice.clear()
            self.choice.addItems(names)
        self.choice.setCurrentIndex(at)
        self._show_trouble()
        for part in (self.start, self.help):
            part.setVisible(used is not None)
        self.setVisible(len(names) > 1)

    def _show_trouble(self) -> None:
        used, words = self._editor.draft.refiner, ""
        if used is not None:
            asset = find_asset(self._desk, used.model)
            words = trouble_of(used.model, asset, self._desk, self._library, "refiner")
        self.trouble.say(words)
