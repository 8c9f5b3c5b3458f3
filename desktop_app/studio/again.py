"""Again: a stored picture once more, with more steps."""

from PySide6.QtCore import QObject, Signal

from desktop_app.errors import AppError
from desktop_app.recipe.again import what_more_steps_change, with_more_steps
from desktop_app.studio.album import Album
from desktop_app.studio.orders import Orders
from desktop_app.studio.values import Notice


class Again(QObject):
    """Signals:
    notice(Notice): what is made, or why nothing is.
    """

    notice = Signal(object)

    def __init__(self, album: Album, orders: Orders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._album = album
        self._orders = orders

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
