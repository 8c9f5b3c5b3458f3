"""What can be done with a model, as a menu over its card."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from desktop_app.ui.icons import icon
from desktop_app.ui.library_defaults import DEFAULTED
from desktop_app.ui.library_details import USE
from desktop_app.ui.picture_menu import add

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk
    from desktop_app.studio.assets import Asset
    from desktop_app.ui.library_details import DetailsPane

_WORDS = 12
"""Trigger words that the menu offers; all of them stand in the pane beside the cards."""


def asset_menu(
    desk: "AssetDesk",
    asset: "Asset",
    details: Callable[[], "DetailsPane"],
    reveal: Callable[["Asset"], None],
    parent: QWidget,
) -> QMenu:
    """The context menu of a model.

    Args:
        details: gives the pane that shows it, where it is written about.
        reveal: shows where it lies.
    """
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    use = add(menu, USE.get(asset.identity.kind, "Use"), lambda: desk.use(asset), "check", "Enter")
    reason = desk.why_not(asset)
    use.setEnabled(not reason)
    use.setToolTip(reason)
    if asset.identity.format == "pickle" and not asset.missing:
        convert = "Convert to safetensors…"
        add(menu, convert, lambda: details().convert.ask_now(), "refresh-cw")
    words = asset.trigger_words
    if words and not reason:
        into = menu.addMenu(icon("type", "text.2", 16), "Add to the prompt")
        for word in words[:_WORDS]:
            add(into, _short(word), lambda word=word: desk.add_word(word))
    menu.addSeparator()
    star = "Take the star away" if asset.favourite else "Favourite"
    add(menu, star, lambda: desk.set_favourite(asset, not asset.favourite), "star", "F")
    add(menu, "Notes…", lambda: details().edit_notes(), "pencil")
    add(menu, "Trigger words…", lambda: details().edit_words(), "type")
    if asset.identity.kind in DEFAULTED:
        start = "Settings to start with…"
        add(menu, start, lambda: details().edit_defaults(), "sliders-horizontal")
    menu.addSeparator()
    if not asset.missing:
        add(menu, "Show in folder", lambda: reveal(asset), "folder-open")
    _copies(menu, asset)
    return menu


def _copies(menu: QMenu, asset: "Asset") -> None:
    add(menu, "Copy the name", lambda: _copy(asset.name), "copy")
    add(menu, "Copy the place", lambda: _copy(str(asset.path)))
    whole = asset.file_sha256 or ""
    hashes = (
        ("of its tensors, as pictures name it", asset.sha256 or ""),
        ("of the file", whole),
        ("AutoV2, as other programs name it", whole[:10].upper()),
    )
    if any(value for _, value in hashes):
        more = menu.addMenu("Copy the hash")
        for words, value in hashes:
            if value:
                add(more, words[:1].upper() + words[1:], lambda value=value: _copy(value))


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _short(word: str) -> str:
    shown = word if len(word) <= 40 else f"{word[:39]}…"
    return shown.replace("&", "&&")
