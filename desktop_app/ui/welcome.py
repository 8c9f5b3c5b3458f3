"""The empty canvas: prompts to start with, and where to put a bigger model."""

from collections.abc import Callable
from math import ceil
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.fields import drop_contents, label
from desktop_app.ui.icons import mark

MOST = 6
_TWO_COLUMNS = 440
"""Pixels at 100 % text size from which two prompts stand side by side."""
_MODELS = (
    "A bigger model? Drop it on the window, or put it in your models folder.",
    "A bigger model? Drop it on the window.",
    "Add a bigger model",
)


class Welcome(QWidget):
    """What an artist sees before the first picture; as many prompts as there is room for.

    Signals:
        prompt_chosen(str): a prompt was clicked; it should be made at once.
    """

    prompt_chosen = Signal(str)

    def __init__(
        self,
        library: LibraryModel,
        parent: QWidget | None = None,
        *,
        open_folder_with: Callable[[Path], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._open_folder = open_folder_with or open_folder
        self._shown: tuple[str, ...] | None = None
        self._columns = self._waiting = 0
        self._buttons: list[QPushButton] = []
        self._build()
        library.changed.connect(self._refresh)
        library.current_changed.connect(self._refresh)
        self._refresh()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(24),) * 4)
        column.setSpacing(theme.px(8))
        column.addStretch(1)
        self._mark = QLabel(self)
        self._mark.setPixmap(mark(44, self.devicePixelRatioF()))
        column.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignHCenter)
        self._title = label("What would you like to see?", "heading", self)
        column.addWidget(self._title, 0, Qt.AlignmentFlag.AlignHCenter)
        self._hint = label("", "label", self)
        column.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(theme.px(12))
        self._prompts = QWidget(self)
        self._prompts.setMaximumWidth(theme.px(680))
        self._grid = QGridLayout(self._prompts)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.px(8))
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._prompts, 100)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(1)
        self._models = QPushButton(_MODELS[0])
        self._models.setProperty("quiet", True)
        self._models.setToolTip(f"Opens {self._library.models_folder}")
        self._models.clicked.connect(lambda: self._open_folder(self._library.models_folder))
        column.addWidget(self._models, 0, Qt.AlignmentFlag.AlignHCenter)

    def buttons(self) -> list[QPushButton]:
        """The prompts, in order."""
        return list(self._buttons)

    def _refresh(self) -> None:
        prompts = tuple(self._library.example_prompts[:MOST])
        if prompts == self._shown:
            return
        self._shown = prompts
        drop_contents(self._grid)
        self._buttons = []
        for prompt in prompts:
            button = StarterPrompt(prompt, self._prompts)
            button.clicked.connect(lambda _=False, prompt=prompt: self.prompt_chosen.emit(prompt))
            self._grid.addWidget(button)
            self._buttons.append(button)
        self._columns = 0
        self._fit()
        self._tell()

    def set_waiting(self, count: int) -> None:
        """So many pictures are ordered, and none of them has begun."""
        if count != self._waiting:
            self._waiting = count
            self._tell()

    def _tell(self) -> None:
        if self._waiting:
            what = "Your picture is" if self._waiting == 1 else f"{self._waiting} pictures are"
            words = f"{what} made as soon as the engine has started …"
        elif self._shown:
            words = "Type a prompt, or click one to make it."
        else:
            words = "Type a prompt to begin."
        self._hint.setText(words)

    def _fit(self) -> None:
        """One column or two, and away with what does not fit: the mark, then the last prompts."""
        buttons, gap, margin = self._buttons, theme.px(8), theme.px(24)
        columns = 2 if self.width() >= theme.px(_TWO_COLUMNS) else 1
        if columns != self._columns:
            self._columns = columns
            for at, button in enumerate(buttons):
                self._grid.addWidget(button, at // columns, at % columns)
        across = self.width() - 2 * margin
        for words in _MODELS:
            self._models.setText(words)
            if self._models.sizeHint().width() <= across:
                break
        wide = (min(across, self._prompts.maximumWidth()) - gap * (columns - 1)) // columns
        high = max((_height(one, wide) for one in buttons), default=0)
        words = (self._title, self._hint, self._models)
        taken = sum(one.sizeHint().height() + gap for one in words) + theme.px(12) + 2 * margin
        rows = ceil(len(buttons) / columns)
        spare = self.height() - taken - rows * (high + gap)
        self._mark.setVisible(spare >= self._mark.sizeHint().height() + gap)
        fitting = max(1, (self.height() - taken) // (high + gap))
        for at, button in enumerate(buttons):
            button.setFixedHeight(high)
            button.setVisible(at < fitting * columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)


class StarterPrompt(QPushButton):
    """One prompt to click; its words wrap."""

    def __init__(self, prompt: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("starter")
        self.setAccessibleName(f"Make: {prompt}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        words = label(prompt, "label", self)
        words.setWordWrap(True)
        words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(theme.px(14), theme.px(6), theme.px(14), theme.px(6))
        inside.addWidget(words)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def _height(button: QPushButton, wide: int) -> int:
    """Pixels that a prompt takes with its words wrapped to a width."""
    return max(button.sizeHint().height(), button.heightForWidth(wide))


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager; it is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
