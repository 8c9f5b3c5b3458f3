"""The parameters that were taken from the prompt, as chips: what they came to, and the way back."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.studio.inline import InlineParameters
from desktop_app.ui.chips import Chip, ChipRow


class ParameterChips(QWidget):
    """One chip for each parameter; a click takes it back. Not there when there is none."""

    def __init__(self, inline: InlineParameters, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inline = inline
        self.row = ChipRow("Parameters from the prompt", fill=False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.row)
        self.row.clicked.connect(lambda key: inline.remove(int(key)))
        inline.changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        taken = self._inline.taken
        self.row.set_chips(
            [
                Chip(
                    key=str(place),
                    text=f"{one.text}  ×",
                    tooltip=f"{one.text}\n{one.words}\nClick to take it back.",
                    name=f"{one.text}. {one.words} Take it back",
                    checkable=False,
                    quiet=not one.after,
                )
                for place, one in enumerate(taken)
            ]
        )
        self.setVisible(bool(taken))
