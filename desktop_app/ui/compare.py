"""Two pictures compared: under a sliding edge, side by side, or as a map of what differs."""

from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from desktop_app.studio.heat import Heat, heat, legend
from desktop_app.ui import canvas_paint
from desktop_app.ui.canvas_view import View
from desktop_app.ui.theme import token

Mode = Literal["split", "side", "difference", "heat"]
MODES: tuple[Mode, ...] = get_args(Mode)
MODE_LABELS: dict[Mode, str] = {
    "split": "Sliding edge",
    "side": "Side by side",
    "difference": "Difference",
    "heat": "Heat map",
}
GAP = 12.0
LEGEND_WIDTH = 180
LEGEND_MIDDLE = 0.5
"""The colours stand for the root of the difference: the middle is a quarter of the largest."""
GAIN_DOUBLINGS = 3
"""The difference is shown 2 to this power times as bright: one level of 255 cannot be seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two pictures.

    Attributes:
        label: what tells it from the other, such as `Seed 7`.
        levels: as `canvas_paint.halves` gives them.
    """

    label: str
    levels: tuple[QImage, ...]


def difference(first: QImage, second: QImage) -> QImage:
    """|first - second| in each channel, eight times as bright; at the first picture's size."""
    other = second
    if other.size() != first.size():
        other = second.scaled(
            first.size(),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    result = first.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(result)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.drawImage(0, 0, other.convertToFormat(QImage.Format.Format_RGB32))
    painter.end()
    for _ in range(GAIN_DOUBLINGS):
        before = result.copy()
        painter = QPainter(result)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Plus)
        painter.drawImage(0, 0, before)
        painter.end()
    return result.convertToFormat(QImage.Format.Format_RGB32)


def areas(mode: Mode, area: QRectF) -> tuple[QRectF, ...]:
    """The parts of the canvas that show a picture: two for side by side, else one."""
    if mode != "side":
        return (area,)
    width = (area.width() - GAP) / 2
    left = QRectF(area.left(), area.top(), width, area.height())
    return left, left.translated(width + GAP, 0)


def size_of(side: Side) -> QSizeF:
    return QSizeF(QSize(side.levels[0].size()))


def share_words(found: Heat) -> str:
    """How much of the picture differs, in words."""
    if found.largest == 0:
        return "no pixel differs"
    percent = 100 * found.share
    much = f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
    return f"{much} of the pixels differ, by up to {found.largest} of 255"


def _draw_legend(painter: QPainter, found: Heat, seen: QRectF, metrics: QFontMetricsF) -> None:
    """The colours from no difference to the largest, under the label in the upper left corner."""
    if found.largest == 0:
        return
    top = canvas_paint.pill_rect("", seen.topLeft() + QPointF(12, 12), metrics).bottom() + 8
    plate = QRectF(seen.left() + 12, top, LEGEND_WIDTH + 24, metrics.height() + 30)
    canvas_paint.draw_card(painter, plate)
    bar = QRectF(plate.left() + 12, plate.top() + 10, LEGEND_WIDTH, 10)
    painter.drawImage(bar, legend(LEGEND_WIDTH))
    painter.setPen(token("text"))
    words = QRectF(bar.left(), bar.bottom() + 2, bar.width(), metrics.height() + 4)
    quarter = found.largest * LEGEND_MIDDLE**2
    for text, flag in (
        ("0", Qt.AlignmentFlag.AlignLeft),
        (f"{quarter:.0f}" if quarter >= 1 else "", Qt.AlignmentFlag.AlignHCenter),
        (str(found.largest), Qt.AlignmentFlag.AlignRight),
    ):
        painter.drawText(words, flag | Qt.AlignmentFlag.AlignVCenter, text)


class Comparison:
    """What is compared and how; paints itself where the canvas says."""

    def __init__(self, new: Side, old: Side, mode: Mode = "split") -> None:
        self.new, self.old = new, old
        self.mode: Mode = mode
        self.split = 0.5
        self._difference: tuple[QImage, ...] | None = None
        self._heat: tuple[Heat, tuple[QImage, ...]] | None = None

    def replace_new(self, new: Side) -> None:
        """Compare another picture with the one that stays."""
        self.new, self._difference, self._heat = new, None, None

    def swap(self) -> None:
        """Change the sides."""
        self.new, self.old = self.old, self.new

    def paint(
        self, painter: QPainter, view: View, area: QRectF, ratio: float, metrics: QFontMetricsF
    ) -> None:
        """Paint both pictures, with their labels, into `area`."""
        match self.mode:
            case "side":
                for side, part in zip((self.old, self.new), areas("side", area), strict=True):
                    rect = self._paint_side(painter, side.levels, side, view, part, ratio)
                    self._label(painter, side.label, rect, part, metrics, right=False)
            case "split":
                rect = self._paint_side(painter, self.old.levels, self.new, view, area, ratio)
                edge = self.edge(rect)
                painter.save()
                painter.setClipRect(rect.adjusted(edge - rect.left(), 0, 0, 0))
                self._paint_side(painter, self.new.levels, self.new, view, area, ratio)
                painter.restore()
                canvas_paint.draw_handle(painter, edge, rect.intersected(area))
                self._label(painter, self.old.label, rect, area, metrics, right=False)
                self._label(painter, self.new.label, rect, area, metrics, right=True)
            case "difference":
                if self._difference is None:
                    shown = difference(self.new.levels[0], self.old.levels[0])
                    self._difference = canvas_paint.halves(shown)
                rect = self._paint_side(painter, self._difference, self.new, view, area, ratio)
                words = f"{self.old.label}  –  {self.new.label}  ·  ×{2**GAIN_DOUBLINGS}"
                self._label(painter, words, rect, area, metrics, right=False)
            case "heat":
                if self._heat is None:
                    found = heat(self.new.levels[0], self.old.levels[0])
                    self._heat = found, canvas_paint.halves(found.image)
                found, levels = self._heat
                rect = self._paint_side(painter, levels, self.new, view, area, ratio)
                words = f"{self.old.label}  –  {self.new.label}  ·  {share_words(found)}"
                self._label(painter, words, rect, area, metrics, right=False)
                _draw_legend(painter, found, rect.intersected(area), metrics)

    def edge(self, rect: QRectF) -> float:
        """Where the sliding edge stands, for the picture's place `rect`."""
        return rect.left() + self.split * rect.width()

    def slide_to(self, x: float, rect: QRectF) -> None:
        """Move the sliding edge to a logical x."""
        self.split = min(max((x - rect.left()) / max(rect.width(), 1.0), 0.0), 1.0)

    @staticmethod
    def _paint_side(
        painter: QPainter,
        levels: tuple[QImage, ...],
        size: Side,
        view: View,
        area: QRectF,
        ratio: float,
    ) -> QRectF:
        picture = size_of(size)
        rect = view.rect(picture, area, ratio)
        painter.save()
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        crisp = view.crisp(picture, area, ratio)
        canvas_paint.draw_picture(painter, levels, rect, crisp=crisp, ratio=ratio)
        painter.restore()
        return rect

    @staticmethod
    def _label(
        painter: QPainter,
        text: str,
        rect: QRectF,
        area: QRectF,
        metrics: QFontMetricsF,
        *,
        right: bool,
    ) -> None:
        seen = rect.intersected(area)
        pill = canvas_paint.pill_rect(text, seen.topLeft() + QPointF(12, 12), metrics)
        if right:
            pill.moveRight(seen.right() - 12)
        canvas_paint.draw_pill(painter, pill, text)
