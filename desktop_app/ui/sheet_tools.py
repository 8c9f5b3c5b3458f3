"""What floats over a picture of the contact sheet: U makes it again, V varies it."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from desktop_app.ui import theme


class SheetTools(QFrame):
    """Two buttons for the cell under the pointer, or the one that the keyboard is at.

    Signals:
        again_asked(), vary_asked()
    """

    again_asked = Signal()
    vary_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("floating")
        self.again = self._button("U", "Again with more steps", "Same seed and settings (U)")
        self.vary = self._button("V", "Vary", "Make siblings of this picture (V)")
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.px(3),) * 4)
        row.setSpacing(theme.px(2))
        row.addWidget(self.again)
        row.addWidget(self.vary)
        self.again.clicked.connect(self.again_asked)
        self.vary.clicked.connect(self.vary_asked)
        self.hide()

    def _button(self, letter: str, name: str, about: str) -> QToolButton:
        made = QToolButton(self)
        made.setText(letter)
        made.setAccessibleName(name)
        made.setToolTip(f"{name}\n{about}")
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.setFixedSize(theme.px(28), theme.px(26))
        return made

    def place(self, cell: QRectF) -> None:
        """Float in the lower right corner of a cell, if it is large enough to have one."""
        size, inset = self.sizeHint(), theme.px(8)
        fits = cell.width() > size.width() + 3 * inset and cell.height() > 2 * size.height()
        self.setVisible(fits)
        left, top = cell.right() - size.width() - inset, cell.bottom() - size.height() - inset
        self.setGeometry(round(left), round(top), size.width(), size.height())
