"""Storage: the open store, as the threads of the studio use it; loads Pillow, so never at start."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.engine.backend import Rendered
from desktop_app.engine.events import Latents
from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES, Paths
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.values import JobState

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict
    from desktop_app.store.pictures import Record


class Storage:
    """Everything that is kept: made in the background, then used by any thread."""

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
        from desktop_app.store.presets import SeedPresets, Styles

        self.database = Database(paths.database)
        self.pictures = Pictures(self.database, pictures=pictures, trash=paths.trash)
        self.journal = Journal(paths.journal)
        self.jobs = Jobs(self.database)
        self.seed_presets = SeedPresets(paths.presets / "seeds")
        self.styles = Styles(paths.presets / "styles", RESOURCES / "presets")

    def search(self, text: str) -> tuple[list[int], int]:
        """The pictures that a search finds, newest first, and how many there are in all.

        Raises:
            AppError: the words of the search make no sense.
        """
        from desktop_app.store.search import parse

        return self.pictures.ids(parse(text)), self.pictures.count()

    def record(self, picture: int) -> "Record":
        return self.pictures.record(picture)

    def records(self, pictures: Sequence[int]) -> "Sequence[Record]":
        return self.pictures.records(pictures)

    def thumbnail(self, picture: int) -> bytes:
        return self.pictures.thumbnail(picture)

    def save(self, rendered: Rendered) -> "Record":
        """Write a picture and its row; it is safe on the disk when this returns.

        Raises:
            AppError: the disk is full, the folder cannot be written ...
        """
        return self.pictures.save(rendered.recipe, rendered.provenance, rendered.pixels)

    def keep_latents(self, recipe: Recipe, latents: Latents) -> str:
        return self.journal.keep(recipe, latents)

    def drop_latents(self, token: str) -> None:
        self.journal.drop(token)

    def latents(self, token: str) -> Latents:
        """The finished latent that was kept under a token.

        Raises:
            AppError: `latents-gone`.
        """
        for name, _, latents in self.journal.pending():
            if name == token:
                return latents
        raise AppError("latents-gone", "The unfinished picture is not there any more.")

    def note_job(self, job_id: int, state: JobState, error: str) -> None:
        """Remember what became of a job, for the next start."""
        self.jobs.state(job_id, state, error)

    def compare(self, picture: int, rendered: Rendered) -> "Verdict":
        """Hold a picture that was made again against the stored one, and remember the verdict.

        Raises:
            AppError: the stored picture is not there any more.
        """
        from desktop_app.engine.verify import compare
        from desktop_app.store.pixels import read_pixels

        record = self.pictures.record(picture)
        if record.recipe is None or record.provenance is None:
            raise AppError("no-recipe", "This picture does not say how it was made.")
        pixels = read_pixels(record.path)
        verdict = compare(rendered, record.recipe, record.provenance, pixels)
        self.pictures.set_verified(picture, verdict.kind)
        return verdict

    def close(self) -> None:
        self.database.close()
