"""The bar at the top: the name, the pages, the queue, the device, and the settings."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from desktop_app.studio.queue_model import QueueModel
from desktop_app.ui import theme
from desktop_app.ui.fields import IconButton, label, restyle
from desktop_app.ui.icons import mark

if TYPE_CHECKING:
    from desktop_app.studio.values import DeviceInfo

HEIGHT = 46
PAGES = ("Create", "Gallery", "Models", "Shelf", "Explore")
HOVER_MS = 450
"""How long a drag rests on a page's name until the page opens, so that it can be dropped there."""
_ENGINE_WORDS = {
    "starting": "Starting the engine …",
    "failed": "Engine not running",
    "ready": "",
}
_MAKERS = ("NVIDIA ", "GeForce ", "AMD ", "Intel(R) ", "Apple ")


class TopBar(QFrame):
    """Signals:
    page_asked(int): 0 is the first page.
    queue_asked(), settings_asked()
    """

    page_asked = Signal(int)
    queue_asked = Signal()
    settings_asked = Signal()

    def __init__(self, queue: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._device_words = ""
        self._engine = ""
        self._hovered = -1
        self._hover = QTimer(self, singleShot=True, interval=HOVER_MS)
        self.setObjectName("topbar")
        self._build()
        self._connect()
        self._count()

    def _build(self) -> None:
        self.setFixedHeight(theme.px(HEIGHT))
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(16), 0, theme.px(14), 0)
        row.setSpacing(theme.px(4))
        self._mark = QLabel(self)
        self._mark.setPixmap(mark(22, self.devicePixelRatioF()))
        row.addWidget(self._mark)
        row.addSpacing(theme.px(4))
        row.addWidget(label("Mezzotint", "brand", self))
        row.addSpacing(theme.px(18))
        self._group = QButtonGroup(self)
        for i, name in enumerate(PAGES):
            tab = QPushButton(name, self)
            tab.setProperty("tab", True)
            tab.setCheckable(True)
            tab.setAccessibleName(f"{name} page")
            tab.setToolTip(f"{name} (Ctrl+{i + 1})")
            tab.setAcceptDrops(True)
            tab.installEventFilter(self)
            self._group.addButton(tab, i)
            row.addWidget(tab)
        row.addStretch(1)
        self.queue = QPushButton(self)
        self.queue.setProperty("quiet", True)
        self.queue.setToolTip("What is being made and what waits")
        row.addWidget(self.queue)
        row.addSpacing(theme.px(8))
        self.device = label("", "label", self)
        row.addWidget(self.device)
        row.addSpacing(theme.px(8))
        self.settings = IconButton("settings", "Settings", self, flat=True)
        row.addWidget(self.settings)

    def _connect(self) -> None:
        self._group.idClicked.connect(self.page_asked)
        self._hover.timeout.connect(lambda: self.page_asked.emit(self._hovered))
        self.queue.clicked.connect(self.queue_asked)
        self.settings.clicked.connect(self.settings_asked)
        self._queue.counts_changed.connect(self._count)

    def show_page(self, page: int) -> None:
        """Mark a page as the one on show."""
        self._group.button(page).setChecked(True)

    def show_device(self, device: "DeviceInfo | None") -> None:
        """Show where pictures are made, and its memory."""
        self._device_words = _words(device) if device is not None else ""
        self.device.setToolTip(_tip(device) if device is not None else "")
        self._render()

    def show_engine(self, state: str) -> None:
        """Args:
        state: `starting`, `ready` or `failed`.
        """
        self._engine = state
        self._render()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A drag that rests on a page's name opens the page; nothing is dropped on the name."""
        if isinstance(event, QDragEnterEvent) and isinstance(watched, QPushButton):
            self._hovered = self._group.id(watched)
            self._hover.start()
            event.accept()
            return True
        if event.type() in (QEvent.Type.DragLeave, QEvent.Type.Drop):
            self._hover.stop()
            return True
        if isinstance(event, QDragMoveEvent) and not isinstance(event, QDragEnterEvent):
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._mark.setPixmap(mark(22, self.devicePixelRatioF()))

    def _render(self) -> None:
        words = _ENGINE_WORDS.get(self._engine, "") or self._device_words
        self.device.setText(words)
        restyle(self.device, "role", "refusal" if self._engine == "failed" else "label")

    def _count(self) -> None:
        count = self._queue.active
        self.queue.setText(f"Queue  {count}" if count else "Queue")
        self.queue.setAccessibleName(f"Queue, {count} pictures" if count else "Queue, empty")


def _words(device: "DeviceInfo") -> str:
    name = "CPU" if device.kind == "cpu" else device.name
    for maker in _MAKERS:
        name = name.replace(maker, "")
    if not device.memory_total:
        return name
    return f"{name}  ·  {device.memory_used / 2**30:.1f} / {device.memory_total / 2**30:.0f} GB"


def _tip(device: "DeviceInfo") -> str:
    whose = "by Mezzotint" if device.kind == "cpu" else "by all programs"
    return f"Pictures are made on {device.name}.\nMemory in use {whose}, and in all."
