"""The models: every one on this machine, where they lie, and how to get more."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.assets import BUILT_IN, AssetFilter, source_words
from desktop_app.ui import theme
from desktop_app.ui.download_offer import OfferPane
from desktop_app.ui.download_panel import DownloadPanel
from desktop_app.ui.download_settings import DownloadSettings
from desktop_app.ui.fields import Separator, label
from desktop_app.ui.library_details import DetailsPane
from desktop_app.ui.library_filters import AssetFilters
from desktop_app.ui.library_folders import FoldersPanel
from desktop_app.ui.library_menu import asset_menu
from desktop_app.ui.library_view import AssetsView
from desktop_app.ui.panel_scroll import PanelScroll

if TYPE_CHECKING:
    from desktop_app.studio.assets import Asset
    from desktop_app.studio.downloads import Offer, Pick
    from desktop_app.studio.studio import Studio

LEFT, RIGHT = 270, 330
SPLITTER = "library"
_HOW_TO_ADD = (
    "Add a folder of another program, drop a model on the window, or get one from Hugging Face."
)


class LibraryPage(QWidget):
    """Folders and downloads on the left, cards in the middle, one model or offer on the right.

    Signals:
        used(): a model was put to use; the picture can be made.
        escaped(): Escape was pressed, and nothing on the page is left to leave.
    """

    used = Signal()
    escaped = Signal()

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio, self._desk = studio, studio.desk
        self._looked = False
        self._offer: OfferPane | None = None
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.filters = AssetFilters(self._desk.assets, self)
        self.view = AssetsView(self._desk.assets, self)
        self.folders = FoldersPanel(self._desk, self)
        self.downloads = DownloadPanel(studio.downloads, self)
        self._details: DetailsPane | None = None
        self.side = QStackedWidget(self)
        self.hashing = label("", "hint", self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._build()
        self._connect()
        self._render_empty()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setContentsMargins(theme.px(20), theme.px(10), theme.px(16), theme.px(10))
        row.setSpacing(theme.px(8))
        row.addWidget(label("Models", "heading", self))
        row.addWidget(self.filters, 1)
        column.addLayout(row)
        hint = label("Choose a model to see what is known of it.", "hint", self)
        hint.setWordWrap(True)
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        hint.setContentsMargins(*(theme.px(24),) * 4)
        self.side.addWidget(hint)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        for widget, least in ((self._left(), 220), (self.view, 220), (self.side, 280)):
            widget.setMinimumWidth(theme.px(least))
            self._splitter.addWidget(widget)
        for place, stretch in enumerate((0, 1, 0)):
            self._splitter.setStretchFactor(place, stretch)
        sizes = self._studio.settings.values.splitters.get(SPLITTER)
        width = max(1280, self.width())
        left, right = theme.px(LEFT), theme.px(RIGHT)
        kept = [theme.px(one) for one in sizes or ()]
        self._splitter.setSizes(kept or [left, width - left - right, right])
        column.addWidget(Separator())
        column.addWidget(self._splitter, 1)

    def _left(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.px(14), theme.px(12), theme.px(12), theme.px(12))
        column.setSpacing(theme.px(14))
        column.addWidget(self.folders)
        column.addWidget(Separator())
        column.addWidget(self.downloads)
        column.addWidget(self.hashing)
        column.addStretch(1)
        return PanelScroll(inside, self)

    def _connect(self) -> None:
        desk, downloads = self._desk, self._studio.downloads
        self.view.chosen.connect(self._choose)
        self.view.used.connect(desk.use)
        self.view.starred.connect(desk.set_favourite)
        self.view.menu_wanted.connect(self.open_menu)
        self.filters.sorted.connect(lambda order: self._studio.settings.set(models_order=order))
        self.folders.chosen.connect(self._choose_folder)
        self.filters.changed.connect(self._render_empty)
        desk.assets.read.connect(self._render_empty)
        desk.hashing.connect(self._show_hashing)
        desk.used.connect(lambda _: self.used.emit())
        downloads.hub.looked.connect(self._show_offer)
        self.downloads.settings_asked.connect(self.open_settings)
        self.downloads.show_asked.connect(self._reveal)
        self._studio.editor.changed.connect(self._refresh_details)
        escape = QShortcut(QKeySequence(QKeySequence.StandardKey.Cancel), self)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        escape.activated.connect(self._escape)

    @property
    def details(self) -> DetailsPane:
        """All about the current model; made when one is looked at for the first time."""
        if self._details is None:
            desk = self._desk
            made = DetailsPane(desk.assets, lambda: desk.consent_words, self._studio.memory, self)
            self._details = made
            made.used.connect(desk.use)
            made.starred.connect(desk.set_favourite)
            made.convert.agreed.connect(desk.convert)
            made.noted.connect(desk.set_notes)
            made.worded.connect(desk.set_words)
            made.defaulted.connect(desk.set_defaults)
            made.decided.connect(desk.set_wishes)
            made.word_asked.connect(desk.add_word)
            made.revealed.connect(self._reveal_asset)
            self.side.addWidget(made)
            if self.view.current is not None:
                made.show_asset(self.view.current)
        return self._details

    @property
    def offer(self) -> OfferPane | None:
        """What the hub was found to offer, while it is looked at."""
        return self._offer

    def remember(self) -> None:
        """Keep the sizes of the three parts, and what is still being typed."""
        if self._details is not None:
            self._details.flush()
        splitters = dict(self._studio.settings.values.splitters)
        splitters[SPLITTER] = tuple(map(theme.units, self._splitter.sizes()))
        self._studio.settings.set(splitters=splitters)

    def open_settings(self) -> DownloadSettings:
        """Open the sheet with the mirror and the token."""
        mirror = self._studio.settings.values.hub_mirror
        sheet = DownloadSettings(self.downloads.source, self._studio.downloads.hub, mirror)
        sheet.open(sheet.mirror)
        return sheet

    def open_menu(self, asset: "Asset", at: QPoint) -> QMenu:
        """Open the menu of a model at a place on the screen."""
        self.view.choose(asset.path)
        menu = asset_menu(self._desk, asset, lambda: self.details, self._reveal_asset, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)
        return menu

    def show_asset(self, path: Path) -> None:
        """Show the model at a place, whatever is filtered."""
        asset = self._desk.find(path)
        if asset is None:
            return
        if self._desk.assets.row_of(asset.path) < 0:
            self.folders.choose(None)
            self._desk.assets.set_filter(replace(self._desk.assets.filter, folder=None))
            self.filters.clear()
        self._close_offer()
        self.view.choose(asset.path)

    def _choose(self, asset: "Asset | None") -> None:
        if asset is not None:
            self._close_offer()
            if self._details is None:
                # The cards are painted before it is made.
                QTimer.singleShot(0, self, self._show_side)
                return
            self._details.show_asset(asset)
        self._show_side()

    def _show_side(self) -> None:
        if self._offer is not None:
            self.side.setCurrentWidget(self._offer)
        elif self.view.current is not None:
            self.side.setCurrentWidget(self.details)
        else:
            self.side.setCurrentIndex(0)

    def _refresh_details(self) -> None:
        asset = self.view.current
        if asset is not None and self.isVisible():
            self.details.show_asset(asset)

    def _choose_folder(self, folder: Path | None) -> None:
        self._desk.assets.set_filter(replace(self._desk.assets.filter, folder=folder))
        self._render_empty()

    def _show_offer(self, offer: "Offer") -> None:
        self._close_offer()
        self._offer = OfferPane(offer, self._studio.downloads.room(), self.side)
        self._offer.wanted.connect(self._fetch)
        self._offer.closed.connect(self._close_offer)
        self.side.addWidget(self._offer)
        self._show_side()
        self._offer.fetch.setFocus()

    def _fetch(self, offer: "Offer", pick: "Pick") -> None:
        self._studio.downloads.order(offer, pick)
        self.downloads.field.clear()
        self._close_offer()

    def _close_offer(self) -> None:
        if self._offer is not None:
            gone, self._offer = self._offer, None
            if gone.isAncestorOf(self.focusWidget()):
                self.view.setFocus()
            self.side.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
            self._show_side()

    def _escape(self) -> None:
        """Leave what is on top: the offer, the words in a field, the filters; then the window's."""
        field = self.downloads.field
        if self._offer is not None:
            self._close_offer()
        elif field.hasFocus() and field.text():
            field.clear()
        elif self._desk.assets.filter != AssetFilter():
            self.folders.choose(None)
            self._choose_folder(None)
            self.filters.clear()
        else:
            self.escaped.emit()

    def _reveal_asset(self, asset: "Asset") -> None:
        self._reveal(asset.path)

    def _reveal(self, path: Path) -> None:
        self._studio.album.open_folder(path if path.is_dir() else path.parent)

    def _show_hashing(self, left: int) -> None:
        words = "1 file" if left == 1 else f"{left} files"
        self.hashing.setText(f"Reading {words} for their hashes …" if left else "")

    def _render_empty(self) -> None:
        assets = self._desk.assets
        only_ours = all(source_words(one) == BUILT_IN for one in assets.all)
        self.view.set_hint(_HOW_TO_ADD if only_ours else "")
        if assets.all:
            self.view.set_empty_words("Nothing found", "Escape shows everything again.")
        elif self._studio.library.scanning:
            self.view.set_empty_words("Looking through the folders …", "")
        else:
            self.view.set_empty_words("No models here yet", _HOW_TO_ADD)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._studio.glance.look()
        if not self._looked:
            self._looked = True
            self._desk.look_around()
