"""The canvas with what floats over it: tools, and the welcome while there is no picture."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop_app.studio.qimage import to_qimage
from desktop_app.studio.values import Notice
from desktop_app.ui.canvas import Canvas
from desktop_app.ui.canvas_show import CanvasShow
from desktop_app.ui.canvas_tools import CanvasTools
from desktop_app.ui.compare import Mode
from desktop_app.ui.picture_menu import picture_menu, vary_menu
from desktop_app.ui.picture_source import PictureSource
from desktop_app.ui.sheet_tools import SheetTools
from desktop_app.ui.welcome import Welcome

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent

    from desktop_app.studio.studio import Studio
    from desktop_app.studio.values import Record

_AGAIN = ("verify", "steps")
"""Jobs that make a stored picture again."""


class CanvasPanel(QWidget):
    """Joins the canvas to the studio's run, timeline and verbs.

    Signals:
        picture_changed(Record | None): the stored picture that is on show alone.
        neighbour_wanted(int): the picture before (-1) or after (1) it in the gallery.
        generate_asked(): the pictures of the draft are wanted.
    """

    picture_changed = Signal(object)
    neighbour_wanted = Signal(int)
    generate_asked = Signal()

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.source = PictureSource(self)
        self.showing = CanvasShow(studio.run, self.source, self)
        self.canvas = Canvas(self.showing, self)
        self.welcome = Welcome(studio.library, self)
        self.tools = CanvasTools(self)
        self.sheet_tools = SheetTools(self.canvas)
        self.other: Record | None = None
        self.setMinimumSize(self.canvas.minimumSize())
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        self.showing.changed.connect(self._refresh)
        self.showing.picture_changed.connect(self._picture_changed)
        self.canvas.moved.connect(self._arrange)
        self.canvas.follow_asked.connect(self._studio.follow_run)
        self.canvas.neighbour_wanted.connect(self.neighbour_wanted)
        self.welcome.prompt_chosen.connect(self._make)
        queue = self._studio.queue
        queue.counts_changed.connect(lambda: self.welcome.set_waiting(queue.active))
        self._studio.timeline.step_chosen.connect(self._look)
        self._studio.looks.sharpened.connect(self._look)
        self._studio.run.changed.connect(self._run_changed)
        tools = self.tools
        tools.sheet_wanted.connect(self._back_to_sheet)
        tools.zoomed.connect(self.canvas.zoom_by)
        tools.zoom_toggled.connect(self.canvas.toggle_fit)
        tools.compared.connect(self._compare)
        tools.tiled.connect(self._tile)
        tools.compare_mode_chosen.connect(self._set_mode)
        tools.varied.connect(self._vary)
        self.canvas.cell_changed.connect(self._place_sheet_tools)
        self.sheet_tools.again_asked.connect(self._again)
        self.sheet_tools.vary_asked.connect(self._vary_cell)
        tools.favoured.connect(self._favour)
        tools.reproduced.connect(self._reproduce)
        tools.trashed.connect(self._trash)

    @property
    def picture(self) -> "Record | None":
        """The stored picture that is on show alone."""
        return self.showing.picture

    def offer_other(self, other: "Record | None") -> None:
        """The picture that Compare would hold against the one on show."""
        self.other = other
        self._refresh()

    def show_record(self, record: "Record | None") -> None:
        """Show a stored picture; None follows the run."""
        self.showing.show_record(record)

    def records_changed(self, records: "Sequence[Record]") -> None:
        """Stored pictures have another star, rating or badge."""
        for record in records:
            self.showing.record_changed(record)

    def records_gone(self, pictures: Iterable[int]) -> None:
        """Pictures went to the trash."""
        self.showing.forget(set(pictures))

    def leave(self) -> bool:
        """Leave the step, the comparison or the enlarged picture; False when there is none.

        A run that goes on is not touched by that.
        """
        show = self.showing
        if show.looking_back:
            self._studio.timeline.choose(-1)
            return True
        enlarged = show.shows_run and show.enlarged is not None
        return (enlarged or show.comparing) and show.back()

    def close_source(self) -> None:
        """Stop reading pictures, before the program ends."""
        self.source.close()

    def _picture_changed(self, record: "Record | None") -> None:
        show, timeline = self.showing, self._studio.timeline
        if show.shows_run and len(show.cells) > 1:
            # Out of a contact sheet: the steps of the picture that is enlarged.
            if record is not None:
                timeline.show_picture(record.id)
            else:
                timeline.show_live()
        self.picture_changed.emit(record)

    def _run_changed(self) -> None:
        """Once a stored picture was made again, show that one and not what was made."""
        run = self._studio.run
        if run.stage == "idle" and self.showing.shows_run and run.jobs[0].kind in _AGAIN:
            picture = run.jobs[0].picture
            if picture is not None:
                self._studio.show(picture)

    def _make(self, prompt: str) -> None:
        # The prompt that was pressed goes away, and the focus shall not go to the page's name.
        self.canvas.setFocus()
        self._studio.editor.set(prompt=prompt)
        self.generate_asked.emit()

    def _look(self, row: int) -> None:
        timeline = self._studio.timeline
        sigma = timeline.sigma(row)
        level = f" · σ {sigma:.2f}" if sigma is not None else ""
        words = f"Step {row + 1} / {timeline.rowCount()}{level}"
        self.showing.look(self._studio.looks.sharp(row) or timeline.image(row), words)

    def _back_to_sheet(self) -> None:
        self.showing.enlarge(None)
        self.canvas.setFocus()

    def _compare(self, on: bool) -> None:
        self.showing.compare(self.other if on else None)

    def _tile(self, on: bool) -> None:
        self.canvas.fit()
        self.showing.show_tiled(on)

    def show_difference(self, picture: int, on: bool) -> None:
        """Show where a picture and what it was made again as differ, as a map of heat."""
        verdict = self._studio.proofs.verdict(picture)
        if not on or verdict is None or verdict.evidence is None:
            self.showing.compare(None)
            return
        if self.picture is None or self.picture.id != picture:
            self._studio.show(picture)
        image = to_qimage(verdict.evidence.pixels)
        self.showing.compare_image(image, "Made again", "heat")

    def _set_mode(self, mode: Mode) -> None:
        comparison = self.showing.comparison
        if comparison is not None:
            comparison.mode = mode
            self._refresh()
            self.canvas.update()

    def _vary(self, at: QPoint) -> None:
        picture = self.picture
        if picture is not None:
            menu = vary_menu(self._studio, picture.id, self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(at - QPoint(0, menu.sizeHint().height() + 4))

    @property
    def _cell_picture(self) -> "Record | None":
        """The stored picture of the contact sheet's cell that hand or keyboard is at."""
        cell, results = self.canvas.cell, self._studio.run.results
        return results[cell] if cell is not None and cell < len(results) else None

    def _place_sheet_tools(self) -> None:
        cell = self.canvas.cell
        if cell is None or self._cell_picture is None or cell not in self.showing.cells:
            self.sheet_tools.hide()
        else:
            self.sheet_tools.place(self.canvas.scene.cells[self.showing.cells.index(cell)])

    def _again(self) -> None:
        """The picture that is shown, or the cell's, once more with more steps."""
        picture = self.picture or self._cell_picture
        if picture is not None:
            self._studio.again.with_more_steps(picture.id)

    def _vary_cell(self) -> None:
        picture, tools = self._cell_picture, self.sheet_tools
        if picture is not None:
            menu = vary_menu(self._studio, picture.id, self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(tools.mapToGlobal(QPoint(0, tools.height() + 2)))

    def _favour(self, on: bool) -> None:
        if self.picture is not None:
            self._studio.album.set_favourite([self.picture.id], on)

    def _reproduce(self) -> None:
        if self.picture is not None:
            self._studio.again.reproduce(self.picture.id)

    def _branch(self) -> None:
        """Go on from the step that is looked back at."""
        row = self._studio.timeline.chosen
        if row < 0:
            words = "Drag over the timeline to a step, then branch from there."
            self._studio.notice.emit(Notice(text=words))
        else:
            self._studio.branching.begin_at(row)

    def _trash(self) -> None:
        if self.picture is not None:
            self._studio.album.trash([self.picture.id])

    def _refresh(self) -> None:
        show = self.showing
        self.welcome.setVisible(show.kind == "empty")
        picture = show.picture
        other = self.other
        can = picture is not None and other is not None and other.id != picture.id
        comparing = show.comparison.mode if show.comparison is not None else None
        self.tools.show_state(
            picture,
            zoom=self._zoom_words(),
            comparing=comparing,
            in_sheet=show.shows_run and show.enlarged is not None and len(show.cells) > 1,
            can_compare=can,
            tiled=show.tiled if show.tiling != "none" else None,
        )
        self.tools.setVisible(show.kind in ("single", "compare"))
        self._arrange()
        self._place_sheet_tools()

    def _zoom_words(self) -> str:
        if self.canvas.fitted:
            return "Fit"
        return f"{round(self.canvas.scene.scale * 100)} %"

    def _arrange(self) -> None:
        self.tools.fit.setText(self._zoom_words())
        self.tools.fit.setAccessibleName(f"Zoom: {self._zoom_words()}")
        if not self.tools.isHidden():
            scene = self.canvas.scene
            over = scene.area if self.showing.kind == "compare" else scene.picture
            self.tools.place(over, QRectF(self.rect()))

    def _key(self, event: QKeyEvent) -> bool:
        """Do what a key asks to do with the picture on show."""
        picture, key = self.picture, event.key()
        if event.matches(QKeySequence.StandardKey.Copy):
            if picture is not None:
                self._studio.album.copy(picture.id)
        elif event.matches(QKeySequence.StandardKey.Paste):
            self._studio.restoring.paste()
        elif event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        elif key == Qt.Key.Key_U and (picture or self._cell_picture) is not None:
            self._again()
        elif key == Qt.Key.Key_V and picture is None and self._cell_picture is not None:
            self._vary_cell()
        elif picture is None:
            return False
        elif key == Qt.Key.Key_F:
            self._favour(not picture.favourite)
        elif key == Qt.Key.Key_C:
            self._compare(not self.showing.comparing)
        elif key == Qt.Key.Key_T and self.showing.tiling != "none":
            self._tile(not self.showing.tiled)
        elif key == Qt.Key.Key_V:
            self.tools.ask_vary()
        elif key == Qt.Key.Key_B:
            self._branch()
        elif key == Qt.Key.Key_Delete:
            self._trash()
        elif Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
            self._studio.album.set_rating([picture.id], key - Qt.Key.Key_0)
        else:
            return False
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._key(event):
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: "QContextMenuEvent") -> None:
        picture = self.picture
        if picture is not None:
            menu = picture_menu(self._studio, [picture], self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.canvas.setGeometry(self.rect())
        self.welcome.setGeometry(self.rect())
        self._arrange()
