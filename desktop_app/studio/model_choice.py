"""ModelChoice: which model the draft uses, and what choosing another one changes."""

from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.recipe.draft import Draft
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import WIDTH, ModelRef
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.library.catalog import ModelInfo

_OF_MODEL = ("model", "vae", "text_encoders", "refiner")
_OF_BRANCH = "A branch keeps the model of its picture. Leave it to take another."


class ModelChoice(QObject):
    """Gives the first draft its model, and says when a draft's model is gone.

    Signals:
        notice(Notice): a model is not there any more.
    """

    notice = Signal(object)

    def __init__(
        self, editor: Editor, library: LibraryModel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._library = library

    def choose(self, model: "ModelInfo | ModelRef") -> bool:
        """Take another model; numbers that were the old one's defaults become its own.

        Returns:
            whether it is taken, or was before; if not, a notice says why.
        """
        ref = model if isinstance(model, ModelRef) else model.ref
        info = self._library.find(ref)
        draft = self._editor.draft
        if draft.branch is not None and info is not None and info.ref == draft.model:
            return True
        if draft.branch is not None or info is None:
            why = _gone(ref) if draft.branch is None else _OF_BRANCH
            self.notice.emit(Notice(text=why, kind="warn"))
            return False
        fields = fields_for(draft, self._library.current, info)
        self._editor.replace(replace(draft, **fields), "Model")
        return True

    @Slot()
    def check(self) -> None:
        """The models were looked for: a draft without one takes the first."""
        draft = self._editor.draft
        first = next(iter(self._library.models), None)

        def use_first() -> None:
            if first is not None:
                self.choose(first)

        if draft.model is None and first is not None:
            self._editor.adjust(**fields_for(draft, None, first))
        elif draft.model is not None and self._library.current is None:
            self.notice.emit(
                Notice(
                    text=_gone(draft.model),
                    kind="warn",
                    action=f"Use {first.title}" if first is not None else "",
                    act=use_first if first is not None else None,
                    seconds=0,
                )
            )


def fields_for(draft: Draft, old: "ModelInfo | None", new: "ModelInfo") -> dict[str, Any]:
    """What choosing another model changes in a draft.

    A number that the artist had set stays; one that was the old model's own default becomes the
    new model's, and so do the files that complete the one or the other. Of sizes, a chip of the
    old model becomes the chip of the nearest shape. What the new model's family cannot do (a
    sampler, tiling, a size between its steps) gives way.

    Args:
        old: the model chosen so far; None when there was none, or it is not there any more.
    """
    blank = Draft()
    fields: dict[str, Any] = {"model": new.ref}
    steps = old.default_steps if old else blank.num_inference_steps
    if draft.num_inference_steps == steps:
        fields["num_inference_steps"] = new.default_steps
    guidance = old.default_guidance if old else blank.guidance_scale
    if draft.guidance_scale == guidance:
        fields["guidance_scale"] = new.default_guidance
    usual = (old.default_scheduler, old.default_sigmas) if old else (blank.scheduler, blank.sigmas)
    if (draft.scheduler, draft.sigmas) == usual:
        fields["scheduler"], fields["sigmas"] = new.default_scheduler, new.default_sigmas
    size = (draft.width, draft.height)
    if size in (_sizes(old) if old else ((blank.width, blank.height),)):
        fields["width"], fields["height"] = new.default_size or _nearest(size, new)
    if draft.negative_prompt == (old.default_negative if old else blank.negative_prompt):
        fields["negative_prompt"] = new.default_negative
    if new.own_vae is not None or draft.vae == (old.own_vae if old else None):
        fields["vae"] = new.own_vae
    kept = old is not None and old.family_key == new.family_key and not new.own_text_encoders
    if not kept or old is None or draft.text_encoders == old.own_text_encoders:
        fields["text_encoders"] = new.own_text_encoders
    return _fitted(draft, fields, new)


def _fitted(draft: Draft, fields: dict[str, Any], new: "ModelInfo") -> dict[str, Any]:
    """The same without what the new model's family cannot do: its control is not shown then."""
    family = FAMILIES.get(new.family_key)
    if family is None:
        return fields
    sampler = fields.get("scheduler", draft.scheduler), fields.get("sigmas", draft.sigmas)
    if not family.samples(*sampler):
        fields["scheduler"], fields["sigmas"] = new.default_scheduler, new.default_sigmas
    if "tiling" not in family.controls:
        fields["tiling"] = "none"
    if "clip_skip" not in family.controls:
        fields["clip_skip"] = 0
    if draft.refiner is not None and not family.refiner:
        fields["refiner"] = None
    step = lcm(WIDTH.multiple, new.factor, family.multiple)
    if "width" not in fields and (draft.width % step or draft.height % step):
        fields["width"], fields["height"] = (
            max(step, round(side / step) * step) for side in (draft.width, draft.height)
        )
    return fields


def fields_to_swap(draft: Draft, old: "ModelInfo | None", new: "ModelInfo") -> dict[str, Any]:
    """What has to change for another model to make the same picture: the model, what completes it
    and its refiner.

    Args:
        old: as for `fields_for`.
    """
    if draft.model == new.ref:
        return {"model": new.ref}
    fields = fields_for(draft, old, new)
    return {name: fields[name] for name in _OF_MODEL if name in fields}


def with_model_of(draft: Draft, other: Draft) -> Draft:
    """A draft with the model of another one, with what completes that, and with its refiner."""
    return replace(draft, **{name: getattr(other, name) for name in _OF_MODEL})


def _sizes(model: "ModelInfo") -> tuple[tuple[int, int] | None, ...]:
    return model.default_size, model.native_size, *model.sizes


def _nearest(size: tuple[int, int], model: "ModelInfo") -> tuple[int, int]:
    shape = size[0] / size[1]
    if shape == model.native_size[0] / model.native_size[1]:
        return model.native_size
    return min(
        (model.native_size, *model.sizes),
        key=lambda one: max(shape / (one[0] / one[1]), (one[0] / one[1]) / shape),
    )


def _gone(ref: ModelRef) -> str:
    return f"The model {ref.name} is not there any more."
