"""The seed: its number in full, dice, what happens to it after a run, copy and bookmark."""

import re
from math import ceil

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QActionGroup,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.recipe.draft import SEED_RULES, SeedRule
from desktop_app.recipe.recipe import SEED, SEED_MAX
from desktop_app.ui import icons, theme
from desktop_app.ui.fields import IconButton, Refusal, SectionTitle, restyle, settles
from desktop_app.ui.words import grouped

_NAMED = re.compile(r"seed\W{0,3}(\d[\d \u00a0\u202f_,.']*)", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:[ \u00a0\u202f_,.']\d{3})+(?!\d)|\d+")
_WHOLE = re.compile(r"[0-9]{1,20}|[0-9]{1,3}(?:[ \u00a0\u202f_,][0-9]{3}){1,6}")
_REFUSAL = f"A seed is a whole number from 0 to {SEED_MAX:,}.".replace(",", "\u00a0")

_SIZES = (theme.TEXT_PX, 12, 11)
"""Pixels of the number at 100 % text size: the largest of them that it fits in."""
_PADDING = 7
"""Pixels beside the number, as the stylesheet has them."""
_GAP = 0.4
"""Part of the font's size that is taken from the space between groups where room is short."""

RULES: dict[SeedRule, tuple[str, str, str]] = {
    "random": ("lock-open", "A new seed after each run", "New each run"),
    "keep": ("lock", "The seed stays as it is", "Keep"),
    "step": ("plus-one", "The seed moves on after each run, picture by picture", "Count up"),
}
"""Icon, tooltip and menu text of each seed rule."""


def seed_in(text: str) -> int | None:
    """The seed that is meant in some text: after the word seed, else the first number; or None."""
    named = _NAMED.search(text)
    found = _NUMBER.search(named[1] if named else text)
    if found is None or len(found[0]) > 40:
        return None
    seed = int(re.sub(r"\D", "", found[0]))
    return seed if seed <= SEED_MAX else None


class SeedEdit(QLineEdit):
    """One seed, 0 ... 2**64 - 1; grouped while it is looked at, plain while it is edited.

    A number too long for the field is written smaller and with narrower gaps.

    Signals:
        edited(int): another seed was typed or pasted.
        refused(str): why the entry is not taken; empty when all is well again.
        fitted(): the number it shows has another width now.
    """

    edited = Signal(object)
    refused = Signal(str)
    fitted = Signal()

    def __init__(self, name: str = "Seed", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 0
        self._before = ""
        self._refusal = ""
        self.setAccessibleName(name)
        self.setToolTip(
            f"{name}: 0 to {grouped(SEED_MAX)}. The same seed and settings give the same picture."
            "\nPaste any text with a number in it."
        )
        self.setProperty("seed", True)
        self.setText(grouped(0))
        self._fit()
        self.textEdited.connect(self._typed)
        self.textChanged.connect(self._fit)
        self.editingFinished.connect(self._finish)

    @property
    def value(self) -> int:
        return self._value

    def set_value(self, seed: int) -> None:
        """Show `seed`."""
        if seed == self._value:
            return
        self._value = seed
        self.refuse("")
        self._show()

    def refuse(self, sentence: str) -> None:
        """Mark the entry as not taken, with the reason; an empty one clears the mark."""
        if sentence == self._refusal:
            return
        self._refusal = sentence
        restyle(self, "refused", bool(sentence))
        self.setAccessibleDescription(sentence)
        self.refused.emit(sentence)

    def check(self) -> str:
        """Judge the entry as it stands; why it is not taken, empty when it is."""
        self._finish()
        return self._refusal

    def _show(self) -> None:
        text = str(self._value) if self.hasFocus() else grouped(self._value)
        if text != self.text() and not (self.hasFocus() and self._parsed() == self._value):
            self.setText(text)
        self._before = self.text()
        self.fitted.emit()

    def least_width(self) -> int:
        """Pixels in which the whole number can be read, at its smallest."""
        return ceil(self._wide(_fonts()[-1])) + self._frame()

    def _fit(self) -> None:
        room = self.width() - self._frame()
        fonts = _fonts()
        fitting = next((one for one in fonts if self._wide(one) <= room), fonts[-1])
        if fitting != self.font():
            self.setFont(fitting)

    def _wide(self, font: QFont) -> float:
        return QFontMetricsF(font).horizontalAdvance(grouped(self._value))

    @staticmethod
    def _frame() -> int:
        """Pixels beside the text: the stylesheet's, and the two that Qt keeps free itself."""
        return 2 * (theme.px(_PADDING) + 1 + 2)

    def _parsed(self) -> int | None:
        text = self.text().strip()
        if _WHOLE.fullmatch(text) is None:
            return None
        seed = int(re.sub(r"\D", "", text))
        return seed if seed <= SEED_MAX else None

    def _typed(self, text: str) -> None:
        pasted = abs(len(text) - len(self._before)) > 1 and not text.strip().isdigit()
        found = seed_in(text) if pasted else None
        if found is not None:
            self.setText(str(found))
        self._before = self.text()
        seed = self._parsed()
        if seed is None:
            self.refuse(_REFUSAL if text.strip() else "")
            return
        self.refuse("")
        if seed != self._value:
            self._value = seed
            self.edited.emit(seed)

    def _finish(self) -> None:
        if self._parsed() is None:
            self.refuse(_REFUSAL)

    def event(self, event: QEvent) -> bool:
        return settles(event, lambda: self._parsed() != self._value) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is not None and 0 <= self._value + step <= SEED_MAX:
            self._value += step
            self.setText(str(self._value))
            self.refuse("")
            self.edited.emit(self._value)
        elif event.key() == Qt.Key.Key_Escape and self._parsed() != self._value:
            self.setText(str(self._value))
            self.refuse("")
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self._refusal:
            self.setText(str(self._value))
            self._before = self.text()
        if event.reason() != Qt.FocusReason.MouseFocusReason:
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self._refusal and event.reason() != Qt.FocusReason.PopupFocusReason:
            self.setText(grouped(self._value))
            self.fitted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._fit()


class SeedField(QWidget):
    """The seed with its buttons. It holds no truth: edits are reported, `show_seed` shows.

    In a panel so narrow that a seed cannot be read beside the buttons, they go below it.

    Signals:
        edited(int): another seed.
        dice_thrown(): a new random seed is wanted.
        rule_chosen(str): what shall happen to the seed after a run.
        bookmark_asked(): the seed shall be kept under a name.
        history_asked(): the seeds used last are wanted.
    """

    edited = Signal(object)
    dice_thrown = Signal()
    rule_chosen = Signal(str)
    bookmark_asked = Signal()
    history_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rule: SeedRule = "random"
        self.edit = SeedEdit()
        self.dice = IconButton("dices", "New random seed", side=32)
        self.rule = IconButton("lock-open", "Seed rule", checkable=True, side=32)
        self.bookmark = IconButton("bookmark", "Keep this seed on the shelf", side=32)
        self.history = IconButton("history", "The last seeds", flat=True, size=14, side=22)
        self.refusal = Refusal()
        self.copy = IconButton("copy", "Copy the seed", flat=True, size=14, side=22)
        self._build()
        self._connect()
        self.show_seed(0, "random")

    def _build(self) -> None:
        self.edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head = QHBoxLayout()
        head.setSpacing(theme.px(4))
        head.addWidget(SectionTitle("Seed"), 1)
        head.addWidget(self.history)
        head.addWidget(self.copy)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(4))
        row.addStretch(1)
        for button in (self.dice, self.rule, self.bookmark):
            row.addWidget(button)
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._line.setSpacing(theme.px(4))
        self._line.addWidget(self.edit, 1)
        self._line.addWidget(self._buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(6))
        column.addLayout(head)
        column.addLayout(self._line)
        column.addWidget(self.refusal)
        self.rule.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)

    def _connect(self) -> None:
        self.edit.edited.connect(self.edited)
        self.edit.refused.connect(self.refusal.say)
        self.edit.fitted.connect(self._fit)
        self.copy.clicked.connect(self._copy_seed)
        self.dice.clicked.connect(self.dice_thrown)
        self.rule.clicked.connect(self._next_rule)
        self.bookmark.clicked.connect(self.bookmark_asked)
        self.history.clicked.connect(self.history_asked)

    def show_seed(self, seed: int, rule: SeedRule) -> None:
        """Show the seed and its rule."""
        self.edit.set_value(seed)
        self._rule = rule
        picture, tooltip, _ = RULES[rule]
        self.rule.setChecked(rule != "random")
        self.rule.set_icon(picture)
        self.rule.set_name(f"Seed rule: {tooltip}", f"{tooltip}\nClick for the next rule")

    def refuse(self, error: AppError) -> None:
        self.edit.refuse(str(error))

    def rule_menu(self) -> QMenu:
        """The three rules by name, the one in use marked."""
        menu = QMenu(self)
        group = QActionGroup(menu)
        for rule in SEED_RULES:
            action = menu.addAction(icons.icon(RULES[rule][0], "text.2", 16), RULES[rule][2])
            action.setCheckable(True)
            action.setChecked(rule == self._rule)
            action.setActionGroup(group)
            action.triggered.connect(lambda _=False, chosen=rule: self.rule_chosen.emit(chosen))
        return menu

    def _next_rule(self) -> None:
        now = self._rule
        self.rule.setChecked(now != "random")
        self.rule_chosen.emit(SEED_RULES[(SEED_RULES.index(now) + 1) % len(SEED_RULES)])

    def _copy_seed(self) -> None:
        QGuiApplication.clipboard().setText(str(self.edit.value))

    def _fit(self) -> None:
        """Beside the buttons if the whole number fits there, else above them."""
        room = self.width() - self._buttons.sizeHint().width() - theme.px(4)
        fits = self.edit.least_width() <= room or self.width() < theme.px(80)
        direction = QBoxLayout.Direction
        wanted = direction.LeftToRight if fits else direction.TopToBottom
        if self._line.direction() != wanted:
            self._line.setDirection(wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.rule.geometry().contains(self._buttons.mapFrom(self, event.pos())):
            menu = self.rule_menu()
            menu.exec(event.globalPos())
            menu.deleteLater()
        else:
            super().contextMenuEvent(event)


def _fonts() -> tuple[QFont, ...]:
    """What a number is written in, from the widest to the narrowest."""
    made = [theme.mono(size) for size in (_SIZES[0], *_SIZES)]
    for font in made[1:]:
        font.setWordSpacing(-_GAP * font.pixelSize())
    return tuple(made)


assert set(RULES) == set(SEED_RULES)
assert SEED.high == SEED_MAX
