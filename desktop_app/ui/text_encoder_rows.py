"""The rows of the sidebar that say which text encoders read the prompt."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.editor import Editor
from desktop_app.studio.encoder_choice import Reader, readers, strangers, with_reader
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.fields import Combo, Sentence
from desktop_app.ui.number_fields import LABEL_WIDTH, ResetLabel

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

_OWN = "The model\u2019s own"
_NONE = "None"


class TextEncoderRows(QWidget):
    """One row for each text encoder of the model that a file here could stand in for."""

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        desk: "AssetDesk",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._library, self._desk = editor, library, desk
        self._shown: tuple[Reader, ...] = ()
        self.combos: dict[str, Combo] = {}
        self.trouble = Sentence(state="warn")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.px(8))
        self._column.addWidget(self.trouble)
        editor.changed.connect(self._follow)
        library.current_changed.connect(self.show_readers)
        desk.assets.read.connect(self.show_readers)
        desk.hashing.connect(self.show_readers)
        self.show_readers()

    def _follow(self, draft: Draft, before: Draft) -> None:
        if draft.text_encoders != before.text_encoders:
            self.show_readers()

    def show_readers(self) -> None:
        """Offer what fits in each place; what is in use and not here is told below."""
        draft, model = self._editor.draft, self._library.current
        found = readers(draft, model, self._desk.assets.all)
        shown = tuple(one for one in found if one.offered or one.used is not None)
        if [one.component for one in shown] != [one.component for one in self._shown]:
            self._rebuild(shown)
        self._shown = shown
        for reader in shown:
            names, at = _names(reader)
            combo = self.combos[reader.component]
            if names != [combo.itemText(row) for row in range(combo.count())]:
                combo.clear()
                combo.addItems(names)
            combo.setCurrentIndex(at)
        words = self._troubles(draft, found)
        self.trouble.say(words)
        self.setVisible(bool(shown or words))

    def _rebuild(self, shown: tuple[Reader, ...]) -> None:
        while self._column.count() > 1:
            item = self._column.takeAt(0)
            row = item.widget() if item is not None else None
            if row is not None:
                row.hide()
                row.deleteLater()
        self.combos = {}
        for place, reader in enumerate(shown):
            self._column.insertWidget(place, self._row(reader))

    def _row(self, reader: Reader) -> QWidget:
        row = QWidget(self)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.px(10))
        name = ResetLabel(reader.title)
        name.setFixedWidth(theme.px(LABEL_WIDTH))
        name.setToolTip("Double-click for the model\u2019s own")
        name.reset_asked.connect(partial(self._choose, reader.component, 0))
        combo = Combo(f"Text encoder {reader.title}")
        combo.setToolTip("What reads the prompt for the model")
        combo.activated.connect(partial(self._choose, reader.component))
        self.combos[reader.component] = combo
        line.addWidget(name)
        line.addWidget(combo, 1)
        return row

    def _choose(self, component: str, row: int) -> None:
        reader = next((one for one in self._shown if one.component == component), None)
        if reader is None:
            return
        if row == 0:
            refs = with_reader(self._editor.draft, reader, None)
            self._editor.set(text_encoders=refs)
        elif row <= len(reader.offered):
            self._desk.use(reader.offered[row - 1])
        self.show_readers()

    def _troubles(self, draft: Draft, found: tuple[Reader, ...]) -> str:
        lost = strangers(draft, found)
        if not lost or self._library.current is None:
            return ""
        asset = find_asset(self._desk, lost[0])
        why = trouble_of(lost[0], asset, self._desk, self._library)
        return f"{lost[0].name}: {why}" if why else ""


def _names(reader: Reader) -> tuple[list[str], int]:
    """What the row offers, and which of it is in use."""
    first = reader.own.name if reader.own is not None else _OWN if reader.inside else _NONE
    names = [first, *(one.name for one in reader.offered)]
    if reader.used is None or reader.used == reader.own:
        return names, 0
    hashes = [one.sha256 for one in reader.offered]
    if reader.used.sha256 in hashes:
        return names, hashes.index(reader.used.sha256) + 1
    return [*names, reader.used.name], len(names)
