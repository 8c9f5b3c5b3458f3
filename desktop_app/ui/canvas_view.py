"""Where a picture lies on the canvas: fit or a zoom, and the point of it in the middle."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF

ZOOM_MIN = 0.05
ZOOM_MAX = 64.0
CRISP_ABOVE = 2.0
"""Zoom from which each picture pixel is shown as a square of its own colour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A way to look at a picture that holds for pictures of any size.

    Attributes:
        zoom: device pixels per picture pixel; None fits the picture into the area.
        x, y: the point of the picture in the middle of the area, 0 ... 1 of its width and height.
    """

    zoom: float | None = None
    x: float = 0.5
    y: float = 0.5

    def scale(self, picture: QSizeF, area: QRectF, ratio: float) -> float:
        """Device pixels per picture pixel.

        Args:
            picture: size in picture pixels.
            area: where the picture may lie, in logical pixels.
            ratio: device pixels per logical pixel.
        """
        if self.zoom is not None:
            return self.zoom
        wide, high = max(picture.width(), 1.0), max(picture.height(), 1.0)
        return max(min(area.width() / wide, area.height() / high) * ratio, 0.001)

    def rect(self, picture: QSizeF, area: QRectF, ratio: float) -> QRectF:
        """The picture's place in logical pixels, on whole device pixels."""
        scale = self.scale(picture, area, ratio) / ratio
        wide, high = picture.width() * scale, picture.height() * scale
        x, y = (self.x, self.y) if self.zoom is not None else (0.5, 0.5)
        left = area.center().x() - x * wide
        top = area.center().y() - y * high
        left, top = round(left * ratio) / ratio, round(top * ratio) / ratio
        return QRectF(left, top, round(wide * ratio) / ratio, round(high * ratio) / ratio)

    def crisp(self, picture: QSizeF, area: QRectF, ratio: float) -> bool:
        """Whether picture pixels are shown as squares: only where the artist zoomed in."""
        return self.zoom is not None and self.scale(picture, area, ratio) > CRISP_ABOVE

    def zoomed(
        self, factor: float, at: QPointF, picture: QSizeF, area: QRectF, ratio: float
    ) -> "View":
        """The view with the zoom multiplied, so that the point under `at` stays where it is."""
        return self.zoomed_to(self.scale(picture, area, ratio) * factor, at, picture, area, ratio)

    def zoomed_to(
        self, zoom: float, at: QPointF, picture: QSizeF, area: QRectF, ratio: float
    ) -> "View":
        """The view at a zoom, so that the point under `at` stays where it is."""
        before = self.rect(picture, area, ratio)
        px = (at.x() - before.left()) / max(before.width(), 1e-6)
        py = (at.y() - before.top()) / max(before.height(), 1e-6)
        zoom = min(max(zoom, ZOOM_MIN), ZOOM_MAX)
        wide, high = picture.width() * zoom / ratio, picture.height() * zoom / ratio
        x = px - (at.x() - area.center().x()) / max(wide, 1e-6)
        y = py - (at.y() - area.center().y()) / max(high, 1e-6)
        return View(zoom=zoom, x=min(max(x, 0.0), 1.0), y=min(max(y, 0.0), 1.0))

    def panned(self, by: QPointF, picture: QSizeF, area: QRectF, ratio: float) -> "View":
        """The view with the picture moved by logical pixels; its middle point stays on it."""
        rect = self.rect(picture, area, ratio)
        x = min(max(self.x - by.x() / max(rect.width(), 1e-6), 0.0), 1.0)
        y = min(max(self.y - by.y() / max(rect.height(), 1e-6), 0.0), 1.0)
        return replace(self, zoom=self.scale(picture, area, ratio), x=x, y=y)
