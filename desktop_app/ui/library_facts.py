"""What is known of a model: rows of a name, its words, and a button that copies."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from desktop_app.studio.assets import Asset, kind_words, size_words, source_words, title_of
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, label
from desktop_app.ui.words import predicted


class FactsGrid(QWidget):
    """The facts of one asset. The rows are made once and filled anew, because making them takes
    longer than an artist who walks through the cards waits.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[QLabel, QLabel, IconButton]] = []
        self._shown: list[tuple[str, str, str]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.px(10))
        self._grid.setVerticalSpacing(theme.px(4))
        self._grid.setColumnStretch(1, 1)

    def show_asset(self, asset: Asset) -> None:
        """Show what is known of an asset."""
        rows = facts_of(asset)
        if rows == self._shown:
            return
        self._shown = rows
        while len(self._rows) < len(rows):
            self._add_row()
        for at, (title, words, button) in enumerate(self._rows):
            name, value, copy = rows[at] if at < len(rows) else ("", "", "")
            title.setText(name)
            words.setText(value)
            button.set_name(f"Copy: {name}")
            for part, there in ((title, name), (words, name), (button, copy)):
                part.setVisible(bool(there))

    def _add_row(self) -> None:
        row, top = len(self._rows), Qt.AlignmentFlag.AlignTop
        title, words = label("", "hint", self), label("", "label", self)
        words.setAlignment(top)
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        button = IconButton("copy", "Copy", self, flat=True, size=13, side=22)
        button.clicked.connect(lambda: self._copy(row))
        self._grid.addWidget(title, row, 0, top)
        self._grid.addWidget(words, row, 1)
        self._grid.addWidget(button, row, 2, top)
        self._rows.append((title, words, button))

    def _copy(self, row: int) -> None:
        QGuiApplication.clipboard().setText(self._shown[row][2])


def facts_of(asset: Asset) -> list[tuple[str, str, str]]:
    """What is known of an asset: name, words, and what a button copies; only what there is."""
    identity = asset.identity
    across, down = identity.native_size or (0, 0)
    variant = f" ({identity.variant})" if identity.variant else ""
    dtype = " ".join(part for part in (identity.dtype, identity.quantisation) if part)
    millions = identity.parameters / 1e6
    parts = ", ".join(part.replace("_", " ") for part in identity.parts)
    targets = ", ".join(part.replace("_", " ") for part in identity.targets)
    pending = "being computed …" if not asset.missing and not asset.unsupported else ""
    file_hash = asset.file_sha256 or ""
    rows = [
        ("Kind", kind_words(identity.kind) + variant, ""),
        ("Family", title_of(identity.family), ""),
        ("Predicts", predicted(identity.prediction), ""),
        ("Weights", dtype, ""),
        ("Numbers", f"{millions:,.0f} million" if millions >= 1 else "", ""),
        ("Size", size_words(identity.bytes) if identity.bytes else "", ""),
        ("Made for", f"{across} × {down}" if across else "", ""),
        ("Holds", parts, ""),
        ("Rank", str(identity.rank) if identity.rank else "", ""),
        ("Changes", targets, ""),
        ("Made from", identity.base, ""),
        ("From", source_words(asset), ""),
        ("Tensors", _short(asset.sha256) or pending, asset.sha256 or ""),
        ("File", _short(file_hash), file_hash),
        ("AutoV2", file_hash[:10].upper(), file_hash[:10].upper()),
        ("Place", _breakable(str(asset.path)), str(asset.path)),
    ]
    return [row for row in rows if row[1]]


def _short(digest: str | None) -> str:
    return f"{digest[:12]}…" if digest else ""


def _breakable(path: str) -> str:
    """A path that can be wrapped after each slash."""
    return path.replace("/", "/\u200b").replace("\\", "\\\u200b").replace("_", "_\u200b")
