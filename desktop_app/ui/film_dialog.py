"""The steps of a picture as a film: what it shall be, how far it is, and stop."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.film import FILM_WIDTH, FPS, HOLD, Film, FilmKind, FilmShow
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.films import Films
from desktop_app.ui import theme
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import Refusal, SectionTitle, Separator, label
from desktop_app.ui.number_fields import NumberEdit

WIDTH = 400
KINDS = (
    Chip(key="webp", text="WebP", tooltip="Small and in full colour; for the web and messages"),
    Chip(key="gif", text="GIF", tooltip="Plays everywhere; 256 colours a step"),
    Chip(key="png", text="PNG frames", tooltip="A folder with one picture for each step"),
)
SHOWS = (
    Chip(key="x0", text="The picture so far", tooltip="What the network sees in the noise"),
    Chip(key="noisy", text="The noise itself", tooltip="The state after each step"),
)
WAYS = (
    Chip(key="full", text="Every step decoded", tooltip="Sharp; takes a while for each step"),
    Chip(key="small", text="Small previews", tooltip="Soft; done in a moment"),
)
ENDINGS: dict[FilmKind, str] = {"webp": "WebP (*.webp)", "gif": "GIF (*.gif)", "png": ""}


class FilmDialog(QDialog):
    """Asks how, orders it, and stays until it is written; closing it stops the film."""

    def __init__(
        self, films: Films, recipe: Recipe, folder: Path, parent: QWidget | None = None
    ) -> None:
        """Args:
        folder: that is proposed for the file.
        """
        super().__init__(parent)
        self._films = films
        self._recipe = recipe
        self._folder = folder
        self.setWindowTitle("Export the steps")
        self.setFixedWidth(theme.px(WIDTH))
        self.kind = ChipRow("Kind of film")
        self.show_row = ChipRow("What of each step")
        self.way = ChipRow("How the steps are made")
        self.side = NumberEdit(FILM_WIDTH, step=64)
        self.fps = NumberEdit(FPS)
        self.hold = NumberEdit(HOLD, step=0.5, decimals=1)
        self.back = QCheckBox("Back to the noise at the end")
        self.high = label("", "hint")
        self.refusal = Refusal()
        self.bar = QProgressBar()
        self.words = label("", "hint")
        self.go = QPushButton("Export…")
        self.stop = QPushButton("Cancel")
        self._film = Film(width=min(recipe.width, int(FILM_WIDTH.high)))
        self._build()
        self._connect()
        self._show()

    @property
    def film(self) -> Film:
        """What is chosen now."""
        return self._film

    def _build(self) -> None:
        for row, chips in ((self.kind, KINDS), (self.show_row, SHOWS), (self.way, WAYS)):
            row.set_chips(chips)
        for number in (self.side, self.fps, self.hold):
            number.setFixedWidth(theme.px(72))
        self.go.setDefault(True)
        self.bar.setTextVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(20),) * 4)
        column.setSpacing(theme.px(9))
        column.addWidget(self.kind)
        column.addWidget(SectionTitle("Shows"))
        column.addWidget(self.show_row)
        column.addWidget(SectionTitle("Made of"))
        column.addWidget(self.way)
        column.addWidget(Separator())
        column.addLayout(_row("Width in pixels", self.high, self.side))
        column.addLayout(_row("Steps a second", self.fps))
        column.addLayout(_row("The picture stands at the end, seconds", self.hold))
        column.addWidget(self.back)
        column.addWidget(self.refusal)
        column.addWidget(self.bar)
        column.addWidget(self.words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.go)
        column.addLayout(buttons)

    def _connect(self) -> None:
        self.kind.clicked.connect(lambda key: self._set(kind=key))
        self.show_row.clicked.connect(lambda key: self._set(show=key))
        self.way.clicked.connect(lambda key: self._set(small=key == "small"))
        self.side.edited.connect(lambda value: self._set(width=value))
        self.fps.edited.connect(lambda value: self._set(fps=value))
        self.hold.edited.connect(lambda value: self._set(hold=float(value)))
        self.back.toggled.connect(lambda on: self._set(ping_pong=on))
        for number in (self.side, self.fps, self.hold):
            number.refused.connect(self.refusal.say)
        self.go.clicked.connect(self._ask_target)
        self.stop.clicked.connect(self.close)
        self._films.progressed.connect(self._progress)
        self._films.ended.connect(self._ended)

    def _set(
        self,
        *,
        kind: FilmKind | None = None,
        show: FilmShow | None = None,
        width: int | None = None,
        fps: int | None = None,
        hold: float | None = None,
        ping_pong: bool | None = None,
        small: bool | None = None,
    ) -> None:
        old = self._film
        self._film = Film(
            kind=kind or old.kind,
            show=show or old.show,
            width=old.width if width is None else width,
            fps=old.fps if fps is None else fps,
            hold=old.hold if hold is None else hold,
            ping_pong=old.ping_pong if ping_pong is None else ping_pong,
            small=old.small if small is None else small,
        )
        self.refusal.say("")
        self._show()

    def _show(self) -> None:
        film, busy = self._film, self._films.busy
        self.kind.set_checked([film.kind])
        self.show_row.set_checked([film.show])
        self.way.set_checked(["small" if film.small else "full"])
        self.side.set_value(film.width)
        self.fps.set_value(film.fps)
        self.hold.set_value(film.hold)
        self.back.setChecked(film.ping_pong)
        height = max(1, round(film.width * self._recipe.height / self._recipe.width))
        self.high.setText(f"× {height}")
        moves = film.kind != "png"
        for part in (self.fps, self.hold, self.back):
            part.setEnabled(moves and not busy)
        for part in (self.kind, self.show_row, self.way, self.side, self.go):
            part.setEnabled(not busy)
        self.bar.setVisible(busy)
        self.words.setVisible(busy)
        self.stop.setText("Stop" if busy else "Cancel")

    def _ask_target(self) -> None:
        film = self._film
        ending = "" if film.kind == "png" else f".{film.kind}"
        name = f"{self._recipe.seed} steps{ending}"
        words = "Folder for the pictures" if film.kind == "png" else "Export the steps"
        chosen, _ = QFileDialog.getSaveFileName(
            self, words, str(self._folder / name), ENDINGS[film.kind]
        )
        if chosen:
            path = Path(chosen)
            self.export(path if not ending or path.suffix else path.with_suffix(ending))

    def export(self, target: Path) -> None:
        """Write the film there."""
        self.refusal.say("")
        self.bar.setRange(0, 0)
        self.words.setText("Waits for the picture that is being made")
        if not self._films.export(self._film, target):
            self.refusal.say("The steps are not there any more.")
        self._show()

    def _progress(self, index: int, count: int) -> None:
        self.bar.setRange(0, count)
        self.bar.setValue(index - 1)
        self.words.setText(f"Step {index} of {count}")

    def _ended(self, why: str) -> None:
        if why:
            self.refusal.say(why)
            self._show()
        else:
            self.accept()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._films.cancel()
        super().closeEvent(event)


def _row(name: str, *parts: QWidget) -> QHBoxLayout:
    made = QHBoxLayout()
    made.addWidget(label(name, "label"))
    made.addStretch(1)
    for part in parts:
        made.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
    return made
