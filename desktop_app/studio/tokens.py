"""TokenCounts: how much of the model's reading length the prompts take."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_app.library.tokens import TokenCounter

COUNT_AFTER_MS = 120


class TokenCounts(QObject):
    """Tokens of the draft's prompts, as the tokenizer of its model counts them.

    Signals:
        changed(): the numbers are others now.
    """

    changed = Signal()

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._library = library
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
        texts = (draft.prompt, draft.negative_prompt)
        if texts != (before.prompt, before.negative_prompt) and not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _count(self) -> None:
        self._asked += 1
        asked = self._asked
        model, draft = self._library.current, self._editor.draft
        if model is None:
            self._set(None, None, 0)
            return

        def counted(counts: tuple[int, int, int]) -> None:
            if asked == self._asked:
                self._set(*counts)

        def failed(_: AppError) -> None:
            if asked == self._asked:
                self._set(None, None, 0)

        texts = (draft.prompt, draft.negative_prompt)
        self._reads.run(self._work, model.path, texts, done=counted, failed=failed)

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
