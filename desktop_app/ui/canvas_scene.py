"""Where everything lies on the canvas, and how what is on show is painted."""

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter

from desktop_app.ui import canvas_paint, compare, contact_sheet
from desktop_app.ui.canvas_show import CanvasShow
from desktop_app.ui.canvas_view import View
from desktop_app.ui.theme import token

MARGIN = 24.0
PILL_INSET = 12.0
VERDICTS = {
    "identical": ("badge-check", "ok", "Verified: identical"),
    "similar": ("badge-check", "warn", "Verified: visually identical"),
    "different": ("triangle-alert", "bad", "Came out different"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The canvas at one moment.

    Attributes:
        bounds: of the canvas, in logical pixels.
        ratio: device pixels per logical pixel.
        hover: the cell of the contact sheet under the pointer.
        phase: 0 ... 1, of the line that sweeps while there are no steps to count; None for still.
    """

    show: CanvasShow
    view: View
    bounds: QRectF
    ratio: float
    metrics: QFontMetricsF
    focused: bool = False
    hover: int | None = None
    phase: float | None = None

    @property
    def area(self) -> QRectF:
        """Where a fitted picture may lie."""
        return self.bounds.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)

    @property
    def stage(self) -> QRectF:
        """The area of one picture: all of it, or the left half when two stand side by side."""
        comparison = self.show.comparison
        mode = comparison.mode if comparison is not None else "split"
        return compare.areas(mode, self.area)[0]

    @property
    def cells(self) -> list[QRectF]:
        """The places of the contact sheet's pictures, in the order of `show.cells`."""
        return contact_sheet.cells(len(self.show.cells), self.show.size(), self.area)

    def cell_at(self, point: QPointF) -> int | None:
        """The number in its run of the contact sheet's picture under a point."""
        place = contact_sheet.cell_at(point, self.cells)
        return self.show.cells[place] if place is not None else None

    @property
    def _working_cell(self) -> QRectF:
        """Where the contact sheet has the picture that is worked on; empty where it has not."""
        places = dict(zip(self.show.cells, self.cells, strict=True))
        return places.get(self.show.run.index, QRectF())

    @property
    def picture(self) -> QRectF:
        """The place of the picture on show, or of the whole sheet."""
        if self.show.kind != "sheet":
            return self.view.rect(self.show.size(), self.stage, self.ratio)
        whole = QRectF()
        for cell in self.cells:
            whole = whole.united(cell)
        return whole

    @property
    def seen(self) -> QRectF:
        """The part of `picture` that is not cut off."""
        return self.picture.intersected(self.bounds)

    @property
    def scale(self) -> float:
        """Device pixels per picture pixel."""
        return self.view.scale(self.show.size(), self.stage, self.ratio)

    @property
    def pill(self) -> QRectF:
        """The place of the words about the work; empty when there are none."""
        if not self.pill_text:
            return QRectF()
        over = self.show.shows_run or self.show.looking_back
        place = self.seen if over else self.bounds
        inset = QPointF(PILL_INSET, PILL_INSET)
        pill = canvas_paint.pill_rect(self.pill_text, place.topLeft() + inset, self.metrics)
        if self.show.kind == "sheet" and self.show.run.busy:
            # On the picture that is worked on, where it has room there.
            cell = self._working_cell
            if cell.width() >= pill.width() + 2 * PILL_INSET:
                pill.moveTo(cell.topLeft() + inset)
        return pill

    @property
    def pill_text(self) -> str:
        if self.show.looking_back:
            return self.show.look_words
        run = self.show.run
        if self.show.stopped:
            return f"Stopped at step {run.step} / {run.count}" if self._last_cell() else "Stopped"
        text = run.text
        if not text or self.show.kind == "empty":
            return ""
        if self.show.shows_run and self.show.kind == "single" and not self._cell_works():
            return ""
        if not self.show.shows_run:
            # Nothing is being made yet, so there is nothing to be shown.
            return f"{text} · Show" if run.busy else ""
        return text

    @property
    def progress_line(self) -> QRectF:
        """The lower edge of the picture that is worked on."""
        place = self.seen
        if self.show.kind == "sheet":
            place = self._working_cell
        height = canvas_paint.PROGRESS_HEIGHT
        return QRectF(place.left(), place.bottom() - height, place.width(), height)

    def paint(self, painter: QPainter) -> None:
        """Paint what is on show; the background is painted already."""
        match self.show.kind:
            case "compare":
                comparison = self.show.comparison
                if comparison is not None:
                    comparison.paint(painter, self.view, self.area, self.ratio, self.metrics)
            case "sheet":
                self._paint_sheet(painter)
            case "single":
                self._paint_single(painter)
            case "empty":
                return
        if self.pill_text:
            hot = not self.show.shows_run and not self.show.looking_back
            canvas_paint.draw_pill(painter, self.pill, self.pill_text, hot=hot)

    def _last_cell(self) -> bool:
        return self.show.run.index == self.show.cell

    def _cell_works(self) -> bool:
        run = self.show.run
        return run.busy and run.index == self.show.cell and not run.ended[run.index]

    def _paint_single(self, painter: QPainter) -> None:
        rect, levels = self.picture, self.show.levels()
        if levels is None:
            canvas_paint.draw_plate(painter, rect, self.show.problem)
        else:
            crisp = self.view.crisp(self.show.size(), self.stage, self.ratio)
            for place in self._tiles(rect):
                canvas_paint.draw_picture(painter, levels, place, crisp=crisp, ratio=self.ratio)
        record = self.show.picture
        if self.show.shows_run and self._cell_works():
            self._paint_progress(painter)
        elif record is not None and record.verified in VERDICTS and not self.show.looking_back:
            icon, colour, words = VERDICTS[record.verified]
            corner = self.seen.topRight() + QPointF(-PILL_INSET, PILL_INSET)
            canvas_paint.draw_badge(painter, corner, icon, colour, words, self.metrics)

    def _tiles(self, whole: QRectF) -> Iterator[QRectF]:
        """The places of one picture inside of `whole`, edge to edge."""
        across, down = self.show.tiles
        wide, high = whole.width() / across, whole.height() / down
        for row in range(down):
            for column in range(across):
                left, top = whole.left() + column * wide, whole.top() + row * high
                yield QRectF(left, top, wide, high)

    def _paint_sheet(self, painter: QPainter) -> None:
        run = self.show.run
        for at, (i, place) in enumerate(zip(self.show.cells, self.cells, strict=True), 1):
            levels = self.show.cell_levels(i)
            if levels is None:
                canvas_paint.draw_plate(painter, place)
            else:
                canvas_paint.draw_picture(painter, levels, place, crisp=False, ratio=self.ratio)
            if i == self.show.current and self.focused:
                canvas_paint.draw_frame(painter, place, "accent")
            elif i == self.hover:
                canvas_paint.draw_frame(painter, place, "text.3", 1.0)
            if at < 10 and (i == self.hover or self.focused):
                corner = place.bottomLeft() + QPointF(10, -self.metrics.height() - 22)
                pill = canvas_paint.pill_rect(str(at), corner, self.metrics)
                canvas_paint.draw_pill(painter, pill, str(at))
        if run.busy and not run.ended[run.index]:
            self._paint_progress(painter)

    def _paint_progress(self, painter: QPainter) -> None:
        place, run = self.progress_line, self.show.run
        if run.stage == "step" or self.phase is None:
            canvas_paint.draw_progress(painter, place, run.progress)
            return
        canvas_paint.draw_progress(painter, place, 0.0)
        width = place.width() * 0.22
        left = place.left() - width + (place.width() + width) * self.phase
        part = QRectF(left, place.top(), width, place.height()).intersected(place)
        painter.fillRect(part, token("accent"))
