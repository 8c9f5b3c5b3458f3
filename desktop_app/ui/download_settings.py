"""Where models are fetched from: a mirror, and the artist's access token for it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop_app.studio.hub_desk import HubDesk
from desktop_app.ui import theme
from desktop_app.ui.fields import Refusal, label
from desktop_app.ui.popover import Popover


class DownloadSettings(Popover):
    """A sheet with two fields.

    Signals:
        kept(): something was changed.
    """

    kept = Signal()

    def __init__(self, anchor: QWidget, hub: HubDesk, mirror: str) -> None:
        super().__init__(anchor, "Where models come from", 340)
        self._hub = hub
        self.mirror = QLineEdit(mirror)
        self.token = QLineEdit()
        self.refusal = Refusal()
        self.about = label("", "hint")
        self.forget = QPushButton("Forget it")
        self.keep = QPushButton("Keep")
        self._build()
        self.keep.clicked.connect(self.save)
        self.mirror.returnPressed.connect(self.save)
        self.token.returnPressed.connect(self.save)
        self.forget.clicked.connect(self._forget)
        self._render()

    def _build(self) -> None:
        self.mirror.setAccessibleName("Address of a mirror")
        self.mirror.setPlaceholderText("https://huggingface.co")
        self.mirror.setMaxLength(500)
        self.token.setAccessibleName("Access token")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("hf_…, for models that ask for one")
        self.token.setMaxLength(500)
        self.keep.setProperty("primary", True)
        self.about.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        row.addWidget(self.forget)
        row.addStretch(1)
        row.addWidget(self.keep)
        self.column.addWidget(label("Where models come from", "title"))
        self.column.addWidget(label("Server, or a mirror of it", "label"))
        self.column.addWidget(self.mirror)
        self.column.addWidget(label("Access token", "label"))
        self.column.addWidget(self.token)
        self.column.addWidget(self.refusal)
        self.column.addWidget(self.about)
        self.column.addLayout(row)

    def save(self) -> None:
        """Keep what stands in the fields; an empty token leaves the one that is kept."""
        if not self.refusal.attempt(lambda: self._hub.set_mirror(self.mirror.text())):
            self.fit()
            return
        token = self.token.text()
        if token and not self.refusal.attempt(lambda: self._hub.set_token(token)):
            self.fit()
            return
        self.kept.emit()
        self.close()

    def _forget(self) -> None:
        if self.refusal.attempt(lambda: self._hub.set_token("")):
            self._render()
        self.fit()

    def _render(self) -> None:
        has = self._hub.has_token
        told = "A token is kept for this server." if has else "No token is kept for this server."
        self.about.setText(
            f"{told} It is told to this server alone, and lies in a file that only you can read."
        )
        self.forget.setVisible(has)
