"""The window: bar, pages, what floats over them, and the keys that work everywhere."""

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QKeyEvent,
    QKeySequence,
    QPixmapCache,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMainWindow,
    QStackedWidget,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.values import Notice
from desktop_app.ui.create_page import CreatePage
from desktop_app.ui.derived import Derived
from desktop_app.ui.drops import Drops
from desktop_app.ui.explorer_page import ExplorerPage
from desktop_app.ui.gallery_page import GalleryPage
from desktop_app.ui.gallery_search import GalleryFilter
from desktop_app.ui.icons import app_icon
from desktop_app.ui.large_view import LargeView
from desktop_app.ui.library_page import LibraryPage
from desktop_app.ui.notices import Notices
from desktop_app.ui.queue_panel import QueuePanel
from desktop_app.ui.shelf_page import HISTORY, SEEDS, SETTINGS, ShelfPage
from desktop_app.ui.top_bar import TopBar

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.ui.audit_dialog import AuditDialog

CREATE, GALLERY, MODELS, SHELF, EXPLORE = 0, 1, 2, 3, 4
SIZE = (1600, 1000)
CACHE_KB = 96 * 1024
"""For the painted thumbnails of some screens full of pictures."""


class MainWindow(QMainWindow):
    """Everything on screen; it holds no state that the studio has."""

    def __init__(self, studio: "Studio", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._audit_dialog: AuditDialog | None = None
        QPixmapCache.setCacheLimit(max(QPixmapCache.cacheLimit(), CACHE_KB))
        self.setWindowTitle("Mezzotint")
        self.setWindowIcon(app_icon())
        self._build()
        self._connect()
        self._shortcuts()
        self._restore()
        self.show_page(CREATE)

    def _build(self) -> None:
        studio = self._studio
        whole = QWidget(self)
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.filter = GalleryFilter(studio.gallery, self)
        self.bar = TopBar(studio.queue, whole)
        self.pages = QStackedWidget(whole)
        self.create_page = CreatePage(studio, self.filter, self.pages)
        self.gallery_page = GalleryPage(studio, self.filter, self.pages)
        self.pages.addWidget(self.create_page)
        self.pages.addWidget(self.gallery_page)
        self._library_page: LibraryPage | None = None
        self._shelf_page: ShelfPage | None = None
        self._explorer_page: ExplorerPage | None = None
        for _ in (MODELS, SHELF, EXPLORE):
            self.pages.addWidget(QWidget(self.pages))  # until the page is wanted
        column.addWidget(self.bar)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(whole)
        self.large = LargeView(self.create_page.canvas.source, whole)
        self.notices = Notices(whole, above=self.create_page.gallery)
        self.drops = Drops(studio, whole, self.create_page)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        studio = self._studio
        self.bar.page_asked.connect(self.show_page)
        self.bar.queue_asked.connect(self.open_queue)
        self.bar.settings_asked.connect(self.open_settings)
        studio.notice.connect(self.notices.show_notice)
        studio.device_changed.connect(self.bar.show_device)
        studio.engine_state.connect(self.bar.show_engine)
        studio.focus_picture.connect(self._focused)
        self.create_page.gallery_wanted.connect(lambda: self.show_page(GALLERY))
        self.create_page.models_wanted.connect(lambda: self.show_page(MODELS))
        self.create_page.refused.connect(self._refused)
        self.create_page.looked.connect(lambda _: self._look(CREATE))
        self.gallery_page.view.looked.connect(lambda _: self._look(GALLERY))
        self.gallery_page.opened.connect(self._open_picture)
        self.gallery_page.audit_asked.connect(self.open_audit)
        studio.audit.begun.connect(self.open_audit)
        studio.audit.finished.connect(self._audit_finished)
        studio.desk.wanted.connect(self.show_model)
        self.create_page.shelf_wanted.connect(self.show_shelf)
        self.drops.models_taken.connect(lambda: self.show_page(MODELS))
        self.derived = Derived(studio, self, self._find_words)
        self.create_page.prompts.bar.grid_asked.connect(self.derived.open_grid)
        studio.explorer.asked.connect(lambda: self.show_page(EXPLORE))

    def _shortcuts(self) -> None:
        studio = self._studio
        keys = {
            "Ctrl+1": lambda: self.show_page(CREATE),
            "Ctrl+2": lambda: self.show_page(GALLERY),
            "Ctrl+3": lambda: self.show_page(MODELS),
            "Ctrl+4": lambda: self.show_page(SHELF),
            "Ctrl+5": lambda: self.show_page(EXPLORE),
            "Ctrl+G": self.derived.open_grid,
            "Ctrl+Return": self.create_page.generate,
            "Ctrl+Enter": self.create_page.generate,
            "Shift+Return": self.create_page.enqueue,
            "Shift+Enter": self.create_page.enqueue,
            "Ctrl+Shift+Z": studio.editor.redo,
            "Ctrl+Y": studio.editor.redo,
            "Ctrl+Z": studio.editor.undo,
            "Ctrl+,": self.open_settings,
            "Ctrl+F": self._find,
            "Ctrl+Shift+V": studio.restoring.paste,
            "F9": self.create_page.toggle_panels,
            "F11": self.toggle_full_screen,
            "F6": lambda: self.create_page.next_region(1),
            "Shift+F6": lambda: self.create_page.next_region(-1),
        }
        for key, do in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.activated.connect(do)
        quit_ = QShortcut(QKeySequence(QKeySequence.StandardKey.Quit), self)
        quit_.activated.connect(self.close)

    @property
    def page(self) -> int:
        return self.pages.currentIndex()

    @property
    def library_page(self) -> LibraryPage:
        """The page with the models; made when it is wanted for the first time."""
        if self._library_page is None:
            self._library_page = LibraryPage(self._studio, self.pages)
            self._library_page.used.connect(lambda: self.show_page(CREATE))
            self._library_page.escaped.connect(self.escape)
            self._put_page(MODELS, self._library_page)
        return self._library_page

    @property
    def shelf_page(self) -> ShelfPage:
        """The page with what is kept under names; made when it is wanted for the first time."""
        if self._shelf_page is None:
            self._shelf_page = ShelfPage(self._studio, self.pages)
            self._shelf_page.taken.connect(lambda: self.show_page(CREATE))
            self.drops.leave_alone(self._shelf_page)
            self._put_page(SHELF, self._shelf_page)
        return self._shelf_page

    @property
    def explorer_page(self) -> ExplorerPage:
        """The page with the map of noises; made when it is wanted for the first time."""
        if self._explorer_page is None:
            self._explorer_page = ExplorerPage(self._studio, self.pages)
            self._explorer_page.left.connect(lambda: self.show_page(CREATE))
            self.drops.leave_alone(self._explorer_page)
            self._put_page(EXPLORE, self._explorer_page)
        return self._explorer_page

    def _put_page(self, number: int, page: QWidget) -> None:
        before = self.pages.widget(number)
        self.pages.insertWidget(number, page)
        if before is not None:
            self.pages.removeWidget(before)
            before.deleteLater()
        self.drops.watch(self)

    def show_shelf(self, part: str = "seeds") -> None:
        """Show the shelf.

        Args:
            part: `seeds`, `settings` or `history`.
        """
        tabs = {"seeds": SEEDS, "settings": SETTINGS, "history": HISTORY}
        self.show_page(SHELF)
        self.shelf_page.show_tab(tabs[part])

    def show_model(self, path: Path) -> None:
        """Show the model at a place on the disk, on the page with the models."""
        self.show_page(MODELS)
        self.library_page.show_asset(path)

    def show_page(self, page: int) -> None:
        """Show the page of that number and give it the focus."""
        if page == MODELS:
            self.library_page.view.setFocus()
        elif page == SHELF:
            self.shelf_page.refresh()
        elif page == EXPLORE:
            self.explorer_page.map.setFocus()
        self.pages.setCurrentIndex(page)
        self.bar.show_page(page)
        if page == GALLERY:
            self.gallery_page.view.setFocus()
            picture = self.create_page.canvas.picture
            if picture is not None:
                self.gallery_page.view.show_current(picture.id)
        elif self.isVisible() and page == CREATE:
            self.create_page.canvas.canvas.setFocus()

    def toggle_full_screen(self) -> None:
        """Fill the screen, or go back."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def open_queue(self) -> QueuePanel:
        """Open the sheet with the queue below its button."""
        studio = self._studio
        panel = QueuePanel(
            self.bar.queue, studio.queue, cancel=studio.cancel_job, clear=studio.clear_queue
        )
        panel.open(panel)
        return panel

    def open_settings(self) -> QDialog:
        """Open the program's settings."""
        from desktop_app.ui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._studio, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog

    def open_audit(self) -> None:
        """Open the report on the pictures that are verified in one go."""
        from desktop_app.ui.audit_dialog import AuditDialog

        if self._audit_dialog is None:
            self._audit_dialog = AuditDialog(self._studio, self)
            self._audit_dialog.opened.connect(self._open_picture)
        self._audit_dialog.show()
        self._audit_dialog.raise_()

    def _audit_finished(self) -> None:
        shown = self._audit_dialog is not None and self._audit_dialog.isVisible()
        audit = self._studio.audit
        if not shown and audit.rows:
            self.notices.show_notice(
                Notice(
                    text=f"Verified {audit.summary()}",
                    action="Show the report",
                    act=self.open_audit,
                    seconds=0,
                )
            )

    def escape(self) -> None:
        """Leave what is on top: the step looked at, the comparison, the run, the full screen."""
        canvas = self.create_page.canvas
        if canvas.leave():
            return
        if self._studio.run.busy:
            self._studio.cancel()
        elif canvas.showing.back() or self.notices.dismiss_last():
            return
        elif self.isFullScreen():
            self.showNormal()

    def _focused(self, record: object) -> None:
        if record is None and self.page != CREATE:
            self.show_page(CREATE)

    def _refused(self, notice: Notice) -> None:
        if self.page != CREATE:
            self.show_page(CREATE)
        self.notices.show_notice(notice)

    def _open_picture(self, picture: int) -> None:
        self._studio.show(picture)
        self.show_page(CREATE)

    def _look(self, page: int) -> None:
        view = self.gallery_page.view if page == GALLERY else self.create_page.gallery.view
        records = view.records()
        if records:
            self.large.open(records[0], view)

    def _find_words(self, words: str) -> None:
        self.filter.set_words(words)
        self.show_page(GALLERY)

    def _find(self) -> None:
        field = self.create_page.gallery.search.field
        if self.page == SHELF:
            self.shelf_page.find_words()
            return
        if self.page == MODELS:
            field = self.library_page.filters.field
        elif self.page == GALLERY:
            field = self.gallery_page.search.field
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        field.selectAll()

    def _restore(self) -> None:
        """The window as it was left; the usual size where that cannot be read."""
        geometry = self._studio.settings.values.window_geometry
        try:
            data = base64.b64decode(geometry, validate=True)
        except (ValueError, binascii.Error):
            data = b""
        if not data or not self.restoreGeometry(QByteArray(data)):
            room = QApplication.primaryScreen().availableGeometry().size()
            # How high a frame the system will put around it is known only once it is shown.
            bar = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
            self.resize(min(SIZE[0], room.width()), min(SIZE[1], room.height() - bar))
        self.create_page.restore_splitters()

    def _remember(self) -> None:
        if not self.isFullScreen():
            data = base64.b64encode(self.saveGeometry().data()).decode("ascii")
            self._studio.settings.set(window_geometry=data)
        self.create_page.remember_splitters()
        if self._library_page is not None:
            self._library_page.remember()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.escape()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            QTimer.singleShot(0, self, lambda: self.drops.watch(self))
            self.create_page.prompts.focus_prompt()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._remember()
        self.create_page.canvas.close_source()
        super().closeEvent(event)
