"""The folders that are looked through for models, and those of other programs that could be."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.ui import theme
from desktop_app.ui.fields import (
    ElidedLabel,
    IconButton,
    IconTextButton,
    SectionTitle,
    drop_contents,
    restyle,
)
from desktop_app.ui.words import counted

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk, WatchedFolder


class FolderRow(QWidget):
    """One watched folder; pressing its name shows only what lies in it.

    Signals:
        chosen(Path | None): show only this folder, or all again.
        removed(Path): look through it no more.
    """

    chosen = Signal(object)
    removed = Signal(object)

    def __init__(
        self,
        path: Path,
        title: str,
        words: str,
        parent: QWidget | None = None,
        *,
        missing: bool = False,
        fixed: bool = False,
    ) -> None:
        super().__init__(parent)
        self.path = path
        self.button = QPushButton(self)
        self.button.setProperty("row", True)
        self.button.setCheckable(True)
        self.button.setAccessibleName(f"Show only {title}, {words}")
        self.button.setToolTip(str(path))
        inside = QVBoxLayout(self.button)
        inside.setContentsMargins(theme.px(8), theme.px(4), theme.px(4), theme.px(4))
        inside.setSpacing(0)
        name = ElidedLabel(title, "text", self.button)
        place = ElidedLabel(words, "hint", self.button)
        restyle(place, "state", "warn" if missing else "")
        for one in (name, place):
            one.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inside.addWidget(one)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(2))
        row.addWidget(self.button, 1)
        self.remove = IconButton(
            "x", f"Do not look through {path} any more", self, flat=True, size=14, side=24
        )
        self.remove.setVisible(not fixed)
        row.addWidget(self.remove)
        self.button.clicked.connect(lambda on: self.chosen.emit(path if on else None))
        self.remove.clicked.connect(lambda: self.removed.emit(path))


class FoldersPanel(QWidget):
    """The rows, the button to add one, and what was found on this machine.

    Signals:
        chosen(Path | None): show only what lies in this folder, or everything.
    """

    chosen = Signal(object)

    def __init__(self, desk: "AssetDesk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._chosen: Path | None = None
        self.rows: tuple[FolderRow, ...] = ()
        self.add = IconTextButton("folder-plus", "Add a folder…", self)
        self.rescan = IconButton("refresh-cw", "Look through the folders again", self, flat=True)
        self._watched = QVBoxLayout()
        self._found = QVBoxLayout()
        self._found_title = SectionTitle("Found on this computer", self)
        self._build()
        self._connect()
        self._render()

    def _build(self) -> None:
        for rows in (self._watched, self._found):
            rows.setSpacing(theme.px(2))
        head = QHBoxLayout()
        head.addWidget(SectionTitle("Folders", self), 1)
        head.addWidget(self.rescan)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(head)
        column.addLayout(self._watched)
        column.addWidget(self.add)
        column.addWidget(self._found_title)
        column.addLayout(self._found)

    def _connect(self) -> None:
        self.add.clicked.connect(self.ask)
        self.rescan.clicked.connect(self._desk.rescan)
        self._desk.folders_changed.connect(self._render)
        self._desk.assets.read.connect(self._render)

    def ask(self) -> None:
        """Ask for a folder and look through it."""
        folder = QFileDialog.getExistingDirectory(self, "Folder with models")
        if folder:
            self._desk.watch(Path(folder))

    def choose(self, path: Path | None) -> None:
        """Mark a folder as the only one on show."""
        self._chosen = path
        for row in self.rows:
            row.button.setChecked(row.path == path)

    def _choose(self, path: Path | None) -> None:
        self.choose(path)
        self.chosen.emit(path)

    def _render(self) -> None:
        drop_contents(self._watched)
        own = self._desk.own_folder
        rows = [self._row(own, "Mezzotint’s own", fixed=True)]
        rows += [
            self._row(one.path, one.title, missing=one.missing)
            for one in self._desk.watched
            if one.path != own
        ]
        for row in rows:
            row.chosen.connect(self._choose)
            row.removed.connect(self._remove)
            self._watched.addWidget(row)
        self.rows = tuple(rows)
        self.choose(self._chosen)
        drop_contents(self._found)
        found = self._desk.found
        for one in found:
            self._found.addWidget(self._offer(one))
        self._found_title.setVisible(bool(found))

    def _row(
        self, path: Path, title: str, *, missing: bool = False, fixed: bool = False
    ) -> FolderRow:
        count = self._desk.assets.count_below(path)
        models = "1 model" if count == 1 else f"{counted(count)} models"
        words = f"not there now  ·  {models} known" if missing else f"{models}  ·  {path}"
        return FolderRow(path, title, words, self, missing=missing, fixed=fixed)

    def _offer(self, folder: "WatchedFolder") -> QWidget:
        made = QWidget(self)
        row = QHBoxLayout(made)
        row.setContentsMargins(theme.px(8), 0, 0, 0)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(ElidedLabel(folder.title, "text", made))
        words.addWidget(ElidedLabel(str(folder.path), "hint", made))
        row.addLayout(words, 1)
        take = QPushButton("Use", made)
        take.setProperty("small", True)
        take.setAccessibleName(f"Use the models of {folder.title} in {folder.path}")
        take.setToolTip("Look through it where it lies; nothing in it is changed")
        take.clicked.connect(lambda: self._desk.watch(folder.path))
        row.addWidget(take)
        return made

    def _remove(self, path: Path) -> None:
        if self._chosen == path:
            self._choose(None)
        self._desk.unwatch(path)
