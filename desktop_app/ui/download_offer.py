"""What a repository on the hub offers: its licence first, then what can be fetched of it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.assets import size_words
from desktop_app.ui import theme
from desktop_app.ui.fields import FoldSection, IconButton, SectionTitle, Separator, label, restyle

if TYPE_CHECKING:
    from desktop_app.studio.downloads import Offer, Pick

_ROOM_KEPT = 256 * 1024 * 1024
_FILES_SHOWN = 200


class OfferPane(QScrollArea):
    """One offer. Nothing is fetched before its button is pressed.

    Signals:
        wanted(Offer, Pick): fetch this.
        closed(): it shall go away.
    """

    wanted = Signal(object, object)
    closed = Signal()

    def __init__(self, offer: "Offer", room: int, parent: QWidget | None = None) -> None:
        """Args:
        room: bytes that are free where models are put.
        """
        super().__init__(parent)
        self.offer = offer
        self._room = room
        self.setAccessibleName(f"What {offer.address.repo} offers")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.choices = QButtonGroup(self)
        self.fetch = QPushButton(self)
        self.fetch.setProperty("primary", True)
        self.licence = QPlainTextEdit(self)
        self.page = QPushButton("Open its page", self)
        self.close_button = IconButton("x", "Close this offer", self, flat=True, size=16)
        self.about = label("", "hint", self)
        self.files = FoldSection("Files", self)
        self._names = label("", "hint", self)
        self._build()
        self.choices.idToggled.connect(lambda _number, on: self._choose() if on else None)
        self.fetch.clicked.connect(lambda: self.wanted.emit(self.offer, self.pick))
        self.page.clicked.connect(self._open_page)
        self.close_button.clicked.connect(self.closed)
        self.choices.buttons()[0].setChecked(True)

    @property
    def pick(self) -> "Pick":
        """What is chosen."""
        return self.offer.picks[max(self.choices.checkedId(), 0)]

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(16))
        column.setSpacing(theme.px(8))
        head = QHBoxLayout()
        title = label(self.offer.title, "heading", self)
        title.setWordWrap(True)
        head.addWidget(title, 1)
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(
            _wrapped(f"{self.offer.address.repo}, at commit {self.offer.commit[:8]}", "hint")
        )
        self._build_licence(column)
        column.addWidget(Separator())
        self._build_picks(column)
        self._names.setWordWrap(True)
        self._names.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.files.body.addWidget(self._names)
        column.addWidget(self.files)
        for sentence in self.offer.left_out:
            column.addWidget(_wrapped(sentence, "hint"))
        self.about.setWordWrap(True)
        column.addWidget(self.about)
        column.addWidget(self.fetch)
        column.addStretch(1)
        self.setWidget(inside)

    def _build_licence(self, column: QVBoxLayout) -> None:
        licence = self.offer.licence
        column.addWidget(Separator())
        column.addWidget(SectionTitle(f"Licence: {licence.name}"))
        if licence.meaning:
            column.addWidget(_wrapped(licence.meaning, "label"))
        if self.offer.gated:
            words = (
                "Its makers give it only to those who accept the licence on its page. "
                "Then an access token is needed here."
            )
            column.addWidget(_wrapped(words, "hint", state="warn"))
        self.licence.setReadOnly(True)
        self.licence.setAccessibleName("Text of the licence")
        self.licence.setPlainText(licence.text)
        self.licence.setFixedHeight(theme.px(150))
        self.licence.setTabChangesFocus(True)
        self.licence.setVisible(bool(licence.text))
        column.addWidget(self.licence)
        if not licence.text:
            column.addWidget(_wrapped("The repository holds no text of it.", "hint"))
        row = QHBoxLayout()
        self.page.setToolTip(f"{licence.link}\nopens in your browser")
        row.addWidget(self.page)
        row.addStretch(1)
        column.addLayout(row)

    def _build_picks(self, column: QVBoxLayout) -> None:
        column.addWidget(SectionTitle("What to fetch"))
        for number, pick in enumerate(self.offer.picks):
            words = f"{pick.title}   {size_words(pick.size)}"
            button = QRadioButton(words, self)
            button.setAccessibleDescription(pick.detail)
            self.choices.addButton(button, number)
            column.addWidget(button)
            if pick.detail:
                detail = _wrapped(pick.detail, "hint")
                detail.setContentsMargins(theme.px(24), 0, 0, 0)
                column.addWidget(detail)

    def _choose(self) -> None:
        pick = self.pick
        need, free = pick.size + _ROOM_KEPT, self._room
        enough = free >= need
        count = len(pick.files)
        self.files.set_title("1 file" if count == 1 else f"{count} files")
        names = [f"{name}   {size_words(file.size)}" for file, name in pick.files[:_FILES_SHOWN]]
        rest = count - len(names)
        self._names.setText("\n".join(names) + (f"\nand {rest} more" if rest > 0 else ""))
        words = f"{size_words(free)} are free on the disk."
        if not enough:
            words = f"Only {size_words(free)} are free on the disk: {size_words(need)} are needed."
        if pick.pickle:
            words += (
                "\nThis is a pickle, a format that can run code when it is opened. It is fetched, "
                "but opened only after you say so."
            )
        self.about.setText(words)
        restyle(self.about, "state", "" if enough and not pick.pickle else "warn")
        self.fetch.setText(f"Download {size_words(pick.size)}")
        self.fetch.setAccessibleName(f"Download {pick.title}, {size_words(pick.size)}")
        self.fetch.setEnabled(enough)

    def _open_page(self) -> None:
        QDesktopServices.openUrl(QUrl(self.offer.licence.link or self.offer.address.page))


def _wrapped(text: str, role: str, *, state: str = "") -> QLabel:
    made = label(text, role)
    made.setWordWrap(True)
    made.setProperty("state", state)
    return made
