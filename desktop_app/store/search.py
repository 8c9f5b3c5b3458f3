"""What the artist types into the search field, as a value, and as conditions on the index."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from desktop_app.recipe.recipe import SEED_MAX

_TERM = re.compile(r'-?(?:[a-z]+:)?(?:"[^"]*"?|\S+)', re.IGNORECASE)
_COMPARED = re.compile(r"(>=|<=|>|<|=)?([0-5])")
_SIZE = re.compile(r"(\d{1,5})(?:[x×](\d{1,5}))?")
_DAY = re.compile(r"(>=|<=|>|<|=)?(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_TEXT_MAX = 1000
_TERMS_MAX = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What to look for; all of it must hold.

    Attributes:
        words: in the prompt; each also finds longer words that begin with it, and several words in
            one entry are a phrase.
        without: words that are not in the prompt.
        seed: decimal digits; empty for any.
        model: part of the model's name, or the first digits of its hash.
        size: width and height in pixels; a height of 0 means that either side has the first.
        rating: a comparison such as (">", 3).
        since: UTC, ISO 8601, this moment and later; empty for any time.
        until: UTC, ISO 8601, before this moment; empty for any time.
        favourite: True for favourites only, False for the others.
        verified: a verdict, such as `identical`.
        sheet: the grid that it is a cell of; empty for any.
        ignored: filters whose value was not understood.
    """

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    seed: str = ""
    model: str = ""
    size: tuple[int, int] | None = None
    rating: tuple[str, int] | None = None
    since: str = ""
    until: str = ""
    favourite: bool | None = None
    verified: str = ""
    sheet: str = ""
    ignored: tuple[str, ...] = ()


def parse(text: str) -> Query:
    """The query that a text asks for; any text is one, also one that is not typed to its end.

    Words stand for themselves, "several words" for a phrase, -word for its absence. Filters are
    `seed:7`, `model:starter`, `size:512x768`, `rating:>3`, `date:2026-11`, `date:today`,
    `date:>2026-11-02`, `is:favourite`, `is:verified` and `grid:` with the id of a grid.
    """
    query = Query()
    for term in _TERM.findall(text[:_TEXT_MAX])[:_TERMS_MAX]:
        key, colon, value = term.partition(":")
        reader = _FILTERS.get(key.lower()) if colon else None
        if reader:
            query = reader(query, value.strip('"')) or replace(
                query, ignored=(*query.ignored, *([term] if value else []))
            )
            continue
        plain = term.removeprefix("-").strip('"')
        if not any(c.isalnum() for c in plain):
            continue
        if term.startswith("-"):
            query = replace(query, without=(*query.without, plain))
        else:
            query = replace(query, words=(*query.words, plain))
    return query


def conditions(query: Query) -> tuple[str, tuple[object, ...]]:
    """SQL to put after a condition on the table `pictures`, and the values in it."""
    parts = [("id IN", word) for word in query.words]
    parts += [("id NOT IN", word) for word in query.without]
    found = [_word(how, word) for how, word in parts]
    if query.seed:
        found.append(("seed = ?", (query.seed,)))
    if query.model:
        name = _literal(query.model)
        found.append(
            (
                r"(model LIKE ? ESCAPE '\' OR model_sha256 LIKE ? ESCAPE '\')",
                (f"%{name}%", f"{name}%"),
            )
        )
    if query.size:
        width, height = query.size
        both = "width = ? AND height = ?" if height else "(width = ? OR height = ?)"
        found.append((both, (width, height or width)))
    if query.rating:
        sign, number = query.rating
        found.append((f"rating {_SIGNS[sign]} ?", (number,)))
    if query.since:
        found.append(("created >= ?", (query.since,)))
    if query.until:
        found.append(("created < ?", (query.until,)))
    if query.favourite is not None:
        found.append(("favourite = ?", (query.favourite,)))
    if query.verified:
        found.append(("verified = ?", (query.verified,)))
    if query.sheet:
        found.append(("sheet = ?", (query.sheet,)))
    return (
        "".join(f" AND {condition}" for condition, _ in found),
        tuple(value for _, values in found for value in values),
    )


def _word(how: str, word: str) -> tuple[str, tuple[object, ...]]:
    """Full text search, which knows words by spaces; scripts without spaces are looked through."""
    if any("\u2e80" <= c <= "\ud7ff" or "\u0e00" <= c <= "\u0eff" for c in word):
        pattern = f"%{_literal(word)}%"
        return rf"{how} (SELECT id FROM details WHERE prompt LIKE ? ESCAPE '\')", (pattern,)
    phrase = word.replace('"', " ").replace("\0", " ")
    return f"{how} (SELECT rowid FROM words WHERE words MATCH ?)", (f'"{phrase}"*',)


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _seed(query: Query, value: str) -> Query | None:
    digits = re.sub(r"[\s.,_']", "", value)
    if digits.isascii() and digits.isdigit() and len(digits) < 30 and int(digits) <= SEED_MAX:
        return replace(query, seed=str(int(digits)))
    return None


def _model(query: Query, value: str) -> Query | None:
    return replace(query, model=value) if value.strip() else None


def _size(query: Query, value: str) -> Query | None:
    found = _SIZE.fullmatch(value)
    return replace(query, size=(int(found[1]), int(found[2] or 0))) if found else None


def _rating(query: Query, value: str) -> Query | None:
    found = _COMPARED.fullmatch(value)
    return replace(query, rating=(found[1] or "=", int(found[2]))) if found else None


def _is(query: Query, value: str) -> Query | None:
    match value.lower():
        case "favourite" | "favorite" | "fav" | "starred":
            return replace(query, favourite=True)
        case "verified" | "identical":
            return replace(query, verified="identical")
        case "similar" | "different":
            return replace(query, verified=value.lower())
        case _:
            return None


def _grid(query: Query, value: str) -> Query | None:
    return replace(query, sheet=value.lower()) if re.fullmatch("[0-9a-fA-F]{16}", value) else None


def _date(query: Query, value: str) -> Query | None:
    """Days are the artist's own: from midnight to midnight where they are, told in UTC."""
    today = datetime.now().date()
    match value.lower():
        case "today":
            return replace(query, since=_utc(today), until=_utc(today + timedelta(days=1)))
        case "yesterday":
            return replace(query, since=_utc(today - timedelta(days=1)), until=_utc(today))
        case "week":
            return replace(query, since=_utc(today - timedelta(days=6)))
        case _:
            found = _DAY.fullmatch(value)
    if found is None:
        return None
    sign, year, month, day = found.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
        after = _next(first, month is not None, day is not None)
        since, until = _utc(first), _utc(after)
    except (ValueError, OverflowError, OSError):
        return None
    match sign:
        case ">":
            return replace(query, since=until)
        case ">=":
            return replace(query, since=since)
        case "<":
            return replace(query, until=since)
        case "<=":
            return replace(query, until=until)
        case _:
            return replace(query, since=since, until=until)


def _next(first: date, has_month: bool, has_day: bool) -> date:
    if has_day:
        return first + timedelta(days=1)
    if has_month:
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(year=first.year + 1)


def _utc(day: date) -> str:
    moment = datetime.combine(day, time()).astimezone()
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


_SIGNS = {"=": "=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}
_FILTERS: dict[str, Callable[[Query, str], Query | None]] = {
    "seed": _seed,
    "model": _model,
    "size": _size,
    "rating": _rating,
    "date": _date,
    "is": _is,
    "grid": _grid,
}
