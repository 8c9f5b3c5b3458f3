"""Small parts of panels: titles, icon buttons, folds, and sentences of refusal."""

from collections.abc import Callable, Iterable
from html import escape

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.ui import icons, theme
from desktop_app.ui.panel_scroll import PanelScroll

_Index = QModelIndex | QPersistentModelIndex


def label(text: str, role: str = "label", parent: QWidget | None = None) -> QLabel:
    """A plain-text label; `role` is one of the stylesheet's: title, label, hint, refusal, ok."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    return made


def plain_tip(text: str) -> str:
    """`text` for a tooltip, which would take words such as `<b>` in it for markup."""
    if "<" not in text:
        return text
    return f"<qt>{escape(text).replace(chr(10), '<br>')}</qt>"


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the stylesheet looks at, and let the widget look again."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def settles(event: QEvent, changed: Callable[[], bool]) -> bool:
    """Whether a key that a field of one value could take is settled: undo belongs to the settings,
    not to the field's letters, and Escape to the field first, as long as there is something to
    bring back.

    Args:
        changed: whether the field shows something else than the value in use.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    keys = QKeySequence.StandardKey
    if event.matches(keys.Undo) or event.matches(keys.Redo):
        event.ignore()
        return True
    if event.key() == Qt.Key.Key_Escape and changed():
        event.accept()
        return True
    return False


def drop_contents(layout: QLayout) -> None:
    """Empty a layout and delete the widgets that were in it."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class SectionTitle(QLabel):
    """The name of a part of a panel."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "title")
        self.setContentsMargins(theme.px(2), 0, 0, 0)


class Separator(QFrame):
    """A line across a panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("separator")
        self.setFixedHeight(1)


class Sentence(QLabel):
    """Plain text that wraps, and takes no room while there is none.

    Args:
        role: as of `label`.
        state: `warn` for what is not as it should be.
    """

    def __init__(
        self, role: str = "hint", parent: QWidget | None = None, *, state: str = ""
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setProperty("state", state)
        self.setWordWrap(True)
        self.hide()

    def say(self, sentence: str) -> None:
        """Show `sentence`; an empty one hides the label."""
        self.setText(sentence)
        self.setVisible(bool(sentence))


class Refusal(Sentence):
    """The sentence under a field that says why what was entered is not taken; else not there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("refusal", parent)

    def attempt(self, edit: Callable[[], object]) -> bool:
        """Do `edit`; an AppError is shown here. Returns whether it was done."""
        try:
            edit()
        except AppError as error:
            self.say(str(error))
            return False
        self.say("")
        return True


