"""The tree of a family: thumbnails from left to right, with what each child is on its line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from desktop_app.studio.lineage import KIND_WORDS, Lineage
from desktop_app.ui import theme
from desktop_app.ui.words import label_of

if TYPE_CHECKING:
    from desktop_app.studio.lineage import Family, Member

SIDE, GAP_ACROSS, GAP_DOWN, EDGE = 112, 104, 18, 20
"""Pixels at 100 % text size: of a thumbnail, and between them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where a member stands: generation from the left, and place from the top, which may be
    halfway between two of its children.
    """

    column: int
    row: float


def spots(family: "Family") -> dict[str, Spot]:
    """Places in which no two lines cross: each parent in the middle of its children."""
    children: dict[str, list[str]] = {}
    for one in family.members:
        children.setdefault(one.parent, []).append(one.picture)
    first = family.members[0].picture
    columns = {first: 0}
    for one in family.members[1:]:
        columns[one.picture] = columns.get(one.parent, 0) + 1
    found: dict[str, Spot] = {}
    below = 0.0
    # A stack, for a chain of hundreds of generations would end a recursion.
    stack = [(first, False)]
    while stack:
        picture, seen = stack.pop()
        own = children.get(picture, []) if picture else []
        if own and not seen:
            stack.append((picture, True))
            stack += [(child, False) for child in reversed(own)]
        elif own:
            rows = [found[child].row for child in own]
            found[picture] = Spot(column=columns[picture], row=(rows[0] + rows[-1]) / 2)
        else:
            found[picture] = Spot(column=columns[picture], row=below)
            below += 1
    return found


class LineageTree(QWidget):
    """Paints a Family, and is walked by mouse and arrows: left to the parent, right to a child.

    Signals:
        chosen(str): the member, by the hash of its pixels, that is looked at.
        opened(str): it shall be shown on the canvas.
    """

    chosen = Signal(str)
    opened = Signal(str)

    def __init__(self, lineage: Lineage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lineage = lineage
        self._family: Family | None = None
        self._spots: dict[str, Spot] = {}
        self.current = ""
        self.setObjectName("canvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Family of the picture")
        lineage.arrived.connect(self.update)

    def show_family(self, family: "Family") -> None:
        """Show a family; the member that was chosen stays it, else the one that was asked for."""
        kept = family.member(self.current)
        self._family = family
        self._spots = spots(family)
        self.current = kept.picture if kept is not None else family.focus
        width = max(spot.column for spot in self._spots.values())
        height = max(spot.row for spot in self._spots.values())
        size = self.place(Spot(column=width, row=height))
        edge = theme.px(EDGE)
        self.setMinimumSize(QSize(round(size.right()) + edge, round(size.bottom()) + 2 * edge))
        self._describe()
        self.update()
        self.chosen.emit(self.current)

    def place(self, spot: Spot) -> QRectF:
        """Of a thumbnail."""
        side, edge = theme.px(SIDE), theme.px(EDGE)
        return QRectF(
            edge + spot.column * (side + theme.px(GAP_ACROSS)),
            edge + spot.row * (side + theme.px(GAP_DOWN)),
            side,
            side,
        )

    def rect_of(self, picture: str) -> QRectF:
        """Of a member; empty when it is none."""
        spot = self._spots.get(picture)
        return self.place(spot) if spot is not None else QRectF()

    def choose(self, picture: str) -> None:
        """Look at a member."""
        if picture in self._spots and picture != self.current:
            self.current = picture
            self._describe()
            self.update()
            self.chosen.emit(picture)

    def _describe(self) -> None:
        member = self._family.member(self.current) if self._family is not None else None
        if member is None:
            return
        kind = KIND_WORDS.get(member.kind, "the first")
        gone = "" if member.record is not None else ", no longer in the gallery"
        self.setAccessibleDescription(f"{_caption(member)}, {kind}{gone}.")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), theme.token("bg.0"))
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        if self._family is not None:
            painter.setFont(theme.font(11))
            seen = QRectF(event.rect())
            for one in self._family.members:
                self._paint_line(painter, one, seen)
            for one in self._family.members:
                if self.rect_of(one.picture).adjusted(-9, -9, 9, 30).intersects(seen):
                    self._paint_member(painter, one)
        painter.end()

    def _paint_line(self, painter: QPainter, member: "Member", seen: QRectF) -> None:
        if member.parent not in self._spots:
            return
        start, end = self.rect_of(member.parent), self.rect_of(member.picture)
        if not start.united(end).intersects(seen):
            return
        a = QPointF(start.right(), start.center().y())
        b = QPointF(end.left(), end.center().y())
        middle = (a.x() + b.x()) / 2
        path = QPainterPath(a)
        path.cubicTo(QPointF(middle, a.y()), QPointF(middle, b.y()), b)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.token("line.strong"), 1.5))
        painter.drawPath(path)
        words = KIND_WORDS.get(member.kind, member.kind)
        height = painter.fontMetrics().height()
        room = QRectF(a.x() + 4, b.y() - height - 2, b.x() - a.x() - 8, height)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        under = painter.boundingRect(room, flags.value, words)
        painter.fillRect(under.adjusted(-2, 0, 2, 0), theme.token("bg.0"))
        painter.setPen(theme.token("text.2"))
        painter.drawText(room, flags.value, words)

    def _paint_member(self, painter: QPainter, member: "Member") -> None:
        rect = self.rect_of(member.picture)
        painter.fillRect(rect, theme.token("bg.2"))
        image = self._lineage.image(member.picture)
        if image is not None and not image.isNull():
            size = QSizeF(image.size()).scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatio)
            shown = QRectF(QPointF(), size)
            shown.moveCenter(rect.center())
            painter.drawImage(shown, image)
        elif member.record is None or image is not None:
            painter.setPen(theme.token("text.3"))
            flags = Qt.AlignmentFlag.AlignCenter.value | Qt.TextFlag.TextWordWrap.value
            painter.drawText(rect.adjusted(8, 8, -8, -8), flags, "No longer in the gallery")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._family is not None and member.picture == self._family.focus:
            painter.setPen(QPen(theme.token("text.2"), 1))
            painter.drawRect(rect.adjusted(-5, -5, 5, 5))
        if member.picture == self.current:
            colour = theme.token("accent" if self.hasFocus() else "accent.soft")
            painter.setPen(QPen(colour, theme.px(2)))
            painter.drawRect(rect.adjusted(-2, -2, 2, 2))

    def _at(self, point: QPointF) -> str:
        found = (one for one in self._spots if self.rect_of(one).contains(point))
        return next(found, "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choose(self._at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        picture = self._at(event.position())
        if picture:
            self.opened.emit(picture)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._family is None or not self._walk(event.key()):
            super().keyPressEvent(event)

    def _walk(self, key: int) -> bool:
        family = self._family
        member = family.member(self.current) if family is not None else None
        if family is None or member is None:
            return False
        match key:
            case Qt.Key.Key_Left:
                self.choose(member.parent)
            case Qt.Key.Key_Right:
                children = family.children(self.current)
                if children:
                    self.choose(children[0].picture)
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self._step(-1 if key == Qt.Key.Key_Up else 1)
            case Qt.Key.Key_Home:
                self.choose(family.members[0].picture)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.opened.emit(self.current)
            case _:
                return False
        return True

    def _step(self, by: int) -> None:
        """To the next one of the same generation."""
        spot = self._spots[self.current]
        column = [one for one, at in self._spots.items() if at.column == spot.column]
        column.sort(key=lambda one: self._spots[one].row)
        at = column.index(self.current) + by
        if 0 <= at < len(column):
            self.choose(column[at])

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


def _caption(member: "Member") -> str:
    return label_of(member.record) if member.record is not None else "A picture"
