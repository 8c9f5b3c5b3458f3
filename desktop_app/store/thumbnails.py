"""Thumbnails by the hash of their picture, in a file of their own that may be lost at any time."""

from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.store.database import Database
from desktop_app.store.schema import THUMBNAILS


class Thumbnails:
    """A cache beside the index, so that the index stays small enough to check at every start."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, migrations=THUMBNAILS, durable=False)

    def get(self, picture: str) -> bytes | None:
        """The JPEG of a picture, told by its key."""
        found = self._database.rows("SELECT jpeg FROM thumbnails WHERE picture = ?", (picture,))
        return bytes(found[0][0]) if found else None

    def put(self, picture: str, jpeg: bytes) -> None:
        """Keep a JPEG; where there is no room for it, it is made again when it is asked for."""
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", (picture, jpeg)
                )
        except AppError:
            return

    def drop(self, pictures: list[str]) -> None:
        """Forget thumbnails of pictures that are gone."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM thumbnails WHERE picture = ?", [(picture,) for picture in pictures]
            )

    def close(self) -> None:
        self._database.close()
