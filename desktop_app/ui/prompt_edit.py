"""A field for a prompt: plain text with undo, syntax in colour, words and names offered."""

import re
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QCompleter, QListView, QPlainTextEdit, QToolTip, QWidget

from desktop_app.recipe import marks
from desktop_app.recipe.marks import NO_NAMES
from desktop_app.recipe.names import WILDCARD, Names
from desktop_app.ui import highlighter, theme
from desktop_app.ui.fields import plain_tip

_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)* ?$")
_CALL = re.compile(r"(?<!\\)(?:__[\w\-./ ]*|<[\w:\-. ]*|(?:(?<=\s)|^)--\w*)$")
"""The beginning of a wildcard, a tag or a parameter before the cursor."""
_FLAGS = ("ar", "seed", "no", "tile", "repeat", "steps", "cfg", "stylize", "sampler", "style")
_PREFIX_MIN = 2
_WORDS_MAX = 4
"""Of the longest offer."""
TEXT_PX = 14
"""Pixels at 100 % text size: what is read most is a little larger."""

_RETURNS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PromptEdit(QPlainTextEdit):
    """One prompt. It holds no truth: what is typed is reported at once, `set_text` shows.

    Signals:
        edited(str): the text is another one.
        generate_asked(): Ctrl+Return, where no window shortcut took it.
        enqueue_asked(): Shift+Return, likewise.
        pasted(): words came from the clipboard or were dropped.
    """

    pasted = Signal()
    edited = Signal(str)
    generate_asked = Signal()
    enqueue_asked = Signal()

    def __init__(
        self,
        name: str,
        placeholder: str,
        lowest: int,
        highest: int,
        parent: QWidget | None = None,
        *,
        avoid: bool = False,
    ) -> None:
        """Args:
        lowest: its height in pixels when it is empty; it grows with its text up to `highest`.
        avoid: whether it says what to avoid, where no styles, LoRAs and parameters are called.
        """
        super().__init__(parent)
        self._lowest, self._highest = lowest, highest
        self._shown = ""
        self._showing = False
        self._avoid = avoid
        self._names = NO_NAMES
        self.returned: Callable[[], bool] = lambda: False
        """Asked at Return; True when that was all that Return should do."""
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(theme.px(3))
        self.setFont(theme.font(TEXT_PX, tabular=False))
        # The margin is a step to undo for Qt; letters are all that is to be undone here.
        self.document().clearUndoRedoStacks()
        self._words = QStringListModel(self)
        self._calls = QStringListModel(self)
        self.offers = QListView()
        self._completer = self._make_completer()
        self.textChanged.connect(self._typed)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def _make_completer(self) -> QCompleter:
        self.offers.setObjectName("completions")
        made = QCompleter(self._words, self)
        made.setPopup(self.offers)
        made.setWidget(self)
        made.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        made.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        made.setMaxVisibleItems(8)
        made.activated.connect(self._insert)
        return made

    def set_text(self, text: str) -> None:
        """Show `text`; the undo of letters starts anew when it is another one."""
        if text != self._shown:
            self._shown = text
            # What Qt makes of it (a no-break space becomes a plain one) is not an edit.
            self._showing = True
            self.setPlainText(text)
            self._showing = False
            self.moveCursor(QTextCursor.MoveOperation.End)

    def set_words(self, words: tuple[str, ...]) -> None:
        """Offer these words while typing."""
        if list(words) != self._words.stringList():
            self._words.setStringList(list(words))

    def set_names(self, names: Names) -> None:
        """Know and offer what can be called by name."""
        self._names = names
        calls = [f"__{one.name}__" for one in names.wildcards.values()]
        if not self._avoid:
            calls += [f"<style:{name}>" for name in names.styles]
            calls += [f"<lora:{name}:1>" for name in names.loras]
            calls += [f"--{name} " for name in _FLAGS]
        self._calls.setStringList(calls)
        self._paint()

    def problem_at(self, place: int) -> str:
        """What is odd at a character, counted as Qt does; empty when nothing is."""
        text = self.toPlainText()
        at = len(text.encode("utf-16-le")[: 2 * place].decode("utf-16-le", "ignore"))
        for one in marks.problems(text, self._names, avoid=self._avoid):
            if one.start <= at <= one.end:
                return one.sentence
        return ""

    def _paint(self) -> None:
        highlighter.paint(self, self._names, avoid=self._avoid)

    def _typed(self) -> None:
        self._paint()
        if self._showing:
            return
        text = self.toPlainText()
        if text != self._shown:
            self._shown = text
            self.edited.emit(text)
            if self.hasFocus():
                self._offer()

    def _prefix(self) -> str:
        cursor = self.textCursor()
        if cursor.hasSelection():
            return ""
        before = cursor.block().text()[: cursor.positionInBlock()]
        call = self._call(before)
        self._completer.setModel(self._calls if call else self._words)
        if call:
            return call
        found = _WORDS.search(before)
        words = found[0].split(" ") if found else []
        # "palm " and "palm t" begin "palm tree": the longest beginning of an offer counts.
        offers = [word.lower() for word in self._words.stringList()]
        for at in range(max(0, len(words) - _WORDS_MAX), len(words)):
            prefix = " ".join(words[at:])
            if prefix and any(offer.startswith(prefix.lower()) for offer in offers):
                return prefix
        return ""

    @staticmethod
    def _call(before: str) -> str:
        """The beginning of a call that the text ends in; empty when it ends in none."""
        # What is closed already would be taken for the beginning of the next one.
        closed = max((found.end() for found in WILDCARD.finditer(before)), default=0)
        found = _CALL.search(before, closed)
        return found[0] if found else ""

    def _offer(self) -> None:
        """Show the words that begin as the one before the cursor, or none."""
        prefix = self._prefix()
        self._completer.setCompletionPrefix(prefix)
        count = self._completer.completionCount()
        whole = count == 1 and self._completer.currentCompletion().lower() == prefix.lower()
        least = 1 if prefix.startswith("<") else _PREFIX_MIN
        if len(prefix) < least or not count or whole:
            self.offers.hide()
            return
        self.offers.setCurrentIndex(self._completer.completionModel().index(0, 0))
        place = self.cursorRect()
        place.translate(theme.px(2), theme.px(4))
        place.setWidth(theme.px(180))
        self._completer.complete(place)

    def _insert(self, word: str) -> None:
        cursor = self.textCursor()
        prefix = self._prefix()
        cursor.movePosition(
            QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, len(prefix)
        )
        cursor.insertText(word)
        self.setTextCursor(cursor)
        self.offers.hide()

    def _grow(self) -> None:
        """As high as its lines, between the two limits."""
        lines = max(1, int(self.document().size().height()))
        edges = 2 * theme.px(6) + 2 * theme.px(3) + 4
        high = lines * self.fontMetrics().lineSpacing() + edges
        wanted = max(theme.px(self._lowest), min(theme.px(self._highest), high))
        if wanted != self.height() or self.minimumHeight() != wanted:
            self.setFixedHeight(wanted)

    def event(self, event: QEvent) -> bool:
        """Leave the keys for making pictures, and undo once no letters are left, to the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            makes = event.key() in _RETURNS and event.modifiers() & (
                Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
            )
            undo = event.matches(QKeySequence.StandardKey.Undo)
            redo = event.matches(QKeySequence.StandardKey.Redo)
            spent = (undo and not self.document().isUndoAvailable()) or (
                redo and not self.document().isRedoAvailable()
            )
            if makes or spent:
                event.ignore()
                return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.viewport().mapFrom(self, event.pos())
            sentence = self.problem_at(self.cursorForPosition(place).position())
            QToolTip.showText(event.globalPos(), plain_tip(sentence), self)
            return True
        if (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Tab
            and self.offers.isVisible()
        ):
            # Before the widget moves the focus on, which it does ahead of keyPressEvent.
            self._insert(self._completer.currentCompletion())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        choosing = (*_RETURNS, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)
        if self.offers.isVisible() and event.key() in choosing and not event.modifiers():
            event.ignore()
        elif event.key() in _RETURNS and not event.modifiers() and self.returned():
            event.accept()
        elif event.key() in _RETURNS and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.generate_asked.emit()
        elif event.key() in _RETURNS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.enqueue_asked.emit()
        else:
            super().keyPressEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        super().insertFromMimeData(source)
        self.pasted.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._completer.setWidget(self)
        super().focusInEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.setFont(theme.font(TEXT_PX, tabular=False))
            self._paint()
            self._grow()
