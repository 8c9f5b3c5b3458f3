"""What is typed into the search field finds what it says, and nothing typed is an error."""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.recipe.recipe import SEED_MAX, ModelRef, Recipe
from desktop_app.store.metadata import Imported
from desktop_app.store.record import entry_of, insert
from desktop_app.store.search import conditions, parse
from tests.store.conftest import Gallery
from tests.store.samples import MODEL, pixels_of, provenance_of

ROWS = (
    ("a red fox in snow", 7, 512, 512, MODEL, 0, False),
    ("watercolor of a foxglove, café", SEED_MAX, 512, 768, MODEL, 3, True),
    ("雪の中の狐", 9, 768, 512, ModelRef(sha256="ff" * 32, name="Other 100%"), 5, False),
    ("red wolf", 7000, 64, 64, MODEL, 4, True),
)


@pytest.fixture
def rows(gallery: Gallery) -> None:
    days = ("2026-11-21", "2026-11-22", "2026-12-01", "2025-01-01")
    with gallery.database.transaction() as connection:
        for number, (prompt, seed, width, height, model, rating, favourite) in enumerate(ROWS):
            recipe = Recipe(model=model, prompt=prompt, seed=seed, width=width, height=height)
            imported = Imported(
                recipe=recipe,
                provenance=provenance_of(pixels_of(), created=f"{days[number]}T12:00:00Z"),
                draft_changes=None,
                infotext=None,
                width=width,
                height=height,
            )
            entry = entry_of(
                imported, path=f"{number}", created="", pixels_sha256="", size=0, modified=0
            )
            row = insert(connection, entry)
            connection.execute(
                "UPDATE pictures SET rating = ?, favourite = ?, verified = ? WHERE id = ?",
                (rating, favourite, "identical" if number == 1 else "", row),
            )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("fox", [2, 1]),
        ('"red fox"', [1]),
        ("red -fox", [4]),
        ("FOX snow", [1]),
        ("cafe", [2]),
        ("狐", [3]),
        ("-狐 red", [4, 1]),
        ("seed:7", [1]),
        ("seed:18446744073709551615", [2]),
        ("model:starter", [4, 2, 1]),
        ("model:6ce016", [4, 2, 1]),
        ("model:100%", [3]),
        ("model:%", [3]),
        ("size:512x768", [2]),
        ("size:512", [3, 2, 1]),
        ("size:64×64", [4]),
        ("rating:>3", [4, 3]),
        ("rating:>=3", [4, 3, 2]),
        ("rating:0", [1]),
        ("rating:<4 rating:>2", [4, 3, 2]),
        ("is:favourite", [4, 2]),
        ("is:favorite red", [4]),
        ("is:verified", [2]),
        ("date:2026-11-21", [1]),
        ("date:2026-11", [2, 1]),
        ("date:2026", [3, 2, 1]),
        ("date:>2026-11-21", [3, 2]),
        ("date:>=2026-11-22", [3, 2]),
        ("date:<2026-11-22", [4, 1]),
        ("date:<=2026-11", [4, 2, 1]),
        ("date:2026-13", [4, 3, 2, 1]),
        ("date:9998", []),
        ("seed:", [4, 3, 2, 1]),
        ("rating:9", [4, 3, 2, 1]),
        ("nothing: here", []),
        ('"', [4, 3, 2, 1]),
        ("red OR wolf", []),
        ("wolf*", [4]),
        ("NEAR(red)", []),
    ],
)
@pytest.mark.usefixtures("rows")
def test_what_a_search_finds(gallery: Gallery, text: str, found: list[int]) -> None:
    assert gallery.pictures.ids(parse(text)) == found


def test_what_is_not_understood_is_named() -> None:
    query = parse("fox rating:high date:soon seed:0x7 size:big is:odd seed:7")
    assert query.words == ("fox",)
    assert query.seed == "7"
    assert query.ignored == ("rating:high", "date:soon", "seed:0x7", "size:big", "is:odd")


@pytest.mark.usefixtures("rows")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            ["fox", '"', "-", ":", "seed:", "date:", ">", "9999-12-31", "0001-01-01", "*", "(", "'"]
        ),
        max_size=8,
    ).map("".join)
)
def test_any_text_can_be_searched_for(gallery: Gallery, text: str) -> None:
    found = gallery.pictures.ids(parse(text))
    assert set(found) <= {1, 2, 3, 4}


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no tzset")
def test_a_day_is_the_artists_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        query = parse("date:2026-11-01")  # the clocks go back: this day has 25 hours
        assert (query.since, query.until) == ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")
        conditions(query)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "TZ" not in os.environ or os.environ["TZ"] != "America/New_York"


def test_a_very_long_search_is_cut() -> None:
    assert len(parse("word " * 100_000).words) == 40
