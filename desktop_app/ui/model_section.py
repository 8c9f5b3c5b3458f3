"""The model's part of the sidebar: which one, what it is, and how to add a bigger one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.fields import (
    Combo,
    IconButton,
    IconTextButton,
    SectionTitle,
    Sentence,
    label,
    plain_tip,
)
from desktop_app.ui.popover import Popover
from desktop_app.ui.words import predicted

if TYPE_CHECKING:
    from desktop_app.studio.values import ModelInfo


class ModelSection(QWidget):
    """The models on this machine, and the noise schedule that the one in use was trained with.

    Signals:
        model_chosen(ModelInfo): another model is wanted.
        folder_asked(): open the folder where models are put.
        rescan_asked(): read the folders again.
        more_asked(): show the page with all models.
        adapter_asked(): offer what can be attached to the model.
    """

    model_chosen = Signal(object)
    folder_asked = Signal()
    rescan_asked = Signal()
    more_asked = Signal()
    adapter_asked = Signal()

    def __init__(
        self, editor: Editor, library: LibraryModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._editor, self._library = editor, library
        self.combo = Combo("Model")
        self.about = Sentence()
        self.add = IconButton("plus", "Add a model", flat=True, size=14, side=22)
        self._build()
        self.combo.activated.connect(self._choose)
        self.add.clicked.connect(self.explain)
        library.changed.connect(self._fill)
        library.current_changed.connect(self._fill)
        editor.changed.connect(self._follow)
        self._fill()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.px(4))
        head.addWidget(SectionTitle("Model"), 1)
        head.addWidget(self.add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(head)
        column.addWidget(self.combo)
        column.addWidget(self.about)

    def _follow(self, draft: Draft, before: Draft) -> None:
        if draft.model != before.model:
            self._fill()

    def _fill(self) -> None:
        """Show the models, the one in use chosen; one that is not here is named as missing."""
        models = self._library.models
        titles = [_title(model) for model in models]
        wanted = self._editor.draft.model
        current = self._library.current
        at = models.index(current) if current in models else -1
        if at < 0 and wanted is not None:
            looking = self._library.scanning and not models
            titles.append(f"{wanted.name}   ·   {'being looked for…' if looking else 'not here'}")
            at = len(titles) - 1
        if not titles:
            titles, at = ["Reading the models…" if self._library.scanning else "No model"], 0
        self.combo.fill((title, None) for title in titles)
        self.combo.setCurrentIndex(at)
        # A branch keeps it still, also when the folders are read again meanwhile.
        self.combo.setEnabled(bool(models) and self._editor.draft.branch is None)
        self._describe(current, missing=bool(wanted) and not current and bool(models))

    def _describe(self, model: "ModelInfo | None", *, missing: bool) -> None:
        if model is not None:
            predicts = predicted(model.prediction_type)
            self.about.say(f"Predicts {predicts} · {_unbroken(model.noise_schedule)}")
            lines = (
                model.title,
                model.description,
                f"{model.family}, {model.bytes / 1e6:,.0f} MB",
                _companions(model),
                str(model.path),
            )
            self.combo.setToolTip(plain_tip("\n".join(line for line in lines if line)))
        else:
            self.about.say("This model is not on this machine." if missing else "")
            self.combo.setToolTip("")

    def _choose(self, row: int) -> None:
        models = self._library.models
        if row < len(models) and models[row] != self._library.current:
            self.model_chosen.emit(models[row])
        self._fill()

    def explain(self) -> Popover:
        """Say how a model is added, with the folder to open."""
        sheet = Popover(self.add, "Add a model", 300)
        words = label(
            "On the page with the models, add folders of other programs or get a model from "
            "Hugging Face. Or drop a model on the window, or put it into this folder and look "
            "again.",
            "label",
        )
        words.setWordWrap(True)
        place = label(str(self._library.models_folder), "hint")
        place.setWordWrap(True)
        place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        more = QPushButton("Show the models")
        more.setProperty("primary", True)
        more.clicked.connect(self.more_asked)
        more.clicked.connect(sheet.close)
        open_it = IconTextButton("folder-open", "Open the folder")
        look = IconTextButton("refresh-cw", "Look again")
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        for button, signal in ((open_it, self.folder_asked), (look, self.rescan_asked)):
            button.clicked.connect(signal)
            button.clicked.connect(sheet.close)
            row.addWidget(button)
        sheet.column.addWidget(label("Add a model", "title"))
        sheet.column.addWidget(words)
        sheet.column.addWidget(place)
        sheet.column.addLayout(row)
        sheet.column.addWidget(more)
        family = self._library.family
        if family is not None and family.adapters:
            attach = IconTextButton("layers", "Add a LoRA…")
            attach.clicked.connect(sheet.close)
            attach.clicked.connect(self.adapter_asked)
            sheet.column.addWidget(attach)
        sheet.open(more)
        return sheet


def _companions(model: "ModelInfo") -> str:
    """What completes a model whose file has only its network."""
    refs = (*model.own_text_encoders, *([model.own_vae] if model.own_vae is not None else []))
    return "with " + ", ".join(ref.name for ref in refs) if refs else ""


def _unbroken(words: str) -> str:
    """The words with those in brackets kept on one line."""
    before, sign, after = words.partition("(")
    return before + sign + after.replace(" ", "\u00a0")


def _title(model: "ModelInfo") -> str:
    return f"{model.title}   ·   built in" if model.built_in else model.title
