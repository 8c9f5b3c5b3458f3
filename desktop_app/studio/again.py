"""Again: a stored picture once more: to verify it, with other noise mixed in, with more steps."""

from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.errors import AppError
from desktop_app.recipe.again import what_more_steps_change, with_more_steps
from desktop_app.recipe.recipe import COUNT
from desktop_app.studio.album import Album
from desktop_app.studio.editor import Editor
from desktop_app.studio.orders import Orders
from desktop_app.studio.values import Notice

VARY = {"subtle": 0.1, "strong": 0.4}


class Again(QObject):
    """Orders pictures that are made from the recipe of a stored one.

    Signals:
        notice(Notice): what is made, or why nothing is.
        follow_wanted(): the pictures shall be seen as they form.
    """

    notice = Signal(object)
    follow_wanted = Signal()

    def __init__(
        self, editor: Editor, album: Album, orders: Orders, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._album = album
        self._orders = orders

    @Slot(object)
    def reproduce(self, picture: int, device: str = "") -> None:
        """Make a stored picture again and say whether it is the same; nothing is saved.

        Args:
            device: `cpu` for the processor; empty for the usual one.
        """
        recipe = self._album.recipe_of(picture)
        if recipe is not None:
            self.follow_wanted.emit()
            self._orders.verify(recipe, picture, device)

    def vary(self, picture: int, how: Literal["subtle", "strong"]) -> None:
        """Make pictures like a stored one, as many as the draft counts.

        The picture's own noise keeps 90 % (`subtle`) or 60 % (`strong`).
        """
        self.mix(picture, VARY[how], self._editor.draft.count)

    def mix(self, picture: int, weight: float, count: int) -> None:
        """Make so many pictures like a stored one, each with another seed's noise mixed in.

        Args:
            weight: of the other noise, 0 ... 1.
            count: 1 ... 64.
        """
        recipe = self._album.recipe_of(picture)
        if recipe is not None:
            self.follow_wanted.emit()
            origin = self._album.origin(picture, "variation")
            self._orders.variations(recipe, weight, max(1, min(count, int(COUNT.high))), origin)

    def with_more_steps(self, picture: int) -> None:
        """Order a picture with the same seed and settings and twice the steps."""
        recipe = self._album.recipe_of(picture)
        if recipe is None:
            return
        try:
            better = with_more_steps(recipe)
        except AppError as error:
            self.notice.emit(Notice(text=str(error), kind="warn"))
            return
        self._orders.recipes([better], self._album.origin(picture, "settings"))
        steps = f"{recipe.num_inference_steps} → {better.num_inference_steps}"
        words = f"Making it again with more steps, {steps}. {what_more_steps_change(recipe)}"
        self.notice.emit(Notice(text=words))
