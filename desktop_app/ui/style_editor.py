"""The style chips of the prompt panel, and the sheet in which a style is written."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLineEdit, QMenu, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from desktop_app.errors import AppError
from desktop_app.recipe.styles import Style
from desktop_app.studio.styles import StyleModel
from desktop_app.ui import icons, theme
from desktop_app.ui.chips import Chip, ChipRow
from desktop_app.ui.fields import Refusal, label
from desktop_app.ui.popover import NAME_MAX, Popover

_NONE = "\0none"
_NEW = "\0new"
_FOLD = "\0fold"
SHOWN_MAX = 6
"""Styles that are chips while the others are folded away; those that are on stay."""
WORDS_MAX = 2000
"""Characters of a style's words."""


class StyleChips(QWidget):
    """The styles as chips: click to put one on or take it off; the menu edits and deletes."""

    def __init__(self, styles: StyleModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._styles = styles
        self._open = False
        self.row = ChipRow("Styles")
        self.refusal = Refusal()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(4))
        column.addWidget(self.row)
        column.addWidget(self.refusal)
        self.row.clicked.connect(self._click)
        self.row.menu_asked.connect(self._menu)
        styles.modelReset.connect(self._fill)
        styles.dataChanged.connect(self._mark)
        self._fill()

    def _fill(self) -> None:
        known = self._styles.by_name
        folds = len(known) > SHOWN_MAX + 1
        on = self._on()
        shown = [
            name
            for at, name in enumerate(known)
            if self._open or not folds or at < SHOWN_MAX or name in on
        ]
        chips = [Chip(key=name, tooltip=_words(known[name])) for name in shown]
        chips.append(Chip(key=_NONE, text="None", tooltip="The prompt as it is typed"))
        if folds:
            more = len(known) - len(shown)
            text = "Fewer" if self._open else f"{more} more…"
            name = "Show fewer styles" if self._open else f"Show {more} more styles"
            chips.append(Chip(key=_FOLD, text=text, name=name, tooltip=name, checkable=False))
        new = "Write a style of your own"
        chips.append(Chip(key=_NEW, text="+", tooltip=new, name=new, checkable=False))
        self.row.set_chips(chips)
        self.row.set_checked(on or [_NONE])

    def _on(self) -> list[str]:
        role = StyleModel.Role
        rows = (self._styles.index(row) for row in range(self._styles.rowCount()))
        return [index.data(role.NAME) for index in rows if index.data(role.ON)]

    def _mark(self) -> None:
        on = self._on()
        if set(on) <= set(self.row.shown()):
            self.row.set_checked(on or [_NONE])
        else:
            self._fill()

    def _click(self, key: str) -> None:
        if key == _NEW:
            self.edit("")
        elif key == _FOLD:
            self._open = not self._open
            self._fill()
        elif key == _NONE:
            self.refusal.attempt(self._styles.none)
        else:
            self.refusal.attempt(lambda: self._styles.toggle(key))

    def menu(self, key: str) -> QMenu:
        """What can be done with one style."""
        menu = QMenu(self)
        style = self._styles.by_name.get(key)
        if style is not None:
            edit = menu.addAction(icons.icon("pencil", "text.2", 16), "Edit…")
            edit.triggered.connect(lambda: self.edit(key))
            if not self._built_in(key):
                delete = menu.addAction(icons.icon("trash-2", "text.2", 16), "Delete")
                delete.setToolTip("A style of the program with this name comes back")
                delete.triggered.connect(lambda: self._styles.delete(key))
            menu.addSeparator()
        new = menu.addAction(icons.icon("plus", "text.2", 16), "New style…")
        new.triggered.connect(lambda: self.edit(""))
        return menu

    def _menu(self, key: str, at: QPoint) -> None:
        menu = self.menu(key)
        menu.exec(at)
        menu.deleteLater()

    def _built_in(self, name: str) -> bool:
        return self._styles.built_in(name)

    def edit(self, name: str) -> "StyleForm":
        """Open the sheet for the style `name`, or for a new one."""
        key = name if name in self.row.shown() else _NEW
        sheet = StyleForm(self.row.button(key), self._styles.by_name.get(name), self._save)
        sheet.show_it()
        return sheet

    def _save(self, style: Style, replaces: str) -> None:
        if style.name != replaces and style.name in self._styles.by_name:
            raise AppError("style-name", f"There is a style called “{style.name}” already.")
        own = bool(replaces) and not self._built_in(replaces)
        self._styles.save(style, instead_of=replaces if own else "")


class StyleForm(Popover):
    """Name, words and words to avoid of one style.

    Args:
        style: the one to change; None for a new one.
        save: called with the style and the name it had; it may raise AppError.
    """

    def __init__(
        self, anchor: QWidget, style: Style | None, save: Callable[[Style, str], object]
    ) -> None:
        title = "Edit style" if style else "New style"
        super().__init__(anchor, title, 300)
        self._style = style
        self._replaces = style.name if style else ""
        self._save = save
        self.name = QLineEdit(self._replaces)
        self.name.setMaxLength(NAME_MAX)
        self.name.setAccessibleName("Name of the style")
        self.prompt = _text(style.prompt if style else "", "Words added to the prompt")
        self.negative = _text(style.negative_prompt if style else "", "Words added to Avoid")
        self.refusal = Refusal()
        hint = label("Write {prompt} where the prompt goes; else these words follow it.", "hint")
        hint.setWordWrap(True)
        self.button = QPushButton("Save")
        self.button.setProperty("primary", True)
        parts = (
            label(title, "title"),
            label("Name"),
            self.name,
            label("Words added to the prompt"),
            self.prompt,
            hint,
            label("Words added to Avoid"),
            self.negative,
            self.refusal,
            self.button,
        )
        for part in parts:
            self.column.addWidget(part)
        self.button.clicked.connect(self._finish)
        self.name.returnPressed.connect(self._finish)

    def show_it(self) -> None:
        """Open with the focus in the first field."""
        self.open(self.name)

    def _finish(self) -> None:
        if self.refusal.attempt(self._check_and_save):
            self.close()
        else:
            self.fit()

    def _check_and_save(self) -> None:
        name = self.name.text().strip()
        prompt, negative = (edit.toPlainText().strip() for edit in (self.prompt, self.negative))
        if not name:
            raise AppError("style-name", "Give the style a name.")
        if not prompt and not negative:
            raise AppError("style-words", "A style needs some words.")
        if max(len(prompt), len(negative)) > WORDS_MAX:
            raise AppError("style-words", f"A style may have {WORDS_MAX} characters.")
        style = self._style or Style(name=name, prompt=prompt)
        style = replace(style, name=name, prompt=prompt, negative_prompt=negative)
        self._save(style, self._replaces)


def _text(text: str, name: str) -> QPlainTextEdit:
    made = QPlainTextEdit(text)
    made.setAccessibleName(name)
    made.setTabChangesFocus(True)
    made.setFixedHeight(theme.px(62))
    return made


def _words(style: Style) -> str:
    avoid = f"\nAvoid: {style.negative_prompt}" if style.negative_prompt else ""
    return f"{style.prompt}{avoid}"
