"""MemoryDesk: how models are kept in memory, told before they are loaded and decided here."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from desktop_app.engine.plan import (
    DECODERS,
    USUAL_PIXELS,
    Keeping,
    Place,
    Plan,
    float8_of,
    make_plan,
    offloads_of,
)
from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import ModelRef
from desktop_app.recipe.unread import unread
from desktop_app.recipe.wishes import Dtype, Offload, Wishes, wishes_in
from desktop_app.settings import Settings
from desktop_app.studio.background import Background
from desktop_app.studio.conductor import Conductor, EngineState
from desktop_app.studio.editor import Editor
from desktop_app.studio.library import LibraryModel
from desktop_app.studio.model_choice import fields_for
from desktop_app.studio.settings_holder import SettingsHolder
from desktop_app.studio.values import Notice

if TYPE_CHECKING:
    from desktop_app.engine.backend import DeviceChoice, DeviceInfo
    from desktop_app.library.identity import Asset
    from desktop_app.studio.values import Record
    from desktop_app.weights.counting import Held


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What can be decided here, for one model or for all; nothing while no device is known.

    Attributes:
        usual: what comes of it where nothing is decided.
    """

    dtypes: tuple[Dtype, ...] = ()
    offloads: tuple[Offload, ...] = ()
    float8: bool = False
    usual: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """How a model will be kept.

    Attributes:
        words: the plan, in a sentence or two, or why there is none.
        own: what is decided of this model.
        exact: whether its pixels are those of the automatic plan.
    """

    words: str
    own: Wishes
    choices: Choices = field(default_factory=Choices)
    exact: bool = True


