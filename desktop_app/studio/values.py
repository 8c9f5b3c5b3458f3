"""The plain values that go between the studio and the windows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop_app.errors import AppError
from desktop_app.recipe.film import Film
from desktop_app.recipe.presets import ParameterPreset, SeedPreset
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.recipe.styles import Style

if TYPE_CHECKING:
    # For annotations in ui/ alone: some of these bring numpy or Pillow, which the window must not
    # wait for.
    from desktop_app.engine.backend import DeviceInfo
    from desktop_app.engine.verify import Verdict
    from desktop_app.library.catalog import ModelInfo
    from desktop_app.store.pictures import Record
    from desktop_app.store.seed_history import SeedUse

__all__ = [
    "DeviceInfo",
    "Film",
    "Found",
    "Job",
    "JobKind",
    "JobState",
    "ModelInfo",
    "Notice",
    "NoticeKind",
    "ParameterPreset",
    "Record",
    "SeedPreset",
    "SeedUse",
    "Style",
    "Verdict",
    "bug",
]

NoticeKind = Literal["info", "ok", "warn", "bad"]
JobKind = Literal["render", "verify", "finish", "peek", "steps", "film", "look"]
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A line at the bottom of the window, in place of a box.

    Attributes:
        text: plain text, never markup.
        action: what the button says; empty for none.
        act: what the button does, called in the GUI thread.
        other: what a second, quieter button says; empty for none.
        other_act: what that one does.
        seconds: how long it stays; 0 until it is dismissed.
        topic: a newer notice on the same topic takes its place; empty for one of its own.
    """

    text: str
    kind: NoticeKind = "info"
    action: str = ""
    act: Callable[[], None] | None = None
    other: str = ""
    other_act: Callable[[], None] | None = None
    seconds: float = 8.0
    topic: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One thing for the engine to do.

    Attributes:
        id: the store's number for a picture to render; negative for what is not kept there.
        run: jobs of one press of the button share it.
        error: the sentence, when `state` is `failed`.
        progress: 0 ... 1.
        picture: the stored picture that a `verify`, `steps` or `film` is about, or that a `render`
            became.
        token: the journal's name of the latent that a `finish` is about.
        origin: what the picture is derived from; goes into its file.
        path: the file that a `verify` is about, where it is not in the gallery.
        low: whether it waits until nothing else does.
        device: `cpu` to verify on the processor; empty for the usual device.
        rough: of a `peek`, which is shown and not kept: the small picture of its last step will do.
        film: what a `film` of the steps shall be.
        target: where that is written.
        step: of a `look`, which is shown and not kept: the step that `film` says how to show.
    """

    id: int
    run: int
    kind: JobKind
    recipe: Recipe
    state: JobState = "waiting"
    error: str = ""
    progress: float = 0.0
    picture: int | None = None
    token: str = ""
    origin: Origin | None = None
    rough: bool = False
    path: Path | None = None
    low: bool = False
    device: str = ""
    film: Film | None = None
    target: Path | None = None
    step: int = 0


def bug(fault: BaseException) -> AppError:
    """What is shown for an error that no one foresaw; its trace belongs into the log."""
    return AppError(
        "bug",
        f"Something went wrong inside Mezzotint ({type(fault).__name__}).",
        hint="The log holds the details; nothing else was stopped by it.",
        kind=type(fault).__name__,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search came to.

    Attributes:
        ids: of the pictures, newest first.
        count_all: pictures in the store, whatever is searched for.
        ignored: filters whose value was not understood.
    """

    ids: list[int]
    count_all: int
    ignored: tuple[str, ...] = ()
