"""Which text encoders a model reads with, and what else could read in the place of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop_app.library.completion import in_place, lacks
from desktop_app.library.identity import Asset
from desktop_app.recipe.completing import COMPONENTS
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import ModelRef
from desktop_app.studio.asset_use import fitting

if TYPE_CHECKING:
    from desktop_app.library.info import ModelInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One place for a text encoder in a model.

    Attributes:
        component: a key of `recipe.completing.COMPONENTS`.
        own: the file that completes the model there; None where the model has its own, or none.
        inside: whether the model's own file has one.
        offered: the other files that fit there.
        used: what the draft names there; None for nothing.
    """

    component: str
    own: ModelRef | None
    inside: bool
    offered: tuple[Asset, ...]
    used: ModelRef | None

    @property
    def title(self) -> str:
        """For people, without the word for what it is."""
        return COMPONENTS[self.component].title.removeprefix("the text encoder ")


def readers(draft: Draft, model: "ModelInfo | None", assets: Sequence[Asset]) -> tuple[Reader, ...]:
    """The places for text encoders in the model in use."""
    if model is None:
        return ()
    known = {one.sha256: one for one in assets if one.sha256 is not None}
    whole = known.get(model.ref.sha256)
    missing = {one.component for one in lacks(whole.identity)} if whole is not None else set[str]()
    there = fitting(assets, model, "text-encoder")
    found: list[Reader] = []
    for component in model.reads_with:
        own = _of(component, model.own_text_encoders, known)
        alike = (one for one in there if one.identity.variant == component)
        others = {one.key: one for one in alike if own is None or one.sha256 != own.sha256}
        found.append(
            Reader(
                component=component,
                own=own,
                inside=component not in missing,
                offered=tuple(others.values()),
                used=_of(component, draft.text_encoders, known),
            )
        )
    return tuple(found)


def strangers(draft: Draft, shown: Iterable[Reader]) -> tuple[ModelRef, ...]:
    """What the draft names that is here for none of these places, or is not here at all."""
    placed = {one.used.sha256 for one in shown if one.used is not None}
    return tuple(ref for ref in draft.text_encoders if ref.sha256 not in placed)


def with_own(draft: Draft, reader: Reader) -> tuple[ModelRef, ...]:
    """The draft's text encoders with the model's own in a place again."""
    gone = {reader.used.sha256} if reader.used is not None else set[str]()
    return in_place(draft.text_encoders, reader.own, gone)


def _of(component: str, refs: Iterable[ModelRef], known: dict[str, Asset]) -> ModelRef | None:
    return next(
        (
            ref
            for ref in refs
            if ref.sha256 in known and known[ref.sha256].identity.variant == component
        ),
        None,
    )
