"""Film: how the steps of a picture become a moving one."""

from dataclasses import dataclass
from typing import Literal, get_args

from desktop_app.recipe.recipe import Range, check_choice

FilmKind = Literal["webp", "gif", "png"]
FILM_KINDS: tuple[FilmKind, ...] = get_args(FilmKind)
FilmShow = Literal["x0", "noisy"]
FILM_SHOWS: tuple[FilmShow, ...] = get_args(FilmShow)

FILM_WIDTH = Range(name="Width", low=16, high=4096, unit="px")
FPS = Range(name="Steps a second", low=1, high=50)
HOLD = Range(name="The time the picture stands", low=0, high=20, multiple=0, unit="s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Film:
    """What the artist chose.

    Attributes:
        kind: an animated WebP or GIF, or a folder of PNG pictures.
        width: pixels; the height follows the picture.
        fps: steps a second.
        hold: seconds that the finished picture stands, on top of its own step.
        ping_pong: whether it goes back to the noise after that; a folder of pictures does not.
        show: what the network saw in the noise at each step, or the noisy state itself.
        small: made of the small previews, in a moment, instead of decoding every step.

    Raises:
        AppError: for a value out of range.
    """

    kind: FilmKind = "webp"
    width: int = 512
    fps: int = 10
    hold: float = 1.5
    ping_pong: bool = False
    show: FilmShow = "x0"
    small: bool = False

    def __post_init__(self) -> None:
        check_choice("kind of film", self.kind, FILM_KINDS)
        check_choice("view of a step", self.show, FILM_SHOWS)
        FILM_WIDTH.check(self.width)
        FPS.check(self.fps)
        HOLD.check(self.hold)

    def durations(self, count: int) -> list[int]:
        """How long each frame of a moving picture stands, in milliseconds, in order."""
        # GIF counts in hundredths, and programs play anything under 20 ms slowly.
        one = max(20, round(100 / self.fps) * 10)
        forth = [one] * max(count - 1, 0) + [one + round(self.hold * 100) * 10] * (count > 0)
        return forth + [one] * max(count - 2, 0) if self.ping_pong else forth
