"""The card that says what is proved about the picture on the canvas."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop_app.studio.proofs import Proofs
from desktop_app.studio.run_state import RunState
from desktop_app.ui import icons, theme
from desktop_app.ui.fields import Sentence, label

if TYPE_CHECKING:
    from desktop_app.studio.values import Record

_STATES: dict[str, tuple[str, str, str, str]] = {
    "none": (
        "badge-check",
        "ok",
        "Reproducible",
        "Every setting, the model's fingerprint and the pixels' hash are stored in each picture.",
    ),
    "": (
        "circle-dashed",
        "text.2",
        "Not yet verified",
        "Its settings, the model's fingerprint and the pixels' hash are stored in the picture.",
    ),
    "foreign": (
        "info",
        "text.2",
        "No proof in this picture",
        "It does not say exactly how it was made, so it cannot be made again and compared.",
    ),
    "identical": (
        "badge-check",
        "ok",
        "Reproducible",
        "Made again from its settings: every pixel is the same.",
    ),
    "similar": (
        "badge-check",
        "warn",
        "Visually identical",
        "Made again: no colour differs by more than 2 of 255 steps.",
    ),
    "different": (
        "triangle-alert",
        "bad",
        "Different",
        "Made again, it came out otherwise; something that matters has changed on this machine.",
    ),
}
"""Icon, colour, title and sentence of each state."""
_PLACES = {
    "cpu": "the processor",
    "mps": "the Apple GPU",
    "cuda": "the graphics card",
    "xpu": "the graphics card",
}
_WAYS = {
    "tiled": ", decoded in tiles",
    "float32": ", decoded in float32",
    "cpu": ", decoded by the processor",
}
"""Behind where the picture was computed: how its latent was decoded, where that is not as usual."""


class ProofCard(QFrame):
    """Whether the picture on the canvas was made again and found the same.

    Signals:
        verify_asked(int): make the picture with this id again, and compare.
        difference_asked(int, bool): show on the canvas where it came out otherwise, or no longer.
        why_asked(int): tell why.
    """

    verify_asked = Signal(object)
    difference_asked = Signal(object, bool)
    why_asked = Signal(object)

    def __init__(self, run: RunState, proofs: Proofs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run = run
        self._proofs = proofs
        self._record: Record | None = None
        self.setObjectName("card")
        self._sign = QLabel()
        self.title = label("", "label")
        self.words = label("", "hint")
        self.words.setWordWrap(True)
        self.button = QPushButton("Verify")
        self.button.setProperty("small", True)
        self.button.setAccessibleName("Reproduce this picture and verify it")
        self.button.setToolTip("Make the picture again from its settings and compare every pixel")
        head = QHBoxLayout()
        head.setSpacing(theme.px(7))
        head.addWidget(self._sign)
        head.addWidget(self.title, 1)
        head.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.px(12), theme.px(9), theme.px(12), theme.px(10))
        column.setSpacing(theme.px(5))
        column.addLayout(head)
        self.made = Sentence()
        column.addWidget(self.words)
        column.addWidget(self.made)
        self.difference = QPushButton("Show the difference")
        self.difference.setCheckable(True)
        self.difference.setToolTip("Where on the picture, and by how much")
        self.why = QPushButton("Why…")
        self.why.setAccessibleName("Why it came out as it did")
        self.why.setToolTip("What it was made with, then and now, and what can be done")
        more = QHBoxLayout()
        more.setSpacing(theme.px(7))
        for button in (self.difference, self.why):
            button.setProperty("small", True)
            more.addWidget(button)
        more.addStretch(1)
        column.addLayout(more)
        self.button.clicked.connect(self._ask)
        self.difference.clicked.connect(self._ask_difference)
        self.why.clicked.connect(self._ask_why)
        run.changed.connect(self._show)
        proofs.changed.connect(self._show)
        self._show()

    def show_picture(self, record: "Record | None") -> None:
        """Speak of this picture; None for no picture in particular."""
        self._record = record
        self._show()

    def _ask(self) -> None:
        if self._record is not None:
            self.verify_asked.emit(self._record.id)

    def show_compared(self, on: bool) -> None:
        """Whether the canvas shows the difference now."""
        self.difference.setChecked(on)
        self.difference.setText("Hide the difference" if on else "Show the difference")

    def _ask_difference(self, on: bool) -> None:
        if self._record is not None:
            self.difference_asked.emit(self._record.id, on)

    def _ask_why(self) -> None:
        if self._record is not None:
            self.why_asked.emit(self._record.id)

    def _state(self) -> str:
        record = self._record
        if record is None:
            return "none"
        if record.recipe is None or record.provenance is None:
            return "foreign"
        return record.verified if record.verified in _STATES else ""

    def _comparing(self) -> bool:
        job = self._run.job
        return (
            job is not None
            and self._record is not None
            and job.kind == "verify"
            and job.picture == self._record.id
        )

    def _show(self) -> None:
        state = self._state()
        picture, token, title, words = _STATES[state]
        if self._comparing():
            picture, token, title = "loader", "accent.soft", "Making it again…"
            words = self._run.text
        verdict = self._proofs.verdict(self._record.id) if self._record is not None else None
        if state == "different" and verdict is None:
            words = f"{words} Verify again to see where and why."
        known = verdict is not None and verdict.evidence is not None
        self.why.setVisible(known and not self._comparing())
        self.difference.setVisible(
            known and verdict is not None and verdict.kind != "identical" and not self._comparing()
        )
        self._sign.setPixmap(icons.pixmap(picture, token, 18, self.devicePixelRatioF()))
        self.title.setText(title)
        self.words.setText(words)
        self.made.say(made_words(self._record) if self._record is not None else "")
        self.button.setText("Verify" if state == "" else "Verify again")
        self.button.setVisible(state in ("", "identical", "similar", "different"))
        self.button.setEnabled(not self._comparing())
        self.setAccessibleName(f"{title}. {words}")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show()


def made_words(record: "Record") -> str:
    """In what a picture was computed, and what had to be done otherwise for it."""
    made = record.provenance
    if made is None:
        return ""
    setting = made.fingerprint
    where = _PLACES.get(setting.device, setting.device)
    words = f"Computed in {setting.dtype} on {where}{_WAYS.get(setting.decode, '')}."
    return " ".join((words, *made.notes))
