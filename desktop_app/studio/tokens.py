"""TokenCounts: how much of the model's reading length the resolved prompts take."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.recipe import flags_taken
from desktop_app.recipe.draft import Draft, expand
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.names import PromptNames

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_app.library.tokens import TokenCounter

COUNT_AFTER_MS = 120


class TokenCounts(QObject):
    """Tokens of what the draft's first picture is told, as the tokenizer of its model counts them.

    Styles, wildcards and alternatives are resolved as they will be for that picture.

    Signals:
        changed(): the numbers are others now.
    """

    changed = Signal()

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        names: PromptNames,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._library = library
        self._names = names
        self._reads = reads
        self._prompt: int | None = None
        self._negative: int | None = None
        self._limit = 0
        self._counters: dict[Path, TokenCounter] = {}
        self._asked = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(COUNT_AFTER_MS)
        self._timer.timeout.connect(self._count)
        editor.changed.connect(self._follow)
        library.current_changed.connect(self._timer.start)
        names.changed.connect(self._timer.start)

    @property
    def prompt(self) -> int | None:
        """Tokens of the prompt without the two that frame it; None while not known."""
        return self._prompt

    @property
    def negative(self) -> int | None:
        """Tokens of the words to avoid; None while not known."""
        return self._negative

    @property
    def limit(self) -> int:
        """Tokens that fit into one chunk without the two that frame it; 0 while not known."""
        return self._limit

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        if _told(draft) != _told(before) and not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _count(self) -> None:
        self._asked += 1
        asked = self._asked
        model, draft = self._library.current, self._editor.draft
        family = self._library.family
        # Others read some hundred words at once by another vocabulary, and know no chunks.
        if model is None or (family is not None and "weights" not in family.controls):
            self._set(None, None, 0)
            return

        def counted(counts: tuple[int, int, int]) -> None:
            if asked == self._asked:
                self._set(*counts)

        def failed(_: AppError) -> None:
            if asked == self._asked:
                self._set(None, None, 0)

        texts = self._resolved(draft)
        self._reads.run(self._work, model.path, texts, done=counted, failed=failed)

    def _resolved(self, draft: Draft) -> tuple[str, str]:
        """Both prompts of the first picture; as they are typed where it cannot be made yet."""
        names = self._names.names
        prompt = flags_taken.take(draft, flags_taken.Target(), names.styles)[0].prompt
        try:
            first = replace(draft, prompt=prompt, count=1)
            (recipe,) = expand(first, names.styles, names.wildcards, names.loras)
        except AppError:
            return draft.prompt, draft.negative_prompt
        return recipe.prompt, recipe.negative_prompt

    def _work(self, folder: "Path", texts: tuple[str, str]) -> tuple[int, int, int]:
        from desktop_app.library.tokens import TokenCounter

        counter = self._counters.get(folder)
        if counter is None:
            counter = self._counters[folder] = TokenCounter(folder)
        (prompt, limit), (negative, _) = counter.count(texts[0]), counter.count(texts[1])
        return prompt, negative, limit

    def _set(self, prompt: int | None, negative: int | None, limit: int) -> None:
        if (prompt, negative, limit) != (self._prompt, self._negative, self._limit):
            self._prompt, self._negative, self._limit = prompt, negative, limit
            self.changed.emit()


def _told(draft: Draft) -> tuple[object, ...]:
    """What the prompts of the first picture come from."""
    return draft.prompt, draft.negative_prompt, draft.styles, draft.seed
