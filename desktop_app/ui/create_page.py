"""The Create page: prompt panel, canvas with timeline and gallery strip, parameter sidebar."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop_app.studio.values import Notice
from desktop_app.ui import theme
from desktop_app.ui.branch_banner import BranchBanner
from desktop_app.ui.branch_lock import BranchLock
from desktop_app.ui.canvas_panel import CanvasPanel
from desktop_app.ui.fields import Separator
from desktop_app.ui.gallery_panel import GalleryPanel
from desktop_app.ui.gallery_search import GalleryFilter
from desktop_app.ui.number_fields import NumberEdit
from desktop_app.ui.parameter_sidebar import ParameterSidebar
from desktop_app.ui.prompt_panel import PromptPanel
from desktop_app.ui.seed_field import SeedEdit
from desktop_app.ui.timeline_strip import TimelineStrip
from desktop_app.ui.welcome import open_folder

if TYPE_CHECKING:
    from desktop_app.studio.studio import Studio
    from desktop_app.studio.values import Record
    from desktop_app.ui.why_dialog import WhyDialog

PROMPT_WIDTH, SIDEBAR_WIDTH = 330, 312
STRIP_HEIGHT, STRIP_LOW = 196, 148
"""Of the gallery strip in a high and in a low window."""


class CreatePage(QWidget):
    """Joins the parts of the page to each other and to the studio's verbs.

    Signals:
        gallery_wanted(): the gallery as a full page.
        looked(int): a large view of a picture of the strip.
        models_wanted(): the page with all models.
        refused(Notice): nothing is made, because what stands in a field is not taken.
        shelf_wanted(str): the shelf: `seeds`, `settings` or `history`.
    """

    gallery_wanted = Signal()
    models_wanted = Signal()
    looked = Signal(object)
    refused = Signal(object)
    shelf_wanted = Signal(str)

    def __init__(
        self, studio: "Studio", filter_: GalleryFilter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._fresh = True
        self._build(filter_)
        self._connect()

    def _build(self, filter_: GalleryFilter) -> None:
        studio = self._studio
        self.prompts = PromptPanel(
            editor=studio.editor,
            styles=studio.styles,
            library=studio.library,
            tokens=studio.tokens,
            names=studio.names,
            inline=studio.inline,
            run=studio.run,
            history=studio.prompt_history,
        )
        self.sidebar = ParameterSidebar(
            editor=studio.editor,
            seeds=studio.seeds,
            library=studio.library,
            desk=studio.desk,
            settings=studio.settings,
            run=studio.run,
            proofs=studio.proofs,
            random_seed=studio.random_seed,
            save_seed=studio.save_seed_preset,
        )
        self.canvas = CanvasPanel(studio, self)
        self.timeline = TimelineStrip(studio.timeline, self)
        self.gallery = GalleryPanel(studio, filter_, self)
        self.banner = BranchBanner(studio.branching, self)
        self.prompts.put_on_top(self.banner)
        self._lock()
        self.across = QSplitter(Qt.Orientation.Horizontal, self)
        self.down = QSplitter(Qt.Orientation.Vertical, self)
        under = QWidget(self)
        column = QVBoxLayout(under)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.timeline)
        column.addWidget(Separator(under))
        column.addWidget(self.gallery, 1)
        self._under = under
        self.down.addWidget(self.canvas)
        self.down.addWidget(under)
        self.across.addWidget(self.prompts)
        self.across.addWidget(self.down)
        self.across.addWidget(self.sidebar)
        for splitter, name in ((self.across, "across"), (self.down, "down")):
            splitter.setObjectName(name)
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
        self.across.setStretchFactor(1, 1)
        self.down.setStretchFactor(0, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.across)

    def _lock(self) -> None:
        """A branch has the size and the model of its picture, and begins with no noise."""
        picture, model, seed = self.sidebar.picture, self.sidebar.model, self.sidebar.seed
        why = "A branch has the %s of its picture. Leave the branch to choose another."
        size = (picture.shapes, picture.width_edit, picture.height_edit)
        BranchLock(self._studio.editor, size, why % "size", self)
        BranchLock(self._studio.editor, (model.combo,), why % "model", self)
        why = "A branch does not begin with noise: variations wait until it is left."
        BranchLock(self._studio.editor, (seed.variation,), why, self)

    def _connect(self) -> None:
        studio = self._studio
        self.timeline.branch_asked.connect(studio.branching.begin_at)
        self.timeline.steps_asked.connect(studio.films.show_steps)
        self.timeline.film_asked.connect(self.export_steps)
        self.prompts.generate_asked.connect(self.generate)
        self.prompts.enqueue_asked.connect(self.enqueue)
        self.canvas.generate_asked.connect(self.generate)
        self.prompts.cancel_asked.connect(studio.cancel)
        self.prompts.wildcards_asked.connect(studio.open_wildcards_folder)
        self.sidebar.dice_thrown.connect(studio.dice)
        self.sidebar.model_chosen.connect(studio.choose_model)
        self.sidebar.rescan_asked.connect(studio.library.rescan)
        self.sidebar.folder_asked.connect(self._open_models)
        self.sidebar.models_asked.connect(self.models_wanted)
        self.sidebar.shelf_asked.connect(self.shelf_wanted)
        self.sidebar.verify_asked.connect(studio.again.reproduce)
        self.sidebar.difference_asked.connect(self.canvas.show_difference)
        self.sidebar.why_asked.connect(self.tell_why)
        self.canvas.showing.changed.connect(self._show_compared)
        studio.focus_picture.connect(self.canvas.show_record)
        studio.gallery.total_changed.connect(self._first_pictures)
        studio.album.updated.connect(self.canvas.records_changed)
        studio.album.gone.connect(self.canvas.records_gone)
        self.canvas.picture_changed.connect(self._picture_changed)
        self.canvas.neighbour_wanted.connect(self.gallery.view.step)
        self.canvas.canvas.panels_toggled.connect(self.toggle_panels)
        self.gallery.view.chosen.connect(self._chosen)
        self.gallery.view.selectionModel().selectionChanged.connect(self._offer_other)
        self.gallery.view.opened.connect(self._opened)
        self.gallery.view.looked.connect(self.looked)
        self.gallery.page_wanted.connect(self.gallery_wanted)

    @Slot()
    def generate(self) -> None:
        """Make the pictures, once every field is taken."""
        if self._settled():
            self._studio.generate()

    @Slot()
    def enqueue(self) -> None:
        """Queue the pictures, once every field is taken."""
        if self._settled():
            self._studio.enqueue()

    def tell_why(self, picture: int) -> "WhyDialog | None":
        """Open the explanation of the last verdict on a picture; None when there is none."""
        from desktop_app.ui.why_dialog import WhyDialog

        verdict = self._studio.proofs.verdict(picture)
        if verdict is None or verdict.evidence is None:
            return None
        dialog = WhyDialog(self._studio, picture, verdict, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog

    def _show_compared(self) -> None:
        self.sidebar.proof.show_compared(self.canvas.showing.with_image)

    def _settled(self) -> bool:
        """Whether what is seen is what will be made; else the field to correct gets the focus."""
        found = self._first_refused()
        if found is None:
            return True
        field, sentence = found
        self.refused.emit(Notice(text=f"Nothing was made yet. {sentence}", kind="warn"))
        if self.prompts.isHidden():
            self.toggle_panels()
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        parent = field.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        if parent is not None:
            parent.ensureWidgetVisible(field)
        return False

    def _first_refused(self) -> tuple[QWidget, str] | None:
        for panel in (self.prompts, self.sidebar):
            for field in panel.findChildren(QLineEdit):
                if isinstance(field, NumberEdit | SeedEdit) and field.isVisibleTo(panel):
                    sentence = field.check()
                    if sentence:
                        return field, sentence
        return self.prompts.refused()

    def export_steps(self) -> QDialog | None:
        """Ask what film the steps on the timeline shall become."""
        from desktop_app.ui.film_dialog import FilmDialog

        studio = self._studio
        recipe = studio.timeline.recipe
        if recipe is None:
            return None
        dialog = FilmDialog(studio.films, recipe, studio.paths.pictures, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog

    def toggle_panels(self) -> None:
        """Hide everything beside the canvas, or bring it back."""
        show = self.prompts.isHidden()
        for part in (self.prompts, self.sidebar, self._under):
            part.setVisible(show)
        if not show:
            self.canvas.canvas.setFocus()

    def next_region(self, by: int) -> None:
        """Move the focus to the next part of the page that is visible."""
        regions: list[QWidget] = [
            self.prompts.prompt,
            self.canvas.canvas,
            self.timeline.film,
            self.gallery.view,
            self.sidebar,
        ]
        seen = [one for one in regions if one.isVisible()]
        focus = self.window().focusWidget()
        at = next((i for i, one in enumerate(seen) if _inside(focus, one)), -by)
        target = seen[(at + by) % len(seen)]
        if target is self.sidebar:
            self.sidebar.focusNextChild()
            first = next(
                (
                    one
                    for one in self.sidebar.findChildren(QWidget)
                    if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible()
                ),
                self.sidebar,
            )
            target = first
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def restore_splitters(self) -> None:
        """The parts as wide and high as they were left."""
        kept = self._studio.settings.values.splitters
        strip = theme.px(STRIP_HEIGHT if self.window().height() >= 900 else STRIP_LOW)
        usual = {
            "across": (theme.px(PROMPT_WIDTH), 1600, theme.px(SIDEBAR_WIDTH)),
            "down": (1000, strip + self.timeline.sizeHint().height()),
        }
        for splitter in (self.across, self.down):
            name = splitter.objectName()
            sizes = tuple(theme.px(one) for one in kept.get(name, ()) if one)
            if len(sizes) != splitter.count():
                sizes = usual[name]
            splitter.setSizes(list(sizes))

    def remember_splitters(self) -> None:
        """Keep the widths and heights; not while the panels are hidden."""
        if not self.prompts.isHidden():
            sizes = {
                one.objectName(): tuple(map(theme.units, one.sizes()))
                for one in (self.across, self.down)
            }
            self._studio.settings.set(splitters={**self._studio.settings.values.splitters, **sizes})

    def _first_pictures(self) -> None:
        """Begin where the last session ended: with its newest picture."""
        if self._fresh and self._studio.gallery.total:
            self._fresh = False
            newest = self._studio.gallery.id_at(0)
            if newest is not None and self.canvas.showing.kind == "empty":
                self._studio.show(newest)

    def _open_models(self) -> None:
        open_folder(self._studio.library.models_folder)

    def _chosen(self, picture: int) -> None:
        shown = self.canvas.picture
        if shown is None or shown.id != picture:
            self._studio.show(picture)

    def _opened(self, picture: int) -> None:
        self._studio.show(picture)
        self.canvas.canvas.setFocus()

    def _picture_changed(self, record: "Record | None") -> None:
        self.gallery.view.show_current(record.id if record is not None else None)
        self.sidebar.show_picture(record)
        self._offer_other()

    def _offer_other(self) -> None:
        """Compare with the other selected picture, else with the one made before this one."""
        shown = self.canvas.picture
        other: Record | None = None
        if shown is not None:
            gallery = self._studio.gallery
            others = [one for one in self.gallery.view.selected() if one != shown.id]
            row = gallery.index_of(shown.id).row()
            number = others[0] if others else gallery.id_at(row + 1)
            if number is None and row > 0:
                number = gallery.id_at(row - 1)
            other = gallery.record_of(number) if number is not None else None
        self.canvas.offer_other(other)


def _inside(widget: QWidget, region: QWidget) -> bool:
    return widget is region or region.isAncestorOf(widget)
