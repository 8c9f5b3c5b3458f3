"""What is kept of pictures stays within its memory, whatever comes and goes."""

from PySide6.QtGui import QImage

from desktop_app.studio.kept_images import KeptImages


def image(side: int = 10) -> QImage:
    """Of four bytes a pixel."""
    return QImage(side, side, QImage.Format.Format_RGB32)


def there(kept: KeptImages[str], keys: str = "abcd") -> str:
    return "".join(key for key in keys if kept.get(key) is not None)


def test_what_was_not_asked_for_the_longest_makes_room() -> None:
    kept = KeptImages[str](limit=2 * 400)
    kept.put("a", image())
    kept.put("b", image())
    assert kept.get("a") is not None
    kept.put("c", image())
    assert there(kept) == "ac"


def test_the_newest_stays_however_large_it_is() -> None:
    kept = KeptImages[str](limit=500)
    kept.put("a", image())
    kept.put("b", image(side=100))
    assert there(kept) == "b"
    kept.put("c", image())
    assert there(kept) == "c"


def test_one_that_is_put_in_twice_counts_once() -> None:
    kept = KeptImages[str](limit=2 * 400)
    kept.put("a", image())
    for _ in range(5):
        kept.put("b", image())
    assert there(kept) == "ab"
    kept.drop("b")
    kept.drop("b")
    kept.put("c", image())
    assert there(kept) == "ac"
