"""The sheet that asks under which name something is kept, and what with it."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop_app.recipe.presets import Part
from desktop_app.ui import theme
from desktop_app.ui.fields import Refusal, label
from desktop_app.ui.popover import NAME_MAX, Popover
from desktop_app.ui.preset_words import PART_WORDS


class KeepSheet(Popover):
    """A name, and a tick for each part that can be kept.

    Args:
        title: what is asked.
        name: what stands in the field at first, selected.
        parts: what can be kept; all are ticked.
        take: called with the name and the ticked parts; it may raise AppError, which is said here.
    """

    def __init__(
        self,
        anchor: QWidget,
        title: str,
        name: str,
        parts: Sequence[Part],
        take: Callable[[str, tuple[Part, ...]], object],
    ) -> None:
        super().__init__(anchor, title, 290)
        self._take = take
        self.name = QLineEdit(name)
        self.name.setAccessibleName(title)
        self.name.setMaxLength(NAME_MAX)
        self.name.selectAll()
        self.refusal = Refusal()
        self.button = QPushButton("Keep")
        self.button.setProperty("primary", True)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        row.addWidget(self.name, 1)
        row.addWidget(self.button)
        self.ticks: dict[Part, QCheckBox] = {part: QCheckBox(PART_WORDS[part]) for part in parts}
        self.column.addWidget(label(title, "title"))
        self.column.addLayout(row)
        self.column.addWidget(self.refusal)
        self.column.addWidget(label("Keep with it", "hint"))
        for tick in self.ticks.values():
            tick.setChecked(True)
            self.column.addWidget(tick)
        self.name.returnPressed.connect(self._finish)
        self.button.clicked.connect(self._finish)

    def show_it(self) -> None:
        """Open with the focus in the name."""
        self.open(self.name)

    def _finish(self) -> None:
        wanted = self.name.text().strip()
        parts: tuple[Part, ...] = tuple(p for p, tick in self.ticks.items() if tick.isChecked())
        if not wanted:
            self.refusal.say("Give it a name.")
        elif self.refusal.attempt(lambda: self._take(wanted, parts)):
            self.close()
            return
        self.fit()
