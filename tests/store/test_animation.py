"""Films are what was chosen: size, speed, order; and nothing is left of an unfinished one."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from desktop_app.errors import AppError
from desktop_app.recipe.film import Film, FilmKind
from desktop_app.store.animation import FilmWriter

GREYS = (20, 90, 160, 230)


def frames() -> list[NDArray[np.uint8]]:
    return [np.full((32, 64, 3), grey, np.uint8) for grey in GREYS]


def write(target: Path, film: Film) -> Path:
    with FilmWriter(target, film) as writer:
        for pixels in frames():
            writer.add(pixels)
        return writer.finish()


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("ping_pong", [False, True])
def test_a_moving_picture(kind: FilmKind, ping_pong: bool, tmp_path: Path) -> None:
    film = Film(kind=kind, width=40, fps=5, hold=1.0, ping_pong=ping_pong)
    path = write(tmp_path / f"fox.{kind}", film)
    with Image.open(path) as made:
        assert made.size == (40, 20)
        found = [
            (round(float(np.asarray(one.convert("L")).mean())), one.info["duration"])
            for one in ImageSequence.Iterator(made)
        ]
        assert made.info["loop"] == 0
    order = (*GREYS, *GREYS[2:0:-1]) if ping_pong else GREYS
    assert [grey for grey, _ in found] == pytest.approx(order, abs=2)
    wanted = [200, 200, 200, 1200, 200, 200][: len(order)]
    # The reader of WebP names the time of a frame after it was shown.
    assert sum(time for _, time in found) == sum(wanted)
    if kind == "gif":
        assert [time for _, time in found] == wanted
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    target = tmp_path / "fox steps"
    target.mkdir()
    write(target, Film(kind="png", width=64, ping_pong=True))
    names = sorted(path.name for path in target.iterdir())
    assert names == [f"step 000{number}.png" for number in (1, 2, 3, 4)]
    for name, pixels in zip(names, frames(), strict=True):
        with Image.open(target / name) as made:
            assert np.array_equal(np.asarray(made), pixels)
    with pytest.raises(AppError) as refused:
        write(target, Film(kind="png"))
    assert refused.value.code == "film-folder"
    assert len(list(target.iterdir())) == 4
    assert list(tmp_path.iterdir()) == [target]


def test_an_unfinished_one_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "fox.gif"
    target.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), FilmWriter(target, Film(kind="gif")) as writer:
        writer.add(frames()[0])
        raise KeyboardInterrupt
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(AppError) as refused, FilmWriter(target, Film(kind="gif")) as writer:
        writer.finish()
    assert refused.value.code == "film-empty"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(AppError) as refused:
        write(blocked / "deeper" / "fox.gif", Film(kind="gif"))
    assert refused.value.code == "film-write"
    assert "deeper" in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "mp4"}, {"show": "all"}, {"width": 8}, {"fps": 0}, {"fps": 51}, {"hold": -1.0}],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(AppError):
        Film(**wrong)  # pyright: ignore[reportArgumentType]


def test_the_quickest_step_is_one_that_every_program_plays() -> None:
    assert Film(fps=50, hold=0.0).durations(3) == [20, 20, 20]
    assert Film(fps=1, hold=0.5).durations(2) == [1000, 1500]
    assert Film().durations(0) == []
    assert Film(ping_pong=True, hold=0.0).durations(1) == [100]
