"""Storage: the open store, as the threads of the studio use it; loads Pillow, so never at start."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.engine.backend import Rendered
from desktop_app.engine.events import Latents
from desktop_app.errors import AppError
from desktop_app.paths import Paths
from desktop_app.recipe.foreign import NO_FILES, Files
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.shelves import Shelves
from desktop_app.studio.values import Found, JobState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from desktop_app.store.pictures import Record
    from desktop_app.store.reindex import Reindexed


class Storage:
    """Everything that is kept: made in the background, then used by any thread.

    Attributes:
        model_files: what other programs call the models, which pictures tell them.
    """

    def __init__(self, paths: Paths, pictures: Path) -> None:
        """Open the store, making what is not there yet.

        Args:
            pictures: where new pictures go.

        Raises:
            AppError: the database cannot be used.
        """
        from desktop_app.store.database import Database
        from desktop_app.store.jobs import Jobs
        from desktop_app.store.journal import Journal
        from desktop_app.store.pictures import Pictures
        from desktop_app.store.seed_history import SeedHistory
        from desktop_app.store.sheets import Sheets

        self.database = Database(paths.database)
        self.pictures = Pictures(self.database, pictures=pictures, trash=paths.trash)
        self.journal = Journal(paths.journal)
        self.jobs = Jobs(self.database)
        self.sheets = Sheets(paths.sheets)
        self.seed_history = SeedHistory(self.database)
        self.shelves = Shelves(pictures, paths.presets)
        self.model_files: Callable[[], Files] = lambda: NO_FILES

    @property
    def put_aside(self) -> Path | None:
        """Where a damaged index was moved to; None when it was sound."""
        return self.database.put_aside

    def rebuild_index(self, progress: Callable[[int, int], None]) -> "Reindexed":
        """Make the index agree with the files, and the history of seeds with the index.

        `progress` may stop it by raising.
        """
        found = self.pictures.rebuild_index(progress)
        self.seed_history.catch_up(lambda: progress(found.pictures, found.pictures))
        return found

    def order(self, recipes: Sequence[Recipe], origin: Origin | None) -> list[int]:
        """Write down what is to be made, and the seeds that are used for it, in one step.

        Returns:
            a number for each job.
        """
        with self.database.transaction():
            numbers = self.jobs.add(recipes, origin)
            self.seed_history.log(numbers, recipes)
        return numbers

    def pictures_with(self, hashes: Iterable[str]) -> dict[str, int]:
        """The newest picture of the gallery for each pixel hash that one has."""
        from desktop_app.store.seed_history import pictures_with

        return pictures_with(self.database, hashes)

    def search(self, text: str) -> Found:
        """The pictures that a search finds; any text is one."""
        from desktop_app.store.search import parse

        query = parse(text)
        return Found(
            ids=self.pictures.ids(query),
            count_all=self.pictures.count(),
            ignored=query.ignored,
        )

    def record(self, picture: int) -> "Record":
        return self.pictures.record(picture)

    def records(self, pictures: Sequence[int]) -> "Sequence[Record]":
        return self.pictures.records(pictures)

    def pixels(self, picture: int) -> "NDArray[np.uint8]":
        """(H, W, 3) uint8 RGB.

        Raises:
            AppError: the file is gone or damaged.
        """
        return self.pictures.pixels(picture)

    def thumbnail(self, picture: int) -> bytes:
        return self.pictures.thumbnail(picture)

    def save(self, rendered: Rendered) -> "Record":
        """Write a picture and its row; it is safe on the disk when this returns.

        Raises:
            AppError: the disk is full, the folder cannot be written ...
        """
        return self.pictures.save(
            rendered.recipe, rendered.provenance, rendered.pixels, files=self.model_files()
        )

    def add_file(self, path: Path) -> "tuple[Record, bool]":
        """Copy a picture in; the second is whether it is new, for its pixels may be there.

        Raises:
            AppError: it is no picture, it is damaged, the disk is full ...
        """
        newest = next(iter(self.pictures.ids()), 0)
        record = self.pictures.add_file(path)
        return record, record.id > newest

    def keep_latents(self, recipe: Recipe, latents: Latents, origin: Origin | None) -> str:
        return self.journal.keep(recipe, latents, origin)

    def drop_latents(self, token: str) -> None:
        self.journal.drop(token)

    def latents(self, token: str) -> Latents:
        """The finished latent that was kept under a token.

        Raises:
            AppError: `latents-gone`.
        """
        for name, _, kept in self.journal.pending():
            if name == token:
                return Latents(latents=kept.latents, noise_sha256=kept.noise_sha256)
        raise AppError("latents-gone", "The unfinished picture is not there any more.")

    def note_job(self, job_id: int, state: JobState, error: str) -> None:
        """Remember what became of a job, for the next start."""
        self.jobs.state(job_id, state, error)

    def set_verified(self, picture: int, verdict: str) -> None:
        self.pictures.set_verified(picture, verdict)

    def close(self) -> None:
        self.pictures.close()
        self.database.close()
