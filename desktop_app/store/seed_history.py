"""Every seed ever used: when, for what, and the picture it gave; noted before a run starts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.recipe import FromNoise, Recipe, Variation, VariationMethod
from desktop_app.store.database import Database

RECENT = 10_000
"""How many of the last seeds a random one is never equal to."""
_BATCH = 500
_FIELDS = "id, seed, start, width, height, prompt, model, used, pixels_sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedUse:
    """One use of a seed.

    Attributes:
        start: what was mixed into its noise; plain for a branch, whose seed is that of its steps.
        width: pixels; so is `height`.
        prompt: as it was resolved for this picture.
        model: its name.
        used: UTC, ISO 8601.
        picture: pixel hash of what it became; empty when it was never finished.
    """

    id: int
    seed: int
    start: FromNoise
    width: int
    height: int
    prompt: str
    model: str
    used: str
    picture: str = ""


class SeedHistory:
    """The uses, in the library's database. Safe to call from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, jobs: Sequence[int], recipes: Sequence[Recipe]) -> None:
        """Note that pictures are about to be made; inside a transaction it joins that one.

        Args:
            jobs: their numbers in the queue, one for each recipe.
        """
        used = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        with self._database.transaction() as connection:
            for job, recipe in zip(jobs, recipes, strict=True):
                connection.execute(_INSERT, (job, used, *_values(recipe), ""))

    def made(self, job: int, recipe: Recipe, pixels_sha256: str) -> None:
        """Note the picture that a job became."""
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE seeds SET pixels_sha256 = ? WHERE job = ? AND pixels_sha256 = ''",
                (pixels_sha256, job),
            )
            if not done.rowcount:
                self._take_in(None, recipe, pixels_sha256)

    def catch_up(self, check: Callable[[], object] = lambda: None) -> int:
        """Take in the pictures of the index that no use is known of; how many there were.

        Args:
            check: called now and then; may stop the work by raising. What was taken in stays.
        """
        count, last = 0, 0
        while True:
            check()
            rows = self._database.rows(
                "SELECT p.id, p.created, p.pixels_sha256, d.recipe FROM pictures p"
                " JOIN details d ON d.id = p.id WHERE p.id > ? AND d.recipe != '' AND NOT EXISTS"
                " (SELECT 1 FROM seeds s WHERE s.pixels_sha256 = p.pixels_sha256)"
                " ORDER BY p.id LIMIT ?",
                (last, _BATCH),
            )
            if not rows:
                return count
            last = int(rows[-1][0])
            # Of pictures with equal pixels one is enough.
            found = {pixels: (created, _recipe(text)) for _, created, pixels, text in rows}
            with self._database.transaction():
                for pixels, (created, recipe) in found.items():
                    if recipe is not None:
                        self._take_in(created, recipe, pixels)
                        count += 1

    def recent(self, limit: int = RECENT) -> list[int]:
        """The seeds used last, those of variations among them, the newest first."""
        rows = self._database.rows(
            "SELECT seed, start FROM seeds ORDER BY used DESC, id DESC LIMIT ?", (limit,)
        )
        found = (
            number
            for seed, start in rows
            for number in (int(seed), *(one.seed for one in _start(start).variations))
        )
        return [number for number, _ in zip(found, range(limit), strict=False)]

    def last(self, limit: int) -> list[SeedUse]:
        """The last uses, the newest first, each seed and its variations once."""
        found: dict[tuple[int, FromNoise], SeedUse] = {}
        offset = 0
        while len(found) < limit:
            page = self.page("", offset, max(limit * 4, 100))
            if not page:
                break
            offset += len(page)
            for use in page:
                found.setdefault((use.seed, use.start), use)
        return [*found.values()][:limit]

    def page(self, words: str, offset: int, limit: int) -> list[SeedUse]:
        """Uses whose prompt, model or seed has every one of these words, the newest first."""
        where, values = _conditions(words)
        rows = self._database.rows(
            f"SELECT {_FIELDS} FROM seeds{where} ORDER BY used DESC, id DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [_use(row) for row in rows]

    def count(self, words: str = "") -> int:
        where, values = _conditions(words)
        return int(self._database.rows(f"SELECT count(*) FROM seeds{where}", values)[0][0])

    def _take_in(self, created: str | None, recipe: Recipe, pixels: str) -> None:
        values = _values(recipe)
        with self._database.transaction() as connection:
            # A program that was killed between saving a picture and noting it has left its use.
            lost = connection.execute(
                "SELECT min(id) FROM seeds WHERE pixels_sha256 = '' AND seed = ? AND start = ?"
                " AND width = ? AND height = ? AND prompt = ? AND model = ?",
                values,
            ).fetchone()[0]
            if lost is not None:
                connection.execute(
                    "UPDATE seeds SET pixels_sha256 = ? WHERE id = ?", (pixels, lost)
                )
                return
            used = created or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            connection.execute(_INSERT, (None, used, *values, pixels))


_INSERT = (
    "INSERT INTO seeds (job, used, seed, start, width, height, prompt, model, pixels_sha256)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def pictures_with(database: Database, hashes: Iterable[str]) -> dict[str, int]:
    """The newest picture of the gallery for each pixel hash that one has."""
    wanted = [*dict.fromkeys(hashes)]
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        places = ",".join("?" * len(part))
        rows = database.rows(
            "SELECT pixels_sha256, max(id) FROM pictures WHERE trashed = '' AND missing = 0"
            f" AND pixels_sha256 IN ({places}) GROUP BY pixels_sha256",
            part,
        )
        found |= {str(pixels): int(number) for pixels, number in rows}
    return found


def _values(recipe: Recipe) -> tuple[object, ...]:
    start = recipe.start if isinstance(recipe.start, FromNoise) else FromNoise()
    return (
        str(recipe.seed),
        _start_text(start),
        recipe.width,
        recipe.height,
        recipe.prompt,
        recipe.model.name,
    )


def _start_text(start: FromNoise) -> str:
    if not start.variations:
        return ""
    mixed = [[str(one.seed), float(one.weight)] for one in start.variations]
    return codec.dumps({"method": start.method, "variations": mixed})


def _start(text: str) -> FromNoise:
    """What `_start_text` wrote; a damaged row is one without variations."""
    try:
        data = cast(dict[str, Any], codec.loads(text)) if text else {}
        rows = cast(list[tuple[str, float]], data.get("variations", []))
        mixed = tuple(Variation(seed=int(seed), weight=weight) for seed, weight in rows)
        method = cast(VariationMethod, data.get("method", "whole"))
        return FromNoise(variations=mixed, method=method)
    except (AppError, ValueError, TypeError, AttributeError):
        return FromNoise()


def _recipe(text: str) -> Recipe | None:
    try:
        return codec.recipe_from_json(codec.loads(text))
    except AppError:
        return None


def _use(row: tuple[Any, ...]) -> SeedUse:
    number, seed, start, width, height, prompt, model, used, pixels = row
    return SeedUse(
        id=number,
        seed=int(seed),
        start=_start(start),
        width=width,
        height=height,
        prompt=prompt,
        model=model,
        used=used,
        picture=pixels,
    )


def _conditions(words: str) -> tuple[str, tuple[str, ...]]:
    """Seeds are searched for with or without spaces between their digits."""
    joined = words.replace(" ", "")
    if joined.isdigit():
        return " WHERE (seed LIKE ? OR prompt LIKE ? ESCAPE '\\')", (
            f"{joined}%",
            f"%{words.strip()}%",
        )
    tests: list[str] = []
    values: list[str] = []
    for word in words.split()[:20]:
        plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        tests.append("(prompt LIKE ? ESCAPE '\\' OR model LIKE ? ESCAPE '\\' OR seed LIKE ?)")
        values += [f"%{plain}%", f"%{plain}%", f"{plain}%"]
    return (f" WHERE {' AND '.join(tests)}" if tests else ""), tuple(values)
