"""The LoRAs and textual inversions of the next picture: weights, words, and what does not fit."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import ADAPTER_WEIGHT, EmbeddingUse, LoraUse, ModelRef
from desktop_app.studio.asset_use import misfit
from desktop_app.studio.assets import Asset
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.adapter_picker import AdapterPicker
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import (
    ElidedLabel,
    IconButton,
    Refusal,
    SectionTitle,
    Separator,
    drop_contents,
    label,
)
from desktop_app.ui.number_fields import NumberEdit, Slider

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

STEP = 0.05
SLIDER_END = 2.0
"""Either way; the number takes the whole range."""
WORDS_SHOWN = 12
_WORDS = {"lora": "LoRA", "embedding": "textual inversion", "vae": "VAE"}

Use = LoraUse | EmbeddingUse


class WeightRow(QWidget):
    """A slider through 0 and its number.

    Signals:
        edited(float): the artist chose another weight.
    """

    edited = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = Slider()
        self.slider.setAccessibleName(f"Weight of {name}, slider")
        self.slider.setRange(-round(SLIDER_END / STEP), round(SLIDER_END / STEP))
        self.slider.setPageStep(round(0.25 / STEP))
        self.slider.setToolTip("0 is without it, 1 as it was trained")
        self.number = NumberEdit(ADAPTER_WEIGHT, step=STEP, decimals=2)
        self.number.setAccessibleName(f"Weight of {name}")
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.number.setFixedWidth(theme.px(52))
        self.refusal = Refusal()
        row = QHBoxLayout()
        row.setSpacing(theme.px(10))
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(2))
        column.addLayout(row)
        column.addWidget(self.refusal)
        self.slider.valueChanged.connect(self._slid)
        self.number.edited.connect(self._take)
        self.number.refused.connect(self.refusal.say)

    def set_value(self, weight: float) -> None:
        """Show `weight`."""
        self.number.set_value(weight)
        self.slider.setValue(self._position(weight))

    def _position(self, weight: float) -> int:
        return min(max(round(weight / STEP), self.slider.minimum()), self.slider.maximum())

    def _slid(self, position: int) -> None:
        if position != self._position(self.number.value):
            weight = round(position * STEP, 6)
            self.number.set_value(weight)
            self.edited.emit(weight)

    def _take(self, weight: float) -> None:
        self.slider.setValue(self._position(weight))
        self.edited.emit(float(weight))


class AdapterRow(QWidget):
    """One LoRA or textual inversion that is attached.

    Signals:
        weighed(float), removed()
        word_asked(str): it shall be in the prompt.
    """

    weighed = Signal(object)
    removed = Signal()
    word_asked = Signal(str)

    def __init__(self, use: Use, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        ref = ref_of(use)
        self.name = ElidedLabel(ref.name)
        self.remove = IconButton("x", f"Remove {ref.name}", flat=True, size=14, side=22)
        self.weight = WeightRow(ref.name) if isinstance(use, LoraUse) else None
        self.words = ChipRow(f"Words of {ref.name}", fill=False)
        self.trouble = label("", "hint")
        self.trouble.setProperty("state", "warn")
        self.trouble.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(theme.px(4))
        head.addWidget(self.name, 1)
        head.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(4))
        column.addLayout(head)
        if self.weight is not None:
            column.addWidget(self.weight)
            self.weight.edited.connect(self.weighed)
        column.addWidget(self.words)
        column.addWidget(self.trouble)
        self.remove.clicked.connect(self.removed)
        self.words.clicked.connect(self.word_asked)
        self.show_words(())
        self.say("")

    def show_use(self, use: Use) -> None:
        """Show the weight."""
        if self.weight is not None and isinstance(use, LoraUse):
            self.weight.set_value(use.weight)

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
        self.trouble.setText(sentence)
        self.trouble.setVisible(bool(sentence))


class AdaptersPanel(QWidget):
    """What is attached to the model; hidden while there is nothing.

    Signals:
        models_wanted(): show the page with all models.
    """

    models_wanted = Signal()

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        desk: "AssetDesk",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._library, self._desk = editor, library, desk
        self._uses: tuple[Use, ...] = ()
        self.rows: list[AdapterRow] = []
        self.add = IconButton("plus", "Add a LoRA", flat=True, size=14, side=22)
        self._column = QVBoxLayout()
        self._build()
        self.add.clicked.connect(lambda: self.offer(self.add))
        editor.changed.connect(self._show_draft)
        library.current_changed.connect(self._judge)
        desk.assets.read.connect(self._judge)
        desk.assets.dataChanged.connect(self._judge)
        desk.hashing.connect(self._judge)
        self._show_draft(editor.draft)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.px(4))
        head.addWidget(SectionTitle("LoRAs"), 1)
        head.addWidget(self.add)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.px(10))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.px(6))
        whole.addLayout(head)
        whole.addLayout(self._column)
        whole.addSpacing(theme.px(6))
        whole.addWidget(Separator())

    def offer(self, anchor: QWidget) -> AdapterPicker:
        """Open the sheet with what fits the model and is not attached yet."""
        used = {ref_of(use).sha256 for use in self._editor.draft.adapters}
        model = self._library.current
        fitting = [
            asset
            for asset in self._desk.assets.all
            if asset.identity.kind in ("lora", "embedding")
            and not (asset.missing or asset.unsupported or misfit(asset, model))
            and asset.sha256 not in used
        ]
        sheet = AdapterPicker(anchor, fitting)
        sheet.chosen.connect(self._desk.use)
        sheet.models_wanted.connect(self.models_wanted)
        sheet.show_it()
        return sheet

    def _show_draft(self, draft: Draft, before: Draft | None = None) -> None:
        if before is not None and draft.adapters == before.adapters:
            return
        shown, self._uses = self._uses, draft.adapters
        if [*map(_key, shown)] != [*map(_key, self._uses)]:
            self._make_rows()
            self._judge()
        for row, use in zip(self.rows, draft.adapters, strict=True):
            row.show_use(use)
        self.setVisible(bool(draft.adapters))

    def _make_rows(self) -> None:
        drop_contents(self._column)
        self.rows = [AdapterRow(use) for use in self._uses]
        for at, row in enumerate(self.rows):
            row.weighed.connect(lambda weight, at=at: self._weigh(at, weight))
            row.removed.connect(lambda at=at: self._remove(at))
            row.word_asked.connect(self._desk.add_word)
            self._column.addWidget(row)

    def _judge(self) -> None:
        """Say of each what is known by now: its words, whether it is here, and whether it fits."""
        # Not the draft's: the assets tell of a new one before it reached these rows.
        for row, use in zip(self.rows, self._uses, strict=True):
            asset = find_asset(self._desk, ref_of(use))
            own = (use.token,) if isinstance(use, EmbeddingUse) else ()
            row.show_words((*own, *(asset.trigger_words if asset is not None else ())))
            row.say(trouble_of(ref_of(use), asset, self._desk, self._library))

    def _weigh(self, at: int, weight: float) -> None:
        uses = list(self._editor.draft.adapters)
        use = uses[at]
        if isinstance(use, LoraUse):
            uses[at] = replace(use, weight=weight)
            self._editor.set(adapters=tuple(uses))

    def _remove(self, at: int) -> None:
        draft = self._editor.draft
        uses = (*draft.adapters[:at], *draft.adapters[at + 1 :])
        name = _WORDS[ref_of(draft.adapters[at]).kind]
        self._editor.replace(replace(draft, adapters=uses), name)


def _key(use: Use) -> tuple[ModelRef, str]:
    """What a row is made for; only the weight may change in it."""
    return ref_of(use), use.token if isinstance(use, EmbeddingUse) else ""


def ref_of(use: Use) -> ModelRef:
    """Which file is used."""
    return use.lora if isinstance(use, LoraUse) else use.embedding


def find_asset(desk: "AssetDesk", ref: ModelRef) -> Asset | None:
    """The asset that a recipe names; one that is there before one that was."""
    found = [one for one in desk.assets.all if ref.sha256 in (one.sha256, one.file_sha256)]
    return min(found, key=lambda one: one.missing, default=None)


def trouble_of(ref: ModelRef, asset: Asset | None, desk: "AssetDesk", library: LibraryModel) -> str:
    """Why something attached will not work, in a sentence; empty when it should, or while the
    folders are still being read.
    """
    word = _WORDS.get(ref.kind, "file")
    if asset is None:
        if (
            library.catalog is None
            or library.scanning
            or any(not (one.sha256 or one.missing or one.unsupported) for one in desk.assets.all)
        ):
            return ""
        return f"This {word} is not on this computer."
    if asset.missing:
        return f"This {word} is not where it was. Connect its drive, or put it back."
    return asset.unsupported or misfit(asset, library.current)
