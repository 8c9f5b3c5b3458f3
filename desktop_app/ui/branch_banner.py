"""The banner of a branch: which step it goes on from, what can be changed, and the way out."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop_app.studio.branching import Branching
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, SectionTitle, label
from desktop_app.ui.words import grouped

PLATE = 44


class BranchBanner(QFrame):
    """Seen while the draft is a branch."""

    def __init__(self, branching: Branching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._branching = branching
        self.setObjectName("branch")
        self.setAccessibleName("Branch")
        self.plate = QLabel(self)
        self.title = SectionTitle("", self)
        self.words = label("", "hint", self)
        self.leave = IconButton("x", "Leave the branch", self, flat=True, size=14, side=24)
        self._build()
        self.leave.clicked.connect(branching.leave)
        branching.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        self.words.setWordWrap(True)
        self.plate.setFixedSize(theme.px(PLATE), theme.px(PLATE))
        self.plate.setAlignment(Qt.AlignmentFlag.AlignCenter)
        texts = QVBoxLayout()
        texts.setSpacing(theme.px(2))
        texts.addWidget(self.title)
        texts.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.px(10),) * 4)
        row.setSpacing(theme.px(10))
        row.addWidget(self.plate, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        row.addWidget(self.leave, 0, Qt.AlignmentFlag.AlignTop)

    def _show(self) -> None:
        branch = self._branching.branch
        self.setVisible(branch is not None)
        if branch is None:
            return
        parent = branch.parent
        self.title.setText(f"Branch from step {branch.step}")
        self.words.setText(
            f"Seed {grouped(parent.seed)}. Change the words, guidance or sampler, then Generate. "
            f"{self._branching.seed_words}"
        )
        image = self._branching.image
        self.plate.setVisible(image is not None)
        if image is not None:
            ratio = self.devicePixelRatioF()
            side = round(theme.px(PLATE) * ratio)
            scaled = QPixmap.fromImage(image).scaled(
                side,
                side,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            scaled.setDevicePixelRatio(ratio)
            self.plate.setPixmap(scaled)
