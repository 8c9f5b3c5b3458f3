"""What the last session left undone: pictures that waited, and latents that were not yet saved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.studio.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftovers:
    """Attributes:
    waiting: the store's numbers of pictures that were asked for, recipes, what they come from.
    latents: the tokens of pictures that only lack their decode, recipes, what they come from.
    covered: numbers of waiting pictures that a latent will become.
    """

    waiting: tuple[tuple[int, Recipe, Origin | None], ...] = ()
    latents: tuple[tuple[str, Recipe, Origin | None], ...] = ()
    covered: tuple[int, ...] = ()


def find(storage: "Storage") -> Leftovers:
    """Look for what is left; reads the disk."""
    waiting = list(storage.jobs.waiting())
    latents = tuple(
        (token, recipe, kept.origin) for token, recipe, kept in storage.journal.pending()
    )
    covered: list[int] = []
    for _, recipe, _ in latents:
        twin = next((job for job in waiting if job[1] == recipe), None)
        if twin is not None:
            waiting.remove(twin)
            covered.append(twin[0])
    return Leftovers(waiting=tuple(waiting), latents=latents, covered=tuple(covered))


def drop(storage: "Storage", left: Leftovers) -> None:
    """Forget what is left; reads and writes the disk."""
    for token, _, _ in left.latents:
        storage.drop_latents(token)
    for number in (*left.covered, *(number for number, _, _ in left.waiting)):
        storage.note_job(number, "cancelled", "")


def offers(
    left: Leftovers,
    go_on: Callable[[], None],
    finish: Callable[[], None],
    forget: Callable[["Leftovers"], None],
) -> Sequence[Notice]:
    """The notices that offer to take up what is left, or to forget it for good.

    One that is dismissed comes again at the next start.

    Args:
        forget: called with the part that is not wanted any more.
    """
    found: list[Notice] = []
    if left.latents:
        count = len(left.latents)
        words = "A picture was" if count == 1 else f"{count} pictures were"
        found.append(
            Notice(
                text=f"{words} formed but not yet saved when the program ended.",
                kind="warn",
                action="Finish it" if count == 1 else "Finish them",
                act=finish,
                other="Forget",
                other_act=lambda: forget(replace(left, waiting=())),
                seconds=0,
            )
        )
    if left.waiting:
        count = len(left.waiting)
        words = "1 picture was" if count == 1 else f"{count} pictures were"
        found.append(
            Notice(
                text=f"{words} still waiting.",
                action="Continue",
                act=go_on,
                other="Forget",
                other_act=lambda: forget(Leftovers(waiting=left.waiting)),
                seconds=0,
            )
        )
    return found
