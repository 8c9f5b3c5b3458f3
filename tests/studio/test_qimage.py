"""Arrays and QImages hold the same pixels."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from desktop_app.studio.qimage import from_qimage, to_qimage, without_text

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 7), (64, 61), (8, 8)])
def test_there_and_back_for_any_width(height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image = to_qimage(pixels)
    assert (image.width(), image.height()) == (width, height)
    assert image.format() == QImage.Format.Format_RGB32
    assert (from_qimage(image) == pixels).all()


def test_the_picture_outlives_the_array() -> None:
    pixels = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    image = to_qimage(pixels)
    pixels[:] = 0
    assert image.pixelColor(3, 3) == QColor(10, 20, 30)


def test_a_view_with_gaps_is_packed() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    view = pixels[::2, ::-3]
    assert (from_qimage(to_qimage(view)) == view).all()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_other_shapes_are_refused(array: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    with pytest.raises(ValueError, match="expected"):
        to_qimage(array)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        from_qimage(QImage())


def test_transparency_lies_on_white() -> None:
    image = QImage(2, 1, QImage.Format.Format_ARGB32)
    image.setPixelColor(0, 0, QColor(0, 0, 0, 0))
    image.setPixelColor(1, 0, QColor(255, 0, 0, 255))
    assert from_qimage(image).tolist() == [[[255, 255, 255], [255, 0, 0]]]


@pytest.mark.parametrize(
    "layout",
    [
        QImage.Format.Format_RGB32,
        QImage.Format.Format_RGB888,
        QImage.Format.Format_Indexed8,
        QImage.Format.Format_ARGB32,
    ],
)
def test_a_copy_for_the_clipboard_has_the_pixels_and_no_words(layout: QImage.Format) -> None:
    source = to_qimage(np.random.default_rng(2).integers(0, 256, (9, 7, 3), np.uint8))
    source = source.convertToFormat(layout)
    source.setText("parameters", "a secret prompt")
    copy = without_text(source)
    assert copy.textKeys() == []
    assert copy == source
