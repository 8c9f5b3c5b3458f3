"""The syntax of a prompt in colour: weights, alternatives, escapes and what looks like a slip."""

from collections.abc import Iterator
from itertools import accumulate

from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from desktop_app.recipe import marks
from desktop_app.recipe.marks import NO_NAMES
from desktop_app.recipe.names import Names
from desktop_app.ui import theme

RUNS_MAX = 800
"""Coloured runs of one prompt; what comes after stays plain."""

_COLOURS = {
    "weight": "accent.soft",
    "choice": "choice",
    "wildcard": "choice",
    "tag": "accent.soft",
    "flag": "ok",
    "quiet": "text.3",
    "break": "ok",
}
_OPENING = {"(": "weight", "[": "weight", "{": "choice"}
_CLOSING = {")": "weight", "]": "weight", "}": "choice"}

Run = tuple[int, int, str]
"""First character, the one after the last, and what it is: a key of _COLOURS, or `problem`."""


def runs(text: str, names: Names = NO_NAMES, *, avoid: bool = False) -> list[Run]:
    """The parts of `text` to colour, in order; brackets colour what they hold.

    Indices count as Python does.
    """
    joined: list[Run] = []
    for start, end, kind in _runs(text, names, avoid):
        if joined and joined[-1][1:] == (start, kind):
            joined[-1] = (joined[-1][0], end, kind)
        elif len(joined) < RUNS_MAX:
            joined.append((start, end, kind))
        else:
            break
    return joined


def _runs(text: str, names: Names, avoid: bool) -> Iterator[Run]:
    inside: list[str] = []
    at = 0
    for span in marks.spans(text, names, avoid=avoid):
        if inside and at < span.start:
            yield at, span.start, inside[-1]
        at = span.end
        sign = text[span.start]
        match span.kind:
            case "problem":
                yield span.start, span.end, "problem"
            case "escape":
                yield span.start, span.end, "quiet"
            case "break":
                yield span.start, span.end, "break"
            case "weight" | "wildcard" | "tag" | "flag":
                yield span.start, span.end, span.kind
            case "emphasis" | "alternative":
                if sign in _OPENING:
                    inside.append(_OPENING[sign])
                kind = inside[-1] if inside else "weight"
                if sign in _CLOSING and _CLOSING[sign] in inside:
                    kind = _CLOSING[sign]
                    while inside.pop() != kind:
                        pass
                yield span.start, span.end, kind
    if inside and at < len(text):
        yield at, len(text), inside[-1]


def paint(edit: QPlainTextEdit, names: Names = NO_NAMES, *, avoid: bool = False) -> None:
    """Colour the whole prompt in `edit`, without touching its text or its undo.

    Args:
        names: what it can call.
        avoid: whether it is the text of what to avoid.
    """
    text = edit.toPlainText()
    places = _utf16(text)
    selections: list[QTextEdit.ExtraSelection] = []
    for start, end, kind in runs(text, names, avoid=avoid):
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(edit.document())
        cursor.setPosition(places[start] if places else start)
        cursor.setPosition(places[end] if places else end, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor  # pyright: ignore[reportAttributeAccessIssue]
        selection.format = _format(kind)  # pyright: ignore[reportAttributeAccessIssue]
        selections.append(selection)
    edit.setExtraSelections(selections)


def _format(kind: str) -> QTextCharFormat:
    made = QTextCharFormat()
    if kind == "problem":
        made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        made.setUnderlineColor(theme.token("bad"))
    else:
        made.setForeground(theme.token(_COLOURS[kind]))
    return made


def _utf16(text: str) -> list[int]:
    """Qt's index of each character; empty when both count alike."""
    if not text or max(text) < "\U00010000":
        return []
    return [0, *accumulate(2 if char > "\uffff" else 1 for char in text)]
