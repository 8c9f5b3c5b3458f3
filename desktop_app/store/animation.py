"""The steps of a picture written as an animated WebP or GIF, or as a folder of PNG pictures."""

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from desktop_app.errors import AppError
from desktop_app.recipe.film import Film

QUALITY = 90
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class FilmWriter:
    """Takes frames one by one and makes the file of them; what is there before stays until then.

    Frames wait in a folder beside the target, so that a film of any length needs the memory of
    one. Used as a context manager: what was not finished leaves nothing behind.

    Args:
        target: the file, or for PNG pictures the folder; a folder is made and must not hold
            anything.
    """

    def __init__(self, target: Path, film: Film) -> None:
        self._target = target
        self._film = film
        self._count = 0
        self._folder: Path | None = None

    def __enter__(self) -> "FilmWriter":
        """Raises:
        AppError: `film-folder` when there is something in the folder for the pictures,
            `film-write` when nothing can be written there.
        """
        if self._film.kind == "png" and self._target.is_dir() and any(self._target.iterdir()):
            raise AppError(
                "film-folder",
                f"The folder {self._target.name} is not empty.",
                hint="Choose another name: what is there is left alone.",
            )
        with _told(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            made = tempfile.mkdtemp(prefix=".film-", dir=self._target.parent)
            self._folder = Path(made)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """The next frame, (h, w, 3) RGB, of any size.

        Raises:
            AppError: `film-write`, `film-full`.
        """
        height, width = pixels.shape[:2]
        size = self._film.width, max(1, round(self._film.width * height / width))
        shrinks = size[0] < width
        way = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
        frame = Image.fromarray(pixels).resize(size, way)
        self._count += 1
        last = self._film.kind == "png"
        with _told(self._target):
            frame.save(self._frame(self._count), compress_level=6 if last else 1)

    def finish(self) -> Path:
        """Make the file or the folder.

        Raises:
            AppError: `film-empty`, `film-write`, `film-full`.
        """
        if not self._count or self._folder is None:
            raise AppError("film-empty", "There are no steps to make a film of.")
        with _told(self._target):
            if self._film.kind == "png":
                if self._target.is_dir():
                    self._target.rmdir()
                # Made for us alone while it was a place to work in.
                self._folder.chmod(0o755)
                self._folder.replace(self._target)
                self._folder = None
            else:
                part = self._folder / f"film.{self._film.kind}"
                self._save(part)
                part.replace(self._target)
        return self._target

    def _save(self, part: Path) -> None:
        durations = self._film.durations(self._count)
        frames = self._frames()
        first = next(frames)
        more = {"save_all": True, "append_images": frames, "duration": durations, "loop": 0}
        if self._film.kind == "webp":
            first.save(part, "WEBP", quality=QUALITY, method=4, **more)
        else:
            first.save(part, "GIF", disposal=1, optimize=False, **more)

    def _frames(self) -> Iterator[Image.Image]:
        back = range(self._count - 1, 1, -1) if self._film.ping_pong else ()
        for number in (*range(1, self._count + 1), *back):
            with Image.open(self._frame(number)) as kept:
                frame = kept.convert("RGB")
            # Each step with its own colours: one palette for noise and picture would suit neither.
            yield frame.quantize(256) if self._film.kind == "gif" else frame

    def _frame(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"step {number:04}.png"


@contextlib.contextmanager
def _told(target: Path) -> Generator[None]:
    """Say in a sentence what the disk refuses."""
    try:
        yield
    except OSError as fault:
        if fault.errno in FULL:
            raise AppError(
                "film-full",
                f"The disk is full: {target.name} could not be written.",
                hint="Free some room, and export it again.",
            ) from fault
        raise AppError(
            "film-write",
            f"{target.name} cannot be written to {target.parent}: {fault.strerror or fault}.",
            hint="Choose another folder.",
        ) from fault
