"""The report on many pictures that are verified in one go: how far it is, and what came of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop_app import __version__
from desktop_app.studio.audit import RUNNING, WAITING, Audit, Row
from desktop_app.ui import icons, theme
from desktop_app.ui.fields import label, plain_tip

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

WIDTH, HEIGHT = 820, 540
NAME_WIDTH, RESULT_WIDTH, LARGEST_WIDTH = 190, 170, 90
_TITLES = ("Picture", "Result", "Off by", "Likeliest cause")
_WORDS = {
    WAITING: "Waiting",
    RUNNING: "Making it again…",
    "identical": "Identical",
    "similar": "Visually identical",
    "different": "Different",
    "changed": "File was changed",
    "unproved": "No proof in it",
    "failed": "Could not be made",
    "cancelled": "Not verified",
}
_SIGNS = {
    WAITING: ("circle-dashed", "text.3"),
    RUNNING: ("loader", "accent.soft"),
    "identical": ("circle-check", "ok"),
    "similar": ("circle-check", "warn"),
    "different": ("triangle-alert", "bad"),
    "changed": ("triangle-alert", "bad"),
    "unproved": ("info", "text.2"),
    "failed": ("circle-alert", "bad"),
    "cancelled": ("circle-dashed", "text.3"),
}
"""Icon and colour of each result."""
Index = QModelIndex | QPersistentModelIndex
_NONE = QModelIndex()


class AuditTable(QAbstractTableModel):
    """The rows of the audit, in its order."""

    def __init__(self, audit: Audit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._audit = audit
        self._rows: tuple[Row, ...] = tuple(audit.rows)
        audit.changed.connect(self._follow)

    def row(self, index: Index) -> Row:
        return self._rows[index.row()]

    def _follow(self) -> None:
        new = tuple(self._audit.rows)
        if len(new) != len(self._rows):
            self.beginResetModel()
            self._rows = new
            self.endResetModel()
            return
        before, self._rows = self._rows, new
        last = len(_TITLES) - 1
        for at, (old, row) in enumerate(zip(before, new, strict=True)):
            if row is not old:
                self.dataChanged.emit(self.index(at, 0), self.index(at, last))

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(_TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                largest = str(row.largest) if row.largest > 0 else ""
                return (row.path.name, _WORDS[row.result], largest, row.cause)[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(row.cause if index.column() == 3 else str(row.path))
            case Qt.ItemDataRole.DecorationRole if index.column() == 1:
                return icons.icon(*_SIGNS[row.result], 16)
            case _:
                return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _TITLES[section]
        return None


class AuditDialog(QDialog):
    """Follows the audit that runs, or shows the last one; a folder can be chosen here.

    Signals:
        opened(int): a picture of the gallery is wanted on the canvas.
    """

    opened = Signal(object)

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio, self._audit = studio, studio.audit
        self.setWindowTitle("Verified pictures")
        self.resize(theme.px(WIDTH), theme.px(HEIGHT))
        self.summary = label("", "heading")
        self.hint = label("", "hint")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("How many pictures are verified")
        self.model = AuditTable(studio.audit, self)
        self.table = QTableView()
        self.folder = QPushButton("Verify a folder…")
        self.cancel = QPushButton("Cancel")
        self.save = QPushButton("Save the report…")
        self.shut = QPushButton("Close")
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        self.summary.setWordWrap(True)
        self.table.setModel(self.model)
        self.table.setAccessibleName("What came of each picture")
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        for column, width in enumerate((NAME_WIDTH, RESULT_WIDTH, LARGEST_WIDTH)):
            self.table.setColumnWidth(column, theme.px(width))
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(18),) * 4)
        column.setSpacing(theme.px(10))
        column.addWidget(self.summary)
        column.addWidget(self.hint)
        column.addWidget(self.progress)
        column.addWidget(self.table, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.folder)
        bottom.addStretch(1)
        for button in (self.cancel, self.save, self.shut):
            bottom.addWidget(button)
        column.addLayout(bottom)

    def _connect(self) -> None:
        self._audit.changed.connect(self._show)
        self.folder.clicked.connect(self._ask_folder)
        self.cancel.clicked.connect(self._studio.cancel_audit)
        self.save.clicked.connect(self._ask_file)
        self.shut.clicked.connect(self.close)
        self.table.doubleClicked.connect(self._open)

    def _show(self) -> None:
        audit = self._audit
        rows = len(audit.rows)
        busy = audit.busy
        if not rows:
            words = "Reading the pictures…" if busy else "No pictures are verified yet."
        elif busy:
            words = f"{audit.done} of {rows} pictures are verified"
        else:
            words = audit.summary()
        self.summary.setText(words)
        self.hint.setText(
            "They are made again while nothing else waits; other pictures go first."
            if busy
            else "Double-click a picture of the gallery to see it."
        )
        self.progress.setRange(0, max(rows, 1) if rows or not busy else 0)
        self.progress.setValue(audit.done)
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.folder.setEnabled(not busy)
        self.save.setEnabled(audit.done > 0)

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "The folder whose pictures to verify")
        if folder:
            self._audit.folder(Path(folder))

    def _ask_file(self) -> None:
        forms = "Page (*.html);;Table (*.csv);;Plain text (*.txt)"
        name, form = QFileDialog.getSaveFileName(
            self, "Save the report", "verified pictures.html", forms
        )
        if name:
            path = Path(name)
            if path.suffix.lower() not in (".html", ".csv", ".txt"):
                path = path.with_name(path.name + form[form.index("*") + 1 : form.index(")")])
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write the report there, in the form that the ending says."""
        device = self._studio.device
        here = f"Mezzotint {__version__}" + (f", {device.name}" if device is not None else "")
        self._audit.save(path, here)

    def _open(self, index: QModelIndex) -> None:
        picture = self.model.row(index).picture
        if picture is not None:
            self.opened.emit(picture)
