"""Fit, zoom and pan as numbers; the contact sheet's places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, QSizeF

from desktop_app.ui.canvas_view import ZOOM_MAX, ZOOM_MIN, View
from desktop_app.ui.contact_sheet import cell_at, cells

AREA = QRectF(24, 24, 900, 600)
sides = st.integers(8, 4096)
ratios = st.sampled_from([1.0, 1.5, 2.0])


@given(sides, sides, ratios)
def test_fit_shows_the_whole_picture_as_large_as_it_goes(
    wide: int, high: int, ratio: float
) -> None:
    rect = View().rect(QSizeF(wide, high), AREA, ratio)
    assert AREA.adjusted(-1, -1, 1, 1).contains(rect)
    touches = abs(rect.width() - AREA.width()) <= 1 or abs(rect.height() - AREA.height()) <= 1
    assert touches


@given(
    st.floats(0.2, 30),
    st.floats(0.1, 4),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
    ratios,
)
def test_the_point_under_the_pointer_stays_while_zooming(
    zoom: float, factor: float, px: float, py: float, ratio: float
) -> None:
    picture = QSizeF(512, 768)
    before = View(zoom=zoom).rect(picture, AREA, ratio)
    at = QPointF(before.left() + px * before.width(), before.top() + py * before.height())
    view = View(zoom=zoom).zoomed(factor, at, picture, AREA, ratio)
    after = view.rect(picture, AREA, ratio)
    if 0.0 < view.x < 1.0 and 0.0 < view.y < 1.0:
        # Both edges lie on whole device pixels, so it may move by one of the screen's at most.
        moved = after.topLeft() + QPointF(px * after.width(), py * after.height()) - at
        assert abs(moved.x()) <= 1.001 / ratio
        assert abs(moved.y()) <= 1.001 / ratio


def test_zoom_ends_at_its_limits() -> None:
    picture, at = QSizeF(100, 100), AREA.center()
    assert View().zoomed(1e9, at, picture, AREA, 1.0).zoom == ZOOM_MAX
    assert View().zoomed(1e-9, at, picture, AREA, 1.0).zoom == ZOOM_MIN


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_hundred_percent_is_one_device_pixel_each(ratio: float) -> None:
    rect = View(zoom=1.0).rect(QSizeF(300, 200), AREA, ratio)
    assert (rect.width() * ratio, rect.height() * ratio) == (300, 200)
    assert (rect.left() * ratio).is_integer()


def test_squares_are_shown_only_above_two_hundred_percent_that_were_asked_for() -> None:
    small = QSizeF(64, 64)
    assert not View().crisp(small, AREA, 1.0)
    assert not View(zoom=2.0).crisp(small, AREA, 1.0)
    assert View(zoom=2.1).crisp(small, AREA, 1.0)


def test_panning_moves_the_picture_with_the_hand() -> None:
    picture = QSizeF(4000, 4000)
    view = View(zoom=1.0)
    moved = view.panned(QPointF(30, -40), picture, AREA, 1.0)
    before, after = view.rect(picture, AREA, 1.0), moved.rect(picture, AREA, 1.0)
    assert after.topLeft() - before.topLeft() == QPointF(30, -40)


@given(st.integers(1, 64), st.integers(64, 2048), st.integers(64, 2048))
def test_cells_lie_inside_the_area_and_apart(count: int, wide: int, high: int) -> None:
    found = cells(count, QSizeF(wide, high), AREA)
    assert len(found) == count
    for i, one in enumerate(found):
        assert AREA.adjusted(-1, -1, 1, 1).contains(one)
        assert cell_at(one.center(), found) == i
        assert not any(one.intersects(other) for other in found[:i])


def test_four_pictures_stand_two_by_two() -> None:
    found = cells(4, QSizeF(512, 512), QRectF(0, 0, 800, 800))
    assert len({one.left() for one in found}) == 2
    assert len({one.top() for one in found}) == 2
