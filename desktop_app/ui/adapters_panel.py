"""The LoRAs and textual inversions of the next picture: weights, words, and what does not fit."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.blocks import LAYOUTS, Blocks
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.lora_tags import LoraTag, lora_tags, reweighed, without
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse, ModelRef
from desktop_app.studio.asset_trouble import WORDS, find_asset, still_reading, trouble_of
from desktop_app.studio.asset_use import fitting
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.adapter_picker import AdapterPicker
from desktop_app.ui.adapter_row import AdapterRow, Shown
from desktop_app.ui.fields import IconButton, SectionTitle, Separator, drop_contents

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk


class AdaptersPanel(QWidget):
    """What is attached to the model, by the artist or by the prompt; hidden while there is nothing.

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
        self._shown: tuple[Shown, ...] = ()
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
        self.hide()
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
        """Open the sheet with what fits the model and is not in use yet."""
        assets = self._desk.assets
        there = fitting(assets.all, self._library.current, "lora", "embedding")
        sheet = AdapterPicker(anchor, [one for one in there if not assets.is_in_use(one)])
        sheet.chosen.connect(self._desk.use)
        sheet.models_wanted.connect(self.models_wanted)
        sheet.show_it()
        return sheet

    def _show_draft(self, draft: Draft, before: Draft | None = None) -> None:
        if before is not None and (draft.adapters, draft.prompt) == (
            before.adapters,
            before.prompt,
        ):
            return
        old, self._shown = self._shown, (*draft.adapters, *lora_tags(draft.prompt))
        same = [*map(_key, old)] == [*map(_key, self._shown)]
        if not same:
            self._make_rows()
        if not same or [*map(_blocks_in, old)] != [*map(_blocks_in, self._shown)]:
            self._judge()
        for row, shown in zip(self.rows, self._shown, strict=True):
            row.show_it(shown)
        self.setVisible(bool(self._shown))

    def _make_rows(self) -> None:
        drop_contents(self._column)
        self.rows = [AdapterRow(shown) for shown in self._shown]
        for at, row in enumerate(self.rows):
            row.weighed.connect(lambda weight, at=at: self._weigh(at, weight))
            row.blocks_weighed.connect(lambda blocks, at=at: self._weigh_blocks(at, blocks))
            row.removed.connect(lambda at=at: self._remove(at))
            row.word_asked.connect(self._desk.add_word)
            self._column.addWidget(row)

    def _judge(self) -> None:
        """Say of each what is known by now: its words, whether it is here, and whether it fits."""
        # Not the draft's: the assets tell of a new one before it reached these rows.
        model = self._library.current
        layout = LAYOUTS.get(model.family_key) if model is not None else None
        called = (self._ref_of(one) for one in self._shown if isinstance(one, LoraTag))
        tagged = {ref.sha256 for ref in called if ref is not None}
        for row, shown in zip(self.rows, self._shown, strict=True):
            ref = self._ref_of(shown)
            asset = find_asset(self._desk, ref) if ref is not None else None
            own = (shown.token,) if isinstance(shown, EmbeddingUse) else ()
            row.show_words((*own, *(asset.trigger_words if asset is not None else ())))
            row.show_layout(layout)
            if ref is None:
                row.say(self._unknown(row.name.full_text()))
                continue
            trouble = trouble_of(ref, asset, self._desk, self._library)
            if isinstance(shown, LoraUse) and ref.sha256 in tagged:
                trouble = trouble or "The prompt calls it as well, and the weight there counts."
            elif layout is None and model is not None and _blocks_in(shown):
                trouble = trouble or f"“{model.title}” has no blocks to weigh it in."
            row.say(trouble)

    def _ref_of(self, shown: Shown) -> ModelRef | None:
        """The file that a row is about; None for a name in the prompt that no file has."""
        if isinstance(shown, LoraTag):
            return self._desk.assets.loras.get(shown.call.name)
        return ref_of(shown)

    def _unknown(self, name: str) -> str:
        if still_reading(self._desk, self._library):
            return ""
        return f"There is no LoRA called “{name}” here: the prompt’s words are read as they stand."

    def _weigh(self, at: int, weight: float) -> None:
        match self._shown[at]:
            case LoraTag() as tag:
                self._editor.set(prompt=reweighed(self._editor.draft.prompt, tag, weight))
            case LoraUse() as use:
                self._change(at, replace(use, weight=weight))
            case EmbeddingUse():
                pass

    def _weigh_blocks(self, at: int, blocks: Blocks) -> None:
        use = self._shown[at]
        if isinstance(use, LoraUse):
            self._change(at, replace(use, blocks=blocks))

    def _change(self, at: int, use: LoraUse) -> None:
        uses = self._editor.draft.adapters
        self._editor.set(adapters=(*uses[:at], use, *uses[at + 1 :]))

    def _remove(self, at: int) -> None:
        draft, gone = self._editor.draft, self._shown[at]
        if isinstance(gone, LoraTag):
            left = replace(draft, prompt=without(draft.prompt, gone))
            self._editor.replace(left, WORDS["lora"])
            return
        uses = (*draft.adapters[:at], *draft.adapters[at + 1 :])
        self._editor.replace(replace(draft, adapters=uses), WORDS[ref_of(gone).kind])


def _key(shown: Shown) -> tuple[object, ...]:
    """What a row is made for; only the weights may change in it."""
    match shown:
        case LoraUse():
            return (shown.lora,)
        case EmbeddingUse():
            return shown.embedding, shown.token
        case LoraTag():
            return LoraTag, shown.call.name


def _blocks_in(shown: Shown) -> Blocks:
    """The weights in blocks that a row stands for."""
    match shown:
        case LoraUse():
            return shown.blocks
        case LoraTag():
            return shown.call.blocks
        case EmbeddingUse():
            return ()


def ref_of(use: LoraUse | EmbeddingUse) -> ModelRef:
    """Which file is used."""
    return use.lora if isinstance(use, LoraUse) else use.embedding
