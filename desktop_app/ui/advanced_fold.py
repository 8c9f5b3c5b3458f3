"""Advanced: what decodes, reads and refines, CLIP skip, previews, and where the model is kept."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import CLIP_SKIP
from desktop_app.settings import Settings
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.asset_use import fitting
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.run_state import RunState
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.ui.asset_row import OWN, AssetRow
from desktop_app.ui.fields import FoldSection, Sentence
from desktop_app.ui.number_fields import SliderNumber
from desktop_app.ui.refiner_row import RefinerRow
from desktop_app.ui.text_encoder_rows import TextEncoderRows

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk


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
        self._vae = AssetRow("VAE", OWN, "What makes the pixels of the finished picture")
        self.vae_name, self.vae = self._vae.name, self._vae.choice
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
        self.previews.setToolTip(
            "Without it each step is a little quicker; the pixels are the same"
        )
        for part in (self._vae, self.trouble, self.text_encoders, self.refiner):
            self.body.addWidget(part)
        for part in (self.clip_skip, self.previews, self.memory):
            self.body.addWidget(part)

    def _connect(self) -> None:
        self._vae.usual_wanted.connect(self._use_own_vae)
        self._vae.wanted.connect(self._desk.use)
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

    def _use_own_vae(self) -> None:
        model = self._library.current
        self._editor.set(vae=None if model is None else model.own_vae)

    def _show_models(self) -> None:
        """Offer the VAEs that fit; one in use that does not, or is not here, stands last."""
        used, model = self._editor.draft.vae, self._library.current
        own = None if model is None else model.own_vae
        asset = find_asset(self._desk, used) if used is not None else None
        there = fitting(self._desk.assets.all, model, "vae")
        others = [one for one in there if own is None or one.sha256 != own.sha256]
        usual = OWN if own is None else own.name
        self._vae.offer(usual, others, used if used != own else None)
        self._vae.setVisible(self.vae.count() > 1 or own is not None)
        words = trouble_of(used, asset, self._desk, self._library) if used is not None else ""
        self.trouble.say(words)
        self._show_clip_skip(self._editor.draft)

    def _show_draft(self, draft: Draft, before: Draft) -> None:
        if draft.vae != before.vae:
            self._show_models()
        if (draft.width, draft.height) != (before.width, before.height):
            self._show_memory()
        self._show_clip_skip(draft)

    def _show_clip_skip(self, draft: Draft) -> None:
        family = self._library.family
        has = family is None or "clip_skip" in family.controls
        self.clip_skip.setVisible(has or draft.clip_skip > 0)
        self.clip_skip.set_value(draft.clip_skip)

    def _show_settings(self, values: Settings) -> None:
        self.previews.setChecked(values.previews)

    def _show_memory(self) -> None:
        model, draft = self._library.current, self._editor.draft
        keeping = self._run.keepings.get(model.ref.name) if model is not None else None
        words = "" if keeping is None else keeping.in_words(draft.width, draft.height)
        self.memory.say(words)
