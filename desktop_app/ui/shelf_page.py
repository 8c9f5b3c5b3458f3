"""The shelf as a full page: seeds, settings, styles, and the history of seeds."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.preset import free_name
from desktop_app.recipe.presets import PARAMETER_PARTS, SEED_PARTS, Part
from desktop_app.recipe.styles import Style
from desktop_app.studio.seed_files import refuse_taken
from desktop_app.ui import theme
from desktop_app.ui.fields import label
from desktop_app.ui.keep_sheet import KeepSheet
from desktop_app.ui.preset_tab import PresetTab
from desktop_app.ui.seed_history import HistoryTab
from desktop_app.ui.style_editor import StyleForm

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

SEEDS, SETTINGS, STYLES, HISTORY = range(4)
TABS = ("Seeds", "Settings", "Styles", "History")


class ShelfPage(QWidget):
    """Four tabs; what is taken from here goes into the draft.

    Signals:
        taken(): the draft has something from here, so the page that shows it is wanted.
    """

    taken = Signal()

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio, self._desk = studio, studio.seeds
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._make_tabs()
        self._build()
        self._connect()
        self.show_tab(SEEDS)

    def _make_tabs(self) -> None:
        desk = self._desk
        self.seeds = PresetTab(
            desk,
            desk.shelf,
            icon_name="bookmark",
            keep="Keep this seed",
            use="Use",
            empty=(
                "Seeds that you keep stand here.",
                "Drop a picture here, or press “Keep this seed”.",
            ),
            pictures=desk.keep_files,
        )
        self.settings = PresetTab(
            desk,
            desk.parameters,
            icon_name="sliders-horizontal",
            keep="Keep these settings",
            use="Use",
            empty=(
                "Settings that you keep stand here: model, size, steps, sampler.",
                "Press “Keep these settings”.",
            ),
        )
        self.styles = PresetTab(
            desk,
            desk.styles,
            icon_name="wand-sparkles",
            keep="New style",
            use="Put it on",
            empty=("Styles stand here.", "Press “New style” to write one."),
        )
        self.history = HistoryTab(desk)

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(20), theme.px(10), theme.px(16), 0)
        row.setSpacing(theme.px(4))
        row.addWidget(label("Shelf", "heading", self))
        row.addSpacing(theme.px(16))
        self.group = QButtonGroup(self)
        for number, name in enumerate(TABS):
            tab = QPushButton(name, self)
            tab.setProperty("tab", True)
            tab.setCheckable(True)
            tab.setAccessibleName(f"{name} on the shelf")
            self.group.addButton(tab, number)
            row.addWidget(tab)
        row.addStretch(1)
        self.stack = QStackedWidget(self)
        for part in (self.seeds, self.settings, self.styles, self.history):
            self.stack.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.stack, 1)

    def _connect(self) -> None:
        desk = self._desk
        self.group.idClicked.connect(self.show_tab)
        self.seeds.used.connect(self._use_seed)
        self.seeds.made.connect(self._make_seed)
        self.seeds.sample_wanted.connect(self._show_sample)
        self.seeds.keep_asked.connect(self.ask_to_keep_seed)
        self.settings.used.connect(self._use_settings)
        self.settings.keep_asked.connect(self.ask_to_keep_settings)
        self.styles.used.connect(desk.styles.toggle)
        self.styles.keep_asked.connect(self._new_style)
        self.history.used.connect(self.taken)
        desk.shelf.kept.connect(lambda _: self.seeds.search.clear())

    @property
    def tab(self) -> int:
        return self.stack.currentIndex()

    def show_tab(self, number: int) -> None:
        """Args:
        number: `SEEDS`, `SETTINGS`, `STYLES` or `HISTORY`.
        """
        self.stack.setCurrentIndex(number)
        self.group.button(number).setChecked(True)
        if number == HISTORY:
            self.history.refresh()
        elif self.isVisible():
            self.find_words()

    def refresh(self) -> None:
        """Read what came in while the page was away."""
        if self.tab == HISTORY:
            self.history.refresh()

    def find_words(self) -> None:
        """Put the focus into the search field of the tab on show."""
        part = self.stack.currentWidget()
        assert isinstance(part, PresetTab | HistoryTab)
        part.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        part.search.selectAll()

    def ask_to_keep_seed(self, anchor: QWidget) -> KeepSheet:
        """Ask beside `anchor` how the draft's seed shall be called."""
        shelf, studio = self._desk.shelf, self._studio

        def take(name: str, parts: tuple[Part, ...]) -> None:
            refuse_taken(name, shelf.names())
            studio.save_seed_preset(name, parts)

        name = free_name(f"Seed {shelf.rowCount() + 1}", shelf.names())
        sheet = KeepSheet(anchor, "Keep this seed as", name, SEED_PARTS, take)
        sheet.show_it()
        return sheet

    def ask_to_keep_settings(self, anchor: QWidget) -> KeepSheet:
        """Ask beside `anchor` how the draft's settings shall be called."""
        desk = self._desk
        sheet = KeepSheet(
            anchor,
            "Keep these settings as",
            free_name("Settings", desk.parameters.names()),
            PARAMETER_PARTS,
            desk.keep_parameters,
        )
        sheet.show_it()
        return sheet

    def _new_style(self, anchor: QWidget) -> None:
        def save(style: Style, _: str) -> None:
            self._desk.keep_style(style)

        StyleForm(anchor, None, save).show_it()

    def _use_seed(self, name: str) -> None:
        preset = self._desk.shelf.preset(name)
        if preset is not None:
            self._desk.use(preset)
            self.taken.emit()

    def _make_seed(self, name: str) -> None:
        preset = self._desk.shelf.preset(name)
        if preset is not None:
            self.taken.emit()
            self._desk.use_and_generate(preset)

    def _show_sample(self, name: str) -> None:
        preset = self._desk.shelf.preset(name)
        if preset is not None:
            self._desk.show_sample(preset)

    def _use_settings(self, name: str) -> None:
        self._desk.use_parameters(name)
        self.taken.emit()
