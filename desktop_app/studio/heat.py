"""The difference of two pictures as a map of heat: where they differ, and by how much."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from desktop_app.studio.qimage import from_qimage, to_qimage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Black over violet and orange to a pale yellow: its lightness only rises, so that it can be read
# without colours too.
_ANCHORS = (
    (0.00, (8, 8, 12)),
    (0.20, (58, 22, 104)),
    (0.45, (160, 44, 96)),
    (0.70, (238, 104, 44)),
    (0.90, (252, 196, 66)),
    (1.00, (255, 250, 214)),
)
ROOT = 0.5
"""Half of the map's colours are for the lowest quarter: one level of 255 is to be seen too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """A map and its legend.

    Attributes:
        image: of the first picture's size.
        largest: difference of a channel, 0 ... 255; it has the brightest colour.
        share: part of the pixels that differ at all, 0 ... 1.
    """

    image: QImage
    largest: int
    share: float


def heat(first: QImage, second: QImage) -> Heat:
    """Where two pictures differ: the largest difference of a channel at each pixel.

    Colours stand for the square root of the difference, black for none and the palest for the
    largest that there is. A second picture of another size is brought to that of the first.
    """
    import numpy as np

    if second.size() != first.size():
        second = second.scaled(
            first.size(),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    one, other = from_qimage(first), from_qimage(second)
    off = np.maximum(one, other) - np.minimum(one, other)
    plane = off.max(axis=2)
    largest = int(plane.max(initial=0))
    return Heat(
        image=to_qimage(_colours(largest)[plane]),
        largest=largest,
        share=float(np.count_nonzero(plane)) / max(plane.size, 1),
    )


def legend(width: int) -> QImage:
    """The map's colours from no difference to the largest, `width` x 1 pixels."""
    import numpy as np

    places = np.linspace(0.0, 1.0, max(width, 2))
    return to_qimage(_ramp(places)[None])


@cache
def _colours(largest: int) -> "NDArray[np.uint8]":
    """The colour of each difference, (256, 3) uint8."""
    import numpy as np

    return _ramp((np.arange(256) / max(largest, 1)).clip(0, 1) ** ROOT)


def _ramp(places: "NDArray[np.float64]") -> "NDArray[np.uint8]":
    import numpy as np

    at = [place for place, _ in _ANCHORS]
    channels = [np.interp(places, at, [colour[i] for _, colour in _ANCHORS]) for i in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
