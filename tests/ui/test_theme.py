"""The look: tokens, contrast, the stylesheet, icons and sizes."""

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFontInfo
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from desktop_app.paths import RESOURCES, ROOT
from desktop_app.ui import icons, theme

THEMES = ("dark", "light")
# Text on the surface it is read on.
PAIRS = [
    *((text, ground) for text in ("text", "text.2", "text.3") for ground in ("bg.1", "bg.2")),
    ("text", "bg.0"),
    ("text", "bg.3"),
    ("text.2", "bg.3"),
    ("accent.soft", "accent.fill"),
    ("accent.soft", "bg.2"),
    ("choice", "bg.2"),
    ("on.accent", "accent"),
    ("on.accent", "accent.hover"),
    ("on.accent", "accent.press"),
    ("bad", "bg.1"),
    ("warn", "bg.1"),
    ("ok", "bg.2"),
    ("text", "bad.fill"),
]


def luminance(colour: QColor) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(QColor(one)), luminance(QColor(other))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.gui
@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_words_can_be_read(name: str, text: str, ground: str) -> None:
    colours = theme.tokens(name)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.gui
@pytest.mark.parametrize("scale", [0.8, 1.0, 1.15, 1.25, 1.3, 1.45, 1.6])
def test_what_is_round_stays_round_at_every_text_size(
    qapp: QApplication, qtbot: QtBot, scale: float
) -> None:
    theme.apply(qapp, "dark", scale)
    chip, radio = QPushButton("1:1"), QRadioButton("")
    chip.setProperty("chip", True)
    for one in (chip, radio):
        qtbot.addWidget(one)
        one.setCheckable(True)
        one.setChecked(True)
        one.ensurePolished()
        one.adjustSize()
    seen = chip.grab().toImage()
    corner, edge = seen.pixelColor(1, 1), seen.pixelColor(seen.width() // 2, 0)
    assert edge == theme.token("accent")
    assert abs(corner.lightness() - theme.token("bg.1").lightness()) < 20
    seen = radio.grab().toImage()
    middle, bright = seen.height() // 2, theme.token("accent")
    top = next(y for y in range(seen.height()) if seen.pixelColor(theme.px(7), y) == bright)
    assert seen.pixelColor(0, middle) == bright
    assert seen.pixelColor(0, top) != bright
    theme.apply(qapp, "dark")


@pytest.mark.gui
def test_the_field_with_the_focus_stands_out() -> None:
    for name in THEMES:
        colours = theme.tokens(name)
        for token in ("focus", "focus.field"):
            assert contrast(colours[token], colours["bg.1"]) >= 3, (name, token)


def test_the_themes_have_the_same_tokens() -> None:
    assert theme.tokens("dark").keys() == theme.tokens("light").keys()


def test_the_greys_are_neutral() -> None:
    for name in ("bg.0", "bg.1", "bg.2", "bg.3", "line"):
        colour = QColor(theme.tokens("dark")[name])
        assert colour.red() == colour.green() == colour.blue()


@pytest.mark.gui
def test_every_token_and_size_of_the_stylesheet_is_filled_in(qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    sheet = re.sub(r"/\*.*?\*/", "", theme.stylesheet(), flags=re.DOTALL)
    assert "@" not in sheet
    assert not re.search(r"\d+u\b", sheet)
    theme.apply(qapp, "dark")


def test_every_icon_that_is_named_in_the_code_is_there() -> None:
    named = re.compile(r'(?:icon|pixmap|IconButton|IconTextButton|set_icon)\(\s*"([a-z0-9-]+)"')
    missing: list[tuple[str, str]] = []
    for file in sorted((ROOT / "desktop_app" / "ui").glob("*.py")):
        for name in named.findall(file.read_text("utf-8")):
            if not (RESOURCES / "icons" / f"{name}.svg").is_file():
                missing.append((file.name, name))
    assert not missing


def test_no_icon_lies_about_unused() -> None:
    code = "".join(
        file.read_text("utf-8")
        for folder in ("desktop_app/ui", "packaging")
        for file in sorted((ROOT / folder).rglob("*.py"))
    )
    drawings = {file.stem for file in (RESOURCES / "icons").glob("*.svg")} - {"app"}
    assert {name for name in drawings if f'"{name}"' not in code} == set()


@pytest.mark.gui
def test_an_icon_has_the_colour_of_its_token(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    drawn = icons.pixmap("star", "accent", 24, ratio=2.0).toImage()
    assert drawn.width() == 48
    strongest = max(
        (drawn.pixelColor(x, y) for x in range(48) for y in range(48)), key=QColor.alpha
    )
    assert strongest.name() == theme.token("accent").name()


@pytest.mark.gui
def test_the_program_has_an_icon_at_every_size(qapp: QApplication) -> None:
    sizes = {size.width() for size in icons.app_icon().availableSizes()}
    assert {16, 32, 48, 256} <= sizes


@pytest.mark.gui
def test_sizes_and_fonts_follow_the_text_scale(qtbot: QtBot, qapp: QApplication) -> None:
    title = QLabel("Prompt")
    title.setProperty("role", "title")
    qtbot.addWidget(title)
    heights: list[int] = []
    for scale in (1.0, 2.0):
        theme.apply(qapp, "dark", scale)
        title.ensurePolished()
        assert QFontInfo(title.font()).family() == "Inter"
        heights.append(QFontInfo(title.font()).pixelSize())
        assert theme.px(8) == 8 * scale
    assert heights == [12, 24]
    theme.apply(qapp, "dark")


def test_fonts_and_icons_come_with_their_licences() -> None:
    assert "SIL OPEN FONT LICENSE" in (RESOURCES / "fonts" / "LICENSE").read_text("utf-8")
    assert "ISC License" in (RESOURCES / "icons" / "LICENSE").read_text("utf-8")


def test_no_widget_has_a_stylesheet_of_its_own() -> None:
    found = [
        file.name
        for file in (ROOT / "desktop_app" / "ui").glob("*.py")
        if "setStyleSheet" in file.read_text("utf-8") and file.name != Path(theme.__file__).name
    ]
    assert not found
