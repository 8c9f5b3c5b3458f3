"""Settings presets in the sidebar: one button, whose menu takes one or keeps what is set now."""

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from desktop_app.recipe.preset import free_name
from desktop_app.recipe.presets import PARAMETER_PARTS
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.ui.fields import IconTextButton
from desktop_app.ui.keep_sheet import KeepSheet
from desktop_app.ui.picture_menu import add
from desktop_app.ui.preset_words import line_of

SHOWN_MAX = 30
"""Presets in the menu; the others are on the shelf."""


class SettingsPresets(QWidget):
    """The button and its menu.

    Signals:
        shelf_asked(): the shelf with all settings presets is wanted.
    """

    shelf_asked = Signal()

    def __init__(self, desk: SeedDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.button = IconTextButton("sliders-horizontal", "Settings presets")
        self.button.setToolTip("Model, size, steps, sampler … under a name")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button)
        self.button.clicked.connect(self._open)

    def menu(self) -> QMenu:
        """The presets, those whose settings are in use marked, and what else can be done."""
        menu, model = QMenu(self), self._desk.parameters
        for preset in model.presets()[:SHOWN_MAX]:
            words = preset.name.replace("&", "&&")
            action = add(menu, words, lambda name=preset.name: self._desk.use_parameters(name))
            action.setToolTip(line_of(preset))
            action.setCheckable(True)
            action.setChecked(model.is_on(preset))
        if model.rowCount():
            menu.addSeparator()
        add(menu, "Keep these settings…", lambda: self.ask_to_keep(), "plus")
        add(menu, "Open the shelf", self.shelf_asked.emit, "library")
        menu.setToolTipsVisible(True)
        return menu

    def ask_to_keep(self) -> KeepSheet:
        """Ask beside the button for a name and what to keep."""
        name = free_name("Settings", self._desk.parameters.names())
        keep = self._desk.keep_parameters
        sheet = KeepSheet(self.button, "Keep these settings as", name, PARAMETER_PARTS, keep)
        sheet.show_it()
        return sheet

    def _open(self) -> None:
        menu = self.menu()
        menu.exec(self.button.mapToGlobal(QPoint(0, self.button.height())))
        menu.deleteLater()
