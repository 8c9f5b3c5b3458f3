"""The rows of the sidebar that say which text encoders read the prompt."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_app.recipe.draft import Draft
from desktop_app.studio.asset_trouble import find_asset, trouble_of
from desktop_app.studio.editor import Editor
from desktop_app.studio.encoder_choice import Reader, readers, strangers, with_own
from desktop_app.studio.library import LibraryModel
from desktop_app.ui import theme
from desktop_app.ui.asset_row import NONE, OWN, AssetRow
from desktop_app.ui.fields import Combo, Sentence, drop_contents

if TYPE_CHECKING:
    from desktop_app.studio.asset_desk import AssetDesk

_TIP = "What reads the prompt for the model"


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
        self._shown: dict[str, Reader] = {}
        self._rows: dict[str, AssetRow] = {}
        self.trouble = Sentence(state="warn")
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.px(8))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.px(8))
        whole.addLayout(self._column)
        whole.addWidget(self.trouble)
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
        shown = {one.component: one for one in found if one.offered or one.used is not None}
        self._shown = shown
        if [*shown] != [*self._rows]:
            self._make_rows()
        for component, reader in shown.items():
            used = reader.used if reader.used != reader.own else None
            self._rows[component].offer(_usual(reader), reader.offered, used)
        words = self._troubles(draft, found)
        self.trouble.say(words)
        self.setVisible(bool(shown or words))

    @property
    def combos(self) -> dict[str, Combo]:
        """The choices, by the text encoder that each is for."""
        return {component: row.choice for component, row in self._rows.items()}

    def _make_rows(self) -> None:
        drop_contents(self._column)
        self._rows = {}
        for component, reader in self._shown.items():
            row = AssetRow(reader.title, OWN, _TIP, f"Text encoder {reader.title}")
            row.usual_wanted.connect(partial(self._use_own, component))
            row.wanted.connect(self._desk.use)
            self._column.addWidget(row)
            self._rows[component] = row

    def _use_own(self, component: str) -> None:
        self._editor.set(text_encoders=with_own(self._editor.draft, self._shown[component]))

    def _troubles(self, draft: Draft, found: tuple[Reader, ...]) -> str:
        lost = strangers(draft, found)
        if not lost or self._library.current is None:
            return ""
        asset = find_asset(self._desk, lost[0])
        why = trouble_of(lost[0], asset, self._desk, self._library)
        return f"{lost[0].name}: {why}" if why else ""


def _usual(reader: Reader) -> str:
    """What the model reads with when nothing else is chosen."""
    if reader.own is not None:
        return reader.own.name
    return OWN if reader.inside else NONE
