"""How a line of values is read: numbers listed and counted, names, and options of a prompt."""

import csv
import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from desktop_app.errors import AppError
from desktop_app.recipe.recipe import Range
from desktop_app.recipe.sweep import POINTS_MAX
from desktop_app.recipe.wildcards import marks

T = TypeVar("T")
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_RANGE = re.compile(
    rf"({_NUMBER})\s*(?:-|–|\.\.)\s*({_NUMBER})"
    rf"(?:\s*:\s*({_NUMBER})|\s*\(\s*\+?\s*({_NUMBER})\s*\)|\s*\[\s*(\d{{1,4}})\s*\])?"
)


def items(text: str) -> list[str]:
    """The values between commas, as in a spreadsheet's row; line ends part them too."""
    lines = text.replace("\r", "\n").split("\n")
    rows = csv.reader(lines, skipinitialspace=True, strict=True)
    try:
        return [item.strip() for row in rows for item in row if item.strip()]
    except csv.Error as fault:
        raise AppError("sweep", "A quotation mark has no partner.") from fault


def numbers(text: str, limits: Range) -> list[float]:
    """The numbers of a line such as `3, 5, 7` or `1-9:2`, whole ones as `int`.

    Raises:
        AppError: for what is no number, out of range, or too much.
    """
    found: list[float] = []
    for item in items(text):
        values = _counted(item, limits)
        found += values if values is not None else [_number(item, limits)]
        if len(found) > POINTS_MAX:
            raise AppError("sweep", f"{limits.name}: at most {POINTS_MAX} values.")
    if not found:
        raise AppError("sweep", f"{limits.name}: write values such as 3, 5, 7 or 1-9:2.")
    for value in found:
        limits.check(value)
    return found


def _counted(item: str, limits: Range) -> list[float] | None:
    match = _RANGE.fullmatch(item)
    if match is None:
        return None
    first, last = _number(match[1], limits), _number(match[2], limits)
    limits.check(first)
    limits.check(last)
    whole = isinstance(first, int) and isinstance(last, int)
    if match[5]:
        return _spread(first, last, int(match[5]), limits)
    step = abs(_number(match[3] or match[4] or "1", limits))
    if step == 0:
        raise AppError("sweep", f"{limits.name}: a step of 0 leads nowhere.")
    count = math.floor(abs(last - first) / step + 1e-9) + 1
    if count > POINTS_MAX:
        raise AppError("sweep", f"{limits.name}: {item[:40]} is more than {POINTS_MAX} values.")
    way = step if last >= first else -step
    if whole and isinstance(step, int):
        return [first + int(way) * i for i in range(count)]
    return [_tidy(first + way * i) for i in range(count)]


def _spread(first: float, last: float, count: int, limits: Range) -> list[float]:
    if not 1 <= count <= POINTS_MAX:
        raise AppError("sweep", f"{limits.name}: 1 to {POINTS_MAX} values.")
    places = [first + (last - first) * i / max(count - 1, 1) for i in range(count)]
    if not limits.multiple:
        return [_tidy(place) for place in places]
    step = limits.multiple
    return list(dict.fromkeys(round(place / step) * step for place in places))


def _number(text: str, limits: Range) -> float:
    plain = text.strip().replace(" ", "").replace("_", "")
    if re.fullmatch(r"[+-]?\d{1,20}", plain, re.ASCII):
        return int(plain)
    if re.fullmatch(_NUMBER, plain, re.ASCII) and len(plain) < 40:
        return float(plain)
    raise AppError("sweep", f"{limits.name}: “{text[:40]}” is no number.")


def _tidy(value: float) -> float:
    return round(value, 6)


def shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def alternatives(prompt: str) -> list[tuple[str, tuple[str, ...]]]:
    """The outermost `{a|b|c}` of a prompt, as they stand there, with their options."""
    roles = marks(prompt).roles
    found: list[tuple[str, tuple[str, ...]]] = []
    depth, start, edges = 0, 0, list[int]()
    for place in sorted(roles):
        match roles[place]:
            case "open":
                depth += 1
                if depth == 1:
                    start, edges = place, [place]
            case "bar" if depth == 1:
                edges.append(place)
            case "close":
                depth -= 1
                if depth == 0:
                    ends = [*edges[1:], place]
                    options = (prompt[a + 1 : b] for a, b in zip(edges, ends, strict=True))
                    found.append((prompt[start : place + 1], tuple(options)))
            case _:
                pass
    return found


def one_of(item: str, names: Mapping[str, T], what: str) -> T:
    """What stands under a name, or under the only one that begins so."""
    key = item.strip().casefold()
    if key in names:
        return names[key]
    near = [value for name, value in names.items() if key and name.startswith(key)]
    if len(near) == 1:
        return near[0]
    raise AppError(
        "sweep",
        f"There is no {what} “{item[:60]}”."
        if not near
        else f"“{item[:60]}” is more than one {what}.",
        hint="There are: " + ", ".join(list(names)[:12]) + "." if names else "",
    )


def joined(values: Iterable[str]) -> str:
    """A line that `items` reads as these values."""
    return ", ".join(f'"{one}"' if "," in one else one for one in values)