class ElidedLabel(QLabel):
    """A label that ends in … where there is no room; the whole text is its tooltip then."""

    def __init__(self, text: str = "", role: str = "label", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._full = ""
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show `text`, as much of it as fits."""
        self._full = " ".join(text.split())
        self.setAccessibleName(self._full)
        self._fit()

    def full_text(self) -> str:
        return self._full

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(
            self._full, Qt.TextElideMode.ElideRight, max(0, self.contentsRect().width())
        )
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(plain_tip(self._full) if shown != self._full else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())


class IconButton(QToolButton):
    """A button that is an icon; its name is its tooltip and what a screen reader says.

    Args:
        icon: a drawing in resources/icons.
        name: what it does, in a word or two.
        flat: no border until the pointer or the focus is on it.
        size: pixels of the icon.
        side: pixels of the button; 15 more than the icon if left out.
    """

    def __init__(
        self,
        icon: str,
        name: str,
        parent: QWidget | None = None,
        *,
        checkable: bool = False,
        flat: bool = False,
        size: int = 18,
        side: int | None = None,
        token: str = "text.2",
    ) -> None:
        super().__init__(parent)
        self._icon, self._size, self._token = icon, size, token
        self._side = size + 15 if side is None else side
        self.setCheckable(checkable)
        self.setProperty("flat", flat)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_name(name)
        self.toggled.connect(self._tint)
        self._tint()

    def set_name(self, name: str, tooltip: str = "") -> None:
        """Name it; the tooltip may say more."""
        self.setAccessibleName(name)
        self.setToolTip(tooltip or name)

    def set_icon(self, icon: str, token: str = "") -> None:
        self._icon, self._token = icon, token or self._token
        self._tint()

    def _tint(self) -> None:
        token = "accent.soft" if self.isChecked() else self._token
        self.setIcon(icons.icon(self._icon, token, self._size))
        self.setIconSize(QSize(theme.px(self._size), theme.px(self._size)))
        self.setFixedSize(theme.px(self._side), theme.px(self._side))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
        else:
            super().keyPressEvent(event)


class IconTextButton(QPushButton):
    """A button with an icon before its words; two spaces keep them apart."""

    def __init__(self, icon: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(f"  {text}", parent)
        self._icon = icon
        self.setAccessibleName(text)
        self._tint()

    def _tint(self) -> None:
        self.setIcon(icons.icon(self._icon, "text.2", 16))
        self.setIconSize(QSize(theme.px(16), theme.px(16)))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()


class _Rows(QStyledItemDelegate):
    """The rows of a Combo, drawn from the stylesheet; separators are a line."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        if _separates(index):
            rect: QRect = option.rect  # pyright: ignore[reportAttributeAccessIssue]
            painter.fillRect(
                rect.left() + theme.px(8),
                rect.center().y(),
                rect.width() - theme.px(16),
                1,
                theme.token("line"),
            )
        else:
            super().paint(painter, option, index)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        if _separates(index):
            return QSize(0, theme.px(9))
        return super().sizeHint(option, index)


def _separates(index: _Index) -> bool:
    return index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "separator"


class Combo(QComboBox):
    """A choice from a list; it scrolls only when it has the focus, so that a panel can be scrolled
    over it.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaxVisibleItems(18)
        self.setItemDelegate(_Rows(self))

    def fill(self, rows: Iterable[tuple[str, object]]) -> None:
        """Offer these words, each with its value; the same ones again change nothing."""
        wanted = list(rows)
        if wanted != [(self.itemText(at), self.itemData(at)) for at in range(self.count())]:
            self.clear()
            for words, value in wanted:
                self.addItem(words, value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        size = theme.px(14)
        arrow = icons.pixmap("chevron-down", "text.3", 14, self.devicePixelRatioF())
        painter = QPainter(self)
        left, top = self.width() - size - theme.px(8), (self.height() - size) / 2
        painter.drawPixmap(QRectF(left, top, size, size), arrow, QRectF(arrow.rect()))
        painter.end()


class FoldSection(QWidget):
    """A part of a panel that folds away under its title.

    Signals:
        folded(bool): it was opened (False) or closed (True) by the artist.
    """

    folded = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = QPushButton(title)
        self._button.setObjectName("fold")
        self._button.setCheckable(True)
        self._body = QWidget()
        self._body.hide()
        self.body = QVBoxLayout(self._body)
        self.body.setContentsMargins(0, theme.px(4), 0, theme.px(4))
        self.body.setSpacing(theme.px(8))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._button)
        whole.addWidget(self._body)
        self._button.toggled.connect(self._show)
        self._button.toggled.connect(lambda is_open: self.folded.emit(not is_open))
        # What was just opened has its place only after it is laid out.
        self._button.clicked.connect(lambda: QTimer.singleShot(0, self, self._reveal))
        self._show(False)

    def title(self) -> str:
        return self._button.text()

    def set_title(self, title: str) -> None:
        self._button.setText(title)

    def is_open(self) -> bool:
        return self._button.isChecked()

    def set_open(self, is_open: bool) -> None:
        self._button.setChecked(is_open)

    def _show(self, is_open: bool) -> None:
        chevron = "chevron-down" if is_open else "chevron-right"
        self._button.setIcon(icons.icon(chevron, "text.3", 16))
        self._button.setIconSize(QSize(theme.px(16), theme.px(16)))
        self._button.setAccessibleDescription("open" if is_open else "folded")
        self._body.setVisible(is_open)

    def _reveal(self) -> None:
        area = self.parentWidget()
        while area is not None and not isinstance(area, PanelScroll):
            area = area.parentWidget()
        if area is not None and self.is_open():
            area.bring_into_view(self)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show(self.is_open())
