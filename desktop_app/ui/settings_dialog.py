"""What the artist sets about the program itself: its look, its folders, its use of the machine."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.recipe import Range
from desktop_app.settings import Settings
from desktop_app.ui import theme
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import (
    ElidedLabel,
    IconButton,
    IconTextButton,
    Refusal,
    SectionTitle,
    Separator,
    drop_contents,
    label,
)
from desktop_app.ui.number_fields import NumberEdit, ResetLabel
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.settings_memory import MemorySettings

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

THREADS = Range(name="Threads", low=0, high=256)
STEPS_MEMORY = Range(name="Memory for steps", low=0, high=65536, unit="MB")
TEXT = Range(name="Text size", low=80, high=160, unit="%")
_WIDTH = 460
_THEMES = (
    Chip(key="dark", text="Dark", tooltip="Neutral greys, so that colours are judged truly"),
    Chip(key="light", text="Light"),
    Chip(key="system", text="As the system", tooltip="What the desktop says, when it says so"),
)


class SettingsDialog(QDialog):
    """The program's settings; each one takes effect as it is changed, or says when it will."""

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = studio.settings
        self._usual = studio.paths.pictures
        self.setWindowTitle("Settings")
        self.setFixedWidth(theme.px(_WIDTH))
        self.look = ChipRow("Look")
        self.look.set_chips(_THEMES)
        self.text_name = ResetLabel("Text size in %")
        self.text_name.setToolTip("Double-click for 100, the system's own size")
        self.text = NumberEdit(TEXT, step=10)
        self.text_refusal = Refusal()
        self.previews = QCheckBox("Show the picture while it forms")
        self.threads_name = ResetLabel("Processor threads")
        self.threads_name.setToolTip("Double-click for 0, one for each core")
        self.threads = NumberEdit(THREADS)
        self.refusal = Refusal()
        self.steps_name = ResetLabel("Memory for steps in MB")
        self.steps_name.setToolTip("Double-click for 256")
        self.steps = NumberEdit(STEPS_MEMORY, step=64)
        self.steps_refusal = Refusal()
        self.pictures = ElidedLabel("", "label")
        self.choose = QPushButton("Choose…")
        self.usual = IconButton("rotate-ccw", "Back to the usual folder")
        self.add = IconTextButton("folder-plus", "Add a folder…")
        self.memory = MemorySettings(studio.memory, self._settings)
        self._folders = QVBoxLayout()
        self._folders.setSpacing(theme.px(4))
        self._build()
        self._connect()
        self._show(self._settings.values)

    def _build(self) -> None:
        for number in (self.text, self.threads, self.steps):
            number.setFixedWidth(theme.px(64))
        self.choose.setAccessibleName("Choose the folder for new pictures")
        pictures = QHBoxLayout()
        pictures.setSpacing(theme.px(6))
        pictures.addWidget(self.pictures, 1)
        pictures.addWidget(self.choose)
        pictures.addWidget(self.usual)
        add = QHBoxLayout()
        add.addWidget(self.add)
        add.addStretch(1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.px(20),) * 4)
        column.setSpacing(theme.px(9))
        column.addWidget(SectionTitle("Look"))
        column.addWidget(self.look)
        column.addLayout(_row(self.text_name, self.text))
        column.addWidget(self.text_refusal)
        column.addWidget(_hint("The text size counts from the next start."))
        column.addWidget(Separator())
        column.addWidget(SectionTitle("Making pictures"))
        column.addWidget(self.previews)
        column.addLayout(_row(self.threads_name, self.threads))
        column.addWidget(self.refusal)
        column.addWidget(
            _hint("0 takes one for each core. Another number can change a picture's last bits.")
        )
        column.addLayout(_row(self.steps_name, self.steps))
        column.addWidget(self.steps_refusal)
        column.addWidget(
            _hint(
                "Keeps the steps of pictures for branches and films; four times as much goes on "
                "the disk. With 0 they are computed again when they are needed."
            )
        )
        column.addWidget(Separator())
        column.addWidget(SectionTitle("How models are kept in memory"))
        column.addWidget(self.memory)
        column.addWidget(Separator())
        column.addWidget(SectionTitle("Folder for new pictures"))
        column.addLayout(pictures)
        column.addWidget(_hint("Counts from the next start. Pictures made so far stay."))
        column.addWidget(Separator())
        column.addWidget(SectionTitle("Further folders with models"))
        column.addLayout(self._folders)
        column.addLayout(add)
        column.addWidget(_hint("Looked through at once; nothing in them is changed."))
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(PanelScroll(inside))
        # As high as what is in it, where the screen has room for that.
        inside.ensurePolished()
        room = self.screen().availableGeometry().height() - theme.px(80)
        self.resize(self.width(), min(column.totalHeightForWidth(self.width()), room))

    def _connect(self) -> None:
        self.look.clicked.connect(lambda key: self._settings.set(theme=key))
        self.text.edited.connect(lambda value: self._settings.set(text_percent=value))
        self.text_name.reset_asked.connect(lambda: self._settings.set(text_percent=100))
        self.text.refused.connect(self.text_refusal.say)
        self.previews.toggled.connect(lambda on: self._settings.set(previews=on))
        self.threads.edited.connect(lambda value: self._settings.set(threads=value))
        self.threads_name.reset_asked.connect(lambda: self._settings.set(threads=0))
        self.threads.refused.connect(self.refusal.say)
        self.steps.edited.connect(lambda value: self._settings.set(snapshot_megabytes=value))
        self.steps_name.reset_asked.connect(lambda: self._settings.set(snapshot_megabytes=256))
        self.steps.refused.connect(self.steps_refusal.say)
        self.choose.clicked.connect(self._choose_pictures)
        self.usual.clicked.connect(lambda: self._settings.set(pictures=""))
        self.add.clicked.connect(self._add_folder)
        self._settings.changed.connect(self._show)

    def _show(self, values: Settings) -> None:
        self.look.set_checked([values.theme])
        self.text.set_value(values.text_percent)
        self.previews.setChecked(values.previews)
        self.threads.set_value(values.threads)
        self.steps.set_value(values.snapshot_megabytes)
        self.pictures.set_text(values.pictures or str(self._usual))
        self.usual.setVisible(bool(values.pictures))
        drop_contents(self._folders)
        for folder in values.model_folders:
            self._folders.addWidget(self._folder_row(folder))

    def _folder_row(self, folder: str) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(ElidedLabel(folder, "label"), 1)
        remove = IconButton("x", f"Do not look through {folder}", flat=True, size=14, side=24)
        remove.clicked.connect(lambda: self._remove_folder(folder))
        line.addWidget(remove)
        return row

    def _choose_pictures(self) -> None:
        start = self._settings.values.pictures or str(self._usual)
        folder = QFileDialog.getExistingDirectory(self, "Folder for new pictures", start)
        if folder:
            self._settings.set(pictures="" if Path(folder) == self._usual else folder)

    def _add_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with models")
        known = self._settings.values.model_folders
        if folder and folder not in known:
            self._settings.set(model_folders=(*known, folder))

    def _remove_folder(self, folder: str) -> None:
        known = self._settings.values.model_folders
        self._settings.set(model_folders=tuple(one for one in known if one != folder))


def _row(name: QWidget, field: QWidget) -> QHBoxLayout:
    made = QHBoxLayout()
    made.addWidget(name)
    made.addStretch(1)
    made.addWidget(field)
    return made


def _hint(text: str) -> QWidget:
    made = label(text, "hint")
    made.setWordWrap(True)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    return made
