"""The gallery's views: any number of pictures, search, sizes, drag."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest

from desktop_app.errors import AppError
from desktop_app.studio.gallery import GalleryModel
from desktop_app.studio.storage import Found
from desktop_app.ui.drop_overlay import OWN_PICTURES
from desktop_app.ui.gallery_page import SIZE_MAX
from tests.ui.conftest import Shown

pytestmark = pytest.mark.gui

MANY = 100_000


class ManyPictures:
    """A store with a hundred thousand pictures that says which of them were asked for."""

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def search(self, text: str) -> Found:
        return Found(ids=list(range(MANY, 0, -1)), count_all=MANY, ignored=())

    def records(self, pictures: Sequence[int]) -> list[object]:
        self.asked.update(pictures)
        return []

    def record(self, picture: int) -> object:
        raise AppError("picture-unknown", "This picture is no longer in the gallery.")


def test_only_what_is_seen_of_a_large_gallery_is_read(shown: Shown) -> None:
    store = ManyPictures()
    gallery = shown.stage.studio.gallery
    gallery.open(store)  # pyright: ignore[reportArgumentType]
    shown.until(lambda: gallery.total == MANY)
    shown.window.show_page(1)
    view = shown.window.gallery_page.view
    shown.until(lambda: store.asked)
    shown.settle()
    assert len(store.asked) < 400

    def end_is_seen() -> bool:
        # The list lays itself out in batches, so its end is not known at once.
        view.scrollToBottom()
        return 1 in store.asked

    shown.until(end_is_seen)
    assert len(store.asked) < 800
    last = view.visualRect(view.model().index(MANY - 1, 0))
    assert view.viewport().rect().intersects(last)
    assert shown.window.gallery_page.search.count.text() == "100\u2009000 pictures"


def test_search_and_favourites_are_one_filter_everywhere(shown: Shown) -> None:
    shown.make(prompt="a red fox")
    (boat,) = shown.make(prompt="a blue boat")
    strip = shown.window.create_page.gallery.search
    page = shown.window.gallery_page.search
    gallery = shown.stage.studio.gallery
    QTest.keyClicks(strip.field, "boat")
    shown.until(lambda: gallery.total == 1)
    assert page.field.text() == "boat"
    assert strip.count.text() == "1 picture found"
    QTest.keyClick(strip.field, Qt.Key.Key_Escape)
    shown.until(lambda: gallery.total == 2)
    shown.stage.studio.album.set_favourite([boat], True)
    shown.until(lambda: gallery.index_of(boat).data(GalleryModel.Role.FAVOURITE))
    page.star.click()
    shown.until(lambda: gallery.total == 1)
    assert strip.star.isChecked()
    assert gallery.id_at(0) == boat
    page.star.click()
    shown.until(lambda: gallery.total == 2)


def test_a_search_that_finds_nothing_says_so(shown: Shown) -> None:
    shown.make()
    page = shown.window.gallery_page
    shown.window.show_page(1)
    full = page.view.grab().toImage()
    page.search.field.setText("elephant")
    shown.until(lambda: shown.stage.studio.gallery.total == 0)
    shown.settle()
    assert page.view.grab().toImage() != full
    assert page.search.count.text() == "0 pictures found"


def test_the_size_of_thumbnails_is_kept(shown: Shown) -> None:
    page = shown.window.gallery_page
    page.slider.setValue(SIZE_MAX)
    assert page.view.gridSize().width() == SIZE_MAX
    assert shown.stage.studio.settings.values.thumbnail_size == SIZE_MAX


def test_enter_on_the_page_shows_the_picture_on_the_canvas(shown: Shown) -> None:
    first = shown.make()[0]
    shown.make()
    shown.window.show_page(1)
    view = shown.window.gallery_page.view
    view.show_current(first)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert shown.window.page == 0
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == first


def test_arrow_keys_in_the_strip_walk_through_the_pictures(shown: Shown) -> None:
    numbers = [shown.make()[0] for _ in range(3)][::-1]
    view = shown.window.create_page.gallery.view
    view.setFocus()
    assert view.selected() == [numbers[0]]
    QTest.keyClick(view, Qt.Key.Key_Right)
    picture = shown.canvas.picture
    assert picture is not None
    assert picture.id == numbers[1]
    QTest.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert set(view.selected()) == {numbers[1], numbers[2]}


def test_several_selected_pictures_go_to_the_trash_together(shown: Shown) -> None:
    for _ in range(3):
        shown.make()
    view = shown.window.create_page.gallery.view
    view.setFocus()
    view.selectAll()
    QTest.keyClick(view, Qt.Key.Key_Delete)
    shown.until(lambda: shown.stage.studio.gallery.total == 0)
    shown.until(lambda: shown.window.notices.cards)
    assert "3 pictures" in shown.window.notices.cards[-1].notice.text
    assert shown.canvas.welcome.isVisible()


def test_a_drag_carries_the_file_itself(shown: Shown) -> None:
    (number,) = shown.make()
    view = shown.window.create_page.gallery.view
    record = shown.stage.studio.gallery.record_of(number)
    assert record is not None
    mime = view.drag_contents()
    assert [url.toLocalFile() for url in mime.urls()] == [str(record.path)]
    assert mime.hasFormat(OWN_PICTURES)
    assert "application/x-qt-image" in mime.formats()
    image = mime.imageData()
    assert (image.width(), image.height()) == (record.width, record.height)


def test_marks_are_painted_on_the_thumbnail(shown: Shown) -> None:
    (number,) = shown.make()
    view, studio = shown.window.create_page.gallery.view, shown.stage.studio
    index = view.model().index(0, 0)
    shown.until(lambda: index.data(GalleryModel.Role.THUMBNAIL) is not None)

    def seen() -> QPixmap:
        shown.settle()
        return view.grab(view.visualRect(index))

    bare = seen().toImage()
    studio.album.set_favourite([number], True)
    shown.until(lambda: index.data(GalleryModel.Role.FAVOURITE))
    starred = seen().toImage()
    assert starred != bare
    studio.album.set_rating([number], 3)
    shown.until(lambda: index.data(GalleryModel.Role.RATING) == 3)
    assert seen().toImage() != starred


def test_a_picture_leaves_the_favourites_with_its_star(shown: Shown) -> None:
    studio = shown.stage.studio
    numbers = shown.make(count=2)
    studio.album.set_favourite(numbers, True)
    shown.window.filter.set_favourites(True)
    shown.until(lambda: shown.ids == numbers)
    model = studio.gallery
    shown.until(
        # While the search is still on its way, a picture may have no place yet.
        lambda: all(model.index_of(one).data(model.Role.FAVOURITE) for one in numbers)
    )
    studio.album.set_favourite(numbers[:1], False)
    shown.until(lambda: shown.ids == numbers[1:])
