"""One kind of preset in the shelf: search, order, the cards, and what the chosen one holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.preset_model import PresetModel
from desktop_app.studio.seed_desk import SeedDesk
from desktop_app.ui import theme
from desktop_app.ui.drop_overlay import picture_files
from desktop_app.ui.fields import Combo, IconButton, IconTextButton, label
from desktop_app.ui.gallery_search import SearchField
from desktop_app.ui.icons import icon
from desktop_app.ui.picture_menu import add
from desktop_app.ui.preset_details import PresetDetails
from desktop_app.ui.preset_drag import preset_data, preset_files
from desktop_app.ui.preset_view import SORTS, PresetView


class PresetTab(QWidget):
    """Search, grid and details of one kind.

    Signals:
        used(str): the preset of that name shall go into the draft.
        made(str): it shall be put into the draft and rendered.
        sample_wanted(str): its newest picture shall be shown.
        keep_asked(QWidget): what is set now shall be kept; the sheet stands beside the widget.
    """

    used = Signal(str)
    made = Signal(str)
    sample_wanted = Signal(str)
    keep_asked = Signal(object)

    def __init__(
        self,
        desk: SeedDesk,
        model: "PresetModel[Any]",
        *,
        icon_name: str,
        keep: str,
        use: str,
        empty: tuple[str, str],
        pictures: "Callable[[list[Path]], object] | None" = None,
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        keep: what the button says that keeps what is set now.
        use: what the button says that takes a preset into the draft.
        pictures: takes pictures that are dropped; None where none are.
        """
        super().__init__(parent)
        self._desk, self._model, self._pictures = desk, model, pictures
        self.view = PresetView(model, icon_name, self._drag, self._takes, empty, self)
        self.details = PresetDetails(model, desk.pictures, use, self)
        self.search = SearchField(self)
        self.sort = Combo("Order of the cards", self)
        self.count = label("", "hint", self)
        self.keep = IconTextButton("plus", keep, self)
        self.importing = IconButton("download", "Import from a file", self, flat=True)
        self._build()
        self._connect()
        self._counted()

    def _build(self) -> None:
        words = self._model.kind.words
        self.search.setAccessibleName(f"Search the {words}")
        self.search.setPlaceholderText("Search names, tags, notes, words")
        self.search.setMaxLength(200)
        self.search.setClearButtonEnabled(True)
        self.search.addAction(
            icon("search", "text.3", 16), QLineEdit.ActionPosition.LeadingPosition
        )
        self.search.setMaximumWidth(theme.px(300))
        for key, name in SORTS.items():
            self.sort.addItem(name, key)
        self.sort.setFixedWidth(theme.px(120))
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(20), theme.px(8), theme.px(16), theme.px(8))
        row.setSpacing(theme.px(8))
        row.addWidget(self.search, 100)
        row.addWidget(self.sort)
        row.addWidget(self.count)
        row.addStretch(1)
        row.addWidget(self.importing)
        row.addWidget(self.keep)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addLayout(row)
        grid = QHBoxLayout()
        grid.setContentsMargins(theme.px(20), 0, theme.px(16), 0)
        grid.addWidget(self.view)
        left.addLayout(grid, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(left, 1)
        whole.addWidget(self.details)

    def _connect(self) -> None:
        self.search.textChanged.connect(self.view.rows.set_words)
        self.search.textChanged.connect(self._counted)
        self.sort.currentIndexChanged.connect(
            lambda: self.view.rows.set_order(self.sort.currentData())
        )
        self.view.chosen.connect(lambda: self.details.show_names(self.view.selected()))
        self.view.opened.connect(self.used)
        self.view.deleted.connect(self._delete)
        self.view.menu_wanted.connect(self._open_menu)
        self.view.dropped.connect(self._dropped)
        self.keep.clicked.connect(lambda: self.keep_asked.emit(self.keep))
        self.importing.clicked.connect(self._import)
        details = self.details
        details.used.connect(lambda: self._first(self.used))
        details.made.connect(lambda: self._first(self.made))
        details.sample_wanted.connect(lambda: self._first(self.sample_wanted))
        details.duplicated.connect(self._duplicate)
        details.merged.connect(lambda: self._model.merge(self.view.selected()))
        details.exported.connect(self._export)
        details.deleted.connect(self._delete)
        for signal in (self._model.modelReset, self.view.rows.rowsInserted):
            signal.connect(self._counted)

    def menu(self) -> QMenu:
        """What can be done with the selected presets."""
        menu, names = QMenu(self), self.view.selected()
        if len(names) == 1:
            add(menu, self.details.use.text(), lambda: self._first(self.used), "check", "Enter")
            if not self.details.make.isHidden():
                add(menu, "Generate with it", lambda: self._first(self.made), "sparkles")
                show = "Show its newest picture"
                add(menu, show, lambda: self._first(self.sample_wanted), "image")
            menu.addSeparator()
            index = self.view.currentIndex()
            rename = add(menu, "Rename", lambda: self.view.edit(index), "pencil", "F2")
            own = not index.data(PresetModel.Role.BUILT_IN)
            rename.setEnabled(own)
            add(menu, "Duplicate", self._duplicate, "copy-plus")
        elif names:
            add(menu, f"Merge into “{names[0]}”".replace("&", "&&"), self._merge, "merge")
        add(menu, "Export…", self._export, "upload")
        menu.addSeparator()
        add(menu, "Delete", self._delete, "trash-2", "Del")
        return menu

    def _open_menu(self, at: QPoint) -> None:
        menu = self.menu()
        menu.exec(at)
        menu.deleteLater()

    def _first(self, signal: Any) -> None:
        names = self.view.selected()
        if names:
            signal.emit(names[0])

    def _duplicate(self) -> None:
        for name in self.view.selected()[:1]:
            self._model.duplicate(name)

    def _merge(self) -> None:
        self._model.merge(self.view.selected())

    def _delete(self) -> None:
        names = self.view.selected()
        if names:
            self._model.delete(*names)

    def _export(self) -> None:
        names = self.view.selected()
        if not names:
            return
        kind = self._model.kind
        start = f"{names[0] if len(names) == 1 else kind.words}{kind.suffix}".replace("/", "-")
        found, _ = QFileDialog.getSaveFileName(
            self, f"Export {kind.words}", start, f"{kind.words.capitalize()} (*{kind.suffix})"
        )
        if found:
            target = Path(found)
            if not target.name.endswith(kind.suffix):
                target = target.with_name(target.name.removesuffix(".json") + kind.suffix)
            self._model.export(names, target)

    def _import(self) -> None:
        kind = self._model.kind
        pictures = " *.png *.jpg *.jpeg *.webp" if self._pictures is not None else ""
        found, _ = QFileDialog.getOpenFileNames(
            self, f"Import {kind.words}", "", f"{kind.words.capitalize()} (*.json{pictures})"
        )
        self.take_files([Path(one) for one in found])

    def take_files(self, paths: list[Path]) -> None:
        """Take in files of presets, and the seeds of pictures where they are wanted."""
        files = [path for path in paths if path.suffix.lower() == ".json"]
        for path in files:
            self._model.import_file(path)
        pictures = [path for path in paths if path not in files]
        if pictures and self._pictures is not None:
            self._pictures(pictures)

    def _takes(self, mime: QMimeData) -> bool:
        own = mime.hasFormat(self._model.kind.mime) or bool(preset_files(mime))
        return own or (self._pictures is not None and bool(picture_files(mime)))

    def _dropped(self, mime: QMimeData) -> None:
        if mime.hasFormat(self._model.kind.mime):
            data = bytes(mime.data(self._model.kind.mime).data())
            self._model.import_bytes(data, "what was dropped")
        else:
            self.take_files([*preset_files(mime), *picture_files(mime)])

    def _drag(self, names: list[str]) -> QMimeData:
        data = self._model.to_bytes(names)
        return preset_data(self._model.kind, data, self._desk.drag_file(self._model, names, data))

    def _counted(self) -> None:
        shown, count = self.view.rows.rowCount(), self._model.rowCount()
        cards = f"{count} card{'s' if count != 1 else ''}"
        self.count.setText(f"{shown} of {cards}" if shown != count else cards if count else "")
