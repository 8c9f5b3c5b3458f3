"""The report on verified pictures: three forms, and nothing in a name can break or run."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.store.report import RESULTS, ReportRow, summary, write

pytestmark = pytest.mark.core
ROWS = (
    ReportRow(path="/p/a.png", result="identical", largest=0, model="Starter"),
    ReportRow(path="/p/<b onload=x>.png", result="different", largest=9, cause="Device: a, b now."),
    ReportRow(path="/p/=1+1.png", result="failed", cause='=HYPERLINK("x"), "quoted"'),
)


def written(folder: Path, ending: str) -> str:
    path = folder / f"report{ending}"
    write(path, ROWS, made="2026-11-21 07:30", here="Mezzotint 0.1, CPU")
    return path.read_text("utf-8")


def test_the_page_says_all_and_runs_nothing(tmp_path: Path) -> None:
    page = written(tmp_path, ".html")
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert all(name in ("class", "charset", "lang") for name, _ in attrs)

    Reader().feed(page)
    assert tags.count("tr") == len(ROWS) + 1
    assert "script" not in tags
    assert "&lt;b onload=x&gt;.png" in page
    assert "3 pictures: 1 identical, 1 different, 1 could not be made." in page


def test_the_table_is_read_by_a_spreadsheet_and_holds_no_formula(tmp_path: Path) -> None:
    rows = list(csv.reader(written(tmp_path, ".csv").removeprefix("\ufeff").splitlines()))
    assert len(rows) == len(ROWS) + 1
    assert rows[1][:3] == ["a.png", "Identical", "0"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_plain_text_and_no_other_form(tmp_path: Path) -> None:
    text = written(tmp_path, ".txt")
    assert "Different (off by up to 9 of 255): /p/<b onload=x>.png\n    Device" in text
    with pytest.raises(AppError, match=r"\.html"):
        written(tmp_path, ".exe")


def test_every_result_has_a_place_in_the_sentence() -> None:
    whole = summary([ReportRow(path="x", result=key) for key in RESULTS])
    assert whole.startswith(f"{len(RESULTS)} pictures: ")
    assert whole.count(", ") == len(RESULTS) - 1
    assert summary([ROWS[0]]) == "1 picture: 1 identical."
