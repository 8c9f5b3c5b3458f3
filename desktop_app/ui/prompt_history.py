"""The prompts that were used before, in a sheet with a search field."""

from collections.abc import Sequence
from textwrap import shorten

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop_app.ui.fields import label
from desktop_app.ui.popover import Popover
from desktop_app.ui.search_list import Choice, SearchList

SHOWN_MAX, TIP_MAX = 110, 600
"""Characters of a prompt in the list, and in its tooltip."""


class PromptHistory(Popover):
    """Choose one of the prompts used before.

    Signals:
        chosen(str): the prompt to take.
    """

    chosen = Signal(object)

    def __init__(self, anchor: QWidget, prompts: Sequence[str]) -> None:
        super().__init__(anchor, "Prompts used before", 340)
        self._prompts = SearchList(
            [_choice(prompt) for prompt in dict.fromkeys(prompts)],
            search="Search the prompts used before",
            name="Prompts used before",
            height=230,
            wraps=True,
        )
        self._empty = label("Prompts you make pictures with are kept here.", "hint")
        self._empty.setVisible(not prompts)
        self.column.addWidget(self._prompts)
        self.column.addWidget(self._empty)
        if prompts:
            self._empty.setText("No prompt holds these words.")
            self._prompts.filtered.connect(self._tell)
        self._prompts.taken.connect(self.chosen)
        self._prompts.taken.connect(self.close)

    def show_it(self) -> None:
        """Open with the focus in the search field."""
        self.open(self._prompts.search)
        # Its rows were measured before the stylesheet reached them.
        self._prompts.list.scheduleDelayedItemsLayout()

    def _tell(self) -> None:
        self._empty.setVisible(not self._prompts.rows.rowCount())


def _choice(prompt: str) -> Choice:
    return Choice(
        text=shorten(prompt, SHOWN_MAX, placeholder=" …"),
        value=prompt,
        words=prompt,
        tooltip=shorten(prompt, TIP_MAX, placeholder=" …"),
    )
