"""Advanced: what decodes, reads and refines, CLIP skip, previews, and where the model is kept."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import CLIP_SKIP
from desktop_app.settings import Settings
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.asset_use import fitting
from desktop_app.studio.assets import Asset
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.run_state import RunState
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, FoldSection, Sentence
from desktop_app.ui.number_fields import LABEL_WIDTH, ResetLabel, SliderNumber
from desktop_app.ui.refiner_row import RefinerRow
from desktop_app.ui.text_encoder_rows import TextEncoderRows

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

_OWN = "The model\u2019s own"


class AdvancedFold(FoldSection):
    """What is seldom changed."""

    def __init__(
        self,
        *,
        editor: Editor,
        library: LibraryModel,
        desk: "AssetDesk",
        settings: SettingsHolder,
        run: RunState,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Advanced", parent)
        self._editor, self._library, self._desk = editor, library, desk
        self._settings, self._run = settings, run
        self._offered: tuple[Asset, ...] = ()
        self.vae_name = ResetLabel("VAE")
        self.vae = Combo("VAE")
        self.trouble = Sentence(state="warn")
        self.text_encoders = TextEncoderRows(editor, library, desk)
        self.refiner = RefinerRow(editor, library, desk)
        self.clip_skip = SliderNumber(CLIP_SKIP, default=0)
        self.previews = QCheckBox("Show the picture while it forms")
        self.memory = Sentence()
        self._build()
        self._connect()
        self._show_settings(settings.values)
        self._show_models()
        self._show_memory()

    def _build(self) -> None:
        self.vae_name.setFixedWidth(theme.px(LABEL_WIDTH))
        self.vae_name.setToolTip("Double-click for the model\u2019s own")
        self.vae.setToolTip("What makes the pixels of the finished picture")
        self.previews.setToolTip(
            "Without it each step is a little quicker; the pixels are the same"
        )
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addWidget(self.vae_name)
        row.addWidget(self.vae, 1)
        self.body.addLayout(row)
        for part in (self.trouble, self.text_encoders, self.refiner, self.clip_skip):
            self.body.addWidget(part)
        for part in (self.previews, self.memory):
            self.body.addWidget(part)

    def _connect(self) -> None:
        self.vae.activated.connect(self._choose_vae)
        self.vae_name.reset_asked.connect(lambda: self._choose_vae(0))
        self.clip_skip.edited.connect(self._set_clip_skip)
        self.previews.toggled.connect(lambda on: self._settings.set(previews=on))
        self._settings.changed.connect(self._show_settings)
        self._editor.changed.connect(self._show_draft)
        self._library.current_changed.connect(self._show_models)
        self._library.current_changed.connect(self._show_memory)
        self._desk.assets.read.connect(self._show_models)
        self._desk.hashing.connect(self._show_models)
        self._run.changed.connect(self._show_memory)

    def _set_clip_skip(self, layers: int) -> None:
        self.clip_skip.attempt(lambda: self._editor.set(clip_skip=layers))

    def _choose_vae(self, row: int) -> None:
        if row == 0:
            model = self._library.current
            self._editor.set(vae=None if model is None else model.own_vae)
        elif row <= len(self._offered):
            self._desk.use(self._offered[row - 1])
        self._show_models()

    def _show_models(self) -> None:
        """Offer the VAEs that fit; one in use that does not, or is not here, stands last."""
        used, model = self._editor.draft.vae, self._library.current
        own = None if model is None else model.own_vae
        asset = find_asset(self._desk, used) if used is not None else None
        there = fitting(self._desk.assets.all, model, "vae")
        others = {one.key: one for one in there if own is None or one.sha256 != own.sha256}
        self._offered = tuple(others.values())
        names = [_OWN if own is None else own.name, *(one.name for one in self._offered)]
        at = 0
        if used is not None and used != own:
            hashes = [one.sha256 for one in self._offered]
            at = hashes.index(used.sha256) + 1 if used.sha256 in hashes else len(names)
            names += [used.name] if at == len(names) else []
        if names != [self.vae.itemText(row) for row in range(self.vae.count())]:
            self.vae.clear()
            self.vae.addItems(names)
        self.vae.setCurrentIndex(at)
        for part in (self.vae_name, self.vae):
            part.setVisible(len(names) > 1 or own is not None)
        words = trouble_of(used, asset, self._desk, self._library) if used is not None else ""
        self.trouble.say(words)
        self._show_clip_skip(self._editor.draft)

    def _show_draft(self, draft: Draft, before: Draft) -> None:
        if draft.vae != before.vae:
            self._show_models()
        self._show_clip_skip(draft)

    def _show_clip_skip(self, draft: Draft) -> None:
        family = self._library.family
        has = family is None or "clip_skip" in family.controls
        self.clip_skip.setVisible(has or draft.clip_skip > 0)
        self.clip_skip.set_value(draft.clip_skip)

    def _show_settings(self, values: Settings) -> None:
        self.previews.setChecked(values.previews)

    def _show_memory(self) -> None:
        model = self._library.current
        words = self._run.plans.get(model.ref.name, "") if model is not None else ""
        self.memory.say(words)