class MemoryDesk(QObject):
    """Plans for models that are not loaded yet, and the decisions that change them.

    Signals:
        changed(): the device, what is decided for all models, or the size of the draft's pictures.
        planned(Path): `outlook` tells of the model at this place from now on.
        notice(Notice): what was done because memory ran out.
        failed(AppError)
    """

    changed = Signal()
    planned = Signal(object)
    notice = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        editor: Editor,
        library: LibraryModel,
        settings: SettingsHolder,
        reads: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._editor, self._library = editor, library
        self._settings, self._reads = settings, reads
        self._engine: EngineState = "starting"
        self._device: DeviceInfo | None = None
        self._usual = wishes_in(dict(settings.values.memory))
        self._held: dict[tuple[Path, int], Held] = {}
        self._told: tuple[str, ...] = ()
        self._reading: set[tuple[Path, int]] = set()
        self._unread: dict[tuple[Path, int], AppError] = {}
        settings.changed.connect(self._settings_changed)
        editor.changed.connect(self._draft_changed)
        library.changed.connect(self._read_again)

    @property
    def usual(self) -> Wishes:
        """What is decided for all models."""
        return self._usual

    @property
    def devices(self) -> "tuple[DeviceChoice, ...]":
        """All devices that pictures can be made on; none until the engine has looked."""
        return self._device.choices if self._device is not None else ()

    @property
    def choices(self) -> Choices:
        """What can be decided for all models; nothing until the engine has looked."""
        place = self._place
        if place is None:
            return Choices()
        return Choices(dtypes=place.dtypes, offloads=place.offloads, float8=place.float8)

    @property
    def why_no_choices(self) -> str:
        """Why nothing can be decided for all models, in one sentence; empty when it can."""
        if self._place is not None:
            return ""
        match self._engine:
            case "starting":
                return "What can be chosen is known once the engine is there."
            case "failed":
                return "There is nothing to choose: the engine could not be started."
            case "ready":
                return "There is nothing to choose: this engine makes no plan."

    def wishes(self, ref: ModelRef) -> Wishes:
        """How a model is to be kept; may be called in any thread."""
        return self._library.wishes(ref).over(self._usual)

    def decide(self, wishes: Wishes) -> None:
        """Keep all models so, except those of which something else is decided."""
        self._settings.set(memory=wishes.written())

    def choose_device(self, key: str) -> None:
        """Make pictures on another device; empty for the best there is."""
        self._settings.set(device=key)

    def follow(self, conductor: Conductor) -> None:
        """Know the device that pictures are made on, and tell what was done for their memory."""
        conductor.engine_state.connect(self._take_engine)
        conductor.device_changed.connect(self._take_device)
        conductor.stored.connect(lambda _, record: self._tell_notes(record))

    def outlook(self, asset: "Asset") -> Outlook:
        """How a model will be kept; where that is not known yet, `planned` tells when it is."""
        own, place, held = asset.facts.wishes, self._place, self._held.get(_key(asset))
        if place is None:
            return Outlook(words=self._why_no_place(), own=own)
        if held is None:
            return Outlook(words=self._why_unread(asset), own=own)
        plan = make_plan(held, place, USUAL_PIXELS, own.over(self._usual))
        free = make_plan(held, place, USUAL_PIXELS)
        usual = make_plan(held, place, USUAL_PIXELS, self._usual)
        choices = Choices(
            dtypes=place.dtypes,
            offloads=offloads_of(held, place),
            float8=float8_of(held, place),
            usual=_as_wishes(usual),
        )
        words = Keeping(plan=plan, held=held, place=place).in_words(*self._size(asset))
        if held.components and not held.components.intersection(DECODERS):
            words += " What completes the network comes on top of that."
        return Outlook(words=words, choices=choices, own=own, exact=_pixels(plan) == _pixels(free))

    def _size(self, asset: "Asset") -> tuple[int, int]:
        """Width and height in pixels of what the draft asks for, or would with this model."""
        draft, model = self._editor.draft, self._library.find(asset.ref)
        if model is None or draft.model == model.ref:
            return draft.width, draft.height
        fields = fields_for(draft, self._library.current, model)
        return fields.get("width", draft.width), fields.get("height", draft.height)

    def _why_no_place(self) -> str:
        match self._engine:
            case "starting":
                return "It is planned once the engine is there."
            case "failed":
                return "There is no plan for it: the engine could not be started."
            case "ready":
                return "There is no plan for it: this engine makes none."

    def _why_unread(self, asset: "Asset") -> str:
        """Read a model, unless that failed."""
        fault = self._unread.get(_key(asset))
        if fault is not None:
            return f"There is no plan for it. {fault.sentence}"
        self._read(asset)
        return "It is planned when the model has been read."

    @Slot(str)
    def _take_engine(self, state: EngineState) -> None:
        before, self._engine = self._engine, state
        if self._place is None and state != before:
            self.changed.emit()

    @Slot(object)
    def _take_device(self, device: "DeviceInfo") -> None:
        before, self._device = self._place, device
        if device.place != before:
            self.changed.emit()

    def _tell_notes(self, record: "Record") -> None:
        """Say what had to be done otherwise for a new picture, unless the last one said so too."""
        made, recipe = record.provenance, record.recipe
        if made is None or recipe is None:
            return
        # What the family does not read is said beside the prompt, before there is a picture.
        read = {
            words
            for family in FAMILIES.values()
            for words in unread(recipe.prompt, recipe.negative_prompt, family)
        }
        notes = tuple(one for one in made.notes if one not in read)
        new = [one for one in notes if one not in self._told]
        self._told = notes
        if new:
            self.notice.emit(Notice(text=" ".join(new), kind="warn", seconds=15, topic="memory"))

    @property
    def _place(self) -> Place | None:
        return self._device.place if self._device is not None else None

    def _read(self, asset: "Asset") -> None:
        key = _key(asset)
        if key in self._reading:
            return
        self._reading.add(key)

        def done(held: "Held") -> None:
            self._reading.discard(key)
            self._held[key] = held
            self.planned.emit(asset.path)

        def failed(error: AppError) -> None:
            self._reading.discard(key)
            self._unread[key] = error
            self.planned.emit(asset.path)
            self.failed.emit(error)

        self._reads.run(_held_by, asset.path, done=done, failed=failed)

    @Slot()
    def _read_again(self) -> None:
        """The models were looked for again: what could not be read may be there now."""
        if self._unread:
            self._unread.clear()
            self.changed.emit()

    @Slot(object, object)
    def _draft_changed(self, new: Draft, before: Draft) -> None:
        if (new.width, new.height) != (before.width, before.height):
            self.changed.emit()

    @Slot(object, object)
    def _settings_changed(self, new: Settings, before: Settings) -> None:
        if (new.memory, new.device) != (before.memory, before.device):
            self._usual = wishes_in(dict(new.memory))
            self.changed.emit()


def _held_by(path: Path) -> "Held":
    """Raises:
    AppError: `model-file` when nothing of it can be read.
    """
    from desktop_app.weights.counting import held_by

    held = held_by(path)
    if not held.components:
        raise AppError(
            "model-file",
            f"The weights of “{path.name}” cannot be read.",
            hint="Let the models be looked for again.",
            path=str(path),
        )
    return held


def _key(asset: "Asset") -> tuple[Path, int]:
    """Names what lies at a place until it is changed."""
    return asset.path, asset.identity.bytes


def _as_wishes(plan: Plan) -> Wishes:
    return Wishes(dtype=plan.dtype, offload=plan.offload, float8=plan.float8, tiled=plan.tiled)


def _pixels(plan: Plan) -> Plan:
    """What of a plan decides about pixels."""
    return replace(plan, offload="none", expected=0, available=0)
