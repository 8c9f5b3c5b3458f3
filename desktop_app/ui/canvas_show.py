"""What is on the canvas: nothing, a contact sheet, one picture, a step of it, or a comparison."""

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QSizeF, Signal
from PySide6.QtGui import QImage

from desktop_app.recipe.recipe import Tiling
from desktop_app.studio.run_state import RunState
from desktop_app.ui.canvas_paint import halves, soften
from desktop_app.ui.compare import Comparison, Mode, Side
from desktop_app.ui.picture_source import Levels, PictureSource
from desktop_app.ui.words import label_of

if TYPE_CHECKING:
    from desktop_app.studio.values import Record

Kind = Literal["empty", "sheet", "single", "compare"]


class CanvasShow(QObject):
    """Chooses between the run that is worked on and the picture the artist wants to see.

    Signals:
        changed(): something else, or something new of it, is to be painted.
        picture_changed(Record | None): the stored picture that the tools act on.
    """

    changed = Signal()
    picture_changed = Signal(object)

    def __init__(self, run: RunState, source: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.source = source
        self.following = True
        self.enlarged: int | None = None
        self.current = 0
        self.comparison: Comparison | None = None
        self.with_record: Record | None = None
        self._with_image: tuple[Side, Mode] | None = None
        self.look_words = ""
        self.tiled = False
        self._record: Record | None = None
        self._told: Record | None = None
        self._look: tuple[QImage, ...] | None = None
        self._soft: dict[int, tuple[int, QImage]] = {}
        self._last: Levels | None = None
        self._run_id = run.run
        run.changed.connect(self._run_changed)
        source.loaded.connect(self._loaded)

    @property
    def kind(self) -> Kind:
        if self.comparison is not None:
            return "compare"
        if self._follows_run():
            return "sheet" if len(self.cells) > 1 and self.enlarged is None else "single"
        return "single" if self._record is not None else "empty"

    @property
    def cells(self) -> tuple[int, ...]:
        """The pictures of the run that have a place: not those that ended before they began."""
        return tuple(
            i for i in range(self.run.size) if not self.run.ended[i] or not self._cell_gone(i)
        )

    @property
    def shows_run(self) -> bool:
        """Whether what is seen belongs to the run that is worked on."""
        return self.comparison is None and self._follows_run()

    @property
    def looking_back(self) -> bool:
        """Whether a step of the timeline is shown in place of the picture."""
        return self._look is not None

    @property
    def cell(self) -> int:
        """The picture of the run that is shown alone."""
        if self.enlarged is not None:
            return self.enlarged
        return next(iter(self.cells), 0)

    @property
    def picture(self) -> "Record | None":
        """The stored picture that is shown alone, which the tools act on."""
        if self.kind == "sheet":
            return None
        if self._follows_run():
            return self.run.results[self.cell]
        return self._record

    def size(self) -> QSizeF:
        """Of the picture on show, in its own pixels, laid out as `tiles` says."""
        if self._follows_run():
            recipe = self.run.recipes[self.cell]
            size = QSizeF(recipe.width, recipe.height)
        elif self._record is not None:
            size = QSizeF(max(self._record.width, 1), max(self._record.height, 1))
        else:
            return QSizeF(1, 1)
        across, down = self.tiles
        return QSizeF(size.width() * across, size.height() * down)

    @property
    def tiling(self) -> Tiling:
        """Along which axes the picture on show alone joins itself."""
        if self.kind != "single":
            return "none"
        recipe = None
        if self._follows_run():
            recipe = self.run.recipes[self.cell]
        elif self._record is not None:
            recipe = self._record.recipe
        return recipe.tiling if recipe is not None else "none"

    @property
    def tiles(self) -> tuple[int, int]:
        """How often the picture is laid side by side and one below the other."""
        if not self.tiled:
            return 1, 1
        return 3 if self.tiling in ("x", "both") else 1, 3 if self.tiling in ("y", "both") else 1

    def show_tiled(self, on: bool) -> None:
        """Show a picture that joins itself as it looks when it is laid out."""
        if on != self.tiled:
            self.tiled = on
            self.changed.emit()

    def levels(self) -> Levels | None:
        """What to paint for the picture on show; None while there is nothing yet."""
        if self._look is not None:
            return self._look
        if self._follows_run():
            return self.cell_levels(self.cell)
        if self._record is None:
            return None
        found = self.source.levels(self._record)
        if found is not None:
            self._last = found
        elif self.source.problem(self._record):
            return None
        return found or self._last

    @property
    def problem(self) -> str:
        """Why the picture on show cannot be seen; empty when it can."""
        return self.source.problem(self._record) if self._record is not None else ""

    def cell_levels(self, i: int) -> Levels | None:
        """The finished picture of the run, or how it looks so far."""
        record = self.run.results[i]
        if record is not None:
            found = self.source.levels(record)
            if found is not None:
                self._soft.pop(i, None)
                return found
        preview = self.run.previews[i]
        if preview is None:
            return None
        kept = self._soft.get(i)
        if kept is None or kept[0] != preview.cacheKey():
            kept = preview.cacheKey(), soften(preview)
            self._soft[i] = kept
        return (kept[1],)

    def show_record(self, record: "Record | None") -> None:
        """Show a stored picture; None goes back to the run."""
        self._look = None
        if record is None:
            self._record, self.comparison = None, None
            self.follow()
            return
        if self._with_image is not None and (self._record is None or self._record.id != record.id):
            # What one picture was made again as has nothing to do with another.
            self._with_image, self.comparison = None, None
        mine = self._cell_of(record)
        if self._follows_run() and mine is not None:
            self.enlarged = mine if len(self.cells) > 1 else None
        else:
            self._record, self.following = record, False
        if self.comparison is not None:
            self._compare_with_shown()
        self._tell()

    def follow(self) -> None:
        """Show the run that is worked on, or the last one."""
        self.following, self.enlarged, self._look, self.comparison = True, None, None, None
        self._with_image = None
        self._tell()

    def enlarge(self, i: int | None) -> None:
        """Show one picture of the contact sheet alone; None goes back to the sheet."""
        if not self._follows_run() or len(self.cells) < 2:
            return
        if i is not None and i not in self.cells:
            return
        if i is not None:
            self.current = i
        self.enlarged, self._look = i, None
        self._tell()

    def look(self, image: QImage | None, words: str = "") -> None:
        """Show a step of the timeline, with words about it; None goes back to the picture."""
        self.look_words = words
        self._look = None if image is None or image.isNull() else (soften(image),)
        self.changed.emit()

    def compare(self, other: "Record | None") -> bool:
        """Hold the picture on show against another; None ends that.

        Returns:
            whether there is something to compare now.
        """
        self.comparison, self.with_record, self._with_image = None, None, None
        shown = self.picture
        if other is not None and shown is not None and other.id != shown.id:
            self.with_record = other
            self._record, self.following = shown, False
            self._look = None
            self._compare_with_shown()
        self._tell()
        return self.with_record is not None

    def compare_image(self, image: QImage, label: str, mode: Mode) -> bool:
        """Hold the picture on show against an image that is in no gallery.

        Returns:
            whether there is a picture on show to compare.
        """
        shown = self.picture
        self.comparison, self.with_record, self._with_image = None, None, None
        if shown is not None:
            self._with_image = Side(label=label, levels=halves(image)), mode
            self._record, self.following = shown, False
            self._look = None
            self._compare_with_shown()
        self._tell()
        return shown is not None

    @property
    def comparing(self) -> bool:
        """Whether the picture on show is held against another, or will be once that is read."""
        return self.with_record is not None or self._with_image is not None

    @property
    def with_image(self) -> bool:
        """Whether it is held against an image that is in no gallery."""
        return self._with_image is not None

    def back(self) -> bool:
        """Leave the innermost thing on show; False when there was nothing to leave."""
        if self._look is not None:
            self.look(None)
        elif self.comparing:
            self.compare(None)
        elif self.enlarged is not None and self._follows_run():
            self.enlarge(None)
        elif not self._follows_run() and self.run.busy:
            self.follow()
        else:
            return False
        return True

    def record_changed(self, record: "Record") -> None:
        """A stored picture has a new star, rating or badge."""
        if self._record is not None and self._record.id == record.id:
            self._record = record
            self._tell()
        if self.with_record is not None and self.with_record.id == record.id:
            self.with_record = record

    def forget(self, ids: set[int]) -> None:
        """Pictures went away."""
        self.source.forget(ids)
        if self.with_record is not None and self.with_record.id in ids:
            self.compare(None)
        if self._record is not None and self._record.id in ids:
            self._record, self._last = None, None
            self.comparison, self.with_record, self._with_image = None, None, None
            self.following = self.run.busy
        if self.enlarged is not None and not self.run.busy and self._cell_gone(self.enlarged):
            self.enlarged = None
        self._tell()

    def _follows_run(self) -> bool:
        if not self.following or not self.run.jobs:
            return False
        return self.run.busy or any(
            one is not None for one in (*self.run.results, *self.run.previews)
        )

    def _cell_gone(self, i: int) -> bool:
        return i >= self.run.size or (self.run.results[i] is self.run.previews[i] is None)

    def _cell_of(self, record: "Record") -> int | None:
        for i, one in enumerate(self.run.results):
            if one is not None and one.id == record.id:
                return i
        return None

    def _run_changed(self) -> None:
        if self.run.run != self._run_id:
            self._run_id = self.run.run
            self._soft.clear()
            if self.following:
                self.enlarged, self.current, self._look = None, 0, None
        if self.current not in self.cells:
            self.current = next(iter(self.cells), 0)
        self._tell()

    def _loaded(self, _: object) -> None:
        if self.comparing and self.comparison is None:
            self._compare_with_shown()
        self._tell()

    @property
    def stopped(self) -> bool:
        """Whether the picture on show ended before it was finished."""
        run = self.run
        if not self._follows_run() or self.kind != "single" or not run.ended[self.cell]:
            return False
        return run.results[self.cell] is None and run.previews[self.cell] is not None

    def _compare_with_shown(self) -> None:
        """Make the comparison once both pictures are read."""
        if self._record is None:
            return
        new, other = self.source.levels(self._record), self._other_side()
        if new is None or other is None:
            return
        side = Side(label=label_of(self._record), levels=new)
        if self.comparison is None:
            mode: Mode = self._with_image[1] if self._with_image is not None else "split"
            self.comparison = Comparison(side, other, mode)
        else:
            self.comparison.replace_new(side)

    def _other_side(self) -> Side | None:
        if self._with_image is not None:
            return self._with_image[0]
        levels = self.source.levels(self.with_record) if self.with_record is not None else None
        if self.with_record is None or levels is None:
            return None
        return Side(label=label_of(self.with_record), levels=levels)

    def _tell(self) -> None:
        shown = self.picture
        if shown is not self._told:
            self._told = shown
            self.picture_changed.emit(shown)
        self.changed.emit()
