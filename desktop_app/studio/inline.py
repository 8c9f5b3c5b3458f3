"""InlineParameters: takes `--ar 3:2` and the like out of the prompt and into the panels."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.recipe import flags, flags_taken
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.flags_taken import Taken, Target
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel

if TYPE_CHECKING:
    from desktop_app.studio.styles import StyleModel

TAKEN_MAX = 40
LABEL = "Parameters from the prompt"


class InlineParameters(QObject):
    """What was taken from the prompt and still holds, in the order in which it was typed.

    Signals:
        changed(): other parameters are shown.
    """

    changed = Signal()

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        styles: "StyleModel",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._library = library
        self._styles = styles
        self._taken: tuple[Taken, ...] = ()
        self._working = False
        editor.changed.connect(self._follow)

    @property
    def taken(self) -> tuple[Taken, ...]:
        return self._taken

    def waiting(self) -> bool:
        """Whether the prompt holds parameters that can be taken."""
        return bool(flags.read(self._editor.draft.prompt, self._styles.by_name).flags)

    @Slot()
    def take(self) -> bool:
        """Take all parameters of the prompt, as one step to undo; whether there were any."""
        before = self._editor.draft
        draft, taken = flags_taken.take(before, self._target(), self._styles.by_name)
        if not taken:
            return False
        self._working = True
        self._editor.replace(draft, LABEL)
        self._working = False
        names = {one.text.split()[0] for one in taken}
        kept = [one for one in self._taken if one.text.split()[0] not in names]
        self._show([*kept, *taken], draft)
        return True

    def remove(self, place: int) -> None:
        """Take one back: its fields are again what they were, unless they were changed since."""
        if not 0 <= place < len(self._taken):
            return
        gone = self._taken[place]
        rest = [one for at, one in enumerate(self._taken) if at != place]
        self._working = True
        self._editor.replace(flags_taken.give_back(self._editor.draft, gone), gone.text)
        self._working = False
        self._show(rest, self._editor.draft)

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        if not self._working and self._taken:
            self._show(self._taken, draft)

    def _show(self, taken: "list[Taken] | tuple[Taken, ...]", draft: Draft) -> None:
        # Once undo has brought it back into the prompt, it is no longer taken.
        still = tuple(
            one for one in taken if flags_taken.holds(draft, one) and one.text not in draft.prompt
        )[-TAKEN_MAX:]
        if still != self._taken:
            self._taken = still
            self.changed.emit()

    def _target(self) -> Target:
        model = self._library.current
        if model is None:
            return Target()
        return Target(
            native_size=model.native_size,
            sizes=model.sizes,
            default_steps=model.default_steps,
            default_guidance=model.default_guidance,
        )
