"""What the window opens to derive pictures from others: grids, their sheets, and families."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QWidget

from desktop_app.recipe.sheet import Sheet

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.ui.grid_dialog import GridDialog
    from desktop_app.ui.lineage_dialog import LineageDialog
    from desktop_app.ui.sheet_dialog import SheetDialog

T = TypeVar("T", bound=QDialog)


class Derived(QObject):
    """Dialogs that stay beside the window; each is made when it is asked for."""

    def __init__(self, studio: "Studio", window: QWidget, find: Callable[[str], None]) -> None:
        """Args:
        find: shows what a search finds in the gallery.
        """
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._find = find
        self._grid: GridDialog | None = None
        studio.sweeps.sheet_read.connect(self.open_sheet)
        studio.sweeps.asked.connect(self.open_grid)
        studio.sweeps.search_asked.connect(find)
        studio.lineage.asked.connect(self.open_family)

    def open_grid(self) -> "GridDialog":
        """The grid of the draft's settings, as it was left."""
        from desktop_app.ui.grid_dialog import GridDialog

        if self._grid is None:
            self._grid = GridDialog(self._studio, self._window)
        self._grid.refresh()
        self._grid.show()
        self._grid.raise_()
        return self._grid

    def open_family(self, picture: int) -> "LineageDialog":
        """The family of a stored picture."""
        from desktop_app.ui.lineage_dialog import LineageDialog

        return _shown(LineageDialog(self._studio, picture, self._window))

    def open_sheet(self, sheet: Sheet) -> "SheetDialog":
        """The recipes of a contact sheet."""
        from desktop_app.ui.sheet_dialog import SheetDialog

        return _shown(SheetDialog(self._studio, sheet, self._find, self._window))


def _shown(dialog: T) -> T:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    return dialog
