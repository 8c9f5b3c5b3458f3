"""The memory's part of the settings: the device, and how every model is kept on it."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.studio.memory_desk import MemoryDesk
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, label
from desktop_app.ui.memory_form import LABEL_WIDTH, MemoryForm

if TYPE_CHECKING:
    from desktop_app.studio.settings_holder import SettingsHolder

_BEST = "Automatic"


class MemorySettings(QWidget):
    """Which device makes the pictures, and what is decided for all models."""

    def __init__(
        self, memory: MemoryDesk, settings: "SettingsHolder", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._memory, self._settings = memory, settings
        self.device_name = label("Device", "label", self)
        self.device = Combo("Device", self)
        self.form = MemoryForm("Automatic", "Back to automatic", self)
        self.hint = label("", "hint", self)
        self._build()
        self.device.activated.connect(lambda _: memory.choose_device(self.device.currentData()))
        self.form.decided.connect(memory.decide)
        memory.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        self.hint.setWordWrap(True)
        self.device_name.setFixedWidth(theme.px(LABEL_WIDTH))
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        row.addWidget(self.device_name)
        row.addWidget(self.device, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(row)
        column.addWidget(self.form)
        column.addWidget(self.hint)

    def _show(self) -> None:
        wanted = self._settings.values.device
        names = {one.key: one.name for one in self._memory.devices}
        if wanted and wanted not in names:
            names[wanted] = f"{wanted} – not here"
        rows = {"": _BEST, **names}
        self.device.fill((name, key) for key, name in rows.items())
        self.device.setCurrentIndex(list(rows).index(wanted))
        for part in (self.device_name, self.device):
            part.setVisible(len(names) > 1 or bool(wanted))
        choices = self._memory.choices
        self.form.show_wishes(self._memory.usual, choices)
        self.hint.setText(
            self._memory.why_no_choices
            or "For every model of which nothing else is decided on the page with the models. "
            "Counts from the next picture on."
        )
