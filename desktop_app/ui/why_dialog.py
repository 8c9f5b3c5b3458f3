"""Why a picture made again came out as it did: what parted, the likeliest cause, both sides."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.causes import Cause, Row, causes, first_stage, rows, versions
from desktop_app.studio.verdict import verdict_words
from desktop_app.ui import icons, theme
from desktop_app.ui.fields import label

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.studio.values import Verdict

WIDTH, HEIGHT = 640, 640
CAUSES_MAX = 4
_STAGES = (
    ("noise", "The noise it starts from", "noise_sha256"),
    ("latents", "The end of its steps", "latents_sha256"),
    ("pixels", "The pixels", "pixels_sha256"),
)
_ACTIONS = {
    "cpu": "Verify on the processor",
    "again": "Verify again",
    "copy": "Copy the versions",
}


class WhyDialog(QDialog):
    """One verdict, explained. It shows what it was made for and does not follow others."""

    def __init__(
        self, studio: "Studio", picture: int, verdict: "Verdict", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._studio, self._picture, self._verdict = studio, picture, verdict
        self.setWindowTitle("Why it differs" if verdict.kind != "identical" else "What is proved")
        self.resize(theme.px(WIDTH), theme.px(HEIGHT))
        self.buttons: dict[str, QPushButton] = {}
        self.table = QTableWidget()
        self._build()

    def _build(self) -> None:
        evidence = self._verdict.evidence
        assert evidence is not None
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(18),) * 4)
        column.setSpacing(theme.px(9))
        words = label(verdict_words(self._verdict)[0].split(".")[0] + ".", "heading")
        words.setWordWrap(True)
        column.addWidget(words)
        first = first_stage(evidence.then, evidence.now)
        for key, title, field in _STAGES:
            same = getattr(evidence.then, field) == getattr(evidence.now, field)
            column.addLayout(_stage(title, same=same, parts_here=key == first))
        for cause in causes(evidence.then, evidence.now)[:CAUSES_MAX]:
            column.addWidget(self._cause(cause))
        column.addWidget(label("What it was made with", "title"))
        self._fill(rows(evidence.then.fingerprint, evidence.now.fingerprint))
        column.addWidget(self.table, 1)
        bottom = QHBoxLayout()
        copy = QPushButton("Copy everything")
        copy.clicked.connect(self.copy_all)
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        bottom.addWidget(copy)
        bottom.addStretch(1)
        bottom.addWidget(close)
        column.addLayout(bottom)

    def _cause(self, cause: Cause) -> QWidget:
        card = QFrame()
        card.setObjectName("card")
        row = QHBoxLayout(card)
        row.setContentsMargins(theme.px(12), theme.px(8), theme.px(12), theme.px(9))
        words = QVBoxLayout()
        words.setSpacing(theme.px(2))
        for text, role in ((cause.sentence, "label"), (cause.remedy, "hint")):
            line = label(text, role)
            line.setWordWrap(True)
            words.addWidget(line)
        row.addLayout(words, 1)
        if cause.action and cause.action not in self.buttons:
            button = QPushButton(_ACTIONS[cause.action])
            button.setProperty("small", True)
            button.clicked.connect(lambda: self._do(cause.action))
            self.buttons[cause.action] = button
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        return card

    def _do(self, action: str) -> None:
        evidence = self._verdict.evidence
        if action == "copy" and evidence is not None:
            QGuiApplication.clipboard().setText(versions(evidence.then.fingerprint))
            self.buttons["copy"].setText("Copied")
            return
        self._studio.again.reproduce(self._picture, "cpu" if action == "cpu" else "")
        self.close()

    def _fill(self, found: tuple[Row, ...]) -> None:
        table = self.table
        table.setColumnCount(3)
        table.setRowCount(len(found))
        table.setHorizontalHeaderLabels(["", "Then", "Now"])
        table.setAccessibleName("What it was made with, then and now")
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        for at, row in enumerate(found):
            for place, text in enumerate((row.label, row.then, row.now)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if row.differs and not place:
                    item.setIcon(icons.icon("circle-alert", "warn", 16))
                table.setItem(at, place, item)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)

    def copy_all(self) -> None:
        """Put the verdict, the causes and both sides on the clipboard, as text."""
        evidence = self._verdict.evidence
        assert evidence is not None
        lines = [verdict_words(self._verdict)[0], ""]
        lines += [f"{one.sentence} {one.remedy}" for one in causes(evidence.then, evidence.now)]
        lines += ["", "\tthen\tnow"]
        for row in rows(evidence.then.fingerprint, evidence.now.fingerprint):
            lines.append(f"{row.label}\t{row.then}\t{row.now}")
        for _, title, field in _STAGES:
            hashes = (getattr(side, field) for side in (evidence.then, evidence.now))
            lines.append("\t".join((title, *hashes)))
        QGuiApplication.clipboard().setText("\n".join(lines))


def _stage(title: str, *, same: bool, parts_here: bool) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.px(8))
    sign = QLabel()
    name, token = ("circle-check", "ok") if same else ("circle-alert", "warn")
    sign.setPixmap(icons.pixmap(name, token, 16, sign.devicePixelRatioF()))
    row.addWidget(sign)
    tail = "the same, bit for bit" if same else "not the same"
    tail += " – here they part" if parts_here else ""
    row.addWidget(label(f"{title}: {tail}", "label"), 1)
    return row
