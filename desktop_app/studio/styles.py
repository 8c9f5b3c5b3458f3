"""StyleModel: the style chips, those of the program and the artist's own."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Slot

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset_file import STYLES
from desktop_app.recipe.styles import Style
from desktop_app.studio.background import Background
from desktop_app.studio.editor import Editor
from desktop_app.studio.preset_model import PresetModel
from desktop_app.studio.small_pictures import SmallPictures


class StyleModel(PresetModel[Style]):
    """The style chips; the artist's own may replace those of the program."""

    def __init__(
        self,
        editor: Editor,
        disk: Background,
        pictures: SmallPictures,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(STYLES, disk, pictures, parent)
        self._editor = editor
        editor.changed.connect(self._follow)

    @property
    def by_name(self) -> Mapping[str, Style]:
        return {style.name: style for style in self._rows}

    def toggle(self, name: str) -> None:
        """Put a style on the draft, or take it off."""
        styles = self._editor.draft.styles
        on = name in styles
        self._editor.set(
            styles=tuple(one for one in styles if one != name) if on else (*styles, name)
        )

    def none(self) -> None:
        """Take all styles off the draft."""
        self._editor.set(styles=())

    def save(self, style: Style, *, instead_of: str = "") -> None:
        """Keep a style of the artist's own; one of the same name is replaced.

        Args:
            instead_of: one of the artist's own that it is the new form of.
        """
        self.put(style, instead_of=instead_of)

    def built_in(self, name: str) -> bool:
        """Whether a style is the program's own."""
        return name in self.by_name and name not in self._own

    def is_on(self, preset: Style) -> bool:
        return preset.name in self._editor.draft.styles

    def _show(self, rows: tuple[Style, ...], own: frozenset[str]) -> None:
        gone = {row.name for row in self._rows} - {row.name for row in rows}
        new = [row.name for row in rows if row.name not in {one.name for one in self._rows}]
        super()._show(rows, own)
        # A chip that no longer exists must not stay switched on where no one can see it; one that
        # was renamed stays on under its new name.
        renamed = {gone.pop(): new[0]} if len(gone) == 1 == len(new) else {}
        known = self.by_name
        styles = (renamed.get(name, name) for name in self._editor.draft.styles)
        self._editor.adjust(styles=tuple(name for name in styles if name in known))

    @Slot(object, object)
    def _follow(self, draft: Draft, before: Draft) -> None:
        for row, style in enumerate(self._rows):
            if (style.name in draft.styles) != (style.name in before.styles):
                self.dataChanged.emit(self.index(row), self.index(row), [int(self.Role.ON)])
