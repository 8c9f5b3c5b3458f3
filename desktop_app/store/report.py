"""The report on many verified pictures, as a page, a table or plain text."""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.store.files import write_atomic

ENDINGS = (".html", ".csv", ".txt")
RESULTS = {
    "identical": "Identical",
    "similar": "Visually identical",
    "different": "Different",
    "changed": "File was changed",
    "unproved": "Says not how it was made",
    "failed": "Could not be made",
    "cancelled": "Not verified",
}
"""The words for what became of a picture."""
GOOD = frozenset({"identical", "similar"})

_HEAD = ("Picture", "Result", "Largest difference of 255", "Likeliest cause", "Model", "Path")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .3rem .9rem .3rem 0;
vertical-align: top; border-bottom: 1px solid #ddd; } .bad { color: #a3262a; }
.good { color: #1d6b3a; } td.number { text-align: right; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #18181b; }
th, td { border-color: #333; } .bad { color: #f0868a; } .good { color: #7fd1a0; } }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """What became of one picture.

    Attributes:
        result: a key of `RESULTS`.
        largest: difference of a channel, 0 ... 255; -1 where it is not known.
        cause: why it differs or could not be made; empty where it is the same.
    """

    path: str
    result: str
    largest: int = -1
    cause: str = ""
    model: str = ""

    @property
    def name(self) -> str:
        return Path(self.path).name


def summary(rows: Sequence[ReportRow]) -> str:
    """One sentence: how many pictures, and how many of each result."""
    parts = [
        f"{count} {words[:1].lower()}{words[1:]}"
        for key, words in RESULTS.items()
        if (count := sum(row.result == key for row in rows))
    ]
    pictures = "1 picture" if len(rows) == 1 else f"{len(rows)} pictures"
    return f"{pictures}: {', '.join(parts)}." if parts else f"{pictures}."


def write(path: Path, rows: Sequence[ReportRow], *, made: str, here: str) -> None:
    """Write the report in the form that the name's ending says.

    Args:
        made: when, as `2026-11-21 07:30`.
        here: what verified them: program, versions and device, in one line.

    Raises:
        AppError: `arguments` for another ending; `disk-full`, `read-only`, `folder-gone` or
            `write-failed`.
    """
    match path.suffix.lower():
        case ".html":
            text = _page(rows, made, here)
        case ".csv":
            # Spreadsheets take a file for their own encoding without this mark.
            text = "\ufeff" + _table(rows)
        case ".txt":
            text = _plain(rows, made, here)
        case _:
            raise AppError("arguments", f"A report ends in one of {', '.join(ENDINGS)}.")
    write_atomic(path, text.encode("utf-8", "replace"))


def _cells(row: ReportRow) -> tuple[str, ...]:
    largest = "" if row.largest < 0 else str(row.largest)
    return row.name, RESULTS[row.result], largest, row.cause, row.model, row.path


def _page(rows: Sequence[ReportRow], made: str, here: str) -> str:
    say = html.escape
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Verified pictures</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Verified pictures</h1>",
        f"<p>{say(summary(rows))}</p><p>{say(made)} · {say(here)}</p>",
        "<table><thead><tr>",
        *(f"<th>{say(title)}</th>" for title in _HEAD),
        "</tr></thead><tbody>",
    ]
    for row in rows:
        kind = "good" if row.result in GOOD else "bad"
        name, result, largest, cause, model, path = (say(cell) for cell in _cells(row))
        lines.append(
            f'<tr><td>{name}</td><td class="{kind}">{result}</td>'
            f'<td class="number">{largest}</td><td>{cause}</td><td>{model}</td><td>{path}</td></tr>'
        )
    return "\n".join([*lines, "</tbody></table></body></html>", ""])


def _table(rows: Sequence[ReportRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in _cells(row)])
    return out.getvalue()


def _plain(rows: Sequence[ReportRow], made: str, here: str) -> str:
    lines = ["Verified pictures", summary(rows), f"{made} · {here}", ""]
    for row in rows:
        _, result, largest, cause, _, path = _cells(row)
        off = f" (off by up to {largest} of 255)" if row.largest > 0 else ""
        lines.append(f"{result}{off}: {path}")
        if cause:
            lines.append(f"    {cause}")
    return "\n".join([*lines, ""])


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
