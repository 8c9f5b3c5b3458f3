"""What a preset holds, beside the grid; its name, tags and notes are edited here."""

from typing import Any

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.preset import NAME_MAX, NOTES_MAX, Preset, tags_in
from desktop_app.recipe.presets import DraftPreset, SeedPreset
from desktop_app.recipe.styles import Style
from desktop_app.studio.preset_model import PresetModel
from desktop_app.studio.shelf import ShelfModel
from desktop_app.studio.small_pictures import SmallPictures
from desktop_app.ui import theme
from desktop_app.ui.fields import (
    IconButton,
    IconTextButton,
    Refusal,
    Sentence,
    drop_contents,
    label,
)
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.preset_cards import cut
from desktop_app.ui.preset_words import age, facts_of
from desktop_app.ui.words import grouped

WIDTH = 280
"""Pixels at 100 % text size."""
_SAMPLES = 4
_PROMPT_MAX = 600


class PresetDetails(QFrame):
    """One preset in full, or what can be done with several.

    Signals:
        used(): the selected preset shall go into the draft.
        made(): its seed shall be put into the draft and rendered.
        sample_wanted(): its newest picture shall be shown.
        duplicated(), merged(), exported(), deleted(): of what is selected.
    """

    used = Signal()
    made = Signal()
    sample_wanted = Signal()
    duplicated = Signal()
    merged = Signal()
    exported = Signal()
    deleted = Signal()

    def __init__(
        self,
        model: "PresetModel[Any]",
        pictures: SmallPictures,
        use_words: str,
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        use_words: what the button says that puts a preset into the draft.
        """
        super().__init__(parent)
        self.setObjectName("panel")
        self.setFixedWidth(theme.px(WIDTH))
        self._model, self._pictures = model, pictures
        self._names: list[str] = []
        self._build(use_words)
        self._connect()
        self.show_names([])

    def _build(self, use_words: str) -> None:
        self.picture = QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.samples = QHBoxLayout()
        self.samples.setSpacing(theme.px(4))
        self.name = _line("Name", NAME_MAX)
        self.seed = label("", "value")
        self.seed.setFont(theme.mono())
        self.facts, self.prompt = label("", "label"), label("", "label")
        for words in (self.seed, self.facts, self.prompt):
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tags = _line("Tags, with commas between them", 1000)
        self.tags.setPlaceholderText("fox, winter, keep")
        self.notes = QPlainTextEdit()
        self.notes.setAccessibleName("Notes")
        self.notes.setPlaceholderText("What this is good for")
        self.notes.setTabChangesFocus(True)
        self.notes.setMinimumHeight(theme.px(90))
        self.refusal = Refusal()
        self.kept = Sentence()
        self.use, self.make = QPushButton(use_words), QPushButton("Generate")
        self.use.setProperty("primary", True)
        self.merge = IconTextButton("merge", "Merge into the first")
        self.duplicate = IconButton("copy-plus", "Duplicate", flat=True)
        self.export = IconButton("upload", "Export to a file", flat=True)
        self.delete = IconButton("trash-2", "Delete", flat=True)
        self._one = QWidget()
        column = QVBoxLayout(self._one)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(8))
        column.addWidget(self.picture)
        column.addLayout(self.samples)
        for part in (self.name, self.seed, self.facts, self.prompt):
            column.addWidget(part)
        for words, part in (("Tags", self.tags), ("Notes", self.notes)):
            column.addWidget(label(words))
            column.addWidget(part)
        column.addWidget(self.refusal)
        column.addWidget(self.kept)
        self.hint = label("", "hint")
        self.hint.setWordWrap(True)
        self._lay_out()

    def _lay_out(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(8))
        column.setSpacing(theme.px(8))
        column.addWidget(self._one)
        column.addWidget(self.hint)
        column.addWidget(self.merge)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(16))
        buttons.setSpacing(theme.px(4))
        buttons.addWidget(self.use, 1)
        buttons.addWidget(self.make)
        for button in (self.duplicate, self.export, self.delete):
            buttons.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(PanelScroll(body), 1)
        whole.addLayout(buttons)

    def _connect(self) -> None:
        self.name.editingFinished.connect(self._rename)
        self.tags.editingFinished.connect(self._keep)
        self.notes.installEventFilter(self)
        for button, signal in (
            (self.use, self.used),
            (self.make, self.made),
            (self.merge, self.merged),
            (self.duplicate, self.duplicated),
            (self.export, self.exported),
            (self.delete, self.deleted),
        ):
            button.clicked.connect(signal)
        self._model.dataChanged.connect(self._refresh)
        self._pictures.arrived.connect(self._show_pictures)

    @property
    def preset(self) -> Preset | None:
        """The one that is shown; None for none or several."""
        return self._model.preset(self._names[0]) if len(self._names) == 1 else None

    def show_names(self, names: list[str]) -> None:
        """Show what is selected; what was typed for another preset is kept first."""
        if names != self._names:
            self._keep()
            self._names = names
        self._refresh()

    def _refresh(self) -> None:
        preset, count = self.preset, len(self._names)
        self._one.setVisible(preset is not None)
        self.merge.setVisible(count > 1)
        for button in (self.use, self.duplicate):
            button.setVisible(preset is not None)
        self.make.setVisible(isinstance(preset, SeedPreset))
        for button in (self.export, self.delete):
            button.setVisible(count > 0)
        words = self._model.kind.words
        several = f"{count} {words} are selected. Merged, the first keeps its numbers and gets the "
        several += "tags, notes and pictures of all."
        self.hint.setText(several if count > 1 else "Select a card to see what it holds.")
        self.hint.setVisible(preset is None)
        if preset is not None:
            self._show(preset)

    def _show(self, preset: Preset) -> None:
        own = not self._built_in(preset.name)
        self.name.setReadOnly(not own)
        if not self.name.hasFocus():
            self.name.setText(preset.name)
        if not self.tags.hasFocus():
            self.tags.setText(", ".join(preset.tags))
        if not self.notes.hasFocus():
            self.notes.setPlainText(preset.notes)
        seed = isinstance(preset, SeedPreset)
        self.seed.setText(grouped(preset.seed) if seed else "")
        self.seed.setVisible(seed)
        facts = "\n".join(facts_of(preset))
        self.facts.setText(facts)
        self.facts.setVisible(bool(facts))
        prompt = preset.draft.prompt if isinstance(preset, DraftPreset) else ""
        long = len(prompt) > _PROMPT_MAX
        self.prompt.setText(f"“{prompt[:_PROMPT_MAX]}{'…' if long else ''}”")
        self.prompt.setVisible(bool(prompt))
        when = age(preset.created)
        source = "Comes with the program; change its tags or notes, and the copy is yours"
        self.kept.say((f"Kept {when}" if when else "") if own else source)
        self.delete.setEnabled(own)
        if isinstance(preset, Style):
            on = self._model.is_on(preset)
            self.use.setText("Take it off" if on else "Put it on")
        self.refusal.say("")
        self._show_pictures()

    def _built_in(self, name: str) -> bool:
        index = self._model.index(self._model.row_of(name))
        return bool(index.data(PresetModel.Role.BUILT_IN))

    def _show_pictures(self) -> None:
        preset = self.preset
        if preset is None:
            return
        image = self._model.image_of(preset)
        side = theme.px(WIDTH - 32)
        self.picture.setVisible(image is not None)
        if image is not None:
            noise = image.width() <= 100
            how = Qt.TransformationMode.FastTransformation
            smooth = Qt.TransformationMode.SmoothTransformation
            fitted = image.scaled(
                side,
                theme.px(200),
                Qt.AspectRatioMode.KeepAspectRatio,
                how if noise else smooth,
            )
            self.picture.setPixmap(QPixmap.fromImage(fitted))
        drop_contents(self.samples)
        small: list[tuple[QImage, str]] = []
        if isinstance(self._model, ShelfModel) and isinstance(preset, SeedPreset):
            noise_image = self._model.noise_image(preset)
            if noise_image is not None:
                small.append((noise_image, "The noise it begins with"))
        for sample in preset.samples[:_SAMPLES]:
            found = self._pictures.sample((sample,))
            if found is not None:
                small.append((found, "Made with it: show the newest on the canvas"))
        for number, (one, words) in enumerate(small):
            self.samples.addWidget(self._thumbnail(one, f"{words} ({number})", words))
        self.samples.addStretch(1)

    def _thumbnail(self, image: QImage, name: str, words: str) -> QToolButton:
        side = theme.px(44)
        button = QToolButton()
        button.setProperty("flat", True)
        button.setAccessibleName(name)
        button.setToolTip(words)
        square = image.copy(cut(image, QRectF(0, 0, 1, 1)))
        button.setIcon(QIcon(QPixmap.fromImage(square)))
        button.setIconSize(QSize(side, side))
        button.setFixedSize(side + theme.px(4), side + theme.px(4))
        button.clicked.connect(self.sample_wanted)
        return button

    def _rename(self) -> None:
        preset, wanted = self.preset, self.name.text().strip()
        if preset is None or wanted == preset.name or self.name.isReadOnly():
            return
        if not wanted:
            self.name.setText(preset.name)
            return
        self._keep()
        self._model.rename(preset.name, wanted)

    def _keep(self) -> None:
        """Write tags and notes down where they were changed."""
        preset = self.preset
        if preset is None:
            return
        tags, notes = tags_in(self.tags.text()), self.notes.toPlainText()
        if (tags, notes) != (preset.tags, preset.notes):
            name = preset.name
            self.refusal.attempt(
                lambda: self._model.edit(name, tags=tags, notes=notes[: NOTES_MAX + 1])
            )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and watched is self.notes:
            self._keep()
        return super().eventFilter(watched, event)

    def hideEvent(self, event: Any) -> None:
        self._keep()
        super().hideEvent(event)


def _line(name: str, limit: int) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setMaxLength(limit)
    return field
