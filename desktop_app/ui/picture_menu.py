"""What can be done with pictures, as a menu: the same wherever a picture is seen."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.presets import SEED_PARTS, Part
from desktop_app.studio.seed_files import refuse_taken
from desktop_app.ui.icons import icon
from desktop_app.ui.keep_sheet import KeepSheet
from desktop_app.ui.popover import at_pointer
from desktop_app.ui.variations import VarySheet

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.studio.values import Record


def vary_menu(studio: "Studio", picture: int, parent: QWidget) -> QMenu:
    """Near and far siblings of a picture."""
    menu = QMenu("Vary", parent)
    menu.setIcon(icon("shuffle", "text.2", 16))
    subtle, strong = (
        "Subtle – the same picture, other details",
        "Strong – the same idea, another picture",
    )
    add(menu, subtle, lambda: studio.again.vary(picture, "subtle"))
    add(menu, strong, lambda: studio.again.vary(picture, "strong"))
    menu.addSeparator()
    add(menu, "A batch of variations…", lambda: _ask_to_vary(studio, picture, parent))
    return menu


def _ask_to_vary(studio: "Studio", picture: int, parent: QWidget) -> None:
    def make(weight: float, count: int) -> None:
        studio.again.mix(picture, weight, count)

    sheet = VarySheet(at_pointer(parent), make)
    sheet.open(sheet.button)


def _ask_to_keep(studio: "Studio", picture: int, parent: QWidget) -> None:
    def keep(name: str, parts: tuple[Part, ...]) -> None:
        refuse_taken(name, studio.shelf.names())
        studio.seeds.keep_picture(picture, name, parts)

    name = studio.seeds.name_for_picture(picture)
    KeepSheet(at_pointer(parent), "Keep the seed as", name, SEED_PARTS, keep).show_it()


def picture_menu(
    studio: "Studio",
    records: Sequence["Record"],
    parent: QWidget,
    show: Callable[[int], None] | None = None,
) -> QMenu:
    """The context menu of one picture or of several.

    Args:
        records: what is selected, the one under the pointer first.
        show: shows a picture on the canvas; None leaves that line out.
    """
    menu = QMenu(parent)
    if len(records) == 1:
        _one(studio, records[0], menu, parent, show)
    _several(studio, records, menu)
    return menu


def add(
    menu: QMenu, words: str, do: Callable[[], object], drawing: str = "", keys: str = ""
) -> QAction:
    """A line of a menu; `keys` only tells the shortcut, which its widget handles."""
    action = menu.addAction(f"{words}\t{keys}" if keys else words)
    if drawing:
        action.setIcon(icon(drawing, "text.2", 16))
    action.triggered.connect(lambda: do())
    return action


def _one(
    studio: "Studio",
    record: "Record",
    menu: QMenu,
    parent: QWidget,
    show: Callable[[int], None] | None,
) -> None:
    number = record.id
    if show is not None:
        add(menu, "Show on the canvas", lambda: show(number), "image", "Enter")
        menu.addSeparator()
    if record.recipe is not None:
        restore = studio.restoring.restore
        add(menu, "Use all settings", lambda: restore(number, "all"), "sliders-horizontal")
        add(menu, "Use the seed", lambda: restore(number, "seed"), "dices")
        add(menu, "Use the prompt", lambda: restore(number, "prompt"), "message-square")
        menu.addSeparator()
        add(menu, "Reproduce and verify", lambda: studio.again.reproduce(number), "badge-check")
        menu.addMenu(vary_menu(studio, number, parent))
        keep = "Keep its seed…"
        add(menu, keep, lambda: _ask_to_keep(studio, number, parent), "bookmark")
        more = "Again with more steps"
        add(menu, more, lambda: studio.again.with_more_steps(number), "image-upscale", "U")
        _derive(studio, record, menu)
    else:
        add(menu, "Read its settings", lambda: studio.open_file(record.path), "sliders-horizontal")
    add(menu, "Family…", lambda: studio.lineage.asked.emit(number), "spline")
    menu.addSeparator()
    add(menu, "Show in folder", lambda: studio.album.reveal(number), "folder-open")
    add(
        menu,
        "Copy picture",
        lambda: studio.album.copy(number),
        "copy",
        _shown(QKeySequence.StandardKey.Copy),
    )
    if record.recipe is not None:
        add(
            menu,
            "Copy settings as text",
            lambda: studio.album.copy_settings(number),
            "clipboard-copy",
        )
    menu.addSeparator()


def _derive(studio: "Studio", record: "Record", menu: QMenu) -> None:
    """What starts from the picture's settings, or from its noise."""

    def grid() -> None:
        studio.restoring.restore(record.id)
        studio.sweeps.asked.emit()

    def explore() -> None:
        try:
            studio.explorer.around(record)
        except AppError as error:
            studio.album.tell(error)

    add(menu, "Explore around it", explore, "layout-grid")
    add(menu, "Grid of its settings…", grid, "grid-3x3")
    origin = record.provenance.origin if record.provenance is not None else None
    if origin is not None and origin.sheet:
        words = f"grid:{origin.sheet}"
        add(menu, "Show its grid", lambda: studio.sweeps.search_asked.emit(words), "layout-grid")


def _several(studio: "Studio", records: Sequence["Record"], menu: QMenu) -> None:
    numbers = [record.id for record in records]
    starred = all(record.favourite for record in records)
    words = "Take the star away" if starred else "Favourite"
    add(menu, words, lambda: studio.album.set_favourite(numbers, not starred), "star", "F")
    proved = [one.id for one in records if one.recipe is not None and one.provenance is not None]
    if len(records) > 1 and proved:
        verify = f"Verify {len(records)} pictures"
        add(menu, verify, lambda: studio.audit.pictures(numbers), "badge-check")
    rating = menu.addMenu("Rating")
    for stars in range(5, -1, -1):
        line = "★" * stars or "None"
        add(
            rating,
            line,
            lambda stars=stars: studio.album.set_rating(numbers, stars),
            keys=str(stars),
        )
    menu.addSeparator()
    words = "Move to trash" if len(numbers) == 1 else f"Move {len(numbers)} pictures to trash"
    add(menu, words, lambda: studio.album.trash(numbers), "trash-2", "Del")


def _shown(key: QKeySequence.StandardKey) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
