"""The queue on disk: it outlives a crash, and a job that crashes is not tried for ever."""

from collections.abc import Sequence
from typing import Literal

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.store.database import Database

State = Literal["waiting", "running", "done", "failed", "cancelled"]
TRIES_MAX = 3
"""A job that was running when the program died this often is taken for the cause."""
_KEPT = 500


class Jobs:
    """Rows of the queue. Safe to call from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, recipes: Sequence[Recipe], origin: Origin | None = None) -> list[int]:
        """Write down what is to be made, before anything is made; one id for each.

        Args:
            origin: what the pictures are derived from.
        """
        ids: list[int] = []
        tie = "" if origin is None else codec.dumps(codec.origin_to_json(origin))
        with self._database.transaction() as connection:
            for recipe in recipes:
                text = codec.dumps(codec.recipe_to_json(recipe))
                row = connection.execute(
                    "INSERT INTO jobs (recipe, origin) VALUES (?, ?)", (text, tie)
                )
                assert row.lastrowid is not None
                ids.append(row.lastrowid)
            connection.execute(
                "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND id < ?",
                ((ids[-1] if ids else 0) - _KEPT,),
            )
        return ids

    def state(self, number: int, state: State, error: str = "") -> None:
        """Note what becomes of a job.

        Args:
            error: the sentence for a failed one.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, error = ?, tries = tries + ? WHERE id = ?",
                (state, error[:2000], state == "running", number),
            )

    def waiting(self) -> list[tuple[int, Recipe, Origin | None]]:
        """What an earlier session left to do, in order.

        A job that was running when that session ended waits again, unless that happened
        `TRIES_MAX` times; such a job, and one that cannot be read, is failed instead.
        """
        found: list[tuple[int, Recipe, Origin | None]] = []
        rows = self._database.rows(
            "SELECT id, recipe, origin, state, tries FROM jobs"
            " WHERE state IN ('waiting', 'running') ORDER BY id"
        )
        for number, text, tie, state, tries in rows:
            if state == "running" and tries >= TRIES_MAX:
                self.state(number, "failed", "The program ended each time this was being made.")
                continue
            try:
                recipe = codec.recipe_from_json(codec.loads(text))
                origin = codec.origin_from_json(codec.loads(tie)) if tie else None
            except AppError as refusal:
                self.state(number, "failed", refusal.sentence)
                continue
            found.append((number, recipe, origin))
        return found

    def errors(self) -> dict[int, str]:
        """The failed jobs and what they failed of."""
        rows = self._database.rows("SELECT id, error FROM jobs WHERE state = 'failed' ORDER BY id")
        return dict(rows)

    def clear(self) -> int:
        """Forget all jobs but the one that is running; how many were still waiting."""
        with self._database.transaction() as connection:
            waiting = connection.execute("SELECT count(*) FROM jobs WHERE state = 'waiting'")
            count = int(waiting.fetchone()[0])
            connection.execute("DELETE FROM jobs WHERE state != 'running'")
        return count
