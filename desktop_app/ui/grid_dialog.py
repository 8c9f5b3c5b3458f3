"""The grid: which settings go through which values, how many pictures that is, and how long."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QHideEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.recipe.axes import FIELDS, TEXT_MAX
from desktop_app.recipe.axis_values import joined
from desktop_app.recipe.preset_file import SEEDS
from desktop_app.recipe.sweep import Axis
from desktop_app.studio.run_state import duration
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, IconButton, Refusal, Separator, label, restyle
from desktop_app.ui.picture_menu import add

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.studio.sweeps import Sweeps

_WIDTH = 660
NOTHING = "Nothing"
AXES = ("X", "Y", "Z")
PLACES = ("columns", "rows", "parts of the sheet")
CHECK_MS = 150
"""After the last key: every cell is made as a recipe to be sure of it."""


class ValuesEdit(QLineEdit):
    """A line of values that takes cards of the seed shelf.

    Signals:
        presets_dropped(bytes): their document.
    """

    presets_dropped = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMaxLength(TEXT_MAX)
        self.setFont(theme.mono())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(SEEDS.mime):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasFormat(SEEDS.mime):
            event.acceptProposedAction()
        else:
            super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if event.mimeData().hasFormat(SEEDS.mime):
            self.presets_dropped.emit(event.mimeData().data(SEEDS.mime).data())
            event.acceptProposedAction()
        else:
            super().dropEvent(event)


class AxisRow(QWidget):
    """One direction of the grid.

    Signals:
        changed(): another setting or other values.
    """

    changed = Signal()

    def __init__(self, number: int, sweeps: "Sweeps", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sweeps = sweeps
        self._kept: dict[str, str] = {}
        name = AXES[number]
        self.field = Combo(f"Setting of {name}", self)
        self.values = ValuesEdit(f"Values of {name}", self)
        self.choose = IconButton("list", "Choose from what there is", self, size=16)
        self.hint = label("", "hint", self)
        self.refusal = Refusal(self)
        self.field.addItem(NOTHING, "")
        for row in FIELDS.values():
            self.field.addItem(row.label, row.key)
        self.field.setFixedWidth(theme.px(170))
        head = QHBoxLayout()
        head.setSpacing(theme.px(8))
        letter = label(name, "title", self)
        letter.setFixedWidth(theme.px(16))
        letter.setToolTip(f"The {PLACES[number]}")
        head.addWidget(letter)
        head.addWidget(self.field)
        # Without its width the letter and the setting would drift to the middle.
        keeps = self.values.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)
        self.values.setSizePolicy(keeps)
        head.addWidget(self.values, 1)
        head.addWidget(self.choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(3))
        column.addLayout(head)
        words = QVBoxLayout()
        words.setContentsMargins(theme.px(16 + 170 + 2 * 8), 0, 0, 0)
        words.addWidget(self.hint)
        words.addWidget(self.refusal)
        column.addLayout(words)
        self.field.currentIndexChanged.connect(self._field_changed)
        self.values.textEdited.connect(self._typed)
        self.values.presets_dropped.connect(self._dropped)
        self.choose.clicked.connect(lambda: self.menu().popup(self._below()))
        self._field_changed()

    @property
    def key(self) -> str:
        """Of the setting; empty for none."""
        return str(self.field.currentData() or "")

    def set_field(self, key: str, values: str = "") -> None:
        """Take a setting, with the values to begin with if none are given."""
        if values:
            self._kept[key] = values
        at = self.field.findData(key)
        if at == self.field.currentIndex():
            self._field_changed()
        else:
            self.field.setCurrentIndex(at)

    def refresh(self) -> None:
        """Suggest anew what the artist has not touched."""
        if self.key and not self._kept.get(self.key):
            self._field_changed()

    def axis(self) -> Axis | None:
        """What it says; None for nothing, or when that is refused."""
        if not self.key:
            return None
        try:
            axis = self._sweeps.read_axis(self.key, self.values.text())
        except AppError as error:
            self.refusal.say(str(error))
            restyle(self.values, "refused", True)
            return None
        self.refusal.say("")
        restyle(self.values, "refused", False)
        return axis

    def menu(self) -> QMenu:
        """What the setting can be, where that can be listed; a click puts it in or takes it out."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        row = FIELDS[self.key]
        for name in row.listed(self._sweeps.draft, self._sweeps.known())[:60]:
            add(menu, name, lambda one=name: self._put(one))
        return menu

    def _put(self, name: str) -> None:
        text = self.values.text().strip().rstrip(",")
        single = self.key in ("options", "wildcard", "lora")
        self._set(name if single or not text else f"{text}, {joined([name])}")

    def _set(self, text: str) -> None:
        self.values.setText(text)
        self._typed(text)

    def _typed(self, text: str) -> None:
        self._kept[self.key] = text
        self.changed.emit()

    def _field_changed(self) -> None:
        key = self.key
        used = bool(key)
        self.values.setVisible(used)
        self.hint.setVisible(used)
        self.refusal.say("")
        restyle(self.values, "refused", False)
        if used:
            row, draft, known = FIELDS[key], self._sweeps.draft, self._sweeps.known()
            self.values.setText(self._kept.get(key) or row.suggest(draft, known))
            self.hint.setText(row.hint)
            self.choose.setVisible(bool(row.listed(draft, known)))
        else:
            self.choose.hide()
        self.changed.emit()

    def _dropped(self, data: bytes) -> None:
        def take() -> None:
            names = joined(self._sweeps.preset_names(data))
            known = self.values.text().strip().rstrip(",") if self.key == "preset" else ""
            self.set_field("preset", f"{known}, {names}" if known else names)

        if self.refusal.attempt(take):
            self._typed(self.values.text())

    def _below(self) -> QPoint:
        return self.choose.mapToGlobal(QPoint(0, self.choose.height() + 2))


