"""Icons: one-colour SVG drawings tinted from the theme, and the program's own mark."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop_app.paths import RESOURCES
from desktop_app.ui import theme

_STROKE = 1.75
"""Of 24 units; a little lighter than Lucide's own 2, so that icons weigh as much as the text."""

_APP_SIZES = (16, 24, 32, 48, 64, 128, 256)


def icon(name: str, token: str = "text", size: int = 18) -> QIcon:
    """The icon `name` in the colour of `token`, for the screens that there are.

    Args:
        size: device-independent pixels at 100 % text size.

    Raises:
        FileNotFoundError: resources/icons has no such drawing.
    """
    ratios = {1.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}
    return _icon(name, theme.token(token).name(), theme.px(size), tuple(sorted(ratios)))


def pixmap(name: str, token: str = "text", size: int = 18, ratio: float = 1.0) -> QPixmap:
    """The icon `name` as a picture of `size` pixels at 100 % text size.

    Args:
        ratio: device pixels for each device-independent pixel.
    """
    return _drawn(name, theme.token(token).name(), theme.px(size), ratio)


def mark(size: int = 22, ratio: float = 1.0, token: str = "accent") -> QPixmap:
    """The program's mark: a plate of noise out of which smooth lines are burnished."""
    return _drawn("mezzotint", theme.token(token).name(), theme.px(size), ratio)


def app_icon() -> QIcon:
    """The mark on its plate, for the window, the task bar and the desktop entry."""
    made = QIcon()
    renderer = QSvgRenderer(str(RESOURCES / "icons" / "app.svg"))
    for size in _APP_SIZES:
        made.addPixmap(_render(renderer, size, 1.0))
    return made


@lru_cache(maxsize=512)
def _icon(name: str, colour: str, size: int, ratios: tuple[float, ...]) -> QIcon:
    made = QIcon()
    for ratio in ratios:
        made.addPixmap(_drawn(name, colour, size, ratio))
    return made


@lru_cache(maxsize=2048)
def _drawn(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    text = (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")
    text = text.replace("currentColor", colour)
    text = text.replace('stroke-width="2"', f'stroke-width="{_STROKE}"')
    return _render(QSvgRenderer(QByteArray(text.encode())), size, ratio)


def _render(renderer: QSvgRenderer, size: int, ratio: float) -> QPixmap:
    pixels = max(1, round(size * ratio))
    drawn = QPixmap(QSize(pixels, pixels))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn
