"""The look of the program: colour tokens, the one stylesheet, fonts, and sizes that follow the
system's text size.
"""

import json
import logging
import re
import sys
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from desktop_app.paths import RESOURCES

ThemeName = Literal["dark", "light", "system"]
TEXT_PX = 13
"""Pixels of ordinary text at 100 %."""

_USUAL_TEXT_PX = 15.0
"""System fonts up to this size are a desktop's habit; a larger one was asked for by its owner."""

_FONT_FILES = (
    "Inter-Regular.otf",
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "JetBrainsMono-Regular.ttf",
)
_TOKEN = re.compile(r"@([a-z]+(?:\.[a-z0-9]+)*)")
_UNIT = re.compile(r"\b(\d+(?:\.\d+)?)u\b")

log = logging.getLogger(__name__)


@dataclass
class _Look:
    """What `apply` decided; one for the process, as there is one QApplication."""

    name: Literal["dark", "light"] = "dark"
    scale: float = 1.0
    system_px: float = 0.0


_look = _Look()


def apply(app: QApplication, name: ThemeName = "dark", text_scale: float = 1.0) -> None:
    """Give `app` the theme called `name`; widgets that exist already follow.

    Args:
        name: `system` takes what the desktop says, and dark where it says nothing.
        text_scale: factor on top of the system's own text size, 0.75 ... 2.
    """
    _load_fonts()
    if not _look.system_px:
        _look.system_px = QFontInfo(app.font()).pixelSize()
    _look.name = _resolve(app, name)
    _look.scale = min(3.0, max(0.75, _system_scale(app) * text_scale))
    if app.styleSheet():
        # Taken off first: with one set, Qt styles every widget anew for each change below.
        app.setStyleSheet("")
    else:
        app.setStyle("Fusion")
    app.setFont(font())
    app.setPalette(_palette())
    app.setStyleSheet(stylesheet())


def current() -> Literal["dark", "light"]:
    """The theme in use, with `system` resolved."""
    return _look.name


def token(name: str) -> QColor:
    """The colour of a token such as `bg.1` in the theme in use.

    Raises:
        KeyError: there is no such token.
    """
    return QColor(tokens(_look.name)[name])


@cache
def tokens(theme: str) -> dict[str, str]:
    """All colour tokens of one theme, as `#rrggbb`."""
    return json.loads((RESOURCES / "theme" / f"{theme}.json").read_text("utf-8"))


def px(size: float) -> int:
    """`size` pixels at the system's text size, in device-independent pixels, at least 1."""
    return max(1, round(size * _look.scale))


def units(pixels: int) -> int:
    """The size that `px` makes so many pixels of."""
    return round(pixels / _look.scale)


def font(size: float = TEXT_PX, *, tabular: bool = True) -> QFont:
    """Inter at `size` pixels.

    Args:
        tabular: digits of one width, so that changing numbers stand still.
    """
    made = QFont("Inter")
    made.setPixelSize(px(size))
    if tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


def mono(size: float = TEXT_PX) -> QFont:
    """The monospaced font at `size` pixels, for seeds and hashes."""
    made = QFont("JetBrains Mono")
    made.setStyleHint(QFont.StyleHint.Monospace)
    made.setPixelSize(px(size))
    made.setFeature(QFont.Tag("calt"), 0)
    return made


def stylesheet() -> str:
    """The stylesheet of the theme in use, tokens and sizes filled in."""
    places = {"theme.folder": (RESOURCES / "theme").as_posix()}
    colours = tokens(_look.name) | places
    template = (RESOURCES / "theme" / "mezzotint.qss").read_text("utf-8")
    # A corner rounder than half of what it is on is drawn by Qt as no round corner at all, and
    # rounding to whole pixels would make some of them so.
    halves = {
        "chip": px(24) + 2,
        "handle": px(4) + 2 * px(5),
        "radio": px(12) + 2,
        "groove": px(4),
        "bar": px(8),
    }
    colours |= {f"half.{name}": f"{size // 2}px" for name, size in halves.items()}
    coloured = _TOKEN.sub(lambda found: colours[found[1]], template)
    return _UNIT.sub(lambda found: f"{px(float(found[1]))}px", coloured)


def _resolve(app: QApplication, name: ThemeName) -> Literal["dark", "light"]:
    if name != "system":
        return name
    light = app.styleHints().colorScheme() == Qt.ColorScheme.Light
    return "light" if light else "dark"


def _system_scale(app: QApplication) -> float:
    """How much larger than usual the desktop wants text, by its dots per inch or its font."""
    screen = app.primaryScreen()
    usual = 72.0 if sys.platform == "darwin" else 96.0
    by_dpi = screen.logicalDotsPerInch() / usual if screen else 1.0
    return max(by_dpi, _look.system_px / _USUAL_TEXT_PX, 1.0)


@cache
def _load_fonts() -> None:
    for name in _FONT_FILES:
        if QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / name)) < 0:
            log.warning("the font %s could not be loaded; the system's font stands in", name)


def _palette() -> QPalette:
    """What the stylesheet does not reach: selections, links, placeholder text, tooltips."""
    role = QPalette.ColorRole
    colours = {
        role.Window: "bg.1",
        role.WindowText: "text",
        role.Base: "bg.2",
        role.AlternateBase: "bg.3",
        role.Text: "text",
        role.Button: "bg.2",
        role.ButtonText: "text",
        role.BrightText: "bad",
        role.ToolTipBase: "bg.3",
        role.ToolTipText: "text",
        role.PlaceholderText: "text.3",
        role.Highlight: "accent",
        role.HighlightedText: "on.accent",
        role.Link: "accent.soft",
        role.LinkVisited: "accent.soft",
        role.Light: "bg.3",
        role.Midlight: "bg.3",
        role.Mid: "line",
        role.Dark: "bg.0",
        role.Shadow: "bg.0",
        role.Accent: "accent",
    }
    palette = QPalette()
    for which, name in colours.items():
        palette.setColor(which, token(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, token("line.strong"))
    return palette
