"""Arrays to QImage and back: the only place that knows how their bytes lie."""

from typing import TYPE_CHECKING, cast

from PySide6.QtGui import QImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def to_qimage(pixels: "NDArray[np.uint8]") -> QImage:
    """A picture that owns its pixels, in the format that is painted fastest.

    Args:
        pixels: (H, W, 3) uint8 RGB; need not be contiguous.

    Raises:
        ValueError: for any other shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.name != "uint8":
        raise ValueError(f"expected (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}")
    height, width = pixels.shape[:2]
    # tobytes() packs the rows, so the stride is the width alone; the conversion copies.
    packed = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return packed.convertToFormat(QImage.Format.Format_RGB32)


def from_qimage(image: QImage) -> "NDArray[np.uint8]":
    """(H, W, 3) uint8 RGB, owned by the receiver; transparency is laid on white.

    Raises:
        ValueError: for an empty picture.
    """
    import numpy as np

    if image.isNull():
        raise ValueError("the picture is empty")
    if image.hasAlphaChannel():
        image = _on_white(image)
    packed = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(packed.constBits(), np.uint8, packed.sizeInBytes())
    rows = rows.reshape(packed.height(), packed.bytesPerLine())[:, : 3 * packed.width()]
    return rows.reshape(packed.height(), packed.width(), 3).copy()


def without_text(image: QImage) -> QImage:
    """The same pixels without the text chunks that a file brought along.

    Qt puts a picture's texts into what the clipboard offers, and the prompt is among them.
    """
    clean = QImage(image.size(), image.format())
    if image.colorCount():
        clean.setColorTable(image.colorTable())
    clean.setColorSpace(image.colorSpace())
    # PySide declares bytes and gives a writable view.
    target = cast("memoryview", clean.bits())
    target[:] = image.constBits()
    return clean


def _on_white(image: QImage) -> QImage:
    from PySide6.QtGui import QPainter

    white = QImage(image.size(), QImage.Format.Format_RGB32)
    white.fill(0xFFFFFFFF)
    painter = QPainter(white)
    painter.drawImage(0, 0, image)
    painter.end()
    return white
