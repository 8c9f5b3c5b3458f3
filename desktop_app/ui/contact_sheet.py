"""The contact sheet: the pictures of one run side by side, as large as the area allows."""

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF

GAP = 8.0


def cells(count: int, picture: QSizeF, area: QRectF) -> list[QRectF]:
    """Places for `count` pictures of one size, row by row, in the middle of `area`.

    The number of columns is the one that makes the pictures largest.
    """
    if count < 1 or picture.isEmpty() or area.isEmpty():
        return []
    best_scale, best_columns = 0.0, 1
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        scale = min(
            (area.width() - GAP * (columns - 1)) / columns / picture.width(),
            (area.height() - GAP * (rows - 1)) / rows / picture.height(),
        )
        if scale > best_scale:
            best_scale, best_columns = scale, columns
    if best_scale <= 0:
        return []
    rows = math.ceil(count / best_columns)
    wide, high = math.floor(picture.width() * best_scale), math.floor(picture.height() * best_scale)
    left = area.center().x() - (wide * best_columns + GAP * (best_columns - 1)) / 2
    top = area.center().y() - (high * rows + GAP * (rows - 1)) / 2
    return [
        QRectF(
            round(left + (i % best_columns) * (wide + GAP)),
            round(top + (i // best_columns) * (high + GAP)),
            wide,
            high,
        )
        for i in range(count)
    ]


def cell_at(point: QPointF, places: list[QRectF]) -> int | None:
    """Which cell lies under the point."""
    for i, place in enumerate(places):
        if place.contains(point):
            return i
    return None
