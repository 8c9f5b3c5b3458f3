"""Asks whether a pickle is trusted, before it is turned into safetensors."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app.studio.assets import Asset
from desktop_app.ui import theme
from desktop_app.ui.fields import label, restyle


class ConvertBox(QWidget):
    """One button, then the warning with two; shown for pickles only.

    Signals:
        agreed(Asset): the artist trusts its maker.
    """

    agreed = Signal(object)

    def __init__(self, consent: Callable[[], str], parent: QWidget | None = None) -> None:
        """Args:
        consent: gives what is told before a pickle is opened.
        """
        super().__init__(parent)
        self._asset: Asset | None = None
        self.ask = QPushButton("Convert to safetensors…", self)
        self._consent = consent
        self.warning = label("", "hint", self)
        self.agree = QPushButton("I trust its maker: convert it", self)
        self.leave = QPushButton("Leave it", self)
        self._build()
        self.ask.clicked.connect(self._ask)
        self.leave.clicked.connect(lambda: self._show(warned=False))
        self.agree.clicked.connect(self._agreed)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        self.warning.setWordWrap(True)
        restyle(self.warning, "state", "warn")
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        row.addWidget(self.agree, 1)
        row.addWidget(self.leave)
        column.addWidget(self.ask)
        column.addWidget(self.warning)
        column.addLayout(row)

    def show_asset(self, asset: Asset) -> None:
        """Offer it for a pickle; another asset is asked about anew."""
        if self._asset is None or self._asset.path != asset.path:
            self._show(warned=False)
        self._asset = asset
        self.setVisible(asset.identity.format == "pickle" and not asset.missing)

    def ask_now(self) -> None:
        """Ask at once, as its button does."""
        if not self.isHidden():
            self._ask()

    def _ask(self) -> None:
        self.warning.setText(self._consent())
        self._show(warned=True)
        self.leave.setFocus()

    def _show(self, *, warned: bool) -> None:
        self.ask.setVisible(not warned)
        for part in (self.warning, self.agree, self.leave):
            part.setVisible(warned)

    def _agreed(self) -> None:
        self._show(warned=False)
        if self._asset is not None:
            self.agreed.emit(self._asset)
