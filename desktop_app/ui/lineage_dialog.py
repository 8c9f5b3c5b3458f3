"""The family of a picture: the tree, and what the chosen one changed of its parent."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_app.errors import AppError
from desktop_app.studio.lineage import KIND_WORDS, change_words
from desktop_app.ui import theme
from desktop_app.ui.fields import label
from desktop_app.ui.lineage_tree import LineageTree
from desktop_app.ui.words import label_of

if TYPE_CHECKING:
    from desktop_app.studio.lineage import Family, Member
    from desktop_app.studio.studio import Studio

_WIDTH, _HEIGHT, _SIDE = 1000, 620, 260


class LineageDialog(QDialog):
    """Shows one family; the window beside it stays in use, and new children appear."""

    def __init__(self, studio: "Studio", picture: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._lineage = studio.lineage
        self._picture = picture
        self._family: Family | None = None
        self.setWindowTitle("Family")
        self.resize(theme.px(_WIDTH), theme.px(_HEIGHT))
        self.tree = LineageTree(studio.lineage, self)
        self.area = QScrollArea(self)
        self.name = label("", "title", self)
        self.kind = label("", "label", self)
        self.changes = label("", "label", self)
        self.more = label("", "hint", self)
        self.show_it = QPushButton("Show on the canvas", self)
        self.use = QPushButton("Use its settings", self)
        self._build()
        self._connect()
        self._lineage.show(picture)

    def _build(self) -> None:
        self.area.setWidgetResizable(True)
        self.area.setWidget(self.tree)
        self.area.setFocusProxy(self.tree)
        side = QFrame(self)
        side.setObjectName("panel")
        side.setFixedWidth(theme.px(_SIDE))
        column = QVBoxLayout(side)
        column.setContentsMargins(*(theme.px(16),) * 4)
        column.setSpacing(theme.px(8))
        for part in (self.name, self.kind, self.changes, self.more):
            part.setWordWrap(True)
            column.addWidget(part)
        self.changes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addStretch(1)
        self.show_it.setProperty("primary", True)
        column.addWidget(self.show_it)
        column.addWidget(self.use)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.area, 1)
        whole.addWidget(side)

    def _connect(self) -> None:
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(200)
        self._again.timeout.connect(lambda: self._lineage.show(self._picture))
        self._lineage.loaded.connect(self._loaded)
        self._lineage.failed.connect(self._failed)
        self._studio.gallery.total_changed.connect(self._again.start)
        self.tree.chosen.connect(self._show)
        self.tree.opened.connect(self._open)
        self.show_it.clicked.connect(lambda: self._open(self.tree.current))
        self.use.clicked.connect(self._use)

    def _loaded(self, family: "Family") -> None:
        self._family = family
        self.tree.show_family(family)
        count = len(family.members)
        words = "Only this picture; nothing was derived from it yet." if count == 1 else ""
        self.more.setText("There are more than can be shown here." if family.more else words)
        self.more.setVisible(bool(self.more.text()))
        self._look_at(self.tree.current)

    def _failed(self, error: AppError) -> None:
        self.more.setText(str(error))
        self.more.show()

    def _member(self, picture: str) -> "Member | None":
        return self._family.member(picture) if self._family is not None else None

    def _show(self, picture: str) -> None:
        member = self._member(picture)
        family = self._family
        if member is None or family is None:
            return
        record = member.record
        recipe = record.recipe if record is not None else None
        self.show_it.setEnabled(record is not None)
        self.use.setEnabled(recipe is not None)
        self.name.setText("No longer in the gallery" if record is None else label_of(record))
        self.kind.setText(_kind(member))
        found = change_words(family, member)
        prompt = recipe.prompt if recipe is not None else ""
        self.changes.setText("\n".join(found) if found else "" if member.parent else prompt[:400])
        self._look_at(picture)

    def _look_at(self, picture: str) -> None:
        at = self.tree.rect_of(picture).center().toPoint()
        margin = theme.px(140)
        self.area.ensureVisible(at.x(), at.y(), margin, margin)

    def _open(self, picture: str) -> None:
        member = self._member(picture)
        if member is not None and member.record is not None:
            self._studio.show(member.record.id)

    def _use(self) -> None:
        member = self._member(self.tree.current)
        if member is not None and member.record is not None:
            self._studio.restoring.restore(member.record.id)


def _kind(member: "Member") -> str:
    if not member.parent:
        return "The first of the family"
    return KIND_WORDS.get(member.kind, member.kind).capitalize() + " from the one before"
