"""How pictures, previews and their labels are painted; pure functions on a QPainter."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from desktop_app.ui.icons import pixmap
from desktop_app.ui.theme import token

PROGRESS_HEIGHT = 3.0
SOFT_EDGE = 512


def soften(preview: QImage) -> QImage:
    """A small preview made larger without squares or the star-shaped marks of one bilinear step.

    Doubling bilinearly again and again is close to a quadratic B-spline; from 16 or 64 pixels up
    to some 512 it costs under a millisecond.
    """
    image = preview
    while 0 < max(image.width(), image.height()) < SOFT_EDGE:
        image = image.scaled(
            QSize(image.width() * 2, image.height() * 2),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    return image


def halves(image: QImage) -> tuple[QImage, ...]:
    """The picture, and for a large one its halves, so that a far view is neither slow nor rough.

    Bilinear scaling looks at four pixels only: below half the size it leaves lines out.
    """
    found = [image]
    while max(found[-1].width(), found[-1].height()) > 1200:
        last = found[-1]
        found.append(
            last.scaled(
                max(1, last.width() // 2),
                max(1, last.height() // 2),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
    return tuple(found)


def draw_picture(
    painter: QPainter, levels: tuple[QImage, ...], rect: QRectF, *, crisp: bool, ratio: float
) -> None:
    """Paint the level that fits `rect` best.

    Args:
        levels: as `halves` gives them, the full picture first.
        crisp: nearest neighbour, each picture pixel a square.
        ratio: device pixels per logical pixel.
    """
    image = levels[0]
    if not crisp:
        for level in levels:
            if level.width() >= rect.width() * ratio:
                image = level
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not crisp)
    painter.drawImage(rect, image)
    painter.restore()


def draw_plate(painter: QPainter, rect: QRectF, words: str = "") -> None:
    """An empty plate: where a picture will be, or words about why it is not there."""
    painter.fillRect(rect, token("bg.1"))
    painter.setPen(QPen(token("line"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
    if words:
        painter.setPen(token("text.2"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(rect.adjusted(20, 20, -20, -20), flags, words)


def draw_progress(painter: QPainter, rect: QRectF, part: float) -> None:
    """The copper line along the picture's lower edge, `part` (0 ... 1) of its width."""
    line = QRectF(rect.left(), rect.bottom() - PROGRESS_HEIGHT, rect.width(), PROGRESS_HEIGHT)
    painter.fillRect(line, QColor(0, 0, 0, 140))
    line.setWidth(rect.width() * min(max(part, 0.0), 1.0))
    painter.fillRect(line, token("accent"))


def draw_frame(painter: QPainter, rect: QRectF, name: str, width: float = 2.0) -> None:
    """A border just outside `rect` in a token's colour."""
    half = width / 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(token(name), width))
    painter.drawRect(rect.adjusted(-half, -half, half, half))


def plate_colour() -> QColor:
    """Behind what is written on a picture, whatever the picture's colours."""
    colour = token("bg.0")
    colour.setAlpha(228)
    return colour


def pill_rect(text: str, at: QPointF, metrics: QFontMetricsF) -> QRectF:
    """The pill's place, with its upper left corner at `at`."""
    return QRectF(at.x(), at.y(), metrics.horizontalAdvance(text) + 32, metrics.height() + 12)


def draw_pill(painter: QPainter, rect: QRectF, text: str, *, hot: bool = False) -> None:
    """A dark rounded label that can be read on any picture."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(token("accent"), 1) if hot else Qt.PenStyle.NoPen)
    painter.setBrush(plate_colour())
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setPen(token("text"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def draw_card(painter: QPainter, rect: QRectF) -> None:
    """A dark plate with round corners that can be read on any picture."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(plate_colour())
    painter.drawRoundedRect(rect, 8, 8)
    painter.restore()


def draw_badge(
    painter: QPainter, corner: QPointF, icon: str, colour: str, text: str, metrics: QFontMetricsF
) -> None:
    """A pill with an icon, its upper right corner at `corner`."""
    rect = pill_rect(text, corner, metrics).adjusted(0, 0, 14, 0)
    rect.moveRight(corner.x())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(plate_colour())
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    drawn = pixmap(icon, colour, 16, painter.device().devicePixelRatioF())
    height = drawn.deviceIndependentSize().height()
    painter.drawPixmap(QPointF(rect.left() + 11, rect.center().y() - height / 2), drawn)
    painter.setPen(token("text"))
    painter.drawText(rect.adjusted(30, 0, -12, 0), Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()


def draw_handle(painter: QPainter, x: float, rect: QRectF) -> None:
    """The line between two compared pictures, with a grip in its middle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0, 120), 4))
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
    painter.setPen(QPen(token("accent.soft"), 2))
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
    painter.setPen(QPen(token("accent.soft"), 2))
    painter.setBrush(plate_colour())
    middle = QPointF(x, rect.center().y())
    painter.drawEllipse(middle, 14, 14)
    painter.setPen(QPen(token("accent.soft"), 1.6, c=Qt.PenCapStyle.RoundCap))
    for sign in (-1, 1):
        tip = middle + QPointF(sign * 8, 0)
        painter.drawLine(tip, tip + QPointF(-sign * 3.5, -3.5))
        painter.drawLine(tip, tip + QPointF(-sign * 3.5, 3.5))
    painter.restore()
