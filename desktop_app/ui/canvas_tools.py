"""The tools that float over the lower edge of the picture on the canvas."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from desktop_app.ui import theme
from desktop_app.ui.compare import MODE_LABELS, MODES, Mode
from desktop_app.ui.fields import IconButton
from desktop_app.ui.picture_menu import add

if TYPE_CHECKING:
    from desktop_app.studio.values import Record


class CanvasTools(QFrame):
    """Zoom for whatever is shown; the rest only while a stored picture is.

    Signals:
        zoom_toggled(): between the whole picture and its exact pixels.
        zoomed(float): by a factor.
        compared(bool): start or end comparing.
        compare_mode_chosen(str): `split`, `side` or `difference`.
        varied(QPoint): a menu is wanted at this place on the screen.
        tiled(bool): show the picture laid side by side, or alone.
        favoured(bool), reproduced(), trashed(), sheet_wanted(): as they say.
    """

    zoom_toggled = Signal()
    zoomed = Signal(float)
    compared = Signal(bool)
    tiled = Signal(bool)
    compare_mode_chosen = Signal(str)
    varied = Signal(QPoint)
    favoured = Signal(bool)
    reproduced = Signal()
    trashed = Signal()
    sheet_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("floating")
        self.setAccessibleName("Picture tools")
        self._mode: Mode | None = None
        self._build()
        self._connect()
        self.hide()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(6), theme.px(4), theme.px(6), theme.px(4))
        row.setSpacing(theme.px(2))
        self.sheet = self._button("layout-grid", "Back to all pictures of this run")
        self.sheet.set_name(self.sheet.accessibleName(), "Back to all pictures of this run (Esc)")
        self.zoom_out = self._button("zoom-out", "Zoom out")
        self.fit = QToolButton(self)
        self.fit.setProperty("flat", True)
        self.fit.setObjectName("zoomLevel")
        self.fit.setToolTip("Whole picture or its exact pixels (Z)")
        self.fit.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.zoom_in = self._button("zoom-in", "Zoom in")
        self.tile = self._button("grid-3x3", "Laid side by side", checkable=True)
        self.tile.set_name("Laid side by side", "See how the picture joins itself (T)")
        self.compare = self._button("columns-2", "Compare", checkable=True)
        self.mode = self._button("chevron-up", "How to compare")
        self.vary = self._button("shuffle", "Vary")
        self.favourite = self._button("star", "Favourite", checkable=True)
        self.reproduce = self._button("badge-check", "Reproduce and verify")
        self.trash = self._button("trash-2", "Move to trash")
        self.compare.set_name(
            "Compare", "Compare with the picture before, or the other selected (C)"
        )
        self.vary.set_name("Vary", "Make siblings of this picture (V)")
        self.favourite.set_name("Favourite", "Favourite (F)")
        self.trash.set_name("Move to trash", "Move to trash (Del)")
        for button in self._all():
            row.addWidget(button)

    def _all(self) -> tuple[QToolButton, ...]:
        zoom = (self.sheet, self.zoom_out, self.fit, self.zoom_in)
        return (*zoom, self.tile, self.compare, self.mode, *self._of_picture())

    def _of_picture(self) -> tuple[IconButton, ...]:
        return self.vary, self.favourite, self.reproduce, self.trash

    def _button(self, drawing: str, name: str, *, checkable: bool = False) -> IconButton:
        return IconButton(drawing, name, self, checkable=checkable, flat=True, token="text")

    def _connect(self) -> None:
        self.sheet.clicked.connect(self.sheet_wanted)
        self.zoom_out.clicked.connect(lambda: self.zoomed.emit(0.8))
        self.fit.clicked.connect(self.zoom_toggled)
        self.zoom_in.clicked.connect(lambda: self.zoomed.emit(1.25))
        self.tile.clicked.connect(self.tiled)
        self.compare.clicked.connect(self.compared)
        self.mode.clicked.connect(self._ask_mode)
        self.vary.clicked.connect(self.ask_vary)
        self.favourite.clicked.connect(self.favoured)
        self.reproduce.clicked.connect(self.reproduced)
        self.trash.clicked.connect(self.trashed)

    def ask_vary(self) -> None:
        """Ask for the vary menu above its button."""
        self.varied.emit(self.vary.mapToGlobal(QPoint(0, 0)))

    def show_state(
        self,
        picture: "Record | None",
        *,
        zoom: str,
        comparing: Mode | None,
        in_sheet: bool,
        can_compare: bool,
        tiled: bool | None = None,
    ) -> None:
        """Show the tools that can do something.

        Args:
            picture: the stored picture on show.
            zoom: what the zoom button says, such as `Fit` or `200 %`.
            comparing: how two pictures are compared now; None while only one is shown.
            in_sheet: whether the picture was enlarged out of a contact sheet.
            tiled: whether it is laid side by side; None where it does not join itself.
        """
        self._mode = comparing
        self.fit.setText(zoom)
        self.fit.setAccessibleName(f"Zoom: {zoom}")
        self.sheet.setVisible(in_sheet and comparing is None)
        self.tile.setVisible(tiled is not None)
        self.tile.setChecked(bool(tiled))
        made = picture is not None and picture.recipe is not None
        self.compare.setVisible(picture is not None and (can_compare or comparing is not None))
        self.compare.setChecked(comparing is not None)
        self.mode.setVisible(comparing is not None)
        for button in self._of_picture():
            button.setVisible(picture is not None)
        self.vary.setVisible(made)
        self.reproduce.setVisible(made)
        if picture is not None:
            self.favourite.setChecked(picture.favourite)
        self.adjustSize()

    def place(self, over: QRectF, bounds: QRectF) -> None:
        """Float in the middle of the lower edge of `over`, inside `bounds`."""
        size = self.sizeHint()
        seen = over.intersected(bounds)
        x = seen.center().x() - size.width() / 2
        y = seen.bottom() - size.height() - theme.px(14)
        x = min(max(x, bounds.left() + 4), bounds.right() - size.width() - 4)
        y = min(max(y, bounds.top() + 4), bounds.bottom() - size.height() - 4)
        self.setGeometry(round(x), round(y), size.width(), size.height())

    def _ask_mode(self) -> None:
        menu = QMenu(self)
        group = QActionGroup(menu)
        for mode in MODES:
            action = add(
                menu, MODE_LABELS[mode], lambda mode=mode: self.compare_mode_chosen.emit(mode)
            )
            action.setCheckable(True)
            action.setChecked(mode == self._mode)
            group.addAction(action)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        size = menu.sizeHint()
        menu.popup(self.mode.mapToGlobal(QPoint(0, -size.height() - 4)))
