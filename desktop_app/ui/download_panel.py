"""Getting a model from the hub: the field to name it, and the downloads that are under way."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.studio.assets import size_words
from desktop_app.studio.downloads import Download, Downloads
from desktop_app.ui import theme
from desktop_app.ui.fields import (
    ElidedLabel,
    IconButton,
    Refusal,
    SectionTitle,
    label,
    restyle,
)


class DownloadRow(QWidget):
    """One download: how far it is, and its buttons.

    Signals:
        pause_asked(str), resume_asked(str), cancel_asked(str): with the download's id.
        show_asked(Path): where the model is now.
    """

    pause_asked = Signal(str)
    resume_asked = Signal(str)
    cancel_asked = Signal(str)
    show_asked = Signal(object)

    def __init__(self, download: Download, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.download = download
        title = download.order.title
        self.name = ElidedLabel(title, "text", self)
        self.state = label("", "hint", self)
        self.state.setWordWrap(True)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {title}")
        self.pause = IconButton("pause", f"Pause: {title}", self, flat=True, size=15)
        self.resume = IconButton("play", f"Go on: {title}", self, flat=True, size=15)
        self.folder = IconButton("folder-open", f"Show: {title}", self, flat=True, size=15)
        self.stop = IconButton("x", f"Cancel: {title}", self, flat=True, size=15)
        self._build()
        self._connect()
        self.show_download(download)

    def _build(self) -> None:
        grid = QVBoxLayout(self)
        grid.setContentsMargins(0, theme.px(4), 0, theme.px(4))
        grid.setSpacing(theme.px(3))
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.name, 1)
        for button in (self.pause, self.resume, self.folder, self.stop):
            head.addWidget(button)
        grid.addLayout(head)
        grid.addWidget(self.bar)
        grid.addWidget(self.state)

    def _connect(self) -> None:
        self.pause.clicked.connect(lambda: self.pause_asked.emit(self.download.id))
        self.resume.clicked.connect(lambda: self.resume_asked.emit(self.download.id))
        self.stop.clicked.connect(lambda: self.cancel_asked.emit(self.download.id))
        self.folder.clicked.connect(lambda: self.show_asked.emit(self.download.target or Path()))

    def show_download(self, download: Download) -> None:
        """Show another state of the same download."""
        self.download = download
        state, progress, title = download.state, download.progress, download.order.title
        self.bar.setVisible(state != "done")
        self.bar.setValue(round(progress.done / max(progress.total, 1) * 1000))
        self.state.setText(_words(download))
        restyle(self.state, "role", "refusal" if state == "failed" else "hint")
        self.pause.setVisible(state in ("running", "waiting"))
        self.resume.setVisible(state in ("paused", "failed"))
        self.resume.set_name(f"{'Try again' if state == 'failed' else 'Go on'}: {title}")
        self.folder.setVisible(state == "done")
        self.stop.setEnabled(state != "pausing")
        done = state == "done"
        self.stop.set_name(
            f"Take off the list: {title}" if done else f"Cancel: {title}",
            "Take off the list; the model stays" if done else "Cancel, and drop what has come",
        )


class DownloadPanel(QWidget):
    """The field, the sentence under it, and the rows.

    Signals:
        settings_asked(): where models are fetched from, and with which token.
        show_asked(Path): a model's place on the disk.
    """

    settings_asked = Signal()
    show_asked = Signal(object)

    def __init__(self, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._downloads = downloads
        self._rows: dict[str, DownloadRow] = {}
        self.field = QLineEdit(self)
        self.look = QPushButton("Look up", self)
        self.refusal = Refusal(self)
        self.source = IconButton("settings", "Where models come from", self, flat=True, size=15)
        self._build()
        self._connect()
        self._rebuild()

    def _build(self) -> None:
        self.field.setAccessibleName("Name or address of a model on the Hugging Face hub")
        self.field.setPlaceholderText("owner/name")
        self.field.setMaxLength(2000)
        self.field.setToolTip(
            "Such as stabilityai/sd-turbo, or the address of its page or of one file"
        )
        self.look.setToolTip("Ask the hub what it holds; nothing is fetched yet")
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(SectionTitle("Get from Hugging Face", self), 1)
        head.addWidget(self.source)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        row.addWidget(self.field, 1)
        row.addWidget(self.look)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.px(4))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(head)
        column.addLayout(row)
        column.addWidget(self.refusal)
        column.addLayout(self._list)

    def _connect(self) -> None:
        self.field.returnPressed.connect(self.ask)
        self.field.textEdited.connect(lambda: self.refusal.say(""))
        self.look.clicked.connect(self._look_or_stop)
        self.source.clicked.connect(self.settings_asked)
        self._downloads.hub.looked.connect(lambda _: self._render())
        self._downloads.hub.look_failed.connect(self._look_failed)
        self._downloads.rowsInserted.connect(self._rebuild)
        self._downloads.rowsRemoved.connect(self._rebuild)
        self._downloads.dataChanged.connect(self._refresh)

    @property
    def rows(self) -> tuple[DownloadRow, ...]:
        """In the order in which they were asked for."""
        return tuple(self._rows[one.id] for one in self._downloads.rows)

    def ask(self) -> None:
        """Look up what stands in the field."""
        if not self.field.text().strip():
            self.refusal.say("Type the name of a model, such as stabilityai/sd-turbo.")
            return
        self.refusal.attempt(lambda: self._downloads.hub.look_up(self.field.text()))
        self._render()

    def _look_or_stop(self) -> None:
        if self._downloads.hub.looking:
            self._downloads.hub.cancel_look()
            self._render()
        else:
            self.ask()

    def _look_failed(self, error: AppError) -> None:
        self.refusal.say(str(error))
        self._render()

    def _render(self) -> None:
        looking = self._downloads.hub.looking
        self.look.setText("Stop" if looking else "Look up")
        self.look.setAccessibleName("Stop looking" if looking else "Look up")

    def _rebuild(self) -> None:
        downloads = self._downloads.rows
        wanted = {one.id for one in downloads}
        for number in [number for number in self._rows if number not in wanted]:
            row = self._rows.pop(number)
            row.hide()
            self._list.removeWidget(row)
            row.deleteLater()
        for place, one in enumerate(downloads):
            if one.id not in self._rows:
                row = DownloadRow(one, self)
                row.pause_asked.connect(self._downloads.pause)
                row.resume_asked.connect(self._downloads.resume)
                row.cancel_asked.connect(self._downloads.cancel)
                row.show_asked.connect(self.show_asked)
                self._list.insertWidget(place, row)
                self._rows[one.id] = row
        self._refresh()

    def _refresh(self) -> None:
        for one in self._downloads.rows:
            row = self._rows.get(one.id)
            if row is not None and row.download != one:
                row.show_download(one)


def duration_words(seconds: float) -> str:
    """How long, for people: 40 s, 12 min, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes >= 48 * 60:
        return f"{minutes / 1440:.0f} days"
    return f"{minutes // 60} h {minutes % 60} min"


def _words(download: Download) -> str:
    progress = download.progress
    far = f"{size_words(progress.done)} of {size_words(progress.total)}"
    match download.state:
        case "waiting":
            return f"Waits its turn  ·  {size_words(progress.total)}"
        case "running" if progress.waiting:
            return f"{far}  ·  {progress.waiting}"
        case "running" if progress.rate:
            parts = [far, f"{size_words(round(progress.rate))}/s"]
            if progress.left is not None:
                parts.append(f"{duration_words(progress.left)} left")
            return "  ·  ".join(parts)
        case "pausing":
            return f"{far}  ·  stopping …"
        case "paused":
            return f"Paused  ·  {far}"
        case "failed":
            return download.error
        case "done":
            return f"Here  ·  {size_words(progress.total)}"
        case _:
            return far