class GridDialog(QDialog):
    """Makes a grid of the draft's settings; what was chosen last is there again."""

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._sweeps = studio.sweeps
        self.setWindowTitle("Grid")
        self.setFixedWidth(theme.px(_WIDTH))
        self.rows = tuple(AxisRow(number, studio.sweeps, self) for number in range(len(AXES)))
        self.count = label("", "label", self)
        self.refusal = Refusal(self)
        self.cancel = QPushButton("Cancel", self)
        self.make = QPushButton("Make the grid", self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CHECK_MS)
        self._build()
        self._connect()
        self.rows[0].set_field("guidance_scale")
        self.refresh()

    def _build(self) -> None:
        about = label(
            "Each value of X is made with each of Y and of Z, with everything else as on the Create"
            " page. Every picture goes into the gallery, and a sheet of them all.",
            "hint",
            self,
        )
        about.setWordWrap(True)
        self.make.setProperty("primary", True)
        self.make.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.count, 1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.make)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(18),) * 4)
        column.setSpacing(theme.px(12))
        column.addWidget(about)
        for row in self.rows:
            column.addWidget(row)
        column.addWidget(Separator(self))
        column.addWidget(self.refusal)
        column.addLayout(buttons)

    def _connect(self) -> None:
        for row in self.rows:
            row.changed.connect(self._timer.start)
        self._timer.timeout.connect(self._check)
        self._sweeps.rates_changed.connect(self._check)
        self._studio.editor.changed.connect(self._timer.start)
        self.cancel.clicked.connect(self.reject)
        self.make.clicked.connect(self.start)

    def refresh(self) -> None:
        """The draft, the shelf or the models may be others now."""
        for row in self.rows:
            row.refresh()
        self._sweeps.measure()
        self._check()

    def start(self) -> None:
        """Order the pictures and close, if nothing is refused."""
        axes = self._axes()
        if axes and self.refusal.attempt(lambda: self._sweeps.start(axes)):
            self.accept()

    def _axes(self) -> tuple[Axis, ...]:
        """Of all rows that are used; none when one is refused or nothing is chosen."""
        used = [row for row in self.rows if row.key]
        found = [row.axis() for row in used]
        axes = tuple(axis for axis in found if axis is not None)
        return axes if len(axes) == len(used) else ()

    def _check(self) -> None:
        self._timer.stop()
        axes = self._axes()
        words = ""
        self.refusal.say("")
        if axes:
            try:
                found = self._sweeps.cells(axes)
            except AppError as error:
                self.refusal.say(str(error))
            else:
                words = _counted(len(found), self._sweeps.seconds(found))
        elif not any(row.key for row in self.rows):
            words = "Choose a setting."
        self.count.setText(words)
        self.make.setEnabled(bool(axes) and self.refusal.isHidden())
        self._fit()

    def _fit(self) -> None:
        """Become as high as the contents are at this width, wrapped sentences included."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedHeight(layout.totalHeightForWidth(self.width()))

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)


def _counted(count: int, seconds: float | None) -> str:
    words = "1 picture" if count == 1 else f"{count} pictures"
    if seconds is None:
        return f"{words}; how long they take is known after the first"
    return f"{words}, about {duration(seconds)}"
