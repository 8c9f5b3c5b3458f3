"""Draws a contact sheet: the pictures of a grid with the values of its rows and columns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from desktop_app.recipe.sheet import Sheet
from desktop_app.recipe.sweep import Cell

SIDE_MAX = 12_000
PIXELS_MAX = 48_000_000
PAPER, INK, FAINT, PLATE = "#161616", "#e8e6e3", "#a09c97", "#262626"
GAP = 8
"""Pixels between pictures."""
TEXT_LOW, TEXT_HIGH = 15, 34
"""Pixels of the labels' text."""
_LABEL_SHARE = 0.9
"""Of a picture's width that the names of the rows may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where everything of a sheet stands, in pixels.

    Attributes:
        cell: of each picture's place.
        text: of the labels' letters.
        left: width of the rows' names; `top` is the height of the columns' names.
        head: height of the title; `part` of the name over each part, where there is a third axis.
    """

    columns: int
    rows: int
    parts: int
    cell: QSizeF
    text: int
    left: float
    top: float
    head: float
    part: float

    @property
    def size(self) -> QSize:
        block = self.top + self.rows * (self.cell.height() + GAP)
        return QSize(
            math.ceil(self.left + self.columns * (self.cell.width() + GAP) + GAP),
            math.ceil(self.head + self.parts * (self.part + block) + GAP),
        )

    def place(self, at: tuple[int, ...]) -> QRectF:
        """Of a cell's picture."""
        x, y, z = (*at, 0, 0)[:3]
        block = self.part + self.top + self.rows * (self.cell.height() + GAP)
        return QRectF(
            self.left + x * (self.cell.width() + GAP),
            self.head + z * block + self.part + self.top + y * (self.cell.height() + GAP),
            self.cell.width(),
            self.cell.height(),
        )


def font_of(pixels: float, *, bold: bool = False) -> QFont:
    """The letters of a sheet."""
    font = QFont("Inter")
    font.setPixelSize(max(1, round(pixels)))
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def lay_out(sheet: Sheet) -> Layout:
    """The largest layout within the bounds; pictures are never larger than they are."""
    scale = 1.0
    layout = _at_scale(sheet, scale)
    while _too_large(layout) and scale > 0.01:
        scale *= 0.9
        layout = _at_scale(sheet, scale)
    return layout


def _too_large(layout: Layout) -> bool:
    size = layout.size
    return max(size.width(), size.height()) > SIDE_MAX or size.width() * size.height() > PIXELS_MAX


def _at_scale(sheet: Sheet, scale: float) -> Layout:
    columns, rows, parts = (*sheet.sizes, 1, 1)[:3]
    wide = max(8.0, max(cell.recipe.width for cell in sheet.cells) * scale)
    high = max(8.0, max(cell.recipe.height for cell in sheet.cells) * scale)
    text = round(min(max(wide / 14, TEXT_LOW), TEXT_HIGH))
    metrics = QFontMetricsF(font_of(text))
    line = metrics.height()
    names = [label for axis in sheet.axes[1:2] for label in axis.labels]
    widest = max((metrics.horizontalAdvance(name) for name in names), default=0.0)
    room = max(wide * _LABEL_SHARE, text * 8.0)
    left = min(widest, room) + 2 * GAP if names else GAP
    tall = max((_lines(name, wide, metrics) for name in sheet.axes[0].labels), default=1)
    return Layout(
        columns=columns,
        rows=rows,
        parts=parts,
        cell=QSizeF(wide, high),
        text=text,
        left=math.ceil(left),
        top=math.ceil(line * min(tall, 3)) + GAP,
        head=math.ceil(line * 2.2) + 2 * GAP,
        part=math.ceil(line * 1.4) + GAP if len(sheet.axes) > 2 else 0.0,
    )


def _lines(text: str, width: float, metrics: QFontMetricsF) -> int:
    return math.ceil(metrics.horizontalAdvance(text) / max(width, 1.0))


