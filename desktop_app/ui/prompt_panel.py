"""The panel on the left: what the picture shows, what it avoids, its style, and Generate."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop_app.recipe import marks
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.unread import unread
from desktop_app.studio.editor import Editor
from desktop_app.studio.inline import InlineParameters
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.names import PromptNames
from desktop_app.studio.run_state import RunState
from desktop_app.studio.tokens import TokenCounts
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, Refusal, SectionTitle, Sentence, label, restyle
from desktop_app.ui.generate_bar import GenerateBar
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.parameter_chips import ParameterChips
from desktop_app.ui.prompt_edit import PromptEdit
from desktop_app.ui.prompt_history import PromptHistory
from desktop_app.ui.style_editor import StyleChips

if TYPE_CHECKING:
    from desktop_app.studio.styles import StyleModel

WIDTH = 330
"""Pixels at 100 % text size."""


class PromptPanel(QFrame):
    """Prompt, Avoid, Style and Generate.

    Signals:
        generate_asked(), enqueue_asked(), cancel_asked()
        wildcards_asked(): the folder with the wildcard files.
    """

    generate_asked = Signal()
    enqueue_asked = Signal()
    cancel_asked = Signal()
    wildcards_asked = Signal()

    def __init__(
        self,
        *,
        editor: Editor,
        styles: "StyleModel",
        library: LibraryModel,
        tokens: TokenCounts,
        names: PromptNames,
        inline: InlineParameters,
        run: RunState,
        history: Callable[[], Sequence[str]],
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        history: the prompts used before, newest first.
        """
        super().__init__(parent)
        self._editor, self._library, self._tokens = editor, library, tokens
        self._names, self._inline = names, inline
        self._history = history
        self._example = -1
        self.setObjectName("panel")
        self.setMinimumWidth(theme.px(WIDTH - 50))
        self.prompt = PromptEdit("Prompt", "What the picture shows", 148, 300)
        self.avoid_title = SectionTitle("Avoid")
        self.avoid = PromptEdit("Avoid", "What it should not show", 62, 140, avoid=True)
        self.styles = StyleChips(styles)
        self.bar = GenerateBar(editor, run)
        self.parameters = ParameterChips(inline)
        self.count = label("", "hint")
        self.hint = Sentence()
        self.refusal = Refusal()
        self.wildcards = IconButton("folder-open", "Open the wildcards folder", flat=True)
        self.history = IconButton("history", "Prompts used before", flat=True)
        self.examples = IconButton("wand-sparkles", "Try an example", flat=True)
        self._build()
        self._connect()
        self._show_draft(editor.draft)
        self._show_names()
        self._show_model()
        self._show_tokens()

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt."""
        self.prompt.setFocus(Qt.FocusReason.OtherFocusReason)

    def put_on_top(self, widget: QWidget) -> None:
        """Show something above the words."""
        self._column.insertWidget(0, widget)

    def refused(self) -> tuple[PromptEdit, str] | None:
        """The text that is not taken, and why; None when both are."""
        if not self.refusal.text():
            return None
        right = self.prompt.toPlainText() == self._editor.draft.prompt
        return self.avoid if right else self.prompt, self.refusal.text()

    def _build(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(theme.px(4))
        line.addWidget(self.count, 1)
        line.addWidget(self.wildcards)
        line.addWidget(self.history)
        line.addWidget(self.examples)
        body = QWidget()
        self._column = column = QVBoxLayout(body)
        column.setContentsMargins(theme.px(16), theme.px(18), theme.px(16), theme.px(8))
        column.setSpacing(theme.px(7))
        column.addWidget(SectionTitle("Prompt"))
        column.addWidget(self.prompt)
        column.addWidget(self.parameters)
        column.addWidget(self.hint)
        column.addWidget(self.refusal)
        column.addLayout(line)
        for part in (self.avoid_title, self.avoid):
            column.addWidget(part)
        column.addSpacing(theme.px(5))
        for part in (SectionTitle("Style"), self.styles):
            column.addWidget(part)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(PanelScroll(body), 1)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(14))
        bottom.addWidget(self.bar)
        whole.addLayout(bottom)

    def _connect(self) -> None:
        self.prompt.edited.connect(self._set_prompt)
        self.avoid.edited.connect(self._set_avoid)
        for edit in (self.prompt, self.avoid):
            edit.generate_asked.connect(self.generate_asked)
            edit.enqueue_asked.connect(self.enqueue_asked)
        self.bar.generate_asked.connect(self.generate_asked)
        self.bar.cancel_asked.connect(self.cancel_asked)
        self.history.clicked.connect(self.open_history)
        self.examples.clicked.connect(self._next_example)
        self.prompt.returned = self._inline.take
        self.prompt.pasted.connect(self._inline.take)
        self.wildcards.clicked.connect(self.wildcards_asked)
        self._names.changed.connect(self._show_names)
        self._editor.changed.connect(self._show_draft)
        self._library.current_changed.connect(self._show_model)
        self._library.changed.connect(self._show_model)
        self._tokens.changed.connect(self._show_tokens)

    def _set_prompt(self, text: str) -> None:
        self.refusal.attempt(lambda: self._editor.set(prompt=text))

    def _set_avoid(self, text: str) -> None:
        self.refusal.attempt(lambda: self._editor.set(negative_prompt=text))

    def _show_draft(self, draft: Draft, before: Draft | None = None) -> None:
        # A text that the draft refused stays while other fields change.
        if before is None or draft.prompt != before.prompt:
            self.prompt.set_text(draft.prompt)
        if before is None or draft.negative_prompt != before.negative_prompt:
            self.avoid.set_text(draft.negative_prompt)
        self._show_hint(draft)

    def _show_names(self) -> None:
        for edit in (self.prompt, self.avoid):
            edit.set_names(self._names.names)
        self._show_hint(self._editor.draft)

    def _show_model(self) -> None:
        self.prompt.set_words(self._library.words)
        self.avoid.set_words(self._library.words)
        self.examples.setVisible(bool(self._library.example_prompts))
        family = self._library.family
        for part in (self.avoid_title, self.avoid):
            part.setVisible(family is None or "negative_prompt" in family.controls)
        self._show_hint(self._editor.draft)

    def _show_hint(self, draft: Draft) -> None:
        """What is odd in the prompt, in one sentence; a slip before an unknown word."""
        names = self._names.names
        slips = marks.problems(draft.prompt, names) or marks.problems(
            draft.negative_prompt, names, avoid=True
        )
        if slips:
            words, state = slips[0].sentence, "warn"
        elif draft.prompt.strip() and not self._library.known_words(draft.prompt):
            some = ", ".join(self._library.words[:40:8])
            words, state = f"This small model knows none of these words. Try {some} …", "warn"
        else:
            family = self._library.family
            passed = unread(draft.prompt, draft.negative_prompt, family) if family else ()
            words, state = (passed[0], "warn") if passed else ("", "")
        self.hint.say(words)
        restyle(self.hint, "state", state)

    def _show_tokens(self) -> None:
        show_tokens(self.count, self._tokens.prompt, self._tokens.limit)

    def _next_example(self) -> None:
        examples = self._library.example_prompts
        if examples:
            self._example = (self._example + 1) % len(examples)
            self._set_prompt(examples[self._example])

    def open_history(self) -> PromptHistory:
        """Open the sheet with the prompts used before."""
        sheet = PromptHistory(self.history, self._history())
        sheet.chosen.connect(self._set_prompt)
        sheet.show_it()
        return sheet


def show_tokens(count: QLabel, tokens: int | None, limit: int) -> None:
    """Say how many tokens a prompt takes of the chunks that the model reads it in."""
    if tokens is None or limit <= 0:
        count.setText("")
        return
    chunks = max(1, ceil(tokens / limit))
    count.setText(f"{tokens} / {chunks * limit} tokens")
    count.setToolTip(
        f"The model reads {limit} tokens at a time, a token being a word or a part of one."
        + (f"\nThis prompt is read in {chunks} parts." if chunks > 1 else "")
    )
