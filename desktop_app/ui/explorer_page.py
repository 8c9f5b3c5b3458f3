"""The Explore page: the corners on the left, the map of noises, and what to do with a place."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_app.recipe.presets import seed_preset
from desktop_app.studio.preset_model import now
from desktop_app.studio.values import Notice
from desktop_app.ui import theme
from desktop_app.ui.explorer_corners import Corners
from desktop_app.ui.explorer_map import ZOOM_STEP, ExplorerMap
from desktop_app.ui.fields import ElidedLabel, IconButton, IconTextButton, SectionTitle, label
from desktop_app.ui.picture_menu import add
from desktop_app.ui.popover import Popover, ask_name
from desktop_app.ui.words import grouped

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio

PANEL_WIDTH = 290


class ExplorerPage(QWidget):
    """Pictures are made only while the page is seen.

    Signals:
        left(): the artist took a place into the draft, or wants to go back.
    """

    left = Signal()

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._explorer = studio.explorer
        self.corners = Corners(studio, self)
        self.map = ExplorerMap(studio.explorer, self)
        self.problem = label("", "hint", self)
        self.zoom_out = IconButton("zoom-out", "Show more of the map (−)", self, flat=True)
        self.whole = QPushButton("Whole map", self)
        self.zoom_in = IconButton("zoom-in", "Look closer (+)", self, flat=True)
        self.progress = label("", "hint", self)
        self.about = ElidedLabel("", "label", self)
        self.refine = IconTextButton("sparkles", "Refine", self)
        self.refine_all = QPushButton("Refine all", self)
        self.use = IconTextButton("dices", "Use the seed", self)
        self.preset = IconTextButton("bookmark", "Keep the seed…", self)
        self.keep = QPushButton("Make the picture", self)
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._panel())
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._top())
        column.addWidget(self.map, 1)
        column.addWidget(self._bottom())
        whole.addLayout(column, 1)
        self.problem.setParent(self.map)
        self.problem.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.problem.setWordWrap(True)
        over = QVBoxLayout(self.map)
        over.addWidget(self.problem)

    def _panel(self) -> QWidget:
        panel = QFrame(self)
        panel.setObjectName("panel")
        panel.setFixedWidth(theme.px(PANEL_WIDTH))
        hint = label(
            "Between the corners their noises are mixed, bit by bit. The prompt and the settings"
            " are those of the Create page. Drop a card of the shelf or a picture on a corner.",
            "hint",
        )
        hint.setWordWrap(True)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.px(14),) * 4)
        column.setSpacing(theme.px(10))
        column.addWidget(SectionTitle("Corners"))
        column.addWidget(hint)
        column.addWidget(self.corners)
        column.addStretch(1)
        scroll = QScrollArea(panel)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        around = QVBoxLayout(panel)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scroll)
        return panel

    def _top(self) -> QWidget:
        bar = QFrame(self)
        bar.setObjectName("panel")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.px(14), theme.px(6), theme.px(14), theme.px(6))
        self.whole.setProperty("quiet", True)
        self.whole.setToolTip("All of the map (0)")
        for part in (self.zoom_out, self.whole, self.zoom_in):
            row.addWidget(part)
        row.addSpacing(theme.px(10))
        row.addWidget(self.progress)
        row.addStretch(1)
        row.addWidget(self.refine_all)
        return bar

    def _bottom(self) -> QWidget:
        bar = QFrame(self)
        bar.setObjectName("panel")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.px(14), theme.px(8), theme.px(14), theme.px(8))
        row.setSpacing(theme.px(8))
        self.keep.setProperty("primary", True)
        self.refine.setToolTip("Make it with all its steps, to look at (R)")
        self.refine_all.setToolTip("Make all that is seen with all steps")
        self.use.setToolTip("Put this noise into the draft and go to it (S)")
        self.preset.setToolTip("Put this noise on the shelf under a name (B)")
        self.keep.setToolTip("Make it with all its steps and put it into the gallery (K)")
        row.addWidget(self.about, 1)
        for part in (self.refine, self.use, self.preset, self.keep):
            row.addWidget(part)
        return bar

    def _connect(self) -> None:
        explorer, view = self._explorer, self.map
        self.zoom_in.clicked.connect(lambda: view.zoom(ZOOM_STEP))
        self.zoom_out.clicked.connect(lambda: view.zoom(1 / ZOOM_STEP))
        self.whole.clicked.connect(view.whole)
        self.refine.clicked.connect(self._refine)
        self.refine_all.clicked.connect(self._refine_all)
        self.use.clicked.connect(self._use)
        self.preset.clicked.connect(self.ask_preset)
        self.keep.clicked.connect(self._keep)
        view.refine_asked.connect(self._refine)
        view.keep_asked.connect(self._keep)
        view.use_asked.connect(self._use)
        view.preset_asked.connect(self.ask_preset)
        view.menu_asked.connect(lambda at: self.menu().popup(at))
        view.chosen.connect(self._show)
        explorer.map_changed.connect(self._show)
        explorer.progress.connect(self._show_progress)
        self._studio.engine_state.connect(self._show_progress)

    def menu(self) -> QMenu:
        """What can be done with the chosen place."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        add(menu, "Refine", self._refine, "sparkles", "R")
        add(menu, "Make the picture", self._keep, "image", "K")
        add(menu, "Use the seed", self._use, "dices", "S")
        add(menu, "Keep the seed…", self.ask_preset, "bookmark", "B")
        menu.addSeparator()
        add(
            menu, "Bring into the middle", lambda: self.map.recentre(self.map.current), keys="Enter"
        )
        add(menu, "Look closer", lambda: self.map.zoom(ZOOM_STEP), "zoom-in", "+")
        add(menu, "Show more", lambda: self.map.zoom(1 / ZOOM_STEP), "zoom-out", "\u2212")
        return menu

    def ask_preset(self) -> Popover | None:
        """Ask for the name under which the chosen noise goes on the shelf."""
        draft = self._explorer.draft(self.map.current)
        if draft is None:
            return None

        def keep(name: str) -> None:
            self._studio.shelf.put(seed_preset(name, draft, created=now()))

        words = " ".join(draft.prompt.split())[:40].strip() or f"Seed {draft.seed}"
        return ask_name(self.preset, "Keep this noise", words, "Keep", keep)

    def _refine(self) -> None:
        self._explorer.refine([self.map.current])

    def _refine_all(self) -> None:
        explorer = self._explorer
        explorer.refine([(c, r) for r in range(explorer.rows) for c in range(explorer.columns)])

    def _keep(self) -> None:
        self._explorer.keep(self.map.current)
        words = "Making the picture; it goes into the gallery."
        self._studio.notice.emit(Notice(text=words, seconds=5))

    def _use(self) -> None:
        self._explorer.use(self.map.current)
        self.left.emit()

    def _show(self) -> None:
        explorer = self._explorer
        recipe = explorer.recipe(self.map.current)
        for part in (self.refine, self.refine_all, self.use, self.preset, self.keep):
            part.setEnabled(recipe is not None)
        self.zoom_out.setEnabled(explorer.window.side < 1)
        self.whole.setEnabled(explorer.window.side < 1)
        problem = explorer.problem
        self.problem.setText(str(problem) if problem is not None else "")
        self.problem.setVisible(problem is not None)
        if recipe is None:
            self.about.set_text("")
        else:
            column, row = explorer.place(self.map.current)
            place = f"{column:.0%} across" + ("" if explorer.is_line else f", {row:.0%} down")
            mixed = getattr(recipe.start, "variations", ())
            noises = "".join(f" + {one.weight:.3g} of {grouped(one.seed)}" for one in mixed)
            self.about.set_text(f"{place} · {grouped(recipe.seed)}{noises}")
        self._show_progress()

    def _show_progress(self) -> None:
        left = self._explorer.left
        words = f"{left} to make" if left else "All rough pictures are made; refine what you like"
        if self._explorer.problem is not None:
            words = ""
        elif left and self._studio.engine != "ready":
            words = f"{left} to make, once the engine has started"
        elif left and self._studio.run.busy:
            words = f"{left} to make, after the queue"
        self.progress.setText(words)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._explorer.open()
        self.map.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self._explorer.rest()