def draw(sheet: Sheet, picture: Callable[[Cell], QImage | None]) -> QImage:
    """The contact sheet; a picture that is not there leaves its place empty.

    May run in any thread.

    Args:
        picture: reads one, when it is its turn: all at once may not fit into the memory.
    """
    layout = lay_out(sheet)
    image = QImage(layout.size, QImage.Format.Format_RGB32)
    image.fill(QColor(PAPER))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    try:
        _draw_head(painter, sheet, layout)
        for z in range(layout.parts):
            _draw_names(painter, sheet, layout, z)
        for cell in sheet.cells:
            _draw_cell(painter, layout.place(cell.at), cell, picture(cell))
    finally:
        painter.end()
    return image


def _draw_head(painter: QPainter, sheet: Sheet, layout: Layout) -> None:
    width = layout.size.width() - 2 * GAP
    first = sheet.cells[0].recipe
    same = all(cell.recipe.prompt == first.prompt for cell in sheet.cells)
    prompt = first.prompt if same else f"{len(sheet.cells)} pictures"
    lines = (
        (sheet.title, font_of(layout.text * 1.15, bold=True), INK),
        (f"{first.model.name} · {prompt}", font_of(layout.text * 0.85), FAINT),
    )
    y = float(GAP)
    for words, font, colour in lines:
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(" ".join(words.split()), Qt.TextElideMode.ElideRight, width)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QRectF(GAP, y, width, metrics.height()), shown)
        y += metrics.height()


def _draw_names(painter: QPainter, sheet: Sheet, layout: Layout, z: int) -> None:
    painter.setFont(font_of(layout.text))
    painter.setPen(QColor(INK))
    centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
    for x, name in enumerate(sheet.axes[0].labels):
        place = layout.place((x, 0, z))
        over = QRectF(place.left(), place.top() - layout.top, place.width(), layout.top - GAP / 2)
        _text(painter, over, name, centre)
    if len(sheet.axes) > 1:
        middle = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for y, name in enumerate(sheet.axes[1].labels):
            place = layout.place((0, y, z))
            room = QRectF(GAP / 2, place.top(), layout.left - 1.5 * GAP, place.height())
            _text(painter, room, name, middle)
    if len(sheet.axes) > 2:
        axis = sheet.axes[2]
        place = layout.place((0, 0, z))
        over = QRectF(
            GAP,
            place.top() - layout.top - layout.part,
            layout.size.width() - 2 * GAP,
            layout.part,
        )
        painter.setFont(font_of(layout.text * 1.1, bold=True))
        start = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        _text(painter, over, f"{axis.name} {axis.labels[z]}", start)


def _text(painter: QPainter, room: QRectF, words: str, how: Qt.AlignmentFlag) -> None:
    """Words in as many lines as there is room for, the last one cut."""
    metrics = QFontMetricsF(painter.font())
    lines = max(1, math.floor(room.height() / metrics.height()))
    room_for = room.width() * (lines if lines == 1 else lines - 0.4)
    shown = metrics.elidedText(" ".join(words.split()), Qt.TextElideMode.ElideRight, room_for)
    flags = how.value | Qt.TextFlag.TextWordWrap.value | Qt.TextFlag.TextWrapAnywhere.value
    painter.drawText(room, flags, shown)


def _draw_cell(painter: QPainter, place: QRectF, cell: Cell, picture: QImage | None) -> None:
    if picture is None or picture.isNull():
        painter.fillRect(place, QColor(PLATE))
        return
    size = QSizeF(picture.size()).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if size.width() > picture.width():
        size = QSizeF(picture.size())
    target = QRectF(place.topLeft(), size)
    target.moveCenter(place.center())
    target = QRectF(target.toRect())
    shown = picture
    if size.width() < picture.width():
        # Averaged, where drawing it small would leave pixels out.
        shown = picture.scaled(
            target.size().toSize(),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    painter.drawImage(target, shown)
