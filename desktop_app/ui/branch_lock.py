"""Keeps the controls still that a branch cannot change, and says why."""

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.studio.editor import Editor


class BranchLock(QObject):
    """Disables widgets while the draft is a branch; their tooltip is the reason then."""

    def __init__(
        self, editor: Editor, widgets: Sequence[QWidget], why: str, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._widgets = tuple(widgets)
        self._why = why
        self._tips: dict[QWidget, str] | None = None
        editor.changed.connect(self._changed)
        self._set(editor.draft.branch is not None)

    def _changed(self, new: Draft, before: Draft) -> None:
        self._set(new.branch is not None)

    def _set(self, locked: bool) -> None:
        if locked == (self._tips is not None):
            return
        tips = self._tips or {}
        self._tips = {one: one.toolTip() for one in self._widgets} if locked else None
        for widget in self._widgets:
            widget.setEnabled(not locked)
            widget.setToolTip(self._why if locked else tips[widget])
