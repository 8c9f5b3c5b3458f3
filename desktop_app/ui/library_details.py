"""All that is known of one model, and what the artist says about it."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.asset_use import refines
from desktop_app.studio.assets import Asset, AssetsModel
from desktop_app.studio.memory_desk import MemoryDesk
from desktop_app.ui import theme
from desktop_app.ui.chips import FlowLayout
from desktop_app.ui.fields import (
    FoldSection,
    IconButton,
    IconTextButton,
    SectionTitle,
    Sentence,
    Separator,
    drop_contents,
    label,
    restyle,
)
from desktop_app.ui.library_cards import KIND_ICONS
from desktop_app.ui.library_convert import ConvertBox
from desktop_app.ui.library_defaults import DefaultsForm
from desktop_app.ui.library_facts import FactsGrid
from desktop_app.ui.memory_form import MemoryFold
from desktop_app.ui.panel_scroll import PanelScroll

PREVIEW_HEIGHT = 190
_PLAIN_HEIGHT = 84
"""Pixels of the preview, and of what stands in its place where there is none."""
USE = {
    "checkpoint": "Use this model",
    "refiner": "Use as refiner",
    "lora": "Add this LoRA",
    "embedding": "Add to the prompt",
    "vae": "Use this VAE",
    "denoiser": "Use this model",
    "text-encoder": "Use this text encoder",
}
"""What using a kind of model is called; kinds that are not here cannot be used by themselves."""
_WORDS_SHOWN = 24


class Notes(QPlainTextEdit):
    """Free words; they are reported when the focus leaves.

    Signals:
        edited(str)
    """

    edited = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept = ""
        self.setAccessibleName("Notes about this model")
        self.setPlaceholderText("What it is good for, what to avoid …")
        self.setTabChangesFocus(True)
        self.setFixedHeight(theme.px(84))

    def set_words(self, words: str) -> None:
        self._kept = words
        if words != self.toPlainText():
            self.setPlainText(words)

    def take(self) -> None:
        """Report what was typed, if it is new."""
        words = self.toPlainText()
        if words != self._kept:
            self._kept = words
            self.edited.emit(words)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.take()


class Preview(QWidget):
    """The picture beside a model, whole; its kind's drawing where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._icon = "box"
        self.setFixedHeight(theme.px(PREVIEW_HEIGHT))

    def show_image(self, image: QImage | None, icon: str) -> None:
        self._image, self._icon = image, icon
        self.setFixedHeight(theme.px(PREVIEW_HEIGHT if image is not None else _PLAIN_HEIGHT))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        from desktop_app.ui.icons import pixmap

        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.token("bg.0"))
        painter.drawRoundedRect(self.rect(), 8, 8)
        if self._image is not None:
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = self.rect()
            place.setSize(size)
            place.moveCenter(self.rect().center())
            painter.drawImage(place, self._image)
        else:
            mark = pixmap(self._icon, "text.3", 44, self.devicePixelRatioF())
            half = theme.px(22)
            painter.drawPixmap(self.rect().center().x() - half, self.height() // 2 - half, mark)
        painter.end()


class DetailsPane(PanelScroll):
    """One asset.

    Signals:
        used(Asset), starred(Asset, bool), revealed(Asset)
        noted(Asset, str), worded(Asset, tuple), defaulted(Asset, Defaults): what was edited.
        decided(Asset, Wishes): how it is to be kept in memory.
        word_asked(str): a trigger word is wanted in the prompt.
    """

    used = Signal(object)
    starred = Signal(object, bool)
    revealed = Signal(object)
    noted = Signal(object, str)
    worded = Signal(object, object)
    defaulted = Signal(object, object)
    decided = Signal(object, object)
    word_asked = Signal(str)

    def __init__(
        self,
        assets: AssetsModel,
        consent: Callable[[], str],
        memory: MemoryDesk,
        parent: QWidget | None = None,
    ) -> None:
        """Args:
        consent: gives what is told before a pickle is opened.
        """
        super().__init__(parent=parent)
        self._assets = assets
        self._asset: Asset | None = None
        self._words_shown = ""
        self._chips_shown: tuple[str, ...] = ()
        self.setAccessibleName("About the model")
        self.preview = Preview(self)
        self.name = label("", "heading", self)
        self.star = IconButton("star", "Favourite", self, checkable=True, flat=True)
        self.why = Sentence("hint", self)
        self.convert = ConvertBox(consent, self)
        self.use = QPushButton(self)
        self.reveal = IconTextButton("folder-open", "Show in folder", self)
        self.words_edit = QLineEdit(self)
        self.notes = Notes(self)
        self.defaults = DefaultsForm(self)
        self.defaults_fold = FoldSection("Settings to start with", self)
        self.memory = MemoryFold(memory, self)
        self.about_fold = FoldSection("From its maker", self)
        self.about = label("", "hint", self)
        self._words = QWidget(self)
        self._words.hide()
        self._flow = FlowLayout(self._words, fill=False)
        self.facts = FactsGrid(self)
        self._build()
        self._connect()

    def _build(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.px(16), theme.px(12), theme.px(16), theme.px(16))
        column.setSpacing(theme.px(8))
        self.name.setWordWrap(True)
        for words in (self.name, self.why, self.about):
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use.setProperty("primary", True)
        self.words_edit.setAccessibleName("Trigger words, with commas between them")
        self.words_edit.setPlaceholderText("Trigger words, with commas between them")
        self.words_edit.setMaxLength(3000)
        head = QHBoxLayout()
        head.addWidget(self.name, 1)
        head.addWidget(self.star, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.px(6))
        buttons.addWidget(self.use, 1)
        buttons.addWidget(self.reveal)
        column.addWidget(self.preview)
        column.addLayout(head)
        column.addWidget(self.why)
        column.addWidget(self.convert)
        column.addLayout(buttons)
        column.addWidget(SectionTitle("Trigger words"))
        column.addWidget(self._words)
        column.addWidget(self.words_edit)
        column.addWidget(SectionTitle("Notes"))
        column.addWidget(self.notes)
        self.defaults_fold.body.addWidget(self.defaults)
        column.addWidget(self.defaults_fold)
        column.addWidget(self.memory)
        column.addWidget(Separator())
        column.addWidget(self.facts)
        self.about_fold.body.addWidget(self.about)
        column.addWidget(self.about_fold)
        column.addStretch(1)
        self.setWidget(inside)

    def _connect(self) -> None:
        self.star.clicked.connect(lambda on: self._tell(self.starred, on))
        self.use.clicked.connect(lambda: self._tell(self.used))
        self.reveal.clicked.connect(lambda: self._tell(self.revealed))
        self.notes.edited.connect(lambda words: self._tell(self.noted, words))
        self.words_edit.editingFinished.connect(self._take_words)
        self.defaults.changed.connect(lambda values: self._tell(self.defaulted, values))
        self.memory.decided.connect(lambda wishes: self._tell(self.decided, wishes))
        self._assets.dataChanged.connect(self._picture_came)

    @property
    def asset(self) -> Asset | None:
        return self._asset

    def show_asset(self, asset: Asset) -> None:
        """Show an asset, or the same one with other facts."""
        other = self._asset is None or self._asset.path != asset.path
        if other:
            self.notes.take()
        self._asset = asset
        self._show_picture()
        self.name.setText(asset.name)
        self.star.setChecked(asset.favourite)
        self._show_state(asset)
        self.convert.show_asset(asset)
        self._show_words(asset)
        if other or not self.notes.hasFocus():
            self.notes.set_words(asset.notes)
        if other or not self.words_edit.hasFocus():
            self._words_shown = ", ".join(asset.trigger_words)
            self.words_edit.setText(self._words_shown)
        self.defaults_fold.setVisible(self.defaults.show_asset(asset))
        self.memory.show_asset(asset)
        self.facts.show_asset(asset)
        self.about.setText(_maker_words(asset))
        self.about_fold.setVisible(bool(self.about.text()))
        if other:
            self.verticalScrollBar().setValue(0)

    def edit_notes(self) -> None:
        """Bring the notes into view, ready to be typed."""
        self._go_to(self.notes)

    def edit_words(self) -> None:
        """Bring the trigger words into view, ready to be typed."""
        self._go_to(self.words_edit)

    def edit_defaults(self) -> None:
        """Open the settings to start with, ready to be typed."""
        self.defaults_fold.set_open(True)
        self._go_to(self.defaults.first())

    def _go_to(self, field: QWidget) -> None:
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        # What was just opened has its place only after it is laid out.
        QTimer.singleShot(0, self, lambda: self.ensureWidgetVisible(field))

    def flush(self) -> None:
        """Report what is still being typed."""
        self.notes.take()

    def _tell(self, signal: object, *values: object) -> None:
        if self._asset is not None:
            signal.emit(self._asset, *values)  # pyright: ignore[reportAttributeAccessIssue]

    def _show_picture(self) -> None:
        if self._asset is not None:
            icon = KIND_ICONS[self._asset.identity.kind]
            self.preview.show_image(self._assets.preview(self._asset), icon)

    def _picture_came(self, first: object, last: object, roles: list[int]) -> None:
        if AssetsModel.Role.PREVIEW in roles:
            self._show_picture()

    def _show_state(self, asset: Asset) -> None:
        words = ""
        if asset.missing:
            words = "It is not where it was. Connect its drive, or put it back; all that is known "
            words += "of it is kept."
        elif asset.unsupported:
            words = asset.why_not
        elif self._assets.is_in_use(asset):
            words = "In use for the next picture."
        elif used := refines(asset):
            words = f"{used} It is chosen in their sidebar, under Advanced."
        self.why.say(words)
        restyle(self.why, "state", "warn" if asset.missing or asset.unsupported else "")
        usable = not (asset.missing or asset.unsupported)
        self.use.setText(USE.get(asset.identity.kind, ""))
        self.use.setVisible(usable and asset.identity.kind in USE)
        self.reveal.setVisible(not asset.missing)

    def _show_words(self, asset: Asset) -> None:
        if asset.trigger_words == self._chips_shown:
            return
        self._chips_shown = asset.trigger_words
        drop_contents(self._flow)
        for word in asset.trigger_words[:_WORDS_SHOWN]:
            chip = QPushButton(word if len(word) <= 32 else f"{word[:31]}…", self._words)
            chip.setProperty("chip", True)
            chip.setAccessibleName(f"Add to the prompt: {word}")
            chip.setToolTip("Add to the prompt")
            chip.clicked.connect(lambda _=False, one=word: self.word_asked.emit(one))
            self._flow.addWidget(chip)
        self._words.setVisible(bool(asset.trigger_words))

    def _take_words(self) -> None:
        # A word of the maker's may hold a comma: what was not touched is not read back.
        if self._asset is None or self.words_edit.text() == self._words_shown:
            return
        self._words_shown = self.words_edit.text()
        words = tuple(one.strip() for one in self.words_edit.text().split(",") if one.strip())
        self._tell(self.worded, words)

    def hideEvent(self, event: QHideEvent) -> None:
        self.flush()
        super().hideEvent(event)


def _maker_words(asset: Asset) -> str:
    lines = [asset.description.strip()] if asset.description.strip() else []
    lines += [f"{name}: {value}" for name, value in list(asset.identity.metadata.items())[:40]]
    return "\n".join(lines)[:6000]
